//! Errors of Auto Scaling's API.

use std::{error::Error, fmt};

/// An error response: AWS's code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code as in AWS's response, such as `AlreadyExists`.
    pub code: &'static str,
    /// The reason of the error.
    pub message: String,
}

impl Fault {
    /// `ValidationError`: the code of most errors.
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
