//! The time from the end of an instance's user data until the instance is in service, under virtual time: with the event of
//! its ready marker, and without.

use std::time::Duration;

use auto_scaling::{Behaviour, Fleet, Ready, Timestamp};
use serde_json::{Value, json};
use test_support::hooks::{Harness, SeededRng};
use test_support::{sample, with};

/// The number of launches of each row.
const LAUNCHES: u64 = 1_000;
/// The time at which user data ends after the launch, in seconds. The agent is online after a minute.
const USER_DATA: (u64, u64) = (70, 180);
/// The delay of the event in milliseconds. AWS names none; events of Auto Scaling were received after 2 to 6 s where the
/// recorder did not miss them (recorded on AWS, September 2026: stackd 9dc356f5, `lifecycle_native`).
const EVENT_DELAY: (u64, u64) = (1_000, 10_000);

/// The rows, in seconds.
pub fn rows() -> Vec<Value> {
    let sorted = |with_event: bool| {
        let mut all: Vec<f64> = (0..LAUNCHES).map(|seed| seconds(seed, with_event)).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (with_event, without) = (sorted(true), sorted(false));
    let row = |name: &str, of: usize| {
        let at = with_event.len() * of / 100;
        let name = format!("gate: end of user data to in service, {name}, against polls alone");
        super::row(&name, with_event[at], "s", Some(without[at]))
    };
    vec![row("p50", 50), row("p95", 95)]
}

/// One launch: the time between the two.
fn seconds(seed: u64, with_event: bool) -> f64 {
    let mut rng = SeededRng::new(seed);
    let mut between = |(least, most): (u64, u64)| least + rng.below(most - least);
    let (user_data, delay) =
        (Duration::from_millis(between((USER_DATA.0 * 1_000, USER_DATA.1 * 1_000))), between(EVENT_DELAY));
    let harness = Harness::new(1);
    *harness.fleet.borrow_mut() = Fleet::new(Behaviour { ready: Ready::After(user_data), ..Behaviour::default() });
    harness.scale_to(1);
    // The launch starts within these 30 s.
    harness.advance(Duration::from_secs(30));
    let id = harness.states().into_keys().next().expect("one instance");
    let due = harness.fleet.borrow().member(&id).expect("a member").marker_due().expect("user data ends");
    if with_event {
        let arn = format!("arn:aws:ec2:us-west-2:123456789012:instance/{id}");
        let event = with(sample("lifecycle-hook", "ready-marker.json"), json!({ "resources": [arn] }));
        harness.send(event.to_string(), due + Duration::from_millis(delay));
    }
    let in_service = |harness: &Harness| harness.in_service() == 1;
    while !in_service(&harness) {
        harness.advance(Duration::from_millis(100));
    }
    let now: Timestamp = harness.now.get();
    now.since(due).as_secs_f64()
}
