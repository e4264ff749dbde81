//! The instances that the sweep finds, and that neither a slow start nor another group's failure changes their outcome.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::InstanceFailure;
use environment::hook_settings::{Drain, HookTask};
use lifecycle_hook::MESSAGE_TIMEOUT;
use lifecycle_hook::cloud::HookResult;
use serde_json::{Value, json};
use test_support::hooks::{Fault, Harness, START, SWEEP_INTERVAL, SeededRng, gate, settings};
use tokio::time::Instant;

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// Advances time with every event lost.
fn advance_without_events(harness: &Harness, span: Duration) {
    harness.run(harness.now.get() + span, &mut |_, _| {});
}

#[test]
fn a_launch_that_ec2_starts_late_has_its_full_time() {
    let harness = Harness::new(1);
    harness.start_delay.set(minutes(15));
    harness.scale_to(1);
    advance_without_events(&harness, minutes(20));
    assert_eq!(harness.in_service(), 1);
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue]);
}

/// EC2 starts an instance up to a minute before the instance waits, and the sweep knows only the start.
#[test]
fn a_gate_of_a_minute_has_its_minute_although_a_sweep_observes_the_instance() {
    let harness = Harness::with(1, &settings(gate(60)), &settings(HookTask::Drain(Drain { seconds: 300 })));
    harness.now.set(START + Duration::from_secs(50));
    harness.scale_to(1);
    // The instance waits from 70 s on, is observed after 120 s, and is healthy after 140 s.
    advance_without_events(&harness, minutes(5));
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue]);
}

#[test]
fn an_unreadable_group_delays_no_other_group() {
    let harness = Harness::new(1);
    harness.add_group("scalable-ec2-asg-uswest2-zeta");
    harness.scale_to(1);
    harness.run(START + Duration::from_secs(30), &mut |_, _| {});
    harness.now.set(START + minutes(2));
    // The sweep lists the waiting instances, observes them, and then reads the hooks of the first group.
    let first = harness.calls.borrow().len() + 2;
    harness.faults.borrow_mut().insert(first, Fault::Rejected);
    let response =
        harness.invoke(test_support::sample("lifecycle-hook", "sweep.json")).expect("the invocation is not killed");
    assert_eq!(harness.calls.borrow()[first], "owned_hooks");
    assert_eq!(response["Swept"].as_array().expect("a list").len(), 1, "the instance of the second group: {response}");
    let skipped: Vec<&str> = response["Skipped"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(skipped.len() == 1 && skipped[0].ends_with(": owned_hooks: Throttling: Rate exceeded"), "{skipped:?}");
}

#[test]
fn a_group_whose_activities_cannot_be_read_is_swept_without_them() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.run(START + Duration::from_secs(30), &mut |_, _| {});
    harness.now.set(START + minutes(2));
    let start_times_call = harness.calls.borrow().len() + 3;
    harness.faults.borrow_mut().insert(start_times_call, Fault::Rejected);
    let response =
        harness.invoke(test_support::sample("lifecycle-hook", "sweep.json")).expect("the invocation is not killed");
    assert_eq!(harness.calls.borrow()[start_times_call], "start_times");
    assert_eq!(response["Skipped"], json!([]));
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue], "{response}");
}

/// An account with one instance in each of so many groups, all of which are healthy and wait; each call takes this
/// long.
fn one_waiting_instance_in_each_of(groups: usize, call_duration: Duration) -> Harness {
    let harness = Harness::new(1);
    for number in 0..groups {
        harness.add_group(&format!("scalable-ec2-asg-uswest2-{number}"));
    }
    harness.run(START + Duration::from_secs(80), &mut |_, _| {});
    harness.now.set(START + Duration::from_secs(115));
    harness.call_duration.set(call_duration);
    harness.message_timeout.set(Some(MESSAGE_TIMEOUT));
    harness.follow_tokio();
    harness
}

/// Runs one sweep; returns its duration, and the groups that it skipped.
async fn sweep(harness: &Harness) -> (Duration, Vec<String>) {
    let began = Instant::now();
    let response =
        harness.function().handle(test_support::sample("lifecycle-hook", "sweep.json")).await.expect("a response");
    let skipped = response["Skipped"].as_array().expect("a list").iter();
    (began.elapsed(), skipped.map(|it| it.as_str().expect("a text").to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn one_sweep_handles_three_hundred_groups() {
    let harness = one_waiting_instance_in_each_of(300, Duration::from_millis(500));
    let (took, skipped) = sweep(&harness).await;
    assert!(took < MESSAGE_TIMEOUT, "{took:?}");
    assert_eq!((harness.completed.borrow().len(), skipped), (300, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_times_out_names_the_skipped_groups_and_the_next_one_continues() {
    let harness = one_waiting_instance_in_each_of(300, Duration::from_secs(2));
    let (took, skipped) = sweep(&harness).await;
    assert_eq!(took, MESSAGE_TIMEOUT);
    let done = harness.completed.borrow().len();
    assert!(done > 100, "{done}");
    assert!((300 - done..300).contains(&skipped.len()), "{done} are done, and {} groups skipped", skipped.len());
    assert!(skipped.iter().all(|it| it.ends_with(": the sweep timed out")), "{skipped:?}");
    let (took, skipped) = sweep(&harness).await;
    assert!(took <= MESSAGE_TIMEOUT, "{took:?}");
    assert_eq!((harness.completed.borrow().len(), skipped), (300, vec![]));
}

/// The groups that one sweep skipped are not at the end of the next sweep again.
#[tokio::test(start_paused = true)]
async fn sweeps_begin_at_another_group_each_time() {
    let harness = one_waiting_instance_in_each_of(300, Duration::from_secs(2));
    harness.denied.borrow_mut().insert("complete");
    let mut always_skipped: Option<BTreeSet<String>> = None;
    for _ in 0..3 {
        let (_, skipped) = sweep(&harness).await;
        let skipped: BTreeSet<String> = skipped.into_iter().collect();
        assert!(!skipped.is_empty());
        always_skipped = Some(always_skipped.map_or(skipped.clone(), |always| &always & &skipped));
        tokio::time::sleep(SWEEP_INTERVAL.saturating_sub(MESSAGE_TIMEOUT)).await;
    }
    assert_eq!(always_skipped, Some(BTreeSet::new()));
}

fn unhealthy_in_round(round: usize) -> usize {
    usize::from(round.is_multiple_of(2))
}

#[test]
fn a_concurrent_sweep_and_message_never_send_different_results() {
    let mut rng = SeededRng::new(3);
    let mut late_verdicts = 0;
    for round in 0..200 {
        let harness = Harness::new(1);
        if unhealthy_in_round(round) == 1 {
            harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
        }
        harness.scale_to(1);
        harness.run(START + Duration::from_secs(80), &mut |harness, body| harness.send(body, harness.now.get()));
        harness.now.set(START + Duration::from_secs(100));
        harness.messages.borrow_mut().iter_mut().for_each(|it| it.visible = harness.now.get());
        let record =
            test_support::hooks::record(harness.messages.borrow().first().expect("the message of the instance"));
        let sweep = test_support::sample("lifecycle-hook", "sweep.json");
        harness.race(json!({ "Records": [record] }), sweep, &mut rng);
        let attempted = harness.attempted_results.borrow();
        assert!(!attempted.is_empty() && attempted.values().all(|it| it.len() == 1), "{attempted:?}");
        assert_eq!(harness.completed.borrow().values().map(Vec::len).sum::<usize>(), 1);
        // Of two written verdicts, one says that it came too late.
        let written = harness.written.borrow();
        let verdicts = |verdict: &str| {
            written.iter().filter(|(_, _, lines)| lines[0].contains(&format!(r#""Verdict":"{verdict}""#))).count()
        };
        assert_eq!(verdicts("ABANDON").saturating_sub(verdicts("too late")), unhealthy_in_round(round), "{written:?}");
        late_verdicts += verdicts("too late");
    }
    assert!(late_verdicts > 10, "{late_verdicts}");
}

#[test]
fn a_completion_whose_response_is_lost_is_in_the_ledger() {
    let golden = Harness::new(1);
    golden.scale_to(1);
    golden.advance(minutes(5));
    let at = golden.calls.borrow().iter().position(|it| *it == "complete").expect("the action is completed");
    let harness = Harness::new(1);
    harness.faults.borrow_mut().insert(at, Fault::ResponseLost);
    harness.scale_to(1);
    harness.advance(minutes(5) + SWEEP_INTERVAL);
    assert_eq!(harness.published.borrow().len(), 1, "the verdict");
}
