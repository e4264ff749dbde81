//! EC2 and SSM: what an instance looks like.

use lambda_kit::now_ms;
use lifecycle_hook::cloud::Cloud as _;
use lifecycle_hook::facts::{Agent, Checks, Seen, State, UserData};
use test_support::Request;

use crate::{Answer, ID, account, bodies};

/// A check that has failed since then, if EC2 says so.
fn impaired(since: &str) -> String {
    let since = if since.is_empty() { String::new() } else { format!("<impairedSince>{since}</impairedSince>") };
    let details = format!("<details><item><name>reachability</name><status>failed</status>{since}</item></details>");
    format!("<status>impaired</status>{details}")
}

const PASSED: &str =
    "<status>ok</status><details><item><name>reachability</name><status>passed</status></item></details>";

/// EC2 and SSM about one instance with these two checks.
fn about(request: &Request, instance_check: &str, system_check: &str) -> Answer {
    let instance = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{ID}</instanceId>\
         <instanceState><code>16</code><name>running</name></instanceState><tagSet><item><key>envkeeper:user-data</key>\
         <value>failed at line 12</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    );
    let status = format!(
        "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>{ID}</instanceId>\
         <instanceStatus>{instance_check}</instanceStatus><systemStatus>{system_check}</systemStatus></item></instanceStatusSet>\
         </DescribeInstanceStatusResponse>"
    );
    let agent = format!(r#"{{"InstanceInformationList":[{{"InstanceId":"{ID}","PingStatus":"ConnectionLost"}}]}}"#);
    match request.target.as_str() {
        "DescribeInstanceInformation" => (200, agent),
        _ if request.body.contains("Action=DescribeInstanceStatus") => (200, status),
        _ => (200, instance),
    }
}

/// One look at one instance with these two checks.
async fn look(instance_check: &str, system_check: &str) -> Seen {
    let (one, other) = (instance_check.to_owned(), system_check.to_owned());
    let (account, _) = account(move |request, _| about(request, &one, &other));
    account.see(&[ID.to_owned()]).await.expect("a look").remove(ID).expect("it is there")
}

#[tokio::test]
async fn an_instance_is_seen_with_all_that_is_said_of_it() {
    let seen = look(&impaired("2026-01-02T03:10:00.000Z"), PASSED).await;
    assert_eq!((&seen.state, seen.agent), (&State::Running, Agent::Lost));
    assert_eq!(seen.user_data, UserData::Failed("failed at line 12".into()));
    assert_eq!(seen.checks, Checks::Impaired { since_ms: 1_767_323_400_000 });
}

#[tokio::test]
async fn the_check_that_has_failed_for_longer_counts_and_one_that_does_not_say_since_when_has_just_begun() {
    let (late, early) = (impaired("2026-01-02T03:10:00.000Z"), impaired("2026-01-02T03:08:00.000Z"));
    let since_early = Checks::Impaired { since_ms: 1_767_323_280_000 };
    assert_eq!((look(&late, &early).await.checks, look(&early, &late).await.checks), (since_early, since_early));
    let before = now_ms();
    let Checks::Impaired { since_ms } = look(PASSED, &impaired("")).await.checks else { panic!("it fails") };
    assert!((before..=now_ms()).contains(&since_ms), "{since_ms}");
}

#[tokio::test]
async fn checks_that_both_pass_have_passed_and_all_else_says_nothing_yet() {
    assert_eq!(look(PASSED, PASSED).await.checks, Checks::Passed);
    assert_eq!(look(PASSED, "<status>initializing</status>").await.checks, Checks::Silent);
    assert_eq!(look("<status>insufficient-data</status>", PASSED).await.checks, Checks::Silent);
}

#[tokio::test]
async fn an_instance_that_ec2_does_not_know_is_not_asked_about_any_further() {
    let nothing = |request: &Request| match request.target.as_str() {
        "DescribeInstanceInformation" => r#"{"InstanceInformationList":[]}"#.to_owned(),
        _ => "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>".to_owned(),
    };
    let (account, asked) = account(move |request, _| (200, nothing(request)));
    let seen = account.see(&[ID.to_owned()]).await.expect("a look").remove(ID).expect("it was asked for");
    assert_eq!((seen.state, seen.agent, seen.checks), (State::Unknown, Agent::Unregistered, Checks::Silent));
    assert!(!bodies(&asked).concat().contains("DescribeInstanceStatus"), "its id would be refused there");
}
