//! The door, given text that is JSON and that no `Value` can hold: whoever waits for an answer gets one.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{DEADLINE_MS, DoorToTheLine, Now as _, ask, door_to_the_line, sample, sent, with};
use requests::Records as _;
use serde_json::{Value, json};
use test_support::run;

/// An event with something in its properties, which the second word says the fault of.
fn unreadable(event: &Value) -> [(String, &'static str); 3] {
    let event = with(event.clone(), json!({ "ResourceProperties": { "Extra": ["?"] } })).to_string();
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let broken = |what: &str| event.replace("\"?\"", what);
    [
        (broken(&nested), "recursion limit exceeded at line 1 column"),
        (broken("1e999"), "number out of range at line 1 column"),
        (broken(r#""\ud800""#), "hex escape at line 1 column"),
    ]
}

fn give(handler: &DoorToTheLine, text: &str) -> Result<Value, String> {
    run(&handler.cloud_factory.account.clock, handler.handle_text(text, DEADLINE_MS)).map_err(|error| error.to_string())
}

#[test]
fn what_cannot_be_read_is_failed_once_with_what_is_wrong_and_what_is_valid() {
    for kind in ["create.json", "update.json"] {
        let event = sent(sample(kind), 0);
        for (text, fault) in unreadable(&event) {
            let (handler, response_server) = door_to_the_line();
            let told = give(&handler, &text).expect("delivered");
            let replies = response_server.take();
            assert_eq!(replies, [told]);
            let reason = replies[0]["Reason"].as_str().expect("a FAILED has a reason");
            assert!(reason.contains(fault) && reason.contains("valid is"), "{reason}");
            assert_eq!(replies[0]["Status"], "FAILED");
            for id in ["StackId", "RequestId", "LogicalResourceId"] {
                assert_eq!(replies[0][id], event[id], "{id}");
            }
            if let Some(came) = event.get("PhysicalResourceId") {
                assert_eq!(&replies[0]["PhysicalResourceId"], came);
            }
            let request_queue = handler.request_queue.as_ref().expect("it has one");
            assert!(request_queue.sent.lock().expect("one thread").is_empty());
            assert!(handler.records.inner.overdue(u64::MAX).await_now().is_empty(), "nobody waits for it");
        }
    }
}

#[test]
fn the_roll_back_of_what_could_not_be_read_is_carried_out() {
    for (number, (create, _)) in unreadable(&sent(sample("create.json"), 0)).into_iter().enumerate() {
        let (mut handler, response_server) = door_to_the_line();
        handler.request_queue = None;
        give(&handler, &create).expect("delivered");
        let rejected = response_server.take().remove(0);
        let id = json!({ "PhysicalResourceId": rejected["PhysicalResourceId"] });
        let delete = unreadable(&with(sent(sample("delete.json"), 60), id))[number].0.clone();
        give(&handler, &delete).expect("delivered");
        let responses = response_server.take();
        assert_eq!((responses.len(), &responses[0]["Status"]), (1, &json!("SUCCESS")), "{responses:?}");
        assert_eq!(handler.cloud_factory.writes(), 0);
    }
}

#[test]
fn a_delete_whose_properties_cannot_be_read_deletes_what_there_is() {
    for number in 0..3 {
        let (mut handler, response_server) = door_to_the_line();
        handler.request_queue = None;
        ask(&handler, sent(sample("create.json"), 0));
        let delete = unreadable(&sent(sample("delete.json"), 600))[number].0.clone();
        give(&handler, &delete).expect("delivered");
        assert_eq!(response_server.take().last().expect("an answer")["Status"], "SUCCESS");
        assert!(handler.cloud_factory.account.inventory().is_empty());
    }
}

#[test]
fn a_delete_whose_ids_cannot_be_read_is_failed() {
    let (handler, response_server) = door_to_the_line();
    let delete = with(sent(sample("delete.json"), 0), json!({ "LogicalResourceId": "?" }));
    give(&handler, &delete.to_string().replace("\"?\"", r#""\ud800""#)).expect("delivered");
    assert_eq!(response_server.take()[0]["Status"], "FAILED");
}

#[test]
fn a_failed_that_does_not_arrive_makes_the_invocation_fail_and_the_address_is_not_told() {
    let (handler, response_server) = door_to_the_line();
    let text = unreadable(&sent(sample("create.json"), 0))[0].0.clone();
    response_server.responses(503);
    let error = give(&handler, &text).expect_err("not delivered");
    assert!(!error.contains("X-Amz"), "{error}");
    response_server.responses(200);
    give(&handler, &text).expect("delivered");
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn a_readable_event_goes_its_way() {
    let (handler, _) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    assert_eq!(give(&handler, &create.to_string()).expect("sent on")["Sent"], "Create");
    assert!(give(&handler, "{\"Request\":\"dance\"}").expect("answered")["Error"].is_string());
}
