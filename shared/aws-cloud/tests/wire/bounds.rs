//! Calls to Auto Scaling at its bounds, and right after a create.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Adjustment, AutoScalingGroup, AutoScalingGroupSetting, Call, CallError, CallKind, Cloud, Fields, HealthCheck, Key,
    Kind, LaunchTemplate, Ref, Resource, ScalingPolicy, ScalingStep, Setting, Tags,
};
use tokio::time::Duration;

use crate::samples::template_version;
use crate::service;

fn error(code: &str, message: &str) -> (u16, String) {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (if code == "AccessDenied" { 403 } else { 400 }, format!("<ErrorResponse>{error}</ErrorResponse>"))
}

fn states(state: &str) -> (u16, String) {
    let member = format!(
        "<member><LoadBalancerTargetGroupARN>arn:1</LoadBalancerTargetGroupARN><State>{state}</State></member>"
    );
    let result = format!("<LoadBalancerTargetGroups>{member}</LoadBalancerTargetGroups>");
    let result = format!("<DescribeLoadBalancerTargetGroupsResult>{result}</DescribeLoadBalancerTargetGroupsResult>");
    (200, format!("<DescribeLoadBalancerTargetGroupsResponse>{result}</DescribeLoadBalancerTargetGroupsResponse>"))
}

const AT_ONCE: &str = "Trying to update too many Load Balancers/Target Groups at once. The limit is 10";

fn attach() -> Call {
    Call {
        key: Key::new(Kind::AutoScalingGroup, "web"),
        id: Some("arn:group".into()),
        kind: CallKind::Set(vec![Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup("arn:2".into()))]),
    }
}

/// The other change ended before its state was read: no state shows why the call was rejected.
#[tokio::test]
async fn a_change_of_target_groups_is_sent_again_if_the_others_have_ended_meanwhile() {
    let rejected = AtomicBool::new(false);
    let clients = service::start(move |request| {
        if request.body.starts_with("Action=DescribeLoadBalancerTargetGroups&") {
            return Some(states("InService"));
        }
        let is_first = !rejected.swap(true, Ordering::Relaxed);
        is_first.then(|| error("ValidationError", AT_ONCE)).or_else(|| Some(accepted()))
    });
    let response = AwsCloud::new(&clients, "owner".into(), "request".into()).call(&attach()).await;
    assert!(response.is_ok(), "{response:?}");
}

fn accepted() -> (u16, String) {
    let result = "<AttachLoadBalancerTargetGroupsResult/>";
    (200, format!("<AttachLoadBalancerTargetGroupsResponse>{result}</AttachLoadBalancerTargetGroupsResponse>"))
}

/// Auto Scaling counts the target groups that are being attached against the limit of ten.
#[tokio::test]
async fn a_rejected_change_of_target_groups_waits_while_others_are_attached_and_is_final_otherwise() {
    for (state, waits) in [("Adding", true), ("Removing", true), ("InService", false)] {
        let clients = service::start(move |request| {
            Some(if request.body.starts_with("Action=DescribeLoadBalancerTargetGroups&") {
                states(state)
            } else {
                error("ValidationError", AT_ONCE)
            })
        });
        let response = AwsCloud::new(&clients, "owner".into(), "request".into()).call(&attach()).await;
        assert_eq!(matches!(response, Err(CallError::Retry { .. })), waits, "{state}: {response:?}");
        assert_eq!(matches!(response, Err(CallError::Rejected { .. })), !waits, "{state}: {response:?}");
    }
}

fn create(name: &str, fields: Fields) -> Call {
    let tags = Tags::from([("envkeeper:owner".into(), "owner".into())]);
    let resource = Resource { name: name.into(), tags, fields };
    Call { key: resource.key(), id: None, kind: CallKind::Create(Box::new(resource)) }
}

fn group(digest: &str) -> Call {
    let group = AutoScalingGroup {
        min_size: 1,
        max_size: 1,
        desired_capacity: 1,
        subnets: vec![Ref::Foreign("subnet-1".into())],
        template: Ref::Foreign("lt-1".into()),
        digest: digest.to_owned(),
        health_check: HealthCheck { by_target_groups: false, grace_seconds: 300 },
        warmup_seconds: Some(60),
        protected: false,
        target_groups: BTreeSet::new(),
        hooks: vec![],
        metrics: true,
        in_service: 0,
        failed_launch: None,
        instances: BTreeMap::new(),
    };
    create("web", Fields::AutoScalingGroup(group))
}

fn policy() -> Call {
    let steps = [(0, 1), (10, 2), (20, 3)].map(|(from, by)| ScalingStep { from, by });
    let adjustment = Adjustment::Steps(steps.to_vec());
    create("up", Fields::ScalingPolicy(ScalingPolicy { group: Ref::Foreign("web".into()), adjustment }))
}

/// An account in which templates and groups can be created, and that rejects policies with this error. The requests for
/// policies.
fn account(rejection: (u16, String)) -> (Clients, Arc<Mutex<Vec<String>>>) {
    let puts = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&puts);
    let clients = service::start(move |request| {
        if request.body.starts_with("Action=CreateLaunchTemplate&") {
            let template = "<launchTemplateId>lt-1</launchTemplateId><latestVersionNumber>1</latestVersionNumber>";
            let template = format!("<launchTemplate>{template}</launchTemplate>");
            return Some((200, format!("<CreateLaunchTemplateResponse>{template}</CreateLaunchTemplateResponse>")));
        }
        if request.body.starts_with("Action=CreateAutoScalingGroup&") {
            return Some((200, String::from("<CreateAutoScalingGroupResponse/>")));
        }
        received.lock().expect("puts").push(request.body);
        Some(rejection.clone())
    });
    (clients, puts)
}

/// A run that created a template, and 25 s later a group: IAM knows the tags of the template by then.
async fn with_group(clients: &Clients) -> AwsCloud {
    let cloud = AwsCloud::new(clients, "owner".into(), "request".into());
    let version = template_version();
    let digest = version.digest.clone();
    cloud
        .call(&create("lt", Fields::LaunchTemplate(LaunchTemplate { versions: vec![version] })))
        .await
        .expect("a template");
    after(25).await;
    cloud.call(&group(&digest)).await.expect("a group");
    cloud
}

async fn after(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// IAM allows the calls on a group's policies by the group's tags, which it may not see yet.
#[tokio::test]
async fn a_denial_right_after_the_create_of_a_group_is_retried() {
    let (clients, _) = account(error("AccessDenied", "You are not authorized."));
    let cloud = with_group(&clients).await;
    let response = cloud.call(&policy()).await;
    assert!(matches!(response, Err(CallError::Retry { .. })), "{response:?}");
    after(21).await;
    let response = cloud.call(&policy()).await;
    assert!(matches!(response, Err(CallError::Rejected { .. })), "{response:?}");
}

#[tokio::test]
async fn a_missing_resource_is_worth_a_minute_after_a_create_and_is_final_later() {
    let (clients, _) =
        account(error("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'web' not found"));
    let cloud = with_group(&clients).await;
    after(50).await;
    let response = cloud.call(&policy()).await;
    assert!(matches!(response, Err(CallError::Retry { .. })), "{response:?}");
    after(11).await;
    let response = cloud.call(&policy()).await;
    assert!(matches!(response, Err(CallError::Rejected { .. })), "{response:?}");
}

#[tokio::test]
async fn a_step_policy_states_its_steps_and_no_cooldown_or_warm_up() {
    let (clients, puts) = account(error("ValidationError", "no"));
    let cloud = AwsCloud::new(&clients, "owner".into(), "request".into());
    let _ = cloud.call(&policy()).await;
    let sent = puts.lock().expect("puts")[0].clone();
    let pairs: Vec<&str> = sent.split('&').collect();
    for pair in [
        "Action=PutScalingPolicy",
        "AutoScalingGroupName=web",
        "PolicyType=StepScaling",
        "AdjustmentType=ChangeInCapacity",
        "MetricAggregationType=Average",
        "StepAdjustments.member.1.MetricIntervalLowerBound=0.0",
        "StepAdjustments.member.1.MetricIntervalUpperBound=10.0",
        "StepAdjustments.member.1.ScalingAdjustment=1",
        "StepAdjustments.member.3.MetricIntervalLowerBound=20.0",
        "StepAdjustments.member.3.ScalingAdjustment=3",
    ] {
        assert!(pairs.contains(&pair), "{pair}: {sent}");
    }
    for name in [
        "Cooldown",
        "EstimatedInstanceWarmup",
        "StepAdjustments.member.3.MetricIntervalUpperBound",
        "ScalingAdjustment",
    ] {
        assert!(!pairs.iter().any(|it| it.starts_with(&format!("{name}="))), "{name}: {sent}");
    }
}
