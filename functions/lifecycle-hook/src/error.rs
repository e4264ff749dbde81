//! The errors at the function's seam.

use std::time::Duration;

use lambda_kit::AwsCallError;
use requests::{QueueError, RecordsError};

/// An observation or a call that failed. Each is retried, within the caller's own time limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// A call to AWS other than the following.
    #[error(transparent)]
    Call(#[from] AwsCallError),
    /// A read of the records.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A message to the ledger's queue or to the queue for dead letters.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The deployment has no such queue.
    #[error("{variable} is not set: {purpose}")]
    NotConfigured {
        /// The environment variable.
        variable: &'static str,
        /// The purpose of its queue.
        purpose: &'static str,
    },
    /// The observation of the batch or the sweep does not contain the instance.
    #[error("{instance} was not observed")]
    NotObserved {
        /// `i-…`
        instance: String,
    },
}

impl HookError {
    /// Whether it is unknown if the call took effect.
    #[must_use]
    pub fn is_indeterminate(&self) -> bool {
        matches!(self, HookError::Call(call) if call.is_indeterminate())
    }
}

/// A piece of evidence that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// A call to AWS failed.
    #[error(transparent)]
    Call(#[from] AwsCallError),
    /// SSM cannot send a command to the instance.
    #[error("its SSM agent is not online")]
    AgentOffline,
    /// The command on the instance did not end in this time.
    #[error("no response within {} s", .0.as_secs())]
    NoResponse(Duration),
    /// EC2 has not received the console output yet.
    #[error("EC2 has no console output yet")]
    NoConsoleOutput,
}
