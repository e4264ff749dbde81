//! Where an answer goes, and what it has to repeat.

use super::fields::{present, text};
use serde_json::Value;
use std::fmt;

/// The parts of an event that its answer repeats, each verbatim, and where that answer goes.
///
/// Taken out before anything is judged, so that also an event that makes no sense gets its FAILED.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ResponseAddress {
    /// The presigned URL, as sent and not yet checked ([`crate::ResponseUrl::parse`] does); `None` if there is none or it
    /// is no string. Then the answer is the invocation's own result. **A secret**: who has it can answer in our name.
    pub response_url: Option<String>,
    /// The stack's ARN; empty if missing.
    pub stack_id: String,
    /// CloudFormation's id of the request; empty if missing.
    pub request_id: String,
    /// The resource's name in its template; empty if missing.
    pub logical_id: String,
}

impl ResponseAddress {
    /// Takes the address out of an event. Never fails: what is missing or no string is empty.
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
        f.debug_struct("ReplyAddress")
            .field("response_url", &self.response_url.as_ref().map(|_| "(hidden)"))
            .field("stack_id", &self.stack_id)
            .field("request_id", &self.request_id)
            .field("logical_id", &self.logical_id)
            .finish()
    }
}
