//! The outcomes of a remediation.

use environment::CallError;
use ledger::RuleResult;
use requests::RecordsError;

/// The outcome of a remediation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemediationOutcome {
    /// The result is decided; the ledger records it.
    Decided(RuleResult),
    /// The outcome can't be decided now; the message is requeued.
    Requeue {
        /// The condition that delays the decision.
        reason: String,
        /// Whether the action may have been performed.
        attempted: bool,
    },
    /// No record confirms the request, which is dropped; the claim that is not confirmed.
    Unconfirmed(&'static str),
}

impl From<RuleResult> for RemediationOutcome {
    fn from(result: RuleResult) -> RemediationOutcome {
        RemediationOutcome::Decided(result)
    }
}

impl From<CallError> for RemediationOutcome {
    fn from(call_error: CallError) -> RemediationOutcome {
        match call_error {
            CallError::Rejected { message } => RemediationOutcome::failed(message),
            CallError::Retry { waiting_for, .. } => {
                RemediationOutcome::Requeue { reason: waiting_for.to_string(), attempted: false }
            }
            CallError::Indeterminate { message } => RemediationOutcome::Requeue { reason: message, attempted: false },
        }
    }
}

impl From<RecordsError> for RemediationOutcome {
    fn from(error: RecordsError) -> RemediationOutcome {
        let reason = error.to_string();
        if error.is_retryable() {
            RemediationOutcome::Requeue { reason, attempted: false }
        } else {
            RemediationOutcome::failed(reason)
        }
    }
}

impl RemediationOutcome {
    pub(crate) fn skipped(reason: impl Into<String>) -> RemediationOutcome {
        RuleResult::Skipped(reason.into()).into()
    }

    pub(crate) fn failed(reason: impl Into<String>) -> RemediationOutcome {
        RuleResult::Failed(reason.into()).into()
    }

    pub(crate) fn unknown(facts: impl Into<String>) -> RemediationOutcome {
        RuleResult::Unknown(facts.into()).into()
    }

    /// The outcome after an earlier request whose effect is not observed: the action may have been performed.
    pub(crate) fn indeterminate(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Decided(RuleResult::Skipped(reason) | RuleResult::Failed(reason)) => {
                RemediationOutcome::unknown(reason)
            }
            RemediationOutcome::Requeue { reason, .. } => RemediationOutcome::Requeue { reason, attempted: true },
            other @ (RemediationOutcome::Decided(_) | RemediationOutcome::Unconfirmed(_)) => other,
        }
    }

    /// The final outcome if the message may not be requeued.
    pub(crate) fn without_requeue(self) -> RemediationOutcome {
        match self {
            RemediationOutcome::Requeue { reason, attempted: true } => RemediationOutcome::unknown(reason),
            RemediationOutcome::Requeue { reason, attempted: false } => RemediationOutcome::failed(reason),
            other @ (RemediationOutcome::Decided(_) | RemediationOutcome::Unconfirmed(_)) => other,
        }
    }
}
