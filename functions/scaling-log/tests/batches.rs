//! Batches of messages and their dispositions.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

mod common;

use std::collections::BTreeSet;

use common::{DeadLettered, Harness, NOW, batch, deployment, function, launch, now};
use lambda_kit::{Failure, FailureKind};
use proptest::prelude::*;
use scaling_log::BatchCounts;
use serde_json::{Value, json};

fn failures(response: &Value) -> Vec<&str> {
    let all = response["batchItemFailures"].as_array().expect("a list");
    all.iter().map(|it| it["itemIdentifier"].as_str().expect("an id")).collect()
}

#[test]
fn each_message_has_its_own_disposition() {
    let function = function(Harness::new(&["dev"]));
    let foreign = launch("dev", 1, NOW).to_string().replace("scalable-ec2-asg", "foreign-asg");
    let bodies = [launch("dev", 1, NOW).to_string(), "not JSON".into(), foreign, launch("gone", 2, NOW).to_string()];
    let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    let expected = BatchCounts { received: 4, accepted: 1, rejected: 2, dead_lettered: 1, returned: 0 };
    assert_eq!(response.counts, expected);
    assert!(response.response.batch_item_failures.is_empty());
    let dead_lettered = function.dead_letters.all.borrow();
    assert_eq!(*dead_lettered, [("not JSON".to_owned(), "neither JSON nor a notification of Auto Scaling".to_owned())]);
    assert_eq!(function.cloud.lines()[0]["kind"], "launch");
}

#[test]
fn a_transient_failure_returns_the_message_and_delays_no_other_environment() {
    let mut harness = Harness::new(&["dev", "prod"]);
    // The first call checks whether dev exists.
    harness.failing = BTreeSet::from([0]);
    let function = function(harness);
    let bodies = [launch("dev", 1, NOW).to_string(), launch("prod", 2, NOW).to_string()];
    let response = now(function.handle(batch(bodies.clone()))).expect("a response");
    assert_eq!(failures(&response), ["m0"]);
    let response = now(function.handle(batch([bodies[0].clone()]))).expect("a response");
    assert!(failures(&response).is_empty());
    assert_eq!(function.cloud.ids().len(), 2);
}

#[test]
fn poison_that_cannot_be_dead_lettered_remains_in_the_queue() {
    let mut function = function(Harness::new(&["dev"]));
    function.dead_letters = DeadLettered { is_full: true, ..DeadLettered::default() };
    let response = now(function.handle(batch(["not JSON".to_owned()]))).expect("a response");
    assert_eq!(failures(&response), ["m0"]);
}

/// Call 0 reads the records, call 1 writes the line.
#[test]
fn an_event_that_could_not_be_written_fails_with_the_kind_of_the_failed_call() {
    let event = launch("dev", 1, NOW);
    let of_a_topic = topic(&event.to_string());
    for (failing, kind) in [(0, FailureKind::RecordsUnavailable), (1, FailureKind::AwsCallFailed)] {
        for event in [&event, &of_a_topic] {
            let mut harness = Harness::new(&["dev"]);
            harness.failing = BTreeSet::from([failing]);
            let error = now(function(harness).handle(event.clone())).expect_err("a call fails");
            assert_eq!(error.downcast_ref::<Failure>().expect("a classified failure").kind, kind, "{error}");
        }
    }
    let mut function = function(Harness::new(&["dev"]));
    function.dead_letters = DeadLettered { is_full: true, ..DeadLettered::default() };
    let error = now(function.handle(topic("not JSON"))).expect_err("the queue does not exist");
    let kind = error.downcast_ref::<Failure>().expect("a classified failure").kind;
    assert_eq!(kind, FailureKind::QueueUnavailable, "{error}");
}

fn topic(message: &str) -> Value {
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Type": "Notification", "Message": message } }] })
}

#[test]
fn a_missing_log_group_is_not_created_and_its_events_are_counted() {
    let mut harness = Harness::new(&["dev"]);
    harness.log_groups.clear();
    let function = function(harness);
    let bodies = [launch("dev", 1, NOW).to_string()];
    let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((response.counts.rejected, response.counts.returned), (1, 0));
}

#[test]
fn a_deleted_environment_gets_no_entries_although_its_log_group_still_exists() {
    let mut harness = Harness::new(&["dev"]);
    harness.environments.clear();
    let function = function(harness);
    let bodies = [launch("dev", 1, NOW).to_string()];
    let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((response.counts.rejected, function.cloud.lines().len()), (1, 0));
}

#[test]
fn a_time_that_cloudwatch_rejects_is_replaced_by_the_nearest_accepted_timestamp() {
    const DAY: u64 = 86_400_000;
    let function = function(Harness::new(&["dev"]));
    let times = [NOW - 400 * DAY, NOW + 30 * DAY];
    let bodies = times.map(|at| launch("dev", 1, at).to_string());
    assert!(failures(&now(function.handle(batch(bodies))).expect("a response")).is_empty());
    let lines = function.cloud.lines();
    assert_eq!(lines.len(), 2, "CloudWatch Logs accepted both lines");
    assert_eq!(lines[0]["time"], "2024-11-28T05:00:00Z", "the line contains the real time");
    // CloudWatch accepts no metrics with such timestamps either.
    let streams = function.cloud.streams.borrow();
    for line in streams.values().flatten() {
        let text: Value = serde_json::from_str(&line.text).expect("JSON");
        assert_eq!(text["_aws"]["Timestamp"], line.at_ms);
    }
}

#[test]
fn lines_past_their_log_groups_retention_are_counted_and_the_other_lines_are_written() {
    const DAY: u64 = 86_400_000;
    let mut harness = Harness::new(&["dev"]);
    harness.retention_ms = Some(DAY);
    let function = function(harness);
    let bodies = [launch("dev", 1, NOW - 2 * DAY).to_string(), launch("dev", 2, NOW).to_string()];
    let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((response.counts.accepted, response.counts.rejected), (1, 1));
}

#[test]
fn a_message_that_is_delivered_twice_writes_the_same_line_twice() {
    let function = function(Harness::new(&["dev"]));
    for _ in 0..2 {
        now(function.handle(batch([launch("dev", 1, NOW).to_string()]))).expect("a response");
    }
    let ids = function.cloud.ids();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
}

#[test]
fn topics_and_single_events_are_written_too() {
    let function = function(Harness::new(&["dev"]));
    let event = launch("dev", 1, NOW);
    let written = now(function.handle(event.clone())).expect("a response");
    assert_eq!(written["Written"][0]["outcome"], "successful");
    let topic = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": event.to_string() } }] });
    assert_eq!(now(function.handle(topic)).expect("a response")["Accepted"], 1);
    let error = now(function.handle(json!({ "Nothing": "known" }))).expect_err("not an event").to_string();
    assert!(error.contains("it has Nothing"), "{error}");
}

/// An operator may send Lambda's record of a failed invocation of the function `alarm` to the queue.
#[test]
fn a_failed_invocation_of_the_function_alarm_is_written_as_an_alarm() {
    let function = function(Harness::new(&["dev"]));
    for shape in ["direct-of-an-instance", "topic", "event-bridge"] {
        let event = test_support::sample("alarm", &format!("{shape}.json"));
        let record = json!({
            "version": "1.0", "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event,
            "responsePayload": { "errorMessage": "no" },
        });
        let response = now(function.batch(&serde_json::from_value(batch([record.to_string()])).expect("a batch")));
        assert_eq!((response.counts.accepted, response.counts.dead_lettered), (1, 0), "{shape}");
    }
    assert!(function.cloud.lines().iter().all(|line| line["kind"] == "alarm"));
}

/// The content of a message, apart from its number.
#[derive(Clone, Debug)]
enum Kind {
    /// A launch. With the time of a preceding change of the capacity it has two entries.
    Launch {
        suffix: &'static str,
        at_ms: u64,
        changed_ms: Option<u64>,
        padding: usize,
    },
    Poison(String),
}

const DAY: u64 = 86_400_000;

impl Kind {
    fn body(&self, number: usize) -> String {
        match self {
            Kind::Poison(text) => text.clone(),
            Kind::Launch { suffix, at_ms, changed_ms, padding } => {
                let mut event = launch(suffix, number, *at_ms);
                event["detail"]["Padding"] = "\u{1}ü".repeat(padding / 3).into();
                if let Some(at_ms) = changed_ms {
                    let at = ledger::time::text(at_ms / 1_000 * 1_000);
                    let cause = format!("At {at} a user request changing the desired capacity from 0 to {number}.");
                    event["detail"]["Cause"] = cause.into();
                }
                event.to_string()
            }
        }
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    let suffix = prop_oneof![6 => Just("dev"), 3 => Just("prod"), 1 => Just("gone")];
    let at = || prop_oneof![8 => NOW - DAY..NOW, 1 => NOW - 40 * DAY..NOW, 1 => NOW..NOW + 3 * DAY];
    let padding = prop_oneof![5_000 => 0_usize..200, 4 => 60_000_usize..100_000, 1 => 990_000_usize..1_100_000];
    let known = (suffix, at(), prop::option::of(at()), padding);
    prop_oneof![
        8 => known.prop_map(|(suffix, at_ms, changed_ms, padding)| Kind::Launch { suffix, at_ms, changed_ms, padding }),
        1 => "[ -~]{0,20}".prop_map(Kind::Poison),
        1 => Just(Kind::Poison(json!({ "detail-type": "EC2 Instance Launch Successful", "detail": {} }).to_string())),
    ]
}

/// The number of a body's entries in the ledger, and the number of its entries; `None` for poison.
fn written_entries(body: &str, ids: &BTreeSet<String>) -> Option<(usize, usize)> {
    match ledger::read::body(&deployment(), body, NOW) {
        Ok(ledger::read::Reading::Entries { entries, .. }) => {
            Some((entries.iter().filter(|entry| ids.contains(&entry.id)).count(), entries.len()))
        }
        Ok(ledger::read::Reading::NotOwned(_)) => unreachable!("every group is owned"),
        Err(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Small lines reach no limit, so the minimum is one call for each environment and day.
    #[test]
    fn a_batch_takes_one_call_for_each_environment_and_day(
        launches in prop::collection::vec((0_usize..3, NOW - 5 * DAY..NOW, prop::option::of(NOW - 5 * DAY..NOW)), 1..60),
    ) {
        let suffixes = ["dev", "prod", "test"];
        let launches = launches.into_iter().map(|(at, at_ms, changed_ms)| (suffixes[at], at_ms, changed_ms));
        let launches: Vec<_> = launches.collect();
        let days = launches.iter().flat_map(|(suffix, at_ms, changed_ms)| {
            [Some(*at_ms), *changed_ms].into_iter().flatten().map(move |at_ms| (*suffix, ledger::time::day(at_ms)))
        });
        let minimum = days.collect::<BTreeSet<_>>().len();
        let bodies = (0..).zip(&launches).map(|(number, (suffix, at_ms, changed_ms))| {
            Kind::Launch { suffix, at_ms: *at_ms, changed_ms: *changed_ms, padding: 0 }.body(number)
        });
        let function = function(Harness::new(&suffixes));
        let response = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
        prop_assert_eq!(response.counts.accepted, launches.len());
        prop_assert_eq!(function.cloud.puts.borrow().len(), minimum);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// The harness enforces the limits: it stops the test at the first violation.
    #[test]
    fn every_limit_holds_and_every_message_is_counted(
        kinds in prop::collection::vec(kind(), 0..8),
        failing in prop::collection::btree_set(0_usize..10, 0..3),
        retention in prop_oneof![4 => Just(None), 1 => Just(Some(DAY))],
    ) {
        let bodies: Vec<String> = (0..).zip(&kinds).map(|(number, kind)| kind.body(number)).collect();
        let mut harness = Harness::new(&["dev", "prod"]);
        (harness.failing, harness.retention_ms) = (failing, retention);
        let function = function(harness);
        let response = now(function.batch(&serde_json::from_value(batch(bodies.clone())).expect("a batch")));
        let returned: BTreeSet<usize> = response.response.batch_item_failures.iter()
            .map(|it| it.item_identifier[1..].parse().expect("a number")).collect();
        let ids: BTreeSet<String> = function.cloud.ids().into_iter().collect();
        let mut expected = BatchCounts { received: bodies.len(), returned: returned.len(), ..BatchCounts::default() };
        for (number, body) in bodies.iter().enumerate().filter(|(number, _)| !returned.contains(number)) {
            match written_entries(body, &ids) {
                None => expected.dead_lettered += 1,
                Some((written, all)) if written == all => expected.accepted += 1,
                Some((_, _)) => {
                    // A failed call never deletes a message from the queue.
                    let Kind::Launch { suffix, .. } = kinds[number] else { unreachable!("only launches have entries") };
                    prop_assert!(suffix == "gone" || retention.is_some(), "{body} was deleted from the queue");
                    expected.rejected += 1;
                }
            }
        }
        prop_assert_eq!(response.counts, expected);
        prop_assert_eq!(function.dead_letters.all.borrow().len(), expected.dead_lettered);
        // Without faults, the second delivery writes all entries of the returned messages.
        let function = scaling_log::ScalingLog { cloud: Harness { failing: BTreeSet::new(), ..function.cloud }, ..function };
        let redelivered: Vec<String> = returned.iter().map(|number| bodies[*number].clone()).collect();
        let response = now(function.batch(&serde_json::from_value(batch(redelivered)).expect("a batch")));
        prop_assert_eq!(response.counts.returned, 0);
        let ids: BTreeSet<String> = function.cloud.ids().into_iter().collect();
        for number in returned {
            let Kind::Launch { suffix, .. } = kinds[number] else { continue };
            let (written, all) = written_entries(&bodies[number], &ids).expect("a launch has entries");
            prop_assert!(written == all || suffix == "gone" || retention.is_some(), "{}", bodies[number]);
        }
    }
}
