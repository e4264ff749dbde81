//! The ledger: what is written of everything that happens to an environment's instances, and why. Pure: no AWS SDK, no
//! clock, no environment variable.
//!
//! `envelope` (what a message holds) → `read` (what an event means) → [`Entry`] (a line of the schema, with its metrics) → `batch` (PutLogEvents within its
//! limits). `cause` takes Auto Scaling's sentences apart, `activity` makes an event of what DescribeScalingActivities
//! lists, `told` is what Envkeeper's own functions have to tell, `turn` who is looked at first.

#![warn(missing_docs)]

mod activity;
mod alarm;
pub mod batch;
mod cause;
mod entry;
pub mod envelope;
mod failure;
pub mod published;
pub mod read;
pub mod rotation;
pub mod time;

pub use activity::{Activity, instance_of};
pub use alarm::Alarm;
pub use cause::{Cause, CauseKind};
pub use entry::{Entry, Kind, LONGEST_LINE, LONGEST_WITH_METRICS, NAMESPACE, SCHEMA};
pub use failure::Failure;
