//! Messages on which other products failed, with the report of each.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::LifecycleState;
use lifecycle_hook::cloud::HookResult;
use serde_json::{Value, json};
use test_support::hooks::{Fault, GROUP, Harness, record};
use test_support::{sample, with};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// An account with this many instances that wait to terminate, and the messages about them.
fn terminating(count: u32) -> (Harness, Vec<Value>) {
    let harness = Harness::new(count);
    harness.scale_to(count);
    harness.advance(Duration::from_mins(5));
    harness.scale_to(0);
    harness.run(harness.now.get() + seconds(10), &mut |harness, body| harness.send(body, harness.now.get()));
    assert!(harness.states().values().all(|it| *it == LifecycleState::TerminatingWait));
    let records: Vec<Value> = harness.messages.borrow().iter().map(record).collect();
    assert_eq!(records.len(), usize::try_from(count).expect("a small number"));
    harness.calls.borrow_mut().clear();
    (harness, records)
}

/// A message that was sent half a minute ago.
fn message(harness: &Harness, body: &str) -> Value {
    let sent_ms = harness.now.get().0.saturating_sub(30_000).to_string();
    json!({ "messageId": "m", "receiptHandle": "m", "body": body, "attributes": { "SentTimestamp": sent_ms } })
}

fn failures(response: &Value) -> usize {
    response["batchItemFailures"].as_array().map_or(0, Vec::len)
}

fn terminate_event(instance: &str) -> Value {
    let detail = json!({ "AutoScalingGroupName": GROUP, "LifecycleHookName": "terminate", "EC2InstanceId": instance });
    with(sample("lifecycle-hook", "terminate.json"), json!({ "detail": detail }))
}

fn spot(instance: &str, more: Value) -> Value {
    let event =
        with(sample("lifecycle-hook", "spot-interruption.json"), json!({ "detail": { "instance-id": instance } }));
    with(event, more)
}

/// github-aws-runners/terraform-aws-github-runner PR 5215.
#[test]
fn each_poison_message_of_a_batch_is_dead_lettered_and_the_valid_one_is_handled() {
    let (harness, mut records) = terminating(1);
    let (id, _) = harness.states().pop_first().expect("one instance");
    let bom = format!("\u{feff}{}", terminate_event("i-0a1b2c3d4e5f60718"));
    let poison = [
        "this is { not JSON",
        "",
        "null",
        "[]",
        "\"text\"",
        "{}",
        &bom,
        "{\"detail-type\": 7}",
        "{\"Records\": \"x\"}",
    ];
    records.extend(poison.iter().map(|body| message(&harness, body)));
    let response = harness.invoke(json!({ "Records": records })).expect("a response");
    assert_eq!(failures(&response), 0, "{response}");
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2], "the terminating instance is drained");
    let dead_lettered = harness.dead_lettered.borrow();
    let bodies: BTreeSet<&str> = dead_lettered.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(bodies, BTreeSet::from(poison));
    assert!(dead_lettered.iter().all(|(_, reason)| !reason.is_empty()), "{dead_lettered:?}");
}

/// github-aws-runners/terraform-aws-github-runner PR 5129; aws-node-termination-handler #1284.
#[test]
fn no_message_is_lost_while_every_call_fails() {
    let (harness, records) = terminating(3);
    for call in 0..50 {
        harness.faults.borrow_mut().insert(call, Fault::Rejected);
    }
    let response = harness.invoke(json!({ "Records": records })).expect("a response");
    assert_eq!((failures(&response), harness.dead_lettered.borrow().len()), (3, 0), "{response}");
}

/// aws-powertools/powertools-lambda-python #8273, #2394.
#[test]
fn an_event_that_is_no_batch_is_an_error_and_no_success() {
    let harness = Harness::new(1);
    // The last one is a schedule's own input (aws-lambda-rust-runtime #1064).
    for event in [
        json!({ "foo": 1 }),
        json!({ "Records": [] }),
        json!({ "Records": null }),
        json!({ "Records": {} }),
        json!({ "myField": "my value" }),
    ] {
        let function = harness.function();
        let result = futures_util::FutureExt::now_or_never(function.handle(event.clone())).expect("no call");
        assert!(result.is_err(), "{event}: {result:?}");
    }
    // Messages without an id, a body or attributes are messages: they are dead-lettered.
    let response = harness.invoke(json!({ "Records": [{}, { "body": "no JSON" }] })).expect("a response");
    assert_eq!((failures(&response), harness.dead_lettered.borrow().len()), (0, 2));
    // A body alone is enough for an action.
    let (harness, records) = terminating(1);
    let (id, _) = harness.states().pop_first().expect("one instance");
    let response = harness.invoke(json!({ "Records": [{ "body": records[0]["body"] }] })).expect("a response");
    assert_eq!((failures(&response), harness.dead_lettered.borrow().len()), (0, 0), "{response}");
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2], "the terminating instance is drained");
}

/// aws-node-termination-handler #1034, and a wildcard that would select every instance.
#[test]
fn an_instance_id_that_is_none_is_asked_of_no_service() {
    let harness = Harness::new(1);
    let arn = "arn:aws:ec2:us-west-2:123456789012:instance/i-0a1b2c3d4e5f60718";
    let bodies = [terminate_event(arn), spot(arn, json!({})), spot("i-*", json!({}))];
    let records: Vec<Value> = bodies.iter().map(|it| message(&harness, &it.to_string())).collect();
    let response = harness.invoke(json!({ "Records": records })).expect("a response");
    assert_eq!((failures(&response), harness.dead_lettered.borrow().len()), (0, 3));
    assert_eq!(*harness.calls.borrow(), ["dead_letter"; 3]);
    // An id of eight digits, as before 2016, is one (buildkite/elastic-ci-stack-for-aws #59).
    let short = json!({ "Records": [message(&harness, &terminate_event("i-9c97c901").to_string())] });
    assert_eq!(failures(&harness.invoke(short).expect("a response")), 0);
    assert_eq!(harness.dead_lettered.borrow().len(), 3);
}

/// aws-node-termination-handler #550, #787, #786, #272; karpenter-provider-aws #5536: events about other services, about
/// instances of others, and recommendations.
#[test]
fn events_that_need_no_action_are_done_at_once() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.advance(Duration::from_mins(5));
    let (own, _) = harness.states().pop_first().expect("one instance");
    let health = |service: &str, resources: Value| {
        json!({ "detail-type": "AWS Health Event", "source": "aws.health", "account": "123456789012",
                "resources": resources, "detail": { "service": service, "eventTypeCategory": "scheduledChange" } })
    };
    harness.calls.borrow_mut().clear();
    for event in [
        health("ES", json!([])),
        health("EC2", json!([own])),
        spot("i-0ffffffffffffffff", json!({})),
        spot("i-0ffffffffffffffff", json!({ "time": "1970-01-01T00:00:00Z" })),
        spot("i-0ffffffffffffffff", json!({ "account": "999999999999" })),
        with(
            sample("lifecycle-hook", "rebalance-recommendation.json"),
            json!({ "detail": { "instance-id": "i-0ffffffffffffffff" } }),
        ),
    ] {
        let records = json!({ "Records": [message(&harness, &event.to_string())] });
        assert_eq!(failures(&harness.invoke(records).expect("a response")), 0, "{event}");
    }
    let calls = harness.calls.borrow();
    assert!(calls.iter().all(|it| *it == "members"), "only the groups of the Spot instances are looked up: {calls:?}");
    assert_eq!((harness.dead_lettered.borrow().len(), harness.in_service()), (0, 1));
}

/// meltwater/terraform-aws-asg-dns-handler #27: EC2's reads miss an instance that Auto Scaling has just launched.
#[test]
fn a_launch_that_ec2_does_not_list_yet_waits_and_enters_service() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.advance(seconds(25));
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.unlisted.borrow_mut().insert(id.clone());
    harness.advance(Duration::from_mins(4));
    assert_eq!((harness.states()[&id], harness.completed.borrow().len()), (LifecycleState::PendingWait, 0));
    assert!(harness.observations.borrow().len() > 2, "it is observed again");
    harness.unlisted.borrow_mut().clear();
    harness.advance(Duration::from_mins(1));
    assert_eq!((harness.in_service(), &harness.completed.borrow()[&id][..]), (1, &[HookResult::Continue][..]));
}

/// keikoproj/lifecycle-manager #282; spacelift-io/terraform-aws-spacelift-workerpool-on-ec2 PR 156: a wait whose instance
/// EC2 does not list is never left hanging.
#[test]
fn the_wait_of_a_terminating_instance_that_ec2_does_not_list_ends() {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.advance(Duration::from_mins(5));
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.unlisted.borrow_mut().insert(id.clone());
    harness.scale_to(0);
    harness.advance(Duration::from_mins(1));
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2]);
    assert_eq!((harness.dead_lettered.borrow().len(), harness.messages.borrow().len()), (0, 0));
}

/// PaloAltoNetworks/terraform-aws-vmseries-modules PR 419: a person terminates the instance, and EC2 reports it without
/// subnet and interfaces.
#[test]
fn the_wait_of_an_instance_that_a_person_terminated_ends_at_once() {
    let (harness, _) = terminating(1);
    let (id, _) = harness.states().pop_first().expect("one instance");
    harness.fleet.borrow_mut().terminated(&id, harness.now.get());
    harness.advance(seconds(20));
    assert_eq!(harness.completed.borrow()[&id], [HookResult::Continue; 2]);
}

/// spacelift-io/terraform-aws-spacelift-workerpool-on-ec2 #199, boto3 #3899: a function that sends itself a message for each
/// poll is stopped by Lambda as a loop.
#[test]
fn a_message_is_polled_again_by_its_visibility_and_not_by_another_message() {
    let (harness, records) = terminating(1);
    for _ in 0..20 {
        harness.invoke(json!({ "Records": records })).expect("a response");
    }
    assert_eq!(harness.calls.borrow().iter().filter(|it| **it == "enqueue").count(), 0);
}

/// keikoproj/lifecycle-manager #5; cloud-custodian #380.
#[test]
fn messages_about_a_group_that_is_gone_are_done() {
    let (harness, mut records) = terminating(1);
    let (id, _) = harness.states().pop_first().expect("one instance");
    let detail = json!({ "AutoScalingGroupName": GROUP, "LifecycleHookName": "launch", "EC2InstanceId": id });
    let launch = with(sample("lifecycle-hook", "launch.json"), json!({ "detail": detail }));
    records.push(message(&harness, &launch.to_string()));
    harness.wait_states.borrow_mut().insert(id.clone(), None);
    harness.now.set(harness.now.get() + seconds(60));
    let response = harness.invoke(json!({ "Records": records })).expect("a response");
    assert_eq!((failures(&response), harness.dead_lettered.borrow().len()), (0, 0), "{response}");
}
