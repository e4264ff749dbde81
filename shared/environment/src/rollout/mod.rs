//! Rollouts: how running instances follow a change of the launch template, and how they return when the change is bad.
//!
//! Everything is pure. [`decide`] chooses one action from one observation, [`answer`] the response that holds after it, and
//! [`estimate`] the forecast for a plan. Verdicts are observed, not stored; the [record](RolloutRecord) has the running version,
//! the failed versions and the id of the refresh.

mod action;
mod answer;
mod capacity;
mod decide;
mod estimate;
mod hold;
mod observed;
mod prune;
mod record;
mod refresh;
mod situation;
mod summary;
mod verdict;
mod version;

pub use crate::desired::{RolloutAlarm, RolloutAlarmState};
pub use crate::input::rollout_settings::{RolloutMode, RolloutSettings, RolloutWait};
pub use action::{Action, AlarmReason, Refusal, WaitFor};
pub use answer::{Answer, RolloutState, answer, state};
pub use capacity::{Capacity, CapacityState};
pub use decide::decide;
pub use estimate::{Estimate, EstimateInputs, estimate, pace};
pub use observed::{NumberedVersion, ObservedRollout, RolloutCloud};
pub use record::{AskedBy, FailedVersion, FailureCause, Hold, RecordedRefresh, RolloutRecord};
pub use refresh::{ObservedRefresh, RefreshCall, RefreshStatus, RollbackDetails};
pub use situation::{RolloutInstance, SavedVersion, Situation, Trigger, UpdateRequest, relevant_refresh};
pub use summary::{InstanceCount, RolloutSummary, instance_drift};
pub use verdict::{LaunchFailure, TRANSIENT_LIMIT, Verdict, VerdictKind, counting_verdict};
pub use version::Version;
