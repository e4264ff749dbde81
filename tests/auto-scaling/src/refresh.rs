//! Instance refresh: the replacement of a group's instances in batches, and the way back.
//!
//! An active refresh is checked at fixed intervals ([`Latency::refresh_check`](crate::Latency::refresh_check)); each check
//! does the next step that is due. Orders, times and texts of a group of one are recorded on AWS, September 2026 (stackd
//! 9dc356f5, `refresh_native`); the rules for more instances are those of the user guide ("How an instance refresh works",
//! "Add checkpoints", "Undo changes with a rollback", "Understand the default values") and of the API reference. A text
//! without a source is marked as a guess. Points without any source are [`RefreshChoices`].
//!
//! Not simulated: the strategy `ReplaceRootVolume`, mixed instances policies, instance maintenance policies, and the
//! replacement of a warm pool's instances.

mod batch;
mod calls;
mod check;
mod outcome;
mod preferences;
mod progress;
mod view;

use std::time::Duration;

use crate::{LaunchTemplate, Timestamp};

pub use preferences::{ProtectedInstances, RefreshPreferences, StandbyInstances, StartRefresh};
pub use progress::RefreshProgress;

/// The longest time that a refresh replaces instances (the user guide).
const LONGEST: Duration = Duration::from_hours(14 * 24);
/// How long a refresh is listed after its request (the API reference of DescribeInstanceRefreshes: six weeks).
const LISTED: Duration = Duration::from_hours(6 * 7 * 24);

/// A refresh of a group's instances, as DescribeInstanceRefreshes returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRefresh {
    /// An id in the form of a UUID.
    pub id: String,
    /// The current status.
    pub status: RefreshStatus,
    /// The explanation of the status, if there is one.
    pub status_reason: Option<String>,
    /// When the refresh began; absent while it is pending.
    pub start: Option<Timestamp>,
    /// When the refresh ended.
    pub end: Option<Timestamp>,
    /// The progress; absent while the refresh is pending.
    pub progress: Option<RefreshProgress>,
    /// The preferences, with their defaults filled in.
    pub preferences: RefreshPreferences,
    /// The launch template of the new instances; the group's own if absent.
    pub desired_configuration: Option<LaunchTemplate>,
    /// The rollback of the refresh, if one has begun.
    pub rollback: Option<RollbackDetails>,
    /// When the refresh was requested.
    requested: Timestamp,
    /// The number of the current direction: instances launched in it have it.
    phase: u64,
    /// In a rollback: the number of the way forward, whose instances are replaced.
    deployed: Option<u64>,
    next_check: Timestamp,
    /// The number of instances to replace, when the refresh began.
    begun_with: usize,
    /// The number of instances to replace, when the current direction began.
    total: usize,
    /// By how many instances the group may exceed its desired capacity.
    surge: usize,
    /// The number of ready new instances at the last check.
    ready: usize,
    /// Since when new instances fail.
    failing_since: Option<Timestamp>,
    /// Since when no replacement can start.
    blocked_since: Option<Timestamp>,
    /// Whether the refresh ended with instances above the desired capacity, of which the unready ones go first.
    sheds_unready: bool,
    /// The percentage of the last checkpoint that was reached.
    checkpoint: u32,
    wait: Option<Wait>,
    /// The instances that the refresh has terminated.
    terminated: Vec<String>,
}

/// A wait of a refresh for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    until: Timestamp,
    kind: WaitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitKind {
    Bake,
    Checkpoint,
    HealthCheck,
    Cancellation,
}

/// The rollback of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackDetails {
    /// Why the rollback began.
    pub reason: String,
    /// When the rollback began.
    pub start: Timestamp,
    /// The progress of the refresh when the rollback began.
    pub progress: RefreshProgress,
}

/// The status of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshStatus {
    /// The refresh is requested and has not begun.
    Pending,
    /// Instances are replaced.
    InProgress,
    /// All instances are replaced; the bake time passes.
    Baking,
    /// The refresh succeeded.
    Successful,
    /// The refresh failed.
    Failed,
    /// The refresh is being cancelled.
    Cancelling,
    /// The refresh was cancelled.
    Cancelled,
    /// The new instances are replaced by instances of the group's own configuration.
    RollbackInProgress,
    /// The rollback succeeded.
    RollbackSuccessful,
    /// The rollback failed.
    RollbackFailed,
}

impl RefreshStatus {
    /// AWS's name of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Baking => "Baking",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::RollbackInProgress => "RollbackInProgress",
            Self::RollbackSuccessful => "RollbackSuccessful",
            Self::RollbackFailed => "RollbackFailed",
        }
    }

    /// Whether the refresh has not ended.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress | Self::Baking | Self::Cancelling | Self::RollbackInProgress)
    }
}

/// Behaviour of AWS for which no source was found. Tests play both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one open question with two answers")]
pub struct RefreshChoices {
    /// Whether an instance that is launched before another terminates may exceed the group's maximum.
    pub surge_exceeds_max_size: bool,
    /// Whether the next batch waits until the terminating instances of the last one are gone. The recorded text "Waiting
    /// for terminating instances before continuing." suggests it.
    pub batches_wait_for_terminations: bool,
    /// Whether a group can be deleted while a refresh is active; the refresh is cancelled then.
    pub delete_cancels_refresh: bool,
    /// Whether the instances above the desired capacity that a cancelled or failed refresh leaves behind are the ones that
    /// are not in service yet; otherwise a scale-in selects them.
    pub end_sheds_unready: bool,
    /// Whether instances that skip matching leaves alone count as new instances for checkpoints.
    pub checkpoints_count_matching: bool,
}

impl RefreshChoices {
    /// All combinations of the answers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..32_u8).map(|number| {
            let bit = |place: u8| number >> place & 1 == 0;
            Self {
                surge_exceeds_max_size: bit(0),
                batches_wait_for_terminations: bit(1),
                delete_cancels_refresh: bit(2),
                end_sheds_unready: bit(3),
                checkpoints_count_matching: bit(4),
            }
        })
    }
}

impl Default for RefreshChoices {
    fn default() -> Self {
        Self {
            surge_exceeds_max_size: true,
            batches_wait_for_terminations: true,
            delete_cancels_refresh: true,
            end_sheds_unready: true,
            checkpoints_count_matching: true,
        }
    }
}

/// The state of a CloudWatch alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`
    Ok,
    /// `ALARM`
    Alarm,
    /// `INSUFFICIENT_DATA`
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's name of the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    /// The state with CloudWatch's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|it| it.as_str() == text)
    }
}

/// A change of a refresh, published to EventBridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshEvent {
    /// The replacement of instances begins.
    Started,
    /// A checkpoint is reached.
    CheckpointReached {
        /// The checkpoint's percentage.
        percentage: u32,
        /// The wait after the checkpoint.
        delay: Duration,
    },
    /// The bake time begins.
    StartedBaking,
    /// The refresh succeeded.
    Succeeded,
    /// The refresh failed.
    Failed,
    /// The refresh was cancelled.
    Cancelled,
    /// A rollback begins.
    RollbackStarted,
    /// The rollback succeeded.
    RollbackSucceeded,
    /// The rollback failed.
    RollbackFailed,
}

impl RefreshEvent {
    /// The event's `detail-type`.
    pub(crate) fn detail_type(self) -> &'static str {
        match self {
            Self::Started => "EC2 Auto Scaling Instance Refresh Started",
            Self::CheckpointReached { .. } => "EC2 Auto Scaling Instance Refresh Checkpoint Reached",
            Self::StartedBaking => "EC2 Auto Scaling Instance Refresh Started Baking",
            Self::Succeeded => "EC2 Auto Scaling Instance Refresh Succeeded",
            Self::Failed => "EC2 Auto Scaling Instance Refresh Failed",
            Self::Cancelled => "EC2 Auto Scaling Instance Refresh Cancelled",
            Self::RollbackStarted => "EC2 Auto Scaling Instance Refresh Rollback Started",
            Self::RollbackSucceeded => "EC2 Auto Scaling Instance Refresh Rollback Succeeded",
            Self::RollbackFailed => "EC2 Auto Scaling Instance Refresh Rollback Failed",
        }
    }
}
