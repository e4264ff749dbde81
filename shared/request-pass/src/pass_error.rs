//! The errors that end a pass.

use environment::CallError;
use requests::{Kind, Reason, RecordsError, Runbook};

/// The reason why a pass ended before the request was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassError {
    /// The request failed; the reason is for the stack author, or with a runbook for an operator.
    Failed(Reason),
    /// A transient condition blocks the request; another pass retries.
    Requeue(String),
    /// The records table is unavailable; another pass retries.
    RecordsUnavailable(String),
}

impl PassError {
    /// The reason, without a runbook.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            PassError::Failed(reason) => reason.message(),
            PassError::Requeue(reason) | PassError::RecordsUnavailable(reason) => reason,
        }
    }
}

impl From<RecordsError> for PassError {
    fn from(error: RecordsError) -> PassError {
        if error.is_retryable() {
            PassError::RecordsUnavailable(error.to_string())
        } else {
            PassError::Failed(Reason::with_runbook(error.to_string(), Runbook::RecordsUnavailable))
        }
    }
}

impl From<CallError> for PassError {
    fn from(call_error: CallError) -> PassError {
        match call_error {
            CallError::Rejected { message } => PassError::Failed(Reason::with_runbook(message, Runbook::CallRejected)),
            CallError::Retry { waiting_for, .. } => PassError::Requeue(waiting_for.to_string()),
            CallError::Indeterminate { message } => PassError::Requeue(message),
        }
    }
}

/// The error of an older request after a newer request of the same owner was recorded.
pub(crate) fn superseded(kind: Kind) -> PassError {
    PassError::Failed(superseded_reason(kind))
}

/// The reason of the FAILED for an older request after a newer request, of this kind, was recorded.
#[must_use]
pub fn superseded_reason(kind: Kind) -> Reason {
    Reason::from(format!(
        "Superseded: {} sent a newer {kind} for this resource. Envkeeper stopped working on this request.",
        kind.sender()
    ))
}
