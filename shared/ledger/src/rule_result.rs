//! The result of an alarm's rule: one type for the function `alarm`, which requests remediations, the reconciler, which
//! performs them, and the ledger, which records the results.

use environment::RemediationAction;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// The result of a rule after its alarm reported its state. [`RuleResult::name`] is the outcome in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleResult {
    /// `requested`: the remediation is queued, and the reconciler publishes its result. The ledger never has this
    /// result.
    Requested,
    /// `done`: the action was performed.
    Done(RemediationAction),
    /// `dry-run`: the rule is a dry run. Otherwise the action would have been performed.
    DryRun(RemediationAction),
    /// `skipped`: no action was performed, for this reason.
    Skipped(String),
    /// `failed`: the action failed, for this reason.
    Failed(String),
    /// `unknown`: the action was requested, and its result is unknown; the known facts.
    Unknown(String),
}

impl RuleResult {
    /// The name in the ledger, in the response of the function `alarm`, and in logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            RuleResult::Requested => "requested",
            RuleResult::Done(_) => "done",
            RuleResult::DryRun(_) => "dry-run",
            RuleResult::Skipped(_) => "skipped",
            RuleResult::Failed(_) => "failed",
            RuleResult::Unknown(_) => "unknown",
        }
    }

    /// The change that was made, or the reason why nothing was changed, for operators.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            RuleResult::Requested => String::from("the remediation is queued"),
            RuleResult::Done(action) => action.summary(),
            RuleResult::DryRun(action) => action.dry_run_summary(),
            RuleResult::Skipped(reason) | RuleResult::Failed(reason) => reason.clone(),
            RuleResult::Unknown(facts) => format!("the action was requested and its result is unknown; {facts}"),
        }
    }
}

/// As `Outcome`, the name, and `Reason`.
impl Serialize for RuleResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RuleResult", 2)?;
        fields.serialize_field("Outcome", self.name())?;
        fields.serialize_field("Reason", &self.reason())?;
        fields.end()
    }
}
