//! Simple scaling policies and their cooldowns.

use std::time::Duration;

use auto_scaling::{Adjustment, Policy};

use crate::host::{Host, LAUNCH, error_text};

fn policy(name: &str, adjustment: Adjustment) -> Policy {
    Policy { name: name.into(), adjustment, cooldown: None }
}

/// The desired capacity after an adjustment, between 1 and 20.
fn after(desired_capacity: u32, adjustment: Adjustment) -> u32 {
    let mut host = Host::with(1, desired_capacity, 20);
    host.sim.put_scaling_policy("web", policy("p", adjustment)).unwrap();
    host.sim.execute_policy("web", "p", false, host.now).unwrap();
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
    host.sim.execute_policy("web", &arn, false, host.now).unwrap();
    assert_eq!(host.web().desired_capacity, 3);
    host.sim.delete_policy("web", &arn).unwrap();
    assert!(error_text(host.sim.execute_policy("web", "out", false, host.now)).contains("Policy name not found - out"));
    assert!(error_text(host.sim.delete_policy("web", "out")).starts_with("ValidationError"));
}

#[test]
fn a_cooldown_begins_when_the_group_is_stable_and_applies_only_if_honoured() {
    let mut host = Host::with(1, 1, 9);
    let cooldown = Some(Duration::from_mins(1));
    let out = Policy { cooldown, ..policy("out", Adjustment::ChangeInCapacity(1)) };
    host.sim.put_scaling_policy("web", out).unwrap();
    let execute = |host: &mut Host, honor| host.sim.execute_policy("web", "out", honor, host.now);
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
    host.sim.execute_policy("web", "out", true, host.now).unwrap();
    let mut launching = host.sim.clone();
    assert_eq!(launching.step(host.now).len(), 1);
    assert!(launching.execute_policy("web", "out", true, host.now).is_err(), "a launch is pending");
    host.advance(Duration::ZERO);
    assert!(host.sim.execute_policy("web", "out", true, host.now).is_err(), "an instance is pending");
    host.settle();
    host.sim.execute_policy("web", "out", true, host.now).unwrap();
}

#[test]
fn a_policy_without_a_cooldown_has_that_of_the_group() {
    let mut host = Host::with(1, 1, 9);
    host.update(|it| it.default_cooldown = Duration::from_secs(5)).unwrap();
    host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(1))).unwrap();
    host.sim.execute_policy("web", "out", true, host.now).unwrap();
    host.settle();
    host.advance(Duration::from_secs(4));
    assert!(host.sim.execute_policy("web", "out", true, host.now).is_err());
    host.advance(Duration::from_secs(1));
    host.sim.execute_policy("web", "out", true, host.now).unwrap();
}

#[test]
fn the_cause_of_an_alarms_activity_names_the_alarm_and_the_cooldown_is_honoured() {
    let mut host = Host::with(1, 1, 2);
    let arn = host.sim.put_scaling_policy("web", policy("out", Adjustment::ChangeInCapacity(1))).unwrap();
    let trigger = |host: &mut Host| host.sim.execute_policy_for_alarm(&arn, "cpu-high", "ALARM", host.now);
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
    let unknown = host.sim.execute_policy_for_alarm("arn:aws:sns:x:1:t", "a", "ALARM", host.now);
    assert!(error_text(unknown).contains("Policy name not found"));
}
