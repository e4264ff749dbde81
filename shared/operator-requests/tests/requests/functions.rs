//! What each of the two functions takes, and what it logs and repeats of its caller.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{BlockOn as _, InlineHandler, handler, operate, read, sample, send, succeeded, with, writes};
use operator_requests::{REQUESTS, RequestKind};
use requests::{Owner, Records as _};
use serde_json::{Value, json};

fn error(result: &Value) -> &str {
    result["Error"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

/// Everything that a request could write: calls to the account, and the record.
fn state(handler: &InlineHandler) -> (usize, String) {
    let owner = Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web");
    (writes(handler), format!("{:?}", handler.records.owner(&owner).block_on()))
}

#[test]
fn operator_read_performs_the_reading_requests_alone_and_operator_all_of_them() {
    let handler = created();
    let before = state(&handler);
    for row in REQUESTS {
        let event = json!({ "Request": row.name, "Environment": "scalable-ec2-us-west-2-dev" }).to_string();
        let result = read(&handler, &event);
        let refusal = format!(
            "Request is \"{}\": it changes environments, and this function only reads. Send it to the function",
            row.name
        );
        let is_refused = result["Error"].as_str().is_some_and(|it| it.starts_with(&refusal));
        assert_eq!(is_refused, matches!(row.kind, RequestKind::Change(_)), "{result}");
        assert!(!is_refused || error(&result).ends_with(" operator."), "{result}");
    }
    assert_eq!(state(&handler), before);
    for row in REQUESTS {
        let result = operate(&handler, &json!({ "Request": row.name }).to_string());
        assert!(result["Error"].as_str().is_none_or(|it| !it.starts_with("Request is ")), "{result}");
    }
}

#[test]
fn the_function_of_the_settings_is_named() {
    let mut handler = handler();
    handler.settings = test_support::settings(&[("OPERATOR_FUNCTION", "web-operator")]);
    let result = read(&handler, &sample("roll.json").to_string());
    assert!(error(&result).ends_with("Send it to the function web-operator."), "{result}");
}

#[test]
fn an_event_of_cloudformation_or_of_a_service_is_refused_by_both_and_writes_nothing() {
    let handler = created();
    let before = state(&handler);
    let delete = sample("delete.json");
    let both = with(sample("status.json"), json!({ "RequestType": "Delete" }));
    let topic = json!({ "Records": [{ "Sns": { "Message": sample("unlock.json").to_string() } }] });
    let queue = json!({ "Records": [{ "body": delete.to_string() }], "Request": "status" });
    let cases = [
        (delete, "RequestType is given: this function takes operator requests alone"),
        (both, "RequestType is given"),
        (topic, "Records is given: this function takes operator requests alone"),
        (queue, "Records is given"),
        (json!([]), "Request is null: valid is "),
        (json!({}), "Request is null: valid is "),
        (json!({ "request": "status" }), "request is not a field of a request"),
    ];
    for (event, expected) in cases {
        for result in [read(&handler, &event.to_string()), operate(&handler, &event.to_string())] {
            assert!(error(&result).starts_with(expected), "{event}: {result}");
            assert_eq!(result["Text"], result["Error"]);
        }
    }
    for result in [read(&handler, "{\"Request\": 1e999}"), operate(&handler, "{\"Request\": 1e999}")] {
        assert!(error(&result).starts_with("The request can't be read: "), "{result}");
    }
    assert_eq!(state(&handler), before);
}

#[test]
fn a_caller_is_repeated_as_claimed_and_decides_nothing() {
    let handler = created();
    let without = send(&handler, sample("drift.json"));
    assert!(without.get("ClaimedCaller").is_none(), "{without}");
    let longest = "c".repeat(256);
    for caller in ["arn:aws:sts::123456789012:assumed-role/Operator/jane", longest.as_str()] {
        let mut result = send(&handler, with(sample("drift.json"), json!({ "Caller": caller })));
        let claimed = result.as_object_mut().expect("an object").remove("ClaimedCaller");
        assert_eq!((claimed, &result), (Some(json!(caller)), &without));
    }
    let unknown = send(&handler, json!({ "Request": "status", "Environment": "x", "Caller": "jane" }));
    assert_eq!((unknown["ClaimedCaller"].as_str(), error(&unknown).is_empty()), (Some("jane"), false));
    for caller in [json!(""), json!("c".repeat(257)), json!("jane\n"), json!("jan\u{e9}"), json!(null), json!(["jane"])]
    {
        let result = send(&handler, with(sample("drift.json"), json!({ "Caller": caller })));
        let valid = ": valid is a text of 1 to 256 printable ASCII characters";
        assert!(error(&result).starts_with("Caller is ") && error(&result).ends_with(valid), "{result}");
    }
}
