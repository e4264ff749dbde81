//! The calls of an alarm's actions, over the wire.

use std::sync::{Arc, Mutex};

use aws_cloud::{Clients, remediation};
use environment::{CallError, Member, ObservedGroup, RemediationAction};

use crate::service;

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// An account that responds by the action, and the requests that it received.
fn account(response: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Clients, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&requests);
    let clients = service::start(move |request| {
        let action = request.body.split('&').next().unwrap_or_default().replace("Action=", "");
        received.lock().expect("one at a time").push(request.body);
        Some(response(&action))
    });
    (clients, requests)
}

fn empty(action: &str) -> String {
    format!("<{action}Response><{action}Result></{action}Result></{action}Response>")
}

fn bodies(requests: &Mutex<Vec<String>>) -> Vec<String> {
    requests.lock().expect("one at a time").clone()
}

/// A group as Auto Scaling describes it: two instances in service, and one that was started a second ago.
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

fn observed_group() -> ObservedGroup {
    let instances = vec![member("i-1", true, true), member("i-2", true, false), member("i-3", false, true)];
    ObservedGroup { owner: Some("an-owner".into()), min: 1, max: 4, desired_capacity: 3, instances }
}

#[tokio::test]
async fn a_launching_group_is_observed_without_a_request_for_its_instances() {
    let (clients, requests) = account(|_| (200, group()));
    assert_eq!(remediation::observe_group(&clients, GROUP).await, Ok(Some(observed_group())));
    assert_eq!(bodies(&requests).len(), 1, "{requests:?}");
    let (without_groups, _) = account(|_| (200, empty("DescribeAutoScalingGroups")));
    assert_eq!(remediation::observe_group(&without_groups, GROUP).await, Ok(None));
}

#[tokio::test]
async fn status_checks_are_read_for_instances_in_service_only() {
    let (clients, requests) = account(|_| {
        let status = "<instanceId>i-1</instanceId><systemStatus><status>ok</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus>";
        let set = format!("<instanceStatusSet><item>{status}</item></instanceStatusSet>");
        (200, format!("<DescribeInstanceStatusResponse>{set}</DescribeInstanceStatusResponse>"))
    });
    let checked = remediation::with_status_checks(&clients, observed_group()).await.expect("status checks");
    let expected = [member("i-1", true, false), member("i-2", true, false), member("i-3", false, true)];
    assert_eq!(checked.instances, expected);
    let requests = bodies(&requests);
    assert!(
        requests.len() == 1 && requests[0].contains("InstanceId.2=i-2") && !requests[0].contains("i-3"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn each_remediation_action_is_one_call() {
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
        (RemediationAction::Notify { topic: topic.into() }, &["Action=Publish", "on-call", "Message=the+alarm+text"]),
    ] {
        let (clients, requests) = account(|action| (200, empty(action)));
        assert_eq!(remediation::execute(&clients, GROUP, &action, "the alarm text").await, Ok(()));
        let body = bodies(&requests).join("\n").replace("%20", "+");
        assert_eq!(body.lines().count(), 1, "{body}");
        for part in parts {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
    }
}

#[tokio::test]
async fn transient_errors_are_retryable_and_denials_are_rejected() {
    for (code, is_retryable) in
        [("ScalingActivityInProgress", true), ("ResourceContention", true), ("AccessDenied", false)]
    {
        let error = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no.</Message></Error></ErrorResponse>");
        let (clients, _) = account(move |_| (400, error.clone()));
        let result = remediation::execute(&clients, GROUP, &RemediationAction::Scale { from: 3, to: 4 }, "").await;
        let call_error = result.expect_err("not executed");
        assert_eq!(!matches!(call_error, CallError::Rejected { .. }), is_retryable, "{code}: {call_error}");
    }
}
