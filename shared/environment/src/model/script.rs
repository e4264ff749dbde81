//! Scripts, whose content no log and no message repeats.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

/// A stack author's script, or user data that contains one. A script may contain a secret, so `Debug` shows its length
/// only, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Script(String);

impl Deref for Script {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Script {
    fn from(text: T) -> Self {
        Script(text.into())
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} bytes)", self.0.len())
    }
}
