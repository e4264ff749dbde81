//! The scheduled run: observations of the groups, and the backfill of activities that no event reported.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

mod common;

use common::{Harness, NOW, activity, batch, function, launch, now};
use lambda_kit::{Error, Failure, FailureKind};
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;

fn kind(error: &Error) -> FailureKind {
    error.downcast_ref::<Failure>().expect("a classified failure").kind
}

fn schedule() -> Value {
    json!({ "detail-type": "Scheduled Event", "detail": {} })
}

#[test]
fn launches_without_an_event_are_backfilled_once_marked_and_without_metrics() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = (0..5).map(|number| activity("dev", number, NOW - HOUR)).collect();
    let function = function(harness);
    let reported = [1, 3].map(|number| launch("dev", number, NOW - HOUR).to_string());
    now(function.handle(batch(reported))).expect("a response");
    let backfilled = now(function.handle(schedule())).expect("a response");
    assert_eq!(backfilled, json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 3 } }));
    let lines = function.cloud.events();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let from_an_event =
            ["i-00000000000000001", "i-00000000000000003"].contains(&line["instance"].as_str().unwrap_or(""));
        assert_eq!(line["backfilled"].is_null(), from_an_event, "{line}");
        assert_eq!(line["_aws"].is_object(), from_an_event, "{line}");
    }
    assert_eq!(now(function.handle(schedule())).expect("a response"), json!({ "Backfilled": {} }));
    // The event of a backfilled launch arrives late: the same line again, which is counted.
    now(function.handle(batch([launch("dev", 0, NOW - HOUR).to_string()]))).expect("a response");
    let lines = function.cloud.events();
    let repeated = lines.iter().filter(|one| lines.iter().filter(|it| it["id"] == one["id"]).count() == 2).count();
    assert_eq!((lines.len(), repeated), (6, 2));
}

#[test]
fn recent_and_old_activities_are_not_backfilled() {
    let mut harness = Harness::new(&["dev"]);
    let in_progress = ledger::Activity { end_ms: None, ..activity("dev", 3, NOW - HOUR) };
    let moved = ledger::Activity {
        description: "Moving EC2 instance out of Standby: i-1".into(),
        ..activity("dev", 4, NOW - HOUR)
    };
    harness.activities = vec![activity("dev", 1, NOW - 60_000), activity("dev", 2, NOW - 9 * HOUR), in_progress, moved];
    let function = function(harness);
    assert_eq!(now(function.handle(schedule())).expect("a response"), json!({ "Backfilled": {} }));
    let mut longer = schedule();
    longer["detail"]["LookbackHours"] = 12.into();
    assert_eq!(
        now(function.handle(longer)).expect("a response"),
        json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 1 } })
    );
}

#[test]
fn a_long_activity_is_selected_by_its_end() {
    let mut harness = Harness::new(&["dev"]);
    // A drain may take eight hours.
    let long = |number, end_ms| ledger::Activity { start_ms: end_ms - 8 * HOUR, ..activity("dev", number, end_ms) };
    harness.activities = vec![long(1, NOW - HOUR), long(2, NOW - 5 * HOUR), long(3, NOW - 7 * HOUR)];
    let function = function(harness);
    assert_eq!(
        now(function.handle(schedule())).expect("a response"),
        json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 2 } })
    );
}

#[test]
fn an_event_whose_time_differs_from_its_activity_prevents_a_backfill() {
    for early in [false, true] {
        let mut harness = Harness::new(&["dev"]);
        harness.activities = vec![activity("dev", 1, NOW - HOUR)];
        let function = function(harness);
        let at_ms = if early { NOW - HOUR - 30_000 } else { NOW - HOUR + 30_000 };
        now(function.handle(batch([launch("dev", 1, at_ms).to_string()]))).expect("a response");
        assert_eq!(now(function.handle(schedule())).expect("a response"), json!({ "Backfilled": {} }));
    }
}

#[test]
fn a_scheduled_run_that_can_read_none_of_the_groups_fails() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    harness.failing = (1..9).collect();
    let error = now(function(harness).handle(schedule())).expect_err("all reads fail");
    let expected = "none of 2 groups can be read: autoscaling:DescribeScalingActivities: ServiceUnavailable";
    assert_eq!(error.to_string(), expected);
    assert_eq!(kind(&error), FailureKind::AwsCallFailed);
}

/// Lambda may end a run before it has read all groups.
#[test]
fn each_scheduled_run_begins_with_a_different_group_so_that_every_group_is_backfilled_in_time() {
    let suffixes: Vec<String> = (0..40).map(|number| format!("env{number}")).collect();
    let suffixes: Vec<&str> = suffixes.iter().map(String::as_str).collect();
    let mut harness = Harness::new(&suffixes);
    harness.activities = (0..).zip(&suffixes).map(|(number, it)| activity(it, number, NOW - HOUR)).collect();
    let mut function = function(harness);
    // Runs within the lookback of six hours, each with time for a quarter of the groups.
    for half_hour in 0..11 {
        function.cloud.now_ms.set(NOW + half_hour * HOUR / 2);
        function.cloud.calls.set(0);
        // The observations of all groups need two calls each.
        function.cloud.failing = (1 + 40 * 2 + 10 * 4..1_000).collect();
        now(function.handle(schedule())).expect("a response");
    }
    assert_eq!(function.cloud.events().len(), 40);
}

#[test]
fn an_invalid_lookback_is_rejected_with_the_valid_range() {
    let function = function(Harness::new(&["dev"]));
    for given in [json!(0), json!("6"), json!(337), json!(-1)] {
        let mut event = schedule();
        event["detail"]["LookbackHours"] = given.clone();
        let error = now(function.handle(event)).expect_err("the lookback is invalid");
        assert_eq!(kind(&error), FailureKind::InvalidEvent);
        assert_eq!(
            error.to_string(),
            format!("detail.LookbackHours is {given}: valid is a whole number from 1 to 336")
        );
    }
}

#[test]
fn a_group_that_cannot_be_read_does_not_delay_other_groups() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    // Call 0 lists the groups, two calls write the observation of each, call 5 lists the activities of the first group.
    harness.failing = [5].into();
    let function = function(harness);
    let backfilled = now(function.handle(schedule())).expect("a response");
    assert_eq!(backfilled["Backfilled"].as_object().map(serde_json::Map::len), Some(1), "{backfilled}");
}

#[test]
fn each_scheduled_run_writes_one_observation_of_each_owned_group() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.groups.push(String::from("shop-asg"));
    let function = function(harness);
    for half_hour in 0..3 {
        function.cloud.now_ms.set(NOW + half_hour * HOUR / 2);
        assert_eq!(now(function.handle(schedule())).expect("a response"), json!({ "Backfilled": {} }));
    }
    let observations = function.cloud.observations();
    let of = |environment: &str| {
        let all = observations.iter().filter(|it| it["environment"] == environment);
        all.map(|it| it["time"].as_str().expect("a time")).collect::<Vec<_>>()
    };
    let times = ["2026-01-02T05:00:00Z", "2026-01-02T05:30:00Z", "2026-01-02T06:00:00Z"];
    assert_eq!((of("scalable-ec2-us-west-2-dev"), of("scalable-ec2-us-west-2-prod")), (times.to_vec(), times.to_vec()));
    assert_eq!(observations.len(), 6, "the group shop-asg is not owned");
    let expected = json!({
        "min": 1, "max": 6, "desired": 2,
        "instances": {
            "i-00000000000000001": { "state": "InService", "templateVersion": 6 },
            "i-00000000000000002": { "state": "Pending" },
        },
    });
    assert_eq!(observations[0]["state"], expected);
}

#[test]
fn a_repeated_run_at_the_same_time_has_the_same_id_and_a_later_run_has_another() {
    let function = function(Harness::new(&["dev"]));
    for at_ms in [NOW, NOW, NOW + 1] {
        function.cloud.now_ms.set(at_ms);
        now(function.handle(schedule())).expect("a response");
    }
    let ids = function.cloud.ids();
    assert_eq!((ids.len(), ids[0] == ids[1], ids[1] == ids[2]), (3, true, false), "{ids:?}");
}

#[test]
fn an_observation_that_cannot_be_written_prevents_no_backfill() {
    let mut harness = Harness::new(&["dev", "prod"]);
    harness.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    harness.log_groups.remove("/aws/autoscaling/scalable-ec2-prod");
    // Call 1 reads the record of the first group.
    harness.failing = [1].into();
    let function = function(harness);
    let backfilled = now(function.handle(schedule())).expect("a response");
    assert_eq!(backfilled, json!({ "Backfilled": { "scalable-ec2-asg-uswest2-dev": 1 } }));
    assert_eq!(function.cloud.events().len(), 1);
}
