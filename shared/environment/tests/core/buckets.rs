//! The deletion of buckets: stored objects are never deleted without the stack author's consent.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

use crate::common::{
    OWNER, assert_converged, names, observe, plan_now, resources, rollback, run, run_until_done, settled, spec,
};
use environment::{
    Bucket, CallKind, DesiredState, Fields, Key, Kind, ObservedResource, Ownership, Resource, RunOutcome, State, Tags,
    indeterminate_until, mark, plan,
};
use memory_cloud::{Fault, MemoryAccount};
use serde_json::json;
use std::convert::Infallible;

fn with(on_delete: &str) -> DesiredState {
    resources(&spec(json!({ "BucketOnDelete": on_delete, "Egress": "PublicIp" })))
}

fn fill(account: &MemoryAccount, bucket: &Key, full: bool) {
    account.tamper(bucket, |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.contains_objects = full;
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

fn is_settled(outcome: Option<&RunOutcome<Infallible>>) -> bool {
    matches!(outcome, Some(RunOutcome::Settled { .. }))
}

/// Allows the owner to adopt the retained buckets, as the operator request `allow-adoption` does.
fn allow(account: &MemoryAccount, owner: &str) {
    for key in [names().data_bucket(), names().log_bucket()] {
        account.tamper(&key, |it| {
            it.tags.insert(mark::ADOPTABLE_BY.into(), owner.into());
        });
    }
    account.clock.advance(account.read_lag);
}

fn consents(account: &MemoryAccount) -> usize {
    account.inventory().iter().filter(|it| it.tags.contains_key(mark::ADOPTABLE_BY)).count()
}

#[test]
fn retained_buckets_keep_their_content_without_an_owner_and_a_later_environment_adopts_them_with_consent() {
    let desired = with("Retain");
    let account = settled(&desired);
    fill(&account, &names().data_bucket(), true);
    let outcome = run(&account, "delete", &DesiredState::default(), None);
    assert!(is_settled(outcome.as_ref()), "{outcome:?}");
    let retained: Vec<Key> = account.inventory().iter().map(environment::Resource::key).collect();
    assert_eq!(retained, [names().data_bucket(), names().log_bucket()]);
    for it in observe(&account) {
        assert_eq!(it.ownership, Ownership::Retained(names().environment_id()), "{}", it.key());
        assert_eq!(it.resource.tags.get(mark::OWNER), None);
    }

    allow(&account, OWNER);
    let outcome = run(&account, "create again", &desired, None);
    assert!(is_settled(outcome.as_ref()), "{outcome:?}");
    assert!(bucket(&account, &names().data_bucket()).expect("it exists").contains_objects, "with its content");
    assert!(observe(&account).iter().all(|it| it.ownership == Ownership::Owned));
    assert_eq!(consents(&account), 0, "the consent is used up");

    run(&account, "delete again", &DesiredState::default(), None);
    let outcome = run(&account, "create a third time", &desired, None);
    assert!(matches!(outcome, Some(RunOutcome::ConsentMissing { .. })), "a consent holds once: {outcome:?}");
}

#[test]
fn without_consent_to_its_owner_a_create_is_rejected_before_its_first_call() {
    let account = account_with_retained_buckets();
    for consent in [None, Some("0123456789abcdef9999"), Some("")] {
        if let Some(owner) = consent {
            allow(&account, owner);
        }
        let (before, calls) = (account.inventory(), account.calls.borrow().len());
        let outcome = run(&account, "create again", &with("Retain"), None);
        let Some(RunOutcome::ConsentMissing { reasons }) = outcome else { panic!("{consent:?}: {outcome:?}") };
        for (key, reason) in [names().data_bucket(), names().log_bucket()].iter().zip(reasons.iter().rev()) {
            let expected = format!("{key} exists: the deleted environment {} retained it", names().environment_id());
            assert!(reason.starts_with(&expected), "{reason}");
        }
        assert_eq!((account.inventory(), account.calls.borrow().len()), (before, calls));
    }
}

#[test]
fn an_adoption_begins_with_the_owners_mark_and_then_removes_the_consent() {
    let account = account_with_retained_buckets();
    allow(&account, OWNER);
    account.tamper(&names().data_bucket(), |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.versioning = false;
        }
    });
    let plan = plan_now(&account, &with("Retain"));
    let step = plan.steps.iter().find(|it| it.key == names().data_bucket()).expect("a step");
    let calls: Vec<String> = step.calls.iter().map(ToString::to_string).collect();
    assert!(calls[0].contains(&format!("tag envkeeper:owner: {OWNER}")), "{calls:?}");
    assert_eq!(calls[1], format!("s3:PutBucketTagging (tag envkeeper:adoptable-by: {OWNER})"), "{calls:?}");
    assert_eq!(calls[2..], ["s3:PutBucketVersioning (versioning: true)"], "{calls:?}");
}

#[test]
fn only_buckets_are_adopted() {
    let desired = with("Retain");
    for resource in &desired.resources {
        let mut retained = resource.clone();
        if matches!(retained.fields, Fields::Bucket(_)) || !retained.tags.contains_key(mark::OWNER) {
            continue;
        }
        retained.tags.remove(mark::OWNER);
        retained.tags.insert(mark::RETAINED.into(), names().environment_id());
        retained.tags.insert(mark::ADOPTABLE_BY.into(), OWNER.into());
        let observed = ObservedResource {
            id: Some("id".into()),
            ownership: ObservedResource::ownership(&retained.tags, OWNER),
            resource: retained,
            state: State::Ready,
            references: vec![],
            version: None,
        };
        let plan = plan(&desired, std::slice::from_ref(&observed));
        let rejected: Vec<String> = plan.rejected.iter().map(ToString::to_string).collect();
        assert_eq!(rejected.len(), 1, "{}: {rejected:?}", observed.key());
        assert!(rejected[0].contains("only buckets are retained"), "{rejected:?}");
        assert!(!plan.needs_consent(), "no consent helps: {rejected:?}");
    }
}

#[test]
fn a_failed_create_retains_the_adopted_buckets_again_and_never_empties_them() {
    let account = settled(&with("Retain"));
    fill(&account, &names().data_bucket(), true);
    run(&account, "delete", &DesiredState::default(), None);
    allow(&account, OWNER);
    let calls = account.calls.borrow().len();
    account.faults.borrow_mut().insert(calls + 30, Fault::Denied);
    let outcome = run(&account, "create again", &with("Empty"), None);
    assert!(matches!(outcome, Some(RunOutcome::CallRejected { .. })), "{outcome:?}");
    let indeterminate = indeterminate_until(account.clock.now(), false);
    let outcome = run(&account, "rollback", &rollback(), Some(indeterminate));
    assert!(is_settled(outcome.as_ref()), "{outcome:?}");
    assert!(bucket(&account, &names().data_bucket()).expect("it was retained again").contains_objects);
    assert_eq!(account.inventory().len(), 2);
    assert!(observe(&account).iter().all(|it| it.ownership == Ownership::Retained(names().environment_id())));
    assert_eq!(consents(&account), 0, "a returned bucket carries no consent");
}

#[test]
fn a_rollback_deletes_a_bucket_of_its_own_create_only_if_it_is_empty() {
    for full in [false, true] {
        let account = settled(&with("Empty"));
        fill(&account, &names().data_bucket(), full);
        let outcome = run(&account, "rollback", &rollback(), None);
        assert!(is_settled(outcome.as_ref()), "{outcome:?}");
        let remaining = bucket(&account, &names().data_bucket());
        assert_eq!(remaining.map(|it| it.contains_objects), full.then_some(true));
    }
}

#[test]
fn access_logging_is_disabled_before_a_bucket_is_emptied() {
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
fn a_full_bucket_with_fail_if_not_empty_stops_the_delete_before_its_first_call() {
    let account = settled(&with("FailIfNotEmpty"));
    fill(&account, &names().data_bucket(), true);
    let (before, calls) = (account.inventory(), account.calls.borrow().len());
    let outcome = run(&account, "delete", &DesiredState::default(), None);
    let Some(RunOutcome::Rejected { reasons }) = outcome else { panic!("{outcome:?}") };
    assert!(reasons[0].contains("BucketOnDelete is FailIfNotEmpty"), "{reasons:?}");
    assert_eq!(account.inventory(), before);
    assert_eq!(account.calls.borrow().len(), calls);

    fill(&account, &names().data_bucket(), false);
    fill(&account, &names().log_bucket(), true);
    assert!(is_settled(run(&account, "delete", &DesiredState::default(), None).as_ref()));
    assert_eq!(bucket(&account, &names().data_bucket()), None);
    assert!(bucket(&account, &names().log_bucket()).expect("the logs are retained").contains_objects);
}

#[test]
fn a_bucket_retained_by_another_environment_is_not_adopted() {
    let account = MemoryAccount::default();
    let mut desired = with("Retain");
    let mut other = desired.resources.iter().find(|it| it.key() == names().data_bucket()).expect("one").clone();
    other.tags.remove(mark::OWNER);
    other.tags.insert(mark::RETAINED.into(), "another-environment".into());
    account.plant(other);
    account.clock.advance(account.read_lag);
    desired.in_service = 0;
    let Some(RunOutcome::Rejected { reasons }) = run(&account, "create", &desired, None) else {
        panic!("not rejected")
    };
    assert!(reasons[0].contains("the environment another-environment retained it"), "{reasons:?}");
}

#[test]
fn a_crash_between_creating_and_configuring_a_bucket_leaves_it_owned() {
    let desired = with("Retain");
    let creates = settled(&desired);
    let calls = creates.calls.borrow();
    let at: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].operation() == "s3:CreateBucket").collect();
    for at in at {
        let account = MemoryAccount::default();
        account.faults.borrow_mut().insert(at, Fault::CrashAfter);
        assert_eq!(run(&account, "create", &desired, None), None, "killed");
        account.clock.advance(account.read_lag);
        let observed = observe(&account);
        let bare = observed.iter().find(|it| it.key() == calls[at].key).expect("it was created");
        assert_eq!(bare.ownership, Ownership::Owned);
        assert_eq!(bare.resource.tags.get(mark::OWNER), Some(&OWNER.to_owned()));
        run(&account, "create", &desired, None);
        assert_converged(&account, &desired, "after the crash");
    }
}

const FAULTS: [Fault; 4] = [Fault::LostResponse, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter];

fn assert_all_retained(account: &MemoryAccount, context: &str) {
    let observed = observe(account);
    assert_eq!(observed.len(), 2, "{context}: {observed:#?}");
    let retained = Ownership::Retained(names().environment_id());
    assert!(observed.iter().all(|it| it.ownership == retained), "{context}: {observed:#?}");
}

#[test]
fn a_retaining_delete_with_a_fault_at_any_call_retains_both_buckets_on_its_next_run() {
    let without_faults = settled(&with("Retain"));
    let before = without_faults.calls.borrow().len();
    run(&without_faults, "delete", &DesiredState::default(), None);
    for fault in FAULTS {
        for call in before..without_faults.calls.borrow().len() {
            let account = settled(&with("Retain"));
            account.faults.borrow_mut().insert(call, fault);
            let outcome = run_until_done(&account, "delete", &DesiredState::default());
            assert!(is_settled(Some(&outcome)), "{fault:?} at call {call}: {outcome:?}");
            assert_all_retained(&account, &format!("{fault:?} at call {call}"));
        }
    }
}

/// An account in which a deleted environment retained its buckets, one of them full.
fn account_with_retained_buckets() -> MemoryAccount {
    let account = settled(&with("Retain"));
    fill(&account, &names().data_bucket(), true);
    run(&account, "delete", &DesiredState::default(), None);
    account
}

#[test]
fn the_rollback_of_an_adopting_create_with_a_fault_at_any_call_retains_the_adopted_buckets() {
    let without_faults = account_with_retained_buckets();
    allow(&without_faults, OWNER);
    let before = without_faults.calls.borrow().len();
    run(&without_faults, "create again", &with("Empty"), None);
    for fault in FAULTS {
        for call in before..without_faults.calls.borrow().len() {
            let account = account_with_retained_buckets();
            allow(&account, OWNER);
            account.faults.borrow_mut().insert(call, fault);
            run(&account, "create again", &with("Empty"), None);
            let indeterminate = indeterminate_until(account.clock.now(), false);
            let outcome = run(&account, "rollback", &rollback(), Some(indeterminate));
            assert!(is_settled(outcome.as_ref()), "{fault:?} at call {call}: {outcome:?}");
            assert_all_retained(&account, &format!("{fault:?} at call {call}"));
            assert!(
                bucket(&account, &names().data_bucket()).is_some_and(|it| it.contains_objects),
                "the bucket was never emptied"
            );
        }
    }
}

/// Everybody with the right to tag the bucket can set its tag.
#[test]
fn a_buckets_tag_alone_never_deletes_objects() {
    let account = settled(&resources(&spec(json!({ "BucketOnDelete": "Empty" }))));
    for bucket in [names().data_bucket(), names().log_bucket()] {
        account.tamper(&bucket, |it| {
            if let Fields::Bucket(bucket) = &mut it.fields {
                bucket.contains_objects = true;
            }
        });
    }
    let delete = DesiredState { retains_objects: true, ..DesiredState::default() };
    run(&account, "delete", &delete, None);
    let left: Vec<Key> = account.inventory().iter().map(environment::Resource::key).collect();
    assert_eq!(left, [names().data_bucket(), names().log_bucket()]);
}

/// In the European Sovereign Cloud the create call of a bucket takes no tags. A crash between this call and the next one
/// leaves a bucket without the mark, which the create intent in the record covers.
#[test]
fn a_bucket_that_a_crash_left_without_tags_is_marked_by_the_next_run_and_deleted_by_a_rollback() {
    let desired = with("Empty");
    let complete = settled(&desired);
    let creates: Vec<usize> = complete
        .calls
        .borrow()
        .iter()
        .enumerate()
        .filter(|(_, it)| it.key.kind == Kind::Bucket && matches!(it.kind, CallKind::Create(_)))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(creates.len(), 2);
    for (at, fault) in creates.iter().flat_map(|at| [(at, Fault::CrashAfter), (at, Fault::LostResponse)]) {
        let start = || {
            let mut account = MemoryAccount::default();
            account.buckets_take_tags_at_creation = false;
            account.faults.borrow_mut().insert(*at, fault);
            account
        };
        let account = start();
        let outcome = run_until_done(&account, "create", &desired);
        assert!(matches!(outcome, RunOutcome::Settled { .. }), "{fault:?} at {at}: {outcome:?}");
        assert_converged(&account, &desired, &format!("{fault:?} at {at}"));

        let account = start();
        run(&account, "create", &desired, None);
        let indeterminate = indeterminate_until(account.clock.now(), false);
        let outcome = run(&account, "delete", &rollback(), Some(indeterminate));
        assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{fault:?} at {at}: {outcome:?}");
        assert_eq!(account.inventory(), [], "{fault:?} at {at}");
    }
}

/// Without a create intent a bucket without tags is another actor's.
#[test]
fn a_bucket_without_tags_and_without_an_intent_is_foreign() {
    let account = MemoryAccount::default();
    let foreign =
        Resource { name: names().data_bucket().name, tags: Tags::new(), fields: Fields::Bucket(Bucket::default()) };
    account.plant(foreign.clone());
    account.clock.advance(account.read_lag);
    let outcome = run(&account, "create", &with("Empty"), None);
    assert!(matches!(outcome, Some(RunOutcome::Rejected { .. })), "{outcome:?}");
    assert_eq!(account.inventory(), [foreign]);
}
