//! Every write of a request is lost, cut off before, cut off after: the next run converges, or the delete leaves
//! nothing.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use std::time::Duration;

use common::{assert_is_as_wanted, resources, rollback, run, run_to_the_end, settled, spec, standard};
use environment::{Call, Ending, Wanted, What, in_doubt_until};
use memory_cloud::{Fault, World};
use serde_json::json;

const FAULTS: [Fault; 5] =
    [Fault::LostAnswer, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter, Fault::Throttled];

fn calls(world: &World) -> usize {
    world.calls.borrow().len()
}

/// Between them they have every kind.
fn environments() -> [Wanted; 2] {
    [standard(), resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "Egress": "VpcEndpoints" })))]
}

fn fault_at(world: &World, call: usize, fault: Fault) {
    world.faults.borrow_mut().insert(call, fault);
}

#[test]
fn a_create_that_is_disturbed_anywhere_converges_when_it_runs_again() {
    for wanted in environments() {
        let writes = calls(&settled(&wanted));
        assert!(writes > 20, "{writes} writes");
        for fault in FAULTS {
            for call in 0..writes {
                let world = World::default();
                fault_at(&world, call, fault);
                let ending = run_to_the_end(&world, "create", &wanted);
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, Ending::Settled { .. }), "{context}: {ending:?}");
                assert_is_as_wanted(&world, &wanted, &context);
            }
        }
    }
}

#[test]
fn a_create_that_is_disturbed_anywhere_leaves_nothing_after_its_rollback() {
    for wanted in environments() {
        let writes = calls(&settled(&wanted));
        for fault in FAULTS {
            for call in 0..writes {
                let world = World::default();
                fault_at(&world, call, fault);
                let ending = run(&world, "create", &wanted, None);
                let settled = matches!(ending, Some(Ending::Settled { .. }));
                let doubt = in_doubt_until(world.clock.now(), settled);
                let ending = run(&world, "delete", &rollback(), Some(doubt));
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, Some(Ending::Settled { .. })), "{context}: {ending:?}");
                assert!(world.inventory().is_empty(), "{context}: {:#?}", world.inventory());
            }
        }
    }
}

#[test]
fn a_delete_that_is_disturbed_anywhere_leaves_nothing_when_it_runs_again() {
    for wanted in environments() {
        let before = calls(&settled(&wanted));
        let undisturbed = settled(&wanted);
        run_to_the_end(&undisturbed, "delete", &Wanted::default());
        for fault in FAULTS {
            for call in before..calls(&undisturbed) {
                let world = settled(&wanted);
                fault_at(&world, call, fault);
                let ending = run_to_the_end(&world, "delete", &Wanted::default());
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, Ending::Settled { .. }), "{context}: {ending:?}");
                assert!(world.inventory().is_empty(), "{context}: {:#?}", world.inventory());
            }
        }
    }
}

#[test]
fn an_update_that_is_disturbed_anywhere_converges_when_it_runs_again() {
    let wanted = standard();
    let more = resources(&spec(json!({
        "MinSize": "3", "MaxSize": "6", "ZoneCount": "3", "InstanceType": "t3.small", "LogRetentionDays": "7",
        "Environment": "staging"
    })));
    let before = calls(&settled(&wanted));
    let undisturbed = settled(&wanted);
    run_to_the_end(&undisturbed, "update", &more);
    assert!(calls(&undisturbed) > before + 10);
    for fault in FAULTS {
        for call in before..calls(&undisturbed) {
            let world = settled(&wanted);
            fault_at(&world, call, fault);
            let ending = run_to_the_end(&world, "update", &more);
            let context = format!("{fault:?} at call {call}");
            assert!(matches!(ending, Ending::Settled { .. }), "{context}: {ending:?}");
            assert_is_as_wanted(&world, &more, &context);
        }
    }
}

#[test]
fn a_second_run_writes_nothing() {
    let wanted = standard();
    let world = settled(&wanted);
    let writes = calls(&world);
    let looks = world.looks.get();
    world.clock.advance(world.read_lag);
    assert!(matches!(run(&world, "again", &wanted, None), Some(Ending::Settled { .. })));
    assert_eq!(calls(&world), writes);
    assert_eq!(world.looks.get(), looks + 1, "one look is enough");
}

#[test]
fn a_refused_call_ends_the_run_with_its_sentence_and_the_delete_leaves_nothing() {
    let wanted = standard();
    let writes = calls(&settled(&wanted));
    for call in 0..writes {
        let world = World::default();
        fault_at(&world, call, Fault::Denied);
        let ending = run(&world, "create", &wanted, None);
        let Some(Ending::Refused { why }) = ending else { panic!("call {call}: {ending:?}") };
        let operation = world.calls.borrow()[call].operation();
        assert!(why[0].contains(operation) && why[0].contains("denied"), "{why:?}");
        let doubt = in_doubt_until(world.clock.now(), false);
        run(&world, "delete", &rollback(), Some(doubt));
        assert!(world.inventory().is_empty(), "call {call}");
    }
}

#[test]
fn a_create_without_a_token_is_not_sent_again_while_it_may_have_happened() {
    let wanted = standard();
    let undisturbed = settled(&wanted);
    let sent = undisturbed.calls.borrow();
    let creates = sent.iter().enumerate().filter(|(_, call)| matches!(call.what, What::Create(_)));
    let once: Vec<(usize, &Call)> = creates.filter(|(_, call)| !call.key.kind.create_can_be_repeated()).collect();
    assert_eq!(once.len(), 11, "a VPC, a gateway, an address and eight queries");
    // It happened, and takes its time to be seen; the create is lost to this run, or to an earlier one.
    for (fault, (at, call)) in
        [Fault::LostAnswer, Fault::CrashAfter].iter().flat_map(|it| once.iter().map(move |at| (it, at)))
    {
        let mut world = World::default();
        world.read_lag = Duration::from_secs(30);
        fault_at(&world, *at, *fault);
        let ending = run_to_the_end(&world, "create", &wanted);
        let context = format!("{fault:?} of {}", call.key);
        assert!(matches!(ending, Ending::Settled { .. }), "{context}: {ending:?}");
        let creates = |it: &&Call| it.key == call.key && matches!(it.what, What::Create(_));
        assert_eq!(world.calls.borrow().iter().filter(creates).count(), 1, "{context}");
        assert_is_as_wanted(&world, &wanted, &context);
    }
}
