//! When an automation last acted: what makes it act once, and rest. What was begun and never done is no reason to rest.

use serde_json::Value;

/// The last time that a rule of an environment acted, or began to.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleExecution {
    /// Since when its alarm had the state that it acted on: the same state is acted on once.
    pub since_ms: u64,
    /// When it was decided.
    pub at_ms: u64,
    /// What was to be done, as JSON; its shape is not this crate's business.
    pub remediation: Value,
    /// Whether it was.
    pub done: bool,
}

/// Whether a rule may act.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecutionClaim {
    /// It may, and that is written down.
    Yes,
    /// It acted on this state or on a newer one, or began to; or it rests.
    No(RuleExecution),
}

impl RuleExecution {
    /// Whether a rule that rests for so long after what it did may act anew. DynamoDB evaluates the same as a condition.
    pub(super) fn lets(&self, next: &RuleExecution, cooldown_ms: u64) -> bool {
        self.since_ms < next.since_ms && (!self.done || self.at_ms.saturating_add(cooldown_ms) <= next.at_ms)
    }
}
