//! The health of instances, from EC2's terminations and from users, and the replacement of Unhealthy ones.

use std::time::Duration;

use crate::{AccountState, AutoScaling, Fault, Group, Instance, LifecycleState, Process, Timestamp};

impl AutoScaling {
    /// Marks an instance as Healthy or Unhealthy. An Unhealthy instance that is in service terminates after
    /// [`Latency::health`], with its terminating hooks, and is replaced. An Unhealthy instance that launches is replaced
    /// once it is in service. With `respect_grace`, Unhealthy is ignored during the group's grace period, which begins
    /// when the instance is in service.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance.
    ///
    /// [`Latency::health`]: crate::Latency::health
    pub fn set_instance_health(
        &mut self,
        id: &str,
        healthy: bool,
        respect_grace: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, index, _) = self.managed(id, now)?;
        if !healthy && respect_grace && group.is_in_grace_period(index, now) {
            return Ok(());
        }
        let unhealthy_since = &mut group.instances[index].unhealthy_since;
        if healthy {
            *unhealthy_since = None;
        } else {
            unhealthy_since.get_or_insert(now);
        }
        Ok(())
    }
}

impl Group {
    /// Terminates the Unhealthy instances that are due, whether they are protected from scale-in or not.
    pub(crate) fn replace_unhealthy(&mut self, account: &mut AccountState, now: Timestamp) {
        for index in 0..self.instances.len() {
            let finding = self.replacement(&self.instances[index], account.timing.latency.health);
            if let Some((_, reason)) = finding.filter(|(due, _)| *due <= now) {
                let cause = format!("At {now} an instance was taken out of service in response to {reason}.");
                self.note_failed_replacement(self.instances[index].phase, now);
                self.terminate(index, cause, account, now);
                self.unhealthy_replacements += 1;
            }
        }
    }

    /// When the first Unhealthy instance has to be replaced.
    pub(crate) fn next_replacement(&self, delay: Duration) -> Option<Timestamp> {
        self.instances.iter().filter_map(|it| Some(self.replacement(it, delay)?.0)).min()
    }

    /// When and why an instance has to be replaced. A group that is being deleted replaces none, and neither health
    /// checks nor replacements concern an instance in Standby (the user guide).
    fn replacement(&self, instance: &Instance, delay: Duration) -> Option<(Timestamp, &'static str)> {
        if self.is_deleting() || !self.runs(Process::ReplaceUnhealthy) || !self.runs(Process::Terminate) {
            return None;
        }
        if instance.terminated_by_ec2 && instance.is_counted() && self.runs(Process::HealthCheck) {
            return Some((self.created, "an EC2 health check indicating it has been terminated or stopped"));
        }
        let since = instance.unhealthy_since.filter(|_| instance.state == LifecycleState::InService)?;
        Some((since + delay, "a user health-check"))
    }

    /// Whether the health of an instance is not checked yet. A group without a grace period checks all instances, also
    /// those that launch.
    fn is_in_grace_period(&self, index: usize, now: Timestamp) -> bool {
        let grace = self.settings.health_check_grace_period;
        !grace.is_zero() && self.instances[index].in_service.is_none_or(|since| now < since + grace)
    }
}
