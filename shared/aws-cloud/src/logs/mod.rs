//! `CloudWatch` Logs. Lists of log groups have no tags: each of the two groups is found by its name, and then judged.

pub(crate) mod log_group;
pub(crate) mod saved_query;
