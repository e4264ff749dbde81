//! The `PhysicalResourceId`, which CloudFormation stores.

use crate::{Owner, ResponseAddress};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The longest physical id, in bytes of UTF-8: CloudFormation accepts 1 KB.
const MAX: usize = 1_024;

/// A `PhysicalResourceId` that CloudFormation accepts: not empty, at most 1,024 bytes, no control characters.
///
/// A type, since an empty id does harm that is hard to notice: CloudFormation then generates an id and hides the Reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PhysicalId(String);

impl TryFrom<String> for PhysicalId {
    type Error = BadPhysicalId;

    fn try_from(id: String) -> Result<PhysicalId, BadPhysicalId> {
        PhysicalId::new(id)
    }
}

/// An id that is invalid in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a physical id has 1 to 1024 bytes and no control characters, this one has {bytes} bytes")]
pub struct BadPhysicalId {
    /// The length of the id in bytes.
    pub bytes: usize,
}

impl PhysicalId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`BadPhysicalId`] if the id is empty, longer than 1,024 bytes, or has a control character.
    pub fn new(id: impl Into<String>) -> Result<PhysicalId, BadPhysicalId> {
        let id = id.into();
        let valid = !id.is_empty() && id.len() <= MAX && !id.contains(char::is_control);
        if valid { Ok(PhysicalId(id)) } else { Err(BadPhysicalId { bytes: id.len() }) }
    }

    /// The id of an owner without an environment: for the response to a request that could not be read.
    #[must_use]
    pub fn of_owner(owner: &Owner) -> PhysicalId {
        PhysicalId(format!("envkeeper-{owner}"))
    }

    /// The id for the response to an event that could not even be read: the event's id, else one that is the same each
    /// time.
    #[must_use]
    pub fn last_resort(event: &Value, to: &ResponseAddress) -> PhysicalId {
        let from_event = event.get("PhysicalResourceId").and_then(Value::as_str);
        PhysicalId::or(from_event, PhysicalId::of_owner(&Owner::of(&to.stack_id, &to.logical_id)))
    }

    /// The event's id if it is usable, else the caller's `fallback`: for a FAILED response that must not change the id that
    /// CloudFormation stores, and for a Create, which has no id yet.
    #[must_use]
    pub fn or(from_event: Option<&str>, fallback: PhysicalId) -> PhysicalId {
        PhysicalId::first_of([from_event], fallback)
    }

    /// The first usable one of `ids`, else the caller's `fallback`: an unusable id of the event must not hide the
    /// environment's id.
    #[must_use]
    pub fn first_of<'a>(ids: impl IntoIterator<Item = Option<&'a str>>, fallback: PhysicalId) -> PhysicalId {
        ids.into_iter().flatten().find_map(|id| PhysicalId::new(id).ok()).unwrap_or(fallback)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
