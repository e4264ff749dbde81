//! The address of a response, and the ids that the response has to repeat.

use super::fields::{present, text};
use serde_json::Value;
use std::fmt;

/// The parts of an event that its response repeats, each verbatim, and the URL for that response.
///
/// Read before the event is validated, so that even a malformed event gets a FAILED response.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ResponseAddress {
    /// The presigned URL, as sent and not yet checked ([`crate::ResponseUrl::parse`] checks it); `None` if it is missing or
    /// not a string. Then the response is the invocation's own result. **A secret**: its holder can respond in Envkeeper's
    /// name.
    pub response_url: Option<String>,
    /// The stack's ARN; empty if missing.
    pub stack_id: String,
    /// CloudFormation's id of the request; empty if missing.
    pub request_id: String,
    /// The resource's name in its template; empty if missing.
    pub logical_id: String,
}

impl ResponseAddress {
    /// Reads the address from an event. Never fails: a field that is missing or not a string is empty.
    #[must_use]
    pub fn of(event: &Value) -> ResponseAddress {
        ResponseAddress {
            response_url: present(event, "ResponseURL"),
            stack_id: text(event, "StackId"),
            request_id: text(event, "RequestId"),
            logical_id: text(event, "LogicalResourceId"),
        }
    }
}

impl fmt::Debug for ResponseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseAddress")
            .field("response_url", &self.response_url.as_ref().map(|_| "(hidden)"))
            .field("stack_id", &self.stack_id)
            .field("request_id", &self.request_id)
            .field("logical_id", &self.logical_id)
            .finish()
    }
}
