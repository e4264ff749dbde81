//! What CloudFormation says of the stack that a request came from.

use environment::Setback;

use crate::clients::Clients;
use crate::errors::{Answer, Problem};

/// How a stack stands, as far as it matters to what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// It is there, and what it asks for is what somebody wants.
    Stands,
    /// It is on its way back to what it was, and what it asks for is the old state.
    ///
    /// A rollback that failed counts: whatever still comes of it belongs to the way back. One that is complete does not:
    /// the stack is back, and what it asks for next is new.
    RollsBack,
    /// It is deleted, or nobody knows it.
    Gone,
}

/// Asks CloudFormation for a stack, by its id.
///
/// # Errors
/// What any call may answer.
pub async fn stack(clients: &Clients, stack_id: &str) -> Result<Stack, Setback> {
    let Some(own) = describe(clients, stack_id).await? else { return Ok(Stack::Gone) };
    let stands = own.stack_status().map_or(Stack::Gone, |status| stands(status.as_str()));
    // A nested stack that was complete is deleted when its root rolls back, and its own status says nothing of that.
    match own.root_id().filter(|root| stands == Stack::Stands && *root != stack_id) {
        None => Ok(stands),
        Some(root) => {
            let root = describe(clients, root).await?;
            let leads_back = root.and_then(|it| it.stack_status).is_some_and(|status| leads_back(status.as_str()));
            Ok(if leads_back { Stack::RollsBack } else { stands })
        }
    }
}

async fn describe(clients: &Clients, stack_id: &str) -> Result<Option<aws_sdk_cloudformation::types::Stack>, Setback> {
    let answer = clients.cloudformation.describe_stacks().stack_name(stack_id).send().await;
    match answer.answer("cloudformation:DescribeStacks") {
        Ok(answer) => Ok(answer.stacks.unwrap_or_default().into_iter().next()),
        // That there is no such stack has the code of every other mistake, and no other can be made with an id.
        Err(Problem { code, .. }) if code == "ValidationError" => Ok(None),
        Err(problem) => Err(problem.setback(&stack_id)),
    }
}

fn stands(status: &str) -> Stack {
    match status {
        "DELETE_COMPLETE" => Stack::Gone,
        status if leads_back(status) => Stack::RollsBack,
        _ => Stack::Stands,
    }
}

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
