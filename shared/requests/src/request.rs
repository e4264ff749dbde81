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
    /// Reads a request of CloudFormation that was sent at `sent_ms`, unless its `ResponseURL` contains the time.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with every fault; the event still has an address for a response: [`ResponseAddress::of`].
    pub fn read(event: &Value, sent_ms: u64) -> Result<Request, Malformed> {
        Event::parse(event, sent_ms).map(|parsed| Request::of(parsed, event))
    }

    /// Reads a request that a function of the deployment has built or admitted: of CloudFormation, or a Repair of an operator
    /// ([`Event::parse_recorded`]). The reader of a message checks that a record has its request.
    ///
    /// # Errors
    ///
    /// As [`Request::read`].
    pub fn read_recorded(event: &Value, sent_ms: u64) -> Result<Request, Malformed> {
        Event::parse_recorded(event, sent_ms).map(|parsed| Request::of(parsed, event))
    }

    fn of(parsed: Event, event: &Value) -> Request {
        Request { event: parsed, hash: request_hash(event), response_address: ResponseAddress::of(event) }
    }

    /// The owner, whose requests share one message group of the request queue.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.event.owner()
    }
}
