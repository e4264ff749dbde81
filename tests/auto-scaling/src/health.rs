//! The health of instances, as users tell it.

use crate::{AccountState, AutoScaling, Fault, Group, LifecycleState, Timestamp};

impl AutoScaling {
    /// Calls an instance healthy or not. One that is in service and Unhealthy is ended, with its terminating hooks, and
    /// replaced; one that starts is so once it is in service. With `respect_grace`, Unhealthy is passed over until the
    /// group's grace period after the instance came into service is over.
    ///
    /// # Errors
    /// `ValidationError`: no group has it.
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
    /// Whether the health of an instance is not looked at yet. A group without a grace period has none, also for instances
    /// that start.
    fn is_in_grace_period(&self, index: usize, now: Timestamp) -> bool {
        let grace = self.settings.health_check_grace_period;
        !grace.is_zero() && self.instances[index].in_service.is_none_or(|since| now < since + grace)
    }

    /// Ends an instance that is in service and was called Unhealthy, whether it is protected from scale-in or not.
    pub(crate) fn replace_unhealthy(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        let instance = &self.instances[index];
        if instance.marked_unhealthy && instance.state == LifecycleState::InService {
            let cause = format!("At {at} an instance was taken out of service in response to a user health-check.");
            self.terminate(index, cause, account, at);
        }
    }
}
