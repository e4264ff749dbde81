//! Forged events of the two functions that no request or hook reaches: `alarm` and `scaling-log`.
//!
//! Anybody who may publish to a topic of an alarm can report any state to `alarm`: no remediation may follow from it.
//! The ledger queue is closed by its policy alone, since no lookup confirms a past event. Behind the policy the function
//! still writes each line only into the ledger of the environment that the event names, and only if it exists.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use alarm::Alarms;
use alarm::cloud::AlarmApi;
use environment::{CallError, Deployment, ObservedAlarm};
use lambda_kit::AwsCallError;
use ledger::Activity;
use ledger::batch::LogEvent;
use memory_cloud::Clock;
use requests::records::{DesiredRecord, MemoryRecords};
use requests::{Owner, QueueError, Records as _, RecordsError};
use scaling_log::ScalingLog;
use scaling_log::cloud::{DeadLetterError, DeadLetters, LogApi, ObservedGroup, PutOutcome};
use serde_json::{Value, json};
use test_support::{BlockOn as _, FakeRequestQueue, run, sample};

use super::forgeries::{Field, mutate, pick, texts};
use super::{Dice, Row};
use crate::lifecycle::Verdict;

/// The events for each of the two functions.
const EVENTS: usize = 2_600;

/// 2026-01-02T03:04:01.120Z, the time of the alarm in all samples.
const SINCE_MS: u64 = 1_767_323_041_120;
const NOW_MS: u64 = SINCE_MS + 2_000;
const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";
const HEALTHY_LOW: &str = "scalable-ec2-healthy-low-uswest2-dev";

pub(super) fn rows() -> Vec<Row> {
    let row = |name: &'static str, run: fn(usize) -> Verdict| Row {
        name,
        cases: EVENTS,
        short: 26,
        run: Box::new(run),
        seeded: true,
    };
    vec![
        row("forged states in the function alarm", |case| {
            let (event, _) = forged_state(case);
            verdict(&event, || requested(&not_in_alarm(), &event))
        }),
        row("forged events in the ledger queue", |case| {
            let (event, _) = forged_event(case);
            verdict(&event, || misplaced(&Ledger::default(), &event))
        }),
    ]
}

/// The verdict on one event, by its effects.
fn verdict(event: &Value, effects: impl FnOnce() -> Vec<String>) -> Verdict {
    let effects = catch_unwind(AssertUnwindSafe(effects)).unwrap_or_else(|_| vec![String::from("a panic")]);
    let reason = format!("{effects:?} by {event}");
    Verdict { converged: effects.is_empty(), reason, ..Verdict::default() }
}

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

/// Mutates a true report of an alarm: by the alarm itself, by a topic, or by EventBridge.
fn forged_state(case: usize) -> (Value, u64) {
    let mut dice = Dice::new(case);
    let name = ["direct.json", "topic.json", "event-bridge.json"][pick(&mut dice, 3)];
    let mut event = sample("alarm", name);
    let times =
        ["2026-01-02T03:04:01.120+0000", "1970-01-01T00:00:00.000+0000", "9999-12-31T23:59:59.000+0000", "soon"];
    let alarms = [HEALTHY_LOW, "scalable-ec2-cpu-high-uswest2-dev", "mine", "scalable-ec2-healthy-low-uswest2-prod"];
    let states = ["ALARM", "OK", "alarm", ""];
    let accounts = ["123456789012", "999999999999"];
    let in_topic = event.pointer("/Records/0/Sns/Message").and_then(Value::as_str);
    let mut message = in_topic.map_or_else(|| event.clone(), |it| serde_json::from_str(it).expect("JSON"));
    let fields: Vec<Field> = match name {
        "topic.json" => vec![
            ("/AlarmName", texts(&alarms)),
            ("/NewStateValue", texts(&states)),
            ("/StateChangeTime", texts(&times)),
            ("/AWSAccountId", texts(&accounts)),
            ("/AlarmDescription", texts(&["envkeeper:owner=0123456789abcdef0123", ""])),
            (
                "/Trigger/Dimensions",
                vec![json!([{ "name": "InstanceId", "value": "i-00000000000000001" }]), json!("x")],
            ),
        ],
        "direct.json" => vec![
            ("/accountId", texts(&accounts)),
            ("/alarmData/alarmName", texts(&alarms)),
            ("/alarmData/state/value", texts(&states)),
            ("/alarmData/state/timestamp", texts(&times)),
            ("/time", texts(&times)),
        ],
        _ => vec![
            ("/account", texts(&accounts)),
            ("/detail/alarmName", texts(&alarms)),
            ("/detail/state/value", texts(&states)),
            ("/detail/state/timestamp", texts(&times)),
            ("/time", texts(&times)),
        ],
    };
    let changed = mutate(&mut dice, &mut message, &fields);
    if name == "topic.json" {
        event["Records"][0]["Sns"]["Message"] = json!(message.to_string());
        return (event, changed);
    }
    (message, changed)
}

/// An account whose one alarm has this state.
struct Account {
    alarm: ObservedAlarm,
}

impl AlarmApi for Account {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        Ok((name == HEALTHY_LOW).then(|| self.alarm.clone()))
    }

    async fn publish(&self, _: &Value) -> Result<(), QueueError> {
        Ok(())
    }
}

/// The alarm of the victim's rule, which is not in ALARM.
fn not_in_alarm() -> ObservedAlarm {
    ObservedAlarm {
        state: "OK".into(),
        since_ms: SINCE_MS - 60_000,
        updated_ms: SINCE_MS - 60_000,
        actions_enabled: true,
        dimensions: vec![("AutoScalingGroupName".into(), deployment().names("dev").group().name)],
        ..ObservedAlarm::default()
    }
}

/// The remediations that a report results in, while CloudWatch observes the alarm like this.
fn requested(alarm: &ObservedAlarm, event: &Value) -> Vec<String> {
    let owner = Owner::of("arn:aws:cloudformation:us-west-2:123456789012:stack/web/1", "Web");
    let function = Alarms {
        deployment: deployment(),
        paused: false,
        records: MemoryRecords::new(),
        cloud: Account { alarm: alarm.clone() },
        request_queue: FakeRequestQueue::default(),
    };
    let rules = json!([{ "Alarm": "healthy-low", "Action": "ScaleBy", "Amount": 1, "CooldownSeconds": 600 }]);
    let spec = json!({ "AlarmActions": rules });
    let desired = DesiredRecord {
        environment: ENVIRONMENT.into(),
        spec,
        frozen: json!({}),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    function.records.claim(ENVIRONMENT, &owner).block_on();
    function.records.save_desired(&owner, desired).block_on();
    function.records.mark_settled(&owner, json!({})).block_on();
    // An error makes Lambda send the event again, which has no other effect.
    drop(run(&Clock::default(), function.handle(event.clone())));
    let sent = function.request_queue.sent.lock().expect("one thread");
    sent.iter().map(|(_, name, _)| format!("remediation {name}")).collect()
}

/// Mutates a true event of the ledger queue.
fn forged_event(case: usize) -> (Value, u64) {
    let mut dice = Dice::new(case);
    let names = ["launch.json", "terminate.json", "gate-verdict.json", "drain-outcome.json", "alarm-action.json"];
    let mut event = sample("scaling-log", names[pick(&mut dice, names.len())]);
    let groups = [
        "scalable-ec2-asg-uswest2-dev",
        "scalable-ec2-asg-uswest2-prod",
        "scalable-ec2-asg-uswest2-gone",
        "scalable-ec2-asg-useast1-dev",
        "foreign",
        "",
    ];
    let times = ["2026-01-02T03:05:12Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"];
    let fields: Vec<Field> = vec![
        ("/detail/AutoScalingGroupName", texts(&groups)),
        ("/detail/EC2InstanceId", texts(&["i-00000000000000001", "*", ""])),
        (
            "/detail/Cause",
            texts(&["At 2026-01-02T03:04:02Z changing the desired capacity from 2 to 4000000000000.", "\n{}"]),
        ),
        ("/detail/Outcome", texts(&["done", "abandon", "\u{1b}[2J"])),
        ("/detail/Reason", texts(&["{\"_aws\":{\"CloudWatchMetrics\":[]}}", ""])),
        ("/detail/StartTime", texts(&times)),
        ("/detail/EndTime", texts(&times)),
        ("/detail-type", texts(&["EC2 Instance Launch Successful", "Alarm Action", "Launch Gate Verdict", "x"])),
        ("/time", texts(&times)),
        ("/account", texts(&["123456789012", "999999999999"])),
        ("/source", texts(&["envkeeper", "forger", ""])),
        ("/id", texts(&["1", ""])),
        ("/detail/EventId", texts(&["1", ""])),
        ("/detail/EventTime", texts(&times)),
    ];
    let changed = mutate(&mut dice, &mut event, &fields);
    (event, changed)
}

/// An account with two environments, `dev` and `prod`, and the lines that were written to each log group.
struct Ledger {
    /// The environments that the records know.
    environments: BTreeSet<String>,
    written: RefCell<Vec<(String, String)>>,
    dead_lettered: Cell<usize>,
}

impl Default for Ledger {
    fn default() -> Ledger {
        let environments = ["dev", "prod"].map(|it| deployment().names(it).environment_id()).into();
        Ledger { environments, written: RefCell::default(), dead_lettered: Cell::default() }
    }
}

impl LogApi for &Ledger {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    async fn environment_exists(&self, environment: &str) -> Result<bool, RecordsError> {
        Ok(self.environments.contains(environment))
    }

    async fn put_events(&self, group: &str, _: &str, events: &[&LogEvent]) -> Result<PutOutcome, AwsCallError> {
        self.written.borrow_mut().extend(events.iter().map(|it| (group.to_owned(), it.text.clone())));
        Ok(PutOutcome::Written { rejected: Vec::new() })
    }

    async fn groups(&self) -> Result<Vec<ObservedGroup>, AwsCallError> {
        Ok(Vec::new())
    }

    async fn group(&self, _: &str) -> Result<Option<ObservedGroup>, AwsCallError> {
        Ok(None)
    }

    async fn template_versions(&self, _: &[String]) -> Result<BTreeMap<String, u64>, AwsCallError> {
        Ok(BTreeMap::new())
    }

    async fn lines_with_versions(&self, _: &str, _: &str, _: u64, _: u64) -> Result<Vec<String>, AwsCallError> {
        Ok(Vec::new())
    }

    async fn activities(&self, _: &str, _: u64) -> Result<Vec<Activity>, AwsCallError> {
        Ok(Vec::new())
    }

    async fn written_ids(&self, _: &str, _: &str, _: u64, _: u64) -> Result<BTreeSet<String>, AwsCallError> {
        Ok(BTreeSet::new())
    }
}

impl DeadLetters for &Ledger {
    async fn dead_letter(&self, _: &str, _: &str) -> Result<(), DeadLetterError> {
        self.dead_lettered.set(self.dead_lettered.get() + 1);
        Ok(())
    }
}

/// The lines of one event that are in the ledger of another environment than the one that the event names, in the ledger
/// of no environment, or that come from another account.
fn misplaced(ledger: &Ledger, event: &Value) -> Vec<String> {
    let function = ScalingLog { deployment: deployment(), cloud: ledger, dead_letters: ledger };
    let message = test_support::message("forged", event);
    let batch = serde_json::from_value(json!({ "Records": [message] })).expect("an SQS event");
    let counts = run(&Clock::default(), function.batch(&batch)).counts;
    let mut effects: Vec<String> = Vec::new();
    if counts.returned > 0 {
        effects.push(String::from("a message that returns"));
    }
    let own_account = event["account"].as_str().is_none_or(|it| it == "123456789012");
    let group = event["detail"]["AutoScalingGroupName"].as_str().unwrap_or_default();
    for (log_group, line) in &*ledger.written.borrow() {
        let is_placed = ["dev", "prod"].iter().any(|suffix| {
            let names = deployment().names(suffix);
            names.scaling_log_group().name == *log_group && names.group().name == group
        });
        if !(is_placed && own_account) {
            effects.push(format!("a line in {log_group}: {line}"));
        }
        if line.contains('\u{1b}') || line.contains('\n') {
            effects.push(format!("a control character in {log_group}"));
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use ledger::{Alarm, envelope, read};

    use super::*;

    #[test]
    fn at_least_half_of_the_events_differ_in_at_most_two_fields_and_are_readable() {
        let is_state = |event: &Value| {
            let message = envelope::topic_messages(event).map(|all| envelope::open(all[0]).expect("JSON"));
            Alarm::read(message.as_ref().unwrap_or(event)).is_ok_and(|it| it.is_some())
        };
        let is_event = |event: &Value| read::event(&deployment(), event, NOW_MS).is_ok();
        let near = |forge: fn(usize) -> (Value, u64), reads: &dyn Fn(&Value) -> bool| {
            (0..EVENTS).map(forge).filter(|(event, changed)| *changed <= 2 && reads(event)).count()
        };
        for near in [near(forged_state, &is_state), near(forged_event, &is_event)] {
            assert!(near * 2 >= EVENTS, "{near} of {EVENTS}");
        }
    }

    /// CloudWatch answers as the forger claims: the alarm is in ALARM.
    #[test]
    fn without_the_lookup_of_the_alarm_a_forged_state_requests_a_remediation() {
        let claimed =
            ObservedAlarm { state: "ALARM".into(), since_ms: SINCE_MS, updated_ms: SINCE_MS, ..not_in_alarm() };
        assert!((0..EVENTS).any(|case| !requested(&claimed, &forged_state(case).0).is_empty()));
    }

    /// The records answer as the forger claims: the environment exists.
    #[test]
    fn without_the_lookup_of_the_environment_a_forged_event_writes_to_the_ledger_of_none() {
        let effects = (0..EVENTS).flat_map(|case| {
            let mut ledger = Ledger::default();
            ledger.environments.insert(deployment().names("gone").environment_id());
            misplaced(&ledger, &forged_event(case).0)
        });
        assert!(effects.collect::<Vec<_>>().iter().any(|it| it.contains("gone")));
    }
}
