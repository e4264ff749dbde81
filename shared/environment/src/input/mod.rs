//! The properties: the table, and the checked properties of one environment.

pub(crate) mod alarm_action;
pub(crate) mod allow_lists;
pub(crate) mod forms;
pub mod property;
pub(crate) mod rollout_settings;
pub(crate) mod spec;
