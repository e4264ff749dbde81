//! Messages on which other products failed, with the report of each.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

mod common;

use std::collections::BTreeSet;

use common::{Harness, NOW, batch, deployment, function, now};
use scaling_log::BatchCounts;
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// The event of a successful termination at this time.
fn terminated(number: usize, at_ms: u64) -> String {
    let instance = format!("i-0abcdef78000000{number:02}");
    json!({
        "version": "0", "id": format!("ev-{number}"), "detail-type": "EC2 Instance Terminate Successful",
        "source": "aws.autoscaling", "account": "123456789012", "time": ledger::time::text(at_ms), "region": "us-west-2",
        "detail": {
            "StatusCode": "InProgress", "Description": format!("Terminating EC2 instance: {instance}"),
            "AutoScalingGroupName": deployment().names("dev").group().name, "ActivityId": format!("act-{number}"),
            "Details": { "Availability Zone": "us-west-2a", "Subnet ID": "subnet-1" }, "EC2InstanceId": instance,
            "StartTime": ledger::time::text(at_ms.saturating_sub(40_000)), "EndTime": ledger::time::text(at_ms),
            "Cause": "At x an instance was taken out of service.",
        },
    })
    .to_string()
}

fn failures(response: &Value) -> usize {
    response["batchItemFailures"].as_array().expect("a list").len()
}

/// fluent/fluent-bit #5906; aws/aws-for-fluent-bit #523; dstackai/dstack #1731; vectordotdev/vector #1483. The harness
/// rejects a call that is not in order or covers 24 hours, as CloudWatch Logs does.
#[test]
fn one_batch_over_twenty_days_and_three_hours_ahead_is_written_or_counted() {
    let times = [
        NOW - 60_000,
        NOW - 20 * DAY,
        NOW - 14 * DAY + 900_000,
        NOW + 3 * HOUR,
        NOW - 2 * DAY,
        NOW - DAY - 2 * HOUR,
        NOW,
        0,
    ];
    for retention_ms in [None, Some(DAY)] {
        let mut harness = Harness::new(&["dev"]);
        harness.retention_ms = retention_ms;
        let function = function(harness);
        let bodies = (1..).zip(times).map(|(number, at_ms)| terminated(number, at_ms));
        let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
        let rejected = if retention_ms.is_some() { 5 } else { 0 };
        let expected = BatchCounts { received: 8, accepted: 8 - rejected, rejected, ..BatchCounts::default() };
        assert_eq!(response.counts, expected);
        let instances: BTreeSet<String> = function.cloud.lines().iter().map(|it| it["instance"].to_string()).collect();
        assert_eq!(instances.len(), 8 - rejected);
    }
}

/// vectordotdev/vector #12253: the service throttles the call that writes both lines.
#[test]
fn two_lines_that_a_throttled_call_does_not_write_are_delivered_again() {
    let mut harness = Harness::new(&["dev"]);
    // Call 0 reads the records, call 1 writes the lines.
    harness.failing = BTreeSet::from([1]);
    let function = function(harness);
    let both = [terminated(21, NOW - 20_000), terminated(22, NOW - 10_000)];
    let response = now(function.handle(batch(both.clone()))).expect("a response");
    assert_eq!((failures(&response), function.cloud.lines().len()), (2, 0));
    let response = now(function.handle(batch(both))).expect("a response");
    assert_eq!((failures(&response), function.cloud.lines().len()), (0, 2));
}

/// An empty id in the response brings the whole batch back; a failure without an id would delete it (recorded on AWS, September
/// 2026: stackd 9dc356f5, `sqs_mapping_delivery:malformed_reports`).
#[test]
fn a_failed_message_without_an_id_is_reported_with_an_empty_one() {
    let mut harness = Harness::new(&["dev"]);
    harness.failing = BTreeSet::from([1]);
    let mut event = batch([terminated(21, NOW - 20_000)]);
    event["Records"][0].as_object_mut().expect("a message").remove("messageId");
    let response = now(function(harness).handle(event)).expect("a response");
    assert_eq!(response, json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }));
}

/// aws-samples/aws-serverless-workshop-innovator-island #94: the response to the first delivery is lost, and SQS delivers
/// the message again. Readers count an id once.
#[test]
fn a_termination_that_is_delivered_twice_has_one_id() {
    let function = function(Harness::new(&["dev"]));
    for _ in 0..2 {
        let response = now(function.handle(batch([terminated(31, NOW - 1_000)]))).expect("a response");
        assert_eq!(failures(&response), 0);
    }
    let ids = function.cloud.ids();
    assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>().len()), (2, 1));
}

/// aws-powertools/powertools-lambda-python #8273, #2394; awslabs/aws-lambda-rust-runtime #1064.
#[test]
fn an_event_that_is_no_batch_is_an_error_and_no_success() {
    let function = function(Harness::new(&["dev"]));
    for event in [
        json!({ "foo": 1 }),
        json!({ "Records": [] }),
        json!({ "Records": null }),
        json!({ "Records": {} }),
        json!({ "myField": "my value" }),
    ] {
        now(function.handle(event.clone())).expect_err(&event.to_string());
    }
    // Messages without an id, a body or attributes are messages: they are dead-lettered.
    let response = now(function.handle(json!({ "Records": [{}, { "body": "no JSON" }] }))).expect("a response");
    assert_eq!((failures(&response), function.dead_letters.all.borrow().len()), (0, 2));
}
