//! The handler, with text that is JSON and that no `Value` can hold: each such request gets a response.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{BlockOn as _, DEADLINE_MS, QueueingHandler, queueing_handler, sample, send, sent, with};
use requests::Records as _;
use serde_json::{Value, json};
use test_support::run;

/// Variants of an event with an unreadable property, each with the parser's error.
fn unreadable(event: &Value) -> [(String, &'static str); 3] {
    let event = with(event.clone(), json!({ "ResourceProperties": { "Extra": ["?"] } })).to_string();
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let broken = |value: &str| event.replace("\"?\"", value);
    [
        (broken(&nested), "recursion limit exceeded at line 1 column"),
        (broken("1e999"), "number out of range at line 1 column"),
        (broken(r#""\ud800""#), "hex escape at line 1 column"),
    ]
}

fn handle_text(handler: &QueueingHandler, text: &str) -> Result<Value, String> {
    run(&handler.cloud_factory.account.clock, custom_resource::handle(handler, text, DEADLINE_MS))
        .map_err(|error| error.to_string())
}

#[test]
fn an_unreadable_event_gets_one_failed_with_the_error_and_the_valid_form() {
    for kind in ["create.json", "update.json"] {
        let event = sent(sample(kind), 0);
        for (text, error) in unreadable(&event) {
            let (handler, response_server) = queueing_handler();
            let result = handle_text(&handler, &text).expect("delivered");
            let responses = response_server.take();
            assert_eq!(responses, [result]);
            let reason = responses[0]["Reason"].as_str().expect("a FAILED has a reason");
            assert!(reason.contains(error) && reason.contains("valid is"), "{reason}");
            assert_eq!(responses[0]["Status"], "FAILED");
            for id in ["StackId", "RequestId", "LogicalResourceId"] {
                assert_eq!(responses[0][id], event[id], "{id}");
            }
            if let Some(id) = event.get("PhysicalResourceId") {
                assert_eq!(&responses[0]["PhysicalResourceId"], id);
            }
            let request_queue = handler.request_queue.as_ref().expect("a request queue");
            assert!(request_queue.sent.lock().expect("one thread").is_empty());
            assert!(handler.records.inner.overdue(u64::MAX).block_on().is_empty(), "no response is pending");
        }
    }
}

#[test]
fn the_rollback_of_an_unreadable_create_is_processed() {
    for (number, (create, _)) in unreadable(&sent(sample("create.json"), 0)).into_iter().enumerate() {
        let (mut handler, response_server) = queueing_handler();
        handler.request_queue = None;
        handle_text(&handler, &create).expect("delivered");
        let rejected = response_server.take().remove(0);
        let id = json!({ "PhysicalResourceId": rejected["PhysicalResourceId"] });
        let delete = unreadable(&with(sent(sample("delete.json"), 60), id))[number].0.clone();
        handle_text(&handler, &delete).expect("delivered");
        let responses = response_server.take();
        assert_eq!((responses.len(), &responses[0]["Status"]), (1, &json!("SUCCESS")), "{responses:?}");
        assert_eq!(handler.cloud_factory.write_count(), 0);
    }
}

#[test]
fn a_delete_with_unreadable_properties_deletes_the_environment() {
    for number in 0..3 {
        let (mut handler, response_server) = queueing_handler();
        handler.request_queue = None;
        send(&handler, sent(sample("create.json"), 0));
        let delete = unreadable(&sent(sample("delete.json"), 600))[number].0.clone();
        handle_text(&handler, &delete).expect("delivered");
        assert_eq!(response_server.take().last().expect("a response")["Status"], "SUCCESS");
        assert!(handler.cloud_factory.account.inventory().is_empty());
    }
}

#[test]
fn a_delete_with_unreadable_ids_fails() {
    let (handler, response_server) = queueing_handler();
    let delete = with(sent(sample("delete.json"), 0), json!({ "LogicalResourceId": "?" }));
    handle_text(&handler, &delete.to_string().replace("\"?\"", r#""\ud800""#)).expect("delivered");
    assert_eq!(response_server.take()[0]["Status"], "FAILED");
}

#[test]
fn an_undelivered_failed_fails_the_invocation_without_exposing_the_response_address() {
    let (handler, response_server) = queueing_handler();
    let text = unreadable(&sent(sample("create.json"), 0))[0].0.clone();
    response_server.respond_with(503);
    let error = handle_text(&handler, &text).expect_err("not delivered");
    assert!(!error.contains("X-Amz"), "{error}");
    response_server.respond_with(200);
    handle_text(&handler, &text).expect("delivered");
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn a_readable_event_is_handled_as_usual() {
    let (handler, _) = queueing_handler();
    let create = sent(sample("create.json"), 0);
    assert_eq!(handle_text(&handler, &create.to_string()).expect("queued")["Sent"], "Create");
    assert!(handle_text(&handler, "{\"Request\":\"dance\"}").expect("a result")["Error"].is_string());
}
