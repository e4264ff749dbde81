//! The protocol: the parsing of requests and the content of responses.

mod operations;
mod refreshes;

use std::net::Ipv4Addr;

use auto_scaling::{LaunchTemplate, NewGroup, Settings, Subnet, Tag};
use http_body_util::BodyExt;

use auto_scaling::{Effect, StartedInstance};

use super::*;
use crate::{http::Http, ministack::Ministack};

/// A service with the empty group `web`, without EC2 and EventBridge.
fn service() -> AutoScalingService {
    let nowhere = (Ipv4Addr::LOCALHOST, 9).into();
    let bus = EventBridge::new(Ministack::new(Http::default(), nowhere));
    let service = AutoScalingService::new(Ec2::new(Http::default(), nowhere), bus, Duration::ZERO);
    let settings = Settings {
        launch_template: LaunchTemplate { id: "lt-1".into(), name: "t".into(), version: "2".into() },
        max_size: 3,
        subnets: vec![Subnet { id: "subnet-1".into(), zone: "us-west-2b".into() }],
        default_instance_warmup: Some(Duration::from_mins(1)),
        ..Settings::default()
    };
    let tags = vec![Tag { key: "Owner".into(), value: "a & b".into(), propagate_at_launch: true }];
    let new = NewGroup { name: "web".into(), settings, tags, ..NewGroup::default() };
    service.simulator().create_group(new, Timestamp(1_795_420_800_250)).unwrap();
    service
}

async fn response(service: &AutoScalingService, form: &str) -> (StatusCode, Element) {
    let (head, body) = service.response(&format!("Version=2011-01-01&Action={form}")).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, Element::parse(std::str::from_utf8(&body).unwrap()).unwrap())
}

async fn accepted(service: &AutoScalingService, form: &str) -> Element {
    let (status, response) = response(service, form).await;
    assert_eq!(status, StatusCode::OK, "{response}");
    response
}

/// Code and message of an error.
async fn rejected(service: &AutoScalingService, form: &str) -> String {
    let (status, response) = response(service, form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{response}");
    let text = |path| response.text_of(path).unwrap().to_owned();
    assert_eq!(
        (response.name.as_str(), text("Error/Type").as_str(), text("RequestId").len()),
        ("ErrorResponse", "Sender", 36)
    );
    format!("{}: {}", text("Error/Code"), text("Error/Message"))
}

#[tokio::test]
async fn a_described_group_has_all_its_parameters() {
    let response = accepted(&service(), "DescribeAutoScalingGroups").await;
    assert_eq!(response.name, "DescribeAutoScalingGroupsResponse");
    assert!(response.text_of("ResponseMetadata/RequestId").is_some());
    let group = &response.items("DescribeAutoScalingGroupsResult/AutoScalingGroups")[0];
    for (path, value) in [
        ("AutoScalingGroupName", "web"),
        ("LaunchTemplate/Version", "2"),
        ("MaxSize", "3"),
        ("CreatedTime", "2026-11-23T08:00:00.250Z"),
        ("VPCZoneIdentifier", "subnet-1"),
        ("AvailabilityZones/member", "us-west-2b"),
        ("DefaultInstanceWarmup", "60"),
        ("AvailabilityZoneIds/member", "usw2-az2"),
        ("AvailabilityZoneDistribution/CapacityDistributionStrategy", "balanced-best-effort"),
        ("CapacityReservationSpecification/CapacityReservationPreference", "default"),
        ("InstanceLifecyclePolicy/RetentionTriggers/TerminateHookAbandon", "terminate"),
        ("Tags/member/Value", "a & b"),
        ("Tags/member/PropagateAtLaunch", "true"),
    ] {
        assert_eq!(group.text_of(path), Some(value), "{path}");
    }
    let absent = [
        "Status",
        "MaxInstanceLifetime",
        "DeletionProtection",
        "CapacityRebalance",
        "WarmPoolConfiguration",
        "WarmPoolSize",
    ];
    assert_eq!(absent.map(|path| group.find(path)), [None; 6]);
    assert!(group.items("TrafficSources").is_empty());
}

#[tokio::test]
async fn unsupported_actions_and_parameters_are_rejected_by_name() {
    let service = service();
    let action = "InvalidAction: Could not find operation PutScheduledUpdateGroupAction for version 2011-01-01";
    assert_eq!(rejected(&service, "PutScheduledUpdateGroupAction&AutoScalingGroupName=web").await, action);
    let extra = "UpdateAutoScalingGroup&AutoScalingGroupName=web&MaxSize=9&PlacementGroup=p";
    let expected = "ValidationError: the local cloud does not simulate PlacementGroup";
    assert_eq!(rejected(&service, extra).await, expected);
    assert_eq!(service.simulator().group("web").unwrap().settings.max_size, 3, "the whole request was rejected");
    let number = rejected(&service, "UpdateAutoScalingGroup&AutoScalingGroupName=web&MaxSize=-1").await;
    assert_eq!(number, "ValidationError: MaxSize is '-1': expected a whole number in range");
    let needed = rejected(&service, "SetDesiredCapacity&AutoScalingGroupName=web").await;
    assert_eq!(needed, "ValidationError: DesiredCapacity is missing");
    let policy = "PutScalingPolicy&AutoScalingGroupName=web&PolicyName=p&PolicyType=TargetTrackingScaling";
    assert!(rejected(&service, policy).await.contains("PolicyType is 'TargetTrackingScaling'"));
    assert!(rejected(&service, "DescribeAutoScalingGroups&Filters.member.1.Name=x").await.contains("Filters has x"));
}

#[tokio::test]
async fn an_update_changes_the_given_settings_and_removes_optional_ones() {
    let service = service();
    let update = "UpdateAutoScalingGroup&AutoScalingGroupName=web";
    let change = "DefaultCooldown=7&MaxInstanceLifetime=86400&TerminationPolicies.member.1=OldestInstance\
                  &DeletionProtection=prevent-all-deletion&CapacityRebalance=true&HealthCheckGracePeriod=9";
    accepted(&service, &format!("{update}&{change}")).await;
    let settings = || service.simulator().group("web").unwrap().settings.clone();
    let expected = Settings {
        default_cooldown: Duration::from_secs(7),
        max_instance_lifetime: Some(Duration::from_hours(24)),
        termination_policies: vec!["OldestInstance".into()],
        deletion_protection: auto_scaling::DeletionProtection::PreventAllDeletion,
        capacity_rebalance: true,
        health_check_grace_period: Duration::from_secs(9),
        ..settings()
    };
    assert_eq!(settings(), expected);
    accepted(&service, &format!("{update}&MaxInstanceLifetime=0&DefaultInstanceWarmup=-1")).await;
    assert_eq!((settings().max_instance_lifetime, settings().default_instance_warmup), (None, None));
}

#[tokio::test]
async fn scale_in_protection_of_the_group_applies_to_new_instances_only() {
    let service = service();
    let update = "UpdateAutoScalingGroup&AutoScalingGroupName=web";
    accepted(&service, &format!("{update}&DesiredCapacity=1&NewInstancesProtectedFromScaleIn=true")).await;
    start_instance(&service, "i-1");
    let protected = async || {
        let response = accepted(&service, "DescribeAutoScalingGroups").await;
        let group = &response.items("DescribeAutoScalingGroupsResult/AutoScalingGroups")[0];
        let text = |path| group.text_of(path).map(str::to_owned);
        (text("NewInstancesProtectedFromScaleIn"), text("Instances/member/ProtectedFromScaleIn"))
    };
    let (yes, no) = (Some(String::from("true")), Some(String::from("false")));
    assert_eq!(protected().await, (yes.clone(), yes.clone()));
    accepted(&service, &format!("{update}&NewInstancesProtectedFromScaleIn=false")).await;
    assert_eq!(protected().await, (no.clone(), yes));

    accepted(&service, &format!("{update}&DesiredCapacity=0")).await;
    assert_eq!(service.simulator().step(now()), [], "the instance is retained");
    let set = "SetInstanceProtection&AutoScalingGroupName=web&InstanceIds.member.1=i-1";
    assert!(rejected(&service, set).await.ends_with("ProtectedFromScaleIn is missing"));
    accepted(&service, &format!("{set}&ProtectedFromScaleIn=false")).await;
    assert_eq!(protected().await, (no.clone(), no));
    assert_eq!(service.simulator().step(now()).len(), 1, "the instance is terminated");
}

/// Executes the launch, as the host and EC2 do.
fn start_instance(service: &AutoScalingService, id: &str) {
    let mut simulator = service.simulator();
    let effects = simulator.step(now());
    let [Effect::Launch(launch)] = effects.as_slice() else { panic!("{effects:?}") };
    let started = StartedInstance { instance_id: id.into(), instance_type: "t3.micro".into(), version: "2".into() };
    simulator.launched(launch.token, started, now());
    assert!(matches!(simulator.step(now())[..], [Effect::PublishEvent(_)]), "the instance is in service");
}

#[tokio::test]
async fn groups_are_described_by_name_by_tag_and_in_pages() {
    let service = service();
    let settings = service.simulator().group("web").unwrap().settings.clone();
    let other = NewGroup { name: "other".into(), settings, ..NewGroup::default() };
    service.simulator().create_group(other, Timestamp(0)).unwrap();
    let names = |response: &Element| {
        let groups = response.items("DescribeAutoScalingGroupsResult/AutoScalingGroups").iter();
        groups.map(|group| group.text_of("AutoScalingGroupName").unwrap().to_owned()).collect::<Vec<_>>()
    };
    let describe = "DescribeAutoScalingGroups";
    let by_name = accepted(&service, &format!("{describe}&AutoScalingGroupNames.member.1=web")).await;
    assert_eq!(names(&by_name), ["web"]);
    let filter = "Filters.member.1.Name=tag%3AOwner&Filters.member.1.Values.member.1=a+%26+b";
    assert_eq!(names(&accepted(&service, &format!("{describe}&{filter}")).await), ["web"]);
    let first = accepted(&service, &format!("{describe}&MaxRecords=1")).await;
    assert_eq!(names(&first), ["other"]);
    let token = first.text_of("DescribeAutoScalingGroupsResult/NextToken").unwrap();
    let second = accepted(&service, &format!("{describe}&MaxRecords=1&NextToken={token}")).await;
    assert_eq!(names(&second), ["web"]);
    assert_eq!(second.text_of("DescribeAutoScalingGroupsResult/NextToken"), None);
    assert!(rejected(&service, &format!("{describe}&NextToken=x")).await.starts_with("InvalidNextToken"));
    assert!(rejected(&service, &format!("{describe}&MaxRecords=101")).await.contains("expected 1 to 100"));
}

#[tokio::test]
async fn described_policies_and_hooks_equal_the_put_ones() {
    let service = service();
    let put = "PutScalingPolicy&AutoScalingGroupName=web&PolicyName=out&PolicyType=SimpleScaling\
               &AdjustmentType=ChangeInCapacity&ScalingAdjustment=2&Cooldown=60";
    let arn = accepted(&service, put).await.text_of("PutScalingPolicyResult/PolicyARN").unwrap().to_owned();
    let response = accepted(&service, &format!("DescribePolicies&PolicyNames.member.1={arn}")).await;
    let policy = &response.items("DescribePoliciesResult/ScalingPolicies")[0];
    assert_eq!((policy.text_of("PolicyName"), policy.text_of("ScalingAdjustment")), (Some("out"), Some("2")));
    assert_eq!((policy.text_of("Cooldown"), policy.text_of("PolicyARN")), (Some("60"), Some(arn.as_str())));
    accepted(&service, &format!("ExecutePolicy&PolicyName={arn}")).await;
    assert_eq!(service.simulator().group("web").unwrap().desired_capacity, 2);

    let put = "PutLifecycleHook&AutoScalingGroupName=web&LifecycleHookName=ready&HeartbeatTimeout=300\
               &LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING&NotificationMetadata=%7B%7D";
    accepted(&service, put).await;
    let response = accepted(&service, "DescribeLifecycleHooks&AutoScalingGroupName=web").await;
    let hook = &response.items("DescribeLifecycleHooksResult/LifecycleHooks")[0];
    assert_eq!((hook.text_of("DefaultResult"), hook.text_of("GlobalTimeout")), (Some("ABANDON"), Some("30000")));
    assert_eq!((hook.text_of("NotificationMetadata"), hook.find("RoleARN")), (Some("{}"), None));
}

#[tokio::test]
async fn lifecycle_actions_are_published_and_completed_by_token_or_instance() {
    let service = service();
    let hook = "AutoScalingGroupName=web&LifecycleHookName=gate";
    accepted(&service, &format!("PutLifecycleHook&{hook}&LifecycleTransition=autoscaling%3AEC2_INSTANCE_LAUNCHING"))
        .await;
    accepted(&service, "SetDesiredCapacity&AutoScalingGroupName=web&DesiredCapacity=2").await;
    let step = || service.simulator().step(now());
    for effect in step() {
        let Effect::Launch(launch) = effect else { continue };
        let id = format!("i-{}", launch.token.0);
        let started = StartedInstance { instance_id: id, instance_type: "t3.micro".into(), version: "2".into() };
        service.simulator().launched(launch.token, started, now());
    }
    assert_eq!(step().len(), 2, "both lifecycle actions are published");
    let states = async || {
        let response = accepted(&service, "DescribeAutoScalingInstances").await;
        let instances = response.items("DescribeAutoScalingInstancesResult/AutoScalingInstances").iter();
        let line = |it: &Element| {
            ["LifecycleState", "HealthStatus"].map(|path| it.text_of(path).unwrap().to_owned()).join(" ")
        };
        instances.map(line).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["Pending:Wait HEALTHY", "Pending:Wait HEALTHY"]);
    let token = service.simulator().group("web").unwrap().instances[0].actions[0].token.clone();
    accepted(&service, &format!("RecordLifecycleActionHeartbeat&{hook}&InstanceId=i-2")).await;
    let complete = format!("CompleteLifecycleAction&{hook}&LifecycleActionResult=CONTINUE");
    accepted(&service, &format!("{complete}&LifecycleActionToken={token}")).await;
    let again = rejected(&service, &format!("{complete}&LifecycleActionToken={token}")).await;
    assert_eq!(again, format!("ValidationError: No active Lifecycle Action found with token {token}"));
    let late = rejected(&service, &format!("RecordLifecycleActionHeartbeat&{hook}&InstanceId=i-1")).await;
    assert_eq!(late, "ValidationError: No active Lifecycle Action found with instance ID i-1");
    accepted(&service, &format!("CompleteLifecycleAction&{hook}&LifecycleActionResult=ABANDON&InstanceId=i-2")).await;
    step();
    assert_eq!(states().await, ["InService HEALTHY"], "the abandoned instance was terminated immediately");
    let nonsense = format!("CompleteLifecycleAction&{hook}&LifecycleActionResult=MAYBE&InstanceId=i-2");
    assert!(rejected(&service, &nonsense).await.contains("CONTINUE or ABANDON"));
}

#[tokio::test]
async fn tags_are_stored_and_found_by_group_and_key() {
    let service = service();
    let tag = "Tags.member.1.ResourceId=web&Tags.member.1.ResourceType=auto-scaling-group&Tags.member.1.Key=Team";
    let value = "Tags.member.1.Value=x&Tags.member.1.PropagateAtLaunch=false";
    accepted(&service, &format!("CreateOrUpdateTags&{tag}&{value}")).await;
    let find = "DescribeTags&Filters.member.1.Name=key&Filters.member.1.Values.member.1=Team";
    let found = accepted(&service, find).await;
    let [found] = found.items("DescribeTagsResult/Tags") else { panic!("{found}") };
    assert_eq!((found.text_of("ResourceId"), found.text_of("PropagateAtLaunch")), (Some("web"), Some("false")));
    accepted(&service, &format!("DeleteTags&{tag}")).await;
    assert!(accepted(&service, find).await.items("DescribeTagsResult/Tags").is_empty());
}

#[test]
fn empty_and_long_lists_are_parsed() {
    let read = |form| Parameters::new(form::read(form)).texts("A");
    assert_eq!(read("B=1"), None);
    assert_eq!(read("A="), Some(Vec::new()));
    let long = (1..=11).map(|number| format!("A.member.{number}={number}")).collect::<Vec<_>>().join("&");
    assert_eq!(read(&long).unwrap().last().unwrap(), "11");
}
