//! Load balancers' target groups that a group is attached to. Whether they exist is not checked.

use std::time::Duration;

use crate::{AutoScaling, Books, Fault, Group, LifecycleState, Timestamp};

impl AutoScaling {
    /// Has all target groups take so long to let an instance go. Auto Scaling waits for that before the instance waits for
    /// its hooks (the user guide on lifecycle hooks). No time at all, until this is called; AWS's default is 300 s.
    pub fn set_deregistration_delay(&mut self, delay: Duration) {
        self.books.deregistration = delay;
    }

    /// Attaches target groups; those that are attached stay so.
    ///
    /// # Errors
    /// `ValidationError`: no such group.
    pub fn attach_target_groups(&mut self, group: &str, arns: &[String]) -> Result<(), Fault> {
        let attached = &mut self.modifiable(group)?.target_group_arns;
        for arn in arns {
            if !attached.contains(arn) {
                attached.push(arn.clone());
            }
        }
        Ok(())
    }

    /// Detaches target groups.
    ///
    /// # Errors
    /// `ValidationError`: no such group, or one is not attached. Then none is detached.
    pub fn detach_target_groups(&mut self, group: &str, arns: &[String]) -> Result<(), Fault> {
        let attached = &mut self.modifiable(group)?.target_group_arns;
        if let Some(arn) = arns.iter().find(|arn| !attached.contains(arn)) {
            return Err(Fault::validation(format!(
                "Trying to remove Target Groups that are not part of the group: {arn}"
            )));
        }
        attached.retain(|arn| !arns.contains(arn));
        Ok(())
    }
}

impl Group {
    /// Has an instance that was in service and ends leave its target groups first. Whether it takes any time.
    pub(crate) fn leave_targets(&mut self, place: usize, books: &mut Books, at: Timestamp) -> bool {
        let instance = &mut self.instances[place];
        let registered = !self.target_group_arns.is_empty() && instance.in_service.is_some() && !instance.ended_by_ec2;
        if !registered || books.deregistration.is_zero() {
            return false;
        }
        instance.state = LifecycleState::Terminating;
        instance.leaves_targets = Some(at + books.deregistration);
        instance.until = instance.leaves_targets;
        books.history.waits_for_targets(instance.activity);
        true
    }
}
