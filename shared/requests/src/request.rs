//! A request as it travels: the event, a name for it, and where its answer goes.

use crate::{Event, Malformed, Owner, ResponseAddress, request_hash};
use serde_json::Value;

/// A well-formed request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub event: Event,
    /// [`request_hash`] of the event as it came.
    pub hash: String,
    /// Where the answer goes.
    pub to: ResponseAddress,
}

impl Request {
    /// Reads a request that was sent at `sent_ms`, if its `ResponseURL` does not say when.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with every fault; it can still be answered: [`ResponseAddress::of`].
    pub fn read(event: &Value, sent_ms: u64) -> Result<Request, Malformed> {
        let parsed = Event::parse(event, sent_ms)?;
        Ok(Request { event: parsed, hash: request_hash(event), to: ResponseAddress::of(event) })
    }

    /// Whose line of requests it belongs to.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.event.owner()
    }
}
