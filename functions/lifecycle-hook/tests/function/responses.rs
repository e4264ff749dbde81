//! The outcome for single instances, and for every call that fails.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState};
use environment::hook_settings::{Drain, HookSettings, HookTask};
use lifecycle_hook::cloud::HookResult;
use lifecycle_hook::pace;
use serde_json::{Value, json};
use test_support::hooks::{Fault, Harness, START, SWEEP_INTERVAL, gate, settings};

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn drain(seconds: u32) -> HookTask {
    HookTask::Drain(Drain { seconds })
}

/// An account in which one instance is in service.
fn serving() -> (Harness, String) {
    let harness = Harness::new(3);
    harness.scale_to(1);
    harness.advance(minutes(5));
    let (id, state) = harness.states().pop_first().expect("one instance");
    assert_eq!(state, LifecycleState::InService);
    (harness, id)
}

fn calls_named(harness: &Harness, name: &str) -> usize {
    harness.calls.borrow().iter().filter(|it| **it == name).count()
}

#[test]
fn a_healthy_instance_enters_service_when_its_user_data_is_done_without_waiting_for_its_checks() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    while harness.in_service() == 0 {
        harness.advance(Duration::from_secs(1));
    }
    let took = harness.now.get().since(START);
    assert!(
        took < Duration::from_secs(90 + 16),
        "user data takes 90 s, and the instance is observed every 15 s: {took:?}"
    );
    assert_eq!(harness.messages.borrow().len(), 0, "the message is deleted");
}

#[test]
fn an_unhealthy_instance_is_abandoned_with_its_evidence_and_replaced() {
    let harness = Harness::new(1);
    harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
    harness.scale_to(1);
    harness.advance(minutes(8));
    let written = harness.written.borrow();
    let (group, stream, lines) = written.first().expect("evidence");
    assert_eq!((group.as_str(), stream.as_str()), ("/aws/ec2/scalable-ec2-dev", "i-00000000000000001/evidence"));
    let verdict: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(verdict["Verdict"], "ABANDON");
    assert_eq!(verdict["Reason"], json!(["its user data failed at line 12"]));
    let observed = json!({
        "State": "running", "UserData": "failed at line 12", "StatusChecks": "nothing reported yet", "Agent": "online",
    });
    assert_eq!(verdict["Observed"], observed);
    assert!(lines[1].starts_with("console output:\n") && lines[1].contains("failed at line 12"), "{lines:?}");
    assert!(lines[2].starts_with("logs:\n"), "{lines:?}");
    let completed = harness.completed.borrow();
    assert_eq!(
        completed["i-00000000000000001"],
        [HookResult::Abandon, HookResult::Continue],
        "abandoned, and drained like any other"
    );
    assert_eq!(harness.in_service(), 1, "the group has replaced the instance");
    let requested = [(String::from("0123456789abcdef0123"), String::from("i-00000000000000001"))];
    assert_eq!(*harness.due_passes.borrow(), requested, "a rollout to its version ends at once");
}

#[test]
fn a_due_pass_that_cannot_be_requested_changes_nothing() {
    let outcomes = [false, true].map(|denied| {
        let harness = Harness::new(1);
        if denied {
            harness.denied.borrow_mut().insert("request_due_pass");
        }
        harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
        harness.scale_to(1);
        harness.advance(minutes(8));
        assert_eq!(calls_named(&harness, "request_due_pass"), 1, "denied: {denied}");
        (harness.completed.take(), harness.states(), harness.messages.borrow().len())
    });
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn no_due_pass_is_requested_for_a_healthy_instance_and_for_one_of_an_environment_that_is_being_deleted() {
    let (harness, _) = serving();
    harness.delete_deadline.set(Some((harness.now.get() + minutes(45)).0));
    harness.scale_to(2);
    harness.advance(minutes(5));
    let abandoned = harness.completed.borrow().values().filter(|it| it.contains(&HookResult::Abandon)).count();
    assert!(abandoned > 0);
    assert_eq!(calls_named(&harness, "request_due_pass"), 0);
}

#[test]
fn a_terminating_instance_is_drained_first() {
    let (harness, id) = serving();
    harness.targets.borrow_mut().insert(id.clone(), None);
    harness.scale_to(0);
    harness.advance(minutes(3));
    assert_eq!(calls_named(&harness, "send_drain_command"), 1);
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue, HookResult::Continue]);
    assert_eq!(harness.states().len(), 0);
}

#[test]
fn an_instance_leaves_its_target_groups_before_its_services_stop() {
    let mut terminate = settings(drain(300));
    terminate.target_groups = vec!["arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/1".into()];
    let harness = Harness::with(1, &settings(gate(600)), &terminate);
    harness.scale_to(1);
    harness.advance(minutes(5));
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.targets.borrow_mut().insert(id.clone(), None);
    harness.scale_to(0);
    harness.advance(minutes(4));
    let calls = harness.calls.borrow();
    let at = |name: &str| calls.iter().position(|it| *it == name).expect(name);
    let observations =
        calls[at("deregister")..at("send_drain_command")].iter().filter(|it| **it == "target_health").count();
    assert!(observations >= 3, "deregistration takes 40 s, and the command waits for its end: {observations}");
    assert_eq!(harness.completed.borrow()[&id].len(), 2);
}

/// The delete has an hour, and its environment's gate has two: the delete would wait for it in vain. Of a healthy
/// instance the gate would let it into service, only to be terminated.
#[test]
fn a_gate_abandons_its_instance_as_soon_as_the_environment_is_being_deleted() {
    for (failure, deleted_after) in [(Some(InstanceFailure::NotReady), minutes(30)), (None, Duration::from_mins(1))] {
        let harness = Harness::with(1, &settings(gate(7_200)), &settings(drain(300)));
        if let Some(failure) = &failure {
            harness.fleet.borrow_mut().make_next_unhealthy(1, failure);
        }
        harness.scale_to(1);
        harness.advance(deleted_after);
        let (id, state) = harness.states().pop_first().expect("one instance");
        assert_eq!(state, LifecycleState::PendingWait);
        let begin = harness.now.get();
        // The record shows the Delete before the group is scaled in.
        harness.delete_deadline.set(Some((begin + minutes(45)).0));
        while harness.completed.borrow().get(&id).is_none() {
            harness.advance(Duration::from_secs(5));
        }
        assert_eq!(harness.completed.borrow()[&id][0], HookResult::Abandon, "{failure:?}");
        assert!(harness.now.get().since(begin) <= SWEEP_INTERVAL + Duration::from_secs(5), "{failure:?}");
        let published = harness.published.borrow();
        let verdict = published.iter().find(|it| it["detail-type"] == "Launch Gate Verdict").expect("a verdict");
        assert_eq!(verdict["detail"]["Reason"], "the environment is being deleted");
    }
}

#[test]
fn a_drain_ends_at_its_deadline_and_at_that_of_a_delete() {
    for (seconds, delete_in, expected) in [(300, None, 300), (7_200, None, 7_200), (7_200, Some(20), 15 * 60)] {
        let harness = Harness::with(1, &settings(gate(600)), &settings(drain(seconds)));
        harness.scale_to(1);
        harness.advance(minutes(5));
        let (id, _) = harness.states().pop_first().expect("one instance");
        harness
            .fleet
            .borrow_mut()
            .make_unhealthy(&id, &InstanceFailure::CommandsHang, harness.now.get())
            .expect("the instance exists");
        let begin = harness.now.get();
        harness.delete_deadline.set(delete_in.map(|in_minutes| (begin + minutes(in_minutes)).0));
        harness.scale_to(0);
        while harness.completed.borrow()[&id].len() < 2 {
            harness.advance(Duration::from_secs(10));
        }
        let took = harness.now.get().since(begin);
        let expected = Duration::from_secs(expected);
        assert!(took >= expected.saturating_sub(Duration::from_secs(5)), "{seconds} {delete_in:?}: {took:?}");
        assert!(took <= expected + SWEEP_INTERVAL, "{seconds} {delete_in:?}: {took:?}");
    }
}

#[test]
fn a_hook_is_never_kept_waiting_beyond_its_global_timeout() {
    let harness = Harness::with(1, &settings(gate(600)), &settings(drain(60_000)));
    harness.scale_to(1);
    harness.advance(minutes(5));
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness
        .fleet
        .borrow_mut()
        .make_unhealthy(&id, &InstanceFailure::CommandsHang, harness.now.get())
        .expect("the instance exists");
    harness.scale_to(0);
    // 100 heartbeats of five minutes; the observations are 3 minutes apart then, so the last one finds no active
    // lifecycle action.
    harness.advance(minutes(510));
    let timeout = harness.drain_timeouts.borrow();
    assert!(timeout.len() == 1 && timeout[0] <= minutes(500), "{timeout:?}");
    assert_eq!(harness.states().len(), 0);
    assert_eq!(harness.messages.borrow().len(), 0, "the message is not requeued for ever");
}

#[test]
fn an_instance_without_an_agent_is_not_waited_for() {
    let (harness, id) = serving();
    harness
        .fleet
        .borrow_mut()
        .make_unhealthy(&id, &InstanceFailure::AgentLost, harness.now.get())
        .expect("the instance exists");
    // SSM reports Online for a while longer.
    harness.advance(minutes(6));
    let begin = harness.now.get();
    harness.scale_to(0);
    while harness.completed.borrow()[&id].len() < 2 {
        harness.advance(Duration::from_secs(1));
    }
    assert!(harness.now.get().since(begin) < Duration::from_secs(5));
    assert_eq!(calls_named(&harness, "send_drain_command"), 0);
}

#[test]
fn a_spot_instance_is_drained_in_the_rest_of_its_two_minutes() {
    let (harness, id) = serving();
    harness.scaling.borrow_mut().interrupt_spot_instance(&id, harness.now.get()).expect("the instance exists");
    harness.advance(Duration::from_secs(30));
    assert_eq!(
        (calls_named(&harness, "send_drain_command"), harness.messages.borrow().len()),
        (1, 0),
        "drained, without a lifecycle action to complete"
    );
    harness.advance(minutes(10));
    assert_eq!(harness.in_service(), 1, "the group has replaced the instance");
}

#[test]
fn foreign_hooks_are_left_alone() {
    // The metadata of the hooks themselves: of another version, and of another environment.
    let of_dev = settings(gate(600));
    let newer = HookSettings { envkeeper: 2, ..of_dev.clone() };
    let of_prod = HookSettings { environment: "scalable-ec2-us-west-2-prod".into(), ..of_dev.clone() };
    let log_group_of_prod = HookSettings { log_group: "/aws/ec2/scalable-ec2-prod".into(), ..of_dev };
    for foreign in [newer, of_prod, log_group_of_prod] {
        let harness = Harness::with(1, &foreign, &settings(drain(300)));
        harness.scale_to(1);
        harness.advance(minutes(5));
        let calls: BTreeSet<&str> = harness.calls.borrow().iter().copied().collect();
        let reads = ["members", "observe_instances", "owned_hooks", "start_times", "waiting_instances"];
        assert!(calls.is_subset(&BTreeSet::from(reads)), "{calls:?}");
        assert_eq!(harness.messages.borrow().len(), 0, "the message is done");
    }
}

#[test]
fn a_message_that_cannot_be_dead_lettered_remains_in_the_queue() {
    let harness = Harness::new(1);
    harness.faults.borrow_mut().insert(0, Fault::Rejected);
    harness.send(String::from("no { JSON"), START);
    harness.receive();
    assert_eq!(harness.messages.borrow().len(), 1);
    harness.now.set(START + test_support::hooks::VISIBILITY_TIMEOUT);
    harness.receive();
    assert_eq!((harness.messages.borrow().len(), harness.dead_lettered.borrow().len()), (0, 1));
}

#[test]
fn every_sample_is_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lifecycle-hook");
    let mut samples = 0;
    for file in std::fs::read_dir(folder).expect("samples") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let harness = Harness::new(1);
        let response =
            harness.invoke(test_support::sample("lifecycle-hook", &name)).expect("the invocation is not killed");
        let poison = usize::from(name == "queue.json");
        assert_eq!(harness.dead_lettered.borrow().len(), poison, "{name}: {response}");
        samples += 1;
    }
    assert_eq!(samples, 14);
}

/// By the longest wait of any hook at the deployment's default interval, and by the longest drain that the properties
/// allow for every other interval.
#[test]
fn receives_suffice_for_the_longest_wait_and_heartbeats_are_in_time() {
    let heartbeat = Duration::from_mins(5);
    for (initial, longest) in
        [(15, minutes(48 * 60)), (1, minutes(8 * 60)), (6, minutes(8 * 60)), (60, minutes(8 * 60))]
    {
        let initial = Duration::from_secs(initial);
        let (mut waited, mut receives, mut last_beat) = (Duration::ZERO, 0, Duration::ZERO);
        while waited < longest {
            receives += 1;
            if pace::needs_heartbeat(waited, pace::next_poll(waited, initial), heartbeat) {
                last_beat = waited;
            }
            assert!(waited < last_beat + heartbeat, "{initial:?}: after {waited:?}");
            waited += pace::next_poll(waited, initial);
        }
        assert!(receives < 1_000, "{initial:?}: {receives}: a queue dead-letters after at most a thousand");
    }
    assert_eq!(pace::global_timeout(Duration::from_secs(30)), Duration::from_mins(50));
    assert_eq!(pace::global_timeout(Duration::from_hours(2)), Duration::from_hours(48));
}

/// The figures of HOOKS.md, section Cost.
#[test]
fn five_hundred_instances_that_wait_for_an_hour_cost_few_invocations_and_calls() {
    let harness = Harness::with(500, &settings(gate(7_200)), &settings(drain(300)));
    harness.fleet.borrow_mut().make_next_unhealthy(500, &InstanceFailure::NotReady);
    harness.scale_to(500);
    // All instances wait now.
    harness.advance(Duration::from_secs(21));
    harness.calls.borrow_mut().clear();
    harness.observations.borrow_mut().clear();
    harness.invocations.set(0);
    harness.advance(minutes(60));
    let of = |name: &str| calls_named(&harness, name);
    // Of 38 or 39 observations of each instance, ten share an invocation; 30 of these are sweeps.
    assert_eq!((harness.invocations.get(), of("waiting_instances")), (1_930, 30));
    // An observation calls EC2 twice for a hundred instances, and SSM once for fifty (`wire/instances`).
    let calls = |count: &usize| 2 * count.div_ceil(100) + count.div_ceil(50);
    assert_eq!(harness.observations.borrow().iter().map(calls).sum::<usize>(), 1_900 * 3 + 30 * 20);
    // Each batch looks up its claims: the states of its instances, and the hooks of their group. The sweep reads the
    // hooks too.
    assert_eq!((of("members"), of("owned_hooks")), (1_900, 1_900 + 30));
    assert_eq!((of("requeue"), of("heartbeat")), (19_000, 16_000));
}
