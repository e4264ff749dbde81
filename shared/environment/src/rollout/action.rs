//! The actions of a rollout.

use std::fmt;

use super::record::{FailedVersion, Hold};
use super::refresh::{RefreshCall, RefreshStatus};
use super::version::Version;
use crate::engine::cloud::Timestamp;

/// The next action: one call, one write of the record, or none. After a call the environment is observed again; after a write
/// of the record the next action is decided from the same observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing to do.
    None,
    /// Nothing to do until the condition is met. The next due pass decides again.
    Wait(WaitFor),
    /// No automatic action is left, or none is safe: an operator has to act. The metric `RolloutFailed` is published.
    Alarm(AlarmReason),
    /// The request is refused before any write.
    Refuse(Refusal),
    /// `StartInstanceRefresh`.
    Start(RefreshCall),
    /// `RollbackInstanceRefresh`: the active refresh returns to the version that the group has saved.
    RollBack,
    /// `CancelInstanceRefresh` of the refresh with this id, with `WaitForTransitioningInstances` false. A start follows when
    /// the refresh is cancelled.
    Cancel(String),
    /// `UpdateAutoScalingGroup` with this version of the launch template alone.
    SetTemplate(Version),
    /// `SuspendProcesses` of the process `InstanceRefresh`: a hold begins.
    Suspend,
    /// `ResumeProcesses` of the process `InstanceRefresh`: a hold has ended.
    Resume,
    /// Record the state of the hold, or (`None`) its end.
    RecordHold(Option<Hold>),
    /// Record that a rollout begins: its first call may succeed without a response.
    Begin,
    /// Record the id of an active refresh whose start was not recorded.
    Adopt(String),
    /// Record that this version runs, and that no rollout is under way.
    Accept(Version),
    /// Record that a version failed.
    MarkFailed(FailedVersion),
    /// Remove a failed version from the record.
    Forget(Version),
}

impl Action {
    /// Whether the action is a call to AWS.
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(
            self,
            Action::Start(_)
                | Action::RollBack
                | Action::Cancel(_)
                | Action::SetTemplate(_)
                | Action::Suspend
                | Action::Resume
        )
    }

    /// Whether the action is a write of the record.
    #[must_use]
    pub fn is_record(&self) -> bool {
        matches!(
            self,
            Action::RecordHold(_)
                | Action::Begin
                | Action::Adopt(_)
                | Action::Accept(_)
                | Action::MarkFailed(_)
                | Action::Forget(_)
        )
    }
}

/// The conditions that a rollout waits for, each with the actor that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Auto Scaling works on the refresh: at most 14 days, and an hour without progress (Auto Scaling user guide, "How an
    /// instance refresh works").
    Refresh {
        /// Its id.
        id: String,
        /// Its status.
        status: RefreshStatus,
    },
    /// A started refresh is not listed yet: at most [`READ_LAG`](crate::READ_LAG).
    Listing(String),
    /// A refresh that another principal started. That principal can cancel it.
    Foreign {
        /// Its id.
        id: String,
        /// Its status.
        status: RefreshStatus,
    },
    /// An operator holds the rollout until this time. A due pass at the end, or the operator's `release`, ends the hold.
    Hold(Timestamp),
    /// Another principal has suspended the process `InstanceRefresh` of the group. That principal can resume it.
    Suspended,
    /// An alarm of `RolloutAlarms` is not OK; the text names it and its state. During a refresh Auto Scaling waits for an hour at
    /// most.
    Alarm(String),
}

/// Why an operator has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmReason {
    /// The desired version failed, and no version that ran before can be launched.
    NoWayBack(FailedVersion),
    /// The way back to this version failed too.
    WayBackFailed(Version),
    /// An instance is unhealthy on the way back; the text is the verdict.
    VerdictOnWayBack(String),
    /// The group returns by a refresh, and another principal has suspended the process `InstanceRefresh`: no instance is replaced
    /// until it is resumed.
    SuspendedWayBack,
    /// The rollout was cancelled, and the group has instances of two versions.
    CancelledHalfway(FailedVersion),
    /// The version to return to can no longer be launched: its image, key or profile is gone.
    NotLaunchable(Version),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another principal's refresh is active.
    ForeignRefresh {
        /// Its id.
        id: String,
        /// Its status.
        status: RefreshStatus,
    },
    /// An alarm of `RolloutAlarms` is not OK; the text names it and its state.
    Alarm(String),
    /// An operator holds the rollout until this time, which is after the deadline of the request.
    Hold(Timestamp),
    /// An operator's `cancel` finds no rollout.
    NoRollout,
    /// An operator's `rollback` finds no version that ran before and can be launched.
    NoEarlierVersion,
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitFor::Refresh { id, status } => write!(f, "instance refresh {id} is {status}"),
            WaitFor::Listing(id) => write!(f, "instance refresh {id} was accepted and is not listed yet"),
            WaitFor::Foreign { id, status } => {
                write!(f, "instance refresh {id}, which another principal started, is {status}")
            }
            WaitFor::Hold(until) => write!(f, "an operator holds the rollout until {until}"),
            WaitFor::Suspended => {
                f.write_str("another principal has suspended the process InstanceRefresh of the group")
            }
            WaitFor::Alarm(alarm) => f.write_str(alarm),
        }
    }
}

impl fmt::Display for AlarmReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlarmReason::NoWayBack(failed) => write!(f, "{failed}. No earlier version can be launched"),
            AlarmReason::WayBackFailed(version) => {
                write!(f, "the refresh that returns to version {} failed", version.number)
            }
            AlarmReason::VerdictOnWayBack(verdict) => write!(f, "on the way back {verdict}"),
            AlarmReason::SuspendedWayBack => f.write_str(
                "the group returns to an earlier version, and another principal has suspended the process InstanceRefresh of the \
                 group. Resume the process: aws autoscaling resume-processes --auto-scaling-group-name <group> \
                 --scaling-processes InstanceRefresh",
            ),
            AlarmReason::CancelledHalfway(failed) => write!(f, "{failed}. The group has instances of two versions"),
            AlarmReason::NotLaunchable(version) => write!(
                f,
                "version {} cannot be launched any more: its image, its key or its instance profile is gone",
                version.number
            ),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::ForeignRefresh { id, status } => write!(
                f,
                "instance refresh {id}, which another principal started, is {status}. Wait for its end, or cancel it: \
                 aws autoscaling cancel-instance-refresh --auto-scaling-group-name <group>"
            ),
            Refusal::Alarm(alarm) => write!(f, "RolloutAlarms: {alarm}. A rollout begins when each alarm is OK"),
            Refusal::Hold(until) => write!(
                f,
                "an operator holds the rollout until {until}. Send the request again afterwards, or after the operator request release"
            ),
            Refusal::NoRollout => f.write_str("no rollout of this environment is active"),
            Refusal::NoEarlierVersion => f.write_str("no version that ran before can be launched"),
        }
    }
}
