//! The group with what watches over it: hooks, protection, metrics, health checks, target groups, scaling policies.

use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup, DeletionProtection, Instance, LifecycleState};
use environment::{Call, Cloud, State, Wanted, What};
use serde_json::json;

use crate::lifecycle::assert_is_there;
use crate::parts::repair;
use crate::world::World;

const TARGETS: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef";

/// A group without instances: nobody here answers its hooks.
async fn watched_over(world: &World) -> Wanted {
    let properties = json!({
        "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0",
        "DeletionProtection": "true", "TargetGroupArns": [TARGETS], "BucketOnDelete": "Empty",
    });
    world.wanted_of(&properties, true).await
}

#[tokio::test]
async fn a_group_has_its_hooks_and_the_rest_from_the_start_and_goes_with_its_protection() {
    let world = World::start().await;
    let wanted = watched_over(&world).await;
    let calls = repair(&world, &wanted).await;
    let of_group = |it: &&String| it.starts_with("autoscaling:");
    let policies = ["autoscaling:PutScalingPolicy"; 2];
    let metrics = ["autoscaling:CreateAutoScalingGroup", "autoscaling:EnableMetricsCollection (group-metrics: true)"];
    let of_group: Vec<&str> = calls.iter().filter(of_group).map(String::as_str).collect();
    assert_eq!(of_group, [metrics.as_slice(), &policies].concat());
    assert_is_there(&world, &wanted).await;

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
}

#[tokio::test]
async fn drift_of_what_watches_over_the_group_is_repaired() {
    let world = World::start().await;
    let wanted = watched_over(&world).await;
    world.settle(&wanted).await;
    let (scaling, names) = (&world.autoscaling, world.names());
    let group = names.group().name;

    let hook = scaling.delete_lifecycle_hook().auto_scaling_group_name(&group);
    hook.lifecycle_hook_name(names.launch_hook()).send().await.expect("deleted");
    let back = format!("autoscaling:PutLifecycleHook (lifecycle-hook {})", names.launch_hook());
    assert_eq!(repair(&world, &wanted).await, [back.as_str()]);
    let hook = scaling.put_lifecycle_hook().auto_scaling_group_name(&group).lifecycle_hook_name(names.launch_hook());
    let hook = hook.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING").heartbeat_timeout(60);
    hook.default_result("CONTINUE").send().await.expect("another time-out");
    assert_eq!(repair(&world, &wanted).await, [back.as_str()]);
    let hook = scaling.put_lifecycle_hook().auto_scaling_group_name(&group).lifecycle_hook_name("theirs");
    let hook = hook.lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING").heartbeat_timeout(60);
    hook.default_result("CONTINUE").send().await.expect("somebody else's hook");
    assert_eq!(world.settle(&wanted).await.1, [""; 0]);

    let request = scaling.disable_metrics_collection().auto_scaling_group_name(&group).metrics("GroupTotalInstances");
    request.send().await.expect("one metric fewer");
    assert_eq!(repair(&world, &wanted).await, ["autoscaling:EnableMetricsCollection (group-metrics: true)"]);

    let request = scaling.update_auto_scaling_group().auto_scaling_group_name(&group).health_check_type("EC2");
    request.deletion_protection(DeletionProtection::None).send().await.expect("unprotected");
    let back = "autoscaling:UpdateAutoScalingGroup (health-check: EC2 and target groups, after 300 s; deletion-protection: true)";
    assert_eq!(repair(&world, &wanted).await, [back]);

    let request = scaling.detach_load_balancer_target_groups().auto_scaling_group_name(&group);
    request.target_group_arns(TARGETS).send().await.expect("detached");
    let back = format!("autoscaling:AttachLoadBalancerTargetGroups (target-group: {TARGETS})");
    assert_eq!(repair(&world, &wanted).await, [back]);
    let another = TARGETS.replace("web", "two");
    let request = scaling.attach_load_balancer_target_groups().auto_scaling_group_name(&group);
    request.target_group_arns(&another).send().await.expect("attached");
    let away = format!("autoscaling:DetachLoadBalancerTargetGroups (target-group: {another})");
    assert_eq!(repair(&world, &wanted).await, [away]);
}

#[tokio::test]
async fn drift_of_a_scaling_policy_is_repaired() {
    let world = World::start().await;
    let wanted = watched_over(&world).await;
    world.settle(&wanted).await;
    let (scaling, names) = (&world.autoscaling, world.names());
    let (group, up) = (names.group().name, names.scale_up_policy().name);

    let request = scaling.put_scaling_policy().auto_scaling_group_name(&group).policy_name(&up);
    let request = request.policy_type("SimpleScaling").adjustment_type("ChangeInCapacity").scaling_adjustment(9);
    request.cooldown(1).send().await.expect("another policy");
    let calls = repair(&world, &wanted).await;
    assert!(calls.len() == 1 && calls[0].starts_with("autoscaling:PutScalingPolicy (adjustment: +"), "{calls:?}");

    let request = scaling.delete_policy().auto_scaling_group_name(&group).policy_name(&up);
    request.send().await.expect("deleted");
    let calls = repair(&world, &wanted).await;
    assert!(calls.contains(&"autoscaling:PutScalingPolicy".to_owned()), "{calls:?}");

    let request = scaling.put_scaling_policy().auto_scaling_group_name(&group).policy_name("theirs");
    let request = request.policy_type("SimpleScaling").adjustment_type("ChangeInCapacity").scaling_adjustment(1);
    request.send().await.expect("somebody else's policy");
    assert_eq!(world.settle(&wanted).await.1, [""; 0]);
}

/// A group of so many instances, which their own work protects from scale-in from the start.
async fn protected(world: &World, count: u32) -> Wanted {
    let count = count.to_string();
    let properties = json!({
        "EnvironmentSuffix": "dev", "Egress": "PublicIp", "MinSize": "0", "DesiredCapacity": "0", "MaxSize": count,
        "BucketOnDelete": "Empty",
    });
    let wanted = world.wanted(properties).await;
    world.settle(&wanted).await;
    let request = world.autoscaling.update_auto_scaling_group().auto_scaling_group_name(world.names().group().name);
    let request = request.new_instances_protected_from_scale_in(true);
    request.desired_capacity(count.parse().expect("a number")).send().await.expect("more instances");
    wanted
}

/// Waits until so many instances are there, all of them in service or not.
async fn wait_for(world: &World, count: usize, in_service: bool) {
    for _ in 0..600 {
        let instances = instances(world).await;
        let is_in_service = |it: &Instance| it.lifecycle_state() == Some(&LifecycleState::InService);
        if instances.len() == count && instances.iter().all(|it| is_in_service(it) == in_service) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not {count} instances: {:?}", instances(world).await);
}

async fn instances(world: &World) -> Vec<Instance> {
    group(world).await.instances.unwrap_or_default()
}

async fn protects_new_ones(world: &World) -> bool {
    group(world).await.new_instances_protected_from_scale_in == Some(true)
}

async fn group(world: &World) -> AutoScalingGroup {
    let request = world.autoscaling.describe_auto_scaling_groups();
    let groups = request.auto_scaling_group_names(world.names().group().name).send().await.expect("groups");
    groups.auto_scaling_groups.unwrap_or_default().pop().expect("the group")
}

fn unprotecting(world: &World) -> usize {
    world.local.calls().iter().filter(|it| *it == "autoscaling:SetInstanceProtection").count()
}

#[tokio::test]
async fn a_group_goes_though_its_instances_are_protected_from_scale_in() {
    let world = World::start().await;
    let wanted = protected(&world, 51).await;
    wait_for(&world, 51, true).await;
    assert!(instances(&world).await.iter().all(|it| it.protected_from_scale_in() == Some(true)));
    // It is nobody's business but their owner's until they are to go.
    assert_eq!(world.settle(&wanted).await.1, [""; 0]);
    assert_eq!(unprotecting(&world), 0);

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
    assert_eq!(unprotecting(&world), 2, "fifty at once");
}

#[tokio::test]
async fn what_was_protected_when_a_delete_was_cut_off_after_its_drain_goes_with_the_next() {
    let world = World::start().await;
    protected(&world, 1).await;
    wait_for(&world, 1, false).await;
    let drain = Call { key: world.names().group(), id: None, what: What::Drain };
    assert_eq!(world.cloud().call(&drain).await, Ok(()));
    assert!(!protects_new_ones(&world).await, "what it started and nobody has counted yet would stay");
    // Its protection can't be lifted while it starts.
    let found = async || world.observe().await.into_iter().find(|it| it.key() == world.names().group()).expect("it");
    assert_eq!(found().await.state, State::Leaving("1 instance is leaving it".into()));
    wait_for(&world, 1, true).await;
    assert_eq!(found().await.state, State::Ready);

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
    assert_eq!(unprotecting(&world), 1);
}

/// Without protection, nothing more is asked of the caller's role than a delete takes.
#[tokio::test]
async fn a_group_without_protection_is_not_unprotected() {
    let world = World::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty" });
    let wanted = world.wanted(properties).await;
    world.settle(&wanted).await;
    wait_for(&world, instances(&world).await.len(), true).await;
    world.settle(&Wanted::default()).await;
    assert_eq!((world.observe().await, unprotecting(&world)), (vec![], 0));
}
