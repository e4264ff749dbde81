//! Denied calls, calls without a response, late messages, and foreign deployments.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::cell::RefCell;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState};
use lifecycle_hook::MESSAGE_TIMEOUT;
use lifecycle_hook::cloud::WaitState;
use serde_json::{Value, json};
use test_support::hooks::{Fault, Harness, START, record};
use test_support::{sample, with};
use tokio::time::Instant;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Advances time with every event lost, and returns the events.
fn advance_without_events(harness: &Harness, span: Duration) -> Vec<String> {
    let lost = RefCell::new(Vec::new());
    harness.run(harness.now.get() + span, &mut |_, body| lost.borrow_mut().push(body));
    lost.into_inner()
}

fn lifecycle_action_in(bodies: &[String], transition: &str) -> String {
    bodies.iter().find(|body| body.contains(transition)).expect("an event").clone()
}

/// A deleted group has no tags, so IAM denies the call for which Auto Scaling would answer that the group is not found.
#[test]
fn a_late_message_whose_completion_is_denied_is_done_when_the_instance_has_left_its_group() {
    for (transition, unhealthy) in
        [("EC2_INSTANCE_TERMINATING", 0), ("EC2_INSTANCE_LAUNCHING", 0), ("EC2_INSTANCE_LAUNCHING", 1)]
    {
        let harness = Harness::new(1);
        harness.fleet.borrow_mut().make_next_unhealthy(unhealthy, &InstanceFailure::FailedAt("line 12".into()));
        harness.scale_to(1);
        let mut lost = advance_without_events(&harness, seconds(600));
        harness.scale_to(0);
        lost.extend(advance_without_events(&harness, seconds(600)));
        assert_eq!(harness.states().len(), 0);
        let evidence = harness.written.borrow().len();
        harness.denied.borrow_mut().extend(["complete", "heartbeat"]);
        harness.send(lifecycle_action_in(&lost, transition), harness.now.get());
        harness.receive();
        // Once more, after the read lag.
        harness.now.set(harness.now.get() + seconds(15));
        harness.receive();
        assert_eq!(harness.messages.borrow().len(), 0, "{transition}: the message is requeued for ever");
        assert_eq!(harness.written.borrow().len(), evidence, "{transition}: no evidence is written after the wait");
    }
}

#[test]
fn a_message_whose_completion_is_denied_is_requeued_while_the_instance_exists() {
    let harness = Harness::new(1);
    harness.denied.borrow_mut().insert("complete");
    harness.scale_to(1);
    harness.advance(seconds(300));
    assert_eq!(harness.states().pop_first().map(|(_, state)| state), Some(LifecycleState::PendingWait));
    assert_eq!(harness.messages.borrow().len(), 1);
    harness.denied.borrow_mut().clear();
    harness.advance(seconds(60));
    assert_eq!(harness.in_service(), 1);
}

/// Only a completion that may have been accepted, its response being lost, counts as the own one when the action is not
/// active any more.
#[test]
fn a_rejected_completion_is_not_published() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    let lost = advance_without_events(&harness, seconds(300));
    assert_eq!((harness.in_service(), harness.published.borrow().len()), (1, 1));
    // A read still shows the wait of the instance. The instance is looked up with its hook and observed, its target
    // health and the record of its environment are read, and its completion is rejected.
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.wait_states.borrow_mut().insert(id, Some(WaitState::Pending));
    let completion = harness.calls.borrow().len() + 5;
    harness.faults.borrow_mut().insert(completion, Fault::Rejected);
    harness.send(lifecycle_action_in(&lost, "EC2_INSTANCE_LAUNCHING"), harness.now.get());
    harness.receive();
    assert_eq!(harness.calls.borrow()[completion..=completion + 1], ["complete"; 2]);
    assert_eq!((harness.published.borrow().len(), harness.messages.borrow().len()), (1, 0));
}

/// Ten instances that are healthy and wait, and their messages in one batch.
fn ten_healthy_instances() -> (Harness, Value) {
    let harness = Harness::new(10);
    harness.scale_to(10);
    harness.run(START + seconds(80), &mut |harness, body| harness.send(body, harness.now.get()));
    harness.now.set(START + seconds(115));
    let records: Vec<Value> = harness.messages.borrow().iter().map(record).collect();
    assert_eq!(records.len(), 10);
    (harness, json!({ "Records": records }))
}

/// Handles a batch while this call gets no response, counted from the batch's first; returns the requeued messages, and
/// checks their delay.
async fn handle_with_hanging_call(call: usize) -> (Vec<String>, Harness) {
    let (harness, batch) = ten_healthy_instances();
    let first = harness.calls.borrow().len();
    harness.faults.borrow_mut().insert(first + call, Fault::Hangs);
    harness.message_timeout.set(Some(MESSAGE_TIMEOUT));
    let began = Instant::now();
    let response = harness.function().handle(batch).await.expect("a response");
    assert_eq!(began.elapsed().as_secs(), MESSAGE_TIMEOUT.as_secs());
    let failed = response["batchItemFailures"].as_array().expect("a list").clone();
    let soon = harness.now.get() + seconds(15);
    assert_eq!(
        harness.messages.borrow().iter().filter(|it| it.visible == soon).count(),
        failed.len(),
        "requeued with a short delay"
    );
    (failed.iter().map(|it| it["itemIdentifier"].to_string()).collect(), harness)
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_response_is_requeued_and_the_others_are_done() {
    // After the lookup of all instances, the first message's own call.
    let (failed, harness) = handle_with_hanging_call(3).await;
    assert_eq!(failed, [r#""0""#]);
    assert_eq!(harness.completed.borrow().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn all_messages_are_requeued_if_their_lookup_gets_no_response() {
    for call in 0..3 {
        let (failed, harness) = handle_with_hanging_call(call).await;
        assert_eq!(failed.len(), 10);
        assert_eq!(harness.completed.borrow().len(), 0);
    }
}

#[test]
fn a_message_times_out_well_before_the_function() {
    let template = include_str!("../../../../infra/template.yaml");
    let (_, hook) = template.split_once("\n  LifecycleHook:\n").expect("the function");
    let (_, timeout) = hook.split_once("\n      Timeout: ").expect("the timeout");
    let timeout = timeout.lines().next().and_then(|it| it.parse().ok()).expect("seconds");
    assert!(MESSAGE_TIMEOUT + seconds(30) <= seconds(timeout), "{timeout}");
}

#[test]
fn the_groups_of_another_deployment_are_left_alone() {
    let harness = Harness::new(1);
    harness.add_group("foreign-asg-uswest2-dev");
    let bodies = advance_without_events(&harness, seconds(150));
    let detail = json!({ "AutoScalingGroupName": "foreign-asg-uswest2-dev" });
    let launch: Value = serde_json::from_str(&lifecycle_action_in(&bodies, "EC2_INSTANCE_LAUNCHING")).expect("JSON");
    assert_eq!(with(launch.clone(), json!({ "detail": detail })), launch, "the event names the foreign group");
    let instance = launch["detail"]["EC2InstanceId"].clone();
    let spot =
        with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": instance } }));
    harness.calls.borrow_mut().clear();
    assert_eq!(harness.invoke(launch), Some(json!({ "Ignored": "the group is not of this deployment" })));
    assert_eq!(*harness.calls.borrow(), [""; 0]);
    harness.invoke(spot).expect("a response");
    assert!(
        !harness.calls.borrow().iter().any(|it| ["deregister", "send_drain_command"].contains(it)),
        "{:?}",
        harness.calls.borrow()
    );
    harness.calls.borrow_mut().clear();
    let swept = harness.invoke(sample("lifecycle-hook", "sweep.json")).expect("a response");
    assert_eq!(
        (swept, &harness.calls.borrow()[..]),
        (json!({ "Swept": [], "Skipped": [] }), &["waiting_instances"][..])
    );
}

/// An event bus may receive the events of other accounts, which have groups of the same names.
#[test]
fn events_of_another_account_are_left_alone() {
    let harness = Harness::new(1);
    let ignored = json!({ "Ignored": "no action for an event of the account 999999999999" });
    for name in ["launch.json", "terminate.json", "spot-interruption.json", "topic.json"] {
        let foreign = sample("lifecycle-hook", name).to_string().replace("123456789012", "999999999999");
        let foreign: Value = serde_json::from_str(&foreign).expect("JSON");
        assert_eq!(harness.invoke(foreign), Some(ignored.clone()), "{name}");
    }
    let foreign = with(sample("lifecycle-hook", "launch.json"), json!({ "account": "999999999999" }));
    harness.send(foreign.to_string(), harness.now.get());
    harness.receive();
    assert_eq!((harness.messages.borrow().len(), &harness.calls.borrow()[..]), (0, &[][..]));
}

/// A late warning leaves less than two minutes; a warning from 1970 has no usable time.
#[test]
fn a_spot_instance_has_two_minutes_from_when_ec2_warned() {
    for (warning_time, drains) in [("100 s ago", false), ("121 s ago", true), ("in a minute", true), ("1970", true)] {
        let harness = Harness::new(1);
        harness.scale_to(1);
        harness.advance(seconds(300));
        let (id, _) = harness.states().pop_first().expect("one instance");
        let sent = harness.now.get();
        let at_ms = match warning_time {
            "100 s ago" => sent.0 - 100_000,
            "121 s ago" => sent.0 - 121_000,
            "in a minute" => sent.0 + 60_000,
            _ => 0,
        };
        let more = json!({ "time": ledger::time::text(at_ms), "detail": { "instance-id": id } });
        harness.send(with(sample("lifecycle-hook", "spot-interruption.json"), more).to_string(), sent);
        harness.now.set(sent + seconds(30));
        harness.receive();
        assert_eq!(harness.drain_timeouts.borrow().len(), usize::from(drains), "{warning_time}");
    }
}
