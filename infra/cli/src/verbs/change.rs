//! The changing verbs: their requests, their effects as sentences for the question, and their outcomes.

use serde_json::{Value, json};

use super::toned_text;
use crate::exit::Exit;
use crate::report::Report;

/// A change of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Change the drifted resources back to the record.
    Repair,
    /// Allow an owner to adopt the retained buckets.
    AllowAdoption {
        /// The owner.
        owner: String,
    },
    /// Replace every instance.
    Roll,
    /// Return to the version before.
    Rollback,
    /// Cancel the rollout.
    Cancel,
    /// Stop the replacement of instances.
    Hold {
        /// Hours.
        hours: u64,
    },
    /// End the hold.
    Release,
    /// Lift the deletion protection.
    Unlock,
    /// Delete an environment without a stack.
    Delete {
        /// The id of the former stack and the logical id of its resource, if the record is lost.
        former_owner: Option<(String, String)>,
    },
}

impl Change {
    /// The name of the request.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Change::Repair => "repair",
            Change::AllowAdoption { .. } => "allow-adoption",
            Change::Roll => "roll",
            Change::Rollback => "rollback",
            Change::Cancel => "cancel",
            Change::Hold { .. } => "hold",
            Change::Release => "release",
            Change::Unlock => "unlock",
            Change::Delete { .. } => "delete",
        }
    }

    /// The request that performs the change.
    #[must_use]
    pub fn request(&self, environment: &str) -> Value {
        let mut request = json!({ "Request": self.name(), "Environment": environment });
        match self {
            Change::Repair => request["Confirm"] = true.into(),
            Change::AllowAdoption { owner } => request["Owner"] = owner.as_str().into(),
            Change::Hold { hours } => request["Hours"] = (*hours).into(),
            Change::Delete { former_owner: Some((stack_id, logical_id)) } => {
                request["StackId"] = stack_id.as_str().into();
                request["LogicalResourceId"] = logical_id.as_str().into();
            }
            Change::Delete { former_owner: None }
            | Change::Roll
            | Change::Rollback
            | Change::Cancel
            | Change::Release
            | Change::Unlock => {}
        }
        request
    }

    /// The effect, as a sentence before the question.
    #[must_use]
    pub fn effect(&self, environment: &str) -> String {
        match self {
            Change::Repair => format!("The drifted resources of {environment} are changed back to its record."),
            Change::AllowAdoption { owner } => {
                format!("The resource {owner} may adopt the buckets that {environment} retained, once.")
            }
            Change::Roll => format!(
                "Every instance of {environment} is replaced by the version that was rolled out last, the canary first; a \
                 version that failed before is tried again."
            ),
            Change::Rollback => {
                format!("The instances of {environment} return to the version that ran before the rollout.")
            }
            Change::Cancel => {
                format!("The rollout of {environment} stops; instances that were replaced keep their version.")
            }
            Change::Hold { hours } => format!("No rollout replaces an instance of {environment} for {hours} h."),
            Change::Release => format!("The hold of {environment} ends, and its rollout continues."),
            Change::Unlock => format!("{environment} can be deleted, until the next update of its stack."),
            Change::Delete { .. } => format!(
                "{environment} is deleted: its instances are drained and terminated, its resources deleted, and its \
                 buckets retained or emptied as its properties say. This cannot be undone."
            ),
        }
    }

    /// The outcome of a request that the function accepted. A delete may already have failed.
    #[must_use]
    pub fn report(result: Value) -> Report {
        let exit = match result["Response"]["Status"].as_str() {
            Some("FAILED") => Exit::Refused,
            _ => Exit::Settled,
        };
        Report { screen: toned_text(&result, exit), result, exit }
    }
}
