//! The answer to CloudFormation, and its size.
//!
//! CloudFormation takes at most 4,096 bytes, counted in bytes of the JSON. What is longer is refused ("Response object
//! is too long"), and the stack waits for its hour; the same if a character is cut in the middle. So a reply is fitted
//! when it is written, not where its sentences are made.

mod fit;
mod physical_id;

pub use physical_id::{BadPhysicalId, PhysicalId};

use crate::ResponseAddress;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest body that CloudFormation takes, in bytes, inclusive.
pub const MAX_BODY: usize = 4_096;

/// The longest id that is repeated, in bytes of JSON without its quotes: 600, where a stack's ARN with the longest name
/// has about 250, a logical id at most 255. Only an event that was not CloudFormation's can have a longer one, and its
/// answer could not be valid anyway; it is cut, so that the promise of the size holds for it too.
const MAX_ECHO: usize = 600;

/// What a FAILED says if nobody gave it a reason; CloudFormation requires one.
const NO_REASON: &str = "Envkeeper gave no reason. Its log has more.";

/// Whether the request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It was.
    Success,
    /// It was not, and the reason says why.
    Failed,
}

/// An answer to CloudFormation.
///
/// `NoEcho` is always false: what is in `data` is names and addresses, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CfnResponse {
    status: Status,
    reason: String,
    physical_id: PhysicalId,
    stack_id: String,
    request_id: String,
    logical_id: String,
    data: BTreeMap<String, String>,
}

impl CfnResponse {
    /// The request was carried out.
    ///
    /// `data` is what `Fn::GetAtt` finds. It is flat and made of strings by its type: a nested or missing key fails the
    /// stack, and a null does too.
    #[must_use]
    pub fn success(to: &ResponseAddress, physical_id: PhysicalId, data: BTreeMap<String, String>) -> CfnResponse {
        CfnResponse { data, ..CfnResponse::new(Status::Success, to, physical_id) }
    }

    /// The request was not carried out. An empty `reason` is replaced by a sentence that says so.
    ///
    /// `physical_id` is the one that the resource had; a new one would make CloudFormation delete the old one.
    #[must_use]
    pub fn failed(to: &ResponseAddress, physical_id: PhysicalId, reason: impl Into<String>) -> CfnResponse {
        let given = reason.into();
        let reason = if given.trim().is_empty() { NO_REASON.to_owned() } else { given };
        CfnResponse { reason, ..CfnResponse::new(Status::Failed, to, physical_id) }
    }

    fn new(status: Status, to: &ResponseAddress, physical_id: PhysicalId) -> CfnResponse {
        CfnResponse {
            status,
            reason: String::new(),
            physical_id,
            stack_id: to.stack_id.clone(),
            request_id: to.request_id.clone(),
            logical_id: to.logical_id.clone(),
            data: BTreeMap::new(),
        }
    }

    /// The same reply with something to tell on success too, such as what was retained. It is cut first if the whole
    /// gets too long.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<String>) -> CfnResponse {
        CfnResponse { reason: reason.into(), ..self }
    }

    /// Whether the request was carried out. [`CfnResponse::body`] may still turn a success with too much data into FAILED.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why, in full length; empty on a plain success.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The id that is answered.
    #[must_use]
    pub fn physical_id(&self) -> &PhysicalId {
        &self.physical_id
    }

    /// The body of the PUT: JSON of at most [`MAX_BODY`] bytes, without nulls.
    ///
    /// Too long, the reason is cut at a character, with a `…` at its end. If a success is too long because of its data,
    /// it becomes a FAILED that says so: a stack that silently lacks its outputs would be worse.
    #[must_use]
    pub fn body(&self) -> String {
        let reply = if self.data_fits() { self } else { &self.too_much_data() };
        let empty = reply.wire("").to_string();
        let room = MAX_BODY.saturating_sub(empty.len() + fit::REASON_FIELD);
        reply.wire(&fit::cut(&reply.reason, room)).to_string()
    }

    fn data_fits(&self) -> bool {
        self.data.is_empty() || self.wire("").to_string().len() <= MAX_BODY
    }

    fn too_much_data(&self) -> CfnResponse {
        let size = fit::json(&self.data).len();
        let reason = format!(
            "The work is done, but its outputs can't be answered: Data has {size} bytes of JSON, and a whole answer may \
             have {MAX_BODY}. Shorter names, or fewer of them, help."
        );
        let without = CfnResponse { data: BTreeMap::new(), status: Status::Failed, ..self.clone() };
        without.with_reason(reason)
    }

    fn wire<'a>(&'a self, reason: &'a str) -> fit::Wire<'a> {
        fit::Wire {
            status: self.status,
            reason,
            physical_id: self.physical_id.as_str(),
            stack_id: fit::cut(&self.stack_id, MAX_ECHO),
            request_id: fit::cut(&self.request_id, MAX_ECHO),
            logical_id: fit::cut(&self.logical_id, MAX_ECHO),
            no_echo: false,
            data: &self.data,
        }
    }
}

#[cfg(test)]
mod tests;
