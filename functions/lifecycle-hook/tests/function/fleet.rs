//! A fleet under virtual time: a thousand launches and a thousand terminations, while events are lost, duplicated,
//! delayed and reordered.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState, Timestamp};
use lifecycle_hook::cloud::HookResult;
use test_support::hooks::{Harness, START, SWEEP_INTERVAL, SeededRng};

/// The faults of message delivery: 5 % are lost, 5 % are duplicated, 20 % are late, so that later messages overtake
/// them. The queue counts the age of a message from its arrival.
fn faulty_delivery(seed: u64) -> impl FnMut(&Harness, String) {
    let mut rng = SeededRng::new(seed);
    move |harness, body| {
        let now = harness.now.get();
        match rng.below(100) {
            0..5 => {}
            5..10 => {
                harness.send(body.clone(), now);
                harness.send(body, now + Duration::from_secs(rng.below(90)));
            }
            10..30 => harness.send(body, now + Duration::from_secs(rng.below(600))),
            _ => harness.send(body, now),
        }
    }
}

/// When each instance began to wait, and when its wait ended: by the state in which it waits.
#[derive(Default)]
struct WaitLog {
    waits: BTreeMap<(String, &'static str), (Timestamp, Option<Timestamp>)>,
}

impl WaitLog {
    fn record(&mut self, harness: &Harness) {
        let now = harness.now.get();
        let states = harness.states();
        for (id, state) in &states {
            if matches!(state, LifecycleState::PendingWait | LifecycleState::TerminatingWait) {
                self.waits.entry((id.clone(), state.as_str())).or_insert((now, None));
            }
        }
        for ((id, waited_in), (_, until)) in &mut self.waits {
            let still = states.get(id).is_some_and(|state| state.as_str() == *waited_in);
            if until.is_none() && !still {
                *until = Some(now);
            }
        }
    }
}

/// The time from which the facts about an instance justify an end of its wait to enter service.
fn justified_after(harness: &Harness, id: &str, failure: Option<&InstanceFailure>) -> Duration {
    let fleet = harness.fleet.borrow();
    let launched = fleet.member(id).expect("the instance was launched").launched;
    let healthy = Duration::from_secs(90);
    let after = match failure {
        None | Some(InstanceFailure::FailedAt(_)) => healthy,
        // No verdict is possible before the gate's own time is up, and a minute later where only a sweep knows the
        // instance.
        Some(_) => Duration::from_mins(11),
    };
    (launched + after).since(START)
}

#[test]
fn every_instance_reaches_the_right_state_and_none_waits_longer_than_a_sweep_beyond_its_facts() {
    let harness = Harness::new(100);
    let deliver = RefCell::new(faulty_delivery(11));
    let wait_log = RefCell::new(WaitLog::default());
    let failure: RefCell<BTreeMap<String, InstanceFailure>> = RefCell::default();
    let instance_failures =
        [InstanceFailure::NotReady, InstanceFailure::NoAgent, InstanceFailure::FailedAt("line 12".into())];
    let advance = |span: Duration| {
        let until = harness.now.get() + span;
        while harness.now.get() < until {
            let tick = (harness.now.get() + Duration::from_secs(5)).min(until);
            harness.run(tick, &mut |harness, body| deliver.borrow_mut()(harness, body));
            wait_log.borrow_mut().record(&harness);
        }
    };
    for round in 0..10_usize {
        harness.fleet.borrow_mut().make_next_unhealthy(5, &instance_failures[round % instance_failures.len()]);
        let before: Vec<String> = harness.fleet.borrow().members().map(|(id, _)| id.to_owned()).collect();
        harness.scale_to(100);
        advance(Duration::from_secs(10));
        // The first five of a round are unhealthy; their replacements are not.
        let fleet = harness.fleet.borrow();
        let new = fleet.members().map(|(id, _)| id.to_owned()).filter(|id| !before.contains(id)).take(5);
        failure.borrow_mut().extend(new.map(|id| (id, instance_failures[round % instance_failures.len()].clone())));
        drop(fleet);
        advance(Duration::from_mins(40));
        assert_eq!(harness.in_service(), 100, "round {round}: the desired capacity, with the unhealthy ones replaced");
        harness.scale_to(0);
        advance(Duration::from_mins(30));
        assert_eq!(harness.states(), BTreeMap::new(), "round {round}: all are terminated");
    }
    let (wait_log, failure, completed) = (wait_log.borrow(), failure.borrow(), harness.completed.borrow());
    let (mut launches, mut terminations) = (0, 0);
    for ((id, state), (since, until)) in &wait_log.waits {
        let until = until.expect("the wait ends");
        let slack = SWEEP_INTERVAL + Duration::from_secs(20);
        if *state == "Pending:Wait" {
            launches += 1;
            let due = justified_after(&harness, id, failure.get(id)).max(since.since(START));
            assert!(
                until.since(START) <= due + slack,
                "{id} waited from {since} to {until} with {:?}",
                failure.get(id)
            );
        } else {
            terminations += 1;
            // The command takes 5 s, and the next observation shows its end.
            let due = since.since(START) + Duration::from_secs(5);
            assert!(until.since(START) <= due + slack, "{id} drained from {since} to {until}");
        }
    }
    assert!(launches >= 1_050 && terminations >= 1_000, "{launches} launches, {terminations} terminations");
    for (id, _) in harness.fleet.borrow().members() {
        let results = completed.get(id).cloned().unwrap_or_default();
        let expected: &[HookResult] = if failure.contains_key(id) {
            &[HookResult::Abandon, HookResult::Continue]
        } else {
            &[HookResult::Continue, HookResult::Continue]
        };
        assert!(results.starts_with(expected), "{id}, {:?}: {results:?}", failure.get(id));
        assert!(results.len() <= 2, "{id} has one result for each wait: {results:?}");
    }
    let attempted = harness.attempted_results.borrow();
    assert!(
        attempted.values().all(|it| it.len() == 1),
        "no lifecycle action got two different results, not even in rejected calls"
    );
    let written = harness.written.borrow();
    let has_evidence = |id: &String| written.iter().any(|(_, stream, _)| *stream == format!("{id}/evidence"));
    assert!(failure.keys().all(has_evidence), "each abandoned instance has evidence");
}
