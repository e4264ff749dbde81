//! The timeline of 10,000 entries: the duration of drawing its page on this machine, and its size.

use std::hint::black_box;
use std::time::Instant;

use ledger::timeline::{Range, Size, Theme, page};
use ledger::{Entry, time};
use serde_json::{Value, json};

/// The number of entries.
const ENTRIES: u64 = 10_000;
/// 2026-01-02T00:00:00Z, and the hours of the range in ms.
const BEGIN: u64 = 1_767_312_000_000;
const RANGE: u64 = 24 * 60 * 60 * 1_000;
/// The promises: a page is drawn while a dashboard waits, and its size leaves room for ten in a result of Lambda's 6 MB.
const MOST_MS: f64 = 50.0;
const MOST_KB: f64 = 400.0;

/// The rows of a ledger of all kinds, and of one of alarms alone.
pub fn rows() -> Vec<Value> {
    [("mixed entries", mixed as fn(u64) -> Value), ("alarms", alarm)]
        .into_iter()
        .flat_map(|(name, entry)| {
            let entries: Vec<Entry> = (0..ENTRIES).map(|it| read(it, &entry(it))).collect();
            let draw = || drawn(black_box(&entries));
            let millis = (0..super::RUNS).map(|_| duration(draw)).fold(f64::INFINITY, f64::min);
            let kilobytes = f64::from(u32::try_from(draw().len()).expect("a page")) / 1_000.0;
            [
                super::promise(&format!("timeline of 10,000 {name}"), millis, "ms", MOST_MS),
                super::promise(&format!("timeline of 10,000 {name}: size"), kilobytes, "KB", MOST_KB),
            ]
        })
        .collect()
}

fn drawn(entries: &[Entry]) -> String {
    let range = Range::new(BEGIN, BEGIN + RANGE).expect("a range");
    page(entries, range, Size::new(1_600, 600).expect("a size"), Theme::Light)
}

fn duration(draw: impl Fn() -> String) -> f64 {
    let started = Instant::now();
    black_box(draw());
    started.elapsed().as_secs_f64() * 1_000.0
}

/// An entry of the ledger, with the fields that all entries have.
fn read(number: u64, fields: &Value) -> Entry {
    let mut line = json!({
        "v": 1, "id": format!("entry-{number}"), "time": time::text(BEGIN + number * RANGE / ENTRIES),
        "environment": "scalable-ec2-us-west-2-dev", "group": "scalable-ec2-asg-uswest2-dev", "event": "",
    });
    let more = fields.as_object().expect("fields").clone();
    line.as_object_mut().expect("a line").extend(more);
    Entry::of_line(&line.to_string()).expect("an entry")
}

const REASON: &str =
    "Threshold Crossed: 3 datapoints [93.0 (02/01/26 03:03:00), 91.0, 88.0] were greater than the threshold";

fn alarm(number: u64) -> Value {
    let outcome = if number.is_multiple_of(2) { "alarm" } else { "ok" };
    let cause = json!({ "actor": "alarm", "alarm": "scalable-ec2-cpu-high-uswest2-dev" });
    json!({ "kind": "alarm", "outcome": outcome, "cause": cause, "reason": REASON })
}

/// An entry of each kind in turn, with instances that come and go, in ten versions.
fn mixed(number: u64) -> Value {
    let instance = format!("i-0a1b2c3d4e5f6{:04}", number / 16);
    let version = number / 1_000;
    let cause = json!({ "actor": "alarm", "alarm": "scalable-ec2-cpu-high-uswest2-dev",
        "policy": "scalable-ec2-scale-up-uswest2-dev", "desiredBefore": number % 7, "desiredAfter": number % 5 + 1 });
    match number % 12 {
        0 => json!({ "kind": "lifecycle", "outcome": "waiting", "instance": instance,
            "event": "EC2 Instance-launch Lifecycle Action" }),
        1 => json!({ "kind": "gate", "outcome": "continue", "instance": instance, "seconds": 8.0 }),
        2 => json!({ "kind": "launch", "outcome": "successful", "instance": instance, "seconds": 67.0,
            "templateVersion": version, "cause": cause }),
        3 => json!({ "kind": "capacity", "outcome": "changed", "cause": cause }),
        4 => alarm(number),
        5 => json!({ "kind": "remediation", "outcome": "done", "cause": cause, "reason": "the desired capacity is 3" }),
        6 => json!({ "kind": "request", "outcome": "responded", "reason": "Update failed: the subnet does not exist" }),
        7 => json!({ "kind": "rollout", "outcome": "failed", "reason": REASON }),
        8 => json!({ "kind": "interruption", "outcome": "interruption-warning", "instance": instance }),
        9 => json!({ "kind": "launch", "outcome": "failed", "reason": REASON, "seconds": 9.0 }),
        10 => {
            json!({ "kind": "terminate", "outcome": "successful", "instance": instance, "seconds": 87.0, "cause": cause })
        }
        _ => {
            let observed = json!({ instance: { "state": "InService", "templateVersion": version } });
            let state = json!({ "min": 1, "max": 6, "desired": number % 6, "instances": observed });
            json!({ "kind": "state", "outcome": "observed", "state": state })
        }
    }
}
