//! A request in transit: the event, its hash, and the address of its response.

use crate::{Event, Malformed, Owner, ResponseAddress, request_hash};
use serde_json::Value;

/// A well-formed request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The parsed event.
    pub event: Event,
    /// [`request_hash`] of the event as it arrived.
    pub hash: String,
    /// The address of the response.
    pub response_address: ResponseAddress,
}

impl Request {
    /// Reads a request that was sent at `sent_ms`, unless its `ResponseURL` contains the time.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with every fault; the event still has an address for a response: [`ResponseAddress::of`].
    pub fn read(event: &Value, sent_ms: u64) -> Result<Request, Malformed> {
        let parsed = Event::parse(event, sent_ms)?;
        Ok(Request { event: parsed, hash: request_hash(event), response_address: ResponseAddress::of(event) })
    }

    /// The owner, whose requests share one message group of the request queue.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.event.owner()
    }
}
