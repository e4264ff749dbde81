//! A fleet under virtual time: a thousand launches and a thousand ends, while events are lost, told twice, late and in
//! another order.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use auto_scaling::{InstanceFailure, LifecycleState, Timestamp};
use lifecycle_hook::cloud::HookResult;
use test_support::hooks::{Dice, Harness, START, SWEEP_INTERVAL};

/// What the post does to messages: 5 % are lost, 5 % come twice, 20 % late, so that later ones overtake them. The queue knows of
/// those since they came.
fn bad_post(seed: u64) -> impl FnMut(&Harness, String) {
    let mut dice = Dice::new(seed);
    move |harness, body| {
        let now = harness.now.get();
        match dice.below(100) {
            0..5 => {}
            5..10 => {
                harness.send(body.clone(), now);
                harness.send(body, now + Duration::from_secs(dice.below(90)));
            }
            10..30 => harness.send(body, now + Duration::from_secs(dice.below(600))),
            _ => harness.send(body, now),
        }
    }
}

/// When each instance began to wait, and when it no longer did: by the state that it waits in.
#[derive(Default)]
struct Watch {
    waits: BTreeMap<(String, &'static str), (Timestamp, Option<Timestamp>)>,
}

impl Watch {
    fn look(&mut self, harness: &Harness) {
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

/// From when on the facts of an instance justify an end of its wait to go into service.
fn justified(harness: &Harness, id: &str, failure: Option<&InstanceFailure>) -> Duration {
    let fleet = harness.fleet.borrow();
    let launched = fleet.member(id).expect("it was started").launched;
    let healthy = Duration::from_secs(90);
    let after = match failure {
        None | Some(InstanceFailure::FailedAt(_)) => healthy,
        // Nobody can say before the gate's own time is up, and a minute more where a sweep alone knows of it.
        Some(_) => Duration::from_mins(11),
    };
    (launched + after).since(START)
}

#[test]
fn every_instance_ends_in_the_right_state_and_none_waits_longer_than_a_sweep_beyond_its_facts() {
    let harness = Harness::new(100);
    let response_server = RefCell::new(bad_post(11));
    let watch = RefCell::new(Watch::default());
    let failure: RefCell<BTreeMap<String, InstanceFailure>> = RefCell::default();
    let sicknesses = [InstanceFailure::NotReady, InstanceFailure::NoAgent, InstanceFailure::FailedAt("line 12".into())];
    let pass = |span: Duration| {
        let until = harness.now.get() + span;
        while harness.now.get() < until {
            let tick = (harness.now.get() + Duration::from_secs(5)).min(until);
            harness.run(tick, &mut |harness, body| response_server.borrow_mut()(harness, body));
            watch.borrow_mut().look(&harness);
        }
    };
    for round in 0..10_usize {
        harness.fleet.borrow_mut().make_next_unhealthy(5, &sicknesses[round % sicknesses.len()]);
        let before: Vec<String> = harness.fleet.borrow().members().map(|(id, _)| id.to_owned()).collect();
        harness.scale_to(100);
        pass(Duration::from_secs(10));
        // The first five of a round are sick; those that replace them are not.
        let fleet = harness.fleet.borrow();
        let new = fleet.members().map(|(id, _)| id.to_owned()).filter(|id| !before.contains(id)).take(5);
        failure.borrow_mut().extend(new.map(|id| (id, sicknesses[round % sicknesses.len()].clone())));
        drop(fleet);
        pass(Duration::from_mins(40));
        assert_eq!(harness.in_service(), 100, "round {round}: all that were asked for, and the sick ones replaced");
        harness.scale_to(0);
        pass(Duration::from_mins(30));
        assert_eq!(harness.states(), BTreeMap::new(), "round {round}: all are gone");
    }
    let (watch, failure, completed) = (watch.borrow(), failure.borrow(), harness.completed.borrow());
    let (mut launches, mut ends) = (0, 0);
    for ((id, state), (since, until)) in &watch.waits {
        let until = until.expect("it does not wait for ever");
        let slack = SWEEP_INTERVAL + Duration::from_secs(20);
        if *state == "Pending:Wait" {
            launches += 1;
            let due = justified(&harness, id, failure.get(id)).max(since.since(START));
            assert!(
                until.since(START) <= due + slack,
                "{id} waited from {since} to {until} with {:?}",
                failure.get(id)
            );
        } else {
            ends += 1;
            // The command takes 5 s, and is seen to be over at the next look.
            let due = since.since(START) + Duration::from_secs(5);
            assert!(until.since(START) <= due + slack, "{id} drained from {since} to {until}");
        }
    }
    assert!(launches >= 1_050 && ends >= 1_000, "{launches} launches, {ends} ends");
    for (id, _) in harness.fleet.borrow().members() {
        let told = completed.get(id).cloned().unwrap_or_default();
        let expected: &[HookResult] = if failure.contains_key(id) {
            &[HookResult::Abandon, HookResult::Continue]
        } else {
            &[HookResult::Continue, HookResult::Continue]
        };
        assert!(told.starts_with(expected), "{id}, {:?}: {told:?}", failure.get(id));
        assert!(told.len() <= 2, "{id} was answered once for each wait: {told:?}");
    }
    let answered = harness.attempted_results.borrow();
    assert!(answered.values().all(|it| it.len() == 1), "no wait was answered differently, in vain either");
    let written = harness.written.borrow();
    let has_evidence = |id: &String| written.iter().any(|(_, stream, _)| *stream == format!("{id}/evidence"));
    assert!(failure.keys().all(has_evidence), "of each that was given up");
}
