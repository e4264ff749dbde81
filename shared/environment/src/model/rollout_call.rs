//! The calls of a rollout, and the preferences of an instance refresh.

use std::collections::BTreeSet;
use std::fmt;

use super::key::Ref;

/// The process of a group that replaces instances by a refresh.
pub const INSTANCE_REFRESH: &str = "InstanceRefresh";

/// A call that no plan has: it belongs to a [rollout](crate::rollout). Each is a call on the Auto Scaling group, except the last.
#[derive(Clone, Debug, PartialEq)]
pub enum RolloutCall {
    /// Sets the version of the launch template, and nothing else.
    SetVersion {
        /// The launch template.
        template: Ref,
        /// The number of the version.
        version: u64,
    },
    /// Starts an instance refresh with the strategy `Rolling`. The result is the id of the refresh.
    Start {
        /// The launch template.
        template: Ref,
        /// The number of the version in the desired configuration.
        version: u64,
        /// The preferences: each one that is set is sent, and no other.
        preferences: Box<Preferences>,
    },
    /// Rolls the active refresh back.
    RollBack,
    /// Cancels the active refresh, with `WaitForTransitioningInstances` false.
    Cancel,
    /// Suspends the process `InstanceRefresh` of the group, and no other: this pauses a refresh without cancelling it (Auto Scaling
    /// user guide, "How suspended processes affect other processes").
    Suspend,
    /// Resumes the process `InstanceRefresh` of the group, and no other.
    Resume,
    /// Deletes versions of the launch template, whose key the call has. A version that does not exist is success.
    DeleteVersions(BTreeSet<u64>),
}

impl RolloutCall {
    /// The AWS operation, as `service:Operation`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            RolloutCall::SetVersion { .. } => "autoscaling:UpdateAutoScalingGroup",
            RolloutCall::Start { .. } => "autoscaling:StartInstanceRefresh",
            RolloutCall::RollBack => "autoscaling:RollbackInstanceRefresh",
            RolloutCall::Cancel => "autoscaling:CancelInstanceRefresh",
            RolloutCall::Suspend => "autoscaling:SuspendProcesses",
            RolloutCall::Resume => "autoscaling:ResumeProcesses",
            RolloutCall::DeleteVersions(_) => "ec2:DeleteLaunchTemplateVersions",
        }
    }
}

impl fmt::Display for RolloutCall {
    /// The arguments in parentheses, after a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RolloutCall::SetVersion { template, version } => write!(f, " ({template} version {version})"),
            RolloutCall::Start { template, version, preferences } => {
                write!(f, " ({template} version {version}; {preferences})")
            }
            RolloutCall::Suspend | RolloutCall::Resume => write!(f, " ({INSTANCE_REFRESH})"),
            RolloutCall::RollBack | RolloutCall::Cancel => Ok(()),
            RolloutCall::DeleteVersions(versions) => {
                let versions: Vec<String> = versions.iter().map(u64::to_string).collect();
                write!(f, " (versions {})", versions.join(", "))
            }
        }
    }
}

/// The preferences of a refresh (Auto Scaling API reference, `RefreshPreferences`). A field that is `None` or empty is absent,
/// and has Auto Scaling's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `MinHealthyPercentage`.
    pub min_healthy_percentage: Option<u32>,
    /// `MaxHealthyPercentage`. An explicit 100 differs from an absent value: it launches before it terminates.
    pub max_healthy_percentage: Option<u32>,
    /// `InstanceWarmup`, in seconds.
    pub instance_warmup: Option<u32>,
    /// `CheckpointPercentages`, ascending.
    pub checkpoint_percentages: Vec<u32>,
    /// `CheckpointDelay`, in seconds; absent where the percentages are absent: the API reference permits it with them only.
    pub checkpoint_delay: Option<u32>,
    /// `BakeTime`, in seconds.
    pub bake_time: Option<u32>,
    /// `SkipMatching`.
    pub skip_matching: Option<bool>,
    /// `AutoRollback`.
    pub auto_rollback: Option<bool>,
    /// `ScaleInProtectedInstances`, by AWS's name.
    pub scale_in_protected_instances: Option<String>,
    /// `StandbyInstances`, by AWS's name.
    pub standby_instances: Option<String>,
    /// The names in `AlarmSpecification`.
    pub alarms: Vec<String>,
}

impl Preferences {
    /// Whether a refresh with these preferences neither returns to the saved version nor bakes, as a way back is sent.
    #[must_use]
    pub fn are_of_a_way_back(&self) -> bool {
        self.auto_rollback == Some(false) && self.bake_time == Some(0) && self.checkpoint_percentages.is_empty()
    }
}

impl fmt::Display for Preferences {
    /// The fields that are sent, by AWS's names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self;
        let number = |name: &'static str, value: Option<u32>| value.map(|value| format!("{name} {value}"));
        let flag = |name: &'static str, value: Option<bool>| value.map(|value| format!("{name} {value}"));
        let word = |name: &'static str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
        let percentages = Some(&it.checkpoint_percentages).filter(|it| !it.is_empty());
        let alarms = Some(&it.alarms).filter(|it| !it.is_empty());
        let fields = [
            number("MinHealthyPercentage", it.min_healthy_percentage),
            number("MaxHealthyPercentage", it.max_healthy_percentage),
            number("InstanceWarmup", it.instance_warmup),
            percentages.map(|it| format!("CheckpointPercentages {it:?}")),
            number("CheckpointDelay", it.checkpoint_delay),
            number("BakeTime", it.bake_time),
            flag("SkipMatching", it.skip_matching),
            flag("AutoRollback", it.auto_rollback),
            word("ScaleInProtectedInstances", &it.scale_in_protected_instances),
            word("StandbyInstances", &it.standby_instances),
            alarms.map(|it| format!("AlarmSpecification {it:?}")),
        ];
        let fields: Vec<String> = fields.into_iter().flatten().collect();
        f.write_str(&fields.join("; "))
    }
}
