//! The response to CloudFormation, and its size.
//!
//! CloudFormation accepts at most 4,096 bytes, counted in bytes of the JSON. A longer response is rejected ("Response
//! object is too long"), and the stack waits for its hour; so does a response with a character cut in the middle. So a
//! response is shortened when it is built, not where its sentences are written.
//!
//! A response is built once ([`CfnResponse`]), recorded ([`crate::Records::record_response`]), and sent
//! ([`crate::ResponseSender::send`]): the same value in all three steps.

pub(crate) mod fit;
mod physical_id;
mod printable;
mod reason;

pub use physical_id::{BadPhysicalId, PhysicalId};
pub use reason::{Reason, Runbook};

use crate::ResponseAddress;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest body that CloudFormation accepts, in bytes, inclusive.
pub const MAX_BODY: usize = 4_096;

/// The longest id that is repeated, in bytes of JSON without its quotes: 600, where a stack's ARN with the longest name
/// has about 250, a logical id at most 255. Only an event that CloudFormation did not send can have a longer id, and its
/// response could not be valid anyway; the id is cut, so that the guarantee of the size holds for that response too.
const MAX_REPEATED_ID: usize = 600;

/// The reason of a FAILED response that was built without one; CloudFormation requires a reason.
const NO_REASON: &str = "Envkeeper gave no reason. See the log of the function.";

/// Whether the request succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The request succeeded.
    Success,
    /// The request failed, and the response has the reason.
    Failed,
}

/// A response to CloudFormation, from its construction to its delivery.
///
/// Complete when it is built: it fits into [`MAX_BODY`], and [`CfnResponse::body`] only serialises it. A reason that is
/// too long is cut at a character, with `...` in its place. The guidance for an operator is kept: only ids longer than
/// CloudFormation's leave no room for it. A reason consists of printable ASCII, tabs and line feeds, and is written so
/// before its length is counted.
///
/// The records store it as it is. `NoEcho` is always false: `data` contains names and addresses, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CfnResponse {
    status: Status,
    message: String,
    guidance: String,
    physical_id: PhysicalId,
    stack_id: String,
    request_id: String,
    logical_id: String,
    data: BTreeMap<String, String>,
}

impl CfnResponse {
    /// The response to a request that succeeded.
    ///
    /// `data` contains the attributes for `Fn::GetAtt`. Its type makes it flat and all strings: a nested or missing key
    /// fails the stack, and a null does too. With more data than a response can contain, the response is a FAILED with
    /// that reason: a stack that silently lacks its outputs would be worse.
    #[must_use]
    pub fn success(to: &ResponseAddress, physical_id: PhysicalId, data: BTreeMap<String, String>) -> CfnResponse {
        CfnResponse { data, ..CfnResponse::new(Status::Success, to, physical_id) }.fitted()
    }

    /// The response to a request that failed. A sentence replaces an empty `reason`.
    ///
    /// `physical_id` is the one that the resource had; a new id would make CloudFormation delete the resource with the old
    /// one. `function` is the name of the Lambda function that sends the response; a reason with a runbook names it.
    #[must_use]
    pub fn failed(
        to: &ResponseAddress,
        physical_id: PhysicalId,
        reason: impl Into<Reason>,
        function: &str,
    ) -> CfnResponse {
        let given = reason.into();
        let message = if given.message().trim().is_empty() { NO_REASON } else { given.message() };
        let [message, guidance] =
            [message, &given.guidance(function)].map(|text| printable::printable(text).into_owned());
        CfnResponse { message, guidance, ..CfnResponse::new(Status::Failed, to, physical_id) }.fitted()
    }

    fn new(status: Status, to: &ResponseAddress, physical_id: PhysicalId) -> CfnResponse {
        let repeated = |id: &str| fit::cut(id, MAX_REPEATED_ID).into_owned();
        CfnResponse {
            status,
            message: String::new(),
            guidance: String::new(),
            physical_id,
            stack_id: repeated(&to.stack_id),
            request_id: repeated(&to.request_id),
            logical_id: repeated(&to.logical_id),
            data: BTreeMap::new(),
        }
    }

    /// The same response, cut to [`MAX_BODY`]: first the message, then the guidance, to the room that the other fields
    /// leave.
    fn fitted(self) -> CfnResponse {
        let bare = CfnResponse { message: String::new(), guidance: String::new(), ..self.clone() };
        let size = bare.body().len();
        if size > MAX_BODY && !self.data.is_empty() {
            let message = format!(
                "The request succeeded, but its outputs do not fit into the response: Data has {} bytes of JSON, and a whole \
                 response may have {MAX_BODY}. Use shorter names, or fewer of them.",
                fit::json(&self.data).len()
            );
            return CfnResponse { status: Status::Failed, message, data: BTreeMap::new(), ..bare }.fitted();
        }
        let room = MAX_BODY.saturating_sub(size + fit::REASON_FIELD);
        let guidance = fit::cut(&self.guidance, room).into_owned();
        let message = fit::cut(&self.message, room - fit::encoded(&guidance)).into_owned();
        CfnResponse { message, guidance, ..self }
    }

    /// Whether the request succeeded.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The reason, with the guidance for an operator; empty on a plain success.
    #[must_use]
    pub fn reason(&self) -> String {
        format!("{}{}", self.message, self.guidance)
    }

    /// The reason with at most `chars` characters. The message is cut first, so that the guidance stays complete.
    pub(crate) fn short_reason(&self, chars: usize) -> String {
        let room = chars.saturating_sub(self.guidance.chars().count());
        self.message.chars().take(room).chain(self.guidance.chars()).take(chars).collect()
    }

    /// The physical id in the response.
    #[must_use]
    pub fn physical_id(&self) -> &PhysicalId {
        &self.physical_id
    }

    /// The body of the PUT: JSON of at most [`MAX_BODY`] bytes, without nulls.
    #[must_use]
    pub fn body(&self) -> String {
        let wire = fit::Wire {
            status: self.status,
            reason: &self.reason(),
            physical_id: self.physical_id.as_str(),
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_id: &self.logical_id,
            no_echo: false,
            data: &self.data,
        };
        fit::json(&wire)
    }
}

#[cfg(test)]
mod tests;
