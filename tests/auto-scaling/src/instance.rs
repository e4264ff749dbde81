//! Instances of a group, and the calls on single ones.

use crate::{Activity, AutoScaling, Fault, Group, LaunchTemplate, Moment, Subnet};

/// The most ids that SetInstanceProtection takes (the API reference).
const MOST_PROTECTED_AT_ONCE: usize = 50;

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
    /// When the state ends by itself, if it does.
    pub(crate) until: Option<Moment>,
    pub(crate) activity: usize,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleState {
    /// It starts.
    Pending,
    /// It works.
    InService,
    /// It ends.
    Terminating,
}

impl LifecycleState {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
        }
    }

    /// Whether it counts towards the group's capacity.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::InService)
    }
}

/// What a host has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
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
        if ids.len() > MOST_PROTECTED_AT_ONCE {
            let count = ids.len();
            return Err(Fault::validation(format!("InstanceIds has {count} ids: {MOST_PROTECTED_AT_ONCE} at most")));
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
    pub fn terminate_instance(&mut self, id: &str, decrement: bool, now: Moment) -> Result<Activity, Fault> {
        let unknown =
            || Fault::validation(format!("Instance Id not found - No managed instance found for instance ID {id}"));
        let has = |group: &&mut Group| group.instances.iter().any(|it| it.id == id);
        let group = self.groups.values_mut().find(has).ok_or_else(unknown)?;
        let index = group.instances.iter().position(|it| it.id == id).ok_or_else(unknown)?;
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
        let activity = group.terminate(index, cause, &mut self.books, now);
        Ok(self.books.history.get(activity))
    }
}
