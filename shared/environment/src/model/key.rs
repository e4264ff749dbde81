//! The identity of resources, and the references between them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// The identity of a resource: a kind and a computed name. Unique within an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The kind; resources of different kinds may have the same name.
    pub kind: Kind,
    /// The name, as [`Names`](crate::Names) computes it.
    pub name: String,
}

impl Key {
    /// The key of a resource, which may be absent.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Key { kind, name: name.into() }
    }
}

/// A reference from one resource to another: by the computed name, or by the id of a foreign resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// A resource of this environment, found by the key.
    Owned(Key),
    /// An id that AWS assigned: an existing network, or an unknown resource that an observed resource refers to.
    Foreign(String),
}

impl Ref {
    /// A reference to a resource of this environment, by kind and computed name.
    pub fn owned(kind: Kind, name: impl Into<String>) -> Self {
        Ref::Owned(Key::new(kind, name))
    }

    /// The key, if the reference is to a resource of this environment.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Ref::Owned(key) => Some(key),
            Ref::Foreign(_) => None,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Owned(key) => f.write_str(&key.name),
            Ref::Foreign(id) => f.write_str(id),
        }
    }
}

/// Tags by key. Every kind carries them, set in the create call.
pub type Tags = BTreeMap<String, String>;
