//! The operator request `repair`.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{BlockOn as _, InlineHandler, handler, queueing_handler, sample, send, succeeded, with, writes};
use environment::{Fields, Kind};
use requests::{Owner, Records as _};
use serde_json::{Value, json};

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

fn error(result: &Value) -> &str {
    result["Error"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn owner() -> Owner {
    Owner::of(sample("create.json")["StackId"].as_str().expect("an id"), "Web")
}

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

fn tamper_with_the_group(account: &memory_cloud::MemoryAccount) {
    let group = account.inventory().into_iter().find(|it| it.kind() == Kind::AutoScalingGroup).expect("a group");
    account.tamper(&group.key(), |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
}

#[test]
fn a_repair_without_a_confirmation_returns_the_plan_and_the_command_that_carries_it_out() {
    let handler = created();
    tamper_with_the_group(&handler.cloud_factory.account);
    let drift = send(&handler, sample("drift.json"));
    let hint = "\nTo see the calls that correct it, run: envkeeper repair scalable-ec2-us-west-2-dev";
    assert!(drift["Text"].as_str().is_some_and(|it| it.contains(hint)), "{drift}");
    let before = (writes(&handler), handler.records.owner(&owner()).block_on());
    for confirm in [json!({}), json!({ "Confirm": false })] {
        let request = with(json!({ "Request": "repair", "Environment": ENVIRONMENT }), confirm);
        let result = send(&handler, request);
        assert_eq!(result["Steps"][0]["Changes"], json!(["max-size 9 → 3"]), "{result}");
        let text = result["Text"].as_str().expect("a text");
        let confirmed = r#"add "Confirm":true to the request, or run: envkeeper repair scalable-ec2-us-west-2-dev"#;
        assert!(text.ends_with(&format!("\nNothing was changed. To carry this plan out, {confirmed}")), "{text}");
    }
    for invalid in [json!("true"), json!(1), json!(null)] {
        let result = send(&handler, with(sample("repair.json"), json!({ "Confirm": invalid })));
        assert!(error(&result).starts_with("Confirm is ") && error(&result).contains("valid is true"), "{result}");
    }
    assert_eq!((writes(&handler), handler.records.owner(&owner()).block_on()), before);
}

#[test]
fn a_confirmed_repair_corrects_the_drift_and_is_in_the_status() {
    let handler = created();
    tamper_with_the_group(&handler.cloud_factory.account);
    let result = send(&handler, sample("repair.json"));
    assert_eq!(
        (&result["Response"]["Status"], &result["Repair"]),
        (&json!("SUCCESS"), &json!(ENVIRONMENT)),
        "{result}"
    );
    assert_eq!(send(&handler, sample("drift.json"))["Drift"], json!([]));
    let status = send(&handler, sample("status.json"));
    assert_eq!((&status["State"], &status["Responses"][0]["Kind"]), (&json!("settled"), &json!("Repair")));
    let plan = send(&handler, json!({ "Request": "repair", "Environment": ENVIRONMENT }));
    assert_eq!(plan["Text"], "Nothing to do: no resource has drift.", "{plan}");
}

#[test]
fn a_repair_is_queued_and_superseded_by_the_next_update() {
    let (mut handler, _) = queueing_handler();
    let request_queue = handler.request_queue.take();
    succeeded(&handler, sample("create.json"));
    handler.request_queue = request_queue;
    let before = handler.cloud_factory.write_count();
    let result = send(&handler, sample("repair.json"));
    let text = result["Text"].as_str().expect("a text");
    assert!(text.starts_with("The Repair of scalable-ec2-us-west-2-dev is queued. To see its status, run: "), "{text}");
    let sent = handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread").clone();
    assert_eq!((sent[0].0.as_str(), &sent[0].2["RequestType"]), (owner().as_str(), &json!("Repair")));
    assert_eq!(handler.cloud_factory.write_count(), before);
    let status = send(&handler, sample("status.json"));
    let text = status["Text"].as_str().expect("a text");
    assert!(text.contains("its Repair has been in progress for 3 s"), "{text}");

    let refused = "The repair of scalable-ec2-us-west-2-dev is refused: its Repair has been in progress since ";
    let planned = send(&handler, json!({ "Request": "repair", "Environment": ENVIRONMENT }));
    assert!(error(&planned).starts_with(refused), "{planned}");
    // The function may have died between the record and the queue: the same request is queued again, and no second one.
    let recorded = handler.records.inner.owner(&owner()).block_on();
    handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread").clear();
    let again = send(&handler, sample("repair.json"));
    assert_eq!((&again["Text"], handler.records.inner.owner(&owner()).block_on()), (&result["Text"], recorded));
    assert_eq!(*handler.request_queue.as_ref().expect("a request queue").sent.lock().expect("one thread"), sent);
    send(&handler, sample("update.json"));
    let latest = handler.records.inner.owner(&owner()).block_on().expect("a record").latest_request;
    assert_eq!(latest.expect("a request").kind, requests::Kind::Update);
}

#[test]
fn a_repair_of_no_environment_is_refused() {
    let result = send(&handler(), sample("repair.json"));
    assert!(error(&result).contains("no environment has this name"), "{result}");
    let handler = handler();
    handler.cloud_factory.account.faults.borrow_mut().insert(12, memory_cloud::Fault::Denied);
    send(&handler, sample("create.json"));
    let before = handler.records.owner(&owner()).block_on();
    let result = send(&handler, sample("repair.json"));
    assert!(error(&result).contains("it has never settled"), "{result}");
    assert_eq!(handler.records.owner(&owner()).block_on(), before);
}
