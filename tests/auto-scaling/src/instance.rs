//! Instances of a group, and the calls on single ones.

use crate::{AccountState, Activity, AutoScaling, Fault, Group, LaunchTemplate, LifecycleAction, Subnet, Timestamp};

/// The most ids that SetInstanceProtection takes (the API reference).
const MAX_PROTECTION_IDS: usize = 50;

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`
    pub id: String,
    /// Such as `t3.micro`.
    pub instance_type: String,
    /// What it was launched from, with the number of the version.
    pub launch_template: LaunchTemplate,
    /// Where it is.
    pub subnet: Subnet,
    /// Where it is in its life.
    pub state: LifecycleState,
    /// Whether scale-in passes it by.
    pub protected: bool,
    /// The hooks that it waits for.
    pub actions: Vec<LifecycleAction>,
    /// Whether EC2 ended it by itself, so that a health check finds it Unhealthy.
    pub terminated_by_ec2: bool,
    /// Whether somebody has called it Unhealthy.
    pub marked_unhealthy: bool,
    /// Since when it is in service, once it is.
    pub in_service: Option<Timestamp>,
    /// When the state ends by itself, if it does.
    pub(crate) until: Option<Timestamp>,
    /// When EC2 will end it, whatever its group wants.
    pub(crate) interruption_at: Option<Timestamp>,
    /// When its target groups will have let it go, if they have to before it waits for its hooks.
    pub(crate) deregistered_at: Option<Timestamp>,
    pub(crate) activity: usize,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleState {
    /// It starts.
    Pending,
    /// It has started, and waits for hooks.
    PendingWait,
    /// The hooks let it go into service.
    PendingProceed,
    /// It works.
    InService,
    /// It ends.
    Terminating,
    /// It is to end, works still, and waits for hooks.
    TerminatingWait,
    /// The hooks let it end.
    TerminatingProceed,
}

impl LifecycleState {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::PendingProceed => "Pending:Proceed",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
            Self::TerminatingProceed => "Terminating:Proceed",
        }
    }

    /// Whether it counts towards the group's capacity.
    #[must_use]
    pub fn is_active(self) -> bool {
        self.is_pending() || self == Self::InService
    }

    /// Whether it is not in service yet.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Pending | Self::PendingWait | Self::PendingProceed)
    }
}

impl Instance {
    /// `Healthy`, or `Unhealthy` if EC2 ended it or somebody said so. No other health is simulated.
    #[must_use]
    pub fn health_status(&self) -> &'static str {
        if self.terminated_by_ec2 || self.marked_unhealthy { "Unhealthy" } else { "Healthy" }
    }

    /// When the first of its waits ends by itself.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.actions.iter().map(LifecycleAction::deadline).min()
    }

    /// When something happens to it by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.until.into_iter().chain(self.interruption_at).min()
    }
}

/// What a host has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedInstance {
    /// `i-…`, never used before.
    pub instance_id: String,
    /// Its type, from the template.
    pub instance_type: String,
    /// The number of the template's version, also where the group says `$Latest`.
    pub version: String,
}

impl AutoScaling {
    /// Protects instances from scale-in, or no longer does.
    ///
    /// # Errors
    /// `ValidationError`: more than 50 are named, or one is not in this group, or not in service. Then none is changed.
    pub fn set_instance_protection(&mut self, group: &str, ids: &[String], protected: bool) -> Result<(), Fault> {
        let group = self.modifiable(group)?;
        if ids.len() > MAX_PROTECTION_IDS {
            let count = ids.len();
            return Err(Fault::validation(format!("InstanceIds has {count} ids: {MAX_PROTECTION_IDS} at most")));
        }
        for id in ids {
            let instance = group.instances.iter().find(|it| it.id == *id);
            let problem = match instance.map(|it| it.state) {
                Some(LifecycleState::InService) => continue,
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

    /// Ends one instance, protected or not; another takes its place unless the desired capacity is decremented.
    ///
    /// # Errors
    /// `ValidationError`: no group has it, or the capacity would fall below the minimum.
    /// `ScalingActivityInProgress`: it is already ending.
    pub fn terminate_instance(&mut self, id: &str, decrement: bool, now: Timestamp) -> Result<Activity, Fault> {
        let (group, index, account) = self.managed(id, now)?;
        if !group.instances[index].state.is_active() {
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
        let change = if decrement {
            format!("shrinking the capacity from {before} to {}", group.desired_capacity)
        } else {
            format!("keeping the capacity at {before}")
        };
        let cause = format!("At {now} instance {id} was taken out of service in response to a user request, {change}.");
        let activity = group.terminate(index, cause, account, now);
        Ok(account.history.get(activity))
    }

    /// The group of an instance as it is now, the instance's place in it, and what is shared.
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
