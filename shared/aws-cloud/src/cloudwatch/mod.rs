//! CloudWatch. Its lists have no tags: the text of a resource carries the ownership mark.

pub(crate) mod alarm;
pub(crate) mod dashboard;
pub(crate) mod observed_alarm;
pub(crate) mod rollout_alarm;
