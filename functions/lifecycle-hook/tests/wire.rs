//! What AWS answers over the wire, in its documented shapes, and what the function makes of it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::sync::Mutex;

use environment::Transition;
use lifecycle_hook::Action;
use lifecycle_hook::aws::Account;
use lifecycle_hook::cloud::{Cloud as _, Ends, Told};
use lifecycle_hook::facts::{Agent, Checks, Command, State, Target, UserData};
use requests::records::DynamoRecords;
use test_support::{Request, service};

const ONE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/one/0123456789abcdef";
const ID: &str = "i-0a1b2c3d4e5f60718";

fn account(answer: impl Fn(Request) -> Option<(u16, String)> + Send + Sync + 'static) -> Account {
    let config = service(answer);
    let records = DynamoRecords::new(aws_sdk_dynamodb::Client::new(&config), "records");
    Account::new(&config, records, None)
}

fn refused(code: &str, message: &str) -> (u16, String) {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (400, format!("<ErrorResponse>{error}</ErrorResponse>"))
}

fn health(state: &str) -> (u16, String) {
    let health = format!(
        "<TargetHealthDescriptions><member><Target><Id>{ID}</Id></Target><TargetHealth><State>{state}</State>\
         <Description>told by a test</Description></TargetHealth></member></TargetHealthDescriptions>"
    );
    let result = format!("<DescribeTargetHealthResult>{health}</DescribeTargetHealthResult>");
    (200, format!("<DescribeTargetHealthResponse>{result}</DescribeTargetHealthResponse>"))
}

#[tokio::test]
async fn target_groups_say_whether_an_instance_is_served_to() {
    let unhealthy = Target::NotHealthy("told by a test".into());
    for (answer, expected) in [
        (health("healthy"), Ok(Target::Healthy)),
        (health("unavailable"), Ok(Target::Healthy)),
        (health("draining"), Ok(Target::Draining)),
        (health("unhealthy.draining"), Ok(Target::Draining)),
        (health("unused"), Ok(Target::Absent)),
        (health("initial"), Ok(unhealthy.clone())),
        (health("unhealthy"), Ok(unhealthy)),
        (refused("TargetGroupNotFound", "gone"), Ok(Target::Absent)),
        (refused("InvalidTarget", "no"), Ok(Target::Absent)),
        (refused("AccessDenied", "no"), Err("elasticloadbalancing:DescribeTargetHealth: AccessDenied: no".to_owned())),
    ] {
        let told = answer.1.clone();
        let account = account(move |_| Some(answer.clone()));
        let seen = account.targets(&[ONE.to_owned()], ID).await.map(|mut all| all.remove(0));
        assert_eq!(seen, expected, "{told}");
    }
}

#[tokio::test]
async fn an_instance_leaves_all_its_target_groups_and_one_that_is_gone_is_no_obstacle() {
    static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let account = account(|request| {
        LEFT.lock().expect("one at a time").push(request.body.clone());
        if request.body.contains("two") {
            return Some(refused("TargetGroupNotFound", "gone"));
        }
        Some((200, "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>".to_owned()))
    });
    let groups = [ONE.to_owned(), ONE.replace("one", "two")];
    assert_eq!(account.leave(&groups, ID).await, Ok(()));
    let left = LEFT.lock().expect("one at a time");
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|body| body.contains("Action=DeregisterTargets") && body.contains(ID)), "{left:?}");
}

#[tokio::test]
async fn an_end_that_nobody_waits_for_is_told_from_one_that_did_not_arrive() {
    let action = Action {
        group: "g".into(),
        hook: "h".into(),
        token: Some("5f0d8f0e-6d1c-4c1b-8d5e-2a9b7c3e1f04".into()),
        instance: ID.into(),
        on: Transition::Launch,
        metadata: None,
        way: None,
    };
    let empty = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>";
    let late = "No active Lifecycle Action found with token 5f0d8f0e-6d1c-4c1b-8d5e-2a9b7c3e1f04";
    let wrong = "1 validation error detected: Value 'x' at 'lifecycleActionToken' failed to satisfy constraint";
    for (answer, expected) in [
        ((200, empty.to_owned()), Ok(Told::Yes)),
        (refused("ValidationError", late), Ok(Told::TooLate)),
        (
            refused("ValidationError", wrong),
            Err(format!("autoscaling:CompleteLifecycleAction: ValidationError: {wrong}")),
        ),
    ] {
        let account = account(move |_| Some(answer.clone()));
        assert_eq!(account.complete(&action, Ends::Continue).await, expected);
    }
}

#[tokio::test]
async fn a_call_that_is_throttled_is_made_again() {
    static CALLS: Mutex<usize> = Mutex::new(0);
    let account = account(|_| {
        let mut calls = CALLS.lock().expect("one at a time");
        *calls += 1;
        if *calls == 1 { Some(refused("Throttling", "Rate exceeded")) } else { Some(health("healthy")) }
    });
    assert_eq!(account.targets(&[ONE.to_owned()], ID).await, Ok(vec![Target::Healthy]));
    assert_eq!(*CALLS.lock().expect("one at a time"), 2);
}

/// EC2 and SSM about one instance whose status check has failed since ten past three.
fn about_an_instance(request: &Request) -> (u16, String) {
    let instance = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
         <instanceState><code>16</code><name>running</name></instanceState><tagSet><item><key>envkeeper:user-data</key>\
         <value>failed at line 12</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    );
    let status = format!(
        "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>{ID}</instanceId><instanceStatus>\
         <status>impaired</status><details><item><name>reachability</name><status>failed</status>\
         <impairedSince>2026-01-02T03:10:00.000Z</impairedSince></item></details></instanceStatus><systemStatus><status>ok</status>\
         </systemStatus></item></instanceStatusSet></DescribeInstanceStatusResponse>"
    );
    let agent = format!(r#"{{"InstanceInformationList":[{{"InstanceId":"{ID}","PingStatus":"ConnectionLost"}}]}}"#);
    match request.target.as_str() {
        "DescribeInstanceInformation" => (200, agent),
        _ if request.body.contains("Action=DescribeInstanceStatus") => (200, status),
        _ => (200, instance),
    }
}

#[tokio::test]
async fn an_instance_is_seen_with_all_that_is_said_of_it() {
    let account = account(|request| Some(about_an_instance(&request)));
    let seen = account.see(&[ID.to_owned()]).await.expect("a look");
    let seen = &seen[ID];
    assert_eq!((&seen.state, seen.agent), (&State::Running, Agent::Lost));
    assert_eq!(seen.user_data, UserData::Failed("failed at line 12".into()));
    assert_eq!(seen.checks, Checks::Impaired { since_ms: 1_767_323_400_000 });
}

#[tokio::test]
async fn evidence_that_is_not_taken_is_no_evidence() {
    let account = account(|request| match request.target.as_str() {
        "CreateLogStream" => {
            Some((400, r#"{"__type":"ResourceAlreadyExistsException","message":"it is there"}"#.into()))
        }
        _ => Some((200, r#"{"rejectedLogEventsInfo":{"expiredLogEventEndIndex":1}}"#.into())),
    });
    let told =
        account.write("/aws/ec2/scalable-ec2-dev", "i-1/evidence", vec!["line".into()]).await.expect_err("refused");
    assert!(told.starts_with("logs:PutLogEvents: rejected:"), "{told}");
}

#[tokio::test]
async fn a_command_that_is_sent_and_not_yet_shown_runs() {
    let account = account(|request| match request.target.as_str() {
        "ListCommandInvocations" => Some((200, r#"{"CommandInvocations":[]}"#.into())),
        _ => Some((400, r#"{"__type":"InvocationDoesNotExist","message":"not yet"}"#.into())),
    });
    let drained = account.drained(ID, 1_767_323_400_000).await;
    assert_eq!(drained, Ok(Command::Unsent), "the list knows of none");
}
