//! Every write of a request is lost, cut off before, cut off after: the next run converges, or the delete leaves
//! nothing.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use std::time::Duration;

use common::{assert_is_as_desired, resources, rollback, run, run_to_the_end, settled, spec, standard};
use environment::{Call, CallKind, DesiredState, RunOutcome, indeterminate_until};
use memory_cloud::{Fault, MemoryAccount};
use serde_json::json;

const FAULTS: [Fault; 5] =
    [Fault::LostResponse, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter, Fault::Throttled];

fn calls(account: &MemoryAccount) -> usize {
    account.calls.borrow().len()
}

/// Between them they have every kind.
fn environments() -> [DesiredState; 2] {
    [standard(), resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "Egress": "VpcEndpoints" })))]
}

fn fault_at(account: &MemoryAccount, call: usize, fault: Fault) {
    account.faults.borrow_mut().insert(call, fault);
}

#[test]
fn a_create_that_is_disturbed_anywhere_converges_when_it_runs_again() {
    for desired in environments() {
        let writes = calls(&settled(&desired));
        assert!(writes > 20, "{writes} writes");
        for fault in FAULTS {
            for call in 0..writes {
                let account = MemoryAccount::default();
                fault_at(&account, call, fault);
                let ending = run_to_the_end(&account, "create", &desired);
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, RunOutcome::Settled { .. }), "{context}: {ending:?}");
                assert_is_as_desired(&account, &desired, &context);
            }
        }
    }
}

#[test]
fn a_create_that_is_disturbed_anywhere_leaves_nothing_after_its_rollback() {
    for desired in environments() {
        let writes = calls(&settled(&desired));
        for fault in FAULTS {
            for call in 0..writes {
                let account = MemoryAccount::default();
                fault_at(&account, call, fault);
                let ending = run(&account, "create", &desired, None);
                let settled = matches!(ending, Some(RunOutcome::Settled { .. }));
                let doubt = indeterminate_until(account.clock.now(), settled);
                let ending = run(&account, "delete", &rollback(), Some(doubt));
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, Some(RunOutcome::Settled { .. })), "{context}: {ending:?}");
                assert!(account.inventory().is_empty(), "{context}: {:#?}", account.inventory());
            }
        }
    }
}

#[test]
fn a_delete_that_is_disturbed_anywhere_leaves_nothing_when_it_runs_again() {
    for desired in environments() {
        let before = calls(&settled(&desired));
        let undisturbed = settled(&desired);
        run_to_the_end(&undisturbed, "delete", &DesiredState::default());
        for fault in FAULTS {
            for call in before..calls(&undisturbed) {
                let account = settled(&desired);
                fault_at(&account, call, fault);
                let ending = run_to_the_end(&account, "delete", &DesiredState::default());
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(ending, RunOutcome::Settled { .. }), "{context}: {ending:?}");
                assert!(account.inventory().is_empty(), "{context}: {:#?}", account.inventory());
            }
        }
    }
}

#[test]
fn an_update_that_is_disturbed_anywhere_converges_when_it_runs_again() {
    let desired = standard();
    let more = resources(&spec(json!({
        "MinSize": "3", "MaxSize": "6", "ZoneCount": "3", "InstanceType": "t3.small", "LogRetentionDays": "7",
        "Environment": "staging"
    })));
    let before = calls(&settled(&desired));
    let undisturbed = settled(&desired);
    run_to_the_end(&undisturbed, "update", &more);
    assert!(calls(&undisturbed) > before + 10);
    for fault in FAULTS {
        for call in before..calls(&undisturbed) {
            let account = settled(&desired);
            fault_at(&account, call, fault);
            let ending = run_to_the_end(&account, "update", &more);
            let context = format!("{fault:?} at call {call}");
            assert!(matches!(ending, RunOutcome::Settled { .. }), "{context}: {ending:?}");
            assert_is_as_desired(&account, &more, &context);
        }
    }
}

#[test]
fn a_second_run_writes_nothing() {
    let desired = standard();
    let account = settled(&desired);
    let writes = calls(&account);
    let observations = account.observations.get();
    account.clock.advance(account.read_lag);
    assert!(matches!(run(&account, "again", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_eq!(calls(&account), writes);
    assert_eq!(account.observations.get(), observations + 1, "one look is enough");
}

#[test]
fn a_refused_call_ends_the_run_with_its_sentence_and_the_delete_leaves_nothing() {
    let desired = standard();
    let writes = calls(&settled(&desired));
    for call in 0..writes {
        let account = MemoryAccount::default();
        fault_at(&account, call, Fault::Denied);
        let ending = run(&account, "create", &desired, None);
        let Some(RunOutcome::Rejected { reason }) = ending else { panic!("call {call}: {ending:?}") };
        let operation = account.calls.borrow()[call].operation();
        assert!(reason[0].contains(operation) && reason[0].contains("denied"), "{reason:?}");
        let doubt = indeterminate_until(account.clock.now(), false);
        run(&account, "delete", &rollback(), Some(doubt));
        assert!(account.inventory().is_empty(), "call {call}");
    }
}

#[test]
fn a_create_without_a_token_is_not_sent_again_while_it_may_have_happened() {
    let desired = standard();
    let undisturbed = settled(&desired);
    let sent = undisturbed.calls.borrow();
    let creates = sent.iter().enumerate().filter(|(_, call)| matches!(call.kind, CallKind::Create(_)));
    let once: Vec<(usize, &Call)> = creates.filter(|(_, call)| !call.key.kind.create_can_be_repeated()).collect();
    assert_eq!(once.len(), 11, "a VPC, a gateway, an address and eight queries");
    // It happened, and takes its time to be seen; the create is lost to this run, or to an earlier one.
    for (fault, (at, call)) in
        [Fault::LostResponse, Fault::CrashAfter].iter().flat_map(|it| once.iter().map(move |at| (it, at)))
    {
        let mut account = MemoryAccount::default();
        account.read_lag = Duration::from_secs(30);
        fault_at(&account, *at, *fault);
        let ending = run_to_the_end(&account, "create", &desired);
        let context = format!("{fault:?} of {}", call.key);
        assert!(matches!(ending, RunOutcome::Settled { .. }), "{context}: {ending:?}");
        let creates = |it: &&Call| it.key == call.key && matches!(it.kind, CallKind::Create(_));
        assert_eq!(account.calls.borrow().iter().filter(creates).count(), 1, "{context}");
        assert_is_as_desired(&account, &desired, &context);
    }
}
