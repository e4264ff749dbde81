//! The seam between deciding and doing.

use environment::ObservedAlarm;
use serde_json::Value;

/// AWS, or a test. Every error is a sentence, and may pass.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Cloud {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// An alarm, metric or composite; nothing, if there is none of this name.
    async fn alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, String>;

    /// Tells the ledger something, as an event.
    async fn publish(&self, event: &Value) -> Result<(), String>;
}
