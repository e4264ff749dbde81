//! Load balancers' target groups that a group is attached to. Whether they exist is not checked.

use std::time::Duration;

use crate::{AccountState, AutoScaling, Fault, Group, LifecycleState, Timestamp};

impl AutoScaling {
    /// Has all target groups take so long to let an instance go. Auto Scaling waits for that before the instance waits for
    /// its hooks (the user guide on lifecycle hooks). No time at all, until this is called; AWS's default is 300 s.
    pub fn set_deregistration_delay(&mut self, delay: Duration) {
        self.account.deregistration_delay = delay;
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
    pub(crate) fn deregister_targets(&mut self, index: usize, account: &mut AccountState, at: Timestamp) -> bool {
        let instance = &mut self.instances[index];
        let registered =
            !self.target_group_arns.is_empty() && instance.in_service.is_some() && !instance.terminated_by_ec2;
        if !registered || account.deregistration_delay.is_zero() {
            return false;
        }
        instance.state = LifecycleState::Terminating;
        instance.deregistered_at = Some(at + account.deregistration_delay);
        instance.until = instance.deregistered_at;
        account.history.wait_for_draining(instance.activity);
        true
    }
}
