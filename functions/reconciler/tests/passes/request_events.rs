//! The progress of requests in the ledger.

use std::collections::BTreeSet;
use std::time::Duration;

use memory_cloud::Fault;
use request_pass::{CloudFactory as _, repair_event};
use requests::Records as _;
use serde_json::{Value, json};
use test_support::{BlockOn as _, message, sent, with};

use crate::harness::{Harness, harness, quick_create, request, sample};

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// The published steps of requests: the reason of each, after its outcome.
fn steps(harness: &Harness) -> Vec<String> {
    let text = |it: &Value, name: &str| it["detail"][name].as_str().expect("text").to_owned();
    requests(harness).iter().map(|it| format!("{}: {}", text(it, "Outcome"), text(it, "Reason"))).collect()
}

fn requests(harness: &Harness) -> Vec<Value> {
    let published = harness.cloud_factory.published.borrow();
    published.iter().filter(|it| it["detail-type"] == ledger::events::REQUEST).cloned().collect()
}

#[test]
fn a_request_of_many_passes_has_one_start_and_one_response() {
    let harness = harness();
    let began = harness.cloud_factory.now();
    let create = sent(sample("create.json"), 0);
    harness.invoke_until_done(&create);
    assert!(harness.invocations.get() > 2);
    assert_eq!(steps(&harness), ["started: Create", "responded: Create succeeded"]);
    let all = requests(&harness);
    assert!(all.iter().all(|it| it["detail"]["AutoScalingGroupName"] == GROUP), "{all:?}");
    assert!(all.iter().all(|it| it["detail"]["RequestId"] == create["RequestId"]), "{all:?}");
    assert_eq!(all[0]["detail"]["EventTime"], ledger::time::text(began.0), "the beginning of the first pass");
    // The message is delivered again after the response.
    harness.invoke(&[message("1", &create)]);
    assert_eq!(requests(&harness).len(), 2);
}

#[test]
fn a_failed_request_has_its_reason() {
    let harness = harness();
    harness.cloud_factory.account.faults.borrow_mut().insert(12, Fault::Denied);
    harness.invoke_until_done(&sent(quick_create(), 0));
    let reason = harness.failed_reason();
    let steps = steps(&harness);
    assert_eq!(steps[0], "started: Create");
    assert!(steps[1].starts_with("responded: Create failed: "), "{steps:?}");
    let first_line = reason.lines().next().expect("a reason");
    assert!(steps[1].contains(first_line), "{steps:?} {reason}");
}

#[test]
fn an_operators_repair_is_a_request_too() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.invoke_until_done(&create);
    let record = harness.records.inner.owner(&request(&create).owner()).block_on().expect("a record");
    let latest = record.latest_request.expect("a request");
    let repair = repair_event("scalable-ec2-us-west-2-dev", &latest, harness.cloud_factory.now().0);
    harness.record_request(&repair);
    harness.invoke_until_done(&repair);
    assert_eq!(steps(&harness)[2..], ["started: Repair", "responded: Repair succeeded"]);
}

/// Its ledger is that of the other owner.
#[test]
fn a_create_of_another_owners_environment_is_not_in_the_ledger() {
    let harness = harness();
    harness.invoke_until_done(&sent(quick_create(), 0));
    harness.response();
    harness.cloud_factory.published.borrow_mut().clear();
    let foreign = with(sent(quick_create(), 10), json!({ "LogicalResourceId": "Other", "RequestId": "other" }));
    harness.invoke_until_done(&foreign);
    assert!(harness.failed_reason().contains("belongs to another stack"));
    assert_eq!(steps(&harness), [""; 0]);
}

#[test]
fn a_response_is_in_the_ledger_once_it_is_delivered() {
    let harness = harness();
    let create = sent(quick_create(), 0);
    harness.response_server.respond_with(503);
    assert_eq!(harness.invoke(&[message("1", &create)]), ["1"]);
    assert_eq!(steps(&harness), ["started: Create"]);
    harness.response_server.respond_with(200);
    harness.response_server.take();
    harness.advance(Duration::from_secs(10));
    assert_eq!(harness.invoke(&[message("1", &create)]), [""; 0]);
    let ids: BTreeSet<String> = requests(&harness).iter().map(|it| it["id"].to_string()).collect();
    assert_eq!((steps(&harness).last().expect("a step").as_str(), ids.len()), ("responded: Create succeeded", 2));
}

#[test]
fn a_ledger_that_accepts_no_event_changes_nothing_of_a_request() {
    let harness = harness();
    harness.cloud_factory.publish_fails.set(true);
    harness.invoke_until_done(&sent(quick_create(), 0));
    assert_eq!(harness.response()["Status"], "SUCCESS");
}
