//! The handler with a request queue: the requests that it queues, those that it responds to, and those that Lambda
//! retries.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::sync::atomic::Ordering::SeqCst;

use crate::common::{BlockOn as _, QueueingHandler, failed, invoke, queueing_handler, sample, send, sent, with};
use requests::records::HistoryEntry;
use requests::{Kind, Owner, Records as _, request_hash};
use serde_json::{Value, json};

/// The requests in the request queue.
fn queued(handler: &QueueingHandler) -> Vec<(String, String, Value)> {
    handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread").clone()
}

fn owner(event: &Value) -> Owner {
    let id = |name: &str| event[name].as_str().expect("an id");
    Owner::of(id("StackId"), id("LogicalResourceId"))
}

#[test]
fn a_valid_request_is_recorded_and_queued_without_a_call_to_the_cloud() {
    let (handler, response_server) = queueing_handler();
    let create = sent(sample("create.json"), 0);
    let result = send(&handler, create.clone());
    assert_eq!(result, json!({ "Sent": "Create", "Owner": owner(&create).as_str() }));
    let hash = request_hash(&create);
    assert_eq!(queued(&handler), [(owner(&create).to_string(), hash.clone(), create.clone())]);
    let record = handler.records.inner.owner(&owner(&create)).block_on().expect("a record");
    assert!(record.is_latest(&hash) && record.response_due_ms.is_some(), "{record:?}");
    assert_eq!(handler.cloud_factory.call_count(), 0, "the role of the function allows no such call");
    assert!(response_server.take().is_empty());
}

#[test]
fn a_request_that_is_delivered_twice_is_queued_once() {
    let (handler, _) = queueing_handler();
    let create = sent(sample("create.json"), 0);
    for _ in 0..2 {
        send(&handler, create.clone());
    }
    assert_eq!(queued(&handler).len(), 1, "both have the same deduplication id");
}

#[test]
fn an_invalid_request_fails_at_once_and_is_not_queued() {
    for (event, wrong) in [
        (sample("bad-input.json"), "ZoneCount"),
        (with(sample("create.json"), json!({ "RequestType": "Import" })), "RequestType is \"Import\""),
    ] {
        let (handler, response_server) = queueing_handler();
        let reason = failed(&handler, sent(event, 0));
        assert!(reason.contains(wrong), "{reason}");
        assert_eq!(response_server.take().len(), 1);
        assert_eq!(queued(&handler), []);
        assert!(handler.records.inner.overdue(u64::MAX).block_on().is_empty(), "no response is pending");
    }
}

#[test]
fn a_delete_of_a_protected_environment_is_rejected_before_it_is_queued() {
    let (mut handler, response_server) = queueing_handler();
    let request_queue = handler.request_queue.take();
    let protected = json!({ "ResourceProperties": { "DeletionProtection": "true" } });
    crate::common::succeeded(&handler, sent(with(sample("create.json"), protected), 0));
    handler.request_queue = request_queue;
    let reason = failed(&handler, sent(sample("delete.json"), 400));
    assert!(reason.starts_with("DeletionProtection is true"), "{reason}");
    assert_eq!((response_server.take().len(), queued(&handler)), (2, vec![]));
}

#[test]
fn an_older_request_is_rejected_before_it_is_queued() {
    let (handler, _) = queueing_handler();
    send(&handler, sent(sample("delete.json"), 60));
    let reason = failed(&handler, sent(sample("create.json"), 0));
    assert!(reason.starts_with("Superseded: CloudFormation sent a newer Delete for this resource."), "{reason}");
    assert_eq!(queued(&handler).len(), 1);
}

#[test]
fn a_request_that_cannot_be_queued_fails_the_invocation_so_that_lambda_retries() {
    let (handler, response_server) = queueing_handler();
    let create = sent(sample("create.json"), 0);
    let request_queue = handler.request_queue.as_ref().expect("a request queue");
    request_queue.unavailable.store(true, SeqCst);
    let error = invoke(&handler, create.clone()).expect_err("not queued");
    assert!(error.contains("requests.fifo"), "{error}");
    request_queue.unavailable.store(false, SeqCst);
    send(&handler, create);
    assert_eq!(queued(&handler).len(), 1);
    assert!(response_server.take().is_empty());
}

#[test]
fn throttled_records_fail_the_invocation_and_denied_records_fail_the_request() {
    let (handler, response_server) = queueing_handler();
    let create = sent(sample("create.json"), 0);
    for throttled in 1..3 {
        handler.records.throttled.store(throttled, SeqCst);
        for _ in 0..throttled {
            let error = invoke(&handler, create.clone()).expect_err("not recorded");
            assert!(error.contains("throttles the table"), "{error}");
        }
    }
    assert_eq!(queued(&handler), []);
    *handler.records.unreadable.lock().expect("one thread") = Some(owner(&create));
    let reason = failed(&handler, create);
    assert!(reason.contains("can't be read"), "{reason}");
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn an_undelivered_response_fails_the_invocation() {
    let (handler, response_server) = queueing_handler();
    response_server.respond_with(503);
    let error = invoke(&handler, sent(sample("bad-input.json"), 0)).expect_err("not delivered");
    assert!(error.contains("not delivered"), "{error}");
}

#[test]
fn a_redelivered_request_with_a_entry_gets_no_second_response_after_a_newer_request() {
    let (handler, response_server) = queueing_handler();
    let (create, delete) = (sent(sample("create.json"), 0), sent(sample("delete.json"), 60));
    send(&handler, create.clone());
    let entry = HistoryEntry {
        request_hash: request_hash(&create),
        kind: Kind::Create,
        sent_ms: 0,
        responded_ms: 1,
        success: true,
        physical_id: "scalable-ec2-us-west-2-dev".to_owned(),
        reason: String::new(),
    };
    handler.records.inner.record_history(&owner(&create), vec![entry]).block_on();
    send(&handler, delete);
    assert_eq!(
        send(&handler, create.clone()),
        json!({ "RespondedBefore": "Create", "Owner": owner(&create).as_str() })
    );
    assert!(response_server.take().is_empty());
    assert_eq!(queued(&handler).len(), 2, "the redelivered request is not queued");
}
