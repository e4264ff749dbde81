//! The rules of `AlarmActions` at work: observed alarms, recorded rules, and the remediations that they choose.

pub(crate) mod observed_alarm;
pub(crate) mod recorded_rules;
pub(crate) mod remediation;
