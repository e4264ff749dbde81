//! The state of the stack that a request came from, as CloudFormation describes it.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use environment::CallError;

use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

/// The state of a stack, as far as the meaning of its requests depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackState {
    /// The stack exists, and its requests carry the properties that the stack author wants.
    Active,
    /// The stack is being deleted, or its deletion failed, and it was complete before. Every resource of it goes.
    Deleting,
    /// The stack is rolling back to its earlier state, and its requests carry the old properties.
    ///
    /// A stack that is deleted without ever having been complete counts, and so does a rollback that failed: every
    /// request that still comes from it belongs to the rollback. A rollback that is complete does not count: the stack
    /// has its earlier state again, and its next request is new.
    RollingBack,
    /// The stack is deleted, or CloudFormation does not know it.
    Deleted,
}

/// Describes a stack, by its id, and returns its state.
///
/// # Errors
/// Every error of a call.
pub async fn stack(clients: &Clients, stack_id: &str) -> Result<StackState, CallError> {
    let Some(described) = describe(clients, stack_id).await? else { return Ok(StackState::Deleted) };
    let status = described.stack_status().map(StackStatus::as_str).unwrap_or_default();
    if status.is_empty() || status == "DELETE_COMPLETE" {
        return Ok(StackState::Deleted);
    }
    if rolls_back(clients, stack_id, status).await? {
        return Ok(StackState::RollingBack);
    }
    // A nested stack that was complete is deleted when its root rolls back, and its own status does not show that.
    if let Some(root_id) = described.root_id().filter(|root| *root != stack_id) {
        let root = describe(clients, root_id).await?;
        if let Some(status) = root.as_ref().and_then(|it| it.stack_status())
            && rolls_back(clients, root_id, status.as_str()).await?
        {
            return Ok(StackState::RollingBack);
        }
    }
    Ok(if status.starts_with("DELETE_") { StackState::Deleting } else { StackState::Active })
}

async fn describe(
    clients: &Clients,
    stack_id: &str,
) -> Result<Option<aws_sdk_cloudformation::types::Stack>, CallError> {
    let response = clients.cloudformation.describe_stacks().stack_name(stack_id).send().await;
    match response.classified("cloudformation:DescribeStacks") {
        Ok(response) => Ok(response.stacks.unwrap_or_default().into_iter().next()),
        // A stack that does not exist has the code of every other mistake, and a request with an id has room for no
        // other mistake.
        Err(Problem { code, .. }) if code == "ValidationError" => Ok(None),
        Err(problem) => Err(problem.call_error(&stack_id)),
    }
}

/// Whether a stack is rolling back: by its status, or because the stack is deleted and never was complete.
/// CloudFormation has no status for a create that fails under `OnFailure: DELETE`, or whose rollback failed and is
/// deleted then.
async fn rolls_back(clients: &Clients, stack_id: &str, status: &str) -> Result<bool, CallError> {
    if is_rollback_status(status) {
        return Ok(true);
    }
    Ok(status.starts_with("DELETE_") && !was_complete(clients, stack_id).await?)
}

/// Whether a stack's events, from the newest to the oldest, show that the stack once was complete. A history that does
/// not reach the start of the stack does not disprove it, so the result is `true`.
async fn was_complete(clients: &Clients, stack_id: &str) -> Result<bool, CallError> {
    let mut pages = clients.cloudformation.describe_stack_events().stack_name(stack_id).into_paginator().send();
    let mut shows_start = false;
    while let Some(page) = pages.next().await {
        let page =
            page.classified("cloudformation:DescribeStackEvents").map_err(|problem| problem.call_error(&stack_id))?;
        let own_events = page.stack_events().iter().filter(|it| it.physical_resource_id() == Some(stack_id));
        // The stack's own events have the statuses of stacks. The SDK's type is the one for resources and knows only a
        // part of them.
        for status in own_events.filter_map(|it| it.resource_status()).map(ResourceStatus::as_str) {
            if COMPLETE.contains(&status) {
                return Ok(true);
            }
            shows_start |= matches!(status, "CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS" | "IMPORT_IN_PROGRESS");
        }
    }
    Ok(!shows_start)
}

/// The statuses of a stack's own events that prove that an operation completed.
const COMPLETE: [&str; 6] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// `ROLLBACK_…`, `UPDATE_ROLLBACK_…` and `IMPORT_ROLLBACK_…`, until and unless they are complete. The clean-up that
/// follows deletes the resources that the failed update created, and is still part of the rollback.
fn is_rollback_status(status: &str) -> bool {
    status.contains("ROLLBACK") && !status.ends_with("ROLLBACK_COMPLETE")
}

#[cfg(test)]
mod tests {
    use super::is_rollback_status;
    use aws_sdk_cloudformation::types::StackStatus;

    #[test]
    fn these_statuses_of_all_are_rollback_statuses() {
        let rollback: Vec<&str> = StackStatus::values().iter().copied().filter(|it| is_rollback_status(it)).collect();
        let expected = [
            "IMPORT_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_IN_PROGRESS",
            "ROLLBACK_FAILED",
            "ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_FAILED",
            "UPDATE_ROLLBACK_IN_PROGRESS",
        ];
        assert_eq!(rollback, expected);
    }
}
