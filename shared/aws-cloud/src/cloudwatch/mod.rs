//! CloudWatch. What it lists has no tags: whose something is stands in its text.

pub(crate) mod alarm;
pub(crate) mod dashboard;
pub(crate) mod observed_alarm;
