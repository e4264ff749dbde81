//! Ledgers for the tests of the timeline.

use ledger::{Entry, time};
use serde_json::{Value, json};

/// 2026-01-02T00:00:00Z.
pub const MIDNIGHT: u64 = 1_767_312_000_000;
pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;

/// A ledger in the making. Times are in minutes since midnight.
#[derive(Default)]
pub struct Ledger {
    pub entries: Vec<Entry>,
}

/// An instance by its number: `i-0a1b2c3d4e5f60007`.
pub fn instance(number: usize) -> String {
    format!("i-0a1b2c3d4e5f6{number:04}")
}

impl Ledger {
    /// Adds an entry as the ledger has it.
    #[expect(clippy::needless_pass_by_value, reason = "the callers build the fields in place")]
    pub fn add(&mut self, kind: &str, outcome: &str, at_ms: u64, more: Value) {
        let mut line = json!({
            "v": 1, "id": format!("{kind}-{}", self.entries.len()), "time": time::text(at_ms),
            "environment": "scalable-ec2-us-west-2-dev", "group": "scalable-ec2-asg-uswest2-dev",
            "kind": kind, "outcome": outcome, "event": "",
        });
        line.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        self.entries.push(Entry::of_line(&line.to_string()).unwrap());
    }

    /// A launch that ends at this minute, 67 s after its beginning, with 40 s in the gate.
    pub fn launch(&mut self, number: usize, minute: u64, version: u64) {
        let at_ms = MIDNIGHT + minute * MINUTE;
        let instance = instance(number);
        let waits = json!({ "instance": instance, "event": "EC2 Instance-launch Lifecycle Action" });
        self.add("lifecycle", "waiting", at_ms - 41_000, waits);
        self.add("gate", "continue", at_ms - 1_000, json!({ "instance": instance, "seconds": 40.0 }));
        let cause = json!({ "actor": "alarm", "alarm": "cpu-high" });
        let more = json!({ "instance": instance, "zone": "us-west-2a", "seconds": 67.0, "templateVersion": version,
            "cause": cause });
        self.add("launch", "successful", at_ms, more);
    }

    /// A termination that ends at this minute, 90 s after its beginning.
    pub fn terminate(&mut self, number: usize, minute: u64) {
        let more = json!({ "instance": instance(number), "seconds": 90.0, "cause": { "actor": "refresh" } });
        self.add("terminate", "successful", MIDNIGHT + minute * MINUTE, more);
    }

    pub fn alarm(&mut self, outcome: &str, minute: u64) {
        let more =
            json!({ "cause": { "actor": "alarm", "alarm": "cpu-high" }, "reason": "3 datapoints were above 70" });
        self.add("alarm", outcome, MIDNIGHT + minute * MINUTE, more);
    }

    /// An observation of the group, with these instances in service.
    pub fn state(&mut self, minute: u64, desired: u32, instances: &[(usize, u64)]) {
        let instances: Value = instances
            .iter()
            .map(|(number, version)| (instance(*number), json!({ "state": "InService", "templateVersion": version })))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let state = json!({ "min": 1, "max": 6, "desired": desired, "instances": instances });
        self.add("state", "observed", MIDNIGHT + minute * MINUTE, json!({ "state": state }));
    }
}

/// Six hours: a growing load, a failed launch, a Spot interruption, a gap, and a rollout from version 6 to version 7.
pub fn six_hours() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.state(0, 2, &[(1, 6), (2, 6)]);
    ledger.state(30, 2, &[(1, 6), (2, 6)]);
    ledger.alarm("alarm", 40);
    let cause =
        json!({ "actor": "alarm", "alarm": "cpu-high", "policy": "scale-up", "desiredBefore": 2, "desiredAfter": 4 });
    ledger.add("capacity", "changed", MIDNIGHT + 41 * MINUTE, json!({ "cause": cause }));
    ledger.launch(3, 43, 6);
    let failed = json!({ "reason": "We currently do not have sufficient t3.micro capacity in us-west-2b <script>", "failure": "capacity" });
    ledger.add("launch", "failed", MIDNIGHT + 44 * MINUTE, failed);
    ledger.launch(4, 50, 6);
    ledger.alarm("ok", 55);
    ledger.state(60, 4, &[(1, 6), (2, 6), (3, 6), (4, 6)]);
    let warning = json!({ "instance": instance(2), "reason": "EC2 terminates the Spot instance within two minutes" });
    ledger.add("interruption", "interruption-warning", MIDNIGHT + 70 * MINUTE, warning);
    ledger.terminate(2, 73);
    ledger.launch(5, 75, 6);
    ledger.state(90, 4, &[(1, 6), (3, 6), (4, 6), (5, 6)]);
    // From 01:30 to 03:30, the ledger was not written.
    ledger.state(210, 4, &[(1, 6), (3, 6), (4, 6), (5, 6)]);
    ledger.add("request", "started", MIDNIGHT + 215 * MINUTE, json!({ "reason": "Update" }));
    ledger.add(
        "rollout",
        "begun",
        MIDNIGHT + 216 * MINUTE,
        json!({ "reason": "version 7 replaces 4 instances", "templateVersion": 7 }),
    );
    for (at, number) in [1, 3, 4, 5].into_iter().enumerate() {
        let minute = 222 + 12 * at as u64;
        ledger.launch(6 + at, minute, 7);
        ledger.terminate(number, minute + 4);
    }
    ledger.state(240, 4, &[(4, 6), (5, 6), (6, 7), (7, 7)]);
    ledger.add(
        "rollout",
        "complete",
        MIDNIGHT + 263 * MINUTE,
        json!({ "reason": "4 instances run version 7", "templateVersion": 7 }),
    );
    ledger.add("request", "responded", MIDNIGHT + 264 * MINUTE, json!({ "reason": "Update succeeded" }));
    let new = [(6, 7), (7, 7), (8, 7), (9, 7)];
    for minute in [270, 300, 330] {
        ledger.state(minute, 4, &new);
    }
    ledger
}

/// This number of entries of all kinds within 24 hours, with instances that come and go.
pub fn mixed(count: usize) -> Ledger {
    let mut ledger = Ledger::default();
    let reason =
        "Threshold Crossed: 3 datapoints [93.0 (02/01/26 03:03:00), 91.0, 88.0] were greater than the threshold";
    while ledger.entries.len() < count {
        let at = ledger.entries.len();
        let at_ms = MIDNIGHT + at as u64 * 24 * HOUR / count as u64;
        let (id, version) = (instance(at / 16), at / 1_000);
        let cause = json!({ "actor": "alarm", "alarm": "scalable-ec2-cpu-high-uswest2-dev",
            "policy": "scalable-ec2-scale-up-uswest2-dev", "desiredBefore": at % 7, "desiredAfter": at % 5 + 1 });
        let (kind, outcome, more) = match at % 12 {
            0 => ("lifecycle", "waiting", json!({ "instance": id, "event": "EC2 Instance-launch Lifecycle Action" })),
            1 => ("gate", "continue", json!({ "instance": id, "seconds": 8.0 })),
            2 => ("launch", "successful", json!({ "instance": id, "seconds": 67.0, "templateVersion": version })),
            3 => ("capacity", "changed", json!({ "cause": cause })),
            4 => ("alarm", "alarm", json!({ "cause": cause, "reason": reason })),
            5 => ("remediation", "done", json!({ "cause": cause, "reason": "the desired capacity is 3, and was 2" })),
            6 => ("request", "responded", json!({ "reason": "Update failed: the subnet does not exist" })),
            7 => ("rollout", "failed", json!({ "reason": reason })),
            8 => ("interruption", "interruption-warning", json!({ "instance": id, "reason": reason })),
            9 => ("launch", "failed", json!({ "reason": reason, "seconds": 9.0 })),
            10 => ("terminate", "successful", json!({ "instance": id, "seconds": 87.0, "cause": cause })),
            _ => {
                let instances = [(at / 16, version as u64), (at / 16 + 1, 3)];
                ledger.state((at_ms - MIDNIGHT) / MINUTE, u32::try_from(at % 6).unwrap(), &instances);
                continue;
            }
        };
        ledger.add(kind, outcome, at_ms, more);
    }
    ledger
}
