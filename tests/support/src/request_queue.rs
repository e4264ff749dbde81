//! A request queue that records its messages.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use requests::{Owner, QueueError, RequestQueue};
use serde_json::Value;

/// Accepts requests and delivers none.
#[derive(Debug, Default)]
pub struct FakeRequestQueue {
    /// Group, deduplication hash, and body of the sent messages.
    pub sent: Mutex<Vec<(String, String, Value)>>,
    /// Receipt of each requeued message, and its delay.
    pub requeued: Mutex<Vec<(String, Duration)>>,
    /// Whether every call fails except the extension of the visibility.
    pub unavailable: AtomicBool,
    /// Whether the receipts have expired by the time the visibility is to be extended.
    pub receipts_expired: AtomicBool,
}

impl FakeRequestQueue {
    fn available(&self) -> Result<(), QueueError> {
        let unavailable = QueueError { queue: "requests.fifo".into(), message: "no connection".into() };
        if self.unavailable.load(SeqCst) { Err(unavailable) } else { Ok(()) }
    }
}

impl RequestQueue for FakeRequestQueue {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        self.available()?;
        let message = (owner.to_string(), request_hash.to_owned(), event.clone());
        let mut sent = self.sent.lock().expect("one thread");
        // A FIFO queue accepts the message of one name once, and reports no duplicate.
        if !sent.iter().any(|(owner, name, _)| (owner, name) == (&message.0, &message.1)) {
            sent.push(message);
        }
        Ok(())
    }

    async fn extend_visibility(&self, _receipt: &str, _span: Duration) -> Result<(), QueueError> {
        let expired = QueueError { queue: "requests.fifo".into(), message: "The receipt handle has expired".into() };
        if self.receipts_expired.load(SeqCst) { Err(expired) } else { Ok(()) }
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.available()?;
        self.requeued.lock().expect("one thread").push((receipt.to_owned(), after));
        Ok(())
    }
}
