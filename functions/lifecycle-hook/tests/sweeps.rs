//! What the sweep finds, and that neither a slow start nor another group's failure is its own mistake.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::InstanceFailure;
use environment::hook_settings::{Drain, HookTask};
use lifecycle_hook::MESSAGE_TIMEOUT;
use lifecycle_hook::cloud::HookResult;
use serde_json::{Value, json};
use test_support::hooks::{Dice, Fault, Harness, START, SWEEP_INTERVAL, gate, settings};
use tokio::time::Instant;

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// Lets time pass with every event lost.
fn advance_without_events(harness: &Harness, span: Duration) {
    harness.run(harness.now.get() + span, &mut |_, _| {});
}

#[test]
fn a_launch_that_ec2_takes_long_to_start_has_its_whole_time() {
    let harness = Harness::new(1);
    harness.start_delay.set(minutes(15));
    harness.scale_to(1);
    advance_without_events(&harness, minutes(20));
    assert_eq!(harness.in_service(), 1);
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue]);
}

/// EC2 starts an instance up to a minute before it waits, and the sweep knows no more than that.
#[test]
fn a_gate_of_a_minute_has_its_minute_though_a_sweep_looks() {
    let harness = Harness::with(1, &settings(gate(60)), &settings(HookTask::Drain(Drain { seconds: 300 })));
    harness.now.set(START + Duration::from_secs(50));
    harness.scale_to(1);
    // It waits from 70 s on, is looked at after 120 s, and is healthy after 140 s.
    advance_without_events(&harness, minutes(5));
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue]);
}

#[test]
fn one_group_that_cannot_be_read_holds_up_no_other() {
    let harness = Harness::new(1);
    harness.add_group("scalable-ec2-asg-uswest2-zeta");
    harness.scale_to(1);
    harness.run(START + Duration::from_secs(30), &mut |_, _| {});
    harness.now.set(START + minutes(2));
    // The sweep lists who waits, looks at them, and then asks for the hooks of the first group.
    let first = harness.calls.borrow().len() + 2;
    harness.faults.borrow_mut().insert(first, Fault::Rejected);
    let told = harness.invoke(test_support::sample("lifecycle-hook", "sweep.json")).expect("it is not killed");
    assert_eq!(harness.calls.borrow()[first], "owned_hooks");
    assert_eq!(told["Swept"].as_array().expect("a list").len(), 1, "the other group's: {told}");
    let skipped: Vec<&str> = told["Skipped"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(skipped.len() == 1 && skipped[0].ends_with(": hooks: Throttling: Rate exceeded"), "{skipped:?}");
}

#[test]
fn a_group_whose_activities_cannot_be_read_is_swept_without_them() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.run(START + Duration::from_secs(30), &mut |_, _| {});
    harness.now.set(START + minutes(2));
    let since = harness.calls.borrow().len() + 3;
    harness.faults.borrow_mut().insert(since, Fault::Rejected);
    let told = harness.invoke(test_support::sample("lifecycle-hook", "sweep.json")).expect("it is not killed");
    assert_eq!(harness.calls.borrow()[since], "start_times");
    assert_eq!(told["Skipped"], json!([]));
    assert_eq!(harness.completed.borrow()["i-00000000000000001"], [HookResult::Continue], "{told}");
}

/// An account with an instance in each of so many groups, all of which are healthy and wait; each call takes so long.
fn one_waits_in_each_of(groups: usize, call_duration: Duration) -> Harness {
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

/// Sweeps once; how long it took, and which groups it left out.
async fn sweep(harness: &Harness) -> (Duration, Vec<String>) {
    let began = Instant::now();
    let told =
        harness.function().handle(test_support::sample("lifecycle-hook", "sweep.json")).await.expect("an answer");
    let skipped = told["Skipped"].as_array().expect("a list").iter();
    (began.elapsed(), skipped.map(|it| it.as_str().expect("a text").to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn one_sweep_is_through_with_three_hundred_groups() {
    let harness = one_waits_in_each_of(300, Duration::from_millis(500));
    let (took, skipped) = sweep(&harness).await;
    assert!(took < MESSAGE_TIMEOUT, "{took:?}");
    assert_eq!((harness.completed.borrow().len(), skipped), (300, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_takes_too_long_names_what_it_left_out_and_the_next_goes_on() {
    let harness = one_waits_in_each_of(300, Duration::from_secs(2));
    let (took, skipped) = sweep(&harness).await;
    assert_eq!(took, MESSAGE_TIMEOUT);
    let done = harness.completed.borrow().len();
    assert!(done > 100, "{done}");
    assert!((300 - done..300).contains(&skipped.len()), "{done} are done, and {} groups left out", skipped.len());
    assert!(skipped.iter().all(|it| it.ends_with(": the sweep's time was up")), "{skipped:?}");
    let (took, skipped) = sweep(&harness).await;
    assert!(took <= MESSAGE_TIMEOUT, "{took:?}");
    assert_eq!((harness.completed.borrow().len(), skipped), (300, vec![]));
}

/// What one sweep did not come to is not at the end of the next one again.
#[tokio::test(start_paused = true)]
async fn sweeps_begin_at_another_group_each_time() {
    let harness = one_waits_in_each_of(300, Duration::from_secs(2));
    harness.denied.borrow_mut().insert("complete");
    let mut never: Option<BTreeSet<String>> = None;
    for _ in 0..3 {
        let (_, skipped) = sweep(&harness).await;
        let skipped: BTreeSet<String> = skipped.into_iter().collect();
        assert!(!skipped.is_empty());
        never = Some(never.map_or(skipped.clone(), |never| &never & &skipped));
        tokio::time::sleep(SWEEP_INTERVAL.saturating_sub(MESSAGE_TIMEOUT)).await;
    }
    assert_eq!(never, Some(BTreeSet::new()));
}

fn round_is_sick(round: usize) -> usize {
    usize::from(round.is_multiple_of(2))
}

#[test]
fn a_sweep_and_a_message_at_once_never_answer_differently() {
    let mut dice = Dice::new(3);
    let mut overtaken = 0;
    for round in 0..200 {
        let harness = Harness::new(1);
        if round_is_sick(round) == 1 {
            harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
        }
        harness.scale_to(1);
        harness.run(START + Duration::from_secs(80), &mut |harness, body| harness.send(body, harness.now.get()));
        harness.now.set(START + Duration::from_secs(100));
        harness.messages.borrow_mut().iter_mut().for_each(|it| it.visible = harness.now.get());
        let record = test_support::hooks::record(harness.messages.borrow().first().expect("its message"));
        let sweep = test_support::sample("lifecycle-hook", "sweep.json");
        harness.race(json!({ "Records": [record] }), sweep, &mut dice);
        let answered = harness.attempted_results.borrow();
        assert!(!answered.is_empty() && answered.values().all(|it| it.len() == 1), "{answered:?}");
        assert_eq!(harness.completed.borrow().values().map(Vec::len).sum::<usize>(), 1);
        // Of two verdicts that are written, one says that it came too late.
        let written = harness.written.borrow();
        let verdicts = |verdict: &str| {
            written.iter().filter(|(_, _, lines)| lines[0].contains(&format!(r#""Verdict":"{verdict}""#))).count()
        };
        assert_eq!(verdicts("ABANDON").saturating_sub(verdicts("too late")), round_is_sick(round), "{written:?}");
        overtaken += verdicts("too late");
    }
    assert!(overtaken > 10, "{overtaken}");
}

#[test]
fn an_answer_that_is_lost_is_in_the_ledger_all_the_same() {
    let golden = Harness::new(1);
    golden.scale_to(1);
    golden.advance(minutes(5));
    let at = golden.calls.borrow().iter().position(|it| *it == "complete").expect("it is answered");
    let harness = Harness::new(1);
    harness.faults.borrow_mut().insert(at, Fault::ResponseLost);
    harness.scale_to(1);
    harness.advance(minutes(5) + SWEEP_INTERVAL);
    assert_eq!(harness.published.borrow().len(), 1, "its verdict");
}
