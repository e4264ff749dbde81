//! Why a request does not go on.

use environment::CallError;
use requests::{Kind, RecordsError};

/// Why a request does not go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassError {
    /// It is over; the sentence is for a person.
    Failed(String),
    /// Something that passes is in the way.
    Requeue(String),
}

impl PassError {
    /// What a person is told.
    #[must_use]
    pub fn sentence(&self) -> &str {
        let (PassError::Failed(sentence) | PassError::Requeue(sentence)) = self;
        sentence
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
            CallError::Rejected { message: what } => PassError::Failed(what),
            CallError::Retry { waiting_for: what, .. } | CallError::Indeterminate { message: what } => {
                PassError::Requeue(what)
            }
        }
    }
}

/// What an older request is told.
pub(crate) fn superseded(kind: Kind) -> PassError {
    PassError::Failed(format!("Superseded: a newer {kind} has come for this resource. Nothing more was done."))
}
