//! The state of a stack, by its status and by its history, which the emulators return only in part.

use aws_cloud::{Clients, StackState};

use crate::service;

const WEB: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1";
const ROOT: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/parent/1";

/// A stack: its id, its status, and its own events, newest first.
type StackHistory = (&'static str, &'static str, &'static [&'static str]);

/// `CloudFormation` with these stacks; the last of several is the root of the first. Each event has a page of its own,
/// and each page begins with an event of another resource.
fn cloudformation(stacks: &'static [StackHistory]) -> Clients {
    let root = stacks.last().expect("one").0;
    service::start(move |request| {
        let Some(stack) = stacks.iter().find(|it| request.body.contains(&it.0.replace(':', "%3A").replace('/', "%2F")))
        else {
            return Some((400, error("ValidationError")));
        };
        let (id, status, events) = stack;
        if request.body.starts_with("Action=DescribeStacks&") {
            let root = if *id == root { String::new() } else { format!("<RootId>{root}</RootId>") };
            let stack =
                format!("<StackId>{id}</StackId><StackName>a</StackName><StackStatus>{status}</StackStatus>{root}");
            return Some((200, response("DescribeStacks", &format!("<Stacks><member>{stack}</member></Stacks>"))));
        }
        let page: usize = request.body.split("NextToken=").nth(1).map_or(0, |it| it.parse().expect("a number"));
        let event = |id: &str, status: &str| {
            format!(
                "<member><PhysicalResourceId>{id}</PhysicalResourceId><ResourceStatus>{status}</ResourceStatus></member>"
            )
        };
        let all = [event("vpc-1", "CREATE_COMPLETE"), event(id, events[page])].concat();
        let next = if page + 1 < events.len() { format!("<NextToken>{}</NextToken>", page + 1) } else { String::new() };
        Some((200, response("DescribeStackEvents", &format!("<StackEvents>{all}</StackEvents>{next}"))))
    })
}

fn response(operation: &str, result: &str) -> String {
    format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>")
}

fn error(code: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
}

async fn assert_state(stacks: &'static [StackHistory], expected: StackState) {
    assert_eq!(aws_cloud::stack(&cloudformation(stacks), WEB).await, Ok(expected), "{stacks:?}");
}

#[tokio::test]
async fn a_deleting_stack_that_never_was_complete_is_rolling_back() {
    let on_failure =
        &[(WEB, "DELETE_IN_PROGRESS", &["DELETE_IN_PROGRESS", "CREATE_FAILED", "CREATE_IN_PROGRESS"] as &[_])];
    assert_state(on_failure, StackState::RollingBack).await;
    let again = &[(
        WEB,
        "DELETE_IN_PROGRESS",
        &["DELETE_IN_PROGRESS", "ROLLBACK_FAILED", "ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"] as &[_],
    )];
    assert_state(again, StackState::RollingBack).await;
    let rolled_back =
        &[(WEB, "DELETE_IN_PROGRESS", &["DELETE_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_IN_PROGRESS"] as &[_])];
    assert_state(rolled_back, StackState::RollingBack).await;
}

#[tokio::test]
async fn a_stack_that_once_was_complete_is_deleting_until_it_is_deleted() {
    for events in [
        &["DELETE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_IN_PROGRESS"] as &'static [_],
        &["DELETE_IN_PROGRESS", "DELETE_FAILED", "DELETE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        // The history no longer reaches the start of the stack.
        &["DELETE_IN_PROGRESS", "DELETE_FAILED"],
    ] {
        let stacks: &'static [StackHistory] = Box::leak(Box::new([(WEB, "DELETE_IN_PROGRESS", events)]));
        assert_state(stacks, StackState::Deleting).await;
    }
    // The history is not read while the stack is not being deleted.
    assert_state(&[(WEB, "UPDATE_IN_PROGRESS", &["CREATE_IN_PROGRESS"])], StackState::Active).await;
    assert_state(&[(WEB, "DELETE_COMPLETE", &[])], StackState::Deleted).await;
    assert_state(&[(ROOT, "CREATE_COMPLETE", &[])], StackState::Deleted).await;
}

#[tokio::test]
async fn a_nested_stack_rolls_back_with_its_root() {
    const COMPLETE: &[&str] = &["DELETE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_IN_PROGRESS"];
    const NEVER: &[&str] = &["DELETE_IN_PROGRESS", "CREATE_FAILED", "CREATE_IN_PROGRESS"];
    let by_status = &[(WEB, "DELETE_IN_PROGRESS", COMPLETE), (ROOT, "ROLLBACK_IN_PROGRESS", &[] as &[_])];
    assert_state(by_status, StackState::RollingBack).await;
    let by_history = &[(WEB, "DELETE_IN_PROGRESS", COMPLETE), (ROOT, "DELETE_IN_PROGRESS", NEVER)];
    assert_state(by_history, StackState::RollingBack).await;
    assert_state(
        &[(WEB, "DELETE_IN_PROGRESS", COMPLETE), (ROOT, "DELETE_IN_PROGRESS", COMPLETE)],
        StackState::Deleting,
    )
    .await;
    // The root is not rolling back, so the nested stack's own history decides.
    assert_state(&[(WEB, "DELETE_IN_PROGRESS", COMPLETE), (ROOT, "UPDATE_IN_PROGRESS", &[])], StackState::Deleting)
        .await;
}
