//! A secret in any property appears in no response and in no log line, and in a record only as accepted desired state.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use crate::common::{BlockOn as _, InlineHandler, handler, invoke, operate, sample, with};
use environment::property;
use requests::{Owner, Records as _};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECRET: &str = "hunter2-correct-horse";

/// Collects every event of every level, with all its fields.
#[derive(Clone, Default)]
struct LogLines(Arc<Mutex<String>>);

impl Visit for LogLines {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut lines = self.0.lock().expect("one thread");
        write!(lines, "{field}={value:?} ").expect("a string");
    }
}

impl Subscriber for LogLines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Values of the wrong type, of the wrong form, too long, nested, and as a name.
fn values() -> Vec<Value> {
    vec![
        json!(SECRET),
        json!(format!("#cloud-config\npassword: {SECRET}")),
        json!(format!("{SECRET}\0")),
        json!(format!("{SECRET}{}", "x".repeat(450_000))),
        json!([SECRET, { "a": SECRET }]),
        json!({ SECRET: SECRET, "nested": { "a": [SECRET] } }),
        json!({ format!("{SECRET} "): SECRET.repeat(40) }),
        json!([{ "Alarm": [SECRET], "Action": SECRET, SECRET.repeat(4): SECRET }]),
    ]
}

/// Sends the event, and returns the response and the log lines as text.
fn texts(handler: &InlineHandler, event: Value) -> (bool, String) {
    let lines = LogLines::default();
    let result = tracing::subscriber::with_default(lines.clone(), || invoke(handler, event));
    let succeeded = result.as_ref().is_ok_and(|it| it["Status"] == "SUCCESS");
    let lines = lines.0.lock().expect("one thread").clone();
    assert!(lines.contains("message="), "log lines are collected: {lines}");
    (succeeded, format!("{result:?} {lines}"))
}

/// The whole record of the sample's resource.
fn record(handler: &InlineHandler, event: &Value) -> String {
    let id = |name: &str| event[name].as_str().expect("an id").to_owned();
    let owner = Owner::of(&id("StackId"), &id("LogicalResourceId"));
    let record = handler.records.owner(&owner).block_on();
    record.map(|it| format!("{it:?} {:?} {:?} {:?}", it.desired, it.settled_spec, it.frozen)).unwrap_or_default()
}

#[test]
fn a_secret_in_a_property_is_in_no_response_and_in_no_log_line() {
    let unknown = ["Password", "UserDataScripts"];
    for name in property::ALL.iter().map(|it| it.name).chain(unknown) {
        for value in values() {
            let handler = handler();
            let mut event = sample("create.json");
            event["ResourceProperties"][name] = value.clone();
            let (succeeded, texts) = texts(&handler, event.clone());
            let shown = value.to_string().chars().take(100).collect::<String>();
            // An accepted name is in the names of resources; an accepted script is in no text.
            if succeeded && !name.ends_with("Script") {
                continue;
            }
            // An alarm that does not exist is named, as the stack author has to find it.
            if name == "RolloutAlarms" && value == json!(SECRET) {
                continue;
            }
            assert!(!texts.contains("hunter2"), "{name} {shown}: {}", texts.chars().take(2_000).collect::<String>());
            assert!(succeeded || !record(&handler, &event).contains("hunter2"), "{name} {shown}");
        }
    }
}

#[test]
fn a_secret_in_a_field_of_the_event_is_in_no_response_and_in_no_log_line() {
    for (field, value) in [
        ("RequestType", json!(SECRET)),
        ("ResourceProperties", json!(SECRET)),
        ("ResourceProperties", json!([SECRET])),
        ("ServiceTimeout", json!(SECRET)),
        ("ServiceTimeout", json!({ "a": SECRET })),
    ] {
        let (_, texts) = texts(&handler(), with(sample("create.json"), json!({ field: value })));
        assert!(!texts.contains("hunter2"), "{field}: {texts}");
    }
    for request in [
        json!({ "Request": SECRET }),
        json!({ "Request": { "a": SECRET } }),
        json!({ "Request": "status", "Environment": SECRET }),
        json!({ "Request": "drift", "Environment": { "a": SECRET } }),
        json!({ "Request": "plan", "ResourceProperties": { "Password": SECRET, "UserDataScript": [SECRET] } }),
        json!({ "Request": "plan", "ResourceProperties": { "EnvironmentSuffix": "dev", "UserDataScript": SECRET } }),
    ] {
        for result in [invoke(&handler(), request.clone()), Ok(operate(&handler(), request.clone()))] {
            assert!(!format!("{result:?}").contains("hunter2"), "{request}: {result:?}");
        }
    }
}

#[test]
fn an_input_of_450_kb_is_answered_in_one_pass() {
    for (name, value) in [
        ("AlarmTopicArn", json!(format!("arn:aws:sns:us-west-2:123456789012:{}", "t".repeat(450_000)))),
        ("EnvironmentSuffix", json!("s".repeat(450_000))),
        ("UserDataScript", json!("#".repeat(450_000))),
        ("Tags", json!({ "k".repeat(450_000): "v" })),
    ] {
        let handler = handler();
        let mut event = sample("create.json");
        event["ResourceProperties"][name] = value;
        let response = invoke(&handler, event).expect("a response");
        let reason = response["Reason"].as_str().expect("a reason");
        assert!(response["Status"] == "FAILED" && reason.starts_with(name), "{response}");
        assert_eq!(handler.cloud_factory.call_count(), 0);
    }
    let handler = handler();
    let mut event = sample("create.json");
    for number in 0..5_000 {
        event["ResourceProperties"][format!("Unknown{number}")] = json!("v");
    }
    let (_, texts) = texts(&handler, event);
    assert!(texts.len() < 30_000 && texts.contains("4950 more properties are not valid."), "{}", texts.len());
}
