//! The operator request `doctor`.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use std::time::Duration;

use crate::common::{
    BlockOn as _, InlineHandler, handler, handler_with, queueing_handler, read, sample, sent, succeeded,
};
use requests::records::LatestRequest;
use requests::{Owner, Records as _, Request};
use serde_json::{Value, json};

fn doctor(handler: &InlineHandler) -> Value {
    read(handler, &sample("doctor.json").to_string())
}

/// The check with this name.
fn check<'a>(result: &'a Value, name: &str) -> &'a Value {
    let checks = result["Checks"].as_array().expect("a list");
    checks.iter().find(|it| it["Check"] == name).unwrap_or_else(|| panic!("{name}: {result}"))
}

#[test]
fn a_deployment_whose_parts_work_is_healthy() {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    let result = doctor(&handler);
    assert_eq!(result["Healthy"], json!(true), "{result}");
    let lines: Vec<&str> = result["Text"].as_str().expect("a text").lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.iter().all(|it| it.contains(": ok: ")), "{lines:?}");
}

#[test]
fn invalid_settings_are_a_finding() {
    let result = doctor(&handler_with(&[("PROPERTY_DEFAULTS", r#"{"MaxSizes": 3}"#)]));
    let settings = check(&result, "settings");
    assert_eq!((&result["Healthy"], &settings["Ok"]), (&json!(false), &json!(false)), "{result}");
    assert!(settings["Found"].as_str().is_some_and(|it| it.contains("did you mean MaxSize?")), "{settings}");
    assert!(settings["Advice"].as_str().is_some_and(|it| it.contains("OPERATIONS.md#invalid-settings")), "{settings}");
}

#[test]
fn unreadable_records_are_a_finding() {
    let (handler, _) = queueing_handler();
    handler.records.throttled.store(1, std::sync::atomic::Ordering::SeqCst);
    let result = read(&handler, &sample("doctor.json").to_string());
    let records = check(&result, "records");
    assert_eq!((&result["Healthy"], &records["Ok"]), (&json!(false), &json!(false)), "{result}");
    assert!(records["Advice"].as_str().is_some_and(|it| it.contains("#records-unavailable")), "{records}");
}

/// The watchdog responds within a minute or two of the deadline, and requests due passes every minute.
#[test]
fn a_request_and_a_due_pass_are_findings_five_minutes_after_they_were_due() {
    let handler = handler();
    let clock = &handler.cloud_factory.account.clock;
    let create = Request::read(&sent(sample("create.json"), 0), clock.now().0).expect("a request");
    let latest = LatestRequest::of_request(&create);
    let due_ms = latest.deadline_ms;
    handler.records.record_request(&create.owner(), latest).block_on();
    let other = Owner::parse("0123456789abcdef0123").expect("an owner");
    handler.records.schedule(&other, due_ms).block_on();
    let at = |after: Duration| {
        clock.advance((environment::Timestamp(due_ms) + after) - clock.now());
        doctor(&handler)
    };
    let healthy = at(Duration::from_secs(299));
    assert_eq!(healthy["Healthy"], json!(true), "{healthy}");
    let result = at(Duration::from_secs(301));
    for (name, owner, anchor) in
        [("responses", create.owner(), "#request-overdue"), ("due passes", other, "#watchdog-not-invoked")]
    {
        let check = check(&result, name);
        assert!(check["Found"].as_str().is_some_and(|it| it.contains(owner.as_str())), "{check}");
        assert!(check["Advice"].as_str().is_some_and(|it| it.contains(anchor)), "{check}");
        assert!(result["Text"].as_str().is_some_and(|it| it.contains(&format!("{name}: "))), "{result}");
    }
    assert_eq!(result["Healthy"], json!(false));
}
