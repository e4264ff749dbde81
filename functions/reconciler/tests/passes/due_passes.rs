//! Due passes: the messages that request them, and the tasks that they leave.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use request_pass::CloudFactory as _;
use requests::records::DueTask;
use requests::{Owner, Records as _};
use serde_json::{Value, json};
use test_support::{BlockOn as _, message, sent, with};

use crate::harness::{Harness, harness, quick_create, request};

fn due(owner: &Owner) -> Value {
    message("due", &json!({ "Due": owner.as_str() }))
}

/// A settled environment, with a task that is due.
fn settled() -> (Harness, Owner) {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.invoke_until_done(&create);
    assert_eq!(harness.response()["Status"], "SUCCESS");
    let owner = request(&create).owner();
    harness.records.inner.schedule(&owner, harness.cloud_factory.now().0).block_on();
    (harness, owner)
}

/// When the task of an owner is due.
fn due_ms(harness: &Harness, owner: &Owner) -> Option<u64> {
    let all = harness.records.inner.due(u64::MAX, 100).block_on();
    all.into_iter().find(|it| it.owner == *owner).map(|it| it.due_ms)
}

/// The due passes that were requested: the owners.
fn requested(harness: &Harness) -> Vec<String> {
    let sent = std::mem::take(&mut *harness.request_queue.sent.lock().expect("one thread"));
    sent.into_iter().map(|(group, _, _)| group).collect()
}

fn deliver(harness: &Harness, message: Value) {
    assert_eq!(harness.deliver(&[message]), [""; 0], "a due pass never keeps its message");
    assert_eq!(harness.requeued(), None);
}

#[test]
fn a_due_pass_without_work_removes_its_task_and_requests_the_oldest_others() {
    let (harness, owner) = settled();
    let now = harness.cloud_factory.now().0;
    let others = ["a", "b", "c", "d"].map(|name| Owner::of("stack", name));
    for (other, due_ms) in others.iter().zip([now - 1, now - 3, now - 2, now + 3_600_000]) {
        harness.records.inner.schedule(other, due_ms).block_on();
    }
    deliver(&harness, due(&owner));
    assert_eq!(due_ms(&harness, &owner), None);
    assert_eq!(requested(&harness), [others[1].as_str(), others[2].as_str()], "half of five reconcilers");
}

#[test]
fn a_due_pass_yields_to_a_request_that_waits_for_its_response() {
    let (harness, owner) = settled();
    harness.record_request(&sent(with(quick_create(), json!({ "RequestType": "Update" })), 60));
    let observations = harness.cloud_factory.account.observations.get();
    deliver(&harness, due(&owner));
    assert_eq!(harness.cloud_factory.account.observations.get(), observations, "no pass");
    assert_eq!(requested(&harness), [""; 0]);
    // Not listed before the request has its response.
    let record = harness.records.inner.owner(&owner).block_on().expect("a record");
    let (mut entry, now) = (record.history.last().expect("the Create").clone(), harness.cloud_factory.now());
    entry.request_hash = record.latest_request.expect("the Update").request_hash;
    harness.records.inner.record_history(&owner, vec![entry]).block_on();
    assert_eq!(due_ms(&harness, &owner), Some((now + Duration::from_secs(45)).0));
}

/// A pass that always dies would otherwise keep its place among the oldest, and in the end no other pass would run.
#[test]
fn a_due_pass_whose_invocation_died_is_moved_behind_the_others() {
    let (harness, owner) = settled();
    let observations = harness.cloud_factory.account.observations.get();
    deliver(&harness, with(due(&owner), json!({ "attributes": { "ApproximateReceiveCount": "2" } })));
    assert_eq!(harness.cloud_factory.account.observations.get(), observations, "no pass");
    assert_eq!(due_ms(&harness, &owner), Some((harness.cloud_factory.now() + Duration::from_mins(1)).0));
}

#[test]
fn the_task_of_an_owner_without_an_environment_is_removed() {
    let (harness, deleted) = settled();
    let unknown = Owner::of("stack", "unknown");
    harness.records.inner.mark_deleted(&deleted, 1).block_on();
    let observations = harness.cloud_factory.account.observations.get();
    for owner in [&deleted, &unknown] {
        harness.records.inner.schedule(owner, 1).block_on();
        deliver(&harness, due(owner));
        assert_eq!(due_ms(&harness, owner), None);
    }
    assert_eq!(harness.cloud_factory.account.observations.get(), observations, "no pass");
}

#[test]
fn a_due_pass_stays_due_while_the_records_are_unavailable() {
    let (harness, owner) = settled();
    let due_at = due_ms(&harness, &owner);
    harness.records.throttled.store(1, SeqCst);
    deliver(&harness, due(&owner));
    assert_eq!(due_ms(&harness, &owner), due_at);
    assert_eq!(requested(&harness), [""; 0], "the watchdog requests it again");
}

#[test]
fn a_record_that_cannot_be_read_delays_the_due_pass_of_its_owner_alone() {
    let (harness, owner) = settled();
    *harness.records.unreadable.lock().expect("one thread") = Some(owner.clone());
    deliver(&harness, due(&owner));
    assert_eq!(due_ms(&harness, &owner), Some((harness.cloud_factory.now() + Duration::from_mins(1)).0));
}

#[test]
fn a_due_message_in_another_group_or_without_an_owner_is_dropped() {
    let (harness, owner) = settled();
    let foreign = with(due(&owner), json!({ "attributes": { "MessageGroupId": "0123456789abcdef0123" } }));
    let before = due_ms(&harness, &owner);
    for dropped in
        [foreign, message("1", &json!({ "Due": "*" })), message("1", &json!({ "Due": owner.as_str(), "x": 1 }))]
    {
        deliver(&harness, dropped);
    }
    assert_eq!((due_ms(&harness, &owner), requested(&harness)), (before, Vec::new()));
}

#[test]
fn the_sample_is_handled() {
    let (harness, _) = settled();
    let sample = test_support::sample("reconciler", "due.json")["Records"][0].clone();
    let owner = Owner::parse(sample["attributes"]["MessageGroupId"].as_str().expect("a group")).expect("an owner");
    harness.records.inner.schedule(&owner, 1).block_on();
    deliver(&harness, sample);
    let tasks: Vec<DueTask> = harness.records.inner.due(1, 100).block_on();
    assert_eq!(tasks, [], "the owner has no environment");
}
