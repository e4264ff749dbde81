//! What an alarm's action may come to, over the wire.

use std::sync::{Arc, Mutex};

use aws_cloud::{Clients, remediation};
use environment::{CallError, Member, ObservedGroup, RemediationAction};

use crate::service;

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// An account that answers by the action, and what it was asked.
fn account(response: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Clients, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let clients = service::start(move |request| {
        let action = request.body.split('&').next().unwrap_or_default().replace("Action=", "");
        seen.lock().expect("one at a time").push(request.body);
        Some(response(&action))
    });
    (clients, asked)
}

fn empty(action: &str) -> String {
    format!("<{action}Response><{action}Result></{action}Result></{action}Response>")
}

fn bodies(asked: &Mutex<Vec<String>>) -> Vec<String> {
    asked.lock().expect("one at a time").clone()
}

/// As Auto Scaling describes it: two in service, and one that was started a second ago.
fn group() -> String {
    let member = |id: &str, state: &str, health: &str| {
        format!(
            "<member><InstanceId>{id}</InstanceId><LifecycleState>{state}</LifecycleState><HealthStatus>{health}</HealthStatus></member>"
        )
    };
    let instances = [
        member("i-1", "InService", "Healthy"),
        member("i-2", "InService", "Unhealthy"),
        member("i-3", "Pending", "Healthy"),
    ];
    let tag = "<member><Key>envkeeper:owner</Key><Value>an-owner</Value></member>";
    let found = format!(
        "<AutoScalingGroupName>{GROUP}</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>4</MaxSize>\
         <DesiredCapacity>3</DesiredCapacity><Instances>{}</Instances><Tags>{tag}</Tags>",
        instances.concat()
    );
    let result = format!("<AutoScalingGroups><member>{found}</member></AutoScalingGroups>");
    format!(
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>{result}</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
}

fn member(id: &str, in_service: bool, healthy: bool) -> Member {
    Member { id: id.into(), in_service, healthy }
}

fn seen() -> ObservedGroup {
    let instances = vec![member("i-1", true, true), member("i-2", true, false), member("i-3", false, true)];
    ObservedGroup { owner: Some("an-owner".into()), min: 1, max: 4, desired_capacity: 3, instances }
}

#[tokio::test]
async fn a_group_that_launches_is_looked_at_without_asking_for_its_instances() {
    let (clients, asked) = account(|_| (200, group()));
    assert_eq!(remediation::observe_group(&clients, GROUP).await, Ok(Some(seen())));
    assert_eq!(bodies(&asked).len(), 1, "{asked:?}");
    let (nobody, _) = account(|_| (200, empty("DescribeAutoScalingGroups")));
    assert_eq!(remediation::observe_group(&nobody, GROUP).await, Ok(None));
}

#[tokio::test]
async fn status_checks_are_asked_of_instances_in_service_only() {
    let (clients, asked) = account(|_| {
        let status = "<instanceId>i-1</instanceId><systemStatus><status>ok</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus>";
        let set = format!("<instanceStatusSet><item>{status}</item></instanceStatusSet>");
        (200, format!("<DescribeInstanceStatusResponse>{set}</DescribeInstanceStatusResponse>"))
    });
    let checked = remediation::checked(&clients, seen()).await.expect("a look");
    let expected = [member("i-1", true, false), member("i-2", true, false), member("i-3", false, true)];
    assert_eq!(checked.instances, expected);
    let asked = bodies(&asked);
    assert!(asked.len() == 1 && asked[0].contains("InstanceId.2=i-2") && !asked[0].contains("i-3"), "{asked:?}");
}

#[tokio::test]
async fn each_remedy_is_one_call() {
    let topic = "arn:aws:sns:us-west-2:123456789012:on-call";
    for (action, parts) in [
        (
            RemediationAction::Scale { from: 3, to: 4 },
            &["Action=SetDesiredCapacity", "DesiredCapacity=4", "HonorCooldown=false", GROUP][..],
        ),
        (
            RemediationAction::Replace { instance: "i-1".into() },
            &["Action=TerminateInstanceInAutoScalingGroup", "InstanceId=i-1", "ShouldDecrementDesiredCapacity=false"],
        ),
        (RemediationAction::Notify { topic: topic.into() }, &["Action=Publish", "on-call", "Message=it+went+off"]),
    ] {
        let (clients, asked) = account(|action| (200, empty(action)));
        assert_eq!(remediation::make(&clients, GROUP, &action, "it went off").await, Ok(()));
        let body = bodies(&asked).join("\n").replace("%20", "+");
        assert_eq!(body.lines().count(), 1, "{body}");
        for part in parts {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_is_refused() {
    for (code, passes) in [("ScalingActivityInProgress", true), ("ResourceContention", true), ("AccessDenied", false)] {
        let error = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no.</Message></Error></ErrorResponse>");
        let (clients, _) = account(move |_| (400, error.clone()));
        let made = remediation::make(&clients, GROUP, &RemediationAction::Scale { from: 3, to: 4 }, "").await;
        let call_error = made.expect_err("it was not made");
        assert_eq!(!matches!(call_error, CallError::Rejected { .. }), passes, "{code}: {call_error}");
    }
}
