//! The door with a line: what it sends on, what it answers itself, and what Lambda has to try again.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::sync::atomic::Ordering::SeqCst;

use common::{DoorToTheLine, Now as _, ask, door_to_the_line, failed, invoke, sample, sent, with};
use requests::records::SentResponse;
use requests::{Kind, Owner, Records as _, request_hash};
use serde_json::{Value, json};

/// What stands in the line.
fn in_line(handler: &DoorToTheLine) -> Vec<(String, String, Value)> {
    handler.request_queue.as_ref().expect("it has one").sent.lock().expect("one thread").clone()
}

fn owner(event: &Value) -> Owner {
    let id = |name: &str| event[name].as_str().expect("an id");
    Owner::of(id("StackId"), id("LogicalResourceId"))
}

#[test]
fn a_good_request_is_noted_and_sent_on_and_nothing_is_touched() {
    let (handler, response_server) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    let told = ask(&handler, create.clone());
    assert_eq!(told, json!({ "Sent": "Create", "Owner": owner(&create).as_str() }));
    let hash = request_hash(&create);
    assert_eq!(in_line(&handler), [(owner(&create).to_string(), hash.clone(), create.clone())]);
    let record = handler.records.inner.owner(&owner(&create)).await_now().expect("a record");
    assert!(record.is_latest(&hash) && record.response_due_ms.is_some(), "{record:?}");
    assert_eq!(handler.cloud_factory.asked(), 0, "the door's role could not");
    assert!(response_server.take().is_empty());
}

#[test]
fn a_request_that_comes_twice_stands_in_the_line_once() {
    let (handler, _) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    for _ in 0..2 {
        ask(&handler, create.clone());
    }
    assert_eq!(in_line(&handler).len(), 1, "both have one name");
}

#[test]
fn a_bad_request_is_failed_at_once_and_not_sent() {
    for (event, wrong) in [
        (sample("bad-input.json"), "ZoneCount"),
        (with(sample("create.json"), json!({ "RequestType": "Import" })), "RequestType is \"Import\""),
    ] {
        let (handler, response_server) = door_to_the_line();
        let reason = failed(&handler, sent(event, 0));
        assert!(reason.contains(wrong), "{reason}");
        assert_eq!(response_server.take().len(), 1);
        assert_eq!(in_line(&handler), []);
        assert!(handler.records.inner.overdue(u64::MAX).await_now().is_empty(), "nobody waits for it");
    }
}

#[test]
fn a_protected_environment_is_refused_at_the_door() {
    let (mut handler, response_server) = door_to_the_line();
    let request_queue = handler.request_queue.take();
    let protected = json!({ "ResourceProperties": { "DeletionProtection": "true" } });
    common::succeeded(&handler, sent(with(sample("create.json"), protected), 0));
    handler.request_queue = request_queue;
    let reason = failed(&handler, sent(sample("delete.json"), 400));
    assert!(reason.starts_with("DeletionProtection is true"), "{reason}");
    assert_eq!((response_server.take().len(), in_line(&handler)), (2, vec![]));
}

#[test]
fn an_older_request_is_refused_at_the_door() {
    let (handler, _) = door_to_the_line();
    ask(&handler, sent(sample("delete.json"), 60));
    let reason = failed(&handler, sent(sample("create.json"), 0));
    assert!(reason.starts_with("Superseded: a newer Delete has come"), "{reason}");
    assert_eq!(in_line(&handler).len(), 1);
}

#[test]
fn what_cannot_be_sent_on_makes_the_invocation_fail_so_that_lambda_tries_again() {
    let (handler, response_server) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    let request_queue = handler.request_queue.as_ref().expect("it has one");
    request_queue.broken.store(true, SeqCst);
    let error = invoke(&handler, create.clone()).expect_err("nothing was sent");
    assert!(error.contains("requests.fifo"), "{error}");
    request_queue.broken.store(false, SeqCst);
    ask(&handler, create);
    assert_eq!(in_line(&handler).len(), 1);
    assert!(response_server.take().is_empty());
}

#[test]
fn records_that_throttle_make_the_invocation_fail_and_those_that_are_denied_the_request() {
    let (handler, response_server) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    for throttled in 1..3 {
        handler.records.throttled.store(throttled, SeqCst);
        for _ in 0..throttled {
            let error = invoke(&handler, create.clone()).expect_err("nothing was noted");
            assert!(error.contains("throttles the table"), "{error}");
        }
    }
    assert_eq!(in_line(&handler), []);
    *handler.records.unreadable.lock().expect("one thread") = Some(owner(&create));
    let reason = failed(&handler, create);
    assert!(reason.contains("can't be read"), "{reason}");
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn an_answer_that_does_not_arrive_makes_the_invocation_fail() {
    let (handler, response_server) = door_to_the_line();
    response_server.responses(503);
    let error = invoke(&handler, sent(sample("bad-input.json"), 0)).expect_err("somebody waits");
    assert!(error.contains("not delivered"), "{error}");
}

#[test]
fn a_request_that_was_answered_and_comes_again_after_a_newer_one_gets_no_second_answer() {
    let (handler, response_server) = door_to_the_line();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 60));
    ask(&handler, create.clone());
    let answered = SentResponse {
        request_hash: request_hash(&create),
        kind: Kind::Create,
        sent_ms: 0,
        responded_ms: 1,
        success: true,
        reason: String::new(),
    };
    handler.records.inner.record_sent_responses(&owner(&create), vec![answered]).await_now();
    ask(&handler, delete);
    assert_eq!(ask(&handler, create.clone()), json!({ "AnsweredBefore": "Create", "Owner": owner(&create).as_str() }));
    assert!(response_server.take().is_empty());
    assert_eq!(in_line(&handler).len(), 2, "nor is it sent on");
}
