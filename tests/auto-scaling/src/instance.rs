//! Instances of a group, and the calls on single ones.

use crate::{
    AccountState, Activity, ActivityStatus, AutoScaling, Fault, Group, LaunchTemplate, LifecycleAction, PoolState,
    Route, Subnet, Timestamp,
};

/// The most ids that SetInstanceProtection accepts (the API reference).
const MAX_PROTECTION_IDS: usize = 50;

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// Such as `t3.micro`.
    pub instance_type: String,
    /// The launch template of the instance, with the number of the version.
    pub launch_template: LaunchTemplate,
    /// The instance's subnet.
    pub subnet: Subnet,
    /// The instance's lifecycle state, without the prefix of a warm pool.
    pub state: LifecycleState,
    /// The route that the instance takes, or took last.
    pub route: Route,
    /// Whether scale-in skips the instance.
    pub protected: bool,
    /// EC2's termination protection (`DisableApiTermination`), which a group ignores.
    pub termination_protected: bool,
    /// The lifecycle actions that the instance waits for.
    pub actions: Vec<LifecycleAction>,
    /// Whether EC2 terminated the instance by itself, so that a health check finds it Unhealthy.
    pub terminated_by_ec2: bool,
    /// Since when a user has marked the instance Unhealthy.
    pub unhealthy_since: Option<Timestamp>,
    /// The time since which the instance is in service, once it is.
    pub in_service: Option<Timestamp>,
    /// When the state ends without a call, if it does.
    pub(crate) until: Option<Timestamp>,
    /// When EC2 will terminate the instance, regardless of its group.
    pub(crate) interruption_at: Option<Timestamp>,
    /// When the target groups will have deregistered the instance, if it has to wait for them before its hooks.
    pub(crate) deregistered_at: Option<Timestamp>,
    /// The direction of the instance refresh in which the instance was launched; 0 without a refresh.
    pub(crate) phase: u64,
    pub(crate) activity: usize,
}

/// The lifecycle state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleState {
    /// The instance launches.
    Pending,
    /// The instance has launched, and waits for hooks.
    PendingWait,
    /// The hooks let the instance go into service.
    PendingProceed,
    /// The instance is in service.
    InService,
    /// The instance leaves service for Standby.
    EnteringStandby,
    /// The instance runs, and is neither in service nor counted: a user took it out of service.
    Standby,
    /// The instance leaves the group, and continues to run.
    Detaching,
    /// The instance is in the warm pool, and can be taken into the group.
    Ready(PoolState),
    /// The instance terminates.
    Terminating,
    /// The instance is going to terminate, still works, and waits for hooks.
    TerminatingWait,
    /// The hooks let the instance terminate.
    TerminatingProceed,
    /// A state that the simulator has no way to, by AWS's name ([`AutoScaling::plant_state`]).
    Planted(&'static str),
}

impl LifecycleState {
    /// AWS's name of the state in the group; in the warm pool it has a prefix ([`Instance::state_name`]).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::PendingProceed => "Pending:Proceed",
            Self::InService => "InService",
            Self::EnteringStandby => "EnteringStandby",
            Self::Standby => "Standby",
            Self::Detaching => "Detaching",
            Self::Ready(state) => state.as_str(),
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
            Self::TerminatingProceed => "Terminating:Proceed",
            Self::Planted(name) => name,
        }
    }

    /// Whether the instance launches or is in service. Outside the warm pool it counts towards the group's capacity.
    #[must_use]
    pub fn is_active(self) -> bool {
        self.is_pending() || self == Self::InService
    }

    /// Whether the instance is in Standby, or on the way there.
    #[must_use]
    pub fn is_standby(self) -> bool {
        matches!(self, Self::EnteringStandby | Self::Standby)
    }

    /// Whether the instance is in the warm pool, and can be taken into the group.
    #[must_use]
    pub fn is_ready_in_pool(self) -> bool {
        matches!(self, Self::Ready(_))
    }

    /// Whether the instance terminates.
    #[must_use]
    pub fn is_terminating(self) -> bool {
        matches!(self, Self::Terminating | Self::TerminatingWait | Self::TerminatingProceed)
    }

    /// Whether the instance is not in service yet.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Pending | Self::PendingWait | Self::PendingProceed)
    }
}

impl Instance {
    /// `Healthy`, or `Unhealthy` if EC2 terminated the instance or a user marked it. No other health is simulated.
    #[must_use]
    pub fn health_status(&self) -> &'static str {
        if self.terminated_by_ec2 || self.unhealthy_since.is_some() { "Unhealthy" } else { "Healthy" }
    }

    /// AWS's name of the instance's state, with the prefix of the warm pool.
    #[must_use]
    pub fn state_name(&self) -> String {
        let prefix = if self.is_warmed() { "Warmed:" } else { "" };
        format!("{prefix}{}", self.state.as_str())
    }

    /// Whether the instance belongs to the warm pool.
    #[must_use]
    pub fn is_warmed(&self) -> bool {
        self.route.is_warmed()
    }

    /// Whether the instance counts towards the group's capacity.
    pub(crate) fn is_counted(&self) -> bool {
        self.state.is_active() && !self.is_warmed()
    }

    /// Whether the instance has left the group: it was terminated, or detached.
    pub(crate) fn has_left(&self) -> bool {
        let leaves = matches!(
            self.state,
            LifecycleState::Terminating | LifecycleState::TerminatingProceed | LifecycleState::Detaching
        );
        leaves && self.until.is_none()
    }

    /// When the first of the instance's waits times out.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.actions.iter().map(LifecycleAction::deadline).min()
    }

    /// When the instance's state next changes without a call.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.until.into_iter().chain(self.interruption_at).min()
    }
}

/// The instance that a host has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedInstance {
    /// `i-…`, never used before.
    pub instance_id: String,
    /// The instance type, from the template.
    pub instance_type: String,
    /// The number of the template's version, also where the group has `$Latest`.
    pub version: String,
}

impl AutoScaling {
    /// Protects instances from scale-in, or removes the protection.
    ///
    /// # Errors
    /// `ValidationError`: the call names more than 50 instances, or one that is not in this group, or neither in service
    /// nor in Standby. Then no instance is changed.
    pub fn set_instance_protection(&mut self, group: &str, ids: &[String], protected: bool) -> Result<(), Fault> {
        let group = self.modifiable(group)?;
        if ids.len() > MAX_PROTECTION_IDS {
            let count = ids.len();
            return Err(Fault::validation(format!("InstanceIds has {count} ids: {MAX_PROTECTION_IDS} at most")));
        }
        for id in ids {
            let instance = group.instances.iter().find(|it| it.id == *id);
            let problem = match instance.map(|it| it.state) {
                Some(state) if state == LifecycleState::InService || state.is_standby() => continue,
                Some(_) => String::from("is not in InService or EnteringStandby or Standby."),
                None => format!("is not part of Auto Scaling group {}.", group.name),
            };
            return Err(Fault::validation(format!("The instance {id} {problem}")));
        }
        for instance in group.instances.iter_mut().filter(|it| ids.contains(&it.id)) {
            instance.protected = protected;
        }
        Ok(())
    }

    /// Terminates one instance, protected or in Standby or not. The group launches what is missing then: a replacement
    /// for an instance that counted towards the capacity, unless the desired capacity is decremented. A suspended
    /// `Terminate` does not stop a user's call (a guess: the process is about the group's own decisions).
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance, it is in the warm pool (the API reference; the text is a guess), or
    /// the capacity would fall below the minimum.
    /// `ScalingActivityInProgress`: the instance is already terminating.
    pub fn terminate_instance(&mut self, id: &str, decrement: bool, now: Timestamp) -> Result<Activity, Fault> {
        let (group, index, account) = self.managed(id, now)?;
        let instance = &group.instances[index];
        if instance.is_warmed() {
            return Err(Fault::validation(format!("The instance {id} is in the warm pool.")));
        }
        if !instance.state.is_active() && !instance.state.is_standby() {
            return Err(Fault::in_progress(format!("The instance {id} is already terminating.")));
        }
        let before = group.desired_capacity;
        if decrement && before <= group.settings.min_size {
            return Err(Fault::validation(format!(
                "Currently, desiredSize equals minSize ({before}). Terminating instance without replacement will \
                 violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or \
                 lower group's min size."
            )));
        }
        group.desired_capacity = before - u32::from(decrement);
        // Without a decrement recorded on AWS, September 2026 (stackd 9dc356f5, `retention_native`).
        let change = if decrement {
            format!(", shrinking the capacity from {before} to {}", group.desired_capacity)
        } else {
            String::new()
        };
        let cause = format!("At {now} instance {id} was taken out of service in response to a user request{change}.");
        let activity = group.terminate(index, cause, account, now);
        // The answer is older than the wait for hooks.
        Ok(Activity { status: ActivityStatus::InProgress, progress: 0, ..account.history.get(activity) })
    }

    /// Puts an instance into a state without a call, for states that the simulator has no way to. At `until` a planted
    /// instance leaves the group, and every other state ends as it does elsewhere.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance.
    pub fn plant_state(
        &mut self,
        id: &str,
        state: LifecycleState,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, index, _) = self.managed(id, now)?;
        (group.instances[index].state, group.instances[index].until) = (state, until);
        Ok(())
    }

    /// The group of an instance in its state at `now`, the instance's index in the group, and the state that all groups
    /// share.
    pub(crate) fn managed(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Result<(&mut Group, usize, &mut AccountState), Fault> {
        for group in self.groups.values_mut() {
            group.advance(&mut self.account, now);
            if let Some(index) = group.instances.iter().position(|it| it.id == id) {
                return Ok((group, index, &mut self.account));
            }
        }
        Err(Fault::validation(format!("Instance Id not found - No managed instance found for instance ID {id}")))
    }
}
