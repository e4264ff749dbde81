//! Load balancers' target groups that a group is attached to. The simulator does not check that they exist.

use std::time::Duration;

use crate::{AccountState, AutoScaling, Fault, Group, LifecycleState, Timestamp};

/// The most target groups of a call, and of all calls in progress (the API reference of
/// AttachLoadBalancerTargetGroups).
const MAX_AT_ONCE: usize = 10;

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
    /// `ValidationError`: the group does not exist, or more than ten target groups would be added at a time, by this call
    /// and by earlier ones whose target groups are still being added. Then none is attached.
    pub fn attach_target_groups(&mut self, group: &str, arns: &[String], now: Timestamp) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.adding_target_groups.retain(|_, until| *until > now);
        let new: Vec<&String> = arns.iter().filter(|arn| !group.target_group_arns.contains(arn)).collect();
        check_count(arns.len().max(group.adding_target_groups.len() + new.len()))?;
        for arn in new {
            group.target_group_arns.push(arn.clone());
            group.adding_target_groups.insert(arn.clone(), now + account.timing.latency.attachment);
        }
        Ok(())
    }

    /// Detaches target groups.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, the call has more than ten target groups, or one is not attached. Then
    /// none is detached.
    pub fn detach_target_groups(&mut self, group: &str, arns: &[String]) -> Result<(), Fault> {
        check_count(arns.len())?;
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

/// The text is hashicorp/terraform-provider-aws's report of AWS's.
fn check_count(count: usize) -> Result<(), Fault> {
    if count <= MAX_AT_ONCE {
        return Ok(());
    }
    Err(Fault::validation(format!(
        "Trying to update too many Load Balancers/Target Groups at once. The limit is {MAX_AT_ONCE}"
    )))
}

impl Group {
    /// Whether a target group is still being added.
    #[must_use]
    pub fn is_adding(&self, arn: &str, now: Timestamp) -> bool {
        self.adding_target_groups.get(arn).is_some_and(|until| *until > now)
    }

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
