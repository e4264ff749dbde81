//! What is denied, what hangs, what comes too late, and what is of another deployment.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::cell::RefCell;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState};
use lifecycle_hook::MESSAGE_TIMEOUT;
use serde_json::{Value, json};
use test_support::hooks::{Fault, Harness, START, record};
use test_support::{sample, with};
use tokio::time::Instant;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Lets time pass with every event lost, and keeps them.
fn advance_without_events(harness: &Harness, span: Duration) -> Vec<String> {
    let lost = RefCell::new(Vec::new());
    harness.run(harness.now.get() + span, &mut |_, body| lost.borrow_mut().push(body));
    lost.into_inner()
}

fn the_action_in(told: &[String], turn: &str) -> String {
    told.iter().find(|body| body.contains(turn)).expect("it is told").clone()
}

/// A group that is gone has no tags, so IAM denies what Auto Scaling would say is not found.
#[test]
fn a_late_message_whose_wait_may_not_be_ended_is_over_when_the_instance_has_left_its_group() {
    for (turn, unhealthy) in
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
        harness.send(the_action_in(&lost, turn), harness.now.get());
        harness.receive();
        assert_eq!(harness.messages.borrow().len(), 0, "{turn}: it comes back for ever");
        assert_eq!(harness.written.borrow().len(), evidence, "{turn}: nothing is told of what is over");
    }
}

#[test]
fn a_message_whose_wait_may_not_be_ended_comes_back_while_the_instance_is_there() {
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

/// Only an end that may have been taken, its answer being lost, is one's own when nobody waits any more.
#[test]
fn an_end_that_was_refused_is_not_told_as_ones_own() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    let lost = advance_without_events(&harness, seconds(300));
    assert_eq!((harness.in_service(), harness.published.borrow().len()), (1, 1));
    // It is seen, its target groups are asked for, and its end is refused.
    let end = harness.calls.borrow().len() + 2;
    harness.faults.borrow_mut().insert(end, Fault::Rejected);
    harness.send(the_action_in(&lost, "EC2_INSTANCE_LAUNCHING"), harness.now.get());
    harness.receive();
    assert_eq!(harness.calls.borrow()[end..=end + 1], ["complete"; 2]);
    assert_eq!((harness.published.borrow().len(), harness.messages.borrow().len()), (1, 0));
}

/// Ten instances that are healthy and wait, and their messages in one batch.
fn ten_that_are_healthy() -> (Harness, Value) {
    let harness = Harness::new(10);
    harness.scale_to(10);
    harness.run(START + seconds(80), &mut |harness, body| harness.send(body, harness.now.get()));
    harness.now.set(START + seconds(115));
    let records: Vec<Value> = harness.messages.borrow().iter().map(record).collect();
    assert_eq!(records.len(), 10);
    (harness, json!({ "Records": records }))
}

/// Has a batch handled while this call is never answered, counted from the batch's first; who comes back, and after how long.
async fn handle_while_it_hangs(call: usize) -> (Vec<String>, Harness) {
    let (harness, batch) = ten_that_are_healthy();
    let first = harness.calls.borrow().len();
    harness.faults.borrow_mut().insert(first + call, Fault::Hangs);
    harness.message_timeout.set(Some(MESSAGE_TIMEOUT));
    let began = Instant::now();
    let response = harness.function().handle(batch).await.expect("an answer");
    assert_eq!(began.elapsed().as_secs(), MESSAGE_TIMEOUT.as_secs());
    let failed = response["batchItemFailures"].as_array().expect("a list").clone();
    let soon = harness.now.get() + seconds(15);
    assert_eq!(
        harness.messages.borrow().iter().filter(|it| it.visible == soon).count(),
        failed.len(),
        "it comes back soon"
    );
    (failed.iter().map(|it| it["itemIdentifier"].to_string()).collect(), harness)
}

#[tokio::test(start_paused = true)]
async fn one_message_that_hangs_comes_back_and_the_others_are_done() {
    // After the look at all, the first message's own call.
    let (failed, harness) = handle_while_it_hangs(1).await;
    assert_eq!(failed, [r#""0""#]);
    assert_eq!(harness.completed.borrow().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn where_the_look_at_all_hangs_all_come_back() {
    let (failed, harness) = handle_while_it_hangs(0).await;
    assert_eq!(failed.len(), 10);
    assert_eq!(harness.completed.borrow().len(), 0);
}

#[test]
fn a_message_that_hangs_is_given_up_well_before_the_function_is() {
    let template = include_str!("../../../infra/template.yaml");
    let (_, hook) = template.split_once("\n  LifecycleHook:\n").expect("the function");
    let (_, timeout) = hook.split_once("\n      Timeout: ").expect("its time");
    let timeout = timeout.lines().next().and_then(|it| it.parse().ok()).expect("seconds");
    assert!(MESSAGE_TIMEOUT + seconds(30) <= seconds(timeout), "{timeout}");
}

#[test]
fn the_groups_of_another_deployment_are_left_alone() {
    let harness = Harness::new(1);
    harness.add_group("theirs-asg-uswest2-dev");
    let told = advance_without_events(&harness, seconds(150));
    let detail = json!({ "AutoScalingGroupName": "theirs-asg-uswest2-dev" });
    let launch: Value = serde_json::from_str(&the_action_in(&told, "EC2_INSTANCE_LAUNCHING")).expect("JSON");
    assert_eq!(with(launch.clone(), json!({ "detail": detail })), launch, "it is theirs");
    let instance = launch["detail"]["EC2InstanceId"].clone();
    let spot =
        with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": instance } }));
    harness.calls.borrow_mut().clear();
    assert_eq!(harness.invoke(launch), Some(json!({ "Ignored": "the hook launch is not ours" })));
    assert_eq!(*harness.calls.borrow(), [""; 0]);
    harness.invoke(spot).expect("an answer");
    assert!(!harness.calls.borrow().iter().any(|it| ["deregister", "send_drain_command"].contains(it)), "{:?}", harness.calls.borrow());
    harness.calls.borrow_mut().clear();
    let swept = harness.invoke(sample("lifecycle-hook", "sweep.json")).expect("an answer");
    assert_eq!((swept, &harness.calls.borrow()[..]), (json!({ "Swept": [], "Skipped": [] }), &["waiting_instances"][..]));
}

/// A bus may be given the events of other accounts, which have groups of the same names.
#[test]
fn what_is_of_another_account_is_left_alone() {
    let harness = Harness::new(1);
    let ignored = json!({ "Ignored": "nothing to do for an event of the account 999999999999" });
    for name in ["launch.json", "terminate.json", "spot-interruption.json", "topic.json"] {
        let theirs = sample("lifecycle-hook", name).to_string().replace("123456789012", "999999999999");
        let theirs: Value = serde_json::from_str(&theirs).expect("JSON");
        assert_eq!(harness.invoke(theirs), Some(ignored.clone()), "{name}");
    }
    let theirs = with(sample("lifecycle-hook", "launch.json"), json!({ "account": "999999999999" }));
    harness.send(theirs.to_string(), harness.now.get());
    harness.receive();
    assert_eq!((harness.messages.borrow().len(), &harness.calls.borrow()[..]), (0, &[][..]));
}

/// A warning that is late leaves less than two minutes; one that says 1970 says nothing.
#[test]
fn a_spot_instance_has_two_minutes_from_when_ec2_warned() {
    for (warned, drains) in [("100 s ago", false), ("121 s ago", true), ("in a minute", true), ("1970", true)] {
        let harness = Harness::new(1);
        harness.scale_to(1);
        harness.advance(seconds(300));
        let (id, _) = harness.states().pop_first().expect("one");
        let sent = harness.now.get();
        let at_ms = match warned {
            "100 s ago" => sent.0 - 100_000,
            "121 s ago" => sent.0 - 121_000,
            "in a minute" => sent.0 + 60_000,
            _ => 0,
        };
        let more = json!({ "time": ledger::time::text(at_ms), "detail": { "instance-id": id } });
        harness.send(with(sample("lifecycle-hook", "spot-interruption.json"), more).to_string(), sent);
        harness.now.set(sent + seconds(30));
        harness.receive();
        assert_eq!(harness.drain_timeouts.borrow().len(), usize::from(drains), "{warned}");
    }
}
