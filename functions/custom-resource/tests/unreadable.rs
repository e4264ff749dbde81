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

fn give(door: &DoorToTheLine, text: &str) -> Result<Value, String> {
    run(&door.clouds.world.clock, door.handle_text(text, DEADLINE_MS)).map_err(|error| error.to_string())
}

#[test]
fn what_cannot_be_read_is_failed_once_with_what_is_wrong_and_what_is_valid() {
    for kind in ["create.json", "update.json"] {
        let event = sent(sample(kind), 0);
        for (text, fault) in unreadable(&event) {
            let (door, post) = door_to_the_line();
            let told = give(&door, &text).expect("delivered");
            let replies = post.take();
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
            let line = door.line.as_ref().expect("it has one");
            assert!(line.sent.lock().expect("one thread").is_empty());
            assert!(door.records.inner.overdue(u64::MAX).await_now().is_empty(), "nobody waits for it");
        }
    }
}

#[test]
fn the_roll_back_of_what_could_not_be_read_is_carried_out() {
    for (number, (create, _)) in unreadable(&sent(sample("create.json"), 0)).into_iter().enumerate() {
        let (mut door, post) = door_to_the_line();
        door.line = None;
        give(&door, &create).expect("delivered");
        let refused = post.take().remove(0);
        let id = json!({ "PhysicalResourceId": refused["PhysicalResourceId"] });
        let delete = unreadable(&with(sent(sample("delete.json"), 60), id))[number].0.clone();
        give(&door, &delete).expect("delivered");
        let answers = post.take();
        assert_eq!((answers.len(), &answers[0]["Status"]), (1, &json!("SUCCESS")), "{answers:?}");
        assert_eq!(door.clouds.writes(), 0);
    }
}

#[test]
fn a_delete_whose_properties_cannot_be_read_deletes_what_there_is() {
    for number in 0..3 {
        let (mut door, post) = door_to_the_line();
        door.line = None;
        ask(&door, sent(sample("create.json"), 0));
        let delete = unreadable(&sent(sample("delete.json"), 600))[number].0.clone();
        give(&door, &delete).expect("delivered");
        assert_eq!(post.take().last().expect("an answer")["Status"], "SUCCESS");
        assert!(door.clouds.world.inventory().is_empty());
    }
}

#[test]
fn a_delete_whose_ids_cannot_be_read_is_failed() {
    let (door, post) = door_to_the_line();
    let delete = with(sent(sample("delete.json"), 0), json!({ "LogicalResourceId": "?" }));
    give(&door, &delete.to_string().replace("\"?\"", r#""\ud800""#)).expect("delivered");
    assert_eq!(post.take()[0]["Status"], "FAILED");
}

#[test]
fn a_failed_that_does_not_arrive_makes_the_invocation_fail_and_the_address_is_not_told() {
    let (door, post) = door_to_the_line();
    let text = unreadable(&sent(sample("create.json"), 0))[0].0.clone();
    post.answers(503);
    let error = give(&door, &text).expect_err("not delivered");
    assert!(!error.contains("X-Amz"), "{error}");
    post.answers(200);
    give(&door, &text).expect("delivered");
    assert_eq!(post.take().len(), 1);
}

#[test]
fn a_readable_event_goes_its_way() {
    let (door, _) = door_to_the_line();
    let create = sent(sample("create.json"), 0);
    assert_eq!(give(&door, &create.to_string()).expect("sent on")["Sent"], "Create");
    assert!(give(&door, "{\"Request\":\"dance\"}").expect("answered")["Error"].is_string());
}
