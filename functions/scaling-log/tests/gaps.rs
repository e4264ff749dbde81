//! What no event told of.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{Harness, NOW, activity, batch, function, launch, now};
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;

fn schedule() -> Value {
    json!({ "detail-type": "Scheduled Event", "detail": {} })
}

#[test]
fn launches_that_no_event_told_of_are_written_once_marked_and_without_metrics() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = (0..5).map(|number| activity("dev", number, NOW - HOUR)).collect();
    let function = function(harness);
    let told = [1, 3].map(|number| launch("dev", number, NOW - HOUR).to_string());
    now(function.handle(batch(told))).expect("an answer");
    let filled = now(function.handle(schedule())).expect("an answer");
    assert_eq!(filled, json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 3 } }));
    let lines = function.cloud.lines();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let from_an_event =
            ["i-00000000000000001", "i-00000000000000003"].contains(&line["instance"].as_str().unwrap_or(""));
        assert_eq!(line["backfilled"].is_null(), from_an_event, "{line}");
        assert_eq!(line["_aws"].is_object(), from_an_event, "{line}");
    }
    assert_eq!(now(function.handle(schedule())).expect("an answer"), json!({ "Backfilled": {} }));
    // Its event comes after all: the same line again, which is counted.
    now(function.handle(batch([launch("dev", 0, NOW - HOUR).to_string()]))).expect("an answer");
    let ids = function.cloud.ids();
    let again = ids.iter().filter(|id| ids.iter().filter(|it| it == id).count() == 2).count();
    assert_eq!((ids.len(), again), (6, 2));
}

#[test]
fn what_may_still_be_told_and_what_is_long_past_is_left_alone() {
    let mut harness = Harness::new(&["dev"]);
    let under_way = ledger::Activity { end_ms: None, ..activity("dev", 3, NOW - HOUR) };
    let moved = ledger::Activity {
        description: "Moving EC2 instance out of Standby: i-1".into(),
        ..activity("dev", 4, NOW - HOUR)
    };
    harness.activities = vec![activity("dev", 1, NOW - 60_000), activity("dev", 2, NOW - 9 * HOUR), under_way, moved];
    let function = function(harness);
    assert_eq!(now(function.handle(schedule())).expect("an answer"), json!({ "Backfilled": {} }));
    let mut far = schedule();
    far["detail"]["LookbackHours"] = 12.into();
    assert_eq!(
        now(function.handle(far)).expect("an answer"),
        json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 1 } })
    );
}

#[test]
fn what_took_hours_is_looked_for_by_its_end() {
    let mut harness = Harness::new(&["dev"]);
    // Drains go on for eight hours.
    let long = |number, end_ms| ledger::Activity { start_ms: end_ms - 8 * HOUR, ..activity("dev", number, end_ms) };
    harness.activities = vec![long(1, NOW - HOUR), long(2, NOW - 5 * HOUR), long(3, NOW - 7 * HOUR)];
    let function = function(harness);
    assert_eq!(
        now(function.handle(schedule())).expect("an answer"),
        json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 2 } })
    );
}

#[test]
fn an_event_that_tells_another_time_than_the_activity_is_no_gap() {
    for early in [false, true] {
        let mut harness = Harness::new(&["dev"]);
        harness.activities = vec![activity("dev", 1, NOW - HOUR)];
        let function = function(harness);
        let told = if early { NOW - HOUR - 30_000 } else { NOW - HOUR + 30_000 };
        now(function.handle(batch([launch("dev", 1, told).to_string()]))).expect("an answer");
        assert_eq!(now(function.handle(schedule())).expect("an answer"), json!({ "Backfilled": {} }));
    }
}

#[test]
fn a_schedule_by_which_no_group_can_be_looked_at_fails() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    harness.failing = (1..9).collect();
    let wrong = now(function(harness).handle(schedule())).expect_err("nothing was looked at").to_string();
    assert_eq!(wrong, "none of 2 groups could be looked at: ServiceUnavailable");
}

/// Lambda may end it before it is through with all groups.
#[test]
fn each_schedule_begins_elsewhere_so_that_every_group_has_its_turn_in_time() {
    let suffixes: Vec<String> = (0..40).map(|number| format!("env{number}")).collect();
    let suffixes: Vec<&str> = suffixes.iter().map(String::as_str).collect();
    let mut harness = Harness::new(&suffixes);
    harness.activities = (0..).zip(&suffixes).map(|(number, it)| activity(it, number, NOW - HOUR)).collect();
    let mut function = function(harness);
    // Twelve times within the six hours that it looks back, and time for a quarter of the groups in each.
    for half_hour in 0..11 {
        function.cloud.now_ms.set(NOW + half_hour * HOUR / 2);
        function.cloud.calls.set(0);
        function.cloud.failing = (1 + 10 * 4..1_000).collect();
        now(function.handle(schedule())).expect("an answer");
    }
    assert_eq!(function.cloud.lines().len(), 40);
}

#[test]
fn a_lookback_that_makes_no_sense_is_refused_with_what_would() {
    let function = function(Harness::new(&["dev"]));
    for given in [json!(0), json!("6"), json!(337), json!(-1)] {
        let mut event = schedule();
        event["detail"]["LookbackHours"] = given.clone();
        let wrong = now(function.handle(event)).expect_err("it makes no sense").to_string();
        assert_eq!(wrong, format!("detail.LookbackHours is {given}: valid is a whole number from 1 to 336"));
    }
}

#[test]
fn a_group_that_cannot_be_looked_at_holds_up_no_other() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    // The groups, then the activities of the first that it looks at.
    harness.failing = [1].into();
    let function = function(harness);
    let filled = now(function.handle(schedule())).expect("an answer");
    assert_eq!(filled["Backfilled"].as_object().map(serde_json::Map::len), Some(1), "{filled}");
}
