//! What CloudFormation says of the stack that a request came from.

use environment::Setback;

use crate::clients::Clients;
use crate::errors::{Answer, Problem};

/// Whether the stack is on its way back to what it was, and what it asks for is therefore the old state.
///
/// A roll back that failed counts: whatever still comes of it belongs to the way back. One that is complete does not:
/// the stack is back, and what it asks for next is new. A stack that nobody knows is not rolling back.
///
/// # Errors
/// What any call may answer.
pub async fn is_rolling_back(clients: &Clients, stack_id: &str) -> Result<bool, Setback> {
    let answer = clients.cloudformation.describe_stacks().stack_name(stack_id).send().await;
    let stacks = match answer.answer("cloudformation:DescribeStacks") {
        Ok(answer) => answer.stacks.unwrap_or_default(),
        // That there is no such stack has the code of every other mistake, and no other can be made with an id.
        Err(Problem { code, .. }) if code == "ValidationError" => return Ok(false),
        Err(problem) => return Err(problem.setback(&stack_id)),
    };
    let statuses = stacks.iter().filter_map(aws_sdk_cloudformation::types::Stack::stack_status);
    Ok(statuses.into_iter().any(|status| leads_back(status.as_str())))
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
