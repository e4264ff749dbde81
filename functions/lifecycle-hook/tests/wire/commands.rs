//! SSM: commands on an instance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lifecycle_hook::cloud::{HookApi as _, HookCallOutcome};
use lifecycle_hook::facts::Command;
use serde_json::{Value, json};
use test_support::Request;

use crate::{ID, Response, account, always, bodies, rejected_json};

const COMMAND: &str = "0831e1a8-a1ac-4257-a1fd-c831bEXAMPLE";

fn text(body: &Value) -> Response {
    (200, body.to_string())
}

fn invocation(comment: &str, status: &str, details: &str, requested: f64) -> Value {
    json!({
        "CommandId": COMMAND, "InstanceId": ID, "Comment": comment, "DocumentName": "AWS-RunShellScript",
        "RequestedDateTime": requested, "Status": status, "StatusDetails": details, "CommandPlugins": [],
    })
}

#[tokio::test]
async fn only_the_latest_drain_command_counts() {
    let owned = "envkeeper drain";
    // Seconds, as SSM reports times.
    #[expect(clippy::cast_precision_loss, reason = "the seconds of this century are exact")]
    let ago = |seconds: u64| (lambda_kit::now_ms() / 1_000 - seconds) as f64;
    let failed = |details: &str| Command::Failed(details.into());
    for (all, expected) in [
        (vec![], Command::NotSent),
        (vec![invocation("another sender's", "Success", "Success", 9.0)], Command::NotSent),
        (vec![invocation(owned, "Pending", "Pending", ago(5))], Command::Running),
        (vec![invocation(owned, "Pending", "Delayed", ago(50))], Command::Running),
        (vec![invocation(owned, "Pending", "Delayed", ago(61))], failed("not delivered within 60 s")),
        (vec![invocation(owned, "InProgress", "InProgress", 1.0)], Command::Running),
        (vec![invocation(owned, "Delayed", "Delayed", ago(5))], Command::Running),
        (vec![invocation(owned, "Success", "Success", 1.0)], Command::Succeeded),
        (vec![invocation(owned, "Failed", "Failed", 1.0)], failed("Failed")),
        (vec![invocation(owned, "TimedOut", "DeliveryTimedOut", 1.0)], failed("DeliveryTimedOut")),
        (
            vec![
                invocation(owned, "Failed", "Undeliverable", 1.0),
                invocation(owned, "InProgress", "InProgress", 2.0),
                invocation("envkeeper evidence", "Success", "Success", 3.0),
            ],
            Command::Running,
        ),
    ] {
        let invocations = json!({ "CommandInvocations": all });
        assert_eq!(
            always(text(&invocations)).drain_status(ID, Some(1_767_323_400_000)).await,
            Ok(expected),
            "{invocations}"
        );
    }
}

#[tokio::test]
async fn only_commands_since_the_wait_began_count_and_all_if_the_start_is_unknown() {
    for (since, expected) in [
        (Some(1_767_323_400_000), json!([{ "key": "InvokedAfter", "value": "2026-01-02T03:09:50Z" }])),
        (None, json!(null)),
    ] {
        let (account, requests) = account(|_, _| text(&json!({ "CommandInvocations": [] })));
        assert_eq!(account.drain_status(ID, since).await, Ok(Command::NotSent));
        let requests: Value = serde_json::from_str(&bodies(&requests)[0]).expect("JSON");
        assert_eq!(requests["Filters"], expected);
    }
}

/// The list lags for a second: it is empty, without an error. Sending twice is harmless, since the script on the
/// instance treats two commands as one.
#[tokio::test]
async fn a_drain_command_that_is_not_listed_yet_counts_as_not_sent() {
    let (account, _) = account(|request, _| match request.target.as_str() {
        "SendCommand" => text(&json!({ "Command": { "CommandId": COMMAND, "Status": "Pending" } })),
        _ => text(&json!({ "CommandInvocations": [] })),
    });
    assert_eq!(account.send_drain_command(ID, Duration::from_mins(5)).await, Ok(HookCallOutcome::Accepted));
    assert_eq!(account.drain_status(ID, Some(1_767_323_400_000)).await, Ok(Command::NotSent));
}

#[tokio::test]
async fn an_instance_without_an_agent_is_distinguished_from_a_rejected_command() {
    let no_agent = "Instances not in a valid state for account";
    let drain = async |response| always(response).send_drain_command(ID, Duration::from_mins(5)).await;
    assert_eq!(drain(rejected_json("InvalidInstanceId", no_agent)).await, Ok(HookCallOutcome::TooLate));
    assert_eq!(
        drain(rejected_json("AccessDeniedException", "no")).await.map_err(|it| it.to_string()),
        Err("ssm:SendCommand: AccessDeniedException: no".to_owned())
    );
}

#[tokio::test]
async fn a_command_may_take_the_time_that_is_left_within_the_documents_bounds() {
    for (left, expected) in [(0, "5"), (30, "30"), (28_800, "28800"), (500_000, "172800")] {
        let (account, requests) = account(|_, _| text(&json!({ "Command": { "CommandId": COMMAND } })));
        assert_eq!(account.send_drain_command(ID, Duration::from_secs(left)).await, Ok(HookCallOutcome::Accepted));
        let requests: Value = serde_json::from_str(&bodies(&requests)[0]).expect("JSON");
        assert_eq!(requests["Parameters"]["executionTimeout"], json!([expected]));
        assert_eq!(requests["TimeoutSeconds"], 60, "the delivery timeout is a separate limit");
    }
}

/// The polls for evidence: the console of an older type of instance, and the logs by a command that appears with a
/// delay.
fn unhealthy_instance(request: &Request, earlier_polls: usize) -> Response {
    match request.target.as_str() {
        "SendCommand" => text(&json!({ "Command": { "CommandId": COMMAND, "Status": "Pending" } })),
        "GetCommandInvocation" if earlier_polls == 0 => {
            rejected_json("InvocationDoesNotExist", "Invocation not found for 0831e1a8, i-0a1b2c3d")
        }
        "GetCommandInvocation" => text(&json!({
            "CommandId": COMMAND, "InstanceId": ID, "ResponseCode": 1, "Status": "Failed", "StatusDetails": "Failed",
            "StandardOutputContent": "==> /var/log/cloud-init-output.log <==\nboom",
            "StandardErrorContent": "tail: cannot open '/var/log/user-data.log' for reading: No such file or directory",
        })),
        _ if request.body.contains("Latest=true") => {
            let error = "<Code>UnsupportedOperation</Code><Message>This instance type does not support it.</Message>";
            (400, format!("<Response><Errors><Error>{error}</Error></Errors><RequestID>1</RequestID></Response>"))
        }
        _ => (200, "<GetConsoleOutputResponse><output>Ym9vdGVkCg==</output></GetConsoleOutputResponse>".into()),
    }
}

#[tokio::test]
async fn evidence_waits_for_a_command_that_does_not_exist_yet_and_takes_the_console_output() {
    let polls = AtomicUsize::new(0);
    let (account, _) = account(move |request, _| {
        let before = match request.target.as_str() {
            "GetCommandInvocation" => polls.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        unhealthy_instance(request, before)
    });
    let evidence = account.evidence(ID, true).await;
    let [(_, console), (_, logs)] = &evidence[..] else { panic!("two pieces: {evidence:?}") };
    assert_eq!(console, &Ok("booted\n".to_owned()));
    let logs = logs.as_ref().expect("the existing logs");
    assert!(logs.contains("boom") && logs.contains("cannot open"), "{logs}");
}

#[tokio::test]
async fn a_missing_agent_and_a_missing_console_are_reasons_in_the_evidence() {
    let no_agent = "Instances not in a valid state for account";
    let (account, _) = account(move |request, _| match request.target.as_str() {
        "SendCommand" => rejected_json("InvalidInstanceId", no_agent),
        _ => (200, "<GetConsoleOutputResponse/>".into()),
    });
    let pieces: Vec<_> =
        account.evidence(ID, true).await.into_iter().map(|(_, piece)| piece.map_err(|it| it.to_string())).collect();
    assert_eq!(
        pieces,
        [Err("EC2 has no console output yet".to_owned()), Err("its SSM agent is not online".to_owned())]
    );
}
