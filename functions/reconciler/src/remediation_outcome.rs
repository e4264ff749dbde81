//! The outcomes of a remediation.

use environment::{CallError, RemediationAction};
use requests::RecordsError;

/// The outcome of a remediation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemediationOutcome {
    /// The action was performed.
    Done(RemediationAction),
    /// The rule is a dry run. Otherwise the action would have been performed.
    DryRun(RemediationAction),
    /// No action was performed, for this reason.
    Skipped(String),
    /// The action failed, for this reason.
    Failed(String),
    /// The action was requested, and its result is unknown; the known facts.
    Unknown(String),
    /// The outcome can't be decided now; the message is requeued.
    Requeue {
        /// The condition that delays the decision.
        reason: String,
        /// Whether the action may have been performed.
        attempted: bool,
    },
}

impl From<CallError> for RemediationOutcome {
    fn from(call_error: CallError) -> RemediationOutcome {
        match call_error {
            CallError::Rejected { message } => RemediationOutcome::Failed(message),
            CallError::Retry { waiting_for: message, .. } | CallError::Indeterminate { message } => {
                RemediationOutcome::Requeue { reason: message, attempted: false }
            }
        }
    }
}

impl From<RecordsError> for RemediationOutcome {
    fn from(error: RecordsError) -> RemediationOutcome {
        let reason = error.to_string();
        if error.is_retryable() {
            RemediationOutcome::Requeue { reason, attempted: false }
        } else {
            RemediationOutcome::Failed(reason)
        }
    }
}

impl RemediationOutcome {
    /// The outcome after an earlier request whose effect is not observed: the action may have been performed.
    pub(crate) fn indeterminate(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Skipped(reason) | RemediationOutcome::Failed(reason) => {
                RemediationOutcome::Unknown(reason)
            }
            RemediationOutcome::Requeue { reason, .. } => RemediationOutcome::Requeue { reason, attempted: true },
            decided => decided,
        }
    }

    /// The final outcome if the message may not be requeued.
    pub(crate) fn without_requeue(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Requeue { reason, attempted: true } => RemediationOutcome::Unknown(reason),
            RemediationOutcome::Requeue { reason, attempted: false } => RemediationOutcome::Failed(reason),
            decided => decided,
        }
    }

    /// The outcome and its reason for the ledger; `None` while the outcome is not decided.
    pub(crate) fn summary(&self) -> Option<(&'static str, String)> {
        Some(match self {
            RemediationOutcome::Done(action) => ("done", action.summary()),
            RemediationOutcome::DryRun(action) => ("dry-run", action.dry_run_summary()),
            RemediationOutcome::Skipped(reason) => ("skipped", reason.clone()),
            RemediationOutcome::Failed(reason) => ("failed", reason.clone()),
            RemediationOutcome::Unknown(reason) => {
                ("unknown", format!("the action was requested and its result is unknown; {reason}"))
            }
            RemediationOutcome::Requeue { .. } => return None,
        })
    }
}
