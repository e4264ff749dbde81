//! The settings of rollouts: the values of the properties.

/// The validated values of the properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutSettings {
    /// `Rollout`.
    pub mode: RolloutMode,
    /// `MinHealthyPercentage`, 0 to 100: the part of the desired capacity that stays in service.
    pub min_healthy_percentage: u32,
    /// `MaxHealthyPercentage`, 100 to 200, at most 100 more than the minimum: the part of the desired capacity that is in
    /// service or pending.
    pub max_healthy_percentage: u32,
    /// `CanaryPercentage`, 1 to 99.
    pub canary_percentage: u32,
    /// `BakeSeconds`, 0 to 1,800: the time after the canary, and again after the last replacement.
    pub bake_seconds: u32,
    /// `InstanceWarmupSeconds`: the time after which an instance in service counts.
    pub instance_warmup_seconds: u32,
    /// `RolloutAlarms`: the names of at most 10 alarms, in the order of the property.
    pub alarms: Vec<String>,
    /// `RolloutWait`.
    pub wait: RolloutWait,
}

impl Default for RolloutSettings {
    /// The defaults of the properties.
    fn default() -> Self {
        RolloutSettings {
            mode: RolloutMode::Rolling,
            min_healthy_percentage: 100,
            max_healthy_percentage: 110,
            canary_percentage: 10,
            bake_seconds: MIN_BAKE_WITHOUT_WAY_BACK,
            instance_warmup_seconds: 60,
            alarms: vec![],
            wait: RolloutWait::Complete,
        }
    }
}

/// The bake time in seconds of a rollout that cannot go back, at least; the default of `BakeSeconds`.
pub(super) const MIN_BAKE_WITHOUT_WAY_BACK: u32 = 60;

/// How a change of a rolling input reaches running instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutMode {
    /// By an instance refresh.
    Rolling,
    /// Not at all: new instances launch the changed version.
    None,
}

/// What the response to an Update waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutWait {
    /// Every instance runs the new version.
    Complete,
    /// The canary is in service and baked.
    Canary,
}
