//! `CloudWatch` Logs. Lists of log groups have no tags: this crate finds each of the two groups by its name, and then
//! checks its ownership.

pub(crate) mod log_group;
pub(crate) mod saved_query;
