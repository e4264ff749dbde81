//! Simple scaling policies with their cooldowns, and step policies with their warm-ups.

use std::time::Duration;

use auto_scaling::{Adjustment, Policy, Step, StepPolicy, Transition};

use crate::{
    hooked::{CONTINUE, HEARTBEAT, hook},
    host::{Host, LAUNCH, error_text},
};

fn policy(name: &str, adjustment: Adjustment) -> Policy {
    Policy { name: name.into(), adjustment, cooldown: None }
}

/// The desired capacity after an adjustment, between 1 and 20.
fn after(desired_capacity: u32, adjustment: Adjustment) -> u32 {
    let mut host = Host::with(1, desired_capacity, 20);
    host.sim.put_scaling_policy("web", policy("p", adjustment)).unwrap();
    host.sim.execute_policy("web", "p", false, None, host.now).unwrap();
    host.web().desired_capacity
}

#[test]
fn adjustments_follow_awss_rules_and_keep_to_the_bounds() {
    let percent = |percent, min_magnitude| Adjustment::PercentChangeInCapacity { percent, min_magnitude };
    assert_eq!(after(2, Adjustment::ChangeInCapacity(3)), 5);
    assert_eq!(after(2, Adjustment::ChangeInCapacity(-1)), 1);
    assert_eq!(after(2, Adjustment::ChangeInCapacity(-9)), 1);
    assert_eq!(after(2, Adjustment::ChangeInCapacity(i32::MAX)), 20);
    assert_eq!(after(2, Adjustment::ExactCapacity(7)), 7);
    assert_eq!(after(4, percent(60, None)), 6);
    assert_eq!(after(4, percent(25, Some(2))), 6);
    assert_eq!(after(4, percent(-10, None)), 3);
    assert_eq!(after(4, percent(0, Some(2))), 4);
}

#[test]
fn a_policy_has_an_arn_that_calls_accept_as_its_name() {
    let mut host = Host::with(1, 1, 3);
    let arn = host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(1))).unwrap();
    assert!(arn.starts_with("arn:aws:autoscaling:us-west-2:123456789012:scalingPolicy:"), "{arn}");
    assert!(arn.ends_with(":autoScalingGroupName/web:policyName/out"), "{arn}");
    let again = host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(2))).unwrap();
    assert_eq!(arn, again);
    host.sim.execute_policy("web", &arn, false, None, host.now).unwrap();
    assert_eq!(host.web().desired_capacity, 3);
    host.sim.delete_policy("web", &arn).unwrap();
    assert!(
        error_text(host.sim.execute_policy("web", "out", false, None, host.now))
            .contains("Policy name not found - out")
    );
    assert!(error_text(host.sim.delete_policy("web", "out")).starts_with("ValidationError"));
}

#[test]
fn a_cooldown_begins_when_the_group_is_stable_and_applies_only_if_honoured() {
    let mut host = Host::with(1, 1, 9);
    let cooldown = Some(Duration::from_mins(1));
    let out = Policy { cooldown, ..policy("out", Adjustment::ChangeInCapacity(1)) };
    host.sim.put_scaling_policy("web", out).unwrap();
    let execute = |host: &mut Host, honor| host.sim.execute_policy("web", "out", honor, None, host.now);
    execute(&mut host, true).unwrap();
    host.advance(Duration::ZERO);
    assert!(error_text(execute(&mut host, true)).starts_with("ScalingActivityInProgress"), "an instance launches");
    let error = error_text(host.sim.set_desired_capacity("web", 5, true, host.now));
    assert!(error.starts_with("ScalingActivityInProgress"), "{error}");
    host.advance(LAUNCH);
    host.advance(Duration::from_secs(59));
    assert!(execute(&mut host, true).is_err(), "the cooldown lasts a minute from then on");
    host.advance(Duration::from_secs(1));
    execute(&mut host, true).unwrap();
    execute(&mut host, false).unwrap();
    assert_eq!(host.web().desired_capacity, 4);
}

#[test]
fn an_honoured_cooldown_lasts_as_long_as_an_instance_launches_or_terminates() {
    let mut host = Host::with(1, 1, 9);
    let out = Policy { cooldown: Some(Duration::ZERO), ..policy("out", Adjustment::ChangeInCapacity(1)) };
    host.sim.put_scaling_policy("web", out).unwrap();
    host.sim.execute_policy("web", "out", true, None, host.now).unwrap();
    let mut launching = host.sim.clone();
    assert_eq!(launching.step(host.now).len(), 1);
    assert!(launching.execute_policy("web", "out", true, None, host.now).is_err(), "a launch is pending");
    host.advance(Duration::ZERO);
    assert!(host.sim.execute_policy("web", "out", true, None, host.now).is_err(), "an instance is pending");
    host.settle();
    host.sim.execute_policy("web", "out", true, None, host.now).unwrap();
}

#[test]
fn a_policy_without_a_cooldown_has_that_of_the_group() {
    let mut host = Host::with(1, 1, 9);
    host.update(|it| it.default_cooldown = Duration::from_secs(5)).unwrap();
    host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(1))).unwrap();
    host.sim.execute_policy("web", "out", true, None, host.now).unwrap();
    host.settle();
    host.advance(Duration::from_secs(4));
    assert!(host.sim.execute_policy("web", "out", true, None, host.now).is_err());
    host.advance(Duration::from_secs(1));
    host.sim.execute_policy("web", "out", true, None, host.now).unwrap();
}

#[test]
fn the_cause_of_an_alarms_activity_names_the_alarm_and_the_cooldown_is_honoured() {
    let mut host = Host::with(1, 1, 2);
    let arn = host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(1))).unwrap();
    let trigger = |host: &mut Host| host.sim.execute_policy_for_alarm(&arn, ("cpu-high", "ALARM", 1.0), host.now);
    trigger(&mut host).unwrap();
    host.advance(Duration::ZERO);
    let cause = host.sim.activities("web", false).unwrap()[0].cause.clone();
    let expected = "At 2026-11-23T08:00:40Z a monitor alarm cpu-high in state ALARM triggered policy out changing the \
                desired capacity from 1 to 2.  At 2026-11-23T08:00:40Z an instance was started in response to a \
                difference between desired and actual capacity, increasing the capacity from 1 to 2.";
    assert_eq!(cause, expected);
    host.settle();
    assert!(error_text(trigger(&mut host)).starts_with("ScalingActivityInProgress"));
    host.advance(Duration::from_mins(5));
    trigger(&mut host).unwrap();
    assert_eq!(host.web().desired_capacity, 2);
    trigger(&mut host).unwrap();
    let unknown = host.sim.execute_policy_for_alarm("arn:aws:sns:x:1:t", ("a", "ALARM", 1.0), host.now);
    assert!(error_text(unknown).contains("Policy name not found"));
}

const MINUTE: Duration = Duration::from_mins(1);

/// A group of up to 20 instances that warm up for a minute, with the policy `out` of three steps.
fn stepping(desired_capacity: u32) -> Host {
    let mut host = Host::with(1, desired_capacity, 20);
    host.update(|it| it.default_instance_warmup = Some(MINUTE)).unwrap();
    host.advance(MINUTE);
    let step = |lower: f64, upper: Option<f64>, by| Step {
        lower: Some(lower),
        upper,
        adjustment: Adjustment::ChangeInCapacity(by),
    };
    let steps = vec![step(0.0, Some(10.0), 1), step(10.0, Some(20.0), 2), step(20.0, None, 4)];
    host.sim.put_scaling_policy("web", step_policy("out", steps)).unwrap();
    host
}

fn step_policy(name: &str, steps: Vec<Step>) -> StepPolicy {
    StepPolicy { name: name.into(), steps, metric_aggregation: "Average".into(), estimated_warmup: None }
}

/// The desired capacity after a breach by a difference.
fn breach(host: &mut Host, policy: &str, difference: f64) -> u32 {
    host.sim.execute_policy("web", policy, true, Some(difference), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.web().desired_capacity
}

/// The user guide on step scaling: repeated breaches of one step result in one scaling activity, and a higher step adds
/// what is missing.
#[test]
fn a_step_adds_no_further_instance_while_its_instances_launch_or_warm_up() {
    let mut host = stepping(2);
    assert_eq!((breach(&mut host, "out", 9.9), breach(&mut host, "out", 0.0)), (3, 3));
    assert_eq!(breach(&mut host, "out", 10.0), 4, "the next step adds what is missing");
    host.advance(LAUNCH);
    assert_eq!((host.in_service().len(), breach(&mut host, "out", 19.9)), (4, 4), "both warm up");
    host.advance(MINUTE);
    assert_eq!(breach(&mut host, "out", 0.0), 5);
    assert_eq!(breach(&mut host, "out", 99.0), 8);
}

#[test]
fn a_step_adds_no_instance_while_a_hook_holds_the_last_one_and_neither_drain_nor_cooldown_stops_it() {
    let mut host = stepping(2);
    host.sim.put_hook("web", hook("gate", Transition::Launching, CONTINUE), host.now).unwrap();
    host.sim.put_hook("web", hook("drain", Transition::Terminating, CONTINUE), host.now).unwrap();
    host.sim.put_scaling_policy("web", policy("in", Adjustment::ChangeInCapacity(-1))).unwrap();
    host.sim.execute_policy("web", "in", true, None, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a", "i-2 InService b"]);
    let simple = host.sim.execute_policy("web", "in", true, None, host.now);
    assert!(error_text(simple).starts_with("ScalingActivityInProgress"), "a hook pauses simple policies");
    assert_eq!(breach(&mut host, "out", 1.0), 2, "a drain does not stop the step");
    host.advance(LAUNCH);
    assert_eq!(host.instances()[2], "i-3 Pending:Wait a");
    host.heartbeat("i-3", "gate").unwrap();
    host.advance(HEARTBEAT / 2);
    assert_eq!(breach(&mut host, "out", 1.0), 2, "the hook holds the instance of the same step");
    host.complete("i-3", "gate", CONTINUE).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(breach(&mut host, "out", 1.0), 2, "it warms up");
    host.advance(MINUTE);
    assert_eq!(breach(&mut host, "out", 1.0), 3);
}

#[test]
fn a_step_removes_no_further_instance_while_its_instances_terminate() {
    let mut host = stepping(5);
    let steps = [(Some(-10.0), Some(0.0), -1), (None, Some(-10.0), -2)].map(|(lower, upper, by)| Step {
        lower,
        upper,
        adjustment: Adjustment::ChangeInCapacity(by),
    });
    host.sim.put_scaling_policy("web", step_policy("in", steps.to_vec())).unwrap();
    assert_eq!((breach(&mut host, "in", -1.0), breach(&mut host, "in", -9.9)), (4, 4));
    assert_eq!(breach(&mut host, "in", -10.0), 3, "a difference on the lower bound belongs to the lower step");
    host.settle();
    assert_eq!(breach(&mut host, "in", -1.0), 2);
}

#[test]
fn step_policies_that_aws_rejects_are_rejected() {
    let mut host = Host::with(1, 1, 3);
    let mut put = |steps: &[(Option<f64>, Option<f64>, Adjustment)]| {
        let steps = steps.iter().map(|(lower, upper, adjustment)| Step {
            lower: *lower,
            upper: *upper,
            adjustment: *adjustment,
        });
        error_text(host.sim.put_scaling_policy("web", step_policy("p", steps.collect())))
    };
    let by = Adjustment::ChangeInCapacity(1);
    assert!(put(&[]).ends_with("at least one step is required"));
    assert!(put(&[(Some(0.0), Some(10.0), by), (Some(11.0), None, by)]).ends_with("neither gaps nor overlaps"));
    assert!(put(&[(Some(0.0), None, by), (Some(10.0), None, by)]).ends_with("neither gaps nor overlaps"));
    assert!(put(&[(Some(5.0), Some(5.0), by)]).ends_with("below its upper bound"));
    assert!(put(&[(Some(0.0), Some(10.0), by)]).contains("needs a step without"));
    let mixed = put(&[(Some(0.0), Some(1.0), by), (Some(1.0), None, Adjustment::ExactCapacity(3))]);
    assert!(mixed.ends_with("all steps have one adjustment type"), "{mixed}");
    let mut host = stepping(1);
    let missing = error_text(host.sim.execute_policy("web", "out", false, None, host.now));
    assert!(missing.contains("MetricValue and BreachThreshold"), "{missing}");
    let below = error_text(host.sim.execute_policy("web", "out", false, Some(-1.0), host.now));
    assert!(below.ends_with("has no step for the difference -1"), "{below}");
}
