//! Load balancers' target groups that a group is attached to. The simulator does not check that they exist.

use std::time::Duration;

use crate::{AccountState, AutoScaling, Fault, Group, LifecycleState, Timestamp};

impl AutoScaling {
    /// Sets the time that all target groups take to deregister an instance. Auto Scaling waits for the deregistration
    /// before the instance waits for its hooks (the user guide on lifecycle hooks). The delay is 0 until this call;
    /// AWS's default is 300 s.
    pub fn set_deregistration_delay(&mut self, delay: Duration) {
        self.account.deregistration_delay = delay;
    }

    /// Attaches target groups. Attached target groups remain attached.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist.
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
    /// `ValidationError`: the group does not exist, or a target group is not attached. Then none is detached.
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
    /// Deregisters a terminating instance that was in service from its target groups. Returns whether this takes any
    /// time.
    pub(crate) fn deregister_targets(&mut self, index: usize, account: &mut AccountState, at: Timestamp) -> bool {
        let instance = &mut self.instances[index];
        let registered = !self.target_group_arns.is_empty()
            && instance.state == LifecycleState::InService
            && !instance.terminated_by_ec2;
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
