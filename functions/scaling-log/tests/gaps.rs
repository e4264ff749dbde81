//! What no event told of.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{NOW, World, activity, batch, function, launch, now};
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;

fn schedule() -> Value {
    json!({ "detail-type": "Scheduled Event", "detail": {} })
}

#[test]
fn launches_that_no_event_told_of_are_written_once_marked_and_without_metrics() {
    let mut world = World::new(&["dev", "prod"]);
    world.activities = (0..5).map(|number| activity("dev", number, NOW - HOUR)).collect();
    let function = function(world);
    let told = [1, 3].map(|number| launch("dev", number, NOW - HOUR).to_string());
    now(function.handle(batch(told))).expect("an answer");
    let filled = now(function.handle(schedule())).expect("an answer");
    assert_eq!(filled, json!({ "Filled": { "scalable-ec2-asg-uswest2-dev": 3 } }));
    let lines = function.cloud.lines();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let from_an_event =
            ["i-00000000000000001", "i-00000000000000003"].contains(&line["instance"].as_str().unwrap_or(""));
        assert_eq!(line["filled"].is_null(), from_an_event, "{line}");
        assert_eq!(line["_aws"].is_object(), from_an_event, "{line}");
    }
    assert_eq!(now(function.handle(schedule())).expect("an answer"), json!({ "Filled": {} }));
    // Its event comes after all: the same line again, which is counted.
    now(function.handle(batch([launch("dev", 0, NOW - HOUR).to_string()]))).expect("an answer");
    let ids = function.cloud.ids();
    let again = ids.iter().filter(|id| ids.iter().filter(|it| it == id).count() == 2).count();
    assert_eq!((ids.len(), again), (6, 2));
}

#[test]
fn what_may_still_be_told_and_what_is_long_past_is_left_alone() {
    let mut world = World::new(&["dev"]);
    let under_way = ledger::Activity { end_ms: None, ..activity("dev", 3, NOW - HOUR) };
    let moved = ledger::Activity {
        description: "Moving EC2 instance out of Standby: i-1".into(),
        ..activity("dev", 4, NOW - HOUR)
    };
    world.activities = vec![activity("dev", 1, NOW - 60_000), activity("dev", 2, NOW - 9 * HOUR), under_way, moved];
    let function = function(world);
    assert_eq!(now(function.handle(schedule())).expect("an answer"), json!({ "Filled": {} }));
    let mut far = schedule();
    far["detail"]["LookbackHours"] = 12.into();
    assert_eq!(
        now(function.handle(far)).expect("an answer"),
        json!({ "Filled": { "scalable-ec2-asg-uswest2-dev": 1 } })
    );
}

#[test]
fn a_lookback_that_makes_no_sense_is_refused_with_what_would() {
    let function = function(World::new(&["dev"]));
    for given in [json!(0), json!("6"), json!(337), json!(-1)] {
        let mut event = schedule();
        event["detail"]["LookbackHours"] = given.clone();
        let wrong = now(function.handle(event)).expect_err("it makes no sense").to_string();
        assert_eq!(wrong, format!("detail.LookbackHours is {given}: valid is a whole number from 1 to 336"));
    }
}

#[test]
fn a_group_that_cannot_be_looked_at_holds_up_no_other() {
    let mut world = World::new(&["dev", "prod"]);
    world.activities = vec![activity("dev", 1, NOW - HOUR), activity("prod", 2, NOW - HOUR)];
    // The groups, then the activities of the first.
    world.failing = [1].into();
    let function = function(world);
    let filled = now(function.handle(schedule())).expect("an answer");
    assert_eq!(filled, json!({ "Filled": { "scalable-ec2-asg-uswest2-prod": 1 } }));
}
