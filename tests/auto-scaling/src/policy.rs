//! Scaling policies: simple ones with the cooldown between them, and step policies with the warm-up of instances.

use std::time::Duration;

use crate::{AutoScaling, Fault, Group, LifecycleState, Process, Timestamp, group::Cooldown};

/// A policy of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalingPolicy {
    /// A policy of the type `SimpleScaling`.
    Simple(Policy),
    /// A policy of the type `StepScaling`.
    Step(StepPolicy),
}

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

/// A policy of the type `StepScaling`. Neither cooldowns nor activities in progress stop it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepPolicy {
    /// 1 to 255 characters.
    pub name: String,
    /// The steps: at least one, without gaps and overlaps, with adjustments of one kind.
    pub steps: Vec<Step>,
    /// `Minimum`, `Maximum` or `Average`. Stored and not followed: the alarm has the statistic.
    pub metric_aggregation: String,
    /// How long a new instance warms up; the group's default warm-up if absent, or else its default cooldown.
    pub estimated_warmup: Option<Duration>,
}

/// A step of a policy: the adjustment for a range of differences between the metric and the alarm's threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The lower end of the range, if it has one. It belongs to the range, unless the metric is below the threshold.
    pub lower: Option<f64>,
    /// The upper end of the range, if it has one. It belongs to the range only if the metric is below the threshold.
    pub upper: Option<f64>,
    /// The change of the desired capacity.
    pub adjustment: Adjustment,
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

impl From<Policy> for ScalingPolicy {
    fn from(policy: Policy) -> Self {
        Self::Simple(policy)
    }
}

impl From<StepPolicy> for ScalingPolicy {
    fn from(policy: StepPolicy) -> Self {
        Self::Step(policy)
    }
}

impl ScalingPolicy {
    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Simple(policy) => &policy.name,
            Self::Step(policy) => &policy.name,
        }
    }

    /// AWS's name of the type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Simple(_) => "SimpleScaling",
            Self::Step(_) => "StepScaling",
        }
    }
}

impl StepPolicy {
    /// The step for a difference between the metric and the threshold.
    fn step(&self, difference: f64) -> Option<&Step> {
        self.steps.iter().find(|step| {
            let (lower, upper) = (step.lower.unwrap_or(f64::NEG_INFINITY), step.upper.unwrap_or(f64::INFINITY));
            if difference < 0.0 {
                lower < difference && difference <= upper
            } else {
                lower <= difference && difference < upper
            }
        })
    }

    /// Checks the rules of the API reference of PutScalingPolicy.
    fn check(&self) -> Result<(), Fault> {
        let wrong = |rule: &str| Err(Fault::validation(format!("StepAdjustments of {}: {rule}", self.name)));
        let Some(first) = self.steps.first() else { return wrong("at least one step is required") };
        if self.steps.iter().any(|step| step.adjustment.kind() != first.adjustment.kind()) {
            return wrong("all steps have one adjustment type");
        }
        let mut steps = self.steps.clone();
        let lower = |step: &Step| step.lower.unwrap_or(f64::NEG_INFINITY);
        steps.sort_by(|one, other| lower(one).total_cmp(&lower(other)));
        if steps.iter().any(|step| step.upper.is_some_and(|upper| upper <= lower(step))) {
            return wrong("a lower bound is below its upper bound");
        }
        if steps.windows(2).any(|pair| pair[0].upper.is_none() || pair[0].upper != pair[1].lower) {
            return wrong("the ranges have neither gaps nor overlaps");
        }
        let (lowest, highest) = (steps.first().and_then(|step| step.lower), steps.last().and_then(|step| step.upper));
        if lowest.is_some_and(|lower| lower < 0.0) || highest.is_some_and(|upper| upper > 0.0) {
            return wrong(
                "a range below the threshold needs a step without a lower bound, one above it a step without an \
                          upper bound",
            );
        }
        Ok(())
    }
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
    /// `ValidationError`: the group does not exist, or the name or a step is not valid.
    pub fn put_scaling_policy(&mut self, group: &str, policy: impl Into<ScalingPolicy>) -> Result<String, Fault> {
        let policy = policy.into();
        let name = policy.name().to_owned();
        let arn = self.policy_arn(group, &name);
        let group = self.modifiable(group)?;
        if !(1..=255).contains(&name.chars().count()) || name.contains(':') {
            return Err(Fault::validation(format!("PolicyName is '{name}': 1 to 255 characters, no colon")));
        }
        if let ScalingPolicy::Step(policy) = &policy {
            policy.check()?;
        }
        group.policies.insert(name, policy);
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

    /// Executes a policy, given by name or ARN. The cooldown of a simple policy begins when the group has no activity in
    /// progress. A step policy needs the difference between a metric and a threshold.
    ///
    /// # Errors
    /// `ValidationError`: the group or the policy does not exist, or a step policy has no difference or no step for it.
    /// `ScalingActivityInProgress`: the call honours the cooldown, and the cooldown has not ended.
    pub fn execute_policy(
        &mut self,
        group: &str,
        policy: &str,
        honor_cooldown: bool,
        difference: Option<f64>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let trigger = |name: &str| format!("a user request executed the policy {name}");
        self.apply_policy(group, policy, (honor_cooldown, difference), trigger, now)
    }

    /// Executes a policy, given by its ARN, because an alarm enters a state or remains in it, with the difference between
    /// the alarm's metric and its threshold. The cooldown is honoured, as simple scaling does. While `AlarmNotification`
    /// is suspended the call has no effect.
    ///
    /// # Errors
    /// `ValidationError`: the group or the policy does not exist, or a step policy has no step for the difference.
    /// `ScalingActivityInProgress`: the cooldown has not ended.
    pub fn execute_policy_for_alarm(
        &mut self,
        policy_arn: &str,
        (alarm, state, difference): (&str, &str, f64),
        now: Timestamp,
    ) -> Result<(), Fault> {
        let group = Policy::group_in(policy_arn).ok_or_else(|| unknown(policy_arn))?;
        if !self.group(group)?.runs(Process::AlarmNotification) {
            return Ok(());
        }
        let trigger = |name: &str| format!("a monitor alarm {alarm} in state {state} triggered policy {name}");
        self.apply_policy(group, policy_arn, (true, Some(difference)), trigger, now)
    }

    fn apply_policy(
        &mut self,
        group: &str,
        policy: &str,
        (honor_cooldown, difference): (bool, Option<f64>),
        trigger: impl FnOnce(&str) -> String,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        let policy = group.policies.get(policy_name(policy)).ok_or_else(|| unknown(policy))?.clone();
        let before = group.desired_capacity;
        let desired_capacity = match &policy {
            ScalingPolicy::Simple(policy) => {
                if honor_cooldown {
                    group.check_cooldown(now)?;
                }
                policy.adjustment.of(before)
            }
            ScalingPolicy::Step(policy) => {
                let missing = || Fault::validation("MetricValue and BreachThreshold are required for a step policy");
                let difference = difference.ok_or_else(missing)?;
                let none = || {
                    let name = &policy.name;
                    Fault::validation(format!("The policy {name} has no step for the difference {difference}"))
                };
                let step = policy.step(difference).ok_or_else(none)?;
                let warmup = policy.estimated_warmup.or(group.settings.default_instance_warmup);
                group.capacity_after(step.adjustment, warmup.unwrap_or(group.settings.default_cooldown), now)
            }
        };
        let desired_capacity = desired_capacity.clamp(group.settings.min_size, group.settings.max_size);
        group.set_desired(desired_capacity, &trigger(policy.name()), account.timing.latency.decision, now);
        // An unchanged capacity causes no activity, and so no cooldown.
        if let ScalingPolicy::Simple(policy) = &policy
            && desired_capacity != before
        {
            let span = policy.cooldown.unwrap_or(group.settings.default_cooldown);
            group.cooldown = Cooldown { span: Some(span), from: now };
        }
        Ok(())
    }
}

impl Group {
    /// The desired capacity after a step. Instances that launch, wait for hooks or warm up do not count yet when
    /// instances are added, and terminating instances still count when instances are removed: repeated breaches of one
    /// step add or remove its number once (the user guide on step scaling).
    fn capacity_after(&self, adjustment: Adjustment, warmup: Duration, now: Timestamp) -> u32 {
        let count = |instances: usize| u32::try_from(instances).unwrap_or(u32::MAX);
        let is_warm = |since: Option<Timestamp>| since.is_some_and(|since| since + warmup <= now);
        let in_service = self.listed().filter(|it| it.state == LifecycleState::InService);
        let warm = count(in_service.filter(|it| is_warm(it.in_service)).count());
        let with_terminating = count(self.counted() + self.listed().filter(|it| it.state.is_terminating()).count());
        let desired = self.desired_capacity;
        match adjustment {
            Adjustment::ExactCapacity(exact) => exact,
            adjustment if adjustment.of(desired) > desired => adjustment.of(warm).max(desired),
            adjustment => adjustment.of(with_terminating).min(desired),
        }
    }

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
