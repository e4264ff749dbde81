//! EC2 and SSM: the observation of an instance.

use lifecycle_hook::cloud::HookApi as _;
use lifecycle_hook::facts::{Agent, Checks, ObservedInstance, State, UserData};
use test_support::Request;

use crate::{ID, Response, account, bodies, rejected_json};

/// A check that has failed since then, if EC2 reports the time.
fn impaired(since: &str) -> String {
    let since = if since.is_empty() { String::new() } else { format!("<impairedSince>{since}</impairedSince>") };
    let details = format!("<details><item><name>reachability</name><status>failed</status>{since}</item></details>");
    format!("<status>impaired</status>{details}")
}

const PASSED: &str =
    "<status>ok</status><details><item><name>reachability</name><status>passed</status></item></details>";

/// When EC2 started the instance, and when SSM received a ping of its agent: two seconds later.
const STARTED: &str = "2026-01-02T03:00:00.000Z";
const STARTED_S: u64 = 1_767_322_800;

/// The responses about one instance.
#[derive(Clone)]
struct FakeInstance {
    tag: &'static str,
    checks: [String; 2],
    agent: String,
}

impl FakeInstance {
    fn new(one: &str, other: &str) -> FakeInstance {
        FakeInstance {
            tag: "failed at line 12",
            checks: [one.into(), other.into()],
            agent: agent("Online", STARTED_S + 2),
        }
    }
}

fn agent(ping: &str, ping_s: u64) -> String {
    let information = format!(r#"{{"InstanceId":"{ID}","PingStatus":"{ping}","LastPingDateTime":{ping_s}}}"#);
    format!(r#"{{"InstanceInformationList":[{information}]}}"#)
}

/// The responses of EC2 and SSM.
fn about(request: &Request, fake: &FakeInstance) -> Response {
    let FakeInstance { tag, checks: [instance_check, system_check], agent } = fake;
    let instance = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
         <launchTime>{STARTED}</launchTime>\
         <instanceState><code>16</code><name>running</name></instanceState>\
         <stateReason><code>Client.X</code><message>Client.X: the reason</message></stateReason><tagSet><item><key>envkeeper:user-data</key>\
         <value>{tag}</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    );
    let status = format!(
        "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>{ID}</instanceId>\
         <instanceStatus>{instance_check}</instanceStatus><systemStatus>{system_check}</systemStatus></item></instanceStatusSet>\
         </DescribeInstanceStatusResponse>"
    );
    match request.target.as_str() {
        "DescribeInstanceInformation" if agent.is_empty() => rejected_json("ThrottlingException", "Rate exceeded"),
        "DescribeInstanceInformation" => (200, agent.clone()),
        _ if request.body.contains("Action=DescribeInstanceStatus") && instance_check.is_empty() => {
            (400, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>".into())
        }
        _ if request.body.contains("Action=DescribeInstanceStatus") => (200, status),
        _ => (200, instance),
    }
}

async fn observe_fake(fake: FakeInstance) -> ObservedInstance {
    let (account, _) = account(move |request, _| about(request, &fake));
    account
        .observe_instances(&[ID.to_owned()])
        .await
        .expect("an observation")
        .remove(ID)
        .expect("the instance is observed")
}

/// One observation of one instance with these two checks.
async fn observe_checks(instance_check: &str, system_check: &str) -> ObservedInstance {
    observe_fake(FakeInstance::new(instance_check, system_check)).await
}

#[tokio::test]
async fn an_observation_holds_every_reported_fact() {
    let observed = observe_checks(&impaired("2026-01-02T03:10:00.000Z"), PASSED).await;
    assert_eq!((&observed.state, &observed.agent), (&State::Running, &Ok(Agent::Online)));
    assert_eq!(observed.state_reason.as_deref(), Some("Client.X: the reason"));
    assert_eq!(observed.user_data, UserData::Failed("failed at line 12".into()));
    assert_eq!(observed.checks, Ok(Checks::Impaired { since_ms: Some(1_767_323_400_000) }));
    assert_eq!((observed.started_ms, observed.is_spot), (Some(STARTED_S * 1_000), false));
}

#[tokio::test]
async fn a_failed_call_to_ssm_or_for_checks_hides_no_fact_from_ec2() {
    let observed = observe_fake(FakeInstance { agent: String::new(), ..FakeInstance::new("", PASSED) }).await;
    assert_eq!(
        (&observed.state, &observed.user_data),
        (&State::Running, &UserData::Failed("failed at line 12".into()))
    );
    let (checks, agent) = (observed.checks.expect_err("rejected"), observed.agent.expect_err("throttled"));
    let (checks, agent) = (checks.to_string(), agent.to_string());
    assert!(checks.starts_with("ec2:DescribeInstanceStatus: UnauthorizedOperation"), "{checks}");
    assert!(agent.starts_with("ssm:DescribeInstanceInformation: ThrottlingException"), "{agent}");
}

#[tokio::test]
async fn a_tag_that_is_neither_done_nor_failed_counts_as_unreported() {
    for (tag, expected) in [("done", UserData::Done), ("started", UserData::Unreported), ("", UserData::Unreported)] {
        assert_eq!(
            observe_fake(FakeInstance { tag, ..FakeInstance::new(PASSED, PASSED) }).await.user_data,
            expected,
            "{tag}"
        );
    }
}

/// An instance from a warm pool was stopped: a ping from before does not count.
#[tokio::test]
async fn an_agent_is_online_if_it_has_pinged_since_ec2_started_the_instance() {
    for (ping, ping_s, expected) in [
        ("Online", STARTED_S + 2, Agent::Online),
        ("Online", STARTED_S - 60, Agent::Lost),
        ("ConnectionLost", STARTED_S + 2, Agent::Lost),
    ] {
        let observed =
            observe_fake(FakeInstance { agent: agent(ping, ping_s), ..FakeInstance::new(PASSED, PASSED) }).await;
        assert_eq!(observed.agent, Ok(expected), "{ping} {ping_s}");
    }
}

#[tokio::test]
async fn a_hundred_instances_take_one_call_for_each_ec2_list_and_the_fewest_pages_of_ssm() {
    let (account, requests) = account(|request, _| match request.target.as_str() {
        "DescribeInstanceInformation" if request.body.contains("NextToken") => {
            (200, r#"{"InstanceInformationList":[]}"#.into())
        }
        "DescribeInstanceInformation" => (200, r#"{"InstanceInformationList":[],"NextToken":"more"}"#.into()),
        _ => about(request, &FakeInstance::new(PASSED, PASSED)),
    });
    let ids: Vec<String> = (0..100).map(|number| format!("i-{number:017x}")).collect();
    account.observe_instances(&ids).await.expect("an observation");
    let requests = bodies(&requests);
    let agents: Vec<_> = requests.iter().filter(|body| body.starts_with('{')).collect();
    assert_eq!((requests.len(), agents.len()), (4, 2));
    assert!(agents.iter().all(|body| body.contains(r#""MaxResults":50"#)), "{agents:?}");
}

#[tokio::test]
async fn the_check_that_has_failed_for_longer_counts_and_a_missing_time_is_not_guessed() {
    let (late, early) = (impaired("2026-01-02T03:10:00.000Z"), impaired("2026-01-02T03:08:00.000Z"));
    let since_early = Ok(Checks::Impaired { since_ms: Some(1_767_323_280_000) });
    assert_eq!(observe_checks(&late, &early).await.checks, since_early);
    assert_eq!(observe_checks(&early, &late).await.checks, since_early);
    assert_eq!(observe_checks(&impaired(""), &early).await.checks, since_early);
    assert_eq!(observe_checks(PASSED, &impaired("")).await.checks, Ok(Checks::Impaired { since_ms: None }));
}

#[tokio::test]
async fn checks_have_passed_if_both_pass_and_are_unreported_otherwise() {
    assert_eq!(observe_checks(PASSED, PASSED).await.checks, Ok(Checks::Passed));
    assert_eq!(observe_checks(PASSED, "<status>initializing</status>").await.checks, Ok(Checks::Unreported));
    assert_eq!(observe_checks("<status>insufficient-data</status>", PASSED).await.checks, Ok(Checks::Unreported));
}

#[tokio::test]
async fn an_instance_that_ec2_does_not_know_causes_no_further_calls() {
    let nothing = |request: &Request| match request.target.as_str() {
        "DescribeInstanceInformation" => r#"{"InstanceInformationList":[]}"#.to_owned(),
        _ => "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>".to_owned(),
    };
    let (account, requests) = account(move |request, _| (200, nothing(request)));
    let observed = account
        .observe_instances(&[ID.to_owned()])
        .await
        .expect("an observation")
        .remove(ID)
        .expect("the instance is observed");
    assert_eq!(
        (observed.state, observed.agent, observed.checks),
        (State::Unknown, Ok(Agent::Unregistered), Ok(Checks::Unreported))
    );
    assert!(!bodies(&requests).concat().contains("DescribeInstanceStatus"), "that call would reject the id");
}
