//! What becomes of a remediation.

use environment::{CallError, RemediationAction};
use requests::RecordsError;

/// What became of a remediation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemediationOutcome {
    /// It was done.
    Done(RemediationAction),
    /// It would have been done, if the rule were no dry run.
    DryRun(RemediationAction),
    /// Nothing was done; why.
    Skipped(String),
    /// It could not be done; why.
    Failed(String),
    /// It was asked for, and whether it was made can't be told; what is known.
    Unknown(String),
    /// It can't be decided now, and comes back.
    Requeue {
        /// What holds it up.
        reason: String,
        /// Whether it may have been made.
        asked: bool,
    },
}

impl From<CallError> for RemediationOutcome {
    fn from(call_error: CallError) -> RemediationOutcome {
        match call_error {
            CallError::Rejected { message: what } => RemediationOutcome::Failed(what),
            CallError::Retry { waiting_for: what, .. } | CallError::Indeterminate { message: what } => {
                RemediationOutcome::Requeue { reason: what, asked: false }
            }
        }
    }
}

impl From<RecordsError> for RemediationOutcome {
    fn from(error: RecordsError) -> RemediationOutcome {
        let reason = error.to_string();
        if error.is_retryable() {
            RemediationOutcome::Requeue { reason, asked: false }
        } else {
            RemediationOutcome::Failed(reason)
        }
    }
}

impl RemediationOutcome {
    /// The same of what was asked for before, of which nothing is seen: it may have been made.
    pub(crate) fn indeterminate(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Skipped(reason) | RemediationOutcome::Failed(reason) => {
                RemediationOutcome::Unknown(reason)
            }
            RemediationOutcome::Requeue { reason, .. } => RemediationOutcome::Requeue { reason, asked: true },
            decided => decided,
        }
    }

    /// What it is if it may not come back.
    pub(crate) fn at_last(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Requeue { reason, asked: true } => RemediationOutcome::Unknown(reason),
            RemediationOutcome::Requeue { reason, asked: false } => RemediationOutcome::Failed(reason),
            decided => decided,
        }
    }

    /// As the ledger has it: what became of it, and why; nothing while it is not decided.
    pub(crate) fn summary(&self) -> Option<(&'static str, String)> {
        Some(match self {
            RemediationOutcome::Done(action) => ("done", action.summary()),
            RemediationOutcome::DryRun(action) => ("dry-run", action.would()),
            RemediationOutcome::Skipped(reason) => ("skipped", reason.clone()),
            RemediationOutcome::Failed(reason) => ("failed", reason.clone()),
            RemediationOutcome::Unknown(reason) => {
                ("unknown", format!("it was asked for, and whether it was made can't be told; {reason}"))
            }
            RemediationOutcome::Requeue { .. } => return None,
        })
    }
}
