//! What Auto Scaling refuses.

use std::{error::Error, fmt};

/// An error answer: AWS's code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code as it is on the wire, such as `AlreadyExists`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    /// `ValidationError`: what most mistakes are.
    pub fn validation(message: impl Into<String>) -> Self {
        Self { code: "ValidationError", message: message.into() }
    }

    pub(crate) fn already_exists(message: impl Into<String>) -> Self {
        Self { code: "AlreadyExists", message: message.into() }
    }

    pub(crate) fn in_use(message: impl Into<String>) -> Self {
        Self { code: "ResourceInUse", message: message.into() }
    }

    pub(crate) fn in_progress(message: impl Into<String>) -> Self {
        Self { code: "ScalingActivityInProgress", message: message.into() }
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self { code: "LimitExceeded", message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl Error for Fault {}
