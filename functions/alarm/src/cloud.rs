//! The seam between deciding and doing.

use serde_json::Value;

/// An alarm as CloudWatch has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNow {
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when, in ms since the epoch: one time for all the ways in which it is told.
    pub since_ms: u64,
}

/// AWS, or a test. Every error is a sentence, and may pass.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Cloud {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// An alarm, metric or composite; nothing, if there is none of this name.
    async fn alarm(&self, name: &str) -> Result<Option<AlarmNow>, String>;

    /// Tells the ledger something, as an event.
    async fn tell(&self, event: &Value) -> Result<(), String>;
}
