//! A line that remembers what it was told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use requests::{Owner, QueueError, RequestQueue};
use serde_json::Value;

/// Takes requests and moves nothing.
#[derive(Debug, Default)]
pub struct FakeRequestQueue {
    /// Group, hash for telling duplicates, and body of what was sent.
    pub sent: Mutex<Vec<(String, String, Value)>>,
    /// Receipt of what is to come back, and after how long.
    pub requeued: Mutex<Vec<(String, Duration)>>,
    /// Whether every call fails but those that keep a message.
    pub unavailable: AtomicBool,
    /// Whether messages are somebody else's by the time they are to be kept.
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
        // A FIFO queue takes a message of one name once, and says nothing.
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
