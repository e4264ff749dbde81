//! Messages in, outcomes out.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::collections::BTreeSet;

use common::{Buried, NOW, World, batch, function, launch, now, place};
use proptest::prelude::*;
use scaling_log::Account;
use serde_json::{Value, json};

fn failures(response: &Value) -> Vec<&str> {
    let all = response["batchItemFailures"].as_array().expect("a list");
    all.iter().map(|it| it["itemIdentifier"].as_str().expect("an id")).collect()
}

#[test]
fn each_message_has_its_own_outcome() {
    let function = function(World::new(&["dev"]));
    let of_nobody = launch("dev", 1, NOW).to_string().replace("scalable-ec2-asg", "theirs-asg");
    let bodies = [launch("dev", 1, NOW).to_string(), "no JSON".into(), of_nobody, launch("gone", 2, NOW).to_string()];
    let answer = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    let expected = Account { received: 4, accepted: 1, rejected: 2, dead_lettered: 1, returned: 0 };
    assert_eq!(answer.account, expected);
    assert!(answer.response.batch_item_failures.is_empty());
    let buried = function.dead_letters.all.borrow();
    assert_eq!(*buried, [("no JSON".to_owned(), "no JSON, and no lines of Auto Scaling".to_owned())]);
    assert_eq!(function.cloud.lines()[0]["kind"], "launch");
}

#[test]
fn what_fails_in_passing_comes_back_and_holds_up_no_other_environment() {
    let mut world = World::new(&["dev", "prod"]);
    // The first call is whether dev is there.
    world.failing = BTreeSet::from([0]);
    let function = function(world);
    let bodies = [launch("dev", 1, NOW).to_string(), launch("prod", 2, NOW).to_string()];
    let response = now(function.handle(batch(bodies.clone()))).expect("an answer");
    assert_eq!(failures(&response), ["m0"]);
    let response = now(function.handle(batch([bodies[0].clone()]))).expect("an answer");
    assert!(failures(&response).is_empty());
    assert_eq!(function.cloud.ids().len(), 2);
}

#[test]
fn poison_that_cannot_be_put_away_stays_in_the_queue() {
    let mut function = function(World::new(&["dev"]));
    function.dead_letters = Buried { is_full: true, ..Buried::default() };
    let response = now(function.handle(batch(["no JSON".to_owned()]))).expect("an answer");
    assert_eq!(failures(&response), ["m0"]);
}

#[test]
fn an_environment_without_a_log_group_gets_none_and_its_events_are_counted() {
    let mut world = World::new(&["dev"]);
    world.log_groups.clear();
    let function = function(world);
    let bodies = [launch("dev", 1, NOW).to_string()];
    let answer = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((answer.account.rejected, answer.account.returned), (1, 0));
}

#[test]
fn an_environment_that_is_gone_has_no_ledger_any_more_though_its_log_group_is_still_there() {
    let mut world = World::new(&["dev"]);
    world.environments.clear();
    let function = function(world);
    let bodies = [launch("dev", 1, NOW).to_string()];
    let answer = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((answer.account.rejected, function.cloud.lines().len()), (1, 0));
}

#[test]
fn times_that_cloudwatch_does_not_take_are_filed_under_the_nearest_one_that_it_takes() {
    const DAY: u64 = 86_400_000;
    let function = function(World::new(&["dev"]));
    let times = [NOW - 400 * DAY, NOW + 30 * DAY];
    let bodies = times.map(|at| launch("dev", 1, at).to_string());
    assert!(failures(&now(function.handle(batch(bodies))).expect("an answer")).is_empty());
    let lines = function.cloud.lines();
    assert_eq!(lines.len(), 2, "none was rejected");
    assert_eq!(lines[0]["time"], "2024-11-28T05:00:00Z", "its own time is in it");
    // CloudWatch takes no metric of such times either.
    let streams = function.cloud.streams.borrow();
    for line in streams.values().flatten() {
        let text: Value = serde_json::from_str(&line.text).expect("JSON");
        assert_eq!(text["_aws"]["Timestamp"], line.at_ms);
    }
}

#[test]
fn lines_past_their_log_groups_retention_are_counted_and_their_neighbours_are_taken() {
    const DAY: u64 = 86_400_000;
    let mut world = World::new(&["dev"]);
    world.retention_ms = Some(DAY);
    let function = function(world);
    let bodies = [launch("dev", 1, NOW - 2 * DAY).to_string(), launch("dev", 2, NOW).to_string()];
    let answer = now(function.batch(&serde_json::from_value(batch(bodies)).expect("a batch")));
    assert_eq!((answer.account.accepted, answer.account.rejected), (1, 1));
}

#[test]
fn a_message_that_comes_twice_writes_the_same_line_twice() {
    let function = function(World::new(&["dev"]));
    for _ in 0..2 {
        now(function.handle(batch([launch("dev", 1, NOW).to_string()]))).expect("an answer");
    }
    let ids = function.cloud.ids();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
}

#[test]
fn topics_and_single_events_are_written_too() {
    let function = function(World::new(&["dev"]));
    let event = launch("dev", 1, NOW);
    let written = now(function.handle(event.clone())).expect("an answer");
    assert_eq!(written["Written"][0]["outcome"], "successful");
    let topic = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": event.to_string() } }] });
    assert_eq!(now(function.handle(topic)).expect("an answer")["Accepted"], 1);
    let wrong = now(function.handle(json!({ "Nothing": "known" }))).expect_err("no event").to_string();
    assert!(wrong.contains("it has Nothing"), "{wrong}");
}

/// What Lambda puts away of the function `alarm`, which failed: it is sent to the queue again by hand.
#[test]
fn an_invocation_of_the_other_function_that_failed_is_an_alarms_line() {
    let function = function(World::new(&["dev"]));
    for shape in ["direct-of-an-instance", "topic", "event-bridge"] {
        let event = test_support::sample("alarm", &format!("{shape}.json"));
        let record = json!({
            "version": "1.0", "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event,
            "responsePayload": { "errorMessage": "no" },
        });
        let answer = now(function.batch(&serde_json::from_value(batch([record.to_string()])).expect("a batch")));
        assert_eq!((answer.account.accepted, answer.account.dead_lettered), (1, 0), "{shape}");
    }
    assert!(function.cloud.lines().iter().all(|line| line["kind"] == "alarm"));
}

/// A body of any kind, with whether the ledger has lines of it.
fn body() -> impl Strategy<Value = String> {
    let suffix = prop_oneof![6 => Just("dev"), 3 => Just("prod"), 1 => Just("gone")];
    let day = 86_400_000_u64;
    let at = prop_oneof![8 => NOW - day..NOW, 1 => NOW - 40 * day..NOW, 1 => NOW..NOW + 3 * day];
    let known = (
        suffix,
        0_usize..1_000_000,
        at,
        prop_oneof![5_000 => 0_usize..200, 4 => 200_000_usize..300_000, 1 => 990_000_usize..1_100_000],
    );
    prop_oneof![
        8 => known.prop_map(|(suffix, number, at, padding)| {
            let mut event = launch(suffix, number, at);
            event["detail"]["Padding"] = "\u{1}ü".repeat(padding / 3).into();
            event.to_string()
        }),
        1 => "[ -~]{0,20}",
        1 => Just(json!({ "detail-type": "EC2 Instance Launch Successful", "detail": {} }).to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// The limits are the world's, which stops the test if one is broken.
    #[test]
    fn every_limit_holds_and_every_message_is_accounted_for(
        bodies in prop::collection::vec(body(), 0..8),
        failing in prop::collection::btree_set(0_usize..6, 0..3),
        retention in prop_oneof![4 => Just(None), 1 => Just(Some(86_400_000))],
    ) {
        let mut world = World::new(&["dev", "prod"]);
        (world.failing, world.retention_ms) = (failing, retention);
        let function = function(world);
        let answer = now(function.batch(&serde_json::from_value(batch(bodies.clone())).expect("a batch")));
        let Account { received, accepted, rejected, dead_lettered, returned } = answer.account;
        prop_assert_eq!(received, bodies.len());
        prop_assert_eq!(accepted + rejected + dead_lettered + returned, received);
        prop_assert_eq!(answer.response.batch_item_failures.len(), returned);
        prop_assert_eq!(function.dead_letters.all.borrow().len(), dead_lettered);
        let ids: BTreeSet<String> = function.cloud.ids().into_iter().collect();
        let has_lines = |body: &&String| {
            matches!(ledger::read::body(&place(), body, NOW), Ok(ledger::read::Reading::Of { entries, .. })
                if entries.iter().all(|entry| ids.contains(&entry.id)))
        };
        prop_assert!(bodies.iter().filter(has_lines).count() >= accepted, "what is accepted is written");
        // Once more, without faults: what was returned is written then.
        let function = scaling_log::ScalingLog { cloud: World { failing: BTreeSet::new(), ..function.cloud }, ..function };
        let again: Vec<String> = answer.response.batch_item_failures.iter()
            .map(|it| bodies[it.item_identifier[1..].parse::<usize>().expect("a number")].clone()).collect();
        let answer = now(function.batch(&serde_json::from_value(batch(again)).expect("a batch")));
        prop_assert_eq!(answer.account.returned, 0);
    }
}
