//! EC2 and SSM: what an instance looks like.

use lifecycle_hook::cloud::HookApi as _;
use lifecycle_hook::facts::{Agent, Checks, ObservedInstance, State, UserData};
use test_support::Request;

use crate::{ID, Response, account, bodies, refused_json};

/// A check that has failed since then, if EC2 says so.
fn impaired(since: &str) -> String {
    let since = if since.is_empty() { String::new() } else { format!("<impairedSince>{since}</impairedSince>") };
    let details = format!("<details><item><name>reachability</name><status>failed</status>{since}</item></details>");
    format!("<status>impaired</status>{details}")
}

const PASSED: &str =
    "<status>ok</status><details><item><name>reachability</name><status>passed</status></item></details>";

/// When EC2 started it, and when SSM heard of its agent: two seconds later.
const STARTED: &str = "2026-01-02T03:00:00.000Z";
const STARTED_S: u64 = 1_767_322_800;

/// What is said of one instance.
#[derive(Clone)]
struct HookCallOutcome {
    tag: &'static str,
    checks: [String; 2],
    agent: String,
}

impl HookCallOutcome {
    fn new(one: &str, other: &str) -> HookCallOutcome {
        HookCallOutcome {
            tag: "failed at line 12",
            checks: [one.into(), other.into()],
            agent: agent("Online", STARTED_S + 2),
        }
    }
}

fn agent(ping: &str, heard_s: u64) -> String {
    let known = format!(r#"{{"InstanceId":"{ID}","PingStatus":"{ping}","LastPingDateTime":{heard_s}}}"#);
    format!(r#"{{"InstanceInformationList":[{known}]}}"#)
}

/// EC2 and SSM about it.
fn about(request: &Request, told: &HookCallOutcome) -> Response {
    let HookCallOutcome { tag, checks: [instance_check, system_check], agent } = told;
    let instance = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
         <launchTime>{STARTED}</launchTime>\
         <instanceState><code>16</code><name>running</name></instanceState><tagSet><item><key>envkeeper:user-data</key>\
         <value>{tag}</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    );
    let status = format!(
        "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>{ID}</instanceId>\
         <instanceStatus>{instance_check}</instanceStatus><systemStatus>{system_check}</systemStatus></item></instanceStatusSet>\
         </DescribeInstanceStatusResponse>"
    );
    match request.target.as_str() {
        "DescribeInstanceInformation" if agent.is_empty() => refused_json("ThrottlingException", "Rate exceeded"),
        "DescribeInstanceInformation" => (200, agent.clone()),
        _ if request.body.contains("Action=DescribeInstanceStatus") && instance_check.is_empty() => {
            (400, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>".into())
        }
        _ if request.body.contains("Action=DescribeInstanceStatus") => (200, status),
        _ => (200, instance),
    }
}

async fn look_at(told: HookCallOutcome) -> ObservedInstance {
    let (account, _) = account(move |request, _| about(request, &told));
    account.observe_instances(&[ID.to_owned()]).await.expect("a look").remove(ID).expect("it is there")
}

/// One look at one instance with these two checks.
async fn look(instance_check: &str, system_check: &str) -> ObservedInstance {
    look_at(HookCallOutcome::new(instance_check, system_check)).await
}

#[tokio::test]
async fn an_instance_is_seen_with_all_that_is_said_of_it() {
    let observed = look(&impaired("2026-01-02T03:10:00.000Z"), PASSED).await;
    assert_eq!((&observed.state, &observed.agent), (&State::Running, &Ok(Agent::Online)));
    assert_eq!(observed.user_data, UserData::Failed("failed at line 12".into()));
    assert_eq!(observed.checks, Ok(Checks::Impaired { since_ms: Some(1_767_323_400_000) }));
    assert_eq!(observed.started_ms, Some(STARTED_S * 1_000));
}

#[tokio::test]
async fn what_ssm_or_a_check_cannot_tell_hides_nothing_that_ec2_tells() {
    let observed = look_at(HookCallOutcome { agent: String::new(), ..HookCallOutcome::new("", PASSED) }).await;
    assert_eq!(
        (&observed.state, &observed.user_data),
        (&State::Running, &UserData::Failed("failed at line 12".into()))
    );
    let (checks, agent) = (observed.checks.expect_err("refused"), observed.agent.expect_err("throttled"));
    assert!(checks.starts_with("ec2:DescribeInstanceStatus: UnauthorizedOperation"), "{checks}");
    assert!(agent.starts_with("ssm:DescribeInstanceInformation: ThrottlingException"), "{agent}");
}

#[tokio::test]
async fn a_tag_that_is_neither_done_nor_a_failure_says_nothing() {
    for (tag, expected) in [("done", UserData::Done), ("started", UserData::Unreported), ("", UserData::Unreported)] {
        assert_eq!(
            look_at(HookCallOutcome { tag, ..HookCallOutcome::new(PASSED, PASSED) }).await.user_data,
            expected,
            "{tag}"
        );
    }
}

/// One from a warm pool was stopped: that it was online before counts for nothing.
#[tokio::test]
async fn an_agent_is_online_when_it_was_heard_of_since_ec2_started_the_instance() {
    for (ping, heard_s, expected) in [
        ("Online", STARTED_S + 2, Agent::Online),
        ("Online", STARTED_S - 60, Agent::Lost),
        ("ConnectionLost", STARTED_S + 2, Agent::Lost),
    ] {
        let observed =
            look_at(HookCallOutcome { agent: agent(ping, heard_s), ..HookCallOutcome::new(PASSED, PASSED) }).await;
        assert_eq!(observed.agent, Ok(expected), "{ping} {heard_s}");
    }
}

#[tokio::test]
async fn a_hundred_instances_are_one_call_of_ec2_each_and_as_few_of_ssm_as_it_takes() {
    let (account, asked) = account(|request, _| match request.target.as_str() {
        "DescribeInstanceInformation" if request.body.contains("NextToken") => {
            (200, r#"{"InstanceInformationList":[]}"#.into())
        }
        "DescribeInstanceInformation" => (200, r#"{"InstanceInformationList":[],"NextToken":"more"}"#.into()),
        _ => about(request, &HookCallOutcome::new(PASSED, PASSED)),
    });
    let ids: Vec<String> = (0..100).map(|number| format!("i-{number:017x}")).collect();
    account.observe_instances(&ids).await.expect("a look");
    let asked = bodies(&asked);
    let agents: Vec<_> = asked.iter().filter(|body| body.starts_with('{')).collect();
    assert_eq!((asked.len(), agents.len()), (4, 2));
    assert!(agents.iter().all(|body| body.contains(r#""MaxResults":50"#)), "{agents:?}");
}

#[tokio::test]
async fn the_check_that_has_failed_for_longer_counts_and_nobody_guesses_since_when() {
    let (late, early) = (impaired("2026-01-02T03:10:00.000Z"), impaired("2026-01-02T03:08:00.000Z"));
    let since_early = Ok(Checks::Impaired { since_ms: Some(1_767_323_280_000) });
    assert_eq!(look(&late, &early).await.checks, since_early);
    assert_eq!(look(&early, &late).await.checks, since_early);
    assert_eq!(look(&impaired(""), &early).await.checks, since_early);
    assert_eq!(look(PASSED, &impaired("")).await.checks, Ok(Checks::Impaired { since_ms: None }));
}

#[tokio::test]
async fn checks_that_both_pass_have_passed_and_all_else_says_nothing_yet() {
    assert_eq!(look(PASSED, PASSED).await.checks, Ok(Checks::Passed));
    assert_eq!(look(PASSED, "<status>initializing</status>").await.checks, Ok(Checks::Unreported));
    assert_eq!(look("<status>insufficient-data</status>", PASSED).await.checks, Ok(Checks::Unreported));
}

#[tokio::test]
async fn an_instance_that_ec2_does_not_know_is_not_asked_about_any_further() {
    let nothing = |request: &Request| match request.target.as_str() {
        "DescribeInstanceInformation" => r#"{"InstanceInformationList":[]}"#.to_owned(),
        _ => "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>".to_owned(),
    };
    let (account, asked) = account(move |request, _| (200, nothing(request)));
    let observed = account.observe_instances(&[ID.to_owned()]).await.expect("a look").remove(ID).expect("it was asked for");
    assert_eq!(
        (observed.state, observed.agent, observed.checks),
        (State::Unknown, Ok(Agent::Unregistered), Ok(Checks::Unreported))
    );
    assert!(!bodies(&asked).concat().contains("DescribeInstanceStatus"), "its id would be refused there");
}
