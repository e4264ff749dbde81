//! Converts an event into entries of the ledger. Pure.
//!
//! The accepted shapes: EventBridge's envelope, the notifications of Auto Scaling and of alarms to a topic, a queue or
//! a function, and Envkeeper's own events, which have EventBridge's shape. Each of them may be wrapped in an SNS
//! envelope, or in Lambda's record of a failed invocation.

use environment::Deployment;
use serde_json::{Map, Value};

use crate::activity::WARM_POOL;
use crate::alarm::{self, Alarm, STATE_CHANGE};
use crate::cause::{CapacityChange, Cause, CauseKind, desired_changes};
use crate::entry::{ENTERED_WARM_POOL, Entry, Kind, SCHEMA, id, truncated};
use crate::envelope::{PoisonMessage, TEST, foreign_account, open, text};
use crate::failure::ActivityFailure;
use crate::group_state::GroupState;
use crate::{events, group_state, time};

/// The result of reading an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Entries for an environment of this deployment, if an environment with this suffix exists.
    Entries {
        /// The environment's suffix, derived from a name or a mark. The records decide whether the environment exists.
        suffix: String,
        /// One entry, and one more for each change of the desired capacity in the cause.
        entries: Vec<Entry>,
    },
    /// The event belongs to no environment of this deployment; the reason.
    NotOwned(String),
}

/// The maximum size of a text from an event. A cause has at most 1,023 characters (the API reference of `Activity`), of
/// four bytes at most.
const MAX_TEXT_BYTES: usize = 4_096;

/// Reads the body of a message. `sent_ms` is the time of an event that contains no time.
///
/// # Errors
/// [`PoisonMessage`], which names the missing field or the expected form.
pub fn body(deployment: &Deployment, body: &str, sent_ms: u64) -> Result<Reading, PoisonMessage> {
    event(deployment, &open(body)?, sent_ms)
}

/// Reads an event.
///
/// # Errors
/// The same as [`body`].
pub fn event(deployment: &Deployment, given: &Value, sent_ms: u64) -> Result<Reading, PoisonMessage> {
    let fields = given.as_object().ok_or(PoisonMessage::NotAnObject("the event"))?;
    if let Some(account) = foreign_account(given, deployment) {
        return Ok(Reading::NotOwned(format!("the event belongs to the account {}", bounded(account))));
    }
    if alarm::repeats_state(given) {
        return Ok(Reading::NotOwned(String::from("the alarm remains in its state")));
    }
    if !fields.contains_key("detail-type")
        && let Some(alarm) = Alarm::read(given)?
    {
        return Ok(Event { name: STATE_CHANGE, fields, detail: fields, at_ms: sent_ms }.alarm(deployment, &alarm));
    }
    let (name, detail) = match fields.get("detail-type") {
        Some(name) => {
            let name = name.as_str().ok_or(PoisonMessage::NotAString("detail-type"))?;
            let detail = fields.get("detail").ok_or(PoisonMessage::Missing("detail"))?;
            (name, detail.as_object().ok_or(PoisonMessage::NotAnObject("detail"))?)
        }
        // Auto Scaling's own notifications have the detail's fields, and one of these two as the name.
        None => {
            let name = text(fields.get("LifecycleTransition")).or_else(|| text(fields.get("Event")));
            (name.ok_or_else(|| PoisonMessage::unknown_shape(fields))?, fields)
        }
    };
    if !is_own(fields) && events::ALL.contains(&name) {
        return Ok(Reading::NotOwned(format!("{name} has another source than {}", events::SOURCE)));
    }
    let own_time = text(detail.get(events::TIME)).filter(|_| is_own(fields));
    let reported = own_time.or_else(|| text(fields.get("time"))).or_else(|| text(fields.get("Time")));
    let reported_ms = reported.and_then(time::read_ms);
    let event = Event { name, fields, detail, at_ms: reported_ms.unwrap_or(sent_ms) };
    match name {
        // Some senders put the notification into an event of EventBridge.
        _ if [Some(name), event.field("Event"), event.field("LifecycleTransition")].contains(&Some(TEST)) => {
            Ok(Reading::NotOwned(String::from("a test notification")))
        }
        "EC2 Instance Launch Successful" | "autoscaling:EC2_INSTANCE_LAUNCH" => {
            event.activity_ended(deployment, Kind::Launch, true)
        }
        "EC2 Instance Launch Unsuccessful" | "autoscaling:EC2_INSTANCE_LAUNCH_ERROR" => {
            event.activity_ended(deployment, Kind::Launch, false)
        }
        "EC2 Instance Terminate Successful" | "autoscaling:EC2_INSTANCE_TERMINATE" => {
            event.activity_ended(deployment, Kind::Terminate, true)
        }
        "EC2 Instance Terminate Unsuccessful" | "autoscaling:EC2_INSTANCE_TERMINATE_ERROR" => {
            event.activity_ended(deployment, Kind::Terminate, false)
        }
        "EC2 Instance-launch Lifecycle Action"
        | "EC2 Instance-terminate Lifecycle Action"
        | "autoscaling:EC2_INSTANCE_LAUNCHING"
        | "autoscaling:EC2_INSTANCE_TERMINATING" => event.lifecycle_action(deployment),
        events::GATE => event.hook_completed(deployment, Kind::Gate),
        events::DRAIN => event.hook_completed(deployment, Kind::Drain),
        events::ROLLOUT => event.step(deployment, Kind::Rollout),
        events::REQUEST => event.step(deployment, Kind::Request),
        events::INTERRUPTION => event.step(deployment, Kind::Interruption),
        events::STATE => event.group_state(deployment),
        events::ALARM_ACTION => event.remediation(deployment),
        STATE_CHANGE => match Alarm::read(given)? {
            Some(alarm) => Ok(event.alarm(deployment, &alarm)),
            None => event.unrecognized(deployment),
        },
        _ => match name.strip_prefix("EC2 Auto Scaling Instance Refresh ") {
            Some(phase) => event.refresh(deployment, phase),
            None => event.unrecognized(deployment),
        },
    }
}

/// The parts of an event.
struct Event<'a> {
    name: &'a str,
    fields: &'a Map<String, Value>,
    detail: &'a Map<String, Value>,
    at_ms: u64,
}

impl Event<'_> {
    fn field(&self, name: &str) -> Option<&str> {
        text(self.detail.get(name))
    }

    /// The zone of the activity. `Details` is an object in events, and its text in the list of activities and in some
    /// recorded events (Netflix/edda PR 60).
    fn zone(&self) -> Option<String> {
        let details = self.detail.get("Details")?;
        let read = details.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        text(read.as_ref().unwrap_or(details).get("Availability Zone")).map(bounded)
    }

    /// The identity of the event among events of its kind. That of Envkeeper's own events is in the detail.
    fn event_id(&self) -> String {
        let own = self.field(events::ID).filter(|_| is_own(self.fields));
        let id = own.or_else(|| text(self.fields.get("id"))).or_else(|| text(self.fields.get("RequestId")));
        id.map_or_else(|| Value::Object(self.fields.clone()).to_string(), str::to_owned)
    }

    /// The group, which the event must name.
    fn group(&self) -> Result<&str, PoisonMessage> {
        const FIELD: &str = "AutoScalingGroupName";
        self.field(FIELD).ok_or_else(|| PoisonMessage::MissingField { event: self.name.to_owned(), field: FIELD })
    }

    fn for_group(
        &self,
        deployment: &Deployment,
        complete: impl FnOnce(&str, Entry) -> Vec<Entry>,
    ) -> Result<Reading, PoisonMessage> {
        let group = self.group()?;
        let Some(suffix) = deployment.suffix_of_group(group) else {
            return Ok(Reading::NotOwned(format!(
                "the group {} belongs to no environment of this deployment",
                bounded(group)
            )));
        };
        let entry = self.entry(deployment, suffix);
        Ok(Reading::Entries { suffix: suffix.to_owned(), entries: complete(group, entry) })
    }

    /// An entry with the fields that every event has.
    fn entry(&self, deployment: &Deployment, suffix: &str) -> Entry {
        let names = deployment.names(suffix);
        let group = names.group().name;
        Entry {
            v: SCHEMA,
            id: id(Kind::Other, &group, &self.event_id()),
            time: time::text(self.at_ms),
            environment: names.environment_id(),
            group,
            kind: Kind::Other,
            outcome: String::from("unrecognized"),
            instance: self.field("EC2InstanceId").map(bounded),
            zone: self.zone(),
            activity: self.field("ActivityId").map(bounded),
            template_version: self.detail.get("LaunchTemplateVersion").and_then(group_state::version),
            cause: None,
            reason: None,
            failure: None,
            seconds: None,
            backfilled: false,
            event: bounded(self.name),
            state: None,
            detail: Value::Object(self.detail.clone()),
            at_ms: self.at_ms,
        }
    }

    /// The end of the activity, and its duration in seconds.
    fn end_and_duration(&self) -> (u64, Option<f64>) {
        let [start, end] = ["StartTime", "EndTime"].map(|name| self.field(name).and_then(time::read_ms));
        let seconds = start.zip(end).map(|(start, end)| seconds(end.saturating_sub(start)));
        (end.unwrap_or(self.at_ms), seconds)
    }

    /// A launch or a termination has ended.
    fn activity_ended(&self, deployment: &Deployment, kind: Kind, successful: bool) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            let (at_ms, seconds) = self.end_and_duration();
            let outcome = match (successful, self.field("StatusCode")) {
                // The instance is neither in service nor terminated: it waits in the warm pool.
                (true, _) if self.field("Destination") == Some(WARM_POOL) => ENTERED_WARM_POOL,
                (true, _) => "successful",
                (false, Some("Cancelled")) => "cancelled",
                (false, _) => "failed",
            };
            let event_id = self.event_id();
            let activity = self.field("ActivityId").unwrap_or(&event_id);
            let cause = self.field("Cause").map(|text| Cause::read(&bounded(text)));
            let changes = cause.as_ref().map(|cause| Self::changes(&entry, cause, at_ms));
            let ended = Entry {
                id: id(kind, group, activity),
                time: time::text(at_ms),
                kind,
                outcome: outcome.into(),
                reason: self.field("StatusMessage").map(bounded),
                failure: (!successful).then(|| ActivityFailure::read(self.field("StatusMessage").unwrap_or_default())),
                cause,
                seconds,
                at_ms,
                ..entry
            };
            changes.into_iter().flatten().chain([ended]).collect()
        })
    }

    /// The changes of the desired capacity in the cause of a launch or a termination.
    fn changes(entry: &Entry, cause: &Cause, ended_ms: u64) -> Vec<Entry> {
        let entry_of = |change: CapacityChange| {
            let at_ms = change.at_ms.unwrap_or(ended_ms);
            let mut trigger = Cause::read(&change.sentence);
            if trigger.actor == CauseKind::Schedule {
                // The sentence after the change names the scheduled action.
                trigger.schedule.clone_from(&cause.schedule);
            }
            Entry {
                id: id(Kind::Capacity, &entry.group, &change.sentence),
                time: time::text(at_ms),
                kind: Kind::Capacity,
                outcome: String::from("changed"),
                cause: Some(trigger),
                instance: None,
                zone: None,
                template_version: None,
                detail: Value::Null,
                at_ms,
                ..entry.clone()
            }
        };
        desired_changes(&cause.text).into_iter().map(entry_of).collect()
    }

    /// An instance waits for a hook.
    fn lifecycle_action(&self, deployment: &Deployment) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            let event_id = self.event_id();
            let token = self.field("LifecycleActionToken").unwrap_or(&event_id);
            let hook = self.field("LifecycleHookName").map(|hook| format!("for the hook {}", bounded(hook)));
            let kind = Kind::Lifecycle;
            vec![Entry { id: id(kind, group, token), kind, outcome: String::from("waiting"), reason: hook, ..entry }]
        })
    }

    /// An instance refresh has started, reached a checkpoint or ended.
    fn refresh(&self, deployment: &Deployment, phase: &str) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            let refresh = self.field("InstanceRefreshId").unwrap_or_default();
            let checkpoint = self.field("CheckpointPercentage").unwrap_or_default();
            let kind = Kind::Refresh;
            let id = match refresh {
                "" => id(kind, group, &self.event_id()),
                refresh => id(kind, group, &format!("{refresh} {phase} {checkpoint}")),
            };
            let reason = (!checkpoint.is_empty()).then(|| format!("{} % are replaced", bounded(checkpoint)));
            vec![Entry { id, kind, outcome: bounded(phase).to_lowercase().replace(' ', "-"), reason, ..entry }]
        })
    }

    /// A step of a rollout or of a request, or the interruption of an instance.
    fn step(&self, deployment: &Deployment, kind: Kind) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            vec![Entry {
                id: id(kind, group, &self.event_id()),
                kind,
                outcome: self.field("Outcome").map(bounded).unwrap_or_default(),
                reason: self.field("Reason").map(bounded),
                ..entry
            }]
        })
    }

    /// The group was observed. The fields of the entry have the whole detail.
    fn group_state(&self, deployment: &Deployment) -> Result<Reading, PoisonMessage> {
        let state = GroupState::read(self.detail)
            .map_err(|field| PoisonMessage::MissingNumber { event: self.name.to_owned(), field })?;
        self.for_group(deployment, |group, entry| {
            let (kind, detail, state) = (Kind::State, Value::Null, Some(state));
            vec![Entry {
                id: id(kind, group, &self.event_id()),
                kind,
                outcome: "observed".into(),
                detail,
                state,
                ..entry
            }]
        })
    }

    /// An instance no longer waits for one of Envkeeper's hooks.
    fn hook_completed(&self, deployment: &Deployment, kind: Kind) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            let (at_ms, seconds) = self.end_and_duration();
            vec![Entry {
                id: id(kind, group, &self.event_id()),
                kind,
                outcome: self.field("Outcome").map(bounded).unwrap_or_default(),
                reason: self.field("Reason").map(bounded),
                seconds,
                at_ms,
                ..entry
            }]
        })
    }

    fn remediation(&self, deployment: &Deployment) -> Result<Reading, PoisonMessage> {
        self.for_group(deployment, |group, entry| {
            let kind = Kind::Remediation;
            let number = |name: &str| self.detail.get(name)?.as_u64()?.try_into().ok();
            let alarm = self.field("Alarm").map(bounded);
            let (before, after) = (number("DesiredBefore"), number("DesiredAfter"));
            vec![Entry {
                id: id(kind, group, &self.event_id()),
                kind,
                outcome: self.field("Outcome").map(bounded).unwrap_or_default(),
                cause: Some(Cause::for_alarm(alarm, before, after, self.field("Rule").map(bounded))),
                reason: self.field("Reason").map(bounded),
                ..entry
            }]
        })
    }

    /// An alarm has changed its state.
    fn alarm(&self, deployment: &Deployment, alarm: &Alarm) -> Reading {
        let Some(suffix) = alarm.suffix(deployment) else {
            let name = bounded(&alarm.name);
            return Reading::NotOwned(format!(
                "the alarm {name} belongs to no environment of this deployment, or to several"
            ));
        };
        let at_ms = alarm.since_ms.unwrap_or(self.at_ms);
        let entry = self.entry(deployment, &suffix);
        let kind = Kind::Alarm;
        let entry = Entry {
            id: id(kind, &entry.group, &format!("{} {at_ms} {}", alarm.name, alarm.state)),
            time: time::text(at_ms),
            kind,
            outcome: bounded(&alarm.state).to_lowercase().replace('_', "-"),
            instance: alarm.instance().map(bounded),
            cause: Some(Cause::for_alarm(Some(bounded(&alarm.name)), None, None, None)),
            reason: Some(bounded(&alarm.reason)).filter(|it| !it.is_empty()),
            at_ms,
            ..entry
        };
        Reading::Entries { suffix, entries: vec![entry] }
    }

    /// An event that this version does not know. An event of an owned group is kept whole.
    fn unrecognized(&self, deployment: &Deployment) -> Result<Reading, PoisonMessage> {
        if self.field("AutoScalingGroupName").is_none() {
            return Ok(Reading::NotOwned(format!("{} names no Auto Scaling group", bounded(self.name))));
        }
        self.for_group(deployment, |_, entry| vec![entry])
    }
}

/// Whether Envkeeper published the event, which then has its id and its time in the detail.
fn is_own(event: &Map<String, Value>) -> bool {
    text(event.get("source")) == Some(events::SOURCE)
}

/// A text of the event, truncated if it is longer than any real one.
fn bounded(text: &str) -> String {
    truncated(text, MAX_TEXT_BYTES).to_owned()
}

/// A duration in seconds, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "durations up to 285,000 years are exact")]
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
