//! The group with its hooks, protection, metrics, health checks, target groups and scaling policies.

use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup, DeletionProtection, Instance, LifecycleState, StepAdjustment};
use environment::{Call, CallKind, Cloud, DesiredState, Fields, State};
use serde_json::json;

use crate::harness::Harness;
use crate::lifecycle::assert_observed;
use crate::parts::repair;

const TARGETS: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef";

/// A group without instances: no function in these tests completes the hooks.
async fn with_all_settings(harness: &Harness) -> DesiredState {
    let properties = json!({
        "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0",
        "DeletionProtection": "true", "TargetGroupArns": [TARGETS], "BucketOnDelete": "Empty",
    });
    harness.desired_with_hooks(&properties, true).await
}

#[tokio::test]
async fn a_group_is_created_with_all_settings_and_deleted_despite_its_protection() {
    let harness = Harness::start().await;
    let desired = with_all_settings(&harness).await;
    let calls = repair(&harness, &desired).await;
    let of_group = |it: &&String| it.starts_with("autoscaling:");
    let policies = ["autoscaling:PutScalingPolicy"; 2];
    let metrics = ["autoscaling:CreateAutoScalingGroup", "autoscaling:EnableMetricsCollection (group-metrics: true)"];
    let of_group: Vec<&str> = calls.iter().filter(of_group).map(String::as_str).collect();
    assert_eq!(of_group, [metrics.as_slice(), &policies].concat());
    assert_observed(&harness, &desired).await;

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}

#[tokio::test]
async fn drift_of_hooks_metrics_health_checks_and_target_groups_is_repaired() {
    let harness = Harness::start().await;
    let desired = with_all_settings(&harness).await;
    harness.settle(&desired).await;
    let (scaling, names) = (&harness.autoscaling, harness.names());
    let group = names.group().name;

    let hook = scaling.delete_lifecycle_hook().auto_scaling_group_name(&group);
    hook.lifecycle_hook_name(names.launch_hook()).send().await.expect("deleted");
    let restore = format!("autoscaling:PutLifecycleHook (lifecycle-hook {})", names.launch_hook());
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    let hook = scaling.put_lifecycle_hook().auto_scaling_group_name(&group).lifecycle_hook_name(names.launch_hook());
    let hook = hook.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING").heartbeat_timeout(60);
    hook.default_result("CONTINUE").send().await.expect("another time-out");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    let hook = scaling.put_lifecycle_hook().auto_scaling_group_name(&group).lifecycle_hook_name("foreign");
    let hook = hook.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING").heartbeat_timeout(60);
    hook.default_result("CONTINUE").send().await.expect("a foreign hook");
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);

    let request = scaling.disable_metrics_collection().auto_scaling_group_name(&group).metrics("GroupTotalInstances");
    request.send().await.expect("one metric fewer");
    assert_eq!(repair(&harness, &desired).await, ["autoscaling:EnableMetricsCollection (group-metrics: true)"]);

    let request = scaling.update_auto_scaling_group().auto_scaling_group_name(&group).health_check_type("EC2");
    request.deletion_protection(DeletionProtection::None).send().await.expect("unprotected");
    let restore = "autoscaling:UpdateAutoScalingGroup (health-check: EC2 and target groups, after 300 s; deletion-protection: true)";
    assert_eq!(repair(&harness, &desired).await, [restore]);

    let request = scaling.detach_load_balancer_target_groups().auto_scaling_group_name(&group);
    request.target_group_arns(TARGETS).send().await.expect("detached");
    let restore = format!("autoscaling:AttachLoadBalancerTargetGroups (target-group: {TARGETS})");
    assert_eq!(repair(&harness, &desired).await, [restore]);
    let another = TARGETS.replace("web", "two");
    let request = scaling.attach_load_balancer_target_groups().auto_scaling_group_name(&group);
    request.target_group_arns(&another).send().await.expect("attached");
    let removal = format!("autoscaling:DetachLoadBalancerTargetGroups (target-group: {another})");
    assert_eq!(repair(&harness, &desired).await, [removal]);
}

#[tokio::test]
async fn drift_of_a_scaling_policy_is_repaired() {
    let harness = Harness::start().await;
    let desired = with_all_settings(&harness).await;
    harness.settle(&desired).await;
    let (scaling, names) = (&harness.autoscaling, harness.names());
    let (group, up, down) = (names.group().name, names.scale_up_policy().name, names.scale_down_policy().name);

    let request = scaling.put_scaling_policy().auto_scaling_group_name(&group).policy_name(&up);
    let request = request.policy_type("StepScaling").adjustment_type("ChangeInCapacity");
    let step = StepAdjustment::builder().metric_interval_lower_bound(0.0).scaling_adjustment(9).build();
    request.step_adjustments(step).send().await.expect("one step");
    let calls = repair(&harness, &desired).await;
    assert!(calls.len() == 1 && calls[0].starts_with("autoscaling:PutScalingPolicy (adjustment"), "{calls:?}");

    let request = scaling.put_scaling_policy().auto_scaling_group_name(&group).policy_name(&down);
    let request = request.policy_type("SimpleScaling").adjustment_type("ChangeInCapacity").scaling_adjustment(-9);
    request.cooldown(1).send().await.expect("another policy");
    let calls = repair(&harness, &desired).await;
    assert!(calls.len() == 1 && calls[0].starts_with("autoscaling:PutScalingPolicy (adjustment: -"), "{calls:?}");

    let request = scaling.delete_policy().auto_scaling_group_name(&group).policy_name(&up);
    request.send().await.expect("deleted");
    let calls = repair(&harness, &desired).await;
    assert!(calls.contains(&"autoscaling:PutScalingPolicy".to_owned()), "{calls:?}");

    let request = scaling.put_scaling_policy().auto_scaling_group_name(&group).policy_name("foreign");
    let request = request.policy_type("SimpleScaling").adjustment_type("ChangeInCapacity").scaling_adjustment(1);
    request.send().await.expect("a foreign policy");
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
}

#[tokio::test]
async fn the_monitoring_of_running_instances_follows_the_period_of_the_alarms() {
    let harness = Harness::start().await;
    let of_period = async |seconds: &str| {
        let properties = json!({
            "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty", "MinSize": "2", "MaxSize": "3",
            "DesiredCapacity": "2", "AlarmPeriodSeconds": seconds,
        });
        harness.desired(properties).await
    };
    let monitoring = async || {
        let observed = harness.observe().await.into_iter().find_map(|it| match it.resource.fields {
            Fields::AutoScalingGroup(group) => Some(group.instances),
            _ => None,
        });
        observed.expect("a group").into_values().map(|it| it.detailed_monitoring).collect::<Vec<_>>()
    };
    harness.settle(&of_period("60").await).await;
    wait_for(&harness, 2, true).await;
    assert_eq!(monitoring().await, [true, true]);
    let is_monitoring =
        |it: &&String| it.starts_with("ec2:UnmonitorInstances") || it.starts_with("ec2:MonitorInstances");
    let calls = harness.settle(&of_period("300").await).await.1;
    assert_eq!(calls.iter().filter(is_monitoring).count(), 1, "{calls:?}");
    assert_eq!(monitoring().await, [false, false]);
    assert_eq!(harness.settle(&of_period("300").await).await.1, [""; 0]);
    let calls = harness.settle(&of_period("60").await).await.1;
    assert_eq!(calls.iter().filter(is_monitoring).count(), 1, "{calls:?}");
    assert_eq!(monitoring().await, [true, true]);
}

/// A group of `count` instances, which are protected from scale-in from the start, by their own work.
async fn protected(harness: &Harness, count: u32) -> DesiredState {
    let count = count.to_string();
    let properties = json!({
        "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0", "MaxSize": count,
        "BucketOnDelete": "Empty",
    });
    let desired = harness.desired(properties).await;
    harness.settle(&desired).await;
    let request = harness.autoscaling.update_auto_scaling_group().auto_scaling_group_name(harness.names().group().name);
    let request = request.new_instances_protected_from_scale_in(true);
    request.desired_capacity(count.parse().expect("a number")).send().await.expect("more instances");
    desired
}

/// Waits until the group has `count` instances, all of them in service or none of them.
async fn wait_for(harness: &Harness, count: usize, in_service: bool) {
    for _ in 0..600 {
        let instances = instances(harness).await;
        let is_in_service = |it: &Instance| it.lifecycle_state() == Some(&LifecycleState::InService);
        if instances.len() == count && instances.iter().all(|it| is_in_service(it) == in_service) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not {count} instances: {:?}", instances(harness).await);
}

async fn instances(harness: &Harness) -> Vec<Instance> {
    group(harness).await.instances.unwrap_or_default()
}

async fn protects_new_instances(harness: &Harness) -> bool {
    group(harness).await.new_instances_protected_from_scale_in == Some(true)
}

async fn group(harness: &Harness) -> AutoScalingGroup {
    let request = harness.autoscaling.describe_auto_scaling_groups();
    let groups = request.auto_scaling_group_names(harness.names().group().name).send().await.expect("groups");
    groups.auto_scaling_groups.unwrap_or_default().pop().expect("the group")
}

fn unprotect_calls(harness: &Harness) -> usize {
    harness.local.calls().iter().filter(|it| *it == "autoscaling:SetInstanceProtection").count()
}

#[tokio::test]
async fn a_group_is_deleted_though_its_instances_are_protected_from_scale_in() {
    let harness = Harness::start().await;
    let desired = protected(&harness, 51).await;
    wait_for(&harness, 51, true).await;
    assert!(instances(&harness).await.iter().all(|it| it.protected_from_scale_in() == Some(true)));
    // Only the owner of the instances decides on their protection until the delete.
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
    assert_eq!(unprotect_calls(&harness), 0);

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    assert_eq!(unprotect_calls(&harness), 2, "fifty at once");
}

#[tokio::test]
async fn an_instance_protected_during_an_interrupted_delete_is_terminated_by_the_next_delete() {
    let harness = Harness::start().await;
    protected(&harness, 1).await;
    wait_for(&harness, 1, false).await;
    let drain = Call { key: harness.names().group(), id: None, kind: CallKind::Drain };
    assert_eq!(harness.cloud().call(&drain).await, Ok(None));
    assert!(!protects_new_instances(&harness).await, "an instance that started meanwhile would stay protected");
    // AWS does not lift the protection of a starting instance.
    let found =
        async || harness.observe().await.into_iter().find(|it| it.key() == harness.names().group()).expect("the group");
    let state = found().await.state;
    assert!(matches!(&state, State::Deleting(it) if it.sentence == "1 instance is terminating"), "{state:?}");
    wait_for(&harness, 1, true).await;
    assert_eq!(found().await.state, State::Ready);

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    assert_eq!(unprotect_calls(&harness), 1);
}

/// Without protection, a delete needs no further permissions of the caller's role.
#[tokio::test]
async fn no_protection_is_lifted_in_a_group_without_protection() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty" });
    let desired = harness.desired(properties).await;
    harness.settle(&desired).await;
    wait_for(&harness, instances(&harness).await.len(), true).await;
    harness.settle(&DesiredState::default()).await;
    assert_eq!((harness.observe().await, unprotect_calls(&harness)), (vec![], 0));
}
