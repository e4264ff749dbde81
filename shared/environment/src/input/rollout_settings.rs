//! The settings of rollouts: the values of the properties.

use serde::Serialize;

/// The validated values of the properties. In JSON, the keys are the properties' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RolloutSettings {
    /// `Rollout`.
    #[serde(rename = "Rollout")]
    pub mode: RolloutMode,
    /// `MinHealthyPercentage`, 0 to 100: the part of the desired capacity that stays in service.
    pub min_healthy_percentage: u32,
    /// `MaxHealthyPercentage`, 100 to 200, at most [`MAX_HEALTHY_DIFFERENCE`] more than the minimum: the part of the desired
    /// capacity that is in service or pending.
    pub max_healthy_percentage: u32,
    /// `CanaryPercentage`, 1 to 99.
    pub canary_percentage: u32,
    /// `BakeSeconds`, 0 to 1,800: the time after the canary, and again after the last replacement.
    pub bake_seconds: u32,
    /// `InstanceWarmupSeconds`, 0 to 3,600: the time after which an instance in service counts as initialized.
    pub instance_warmup_seconds: u32,
    /// `RolloutAlarms`: the names of at most [`MAX_ROLLOUT_ALARMS`](crate::property::MAX_ROLLOUT_ALARMS) alarms, in the order of
    /// the property.
    #[serde(rename = "RolloutAlarms")]
    pub alarms: Vec<String>,
    /// `RolloutWait`.
    #[serde(rename = "RolloutWait")]
    pub wait: RolloutWait,
}

/// The maximum difference between `MaxHealthyPercentage` and `MinHealthyPercentage` (Auto Scaling API reference,
/// `RefreshPreferences`).
pub(crate) const MAX_HEALTHY_DIFFERENCE: u32 = 100;

impl Default for RolloutSettings {
    /// The defaults of the properties.
    fn default() -> Self {
        RolloutSettings {
            mode: RolloutMode::Rolling,
            min_healthy_percentage: 100,
            max_healthy_percentage: 110,
            canary_percentage: 10,
            bake_seconds: 60,
            instance_warmup_seconds: 60,
            alarms: vec![],
            wait: RolloutWait::Complete,
        }
    }
}

/// How a change of a rolling input reaches running instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RolloutMode {
    /// By an instance refresh.
    Rolling,
    /// Not at all: new instances launch the changed version.
    None,
}

impl RolloutMode {
    /// The values of the property.
    pub(crate) const PROPERTY: [&'static str; 2] = ["Rolling", "None"];

    /// Reads a valid value of the property.
    pub(crate) fn of(text: &str) -> Self {
        if text == "None" { RolloutMode::None } else { RolloutMode::Rolling }
    }
}

/// What the response to an Update waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RolloutWait {
    /// Every instance runs the new version.
    Complete,
    /// The canary is in service and baked.
    Canary,
}

impl RolloutWait {
    /// The values of the property.
    pub(crate) const PROPERTY: [&'static str; 2] = ["Complete", "Canary"];

    /// Reads a valid value of the property.
    pub(crate) fn of(text: &str) -> Self {
        if text == "Canary" { RolloutWait::Canary } else { RolloutWait::Complete }
    }
}
