//! What becomes of buckets: what somebody stored is never thrown away unasked.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{assert_is_as_desired, look, names, resources, rollback, run, run_to_the_end, scope, settled, spec};
use environment::{Bucket, DesiredState, Fields, Key, Ownership, RunOutcome, indeterminate_until, mark};
use memory_cloud::{Fault, MemoryAccount};
use serde_json::json;

fn with(on_delete: &str) -> DesiredState {
    resources(&spec(json!({ "BucketOnDelete": on_delete, "Egress": "PublicIp" })))
}

fn fill(account: &MemoryAccount, bucket: &Key, full: bool) {
    account.tamper(bucket, |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.holds_objects = full;
        }
    });
    account.clock.advance(account.read_lag);
}

fn bucket(account: &MemoryAccount, key: &Key) -> Option<Bucket> {
    account.inventory().into_iter().find(|it| it.key() == *key).map(|it| match it.fields {
        Fields::Bucket(bucket) => bucket,
        other => panic!("{other:?}"),
    })
}

fn is_settled(ending: Option<&RunOutcome>) -> bool {
    matches!(ending, Some(RunOutcome::Settled { .. }))
}

#[test]
fn retained_buckets_stay_as_they_are_without_an_owner_and_a_later_environment_adopts_them() {
    let desired = with("Retain");
    let account = settled(&desired);
    fill(&account, &names().data_bucket(), true);
    let ending = run(&account, "delete", &DesiredState::default(), None);
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    let left: Vec<Key> = account.inventory().iter().map(environment::Resource::key).collect();
    assert_eq!(left, [names().data_bucket(), names().log_bucket()]);
    for it in look(&account) {
        assert_eq!(it.ownership, Ownership::Retained(names().environment_id()), "{}", it.key());
        assert_eq!(it.resource.tags.get(mark::OWNER), None);
    }

    let ending = run(&account, "create again", &desired, None);
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    assert!(bucket(&account, &names().data_bucket()).expect("it is there").holds_objects, "with all that is in it");
    assert!(look(&account).iter().all(|it| it.ownership == Ownership::Owned));
}

#[test]
fn a_create_that_fails_gives_back_what_it_adopted_and_never_empties_it() {
    let account = settled(&with("Retain"));
    fill(&account, &names().data_bucket(), true);
    run(&account, "delete", &DesiredState::default(), None);
    let calls = account.calls.borrow().len();
    account.faults.borrow_mut().insert(calls + 30, Fault::Denied);
    let ending = run(&account, "create again", &with("Empty"), None);
    assert!(matches!(ending, Some(RunOutcome::Rejected { .. })), "{ending:?}");
    let doubt = indeterminate_until(account.clock.now(), false);
    let ending = run(&account, "rollback", &rollback(), Some(doubt));
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    assert!(bucket(&account, &names().data_bucket()).expect("it was given back").holds_objects);
    assert_eq!(account.inventory().len(), 2);
    assert!(look(&account).iter().all(|it| it.ownership == Ownership::Retained(names().environment_id())));
}

#[test]
fn a_bucket_that_a_create_made_itself_goes_with_its_rollback_if_it_is_empty() {
    for full in [false, true] {
        let account = settled(&with("Empty"));
        fill(&account, &names().data_bucket(), full);
        let ending = run(&account, "rollback", &rollback(), None);
        assert!(is_settled(ending.as_ref()), "{ending:?}");
        let left = bucket(&account, &names().data_bucket());
        assert_eq!(left.map(|it| it.holds_objects), full.then_some(true));
    }
}

#[test]
fn buckets_that_are_to_be_emptied_are_their_logging_turned_off_first() {
    let account = settled(&with("Empty"));
    fill(&account, &names().data_bucket(), true);
    let before = account.calls.borrow().len();
    run(&account, "delete", &DesiredState::default(), None);
    assert!(account.inventory().is_empty());
    let calls = account.calls.borrow();
    let of_data = calls[before..].iter().filter(|call| call.key == names().data_bucket());
    let operations: Vec<&str> = of_data.map(environment::Call::operation).collect();
    assert_eq!(operations, ["s3:PutBucketLogging", "s3:DeleteObjects", "s3:DeleteBucket"]);
}

#[test]
fn a_bucket_that_must_be_empty_and_is_not_stops_the_delete_before_anything_is_gone() {
    let account = settled(&with("FailIfNotEmpty"));
    fill(&account, &names().data_bucket(), true);
    let (before, calls) = (account.inventory(), account.calls.borrow().len());
    let ending = run(&account, "delete", &DesiredState::default(), None);
    let Some(RunOutcome::Rejected { reason }) = ending else { panic!("{ending:?}") };
    assert!(reason[0].contains("BucketOnDelete is FailIfNotEmpty"), "{reason:?}");
    assert_eq!(account.inventory(), before);
    assert_eq!(account.calls.borrow().len(), calls);

    fill(&account, &names().data_bucket(), false);
    fill(&account, &names().log_bucket(), true);
    assert!(is_settled(run(&account, "delete", &DesiredState::default(), None).as_ref()));
    assert_eq!(bucket(&account, &names().data_bucket()), None);
    assert!(bucket(&account, &names().log_bucket()).expect("the logs stay").holds_objects);
}

#[test]
fn a_bucket_that_another_environment_left_behind_is_not_ours() {
    let account = MemoryAccount::default();
    let mut desired = with("Retain");
    let mut other = desired.resources.iter().find(|it| it.key() == names().data_bucket()).expect("one").clone();
    other.tags.remove(mark::OWNER);
    other.tags.insert(mark::RETAINED.into(), "somebody-else".into());
    account.plant(other);
    account.clock.advance(account.read_lag);
    desired.in_service = 0;
    let Some(RunOutcome::Rejected { reason }) = run(&account, "create", &desired, None) else { panic!("not refused") };
    assert!(reason[0].contains("the environment somebody-else left it behind"), "{reason:?}");
}

#[test]
fn a_crash_between_making_a_bucket_and_configuring_it_leaves_it_ours() {
    let desired = with("Retain");
    let creates = settled(&desired);
    let calls = creates.calls.borrow();
    let at: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].operation() == "s3:CreateBucket").collect();
    for at in at {
        let account = MemoryAccount::default();
        account.faults.borrow_mut().insert(at, Fault::CrashAfter);
        assert_eq!(run(&account, "create", &desired, None), None, "killed");
        account.clock.advance(account.read_lag);
        let seen = look(&account);
        let bare = seen.iter().find(|it| it.key() == calls[at].key).expect("it was made");
        assert_eq!(bare.ownership, Ownership::Owned);
        assert_eq!(bare.resource.tags.get(mark::OWNER), Some(&scope().owner));
        run(&account, "create", &desired, None);
        assert_is_as_desired(&account, &desired, "after the crash");
    }
}

const FAULTS: [Fault; 4] = [Fault::LostAnswer, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter];

fn are_all_retained(account: &MemoryAccount, context: &str) {
    let observed = look(account);
    assert_eq!(observed.len(), 2, "{context}: {observed:#?}");
    let retained = Ownership::Retained(names().environment_id());
    assert!(observed.iter().all(|it| it.ownership == retained), "{context}: {observed:#?}");
}

#[test]
fn a_delete_that_retains_and_is_disturbed_anywhere_retains_both_when_it_runs_again() {
    let undisturbed = settled(&with("Retain"));
    let before = undisturbed.calls.borrow().len();
    run(&undisturbed, "delete", &DesiredState::default(), None);
    for fault in FAULTS {
        for call in before..undisturbed.calls.borrow().len() {
            let account = settled(&with("Retain"));
            account.faults.borrow_mut().insert(call, fault);
            let ending = run_to_the_end(&account, "delete", &DesiredState::default());
            assert!(is_settled(Some(&ending)), "{fault:?} at call {call}: {ending:?}");
            are_all_retained(&account, &format!("{fault:?} at call {call}"));
        }
    }
}

/// A world in which an environment left its buckets behind, one of them full.
fn left_behind() -> MemoryAccount {
    let account = settled(&with("Retain"));
    fill(&account, &names().data_bucket(), true);
    run(&account, "delete", &DesiredState::default(), None);
    account
}

#[test]
fn a_create_that_adopts_and_is_disturbed_anywhere_gives_back_what_it_adopted() {
    let undisturbed = left_behind();
    let before = undisturbed.calls.borrow().len();
    run(&undisturbed, "create again", &with("Empty"), None);
    for fault in FAULTS {
        for call in before..undisturbed.calls.borrow().len() {
            let account = left_behind();
            account.faults.borrow_mut().insert(call, fault);
            run(&account, "create again", &with("Empty"), None);
            let doubt = indeterminate_until(account.clock.now(), false);
            let ending = run(&account, "rollback", &rollback(), Some(doubt));
            assert!(is_settled(ending.as_ref()), "{fault:?} at call {call}: {ending:?}");
            are_all_retained(&account, &format!("{fault:?} at call {call}"));
            assert!(
                bucket(&account, &names().data_bucket()).is_some_and(|it| it.holds_objects),
                "it was never emptied"
            );
        }
    }
}
