//! The running instances of the group: their monitoring, and their subnets.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

use std::time::Duration;

use environment::{
    AutoScalingGroup, AutoScalingGroupSetting, Call, CallError, CallKind, Cloud as _, DesiredState, Fields, RunOutcome,
    Setting, drift,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::json;

use crate::common::{names, observe, plan_now, resources, run, scope, settled, spec, standard};

/// [`standard`] without detailed monitoring.
fn basic() -> DesiredState {
    resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "AlarmPeriodSeconds": "300" })))
}

/// [`standard`] with two instances in service.
fn with_instances() -> MemoryAccount {
    let account = settled(&standard());
    account.clock.advance(Duration::from_mins(3));
    account
}

fn group(account: &MemoryAccount) -> AutoScalingGroup {
    let mut groups = observe(account).into_iter().filter_map(|it| match it.resource.fields {
        Fields::AutoScalingGroup(group) => Some(group),
        _ => None,
    });
    groups.next_back().expect("a group")
}

/// Whether detailed monitoring is on, for each instance.
fn monitoring(account: &MemoryAccount) -> Vec<bool> {
    group(account).instances.values().map(|it| it.detailed_monitoring).collect()
}

fn calls(account: &MemoryAccount, desired: &DesiredState) -> Vec<String> {
    let before = account.calls.borrow().len();
    let outcome = run(account, "update", desired, None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    account.calls.borrow()[before..].iter().map(ToString::to_string).collect()
}

fn monitor(instance: &str) -> Setting {
    Setting::AutoScalingGroup(AutoScalingGroupSetting::DetailedMonitoring { instance: instance.to_owned(), on: false })
}

/// Changes the monitoring of an instance as an operator does.
fn tamper(account: &MemoryAccount, instance: &str) {
    send(account, instance).expect("the instance runs");
}

fn send(account: &MemoryAccount, instance: &str) -> Result<Option<String>, CallError> {
    let session = Session::new(account, "operator");
    let observed = account.clock.run(session.observe(&scope(account))).expect("not killed").expect("an observation");
    let id = observed.into_iter().find(|it| it.key() == names().group()).and_then(|it| it.id);
    let call = Call { key: names().group(), id, kind: CallKind::Set(vec![monitor(instance)]) };
    account.clock.run(session.call(&call)).expect("not killed")
}

#[test]
fn a_period_that_needs_no_detailed_monitoring_ends_that_of_running_instances() {
    let account = with_instances();
    assert_eq!(monitoring(&account), [true, true]);
    let plan = plan_now(&account, &basic());
    let planned: Vec<String> = plan.steps.iter().flat_map(|it| &it.calls).map(ToString::to_string).collect();
    let sent = calls(&account, &basic());
    let of_instances: Vec<&String> = sent.iter().filter(|it| it.starts_with("ec2:UnmonitorInstances")).collect();
    let ids: Vec<String> = group(&account).instances.into_keys().collect();
    let expected = format!(
        "ec2:UnmonitorInstances (detailed-monitoring {}: false; detailed-monitoring {}: false)",
        ids[0], ids[1]
    );
    assert_eq!(of_instances, [&expected], "one call for all of them");
    assert!(planned.contains(&expected), "{planned:?}");
    assert_eq!(monitoring(&account), [false, false]);
    assert_eq!(calls(&account, &basic()), [""; 0], "a settled run makes no write");
    let back = calls(&account, &standard());
    assert!(back.iter().any(|it| it.starts_with("ec2:MonitorInstances")), "{back:?}");
    assert_eq!(monitoring(&account), [true, true]);
}

#[test]
fn another_monitoring_of_an_instance_is_drift_that_the_next_update_repairs() {
    let account = with_instances();
    let instance = group(&account).instances.into_keys().next().expect("an instance");
    tamper(&account, &instance);
    let found: Vec<String> = drift(&standard(), &observe(&account)).iter().map(ToString::to_string).collect();
    let expected = format!("{}: detailed-monitoring {instance} is false, desired is true", names().group());
    assert_eq!(found, [expected]);
    assert_eq!(calls(&account, &standard()), [format!("ec2:MonitorInstances (detailed-monitoring {instance}: true)")]);
    assert_eq!(monitoring(&account), [true, true]);
}

#[test]
fn an_instance_that_has_ended_meanwhile_is_observed_again() {
    let account = with_instances();
    let gone = send(&account, "i-gone");
    assert!(
        matches!(&gone, Err(CallError::Retry { waiting_for, .. }) if waiting_for.sentence.contains("i-gone")),
        "{gone:?}"
    );
    let instance = group(&account).instances.into_keys().next().expect("an instance");
    account.operate(|simulator, now| simulator.terminate_instance(&instance, false, now)).expect("terminates");
    calls(&account, &basic());
    account.clock.advance(Duration::from_mins(5));
    calls(&account, &basic());
    assert!(!group(&account).instances.contains_key(&instance));
    assert_eq!(monitoring(&account), [false, false]);
}

/// An existing network with these subnets.
fn existing(subnets: &str) -> DesiredState {
    resources(&spec(json!({ "VpcId": "vpc-11111111", "SubnetIds": subnets, "MinSize": "2", "MaxSize": "4" })))
}

#[test]
fn an_instance_in_a_subnet_that_the_group_no_longer_has_is_drift_until_it_is_replaced() {
    let account = settled(&existing("subnet-11111111,subnet-22222222"));
    account.clock.advance(Duration::from_mins(3));
    let name = names().group().name;
    account
        .operate(|simulator, now| simulator.suspend_processes(&name, &["AZRebalance".to_owned()], now))
        .expect("suspended");
    let after = existing("subnet-11111111");
    assert_eq!(calls(&account, &after).len(), 1, "the group alone is changed");
    account.clock.advance(Duration::from_mins(5));
    let found: Vec<String> = drift(&after, &observe(&account)).iter().map(ToString::to_string).collect();
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(line.contains("is subnet-22222222, desired is a subnet of the group; the operator request roll"), "{line}");
    // Auto Scaling moves the instance.
    account.operate(|simulator, _| simulator.resume_processes(&name, &[])).expect("resumed");
    account.clock.advance(Duration::from_mins(10));
    assert_eq!(drift(&after, &observe(&account)), []);
}

#[test]
fn a_removed_zone_waits_for_auto_scaling_to_move_its_instances_and_names_them() {
    let of = |zones: u32| resources(&spec(json!({ "ZoneCount": zones, "MinSize": "3", "MaxSize": "3" })));
    let account = settled(&of(3));
    account.clock.advance(Duration::from_mins(3));
    let name = names().group().name;
    account
        .operate(|simulator, now| simulator.suspend_processes(&name, &["AZRebalance".to_owned()], now))
        .expect("suspended");
    let outcome = run(&account, "update", &of(2), None);
    let Some(RunOutcome::Unfinished(waiting)) = outcome else { panic!("{outcome:?}") };
    let ids: Vec<String> = group(&account).instances.into_keys().collect();
    let is_named = |it: &str| ids.iter().any(|id| it.contains(id.as_str()));
    assert!(waiting.waiting_for.iter().any(|it| is_named(&it.to_string())), "{:?}", waiting.waiting_for);
    account.operate(|simulator, _| simulator.resume_processes(&name, &[])).expect("resumed");
    let outcome = run(&account, "update", &of(2), None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    assert_eq!(group(&account).instances.len(), 3);
}
