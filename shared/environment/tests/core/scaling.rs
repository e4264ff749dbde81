//! The scaling policies: the steps that scale out, the simple policy that scales in, and the change-over from a simple
//! policy.
#![allow(clippy::expect_used, clippy::panic, reason = "a test panics on unexpected data")]

use crate::common::{assert_converged, names, resources, run, settled, spec, standard};
use environment::{
    Adjustment, AutoScalingGroupSetting, CallKind, DesiredState, Fields, Kind, Ref, RunOutcome, ScalingPolicy,
    ScalingStep, Setting,
};
use memory_cloud::MemoryAccount;
use serde_json::{Value, json};

fn adjustment(desired: &DesiredState, name: &str) -> Adjustment {
    let policies = desired.resources.iter().filter(|it| it.name == name);
    let mut adjustments = policies.filter_map(|it| match &it.fields {
        Fields::ScalingPolicy(policy) => Some(policy.adjustment.clone()),
        _ => None,
    });
    adjustments.next().expect("the policy is desired")
}

fn steps(properties: Value) -> Vec<(u32, i32)> {
    match adjustment(&resources(&spec(properties)), &names().scale_up_policy().name) {
        Adjustment::Steps(steps) => steps.into_iter().map(|ScalingStep { from, by }| (from, by)).collect(),
        Adjustment::Simple { .. } => panic!("a simple policy"),
    }
}

#[test]
fn three_steps_divide_the_range_above_the_threshold_and_each_adds_the_adjustment_once_more() {
    assert_eq!(steps(json!({})), [(0, 1), (10, 2), (20, 3)]);
    let steps_at = |threshold: &str| steps(json!({ "ScaleUpCpuThreshold": threshold, "ScaleUpAdjustment": "5" }));
    assert_eq!(steps_at("50"), [(0, 5), (16, 10), (32, 15)]);
    assert_eq!(steps_at("85"), [(0, 5), (5, 10), (10, 15)]);
    assert_eq!(steps_at("100"), [(0, 5), (1, 10), (2, 15)], "the bounds ascend also where no load reaches them");
}

#[test]
fn the_cooldown_is_that_of_the_policy_that_scales_in() {
    let desired = resources(&spec(json!({ "CooldownSeconds": "900", "ScaleDownAdjustment": "2" })));
    let scale_in = adjustment(&desired, &names().scale_down_policy().name);
    assert_eq!(scale_in, Adjustment::Simple { by: -2, cooldown_seconds: 900 });
}

/// The environment as an earlier version created it: a simple policy that scales out, and no warm-up of the group.
fn former() -> DesiredState {
    let mut desired = standard();
    let simple = Adjustment::Simple { by: 1, cooldown_seconds: 300 };
    for resource in &mut desired.resources {
        match &mut resource.fields {
            Fields::ScalingPolicy(policy) if resource.name == names().scale_up_policy().name => {
                resource.name = names().former_scale_up_policy().name;
                *policy = ScalingPolicy { adjustment: simple.clone(), ..policy.clone() };
            }
            Fields::Alarm(alarm) => {
                for action in alarm.rule.actions.iter_mut().filter(|it| **it == Ref::Owned(names().scale_up_policy())) {
                    *action = Ref::Owned(names().former_scale_up_policy());
                }
            }
            Fields::AutoScalingGroup(group) => group.warmup_seconds = None,
            _ => {}
        }
    }
    desired
}

/// The calls on policies and alarms, with the name of the resource.
fn calls_on_scaling(account: &MemoryAccount, from: usize) -> Vec<(&'static str, String)> {
    let calls = account.calls.borrow();
    let scaling = calls[from..].iter().filter(|it| matches!(it.key.kind, Kind::ScalingPolicy | Kind::Alarm));
    scaling.map(|it| (it.operation(), it.key.name.clone())).collect()
}

#[test]
fn the_alarm_gets_the_step_policy_before_the_simple_policy_is_deleted() {
    let account = settled(&former());
    let before = account.calls.borrow().len();
    let outcome = run(&account, "update", &standard(), None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    let expected = [
        ("autoscaling:PutScalingPolicy", names().scale_up_policy()),
        ("cloudwatch:PutMetricAlarm", names().cpu_high_alarm()),
        ("autoscaling:DeletePolicy", names().former_scale_up_policy()),
    ];
    assert_eq!(calls_on_scaling(&account, before), expected.map(|(operation, key)| (operation, key.name)));
    assert_converged(&account, &standard(), "the change-over");
    let warmup = Setting::AutoScalingGroup(AutoScalingGroupSetting::WarmupSeconds(60));
    let calls = account.calls.borrow();
    assert!(calls[before..].iter().any(|it| matches!(&it.kind, CallKind::Set(set) if *set == [warmup.clone()])));
}

#[test]
fn an_environment_with_both_policies_is_deleted_as_a_whole() {
    let account = settled(&former());
    let outcome = run(&account, "delete", &DesiredState::default(), None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    assert_eq!(account.inventory(), []);
}

/// One call of Auto Scaling changes ten target groups at most.
#[test]
fn target_groups_are_attached_and_detached_in_calls_of_ten() {
    let arns = |count: usize| {
        let arn =
            |it| format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web{it}/0123456789abcdef");
        (0..count).map(arn).collect::<Vec<_>>()
    };
    let with = |count: usize| resources(&spec(json!({ "MinSize": "1", "TargetGroupArns": arns(count) })));
    let account = settled(&with(1));
    for (count, operation) in
        [(20, "autoscaling:AttachLoadBalancerTargetGroups"), (1, "autoscaling:DetachLoadBalancerTargetGroups")]
    {
        account.clock.advance(account.read_lag);
        let before = account.calls.borrow().len();
        let outcome = run(&account, &format!("update to {count}"), &with(count), None);
        assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
        let calls = account.calls.borrow();
        let sizes = calls[before..].iter().filter(|it| it.operation() == operation).map(|it| match &it.kind {
            CallKind::Set(settings) | CallKind::Clear(settings) => settings.len(),
            _ => 0,
        });
        let sizes: Vec<usize> = sizes.collect();
        // Auto Scaling adds no more than ten at a time, so the second attachment is repeated until the first is over.
        assert_eq!(sizes[..2], [10, 9], "{operation}");
        assert!(sizes.iter().all(|it| *it <= 10), "{sizes:?}");
    }
}
