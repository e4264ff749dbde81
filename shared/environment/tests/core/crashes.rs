//! Every write of a request is lost, or the process is killed before it or after it: the next run converges, or the
//! delete leaves no resources.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test panics on unexpected data, and takes JSON by value"
)]

use std::time::Duration;

use crate::common::{assert_converged, resources, rollback, run, run_until_done, settled, spec, standard};
use environment::{Call, CallKind, DesiredState, RunOutcome, indeterminate_until};
use memory_cloud::{Fault, MemoryAccount};
use serde_json::json;

const FAULTS: [Fault; 5] =
    [Fault::LostResponse, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter, Fault::Throttled];

fn calls(account: &MemoryAccount) -> usize {
    account.calls.borrow().len()
}

/// Together these environments have every kind of resource.
fn environments() -> [DesiredState; 2] {
    [standard(), resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "Egress": "VpcEndpoints" })))]
}

fn fault_at(account: &MemoryAccount, call: usize, fault: Fault) {
    account.faults.borrow_mut().insert(call, fault);
}

#[test]
fn a_create_with_a_fault_at_any_call_converges_on_its_next_run() {
    for desired in environments() {
        let writes = calls(&settled(&desired));
        assert!(writes > 20, "{writes} writes");
        for fault in FAULTS {
            for call in 0..writes {
                let account = MemoryAccount::default();
                fault_at(&account, call, fault);
                let outcome = run_until_done(&account, "create", &desired);
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(outcome, RunOutcome::Settled { .. }), "{context}: {outcome:?}");
                assert_converged(&account, &desired, &context);
            }
        }
    }
}

#[test]
fn the_rollback_of_a_create_with_a_fault_at_any_call_leaves_no_resources() {
    for desired in environments() {
        let writes = calls(&settled(&desired));
        for fault in FAULTS {
            for call in 0..writes {
                let account = MemoryAccount::default();
                fault_at(&account, call, fault);
                let outcome = run(&account, "create", &desired, None);
                let settled = matches!(outcome, Some(RunOutcome::Settled { .. }));
                let indeterminate = indeterminate_until(account.clock.now(), settled);
                let outcome = run(&account, "delete", &rollback(), Some(indeterminate));
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{context}: {outcome:?}");
                assert!(account.inventory().is_empty(), "{context}: {:#?}", account.inventory());
            }
        }
    }
}

#[test]
fn a_delete_with_a_fault_at_any_call_leaves_no_resources_after_its_next_run() {
    for desired in environments() {
        let before = calls(&settled(&desired));
        let without_faults = settled(&desired);
        run_until_done(&without_faults, "delete", &DesiredState::default());
        for fault in FAULTS {
            for call in before..calls(&without_faults) {
                let account = settled(&desired);
                fault_at(&account, call, fault);
                let outcome = run_until_done(&account, "delete", &DesiredState::default());
                let context = format!("{fault:?} at call {call}");
                assert!(matches!(outcome, RunOutcome::Settled { .. }), "{context}: {outcome:?}");
                assert!(account.inventory().is_empty(), "{context}: {:#?}", account.inventory());
            }
        }
    }
}

#[test]
fn an_update_with_a_fault_at_any_call_converges_on_its_next_run() {
    let desired = standard();
    let more = resources(&spec(json!({
        "MinSize": "3", "MaxSize": "6", "ZoneCount": "3", "InstanceType": "t3.small", "LogRetentionDays": "7",
        "Environment": "staging"
    })));
    let before = calls(&settled(&desired));
    let without_faults = settled(&desired);
    run_until_done(&without_faults, "update", &more);
    assert!(calls(&without_faults) > before + 10);
    for fault in FAULTS {
        for call in before..calls(&without_faults) {
            let account = settled(&desired);
            fault_at(&account, call, fault);
            let outcome = run_until_done(&account, "update", &more);
            let context = format!("{fault:?} at call {call}");
            assert!(matches!(outcome, RunOutcome::Settled { .. }), "{context}: {outcome:?}");
            assert_converged(&account, &more, &context);
        }
    }
}

#[test]
fn a_second_run_sends_no_calls() {
    let desired = standard();
    let account = settled(&desired);
    let writes = calls(&account);
    let observations = account.observations.get();
    account.clock.advance(account.read_lag);
    assert!(matches!(run(&account, "again", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_eq!(calls(&account), writes);
    assert_eq!(account.observations.get(), observations + 1, "one observation is enough");
}

#[test]
fn a_rejected_call_ends_the_run_with_its_reason_and_the_delete_leaves_no_resources() {
    let desired = standard();
    let writes = calls(&settled(&desired));
    for call in 0..writes {
        let account = MemoryAccount::default();
        fault_at(&account, call, Fault::Denied);
        let outcome = run(&account, "create", &desired, None);
        let Some(RunOutcome::CallRejected { reasons }) = outcome else { panic!("call {call}: {outcome:?}") };
        let operation = account.calls.borrow()[call].operation();
        assert!(reasons[0].contains(operation) && reasons[0].contains("denied"), "{reasons:?}");
        let indeterminate = indeterminate_until(account.clock.now(), false);
        run(&account, "delete", &rollback(), Some(indeterminate));
        assert!(account.inventory().is_empty(), "call {call}");
    }
}

#[test]
fn a_create_without_a_token_is_not_sent_again_while_it_is_indeterminate() {
    let desired = standard();
    let without_faults = settled(&desired);
    let sent = without_faults.calls.borrow();
    let creates = sent.iter().enumerate().filter(|(_, call)| matches!(call.kind, CallKind::Create(_)));
    let once: Vec<(usize, &Call)> = creates.filter(|(_, call)| !call.key.kind.facts().create_can_be_repeated).collect();
    assert_eq!(once.len(), 11, "a VPC, a gateway, an address and eight queries");
    // The create succeeded, and becomes visible late; its response is lost to this run, or to an earlier one.
    for (fault, (at, call)) in
        [Fault::LostResponse, Fault::CrashAfter].iter().flat_map(|it| once.iter().map(move |at| (it, at)))
    {
        let mut account = MemoryAccount::default();
        account.read_lag = Duration::from_secs(30);
        fault_at(&account, *at, *fault);
        let outcome = run_until_done(&account, "create", &desired);
        let context = format!("{fault:?} of {}", call.key);
        assert!(matches!(outcome, RunOutcome::Settled { .. }), "{context}: {outcome:?}");
        let creates = |it: &&Call| it.key == call.key && matches!(it.kind, CallKind::Create(_));
        assert_eq!(account.calls.borrow().iter().filter(creates).count(), 1, "{context}");
        assert_converged(&account, &desired, &context);
    }
}
