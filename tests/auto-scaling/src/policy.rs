//! Simple scaling policies, and the cooldown between them.

use std::time::Duration;

use crate::{AutoScaling, Fault, Group, Process, Timestamp, group::Cooldown};

/// A policy of the type `SimpleScaling`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// 1 to 255 characters.
    pub name: String,
    /// The change of the desired capacity.
    pub adjustment: Adjustment,
    /// The cooldown after the policy; the group's default cooldown if absent.
    pub cooldown: Option<Duration>,
}

/// A policy's change of the desired capacity, which remains between the group's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// Adds or removes instances.
    ChangeInCapacity(i32),
    /// Sets the capacity.
    ExactCapacity(u32),
    /// Adds or removes a share of the capacity.
    PercentChangeInCapacity {
        /// The share.
        percent: i32,
        /// The least number of instances to add or remove.
        min_magnitude: Option<u32>,
    },
}

impl Policy {
    /// The group that a policy's ARN names.
    #[must_use]
    pub fn group_in(arn: &str) -> Option<&str> {
        Some(arn.split_once(":autoScalingGroupName/")?.1.split_once(':')?.0)
    }
}

impl Adjustment {
    /// AWS's name of the adjustment type.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ChangeInCapacity(_) => "ChangeInCapacity",
            Self::ExactCapacity(_) => "ExactCapacity",
            Self::PercentChangeInCapacity { .. } => "PercentChangeInCapacity",
        }
    }

    /// The capacity that results from `capacity`. A share is rounded towards zero, but is at least one instance.
    fn of(self, capacity: u32) -> u32 {
        match self {
            Self::ChangeInCapacity(change) => capacity.saturating_add_signed(change),
            Self::ExactCapacity(exact) => exact,
            Self::PercentChangeInCapacity { percent: 0, .. } => capacity,
            Self::PercentChangeInCapacity { percent, min_magnitude } => {
                let share = u64::from(capacity) * u64::from(percent.unsigned_abs()) / 100;
                let share = u32::try_from(share).unwrap_or(u32::MAX).max(min_magnitude.unwrap_or(1)).max(1);
                if percent > 0 { capacity.saturating_add(share) } else { capacity.saturating_sub(share) }
            }
        }
    }
}

impl AutoScaling {
    /// Adds a policy to a group, or replaces the one of that name. Returns its ARN.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, or the name is not valid.
    pub fn put_scaling_policy(&mut self, group: &str, policy: Policy) -> Result<String, Fault> {
        let arn = self.policy_arn(group, &policy.name);
        let group = self.modifiable(group)?;
        if !(1..=255).contains(&policy.name.chars().count()) || policy.name.contains(':') {
            return Err(Fault::validation(format!("PolicyName is '{}': 1 to 255 characters, no colon", policy.name)));
        }
        group.policies.insert(policy.name.clone(), policy);
        Ok(arn)
    }

    /// Removes a policy, given by name or ARN.
    ///
    /// # Errors
    /// `ValidationError`: the group or the policy does not exist.
    pub fn delete_policy(&mut self, group: &str, policy: &str) -> Result<(), Fault> {
        let removed = self.modifiable(group)?.policies.remove(policy_name(policy));
        removed.map(|_| ()).ok_or_else(|| unknown(policy))
    }

    /// Executes a policy, given by name or ARN. Its cooldown begins when the group has no activity in progress.
    ///
    /// # Errors
    /// `ValidationError`: the group or the policy does not exist. `ScalingActivityInProgress`: the call honours the
    /// cooldown, and the cooldown has not ended.
    pub fn execute_policy(
        &mut self,
        group: &str,
        policy: &str,
        honor_cooldown: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let trigger = |policy: &Policy| format!("a user request executed the policy {}", policy.name);
        self.apply_policy(group, policy, honor_cooldown, trigger, now)
    }

    /// Executes a policy, given by its ARN, because an alarm enters a state or remains in it. The cooldown is honoured,
    /// as simple scaling does. While `AlarmNotification` is suspended the call has no effect.
    ///
    /// # Errors
    /// `ValidationError`: the group or the policy does not exist. `ScalingActivityInProgress`: the cooldown has not
    /// ended.
    pub fn execute_policy_for_alarm(
        &mut self,
        policy_arn: &str,
        alarm: &str,
        state: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let group = Policy::group_in(policy_arn).ok_or_else(|| unknown(policy_arn))?;
        if !self.group(group)?.runs(Process::AlarmNotification) {
            return Ok(());
        }
        let trigger =
            |policy: &Policy| format!("a monitor alarm {alarm} in state {state} triggered policy {}", policy.name);
        self.apply_policy(group, policy_arn, true, trigger, now)
    }

    fn apply_policy(
        &mut self,
        group: &str,
        policy: &str,
        honor_cooldown: bool,
        trigger: impl FnOnce(&Policy) -> String,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        let policy = group.policies.get(policy_name(policy)).ok_or_else(|| unknown(policy))?.clone();
        if honor_cooldown {
            group.check_cooldown(now)?;
        }
        let (min, max) = (group.settings.min_size, group.settings.max_size);
        let before = group.desired_capacity;
        let desired_capacity = policy.adjustment.of(before).clamp(min, max);
        group.set_desired(desired_capacity, &trigger(&policy), account.timing.latency.decision, now);
        // An unchanged capacity causes no activity, and so no cooldown.
        if desired_capacity != before {
            let span = policy.cooldown.unwrap_or(group.settings.default_cooldown);
            group.cooldown = Cooldown { span: Some(span), from: now };
        }
        Ok(())
    }
}

impl Group {
    /// Whether the last policy's cooldown has ended.
    pub(crate) fn check_cooldown(&self, now: Timestamp) -> Result<(), Fault> {
        let Some(span) = self.cooldown.span else { return Ok(()) };
        let end = self.cooldown.from + span;
        if self.is_stable() && now >= end {
            return Ok(());
        }
        Err(Fault::in_progress(format!(
            "A scaling activity of the group {} is in progress, or its cooldown of {} s has not ended",
            self.name,
            span.as_secs()
        )))
    }
}

/// The name in a policy's ARN; a name is returned unchanged.
fn policy_name(policy: &str) -> &str {
    policy.rsplit_once(":policyName/").map_or(policy, |(_, name)| name)
}

fn unknown(policy: &str) -> Fault {
    Fault::validation(format!("Policy name not found - {policy}"))
}
