//! The errors that end a reconcile pass.

use environment::CallError;
use requests::{Kind, RecordsError};

/// The reason why a reconcile pass ended before the request was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassError {
    /// The request failed; the sentence is for the stack author.
    Failed(String),
    /// A transient condition blocks the request; another pass retries it.
    Requeue(String),
}

impl PassError {
    /// The reason, as a sentence for the stack author.
    #[must_use]
    pub fn reason(&self) -> &str {
        let (PassError::Failed(reason) | PassError::Requeue(reason)) = self;
        reason
    }
}

impl From<RecordsError> for PassError {
    fn from(error: RecordsError) -> PassError {
        if error.is_retryable() { PassError::Requeue(error.to_string()) } else { PassError::Failed(error.to_string()) }
    }
}

impl From<CallError> for PassError {
    fn from(call_error: CallError) -> PassError {
        match call_error {
            CallError::Rejected { message } => PassError::Failed(message),
            CallError::Retry { waiting_for: message, .. } | CallError::Indeterminate { message } => {
                PassError::Requeue(message)
            }
        }
    }
}

/// The error of an older request after a newer request of the same owner was recorded.
pub(crate) fn superseded(kind: Kind) -> PassError {
    PassError::Failed(format!(
        "Superseded: CloudFormation sent a newer {kind} for this resource. Envkeeper stopped working on this request."
    ))
}
