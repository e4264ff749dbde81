//! The watchdog sends one response to each overdue request, and reports orphaned resources.
#![allow(clippy::expect_used, reason = "a test panics at the first violation")]

use std::sync::atomic::Ordering::SeqCst;

use environment::CallError;
use memory_cloud::Clock;
use requests::records::{DesiredRecord, HistoryEntry, LatestRequest, Progress};
use requests::{CfnResponse, Owner, PhysicalId, Records as _, Request};
use serde_json::{Value, json};
use test_support::{
    BEGIN_S, BlockOn as _, FakeRequestQueue, FakeResponseServer, FlakyRecords, message, message_of, run, sample, sent,
    with,
};
use watchdog::{MarkedResource, OwnershipMarks, Settings, Watchdog};

/// When the response to the sample is due: an hour after the request was sent, less the margin.
const DUE_MS: u64 = (BEGIN_S + 3_600 - 120) * 1_000;

/// The marked resources in a listing of the account. Those whose id ends in `-deleted` do not exist any more: EC2 lists the
/// tags of a deleted NAT gateway for about an hour.
struct Listed(Vec<MarkedResource>);

impl OwnershipMarks for Listed {
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError> {
        Ok(self.0.clone())
    }

    async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError> {
        Ok(resources.into_iter().filter(|it| !it.resource.ends_with("-deleted")).collect())
    }
}

fn marked(owner: &(impl ToString + ?Sized), resource: &str) -> MarkedResource {
    MarkedResource {
        owner: owner.to_string(),
        environment: "scalable-ec2-us-west-2-dev".into(),
        resource: resource.into(),
        copyable_id: resource.strip_prefix("vpc ").map(str::to_owned),
    }
}

type TestWatchdog = Watchdog<FlakyRecords, Listed, FakeRequestQueue>;

fn test_watchdog() -> (TestWatchdog, FakeResponseServer) {
    let response_server = FakeResponseServer::default();
    let variables = [
        ("AWS_REGION", "us-west-2"),
        ("ACCOUNT_ID", "123456789012"),
        ("RECORDS_TABLE", "records"),
        ("RECONCILERS_AT_ONCE", "5"),
    ];
    let read = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let settings = Settings::from_vars(read).expect("valid settings");
    (
        Watchdog {
            settings,
            records: FlakyRecords::default(),
            marks: Listed(vec![]),
            request_queue: Some(FakeRequestQueue::default()),
            response_sender: response_server.response_sender(),
        },
        response_server,
    )
}

fn handle(watchdog: &TestWatchdog, event: Value, now_ms: u64) -> Value {
    run(&Clock::default(), watchdog.handle(event, now_ms, now_ms + 50_000)).expect("the records can be read")
}

fn run_schedule(watchdog: &TestWatchdog, now_ms: u64) -> Value {
    handle(watchdog, sample("watchdog", "schedule.json"), now_ms)
}

/// The ids of the dead letters that SQS redelivers.
fn redelivered(watchdog: &TestWatchdog, dead_letters: &[Value]) -> Vec<String> {
    let response = handle(watchdog, json!({ "Records": dead_letters }), DUE_MS - 60_000);
    let failures = response["batchItemFailures"].as_array().expect("a response for SQS").iter();
    failures.map(|it| it["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

fn create(logical_id: &str) -> Value {
    sent(with(sample("custom-resource", "create.json"), json!({ "LogicalResourceId": logical_id })), 0)
}

fn request(event: &Value) -> Request {
    Request::read(event, BEGIN_S * 1_000).expect("a well-formed request")
}

/// Records a request, as custom-resource does.
fn record(watchdog: &TestWatchdog, event: &Value) -> Owner {
    let request = request(event);
    watchdog.records.inner.record_request(&request.owner(), LatestRequest::of_request(&request)).block_on();
    request.owner()
}

fn record_progress_of(watchdog: &TestWatchdog, event: &Value, condition: &str) {
    let progress = Progress { waiting_for: vec![condition.into()], ..Progress::default() };
    watchdog.records.inner.record_progress(&request(event).owner(), &request(event).hash, progress).block_on();
}

fn record_response(watchdog: &TestWatchdog, event: &Value) {
    let request = request(event);
    let entry = HistoryEntry {
        request_hash: request.hash.clone(),
        kind: request.event.kind,
        sent_ms: 0,
        responded_ms: 1,
        success: true,
        physical_id: "scalable-ec2-us-west-2-dev".to_owned(),
        reason: String::new(),
    };
    watchdog.records.inner.record_history(&request.owner(), vec![entry]).block_on();
}

/// Lambda's record of an invocation with exhausted retries.
fn failed_invocation(event: &Value, condition: &str, error: Option<&str>) -> Value {
    let mut record: Value = {
        let sample = sample("watchdog", "failed-invocation.json");
        serde_json::from_str(sample["Records"][0]["body"].as_str().expect("a body")).expect("JSON")
    };
    record["requestContext"]["condition"] = json!(condition);
    record["requestPayload"] = event.clone();
    match error {
        Some(error) => record["responsePayload"]["errorMessage"] = json!(error),
        None => record["responsePayload"] = Value::Null,
    }
    message("dead-letter", &record)
}

fn only_reason(response_server: &FakeResponseServer) -> String {
    let all = response_server.take();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["Status"], "FAILED");
    let reason = all[0]["Reason"].as_str().expect("a FAILED has a reason");
    // Every reason of the watchdog is for an operator.
    let function = if reason.contains("Lambda stopped retrying") { "custom-resource" } else { "reconciler" };
    assert!(reason.contains(&format!(" Function: scalable-ec2-{function}. Log group: ")), "{reason}");
    assert!(reason.contains(" Runbook: infra/OPERATIONS.md#"), "{reason}");
    message_of(reason).to_owned()
}

#[test]
fn an_overdue_request_gets_one_failed_response_with_its_progress() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    record_progress_of(&watchdog, &web, "nat-gateway a: it is pending");
    assert_eq!(
        run_schedule(&watchdog, DUE_MS),
        json!({ "Responded": [owner.as_str()], "DuePasses": 0, "Orphans": [], "CopiedMarks": [] })
    );
    let reason = only_reason(&response_server);
    for part in [
        "No response was sent by 2026-01-02T04:02:05Z",
        "The request waited for: nat-gateway a: it is pending.",
        &format!("envkeeper:owner={owner}"),
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert_eq!(run_schedule(&watchdog, DUE_MS + 60_000)["Responded"], json!([]));
    assert!(response_server.take().is_empty());
    let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
    assert_eq!((record.response_due_ms, record.history.len(), record.history[0].success), (None, 1, false));
}

/// No stack waits for it, and the record does not wait for ever.
#[test]
fn an_overdue_repair_ends_in_the_history_and_a_dead_letter_of_it_too() {
    for is_dead_letter in [false, true] {
        let (watchdog, response_server) = test_watchdog();
        let ids = json!({ "StackId": "stack", "LogicalResourceId": "Web", "RequestId": "operator-1" });
        let event = with(ids, json!({ "RequestType": "Repair", "PhysicalResourceId": "the-environment" }));
        let request = Request::read_recorded(&event, BEGIN_S * 1_000).expect("a repair");
        let (owner, latest) = (request.owner(), LatestRequest::of_request(&request));
        watchdog.records.inner.record_request(&owner, latest).block_on();
        if is_dead_letter {
            let forged = failed_invocation(&event, "RetriesExhausted", None);
            assert_eq!(redelivered(&watchdog, &[message("forged", &forged)]), [""; 0]);
            let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
            assert!(record.history.is_empty(), "custom-resource takes no repair");
            assert_eq!(redelivered(&watchdog, &[message("1", &event)]), [""; 0]);
        } else {
            run_schedule(&watchdog, DUE_MS);
        }
        let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
        assert_eq!((record.response_due_ms, record.history.len()), (None, 1), "{is_dead_letter}");
        assert_eq!((record.history[0].kind.as_str(), record.history[0].success), ("Repair", false));
        assert!(response_server.take().is_empty());
    }
}

#[test]
fn the_response_repeats_the_id_of_the_event_or_of_the_environment() {
    let (watchdog, response_server) = test_watchdog();
    let delete = sent(sample("custom-resource", "delete-of-nothing.json"), 0);
    record(&watchdog, &delete);
    let other = create("Other");
    let environment = String::from("scalable-ec2-us-west-2-other");
    let desired =
        DesiredRecord { environment, spec: json!({}), frozen: json!({}), retired_tags: vec![], keeps_unlock: false };
    watchdog.records.inner.save_desired(&record(&watchdog, &other), desired).block_on();
    let third = record(&watchdog, &create("Third"));
    run_schedule(&watchdog, DUE_MS);
    let responses = response_server.take();
    let mut ids: Vec<&str> = responses.iter().filter_map(|it| it["PhysicalResourceId"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        [format!("envkeeper-{third}").as_str(), "scalable-ec2-us-west-2-other", "storefront-Web-1RJ7QWERTY0AB"]
    );
}

#[test]
fn an_unusable_id_of_the_event_does_not_hide_the_id_of_the_environment() {
    for unusable in ["", "a\nb", &"x".repeat(1_025)] {
        let (watchdog, response_server) = test_watchdog();
        let update = with(create("Web"), json!({ "RequestType": "Update", "PhysicalResourceId": unusable }));
        let environment = String::from("scalable-ec2-us-west-2-dev");
        let desired = DesiredRecord {
            environment,
            spec: json!({}),
            frozen: json!({}),
            retired_tags: vec![],
            keeps_unlock: false,
        };
        watchdog.records.inner.save_desired(&record(&watchdog, &update), desired).block_on();
        run_schedule(&watchdog, DUE_MS);
        assert_eq!(response_server.take()[0]["PhysicalResourceId"], "scalable-ec2-us-west-2-dev", "{unusable:?}");
    }
}

#[test]
fn a_request_with_a_response_and_one_not_due_yet_get_no_response() {
    let (watchdog, response_server) = test_watchdog();
    record(&watchdog, &create("Web"));
    record_response(&watchdog, &create("Web"));
    record(&watchdog, &sent(create("Later"), 60));
    record(&watchdog, &create("Other"));
    assert_eq!(run_schedule(&watchdog, DUE_MS - 1)["Responded"], json!([]));
    assert!(response_server.take().is_empty());
    assert_eq!(run_schedule(&watchdog, DUE_MS)["Responded"].as_array().map(Vec::len), Some(1));
    assert_eq!(response_server.take()[0]["LogicalResourceId"], "Other");
}

#[test]
fn a_request_that_only_the_lagging_index_lists_gets_no_response() {
    let (watchdog, response_server) = test_watchdog();
    let web = record(&watchdog, &create("Web"));
    record_response(&watchdog, &create("Web"));
    *watchdog.records.lagging.lock().expect("one thread") = vec![web, Owner::of("unknown", "owner")];
    assert_eq!(run_schedule(&watchdog, DUE_MS)["Responded"], json!([]));
    assert!(response_server.take().is_empty());
}

#[test]
fn an_unreadable_record_does_not_delay_other_requests() {
    let (mut watchdog, response_server) = test_watchdog();
    let unreadable = record(&watchdog, &create("Web"));
    let other = record(&watchdog, &create("Other"));
    watchdog.marks = Listed(vec![marked(&unreadable, "vpc vpc-1"), marked("0123456789abcdef0123", "vpc vpc-2")]);
    *watchdog.records.unreadable.lock().expect("one thread") = Some(unreadable);
    let result = run_schedule(&watchdog, DUE_MS);
    assert_eq!(result["Responded"], json!([other.as_str()]));
    assert_eq!(
        result["Orphans"],
        json!([{ "Owner": "0123456789abcdef0123", "Environments": ["scalable-ec2-us-west-2-dev"], "Resources": ["vpc vpc-2"] }])
    );
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn the_response_that_a_reconciler_decided_and_could_not_deliver_is_the_only_one_sent() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    let response = CfnResponse::success(
        &request(&web).response_address,
        PhysicalId::or(None, PhysicalId::of_owner(&owner)),
        [].into(),
    );
    watchdog.records.inner.record_response(&owner, &request(&web).hash, response).block_on();
    run_schedule(&watchdog, DUE_MS);
    let all = response_server.take();
    assert_eq!(all.iter().map(|it| it["Status"].as_str()).collect::<Vec<_>>(), [Some("SUCCESS")]);
}

#[test]
fn a_response_that_does_not_arrive_is_retried_in_the_next_minute() {
    let (watchdog, response_server) = test_watchdog();
    record(&watchdog, &create("Web"));
    response_server.respond_with(503);
    assert_eq!(run_schedule(&watchdog, DUE_MS)["Responded"], json!([]));
    response_server.respond_with(200);
    assert_eq!(run_schedule(&watchdog, DUE_MS + 60_000)["Responded"].as_array().map(Vec::len), Some(1));
}

#[test]
fn unavailable_records_fail_the_invocation() {
    let (watchdog, _) = test_watchdog();
    watchdog.records.throttled.store(1, SeqCst);
    let result = run(&Clock::default(), watchdog.handle(sample("watchdog", "schedule.json"), DUE_MS, DUE_MS + 50_000));
    assert!(result.is_err_and(|error| error.to_string().contains("throttles")));
}

#[test]
fn a_dead_letter_gets_one_response() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    record_progress_of(&watchdog, &web, "the role");
    let dead_letter = message("dead-letter", &web);
    assert_eq!(redelivered(&watchdog, std::slice::from_ref(&dead_letter)), [""; 0]);
    let reason = only_reason(&response_server);
    assert!(reason.starts_with("The request was processed as often as the request queue allows"), "{reason}");
    assert!(reason.contains("The request waited for: the role."), "{reason}");
    assert_eq!(redelivered(&watchdog, &[dead_letter]), [""; 0]);
    assert!(response_server.take().is_empty());
    let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
    assert_eq!(record.response_due_ms, None);
}

#[test]
fn a_superseded_dead_letter_gets_a_response_and_the_newer_request_still_waits() {
    let (watchdog, response_server) = test_watchdog();
    let newer = sent(sample("custom-resource", "delete.json"), 60);
    let owner = record(&watchdog, &newer);
    record_progress_of(&watchdog, &newer, "terminating instances");
    assert_eq!(redelivered(&watchdog, &[message("dead-letter", &create("Web"))]), [""; 0]);
    let reason = only_reason(&response_server);
    assert!(!reason.contains("terminating instances"), "{reason}");
    let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
    assert!(record.response_due_ms.is_some(), "{record:?}");
}

#[test]
fn a_dead_letter_that_matches_no_record_writes_and_sends_nothing() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    record_progress_of(&watchdog, &web, "the role");
    let before = watchdog.records.inner.owner(&owner).block_on();
    let newer = sent(with(web.clone(), json!({ "RequestType": "Update" })), 60);
    let import = with(web, json!({ "RequestType": "Import" }));
    for forged in [newer, create("Other"), import] {
        assert_eq!(redelivered(&watchdog, &[message("dead-letter", &forged)]), [""; 0]);
    }
    assert!(response_server.take().is_empty());
    assert_eq!(watchdog.records.inner.owner(&owner).block_on(), before);
}

/// The invocation of a real Create may fail before its request is recorded. A forged one gets a response too, at an
/// address that only its sender knows.
#[test]
fn a_failed_invocation_without_a_record_gets_a_response_and_changes_no_record() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    record_progress_of(&watchdog, &web, "the role");
    let before = watchdog.records.inner.owner(&owner).block_on();
    for after_s in [0, 60] {
        let update = sent(with(web.clone(), json!({ "RequestType": "Update" })), after_s);
        assert_eq!(redelivered(&watchdog, &[failed_invocation(&update, "RetriesExhausted", Some("x"))]), [""; 0]);
        let reason = only_reason(&response_server);
        assert!(!reason.contains("the role"), "the progress of another request: {reason}");
    }
    assert_eq!(watchdog.records.inner.owner(&owner).block_on(), before);
}

#[test]
fn an_invocation_with_exhausted_retries_gets_a_response_with_its_error() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    record(&watchdog, &web);
    let dead_letter = failed_invocation(&web, "RetriesExhausted", Some("the queue can't be used: no connection"));
    assert_eq!(redelivered(&watchdog, &[dead_letter]), [""; 0]);
    let reason = only_reason(&response_server);
    let expected = "Lambda stopped retrying the request (RetriesExhausted): the queue can't be used: no connection.";
    assert!(reason.starts_with(expected), "{reason}");
    let too_old = failed_invocation(&create("Other"), "EventAgeExceeded", None);
    assert_eq!(redelivered(&watchdog, &[too_old]), [""; 0]);
    let reason = only_reason(&response_server);
    assert!(
        reason.starts_with("Lambda stopped retrying the request (EventAgeExceeded) before a response was sent"),
        "{reason}"
    );
}

#[test]
fn a_failed_invocation_by_a_topic_gets_a_response_to_the_request_in_its_envelope() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    record(&watchdog, &web);
    let topic = json!({ "Records": [{ "Sns": { "Message": web.to_string() } }] });
    let dead_letter = failed_invocation(&topic, "RetriesExhausted", Some("the queue can't be used: no connection"));
    assert_eq!(redelivered(&watchdog, &[dead_letter]), [""; 0]);
    assert!(only_reason(&response_server).starts_with("Lambda stopped retrying the request (RetriesExhausted)"));
}

#[test]
fn a_failed_invocation_whose_request_has_a_response_is_done() {
    let (watchdog, response_server) = test_watchdog();
    let web = create("Web");
    record(&watchdog, &web);
    record_response(&watchdog, &web);
    assert_eq!(redelivered(&watchdog, &[failed_invocation(&web, "RetriesExhausted", Some("x"))]), [""; 0]);
    assert!(response_server.take().is_empty());
}

#[test]
fn a_malformed_event_gets_a_response_and_garbage_is_dropped() {
    let (watchdog, response_server) = test_watchdog();
    let import = with(create("Web"), json!({ "RequestType": "Import" }));
    assert_eq!(redelivered(&watchdog, &[failed_invocation(&import, "RetriesExhausted", Some("x"))]), [""; 0]);
    assert_eq!(only_reason(&response_server), "Lambda stopped retrying the request (RetriesExhausted): x.");
    let garbage = [json!("no { JSON"), json!("7"), json!({}), json!([1]), json!({ "requestPayload": null })];
    let garbage: Vec<Value> = garbage.iter().map(|it| message("garbage", it)).collect();
    assert_eq!(redelivered(&watchdog, &garbage), [""; 0]);
    assert!(response_server.take().is_empty());
}

/// A Create with a property that is JSON, and that no `Value` can hold.
fn unreadable_create(property: &str) -> String {
    let create = with(create("Web"), json!({ "ResourceProperties": { "EnvironmentSuffix": "?" } }));
    create.to_string().replace("\"?\"", property)
}

#[test]
fn a_dead_letter_whose_event_no_value_can_hold_gets_a_response() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (property, fault) in [
        (nested(200), "recursion limit"),
        // A value could hold the event alone: Lambda's record around the event adds a level.
        (nested(125), ""),
        (String::from("1e999"), "number out of range"),
        (String::from("\"\\ud800\""), "hex escape"),
    ] {
        let (watchdog, response_server) = test_watchdog();
        let event = unreadable_create(&property);
        let record = json!({
            "version": "1.0",
            "requestContext": { "condition": "RetriesExhausted" },
            "requestPayload": "?",
            "responsePayload": { "errorMessage": "no connection" },
        });
        let record = record.to_string().replace("\"?\"", &event);
        assert_eq!(redelivered(&watchdog, &[message("dead-letter", &Value::from(record))]), [""; 0]);
        let responses = response_server.take();
        assert_eq!(responses.len(), 1, "{property}: {responses:?}");
        assert_eq!((&responses[0]["Status"], &responses[0]["LogicalResourceId"]), (&json!("FAILED"), &json!("Web")));
        let reason = responses[0]["Reason"].as_str().expect("a FAILED has a reason");
        assert!(
            reason.starts_with("Lambda stopped retrying the request (RetriesExhausted): no connection."),
            "{reason}"
        );
        assert!(reason.contains(fault), "{reason}");
    }
}

#[test]
fn a_delete_that_no_value_can_hold_gets_no_second_response() {
    let (watchdog, response_server) = test_watchdog();
    let text = unreadable_create("1e999").replace("\"Create\"", "\"Delete\"");
    let event = requests::read_event(&text).or_else(|it| it.into_delete(0)).expect("its ids can be read");
    record(&watchdog, &event);
    record_response(&watchdog, &event);
    response_server.take();
    assert_eq!(redelivered(&watchdog, &[message("dead-letter", &Value::from(text))]), [""; 0]);
    assert!(response_server.take().is_empty());
}

#[test]
fn a_response_that_does_not_arrive_requeues_only_its_dead_letter() {
    let (watchdog, response_server) = test_watchdog();
    let (web, other) = (create("Web"), create("Other"));
    record(&watchdog, &web);
    record(&watchdog, &other);
    record_response(&watchdog, &other);
    response_server.respond_with(503);
    assert_eq!(redelivered(&watchdog, &[message("web", &web), message("other", &other)]), ["web"]);
    response_server.respond_with(200);
    watchdog.records.throttled.store(1, SeqCst);
    assert_eq!(redelivered(&watchdog, &[message("web", &web)]), ["web"], "the record of the response is unavailable");
    assert_eq!(redelivered(&watchdog, &[message("web", &web)]), [""; 0]);
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn resources_without_a_known_owner_are_orphans_and_owned_resources_are_not() {
    let (mut watchdog, _) = test_watchdog();
    let existing = record(&watchdog, &create("Web"));
    let deleted = record(&watchdog, &create("Deleted"));
    watchdog.records.inner.mark_deleted(&deleted, 1).block_on();
    record_response(&watchdog, &create("Deleted"));
    let being_deleted = record(&watchdog, &create("Deleting"));
    watchdog.records.inner.mark_deleted(&being_deleted, 1).block_on();
    let unknown = Owner::of("unknown", "owner");
    watchdog.marks = Listed(vec![
        marked(&existing, "vpc vpc-1"),
        marked(&deleted, "vpc vpc-2"),
        marked(&unknown, "vpc vpc-3"),
        marked(&unknown, "subnet subnet-3"),
        marked(&being_deleted, "vpc vpc-4"),
        marked("manually", "vpc vpc-5"),
        marked(&deleted, "natgateway nat-2-deleted"),
        marked(&Owner::of("gone", "owner"), "vpc vpc-6-deleted"),
    ]);
    let result = run_schedule(&watchdog, BEGIN_S * 1_000);
    let orphans = result["Orphans"].as_array().expect("a list");
    let owners: std::collections::BTreeSet<&str> = orphans.iter().filter_map(|it| it["Owner"].as_str()).collect();
    assert_eq!(owners, ["manually", deleted.as_str(), unknown.as_str()].into());
    let of_unknown = orphans.iter().find(|it| it["Owner"] == unknown.as_str()).expect("an orphan");
    assert_eq!(of_unknown["Resources"], json!(["vpc vpc-3", "subnet subnet-3"]));
}

#[test]
fn a_marked_resource_that_the_record_of_a_settled_environment_does_not_know_is_reported() {
    let (mut watchdog, _) = test_watchdog();
    let owner = record(&watchdog, &create("Web"));
    let desired = DesiredRecord {
        environment: "scalable-ec2-us-west-2-dev".into(),
        spec: json!({}),
        frozen: json!({}),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    watchdog.records.inner.save_desired(&owner, desired).block_on();
    let proofs = json!({ "ids": { "vpc-1": { "kind": "vpc", "name": "the-vpc" } }, "intents": [] });
    watchdog.records.inner.mark_settled(&owner, proofs).block_on();
    let all = [marked(&owner, "vpc vpc-1"), marked(&owner, "vpc vpc-2"), marked(&owner, "launch-template lt-1")];
    let all = all.into_iter().chain([marked(&owner, "vpc vpc-3-deleted")]);
    watchdog.marks = Listed(all.collect());
    assert_eq!(run_schedule(&watchdog, BEGIN_S * 1_000)["CopiedMarks"], json!([]), "its request is in progress");
    record_response(&watchdog, &create("Web"));
    let result = run_schedule(&watchdog, BEGIN_S * 1_000);
    assert_eq!(result["CopiedMarks"][0]["Resources"], json!(["vpc vpc-2"]));
    assert_eq!(result["Orphans"], json!([]));
}

#[test]
fn resources_of_another_deployment_are_not_orphans() {
    let (mut watchdog, _) = test_watchdog();
    let marked_for = |environment: &str| MarkedResource {
        environment: environment.into(),
        ..marked("0123456789abcdef0123", environment)
    };
    let others = [
        "web-us-west-2-dev",
        "scalable-ec2-eu-west-1-dev",
        "scalable-ec2-us-west-2",
        "",
        "x-scalable-ec2-us-west-2-dev",
    ];
    watchdog.marks = Listed(others.map(marked_for).into());
    assert_eq!(run_schedule(&watchdog, BEGIN_S * 1_000)["Orphans"], json!([]));
    watchdog.marks.0.push(marked_for("scalable-ec2-us-west-2-dev"));
    assert_eq!(
        run_schedule(&watchdog, BEGIN_S * 1_000)["Orphans"][0]["Resources"],
        json!(["scalable-ec2-us-west-2-dev"])
    );
}

fn sent_messages(watchdog: &TestWatchdog) -> Vec<(String, String, Value)> {
    let queue = watchdog.request_queue.as_ref().expect("a request queue");
    std::mem::take(&mut *queue.sent.lock().expect("one thread"))
}

#[test]
fn the_oldest_due_passes_are_requested_half_as_many_as_reconcilers() {
    let (watchdog, _) = test_watchdog();
    let now_ms = BEGIN_S * 1_000;
    let owners = ["a", "b", "c", "d"].map(|name| Owner::of("stack", name));
    for (owner, due_ms) in owners.iter().zip([now_ms - 1, now_ms - 3, now_ms + 1, now_ms - 2]) {
        watchdog.records.inner.schedule(owner, due_ms).block_on();
    }
    assert_eq!(run_schedule(&watchdog, now_ms)["DuePasses"], 2);
    let expected = [(&owners[1], now_ms - 3), (&owners[3], now_ms - 2)]
        .map(|(owner, due_ms)| (owner.to_string(), format!("due-{owner}-{due_ms}"), json!({ "Due": owner.as_str() })));
    assert_eq!(sent_messages(&watchdog), expected);
    // A pass of the first one has ended, and the next one is due.
    watchdog.records.inner.unschedule(&owners[1]).block_on();
    run_schedule(&watchdog, now_ms);
    let owners_of = |sent: Vec<(String, String, Value)>| -> Vec<String> { sent.into_iter().map(|it| it.0).collect() };
    assert_eq!(owners_of(sent_messages(&watchdog)), [owners[3].as_str(), owners[0].as_str()]);
}

#[test]
fn an_owner_whose_request_waits_for_its_response_gets_no_due_pass() {
    let (watchdog, _) = test_watchdog();
    let web = create("Web");
    let owner = record(&watchdog, &web);
    watchdog.records.inner.schedule(&owner, 1).block_on();
    assert_eq!(run_schedule(&watchdog, BEGIN_S * 1_000)["DuePasses"], 0);
    record_response(&watchdog, &web);
    assert_eq!(run_schedule(&watchdog, BEGIN_S * 1_000)["DuePasses"], 1);
}

#[test]
fn neither_responses_nor_due_passes_stop_at_an_error_of_the_other() {
    let (watchdog, response_server) = test_watchdog();
    record(&watchdog, &create("Web"));
    let other = Owner::of("stack", "other");
    watchdog.records.inner.schedule(&other, 1).block_on();
    let run_once =
        || run(&Clock::default(), watchdog.handle(sample("watchdog", "schedule.json"), DUE_MS, DUE_MS + 50_000));
    // The first read, of the overdue requests, fails.
    watchdog.records.throttled.store(1, SeqCst);
    assert!(run_once().is_err(), "the schedule retries");
    assert_eq!(sent_messages(&watchdog).len(), 1);
    watchdog.request_queue.as_ref().expect("a queue").unavailable.store(true, SeqCst);
    assert!(run_once().is_err(), "the schedule retries");
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn a_dead_letter_that_requested_a_due_pass_is_dropped() {
    let (watchdog, response_server) = test_watchdog();
    let due = json!({ "Due": Owner::of("stack", "Web").as_str() });
    assert_eq!(redelivered(&watchdog, &[message("due", &due)]), [""; 0]);
    assert!(response_server.take().is_empty());
}

#[test]
fn every_sample_is_handled() {
    for (name, responded) in [("dead-letter.json", true), ("failed-invocation.json", true), ("schedule.json", false)] {
        let (watchdog, _) = test_watchdog();
        let event = sample("watchdog", name);
        // Samples have no ResponseURL; the record contains the response.
        let owner = record(&watchdog, &sample("custom-resource", "create.json"));
        handle(&watchdog, event, BEGIN_S * 1_000);
        let record = watchdog.records.inner.owner(&owner).block_on().expect("a record");
        assert_eq!(record.response_due_ms.is_none(), responded, "{name}");
    }
}
