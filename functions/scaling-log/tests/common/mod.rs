//! A fake CloudWatch Logs that enforces the limits of the real one, with Auto Scaling groups and their activities.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]
#![allow(dead_code, reason = "each test file uses a part of the harness")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use environment::Deployment;
use lambda_kit::AwsCallError;
use ledger::batch::LogEvent;
use ledger::{Activity, GroupState, InstanceState};
use requests::{QueueError, RecordsError};
use scaling_log::ScalingLog;
use scaling_log::cloud::{DeadLetterError, DeadLetters, LogApi, ObservedGroup, PutOutcome};
use serde_json::{Value, json};

pub const NOW: u64 = 1_767_330_000_000;
const DAY: u64 = 86_400_000;

/// The account of a test. `streams` contains the log events in the order of their arrival.
#[derive(Debug, Default)]
pub struct Harness {
    pub now_ms: Cell<u64>,
    pub environments: BTreeSet<String>,
    pub log_groups: BTreeSet<String>,
    pub groups: Vec<String>,
    pub activities: Vec<Activity>,
    /// The retention of the log groups.
    pub retention_ms: Option<u64>,
    /// The numbers of the calls that fail.
    pub failing: BTreeSet<usize>,
    pub calls: Cell<usize>,
    /// The template versions that Auto Scaling reports.
    pub versions: BTreeMap<String, u64>,
    /// Whether the reads for versions and of a single group fail. They are not among the numbered calls.
    pub lookups_fail: bool,
    /// The reads for versions and of a single group.
    pub lookups: RefCell<Vec<&'static str>>,
    pub puts: RefCell<Vec<usize>>,
    pub streams: RefCell<BTreeMap<(String, String), Vec<LogEvent>>>,
}

impl Harness {
    pub fn new(suffixes: &[&str]) -> Harness {
        Harness {
            now_ms: Cell::new(NOW),
            environments: suffixes.iter().map(|it| deployment().names(it).environment_id()).collect(),
            log_groups: suffixes.iter().map(|it| deployment().names(it).scaling_log_group().name).collect(),
            groups: suffixes.iter().map(|it| deployment().names(it).group().name).collect(),
            ..Harness::default()
        }
    }

    fn call(&self, operation: &'static str) -> Result<(), InjectedFailure> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        if self.failing.contains(&number) { Err(InjectedFailure { operation }) } else { Ok(()) }
    }

    fn lookup(&self, operation: &'static str) -> Result<(), InjectedFailure> {
        self.lookups.borrow_mut().push(operation);
        if self.lookups_fail { Err(InjectedFailure { operation }) } else { Ok(()) }
    }

    /// The lines of events, without the observations of the groups, as JSON.
    pub fn events(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["kind"] != "state").collect()
    }

    /// The observations of the groups, as JSON.
    pub fn observations(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["kind"] == "state").collect()
    }

    /// All lines, as JSON.
    pub fn lines(&self) -> Vec<Value> {
        let streams = self.streams.borrow();
        streams.values().flatten().map(|line| serde_json::from_str(&line.text).expect("JSON")).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        self.lines().iter().map(|line| line["id"].as_str().expect("an id").to_owned()).collect()
    }
}

/// The failure of a call, in the form of its service.
struct InjectedFailure {
    operation: &'static str,
}

impl From<InjectedFailure> for AwsCallError {
    fn from(InjectedFailure { operation }: InjectedFailure) -> AwsCallError {
        AwsCallError::Indeterminate { operation, cause: String::from("ServiceUnavailable") }
    }
}

impl From<InjectedFailure> for RecordsError {
    fn from(_: InjectedFailure) -> RecordsError {
        RecordsError::Throttled { table: String::from("records") }
    }
}

impl LogApi for Harness {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn environment_exists(&self, environment: &str) -> Result<bool, RecordsError> {
        self.call("dynamodb:GetItem")?;
        Ok(self.environments.contains(environment))
    }

    async fn put_events(
        &self,
        log_group: &str,
        stream: &str,
        events: &[&LogEvent],
    ) -> Result<PutOutcome, AwsCallError> {
        self.call("logs:PutLogEvents")?;
        if !self.log_groups.contains(log_group) {
            return Ok(PutOutcome::LogGroupNotFound);
        }
        // AWS rejects each of these with InvalidParameterException and writes nothing.
        assert!(!events.is_empty() && events.len() <= 10_000, "{} events", events.len());
        assert!(events.iter().map(|it| it.text.len() + 26).sum::<usize>() <= 1_048_576, "bytes");
        assert!(events.is_sorted_by_key(|it| it.at_ms), "chronological order");
        let window = events.last().map_or(0, |last| last.at_ms - events[0].at_ms);
        assert!(window < DAY, "{window} ms");
        assert!(!stream.is_empty() && stream.len() <= 512 && !stream.contains([':', '*']), "{stream}");
        assert!(events.iter().all(|it| !it.text.is_empty()), "an empty event");
        self.puts.borrow_mut().push(events.len());
        let oldest = self.now_ms() - self.retention_ms.unwrap_or(14 * DAY).min(14 * DAY);
        let is_accepted = |event: &LogEvent| event.at_ms >= oldest && event.at_ms <= self.now_ms() + DAY / 12;
        let rejected = (0..events.len()).filter(|at| !is_accepted(events[*at])).collect();
        let mut streams = self.streams.borrow_mut();
        let stream = streams.entry((log_group.to_owned(), stream.to_owned())).or_default();
        stream.extend(events.iter().filter(|it| is_accepted(it)).map(|it| LogEvent::clone(it)));
        Ok(PutOutcome::Written { rejected })
    }

    async fn groups(&self) -> Result<Vec<ObservedGroup>, AwsCallError> {
        self.call("autoscaling:DescribeAutoScalingGroups")?;
        Ok(self.groups.iter().map(|name| ObservedGroup { name: name.clone(), state: state() }).collect())
    }

    async fn group(&self, name: &str) -> Result<Option<ObservedGroup>, AwsCallError> {
        self.lookup("autoscaling:DescribeAutoScalingGroups")?;
        let exists = self.groups.iter().any(|it| it == name);
        Ok(exists.then(|| ObservedGroup { name: name.to_owned(), state: state() }))
    }

    async fn template_versions(&self, instances: &[String]) -> Result<BTreeMap<String, u64>, AwsCallError> {
        // Without ids the call describes every instance of the account, and it accepts 50 ids of 19 characters (the API
        // reference).
        assert!((1..=50).contains(&instances.len()), "{} ids", instances.len());
        assert!(instances.iter().all(|it| it.len() <= 19), "{instances:?}");
        self.lookup("autoscaling:DescribeAutoScalingInstances")?;
        Ok(instances.iter().filter_map(|id| Some((id.clone(), *self.versions.get(id)?))).collect())
    }

    async fn lines_with_versions(
        &self,
        group: &str,
        prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<Vec<String>, AwsCallError> {
        self.lookup("logs:FilterLogEvents")?;
        let streams = self.streams.borrow();
        let selected = streams.iter().filter(|((name, stream), _)| name == group && stream.starts_with(prefix));
        let events = selected.flat_map(|(_, events)| events).filter(|it| (from_ms..=to_ms).contains(&it.at_ms));
        let has_versions = |text: &str| {
            let kind = serde_json::from_str::<Value>(text).expect("JSON")["kind"].clone();
            kind == "state" || kind == "launch"
        };
        Ok(events.map(|it| it.text.clone()).filter(|text| has_versions(text)).collect())
    }

    async fn activities(&self, group: &str, since_ms: u64) -> Result<Vec<Activity>, AwsCallError> {
        self.call("autoscaling:DescribeScalingActivities")?;
        let selected = |it: &&Activity| it.group == group && it.start_ms >= since_ms;
        Ok(self.activities.iter().filter(selected).cloned().collect())
    }

    async fn written_ids(
        &self,
        group: &str,
        prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<BTreeSet<String>, AwsCallError> {
        self.call("logs:FilterLogEvents")?;
        let streams = self.streams.borrow();
        let selected = streams.iter().filter(|((name, stream), _)| name == group && stream.starts_with(prefix));
        let events = selected.flat_map(|(_, events)| events).filter(|it| (from_ms..=to_ms).contains(&it.at_ms));
        let id = |event: &LogEvent| serde_json::from_str::<Value>(&event.text).ok()?["id"].as_str().map(str::to_owned);
        Ok(events.filter_map(id).collect())
    }
}

/// A dead-letter queue: its messages with the reasons.
#[derive(Debug, Default)]
pub struct DeadLettered {
    pub all: RefCell<Vec<(String, String)>>,
    pub is_full: bool,
}

impl DeadLetters for DeadLettered {
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), DeadLetterError> {
        if self.is_full {
            let (queue, message) = (String::from("dead-letters"), String::from("the queue does not exist"));
            return Err(QueueError { queue, message }.into());
        }
        self.all.borrow_mut().push((body.to_owned(), reason.to_owned()));
        Ok(())
    }
}

pub fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

pub fn function(harness: Harness) -> ScalingLog<Harness, DeadLettered> {
    ScalingLog { deployment: deployment(), cloud: harness, dead_letters: DeadLettered::default() }
}

/// The state of each group.
pub fn state() -> GroupState {
    let instance = |state: &str, template_version| InstanceState { state: state.to_owned(), template_version };
    let instances =
        [("i-00000000000000001", instance("InService", Some(6))), ("i-00000000000000002", instance("Pending", None))];
    let instances = instances.into_iter().map(|(id, it)| (id.to_owned(), it)).collect();
    GroupState { min: 1, max: 6, desired: 2, instances }
}

/// The event of a successful launch in the environment with this suffix.
pub fn launch(suffix: &str, number: usize, at_ms: u64) -> Value {
    activity(suffix, number, at_ms).event().expect("the activity has ended")
}

/// The activity of this launch, as the group lists it.
pub fn activity(suffix: &str, number: usize, end_ms: u64) -> Activity {
    Activity {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        group: deployment().names(suffix).group().name,
        description: format!("Launching a new EC2 instance: i-{number:017}"),
        cause: String::from("At 2026-01-02T03:04:04Z an instance was started in response to a launch failure."),
        status: String::from("Successful"),
        details: String::from(r#"{"Subnet ID":"subnet-1","Availability Zone":"us-west-2a"}"#),
        start_ms: end_ms - 60_000,
        end_ms: Some(end_ms),
        ..Activity::default()
    }
}

/// A batch of the queue.
pub fn batch(bodies: impl IntoIterator<Item = String>) -> Value {
    let message = |(number, body): (usize, String)| json!({ "messageId": format!("m{number}"), "body": body, "attributes": { "SentTimestamp": NOW.to_string() } });
    json!({ "Records": bodies.into_iter().enumerate().map(message).collect::<Vec<_>>() })
}

/// The result of a future that never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("the futures of the fakes never wait"),
    }
}
