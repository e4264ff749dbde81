//! A line that remembers what it was told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use requests::{Line, LineError, Owner};
use serde_json::Value;

/// Takes requests and moves nothing.
#[derive(Debug, Default)]
pub struct FakeLine {
    /// Group, hash for telling duplicates, and body of what was sent.
    pub sent: Mutex<Vec<(String, String, Value)>>,
    /// Receipt of what is to come back, and after how long.
    pub coming_back: Mutex<Vec<(String, Duration)>>,
    /// Whether every call fails but those that keep a message.
    pub broken: AtomicBool,
    /// Whether messages are somebody else's by the time they are to be kept.
    pub lost: AtomicBool,
}

impl FakeLine {
    fn works(&self) -> Result<(), LineError> {
        let broken = LineError { queue: "requests.fifo".into(), what: "no connection".into() };
        if self.broken.load(SeqCst) { Err(broken) } else { Ok(()) }
    }
}

impl Line for FakeLine {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), LineError> {
        self.works()?;
        let message = (owner.to_string(), request_hash.to_owned(), event.clone());
        let mut sent = self.sent.lock().expect("one thread");
        // A FIFO queue takes a message of one name once, and says nothing.
        if !sent.iter().any(|(owner, name, _)| (owner, name) == (&message.0, &message.1)) {
            sent.push(message);
        }
        Ok(())
    }

    async fn keep(&self, _receipt: &str, _span: Duration) -> Result<(), LineError> {
        let lost = LineError { queue: "requests.fifo".into(), what: "The receipt handle has expired".into() };
        if self.lost.load(SeqCst) { Err(lost) } else { Ok(()) }
    }

    async fn come_back(&self, receipt: &str, after: Duration) -> Result<(), LineError> {
        self.works()?;
        self.coming_back.lock().expect("one thread").push((receipt.to_owned(), after));
        Ok(())
    }
}
