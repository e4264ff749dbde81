//! The event of a CloudFormation custom resource, read leniently.
//!
//! A typed event that fails to deserialise leaves no address for a response, and the stack then waits for an hour. So
//! every field is read from a [`Value`]: first the address of the response, which any object has, then the event itself,
//! collecting every fault.

mod address;
mod fields;
mod hash;
mod malformed;
mod times;

pub use address::ResponseAddress;
pub use hash::request_hash;
pub use malformed::{Malformed, Violation};
pub use times::{MARGIN_MS, URL_LIFETIME_MS};

use crate::Owner;
use fields::Fields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// The `RequestType` of a request: those of CloudFormation, and one of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The resource is new in its stack.
    Create,
    /// Its properties changed; also how a failed Update is rolled back, with old and new properties swapped.
    Update,
    /// The resource is removed from its stack; also how a failed Create is rolled back.
    Delete,
    /// An operator asks for the recorded properties once more, without a change of the stack. Never sent by CloudFormation.
    Repair,
}

impl Kind {
    /// The word in an event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Create => "Create",
            Kind::Update => "Update",
            Kind::Delete => "Delete",
            Kind::Repair => "Repair",
        }
    }

    /// Reads the word, exactly as an event has it: `create` and `Import` are `None`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Kind> {
        [Kind::Create, Kind::Update, Kind::Delete, Kind::Repair].into_iter().find(|kind| kind.as_str() == word)
    }

    /// The sender of requests of this kind, as texts name it.
    #[must_use]
    pub fn sender(self) -> &'static str {
        match self {
            Kind::Create | Kind::Update | Kind::Delete => "CloudFormation",
            Kind::Repair => "an operator",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A well-formed event. `Debug` shows neither the `ResponseURL`, which is not part of this type (see
/// [`ResponseAddress`]), nor the properties, which can contain secrets.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// The kind of request.
    pub kind: Kind,
    /// The stack's ARN, 1 to 600 bytes.
    pub stack_id: String,
    /// CloudFormation's id of the request, at most 128 bytes; empty if missing. The id is **not** unique: a retried deployment reuses it
    /// (aws-cdk #35957), so it may not be used as a key. [`request_hash`] is the key.
    pub request_id: String,
    /// The resource's name in its template, 1 to 255 bytes.
    pub logical_id: String,
    /// Such as `Custom::ScalableEnvironment`, at most 256 bytes; empty if missing.
    pub resource_type: String,
    /// The id of the previous response, at most 1,024 bytes; a longer one is no id of CloudFormation, and is ignored. Never present on Create; on Delete CloudFormation may have generated the id.
    pub physical_id: Option<String>,
    /// The properties as sent: every scalar is a string. Empty on a Delete without properties.
    pub properties: Map<String, Value>,
    /// The previous properties; on Update only.
    pub old_properties: Option<Map<String, Value>>,
    /// How long CloudFormation waits for the response, in seconds, 1 to 3,600; `None` means 3,600.
    pub service_timeout: Option<u32>,
    /// When CloudFormation sent the request.
    pub sent_ms: u64,
    /// When the response is due: see [`MARGIN_MS`].
    pub deadline_ms: u64,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .field("stack_id", &self.stack_id)
            .field("request_id", &self.request_id)
            .field("logical_id", &self.logical_id)
            .field("physical_id", &self.physical_id)
            .field("properties", &self.properties.len())
            .field("sent_ms", &self.sent_ms)
            .field("deadline_ms", &self.deadline_ms)
            .finish_non_exhaustive()
    }
}

impl Event {
    /// Reads an event that arrived at `now_ms`.
    ///
    /// The time of sending is read from the `ResponseURL`'s signature; a request without one counts as sent now.
    ///
    /// A Delete needs only the ids: its properties and its `ServiceTimeout` are never a reason to reject it, since a
    /// Delete repeats properties of an old format. A Repair is no event of CloudFormation: [`Event::parse_recorded`] reads it.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with every fault, if `RequestType`, `StackId`, `LogicalResourceId`, or (on Create and Update)
    /// `ResourceProperties` or `ServiceTimeout` can't be used, or if a field is longer than CloudFormation's. The event still has an address for a response:
    /// [`ResponseAddress::of`].
    pub fn parse(event: &Value, now_ms: u64) -> Result<Event, Malformed> {
        Event::parse_kinds(event, now_ms, fields::OF_CLOUDFORMATION)
    }

    /// Reads an event that a function of the deployment has built or admitted: of CloudFormation, or a Repair, which needs only
    /// the ids.
    ///
    /// # Errors
    ///
    /// As [`Event::parse`].
    pub fn parse_recorded(event: &Value, now_ms: u64) -> Result<Event, Malformed> {
        Event::parse_kinds(event, now_ms, fields::RECORDED)
    }

    fn parse_kinds(event: &Value, now_ms: u64, kinds: fields::Kinds) -> Result<Event, Malformed> {
        let mut fields = Fields::of(event);
        let kind = fields.kind(kinds);
        let stack_id = fields.id(fields::STACK_ID);
        let logical_id = fields.id(fields::LOGICAL_ID);
        let request_id = fields.optional(fields::REQUEST_ID).unwrap_or_default();
        let resource_type = fields.optional(fields::RESOURCE_TYPE).unwrap_or_default();
        let physical_id = fields::present(event, "PhysicalResourceId").filter(|id| id.len() <= fields::MAX_PHYSICAL_ID);
        let url = fields.optional(fields::RESPONSE_URL);
        let properties = fields.properties(kind);
        let service_timeout = fields.service_timeout(kind, &properties);
        let faults = fields.faults;
        let Some(kind) = kind.filter(|_| faults.is_empty()) else {
            return Err(Malformed::of(faults));
        };
        let (sent_ms, deadline_ms) = times::sent_and_deadline(url.as_deref(), service_timeout, now_ms);
        Ok(Event {
            kind,
            stack_id,
            request_id,
            logical_id,
            resource_type,
            physical_id,
            properties,
            old_properties: event.get("OldResourceProperties").and_then(Value::as_object).cloned(),
            service_timeout,
            sent_ms,
            deadline_ms,
        })
    }

    /// The owner, whose requests share one message group of the request queue.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::of(&self.stack_id, &self.logical_id)
    }
}

#[cfg(test)]
mod tests;
