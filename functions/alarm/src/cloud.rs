//! The seam between decisions and effects.

use environment::{CallError, ObservedAlarm};
use requests::QueueError;
use serde_json::Value;

/// Implemented by AWS, or by a test. Every error may be transient.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is needed")]
pub trait AlarmApi {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// Observes an alarm, metric or composite; `None` if no alarm has this name.
    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError>;

    /// Publishes an event.
    async fn publish(&self, event: &Value) -> Result<(), QueueError>;
}
