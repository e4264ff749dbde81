//! The last execution of a rule: with this record, a rule acts once on a state of its alarm, and has a cooldown. An
//! execution that began and was never done does not start a cooldown.

use serde_json::Value;

/// The last time that a rule of an environment acted, or began to act.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleExecution {
    /// Since when the alarm had the state on which the rule acted: a rule acts once on the same state.
    pub since_ms: u64,
    /// When the action was decided.
    pub at_ms: u64,
    /// The action, as JSON; this crate does not know its shape.
    pub remediation: Value,
    /// Whether the action was done.
    pub done: bool,
}

/// Whether a rule may act.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecutionClaim {
    /// The rule may act, and the execution is recorded.
    Granted,
    /// The rule acted, or began to act, on this state or on a newer one; or its cooldown has not ended. The last execution.
    Denied(RuleExecution),
}

impl RuleExecution {
    /// Whether a rule with this last execution and with this cooldown after a completed action may start `next`. DynamoDB
    /// evaluates the same rule as a condition.
    pub(super) fn permits(&self, next: &RuleExecution, cooldown_ms: u64) -> bool {
        self.since_ms < next.since_ms && (!self.done || self.at_ms.saturating_add(cooldown_ms) <= next.at_ms)
    }
}
