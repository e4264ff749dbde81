//! The ledger: the log of everything that happens to an environment's instances, with the cause. Pure: no AWS SDK, no
//! clock, no environment variable.
//!
//! `envelope` (unwraps a message) → `read` (interprets an event) → [`Entry`] (one line of the schema, with its metrics)
//! → `batch` (PutLogEvents within its limits). `cause` parses Auto Scaling's sentences, `activity` converts an activity
//! of DescribeScalingActivities into an event, `events` contains the events of Envkeeper's own functions,
//! `rule_result` the results of alarms' rules, and `rotation` selects the first group of a scheduled run. `launch` has the
//! verdicts of failed launches, for rollouts. `sentence` has the entries as sentences for operators,
//! `group_state` the observed state of a group, and `timeline` the picture of an environment over time.

#![warn(missing_docs)]

mod activity;
mod alarm;
pub mod batch;
mod cause;
mod entry;
pub mod envelope;
pub mod events;
mod failure;
mod group_state;
mod launch;
pub mod read;
pub mod rotation;
mod rule_result;
mod sentence;
pub mod time;
pub mod timeline;

pub use activity::{Activity, instance_of, transition_of};
pub use alarm::Alarm;
pub use cause::{Cause, CauseKind};
pub use entry::{Entry, Kind, MAX_LINE_BYTES, MAX_METRIC_LINE_BYTES, NAMESPACE, SCHEMA};
pub use failure::ActivityFailure;
pub use group_state::{GroupState, InstanceState};
pub use launch::launch_verdict;
pub use rule_result::RuleResult;
pub use sentence::{sentence, trigger};
