//! A message is a hint: an instance is acted upon only where Auto Scaling and EC2 confirm each claim of its message.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState};
use environment::hook_settings::{Drain, HookTask};
use lifecycle_hook::cloud::HookResult;
use serde_json::{Value, json};
use test_support::hooks::{GROUP, Harness, START, gate, record, settings};
use test_support::{sample, with};

const PROD: &str = "scalable-ec2-asg-uswest2-prod";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// An account with an instance in service in each of two environments; the ids of the instances of `dev` and `prod`.
fn serving() -> (Harness, String, String) {
    let harness = Harness::new(2);
    harness.add_group(PROD);
    harness.scale_to(1);
    harness.advance(Duration::from_mins(5));
    let id_of = |group: &str| {
        let scaling = harness.scaling.borrow();
        let group = scaling.group(group).expect("the group exists");
        assert_eq!(group.instances[0].state, LifecycleState::InService);
        group.instances[0].id.clone()
    };
    let ids = (id_of(GROUP), id_of(PROD));
    harness.calls.borrow_mut().clear();
    (harness, ids.0, ids.1)
}

/// The event that the instance of a group waits for a hook.
fn action(name: &str, group: &str, id: &str) -> Value {
    let hook = if name == "launch.json" { "launch" } else { "terminate" };
    let detail = json!({ "AutoScalingGroupName": group, "LifecycleHookName": hook, "EC2InstanceId": id });
    with(sample("lifecycle-hook", name), json!({ "detail": detail }))
}

/// Delivers a message, and each requeue of it.
fn deliver(harness: &Harness, event: &Value) {
    harness.send(event.to_string(), harness.now.get());
    harness.advance(seconds(60));
}

/// Asserts that the function has only read, and that the message is done.
fn assert_only_read(harness: &Harness, case: &str) {
    let calls: BTreeSet<&str> = harness.calls.borrow().iter().copied().collect();
    let reads = ["members", "observe_instances", "owned_hooks", "requeue", "start_times", "waiting_instances"];
    assert!(calls.is_subset(&BTreeSet::from(reads)), "{case}: {calls:?}");
    assert_eq!((harness.messages.borrow().len(), harness.dead_lettered.borrow().len()), (0, 0), "{case}");
}

#[test]
fn an_instance_in_service_is_neither_drained_nor_abandoned() {
    for name in ["launch.json", "terminate.json", "found-waiting.json"] {
        let (harness, id, _) = serving();
        deliver(&harness, &action(name, GROUP, &id));
        assert_only_read(&harness, name);
        assert_eq!(harness.in_service(), 1);
    }
}

/// The settings of the forger: a log group and target groups of another environment, and another time limit.
#[test]
fn the_metadata_and_the_token_of_a_message_are_not_used() {
    let harness = Harness::new(1);
    harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
    harness.scale_to(1);
    let mut forged = settings(gate(0));
    forged.log_group = "/aws/ec2/scalable-ec2-prod".into();
    forged.target_groups = (0..2_000).map(|number| format!("arn:{number}")).collect();
    let detail = json!({ "NotificationMetadata": forged.text(), "LifecycleActionToken": "0" });
    harness.run(harness.now.get() + Duration::from_mins(5), &mut |harness, body| {
        let event: Value = serde_json::from_str(&body).expect("JSON");
        harness.send(with(event, json!({ "detail": detail })).to_string(), harness.now.get());
    });
    let written = harness.written.borrow();
    assert_eq!((written.len(), written[0].0.as_str()), (1, "/aws/ec2/scalable-ec2-dev"));
    assert_eq!(harness.completed.borrow()["i-00000000000000001"][0], HookResult::Abandon);
}

#[test]
fn an_instance_of_another_group_is_left_alone() {
    let (harness, dev, prod) = serving();
    // Both terminate and wait, and each message names the other group.
    harness.scale_to(0);
    harness.scaling.borrow_mut().set_desired_capacity(PROD, 0, false, harness.now.get()).expect("within the bounds");
    // The next sweep is a minute away.
    harness.run(harness.now.get() + seconds(10), &mut |_, _| {});
    for (group, id) in [(GROUP, &prod), (PROD, &dev)] {
        harness.send(action("terminate.json", group, id).to_string(), harness.now.get());
    }
    harness.run(harness.now.get() + seconds(20), &mut |_, _| {});
    assert_only_read(&harness, "terminating instances of two groups");
}

/// A true message may arrive before a read shows the wait.
#[test]
fn a_wait_that_a_read_shows_late_is_handled_within_the_read_lag() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.run(harness.now.get() + seconds(21), &mut |harness, body| harness.send(body, harness.now.get()));
    let (id, state) = harness.states().pop_first().expect("one instance");
    assert_eq!(state, LifecycleState::PendingWait);
    for (hidden_s, requeued) in [(0, 1), (15, 0)] {
        harness.messages.borrow_mut().clear();
        let sent = harness.now.get();
        harness.send(action("launch.json", GROUP, &id).to_string(), sent);
        harness.wait_states.borrow_mut().insert(id.clone(), None);
        harness.now.set(sent + seconds(hidden_s));
        harness.receive();
        assert_eq!(harness.messages.borrow().len(), requeued, "{hidden_s} s after the message was sent");
    }
    harness.wait_states.borrow_mut().clear();
    harness.advance(Duration::from_mins(4));
    assert_eq!(harness.in_service(), 1, "the sweep finds an instance whose message came too early");
}

#[test]
fn only_a_spot_instance_of_an_owned_group_is_drained_before_an_interruption() {
    let (harness, dev, _) = serving();
    harness.on_demand.borrow_mut().insert(dev.clone());
    for id in [dev.as_str(), "i-0123456789abcdef0"] {
        deliver(
            &harness,
            &with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": id } })),
        );
        assert_only_read(&harness, id);
    }
    harness.on_demand.borrow_mut().clear();
    deliver(
        &harness,
        &with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": dev } })),
    );
    assert_eq!(harness.drain_timeouts.borrow().len(), 1);
}

/// The published notices: outcome and time of each.
fn notices(harness: &Harness) -> Vec<(String, String)> {
    let published = harness.published.borrow();
    let notices = published.iter().filter(|it| it["detail-type"] == "Instance Interruption");
    let text = |it: &Value, name: &str| it["detail"][name].as_str().expect("text").to_owned();
    notices.map(|it| (text(it, "Outcome"), text(it, "EventId"))).collect()
}

#[test]
fn a_notice_about_a_spot_instance_of_an_owned_group_is_in_the_ledger() {
    let (harness, dev, _) = serving();
    let send = |name: &str, id: &str| {
        let event = with(sample("lifecycle-hook", name), json!({ "detail": { "instance-id": id } }));
        harness.send(event.to_string(), harness.now.get());
        harness.receive();
    };
    // An instance of another group, and one that is not a Spot instance.
    send("rebalance-recommendation.json", "i-0123456789abcdef0");
    harness.on_demand.borrow_mut().insert(dev.clone());
    send("rebalance-recommendation.json", &dev);
    assert!(notices(&harness).is_empty());
    assert_eq!(harness.messages.borrow().len(), 0, "a recommendation is not requeued");

    harness.on_demand.borrow_mut().clear();
    send("rebalance-recommendation.json", &dev);
    let published = harness.published.borrow().last().cloned().expect("the recommendation");
    assert_eq!(published["detail"]["EC2InstanceId"], dev);
    assert_eq!(published["detail"]["AutoScalingGroupName"], GROUP);
    assert_eq!(notices(&harness).pop().expect("one").0, "rebalance-recommendation");

    // The drain polls: its message is delivered again and again.
    send("spot-interruption.json", &dev);
    harness.advance(Duration::from_mins(3));
    let warnings: Vec<String> = notices(&harness)
        .into_iter()
        .filter(|(outcome, _)| outcome == "interruption-warning")
        .map(|(_, id)| id)
        .collect();
    assert!((1..=2).contains(&warnings.len()), "{warnings:?}");
    assert!(warnings.iter().all(|id| *id == warnings[0]), "the ledger counts the warning once: {warnings:?}");
    assert_eq!(notices(&harness).len(), warnings.len() + 1);
}

/// The event that the instance has set its ready marker.
fn ready_marker(id: &str) -> Value {
    let arn = format!("arn:aws:ec2:us-west-2:123456789012:instance/{id}");
    with(sample("lifecycle-hook", "ready-marker.json"), json!({ "resources": [arn] }))
}

/// A launching instance, observed until just after its user data has ended, and its id.
fn ready(failure: Option<&InstanceFailure>) -> (Harness, String) {
    let harness = Harness::new(1);
    if let Some(failure) = failure {
        harness.fleet.borrow_mut().make_next_unhealthy(1, failure);
    }
    harness.scale_to(1);
    let due = loop {
        harness.run(harness.now.get() + seconds(1), &mut |harness, body| harness.send(body, harness.now.get()));
        let due = harness.fleet.borrow().members().find_map(|(_, member)| member.marker_due());
        if let Some(due) = due.filter(|due| *due <= harness.now.get()) {
            break due;
        }
    };
    assert!(harness.now.get().since(due) <= seconds(1));
    let id = harness.states().into_keys().next().expect("one instance");
    (harness, id)
}

#[test]
fn a_ready_marker_ends_the_gate_at_once() {
    for failure in [None, Some(InstanceFailure::FailedAt("line 3".into()))] {
        let (harness, id) = ready(failure.as_ref());
        assert_eq!(harness.states()[&id], LifecycleState::PendingWait, "{failure:?}");
        harness.messages.borrow_mut().clear();
        harness.send(ready_marker(&id).to_string(), harness.now.get());
        harness.receive();
        let expected = if failure.is_none() { HookResult::Continue } else { HookResult::Abandon };
        assert_eq!(harness.completed.borrow()[&id], [expected], "{failure:?}");
        assert!(harness.messages.borrow().is_empty(), "{failure:?}");
    }
}

#[test]
fn a_ready_marker_is_a_hint_only() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.run(harness.now.get() + seconds(21), &mut |harness, body| harness.send(body, harness.now.get()));
    let (id, state) = harness.states().pop_first().expect("one instance");
    assert_eq!(state, LifecycleState::PendingWait);
    let waiting = harness.messages.borrow().len();
    harness.send(ready_marker(&id).to_string(), harness.now.get());
    harness.receive();
    assert!(harness.completed.borrow().is_empty(), "EC2 shows no marker");
    assert_eq!(harness.messages.borrow().len(), waiting, "the message of the launch goes on");
    let (harness, dev, _) = serving();
    for id in [dev.as_str(), "i-0123456789abcdef0"] {
        deliver(&harness, &ready_marker(id));
        assert_only_read(&harness, id);
    }
}

/// SQS writes the time of a message; a caller of the function may write any.
#[test]
fn a_time_ahead_counts_as_now_and_one_before_the_start_counts_as_the_start() {
    for sent_ms in [START.0 - 47 * 3_600_000, u64::MAX] {
        let harness = Harness::new(1);
        harness.scale_to(1);
        harness.run(harness.now.get() + seconds(25), &mut |harness, body| harness.send(body, harness.now.get()));
        harness.now.set(harness.now.get() + seconds(5));
        let message = harness.messages.borrow().first().cloned().expect("the message of the launch");
        let mut forged = record(&message);
        forged["attributes"]["SentTimestamp"] = json!(sent_ms.to_string());
        harness.invoke(json!({ "Records": [forged] })).expect("a response");
        assert_eq!(harness.completed.borrow().len(), 0, "{sent_ms}: the gate has not timed out");
        harness.advance(Duration::from_mins(5));
        assert_eq!(harness.in_service(), 1, "{sent_ms}");
    }
}

/// The schedule invokes the function directly.
#[test]
fn a_scheduled_event_in_the_queue_starts_no_sweep() {
    let (harness, _, _) = serving();
    harness.send(sample("lifecycle-hook", "sweep.json").to_string(), harness.now.get());
    harness.receive();
    assert_eq!((harness.messages.borrow().len(), &harness.calls.borrow()[..]), (0, &[][..]));
}

#[test]
fn a_batch_reads_the_hooks_of_each_group_once() {
    let harness = Harness::with(10, &settings(gate(600)), &settings(HookTask::Drain(Drain { seconds: 300 })));
    harness.scale_to(10);
    harness.run(harness.now.get() + seconds(21), &mut |harness, body| harness.send(body, harness.now.get()));
    harness.calls.borrow_mut().clear();
    harness.messages.borrow_mut().iter_mut().for_each(|it| it.visible = harness.now.get());
    harness.receive();
    let calls = harness.calls.borrow();
    let count = |name: &str| calls.iter().filter(|it| **it == name).count();
    assert_eq!((count("members"), count("owned_hooks"), count("observe_instances"), count("requeue")), (1, 1, 1, 10));
}
