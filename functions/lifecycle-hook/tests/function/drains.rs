//! Terminating instances: behind target groups, as Spot instances, and without an event.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::time::Duration;

use auto_scaling::{Behaviour, CommandOutcome, Fleet, InstanceFailure, LifecycleState};
use environment::hook_settings::{Drain, HookSettings, HookTask};
use lifecycle_hook::cloud::{HookResult, WaitState};
use serde_json::{Value, json};
use test_support::hooks::{Fault, GROUP, Harness, SWEEP_INTERVAL, TARGETS, gate, settings};

const DELAY: Duration = Duration::from_mins(5);
/// The function observes the instance every 15 s, and the command is visible after a second.
const ONE_POLL: Duration = Duration::from_secs(16);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn drain() -> HookSettings {
    HookSettings { target_groups: vec![TARGETS.into()], ..settings(HookTask::Drain(Drain { seconds: 300 })) }
}

/// An account in which one instance is in service, registered in a target group too, and drains within this time.
fn serving(drains_in: Duration) -> (Harness, String) {
    let harness = Harness::with(1, &settings(gate(600)), &drain());
    harness.attach_target_group(DELAY);
    let commands = CommandOutcome::SucceedsAfter(drains_in);
    harness.fleet.replace(Fleet::new(Behaviour { commands, ..Behaviour::default() }));
    harness.scale_to(1);
    harness.advance(seconds(310));
    let (id, state) = harness.states().pop_first().expect("one instance");
    assert_eq!(state, LifecycleState::InService);
    (harness, id)
}

/// Advances time with every event lost.
fn advance_without_events(harness: &Harness, span: Duration) {
    harness.run(harness.now.get() + span, &mut |_, _| {});
}

fn count(harness: &Harness, name: &str) -> usize {
    harness.calls.borrow().iter().filter(|it| **it == name).count()
}

/// The drain outcomes that were published to the ledger.
fn outcomes(harness: &Harness) -> Vec<Value> {
    let events = harness.published.borrow();
    events.iter().filter(|it| it["detail-type"] == "Drain Outcome").map(|it| it["detail"]["Outcome"].clone()).collect()
}

#[test]
fn a_drain_has_its_full_time_after_the_target_groups_deregister_the_instance() {
    for delivered in [true, false] {
        let (harness, id) = serving(seconds(250));
        harness.scale_to(0);
        if delivered {
            harness.advance(seconds(900));
        } else {
            advance_without_events(&harness, seconds(900));
        }
        assert_eq!(count(&harness, "send_drain_command"), 1, "events delivered: {delivered}");
        assert_eq!(outcomes(&harness), ["drained"], "events delivered: {delivered}");
        assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2]);
        assert_eq!(harness.states().len(), 0);
    }
}

#[test]
fn a_drain_without_an_event_that_hangs_ends_at_its_own_deadline() {
    let (harness, id) = serving(seconds(5));
    harness
        .fleet
        .borrow_mut()
        .make_unhealthy(&id, &InstanceFailure::CommandsHang, harness.now.get())
        .expect("the instance exists");
    harness.scale_to(0);
    advance_without_events(&harness, DELAY + SWEEP_INTERVAL + seconds(300) + ONE_POLL);
    assert_eq!(harness.completed.borrow()[&id].len(), 2);
    assert_eq!(outcomes(&harness), ["not-drained"]);
}

/// A termination without an event: one sweep finds the instance, and the next observation completes the action.
#[test]
fn a_termination_without_an_event_takes_one_sweep() {
    let (harness, id) = serving(seconds(5));
    harness.scale_to(0);
    let deadline = harness.now.get() + DELAY + SWEEP_INTERVAL;
    while harness.messages.borrow().is_empty() && harness.now.get() < deadline {
        advance_without_events(&harness, seconds(1));
    }
    let message: Value = serde_json::from_str(&harness.messages.borrow()[0].body).expect("JSON");
    let detail = json!({
        "AutoScalingGroupName": GROUP, "LifecycleHookName": "terminate", "EC2InstanceId": id,
    });
    let sample = test_support::sample("lifecycle-hook", "found-waiting.json");
    assert_eq!(message, test_support::with(sample, json!({ "detail": detail })), "the message equals the sample");
    advance_without_events(&harness, ONE_POLL);
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2]);
    assert_eq!(outcomes(&harness), ["drained"]);
    advance_without_events(&harness, seconds(600));
    assert_eq!(harness.messages.borrow().len(), 0, "the queue is empty");
}

#[test]
fn a_spot_instance_is_drained_though_its_target_group_takes_longer_than_its_two_minutes() {
    let (harness, id) = serving(seconds(30));
    harness.scaling.borrow_mut().interrupt_spot_instance(&id, harness.now.get()).expect("the instance exists");
    harness.advance(seconds(110));
    let calls = harness.calls.borrow();
    let at = |name: &str| calls.iter().position(|it| *it == name).unwrap_or_else(|| panic!("{name}: {calls:?}"));
    assert!(at("deregister") < at("send_drain_command"), "deregistration comes first");
    assert_eq!(harness.messages.borrow().len(), 0, "the command has succeeded before the instance terminates");
}

#[test]
fn a_spot_instance_without_an_agent_leaves_its_target_groups() {
    let (harness, id) = serving(seconds(5));
    harness
        .fleet
        .borrow_mut()
        .make_unhealthy(&id, &InstanceFailure::AgentLost, harness.now.get())
        .expect("the instance exists");
    // SSM reports Online for a while longer.
    harness.advance(seconds(360));
    harness.scaling.borrow_mut().interrupt_spot_instance(&id, harness.now.get()).expect("the instance exists");
    harness.advance(ONE_POLL);
    assert_eq!((count(&harness, "deregister"), count(&harness, "send_drain_command")), (1, 0));
}

#[test]
fn a_spot_interruption_with_an_unreadable_group_is_not_requeued_for_ever() {
    let (harness, id) = serving(seconds(5));
    harness.scaling.borrow_mut().interrupt_spot_instance(&id, harness.now.get()).expect("the instance exists");
    // Every call for its group is rejected from now on.
    let from = harness.calls.borrow().len();
    harness.faults.borrow_mut().extend((from..from + 2_000).map(|call| (call, Fault::Rejected)));
    harness.send(harness.step().pop().expect("an interruption warning"), harness.now.get());
    for _ in 0..10 {
        harness.receive();
        harness.now.set(harness.now.get() + seconds(15));
        harness.messages.borrow_mut().iter_mut().for_each(|it| it.visible = harness.now.get());
    }
    assert_eq!(harness.messages.borrow().len(), 0, "the message is requeued for ever");
}

#[test]
fn a_termination_with_an_unknown_start_is_drained_once_without_heartbeats() {
    let (harness, id) = serving(seconds(5));
    harness
        .fleet
        .borrow_mut()
        .make_unhealthy(&id, &InstanceFailure::CommandsHang, harness.now.get())
        .expect("the instance exists");
    harness.activities_hidden.set(true);
    harness.call_duration.set(Duration::from_millis(80));
    harness.scale_to(0);
    let before = count(&harness, "heartbeat");
    while harness.states().first_key_value().expect("one instance").1 != &LifecycleState::TerminatingWait {
        advance_without_events(&harness, seconds(1));
    }
    for _ in 0..4 {
        harness.messages.borrow_mut().clear();
        harness.now.set(harness.now.get() + seconds(60));
        harness.invoke(test_support::sample("lifecycle-hook", "sweep.json"));
    }
    assert_eq!((count(&harness, "send_drain_command"), count(&harness, "heartbeat") - before), (1, 0));
}

/// Terminates the one instance while Auto Scaling reports that the instance waits in this state, and each event names
/// this route.
fn terminate_on_route(harness: &Harness, waits: WaitState, (from, to): (&str, &str)) {
    harness.scale_to(0);
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.wait_states.borrow_mut().insert(id, Some(waits));
    let until = harness.now.get() + DELAY + seconds(5);
    harness.run(until, &mut |harness, body| {
        let event: Value = serde_json::from_str(&body).expect("JSON");
        let route = json!({ "detail": { "Origin": from, "Destination": to } });
        harness.send(test_support::with(event, route).to_string(), harness.now.get());
    });
}

/// The state decides, and not the route in the message: a forged route does not prevent a drain.
#[test]
fn an_instance_that_leaves_the_group_is_drained_whatever_route_its_message_names() {
    let (harness, _) = serving(seconds(5));
    terminate_on_route(&harness, WaitState::Terminating, ("AutoScalingGroup", "WarmPool"));
    harness.advance(seconds(30));
    assert_eq!((count(&harness, "send_drain_command"), outcomes(&harness)), (1, vec![json!("drained")]));
}

#[test]
fn an_instance_that_returns_to_the_warm_pool_is_not_drained() {
    let (harness, id) = serving(seconds(5));
    terminate_on_route(&harness, WaitState::WarmedPending, ("AutoScalingGroup", "WarmPool"));
    assert_eq!(
        (count(&harness, "send_drain_command"), &harness.completed.borrow()[&id][1..]),
        (0, &[HookResult::Continue][..])
    );
    assert_eq!(outcomes(&harness), [Value::Null; 0], "no drain is published");
}

/// An agent that stopped within the last minutes is still online, and SSM accepts the command. It reports the command as
/// not delivered only when the drain is over, since it adds the execution timeout to the delivery timeout.
#[test]
fn a_drain_whose_command_is_not_delivered_within_a_minute_is_over() {
    for delivered in [true, false] {
        let harness = Harness::with(1, &settings(gate(600)), &settings(HookTask::Drain(Drain { seconds: 3_600 })));
        harness.scale_to(1);
        harness.advance(seconds(310));
        let (id, _) = harness.states().pop_first().expect("one instance");
        let undelivered = InstanceFailure::CommandsUndelivered;
        harness.fleet.borrow_mut().make_unhealthy(&id, &undelivered, harness.now.get()).expect("the instance exists");
        let begin = harness.now.get();
        harness.scale_to(0);
        while !harness.states().is_empty() {
            if delivered { harness.advance(seconds(5)) } else { advance_without_events(&harness, seconds(5)) }
        }
        let took = harness.now.get().since(begin);
        let longest = if delivered { seconds(60) + ONE_POLL * 2 } else { seconds(60) + SWEEP_INTERVAL * 2 };
        assert!(took <= longest, "{delivered}: {took:?}");
        let events = harness.published.borrow();
        let drain = events.iter().find(|it| it["detail-type"] == "Drain Outcome").expect("an outcome");
        assert_eq!(drain["detail"]["Reason"], "the drain failed: not delivered within 60 s");
    }
}

#[test]
fn an_instance_that_was_stopped_in_the_warm_pool_had_nothing_to_drain() {
    let cases: [(WaitState, &[&str]); 2] =
        [(WaitState::WarmedTerminating, &[]), (WaitState::Terminating, &["not-drained"])];
    for (waits, expected) in cases {
        let (harness, id) = serving(seconds(5));
        harness.stopped.borrow_mut().insert(id.clone());
        terminate_on_route(&harness, waits, ("WarmPool", "EC2"));
        assert_eq!(harness.completed.borrow()[&id].len(), 2);
        assert_eq!(outcomes(&harness), expected, "{waits:?}");
    }
}
