//! The response to CloudFormation, and its size.
//!
//! CloudFormation accepts at most 4,096 bytes, counted in bytes of the JSON. A longer response is rejected ("Response
//! object is too long"), and the stack waits for its hour; so does a response with a character cut in the middle. So a
//! response is shortened when it is serialised, not where its sentences are built.

mod fit;
mod physical_id;
mod reason;

pub use physical_id::{BadPhysicalId, PhysicalId};
pub use reason::{Reason, Runbook};

use crate::ResponseAddress;
use serde::Serialize;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The request succeeded.
    Success,
    /// The request failed, and the response has the reason.
    Failed,
}

/// A response to CloudFormation.
///
/// `NoEcho` is always false: `data` contains names and addresses, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CfnResponse {
    status: Status,
    reason: String,
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
    /// fails the stack, and a null does too.
    #[must_use]
    pub fn success(to: &ResponseAddress, physical_id: PhysicalId, data: BTreeMap<String, String>) -> CfnResponse {
        CfnResponse { data, ..CfnResponse::new(Status::Success, to, physical_id) }
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
        let (reason, guidance) = (message.to_owned(), given.guidance(function));
        CfnResponse { reason, guidance, ..CfnResponse::new(Status::Failed, to, physical_id) }
    }

    fn new(status: Status, to: &ResponseAddress, physical_id: PhysicalId) -> CfnResponse {
        CfnResponse {
            status,
            reason: String::new(),
            guidance: String::new(),
            physical_id,
            stack_id: to.stack_id.clone(),
            request_id: to.request_id.clone(),
            logical_id: to.logical_id.clone(),
            data: BTreeMap::new(),
        }
    }

    /// The same response with a reason, which a success may have too, such as the names of retained resources. If the whole
    /// response is too long, the reason is cut first.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<String>) -> CfnResponse {
        CfnResponse { reason: reason.into(), ..self }
    }

    /// Whether the request succeeded. [`CfnResponse::body`] may still turn a success with too much data into FAILED.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The reason in full length, with the guidance for an operator; empty on a plain success.
    #[must_use]
    pub fn reason(&self) -> String {
        format!("{}{}", self.reason, self.guidance)
    }

    /// The reason with at most `chars` characters. The message is cut first, so that the guidance stays complete.
    pub(crate) fn short_reason(&self, chars: usize) -> String {
        let room = chars.saturating_sub(self.guidance.chars().count());
        self.reason.chars().take(room).chain(self.guidance.chars()).take(chars).collect()
    }

    /// The physical id in the response.
    #[must_use]
    pub fn physical_id(&self) -> &PhysicalId {
        &self.physical_id
    }

    /// The body of the PUT: JSON of at most [`MAX_BODY`] bytes, without nulls.
    ///
    /// A reason that is too long is cut at a character, with a `…` in its place. The guidance for an operator is kept: only
    /// ids longer than CloudFormation's leave no room for it. A success that is too long because of its data becomes a
    /// FAILED with that reason: a stack that silently lacks its outputs would be worse.
    #[must_use]
    pub fn body(&self) -> String {
        let response = if self.data_fits() { self } else { &self.too_much_data() };
        let empty = response.wire("").to_string();
        let room = MAX_BODY.saturating_sub(empty.len() + fit::REASON_FIELD);
        // Only ids that CloudFormation does not send leave less room than the guidance needs.
        let guidance = fit::cut(&response.guidance, room);
        let message = fit::cut(&response.reason, room - fit::encoded(&guidance));
        response.wire(&format!("{message}{guidance}")).to_string()
    }

    fn data_fits(&self) -> bool {
        self.data.is_empty() || self.wire("").to_string().len() <= MAX_BODY
    }

    fn too_much_data(&self) -> CfnResponse {
        let size = fit::json(&self.data).len();
        let reason = format!(
            "The request succeeded, but its outputs do not fit into the response: Data has {size} bytes of JSON, and a whole \
             response may have {MAX_BODY}. Use shorter names, or fewer of them."
        );
        let without = CfnResponse { data: BTreeMap::new(), status: Status::Failed, ..self.clone() };
        without.with_reason(reason)
    }

    fn wire<'a>(&'a self, reason: &'a str) -> fit::Wire<'a> {
        fit::Wire {
            status: self.status,
            reason,
            physical_id: self.physical_id.as_str(),
            stack_id: fit::cut(&self.stack_id, MAX_REPEATED_ID),
            request_id: fit::cut(&self.request_id, MAX_REPEATED_ID),
            logical_id: fit::cut(&self.logical_id, MAX_REPEATED_ID),
            no_echo: false,
            data: &self.data,
        }
    }
}

#[cfg(test)]
mod tests;
