//! The template versions of launches and terminations, and the observation after a rollout.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

mod common;

use common::{Harness, NOW, activity, batch, deployment, function, launch, now};
use ledger::events::{RolloutProgress, RolloutStep};
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;

/// The event that ends the life of this instance.
fn termination(suffix: &str, number: usize, at_ms: u64) -> Value {
    let activity = activity(suffix, number, at_ms);
    let description = activity.description.replace("Launching a new", "Terminating");
    ledger::Activity { description, ..activity }.event().expect("the activity has ended")
}

fn instance(number: usize) -> String {
    format!("i-{number:017}")
}

fn versions(lines: &[Value], kind: &str) -> Vec<Value> {
    lines.iter().filter(|it| it["kind"] == kind).map(|it| it["templateVersion"].clone()).collect()
}

#[test]
fn a_launch_has_the_version_that_auto_scaling_reports_by_one_call_for_fifty_instances() {
    let mut harness = Harness::new(&["dev"]);
    harness.versions = (0..60).map(|number| (instance(number), 7)).collect();
    let function = function(harness);
    let response = now(function.handle(batch((0..61).map(|number| launch("dev", number, NOW).to_string()))));
    assert_eq!(response.expect("a response")["batchItemFailures"], json!([]));
    let versions = versions(&function.cloud.events(), "launch");
    assert_eq!((versions.len(), versions.iter().filter(|it| **it == 7).count()), (61, 60));
    assert!(versions.contains(&Value::Null), "an instance that Auto Scaling does not know has no version");
    assert_eq!(*function.cloud.lookups.borrow(), ["autoscaling:DescribeAutoScalingInstances"; 2]);
}

#[test]
fn a_termination_has_the_version_of_the_last_observation_or_of_the_launch() {
    let mut harness = Harness::new(&["dev"]);
    harness.now_ms.set(NOW - 30 * MINUTE);
    harness.versions = [(instance(9), 8)].into();
    let function = function(harness);
    // Instance 1 is observed with version 6, and instance 9 is launched.
    now(function.handle(json!({ "detail-type": "Scheduled Event", "detail": {} }))).expect("a response");
    now(function.handle(batch([launch("dev", 9, NOW - 5 * MINUTE).to_string()]))).expect("a response");
    let mut function = function;
    function.cloud.versions.clear();
    function.cloud.now_ms.set(NOW);
    function.cloud.lookups.borrow_mut().clear();
    let ended = [1, 9, 3].map(|number| termination("dev", number, NOW).to_string());
    now(function.handle(batch(ended))).expect("a response");
    assert_eq!(versions(&function.cloud.events(), "terminate"), [json!(6), json!(8), Value::Null]);
    let lookups = function.cloud.lookups.borrow();
    assert_eq!(*lookups, ["autoscaling:DescribeAutoScalingInstances", "logs:FilterLogEvents"], "one of each a batch");
}

#[test]
fn an_instance_that_is_about_to_end_is_found_in_auto_scaling() {
    let mut harness = Harness::new(&["dev"]);
    harness.versions = [(instance(1), 5)].into();
    let function = function(harness);
    now(function.handle(termination("dev", 1, NOW))).expect("a response");
    assert_eq!(versions(&function.cloud.events(), "terminate"), [5]);
    assert_eq!(*function.cloud.lookups.borrow(), ["autoscaling:DescribeAutoScalingInstances"]);
}

#[test]
fn a_failed_look_up_leaves_the_version_out_and_loses_no_entry() {
    let mut harness = Harness::new(&["dev"]);
    harness.lookups_fail = true;
    let function = function(harness);
    let bodies = [launch("dev", 1, NOW), termination("dev", 2, NOW)].map(|it| it.to_string());
    let response = now(function.handle(batch(bodies))).expect("a response");
    assert_eq!(response["batchItemFailures"], json!([]));
    let events = function.cloud.events();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&versions(&events, "launch")[..], &versions(&events, "terminate")[..]),
        (&[Value::Null][..], &[Value::Null][..])
    );
}

#[test]
fn an_event_with_another_id_than_an_instances_costs_no_call() {
    let function = function(Harness::new(&["dev"]));
    for id in ["i-*", "", "i-0123456789abcdef01", "my-instance"] {
        let mut event = launch("dev", 1, NOW);
        event["detail"]["EC2InstanceId"] = id.into();
        now(function.handle(batch([event.to_string()]))).expect("a response");
    }
    assert_eq!(*function.cloud.lookups.borrow(), [""; 0]);
}

#[test]
fn a_backfilled_launch_has_its_version() {
    let mut harness = Harness::new(&["dev"]);
    harness.versions = [(instance(1), 7)].into();
    harness.activities = vec![activity("dev", 1, NOW - 60 * MINUTE)];
    let function = function(harness);
    now(function.handle(json!({ "detail-type": "Scheduled Event", "detail": {} }))).expect("a response");
    assert_eq!(versions(&function.cloud.events(), "launch"), [7]);
}

#[test]
fn the_end_of_a_rollout_is_followed_by_an_observation_of_its_group() {
    let group = deployment().names("dev").group().name;
    let observed = |step, lookups_fail| {
        let function = function(Harness { lookups_fail, ..Harness::new(&["dev", "prod"]) });
        let progress = RolloutProgress { group: &group, version: 7, step, reason: "at version 7", at_ms: NOW };
        let response = now(function.handle(batch([progress.event().to_string()]))).expect("a response");
        assert_eq!(response["batchItemFailures"], json!([]));
        assert_eq!(function.cloud.events().len(), 1, "the entry of the rollout");
        function.cloud.observations()
    };
    for step in [RolloutStep::Complete, RolloutStep::Failed] {
        let observations = observed(step, false);
        assert_eq!(observations.len(), 1, "{step:?}");
        assert_eq!((&observations[0]["group"], &observations[0]["state"]["desired"]), (&json!(group), &json!(2)));
        assert_eq!(observed(step, true), [Value::Null; 0]);
    }
    assert_eq!(observed(RolloutStep::Begun, false), [Value::Null; 0]);
}
