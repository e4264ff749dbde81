//! The part of an owner's record about rollouts.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::refresh::ObservedRefresh;
use super::version::Version;
use crate::engine::cloud::Timestamp;

/// The most failed versions in a record; the oldest is dropped.
const MAX_FAILED: usize = 10;

/// The longest evidence in a record, in characters. The rest is where the evidence says.
const MAX_EVIDENCE: usize = 600;

/// The record of an environment's rollouts, beside the last spec that was responded to. At most some 10 KB, if every character of
/// the evidence is ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutRecord {
    /// The desired version: that of the last request whose other work was done. Due passes roll it out.
    pub desired: Option<Version>,
    /// The digest of the desired version's whole content, as the request that set it knew it.
    pub content: Option<String>,
    /// The request of CloudFormation that asked last.
    pub asked: Option<AskedBy>,
    /// Whether a rollout has begun whose end is not accepted: a call may have succeeded, so due passes complete it.
    pub begun: bool,
    /// The version that was desired when it began: instances of it may run. `None`: an operator has forgotten its failure since.
    pub begun_for: Option<Version>,
    /// The refresh that this environment started last, until its end is accepted.
    pub refresh: Option<RecordedRefresh>,
    /// The running version: the last one that a refresh, a create or `Rollout: None` put in place as a whole. `None`: the record
    /// was lost.
    pub running: Option<Version>,
    /// The running version before that one, by its number: an operator can return to it, also from a newer revision.
    pub previous: Option<Version>,
    /// The failed versions, the newest last: at most ten. None of them is tried again until one of its rolling inputs changes
    /// or an operator asks.
    pub failed: Vec<FailedVersion>,
    /// The operator's hold.
    pub hold: Option<Hold>,
}

/// A hold: an operator's decision that no instance is replaced until a time. It is an overlay of Envkeeper, and never drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The end.
    pub until: Timestamp,
    /// Whether the environment suspends the process `InstanceRefresh` for it, and so resumes it at the end; recorded before the call.
    /// `None`: not decided yet. `false`: another principal had suspended the process before, and resumes it; if the hold lasts longer, the environment then
    /// suspends the process.
    pub suspends: Option<bool>,
    /// Whether an observation has shown the process suspended while this environment suspends it. Until then the suspension may
    /// still take effect.
    #[serde(default)]
    pub is_observed: bool,
}

impl Hold {
    /// The longest hold that an operator may ask for: seven days.
    pub const LONGEST: Duration = Duration::from_hours(7 * 24);
    /// The hold of a request that names no hours: eight hours.
    pub const DEFAULT: Duration = Duration::from_hours(8);

    /// Whether the hold lasts at a time.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// A request, by its hash, and what the state of its stack said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBy {
    /// The hash.
    pub request: String,
    /// Whether CloudFormation rolls the stack back by it. It stays so until the response.
    pub rolls_back: bool,
}

/// A refresh whose start was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRefresh {
    /// The id.
    pub id: String,
    /// When the response arrived. A list may miss the refresh for [`READ_LAG`](crate::READ_LAG).
    pub accepted: Timestamp,
}

/// A version that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedVersion {
    /// The version. The digest of its rolling inputs identifies it, not its number.
    pub version: Version,
    /// Why it failed.
    pub cause: FailureCause,
    /// The beginning of the evidence, and where the rest is: at most 600 characters.
    pub evidence: String,
    /// When the failure was noticed.
    pub at: Timestamp,
}

/// Why a version failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// A [verdict](super::Verdict) about a new instance.
    Verdict,
    /// An alarm of `RolloutAlarms`.
    Alarm,
    /// No instance was in service at the deadline of the request.
    Deadline,
    /// Auto Scaling ended the refresh, or rolled it back.
    RefreshFailed,
    /// An operator asked for the rollback.
    Operator,
    /// An operator cancelled the rollout, by `cancel` or in Auto Scaling. The instances stay as they are.
    Cancelled,
}

impl FailedVersion {
    /// A failure, with the beginning of its evidence.
    #[must_use]
    pub fn new(version: &Version, cause: FailureCause, evidence: &str, at: Timestamp) -> FailedVersion {
        // Evidence has texts from instances, and operators read it on a terminal.
        let printable = evidence.chars().map(|it| if it.is_control() { ' ' } else { it });
        FailedVersion { version: version.clone(), cause, evidence: printable.take(MAX_EVIDENCE).collect(), at }
    }
}

impl RolloutRecord {
    /// The failure of a version, if it failed.
    #[must_use]
    pub fn failure_of(&self, version: &Version) -> Option<&FailedVersion> {
        self.failed.iter().find(|it| it.version.matches(version))
    }

    /// Whether instances of the version must not be launched. A cancelled version is not bad.
    #[must_use]
    pub fn is_bad(&self, version: &Version) -> bool {
        self.failure_of(version).is_some_and(|it| it.cause != FailureCause::Cancelled)
    }

    /// Whether the record has the refresh's id.
    #[must_use]
    pub fn has(&self, refresh: &ObservedRefresh) -> bool {
        self.refresh.as_ref().is_some_and(|it| it.id == refresh.id)
    }

    /// The record after the response to a `StartInstanceRefresh`.
    #[must_use]
    pub fn started(mut self, id: &str, now: Timestamp) -> RolloutRecord {
        self.begun = true;
        self.refresh = Some(RecordedRefresh { id: id.to_owned(), accepted: now });
        self
    }

    /// The record after an operator's request to hold the rollout until a time, which ends an earlier hold. A past time ends the
    /// hold.
    #[must_use]
    pub fn held(mut self, until: Timestamp) -> RolloutRecord {
        let earlier = self.hold.unwrap_or_default();
        self.hold = Some(Hold { until, ..earlier });
        self
    }

    /// The hold that lasts at a time.
    #[must_use]
    pub fn open_hold(&self, now: Timestamp) -> Option<Hold> {
        self.hold.filter(|it| it.is_open(now))
    }

    /// The record after an action, which for an action on the record is the whole action.
    #[must_use]
    pub fn after(mut self, action: &Action, now: Timestamp) -> RolloutRecord {
        match action {
            Action::Begin => {
                self.begun = true;
                self.begun_for.clone_from(&self.desired);
            }
            Action::Adopt(id) => return self.started(id, now),
            Action::Accept(version) => {
                self.begun = false;
                self.begun_for = None;
                self.refresh = None;
                self.failed.retain(|it| !it.version.matches(version));
                let earlier = self.running.replace(version.clone());
                if let Some(earlier) = earlier.filter(|it| it.number != version.number) {
                    self.previous = Some(earlier);
                }
            }
            Action::MarkFailed(failed) => {
                self.failed.retain(|it| !it.version.matches(&failed.version));
                self.failed.push(failed.clone());
                self.failed.drain(..self.failed.len().saturating_sub(MAX_FAILED));
            }
            Action::RecordHold(hold) => self.hold = *hold,
            Action::Forget(version) => {
                self.failed.retain(|it| !it.version.matches(version));
                // What had begun was the way back from this version, so its instances are no longer all of the group.
                self.begun_for = None;
            }
            Action::None
            | Action::Wait(_)
            | Action::Alarm(_)
            | Action::Refuse(_)
            | Action::Start(_)
            | Action::RollBack
            | Action::Cancel(_)
            | Action::SetTemplate(_)
            | Action::Suspend
            | Action::Resume => {}
        }
        self
    }
}

impl fmt::Display for FailedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self.cause {
            FailureCause::Verdict => "failed",
            FailureCause::Alarm => "was rolled back by an alarm",
            FailureCause::Deadline => "was not in service in time",
            FailureCause::RefreshFailed => "was given up by Auto Scaling",
            FailureCause::Operator => "was rolled back by an operator",
            FailureCause::Cancelled => "was cancelled",
        };
        write!(f, "version {} {cause}: {}", self.version.number, self.evidence)
    }
}
