//! The health of instances that users set.

use crate::{AccountState, AutoScaling, Fault, Group, LifecycleState, Timestamp};

impl AutoScaling {
    /// Marks an instance as Healthy or Unhealthy. An Unhealthy instance that is in service terminates, with its
    /// terminating hooks, and is replaced. An Unhealthy instance that launches is replaced once it is in service. With
    /// `respect_grace`, Unhealthy is ignored during the group's grace period, which begins when the instance is in
    /// service.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance.
    pub fn set_instance_health(
        &mut self,
        id: &str,
        healthy: bool,
        respect_grace: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, index, account) = self.managed(id, now)?;
        if !healthy && respect_grace && group.is_in_grace_period(index, now) {
            return Ok(());
        }
        group.instances[index].marked_unhealthy = !healthy;
        group.replace_unhealthy(index, account, now);
        Ok(())
    }
}

impl Group {
    /// Whether the health of an instance is not checked yet. A group without a grace period checks all instances, also
    /// those that launch.
    fn is_in_grace_period(&self, index: usize, now: Timestamp) -> bool {
        let grace = self.settings.health_check_grace_period;
        !grace.is_zero() && self.instances[index].in_service.is_none_or(|since| now < since + grace)
    }

    /// Terminates an instance that is in service and was marked Unhealthy, whether it is protected from scale-in or
    /// not.
    pub(crate) fn replace_unhealthy(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        let instance = &self.instances[index];
        if instance.marked_unhealthy && instance.state == LifecycleState::InService {
            let cause = format!("At {at} an instance was taken out of service in response to a user health-check.");
            self.terminate(index, cause, account, at);
        }
    }
}
