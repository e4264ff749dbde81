//! The id that CloudFormation keeps.

use crate::{Owner, ResponseAddress};
use serde_json::Value;
use std::fmt;

/// The longest physical id, in bytes of UTF-8: CloudFormation takes 1 KB.
const MAX: usize = 1_024;

/// A `PhysicalResourceId` that CloudFormation takes: not empty, at most 1,024 bytes, no control characters.
///
/// A type, since an empty one does harm that is hard to see: CloudFormation then makes an id up and hides the Reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhysicalId(String);

/// Not an id that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a physical id has 1 to 1024 bytes and no control characters, this one has {bytes} bytes")]
pub struct BadPhysicalId {
    /// Its length in bytes.
    pub bytes: usize,
}

impl PhysicalId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`BadPhysicalId`] if it is empty, longer than 1,024 bytes, or has a control character.
    pub fn new(id: impl Into<String>) -> Result<PhysicalId, BadPhysicalId> {
        let id = id.into();
        let valid = !id.is_empty() && id.len() <= MAX && !id.contains(char::is_control);
        if valid { Ok(PhysicalId(id)) } else { Err(BadPhysicalId { bytes: id.len() }) }
    }

    /// The id of an owner that has no environment: what is answered to a request that could not be read.
    #[must_use]
    pub fn of_owner(owner: &Owner) -> PhysicalId {
        PhysicalId(format!("envkeeper-{owner}"))
    }

    /// The id for an answer to what could not even be read: the one that came, else one that is the same each time.
    #[must_use]
    pub fn last_resort(event: &Value, to: &ResponseAddress) -> PhysicalId {
        let came = event.get("PhysicalResourceId").and_then(Value::as_str);
        PhysicalId::or(came, PhysicalId::of_owner(&Owner::of(&to.stack_id, &to.logical_id)))
    }

    /// The id that came with the event if there is a usable one, else the caller's own: for a FAILED that must not change
    /// what CloudFormation knows, and for a Create, which has none yet.
    #[must_use]
    pub fn or(came: Option<&str>, fallback: PhysicalId) -> PhysicalId {
        PhysicalId::first_of([came], fallback)
    }

    /// The first of some ids that can be answered, else the caller's own: one that came, but is unusable, must not hide
    /// the environment's.
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
