//! The event of a CloudFormation custom resource, read with patience.
//!
//! A typed event that fails to deserialise can't be answered, and the stack then waits for an hour. So everything is
//! read out of a [`Value`]: first the address of the answer, which any object has, then the event itself, with every
//! fault collected on the way.

mod address;
mod fields;
mod hash;
mod malformed;
mod times;

pub use address::ResponseAddress;
pub(crate) use hash::hex;
pub use hash::request_hash;
pub use malformed::{Malformed, Violation};
pub use times::{MARGIN_MS, URL_LIFETIME_MS};

use crate::Owner;
use fields::Fields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// What CloudFormation asks for: the `RequestType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The resource is new in its stack.
    Create,
    /// Its properties changed; also how a failed Update is rolled back, with old and new properties swapped.
    Update,
    /// It leaves its stack; also how a failed Create is rolled back.
    Delete,
}

impl Kind {
    /// The word that CloudFormation uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Create => "Create",
            Kind::Update => "Update",
            Kind::Delete => "Delete",
        }
    }

    /// Reads the word, exactly as CloudFormation writes it: `create` and `Import` are `None`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Kind> {
        [Kind::Create, Kind::Update, Kind::Delete].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A well-formed event. The `ResponseURL` is not in it, so that it can be printed: see [`ResponseAddress`].
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Create, Update or Delete.
    pub kind: Kind,
    /// The stack's ARN; never empty.
    pub stack_id: String,
    /// CloudFormation's id of the request; empty if there was none. It is **not** unique: a retried deployment uses
    /// it again (aws-cdk #35957), so nothing may be remembered by it. [`request_hash`] is for that.
    pub request_id: String,
    /// The resource's name in its template; never empty, at most 255 characters in CloudFormation.
    pub logical_id: String,
    /// Such as `Custom::ScalableEnvironment`; empty if there was none.
    pub resource_type: String,
    /// The id that was answered before. Never there on Create; on Delete it may be one that CloudFormation made up.
    pub physical_id: Option<String>,
    /// The properties as sent: every scalar is a string. Empty on a Delete that came without.
    pub properties: Map<String, Value>,
    /// What they were before; on Update only.
    pub old_properties: Option<Map<String, Value>>,
    /// How long CloudFormation waits, in seconds, 1 to 3,600; `None` means 3,600.
    pub service_timeout: Option<u32>,
    /// When CloudFormation sent the request.
    pub sent_ms: u64,
    /// When the answer has to be on its way: see [`MARGIN_MS`].
    pub deadline_ms: u64,
}

impl Event {
    /// Reads an event that arrived at `now_ms`.
    ///
    /// When it was sent is read from the `ResponseURL`'s signature; a request without one counts as sent now.
    ///
    /// A Delete needs nothing but the ids: its properties and its `ServiceTimeout` are never a reason to refuse it,
    /// since properties of an old format come back with it.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with every fault, if `RequestType`, `StackId`, `LogicalResourceId`, or (on Create and Update)
    /// `ResourceProperties` or `ServiceTimeout` can't be used. It can still be answered: [`ResponseAddress::of`].
    pub fn parse(event: &Value, now_ms: u64) -> Result<Event, Malformed> {
        let mut fields = Fields::of(event);
        let kind = fields.kind();
        let stack_id = fields.id("StackId");
        let logical_id = fields.id("LogicalResourceId");
        let properties = fields.properties(kind);
        let service_timeout = fields.service_timeout(kind, &properties);
        let faults = fields.faults;
        let Some(kind) = kind.filter(|_| faults.is_empty()) else {
            return Err(Malformed::of(faults));
        };
        let url = event.get("ResponseURL").and_then(Value::as_str);
        let (sent_ms, deadline_ms) = times::sent_and_deadline(url, service_timeout, now_ms);
        Ok(Event {
            kind,
            stack_id,
            request_id: fields::text(event, "RequestId"),
            logical_id,
            resource_type: fields::text(event, "ResourceType"),
            physical_id: fields::present(event, "PhysicalResourceId"),
            properties,
            old_properties: event.get("OldResourceProperties").and_then(Value::as_object).cloned(),
            service_timeout,
            sent_ms,
            deadline_ms,
        })
    }

    /// Whose line of requests this one belongs to.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::of(&self.stack_id, &self.logical_id)
    }
}

#[cfg(test)]
mod tests;
