//! The group with what watches over it: hooks, protection, metrics, health checks, target groups, scaling policies.

use aws_sdk_autoscaling::types::DeletionProtection;
use environment::Wanted;
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
    let back = format!(
        "autoscaling:PutLifecycleHook (lifecycle-hook {}: on launch, 900 s, else abandon)",
        names.launch_hook()
    );
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
