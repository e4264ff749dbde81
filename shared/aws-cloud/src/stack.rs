//! What CloudFormation says of the stack that a request came from.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use environment::CallError;

use crate::clients::Clients;
use crate::errors::{Problem, Response};

/// How a stack stands, as far as it matters to what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// It is there, and what it asks for is what somebody wants.
    Stands,
    /// It is on its way back to what it was, and what it asks for is the old state.
    ///
    /// One that is deleted without ever having been complete counts, and so does a rollback that failed: whatever still
    /// comes of it belongs to the way back. A rollback that is complete does not: the stack is back, and what it asks for
    /// next is new.
    RollsBack,
    /// It is deleted, or nobody knows it.
    Gone,
}

/// Asks CloudFormation for a stack, by its id.
///
/// # Errors
/// What any call may answer.
pub async fn stack(clients: &Clients, stack_id: &str) -> Result<Stack, CallError> {
    let Some(own) = describe(clients, stack_id).await? else { return Ok(Stack::Gone) };
    let status = own.stack_status().map(StackStatus::as_str).unwrap_or_default();
    if status.is_empty() || status == "DELETE_COMPLETE" {
        return Ok(Stack::Gone);
    }
    if goes_back(clients, stack_id, status).await? {
        return Ok(Stack::RollsBack);
    }
    // A nested stack that was complete is deleted when its root rolls back, and its own status says nothing of that.
    if let Some(root_id) = own.root_id().filter(|root| *root != stack_id) {
        let root = describe(clients, root_id).await?;
        if let Some(status) = root.as_ref().and_then(|it| it.stack_status())
            && goes_back(clients, root_id, status.as_str()).await?
        {
            return Ok(Stack::RollsBack);
        }
    }
    Ok(Stack::Stands)
}

async fn describe(
    clients: &Clients,
    stack_id: &str,
) -> Result<Option<aws_sdk_cloudformation::types::Stack>, CallError> {
    let response = clients.cloudformation.describe_stacks().stack_name(stack_id).send().await;
    match response.response("cloudformation:DescribeStacks") {
        Ok(response) => Ok(response.stacks.unwrap_or_default().into_iter().next()),
        // That there is no such stack has the code of every other mistake, and no other can be made with an id.
        Err(Problem { code, .. }) if code == "ValidationError" => Ok(None),
        Err(problem) => Err(problem.call_error(&stack_id)),
    }
}

/// Whether a stack is on its way back: by its status, or because it is deleted and never was complete. A create that fails
/// under `OnFailure: DELETE`, or whose rollback failed and is deleted then, has no status of its own for that.
async fn goes_back(clients: &Clients, stack_id: &str, status: &str) -> Result<bool, CallError> {
    if leads_back(status) {
        return Ok(true);
    }
    Ok(status.starts_with("DELETE_") && !was_complete(clients, stack_id).await?)
}

/// Whether a stack's events, from the newest back, show that it once was complete. A history that does not go back to
/// the stack's own beginning says nothing against it.
async fn was_complete(clients: &Clients, stack_id: &str) -> Result<bool, CallError> {
    let mut pages = clients.cloudformation.describe_stack_events().stack_name(stack_id).into_paginator().send();
    let mut begins = false;
    while let Some(page) = pages.next().await {
        let page =
            page.response("cloudformation:DescribeStackEvents").map_err(|problem| problem.call_error(&stack_id))?;
        let of_stack = page.stack_events().iter().filter(|it| it.physical_resource_id() == Some(stack_id));
        // A stack's own events have its statuses, which the SDK's type for those of resources knows only in part.
        for status in of_stack.filter_map(|it| it.resource_status()).map(ResourceStatus::as_str) {
            if COMPLETE.contains(&status) {
                return Ok(true);
            }
            begins |= matches!(status, "CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS" | "IMPORT_IN_PROGRESS");
        }
    }
    Ok(!begins)
}

/// What a stack's own event says when it has come to a good end.
const COMPLETE: [&str; 6] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// `ROLLBACK_…`, `UPDATE_ROLLBACK_…` and `IMPORT_ROLLBACK_…`, until and unless they are complete; the clean-up that
/// follows deletes what the failed update made, and is still part of it.
fn leads_back(status: &str) -> bool {
    status.contains("ROLLBACK") && !status.ends_with("ROLLBACK_COMPLETE")
}

#[cfg(test)]
mod tests {
    use super::leads_back;
    use aws_sdk_cloudformation::types::StackStatus;

    #[test]
    fn of_all_statuses_these_lead_back() {
        let leading: Vec<&str> = StackStatus::values().iter().copied().filter(|it| leads_back(it)).collect();
        let expected = [
            "IMPORT_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_IN_PROGRESS",
            "ROLLBACK_FAILED",
            "ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_FAILED",
            "UPDATE_ROLLBACK_IN_PROGRESS",
        ];
        assert_eq!(leading, expected);
    }
}
