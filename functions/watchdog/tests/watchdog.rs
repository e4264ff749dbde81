//! The watchdog: who still waits is answered, once; what belongs to nobody is told.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::sync::atomic::Ordering::SeqCst;

use memory_cloud::Clock;
use requests::records::{DecidedResponse, DesiredRecord, LatestRequest, Progress, SentResponse};
use requests::{CfnResponse, Owner, PhysicalId, Records as _, Request};
use serde_json::{Value, json};
use test_support::{BEGIN_S, FakeResponseServer, Now as _, Shaky, message, run, sample, sent, with};
use watchdog::{Marked, Marks, Settings, Watchdog};

/// When the sample is due: an hour after it was sent, less the margin.
const DUE_MS: u64 = (BEGIN_S + 3_600 - 120) * 1_000;

/// Marks, as a listing of the account shows them.
struct Listed(Vec<Marked>);

impl Marks for Listed {
    async fn marked(&self) -> Result<Vec<Marked>, String> {
        Ok(self.0.clone())
    }
}

fn marked(owner: &(impl ToString + ?Sized), resource: &str) -> Marked {
    Marked { owner: owner.to_string(), environment: "scalable-ec2-us-west-2-dev".into(), resource: resource.into() }
}

type Dog = Watchdog<Shaky, Listed>;

fn dog() -> (Dog, FakeResponseServer) {
    let response_server = FakeResponseServer::default();
    let variables = [("AWS_REGION", "us-west-2"), ("ACCOUNT_ID", "123456789012"), ("RECORDS_TABLE", "records")];
    let read = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let settings = Settings::from_vars(read).expect("good settings");
    (
        Watchdog {
            settings,
            records: Shaky::default(),
            marks: Listed(vec![]),
            response_sender: response_server.response_sender(),
        },
        response_server,
    )
}

fn handle(dog: &Dog, event: Value, now_ms: u64) -> Value {
    run(&Clock::default(), dog.handle(event, now_ms, now_ms + 50_000)).expect("the records can be read")
}

fn minute(dog: &Dog, now_ms: u64) -> Value {
    handle(dog, sample("watchdog", "schedule.json"), now_ms)
}

/// The ids of the letters that come again.
fn dead_letters(dog: &Dog, dead_letters: &[Value]) -> Vec<String> {
    let response = handle(dog, json!({ "Records": dead_letters }), DUE_MS - 60_000);
    let failures = response["batchItemFailures"].as_array().expect("an answer for SQS").iter();
    failures.map(|it| it["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

fn create(logical_id: &str) -> Value {
    sent(with(sample("custom-resource", "create.json"), json!({ "LogicalResourceId": logical_id })), 0)
}

fn request(event: &Value) -> Request {
    Request::read(event, BEGIN_S * 1_000).expect("it makes sense")
}

/// A request that the door has noted.
fn noted(dog: &Dog, event: &Value) -> Owner {
    let request = request(event);
    dog.records.inner.record_request(&request.owner(), LatestRequest::of_request(&request)).await_now();
    request.owner()
}

fn waits_for(dog: &Dog, event: &Value, what: &str) {
    let progress = Progress { waiting_for: vec![what.into()], since_ms: 1 };
    dog.records.inner.record_progress(&request(event).owner(), &request(event).hash, progress).await_now();
}

fn answered(dog: &Dog, event: &Value) {
    let request = request(event);
    let response = SentResponse {
        request_hash: request.hash.clone(),
        kind: request.event.kind,
        sent_ms: 0,
        responded_ms: 1,
        success: true,
        reason: String::new(),
    };
    dog.records.inner.record_sent_responses(&request.owner(), vec![response]).await_now();
}

/// The letter that Lambda writes of an invocation that failed for good.
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
    message("letter", &record)
}

fn one_reason(response_server: &FakeResponseServer) -> String {
    let all = response_server.take();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["Status"], "FAILED");
    all[0]["Reason"].as_str().expect("a FAILED has a reason").to_owned()
}

#[test]
fn what_is_overdue_gets_failed_once_with_what_it_waited_for() {
    let (dog, response_server) = dog();
    let web = create("Web");
    let owner = noted(&dog, &web);
    waits_for(&dog, &web, "nat-gateway a: it is pending");
    assert_eq!(minute(&dog, DUE_MS), json!({ "Answered": [owner.as_str()], "Orphans": [] }));
    let reason = one_reason(&response_server);
    for part in [
        "Nobody answered by 2026-01-02T04:02:05Z",
        "It waited for: nat-gateway a: it is pending.",
        &format!("envkeeper:owner={owner}"),
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert_eq!(minute(&dog, DUE_MS + 60_000)["Answered"], json!([]));
    assert!(response_server.take().is_empty());
    let record = dog.records.inner.owner(&owner).await_now().expect("a record");
    assert_eq!((record.response_due_ms, record.responses.len(), record.responses[0].success), (None, 1, false));
}

#[test]
fn the_answer_repeats_the_id_that_came_or_the_environments() {
    let (dog, response_server) = dog();
    let delete = sent(sample("custom-resource", "delete-of-nothing.json"), 0);
    noted(&dog, &delete);
    let other = create("Other");
    let environment = String::from("scalable-ec2-us-west-2-other");
    let desired = DesiredRecord { environment, spec: json!({}), frozen: json!({}), retired_tags: vec![] };
    dog.records.inner.save_desired(&noted(&dog, &other), desired).await_now();
    let third = noted(&dog, &create("Third"));
    minute(&dog, DUE_MS);
    let replies = response_server.take();
    let mut ids: Vec<&str> = replies.iter().filter_map(|it| it["PhysicalResourceId"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        [format!("envkeeper-{third}").as_str(), "scalable-ec2-us-west-2-other", "storefront-Web-1RJ7QWERTY0AB"]
    );
}

#[test]
fn an_id_that_came_and_cannot_be_answered_does_not_hide_the_environments() {
    for unusable in ["", "a\nb", &"x".repeat(1_025)] {
        let (dog, response_server) = dog();
        let update = with(create("Web"), json!({ "RequestType": "Update", "PhysicalResourceId": unusable }));
        let environment = String::from("scalable-ec2-us-west-2-dev");
        let desired = DesiredRecord { environment, spec: json!({}), frozen: json!({}), retired_tags: vec![] };
        dog.records.inner.save_desired(&noted(&dog, &update), desired).await_now();
        minute(&dog, DUE_MS);
        assert_eq!(response_server.take()[0]["PhysicalResourceId"], "scalable-ec2-us-west-2-dev", "{unusable:?}");
    }
}

#[test]
fn what_is_answered_or_not_due_yet_gets_none() {
    let (dog, response_server) = dog();
    noted(&dog, &create("Web"));
    answered(&dog, &create("Web"));
    noted(&dog, &sent(create("Later"), 60));
    noted(&dog, &create("Other"));
    assert_eq!(minute(&dog, DUE_MS - 1)["Answered"], json!([]));
    assert!(response_server.take().is_empty());
    assert_eq!(minute(&dog, DUE_MS)["Answered"].as_array().map(Vec::len), Some(1));
    assert_eq!(response_server.take()[0]["LogicalResourceId"], "Other");
}

#[test]
fn what_the_index_still_lists_and_the_record_does_not_is_left_alone() {
    let (dog, response_server) = dog();
    let web = noted(&dog, &create("Web"));
    answered(&dog, &create("Web"));
    *dog.records.lagging.lock().expect("one thread") = vec![web, Owner::of("nobody", "knows")];
    assert_eq!(minute(&dog, DUE_MS)["Answered"], json!([]));
    assert!(response_server.take().is_empty());
}

#[test]
fn a_record_that_nobody_can_read_holds_up_nobody_else() {
    let (mut dog, response_server) = dog();
    let unreadable = noted(&dog, &create("Web"));
    let other = noted(&dog, &create("Other"));
    dog.marks = Listed(vec![marked(&unreadable, "vpc vpc-1"), marked("0123456789abcdef0123", "vpc vpc-2")]);
    *dog.records.unreadable.lock().expect("one thread") = Some(unreadable);
    let told = minute(&dog, DUE_MS);
    assert_eq!(told["Answered"], json!([other.as_str()]));
    assert_eq!(
        told["Orphans"],
        json!([{ "Owner": "0123456789abcdef0123", "Environments": ["scalable-ec2-us-west-2-dev"], "Resources": ["vpc vpc-2"] }])
    );
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn what_a_reconciler_decided_and_nobody_took_is_told_and_nothing_else() {
    let (dog, response_server) = dog();
    let web = create("Web");
    let owner = noted(&dog, &web);
    let reply = CfnResponse::success(&request(&web).to, PhysicalId::or(None, PhysicalId::of_owner(&owner)), [].into());
    dog.records.inner.decide_response(&owner, &request(&web).hash, DecidedResponse::on(&reply)).await_now();
    minute(&dog, DUE_MS);
    let all = response_server.take();
    assert_eq!(all.iter().map(|it| it["Status"].as_str()).collect::<Vec<_>>(), [Some("SUCCESS")]);
}

#[test]
fn an_answer_that_does_not_arrive_is_tried_again_in_the_next_minute() {
    let (dog, response_server) = dog();
    noted(&dog, &create("Web"));
    response_server.responses(503);
    assert_eq!(minute(&dog, DUE_MS)["Answered"], json!([]));
    response_server.responses(200);
    assert_eq!(minute(&dog, DUE_MS + 60_000)["Answered"].as_array().map(Vec::len), Some(1));
}

#[test]
fn records_that_cannot_be_read_at_all_make_the_invocation_fail() {
    let (dog, _) = dog();
    dog.records.throttled.store(1, SeqCst);
    let result = run(&Clock::default(), dog.handle(sample("watchdog", "schedule.json"), DUE_MS, DUE_MS + 50_000));
    assert!(result.is_err_and(|error| error.to_string().contains("throttles")));
}

#[test]
fn a_dead_letter_is_answered_once() {
    let (dog, response_server) = dog();
    let web = create("Web");
    let owner = noted(&dog, &web);
    waits_for(&dog, &web, "the role");
    let dead_letter = message("letter", &web);
    assert_eq!(dead_letters(&dog, std::slice::from_ref(&dead_letter)), [""; 0]);
    let reason = one_reason(&response_server);
    assert!(reason.starts_with("The request was tried as often as the queue allows"), "{reason}");
    assert!(reason.contains("It waited for: the role."), "{reason}");
    assert_eq!(dead_letters(&dog, &[dead_letter]), [""; 0]);
    assert!(response_server.take().is_empty());
    let record = dog.records.inner.owner(&owner).await_now().expect("a record");
    assert_eq!(record.response_due_ms, None);
}

#[test]
fn a_dead_letter_that_a_newer_request_followed_is_answered_and_the_newer_one_still_waits() {
    let (dog, response_server) = dog();
    let newer = sent(sample("custom-resource", "delete.json"), 60);
    let owner = noted(&dog, &newer);
    waits_for(&dog, &newer, "instances that leave");
    assert_eq!(dead_letters(&dog, &[message("letter", &create("Web"))]), [""; 0]);
    let reason = one_reason(&response_server);
    assert!(!reason.contains("instances that leave"), "{reason}");
    let record = dog.records.inner.owner(&owner).await_now().expect("a record");
    assert!(record.response_due_ms.is_some(), "{record:?}");
}

#[test]
fn an_invocation_that_failed_for_good_is_answered_with_its_error() {
    let (dog, response_server) = dog();
    let web = create("Web");
    noted(&dog, &web);
    let dead_letter = failed_invocation(&web, "RetriesExhausted", Some("the queue can't be used: no connection"));
    assert_eq!(dead_letters(&dog, &[dead_letter]), [""; 0]);
    let reason = one_reason(&response_server);
    let expected = "The request was given up (RetriesExhausted): the queue can't be used: no connection.";
    assert!(reason.starts_with(expected), "{reason}");
    let too_old = failed_invocation(&create("Other"), "EventAgeExceeded", None);
    assert_eq!(dead_letters(&dog, &[too_old]), [""; 0]);
    let reason = one_reason(&response_server);
    assert!(reason.starts_with("The request was given up (EventAgeExceeded) before anybody"), "{reason}");
}

#[test]
fn a_failed_invocation_whose_request_was_answered_is_put_away() {
    let (dog, response_server) = dog();
    let web = create("Web");
    noted(&dog, &web);
    answered(&dog, &web);
    assert_eq!(dead_letters(&dog, &[failed_invocation(&web, "RetriesExhausted", Some("x"))]), [""; 0]);
    assert!(response_server.take().is_empty());
}

#[test]
fn an_event_that_makes_no_sense_is_answered_and_garbage_is_put_away() {
    let (dog, response_server) = dog();
    let import = with(create("Web"), json!({ "RequestType": "Import" }));
    assert_eq!(dead_letters(&dog, &[failed_invocation(&import, "RetriesExhausted", Some("x"))]), [""; 0]);
    assert_eq!(one_reason(&response_server), "The request was given up (RetriesExhausted): x.");
    let garbage = [json!("no { JSON"), json!("7"), json!({}), json!([1]), json!({ "requestPayload": null })];
    let garbage: Vec<Value> = garbage.iter().map(|it| message("garbage", it)).collect();
    assert_eq!(dead_letters(&dog, &garbage), [""; 0]);
    assert!(response_server.take().is_empty());
}

/// A Create with something among its properties that is JSON, and that no `Value` can hold.
fn unreadable_create(what: &str) -> String {
    let create = with(create("Web"), json!({ "ResourceProperties": { "EnvironmentSuffix": "?" } }));
    create.to_string().replace("\"?\"", what)
}

#[test]
fn a_letter_whose_event_no_value_can_hold_is_answered() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (what, fault) in [
        (nested(200), "recursion limit"),
        // The event alone could be held: Lambda's record around it is a level more.
        (nested(125), ""),
        (String::from("1e999"), "number out of range"),
        (String::from("\"\\ud800\""), "hex escape"),
    ] {
        let (dog, response_server) = dog();
        let event = unreadable_create(&what);
        let record = json!({
            "version": "1.0",
            "requestContext": { "condition": "RetriesExhausted" },
            "requestPayload": "?",
            "responsePayload": { "errorMessage": "no answer" },
        });
        let record = record.to_string().replace("\"?\"", &event);
        assert_eq!(dead_letters(&dog, &[message("letter", &Value::from(record))]), [""; 0]);
        let replies = response_server.take();
        assert_eq!(replies.len(), 1, "{what}: {replies:?}");
        assert_eq!((&replies[0]["Status"], &replies[0]["LogicalResourceId"]), (&json!("FAILED"), &json!("Web")));
        let reason = replies[0]["Reason"].as_str().expect("a FAILED has a reason");
        assert!(reason.starts_with("The request was given up (RetriesExhausted): no answer."), "{reason}");
        assert!(reason.contains(fault), "{reason}");
    }
}

#[test]
fn a_delete_that_no_value_can_hold_and_that_was_answered_is_not_answered_again() {
    let (dog, response_server) = dog();
    let text = unreadable_create("1e999").replace("\"Create\"", "\"Delete\"");
    let event = requests::read_event(&text).or_else(|it| it.delete(0)).expect("its ids can be read");
    noted(&dog, &event);
    answered(&dog, &event);
    response_server.take();
    assert_eq!(dead_letters(&dog, &[message("letter", &Value::from(text))]), [""; 0]);
    assert!(response_server.take().is_empty());
}

#[test]
fn an_answer_that_does_not_arrive_makes_only_its_letter_come_again() {
    let (dog, response_server) = dog();
    let (web, other) = (create("Web"), create("Other"));
    noted(&dog, &web);
    noted(&dog, &other);
    answered(&dog, &other);
    response_server.responses(503);
    assert_eq!(dead_letters(&dog, &[message("web", &web), message("other", &other)]), ["web"]);
    response_server.responses(200);
    dog.records.throttled.store(1, SeqCst);
    assert_eq!(dead_letters(&dog, &[message("web", &web)]), ["web"], "nobody knows whether it was answered");
    assert_eq!(dead_letters(&dog, &[message("web", &web)]), [""; 0]);
    assert_eq!(response_server.take().len(), 1);
}

#[test]
fn what_nobody_owns_any_more_is_told_and_what_somebody_owns_is_not() {
    let (mut dog, _) = dog();
    let lives = noted(&dog, &create("Web"));
    let gone = noted(&dog, &create("Gone"));
    dog.records.inner.mark_deleted(&gone, 1).await_now();
    answered(&dog, &create("Gone"));
    let being_deleted = noted(&dog, &create("Going"));
    dog.records.inner.mark_deleted(&being_deleted, 1).await_now();
    let lost = Owner::of("nobody", "knows");
    dog.marks = Listed(vec![
        marked(&lives, "vpc vpc-1"),
        marked(&gone, "vpc vpc-2"),
        marked(&lost, "vpc vpc-3"),
        marked(&lost, "subnet subnet-3"),
        marked(&being_deleted, "vpc vpc-4"),
        marked("by hand", "vpc vpc-5"),
    ]);
    let told = minute(&dog, BEGIN_S * 1_000);
    let orphans = told["Orphans"].as_array().expect("a list");
    let owners: std::collections::BTreeSet<&str> = orphans.iter().filter_map(|it| it["Owner"].as_str()).collect();
    assert_eq!(owners, ["by hand", gone.as_str(), lost.as_str()].into());
    let of_lost = orphans.iter().find(|it| it["Owner"] == lost.as_str()).expect("told");
    assert_eq!(of_lost["Resources"], json!(["vpc vpc-3", "subnet subnet-3"]));
}

#[test]
fn what_another_deployment_marked_is_not_told() {
    let (mut dog, _) = dog();
    let of =
        |environment: &str| Marked { environment: environment.into(), ..marked("0123456789abcdef0123", environment) };
    let others = [
        "web-us-west-2-dev",
        "scalable-ec2-eu-west-1-dev",
        "scalable-ec2-us-west-2",
        "",
        "x-scalable-ec2-us-west-2-dev",
    ];
    dog.marks = Listed(others.map(of).into());
    assert_eq!(minute(&dog, BEGIN_S * 1_000)["Orphans"], json!([]));
    dog.marks.0.push(of("scalable-ec2-us-west-2-dev"));
    assert_eq!(minute(&dog, BEGIN_S * 1_000)["Orphans"][0]["Resources"], json!(["scalable-ec2-us-west-2-dev"]));
}

#[test]
fn every_sample_is_understood() {
    for (name, waits) in [("dead-letter.json", true), ("failed-invocation.json", true), ("schedule.json", false)] {
        let (dog, _) = dog();
        let event = sample("watchdog", name);
        // Samples have no address for the answer; that it was given is in the record.
        let owner = noted(&dog, &sample("custom-resource", "create.json"));
        handle(&dog, event, BEGIN_S * 1_000);
        let record = dog.records.inner.owner(&owner).await_now().expect("a record");
        assert_eq!(record.response_due_ms.is_none(), waits, "{name}");
    }
}
