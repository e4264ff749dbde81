//! What an event means, as entries of the ledger. Pure.
//!
//! EventBridge's envelope, what Auto Scaling or an alarm sends to a topic, a queue or a function itself, and Envkeeper's own
//! events, which have EventBridge's shape; any of them inside an SNS envelope, or inside what Lambda puts away of an
//! invocation that failed.

use environment::Deployment;
use serde_json::{Map, Value};

use crate::activity::WARM_POOL;
use crate::alarm::{Alarm, STATE_CHANGE};
use crate::cause::{Cause, CauseKind, Change, desired_changes};
use crate::entry::{Entry, Kind, SCHEMA, beginning, id};
use crate::envelope::{Poison, open, other_account, text};
use crate::failure::Failure;
use crate::{published, time};

/// What an event comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Lines for an environment of this deployment, if there is one with this suffix.
    Of {
        /// The environment's suffix, computed from a name or a mark: whether there is one, the records know.
        suffix: String,
        /// One, or more where causes tell of changes of the desired capacity too.
        entries: Vec<Entry>,
    },
    /// It is of none; why.
    Nobodys(String),
}

/// How much is kept of a text of the event, in bytes. A cause has 1,023 characters at most (the API reference of
/// `Activity`); four bytes is the longest of them.
const LONGEST_TEXT: usize = 4_096;

/// The outcome of a launch or a termination that ends in a warm pool.
pub(crate) const ENTERED_WARM_POOL: &str = "entered-warm-pool";

/// Reads the body of a message that was sent at `sent_ms`, which is when things happened of which nobody says when.
///
/// # Errors
/// [`Poison`], which says what is missing or what was expected.
pub fn body(deployment: &Deployment, body: &str, sent_ms: u64) -> Result<Reading, Poison> {
    event(deployment, &open(body)?, sent_ms)
}

/// Reads an event.
///
/// # Errors
/// As of [`body`].
pub fn event(deployment: &Deployment, given: &Value, sent_ms: u64) -> Result<Reading, Poison> {
    let fields = given.as_object().ok_or_else(|| Poison(String::from("no JSON object")))?;
    if let Some(account) = other_account(given, deployment) {
        return Ok(Reading::Nobodys(format!("it is of the account {}", shown(account))));
    }
    if !fields.contains_key("detail-type")
        && let Some(alarm) = Alarm::read(given)?
    {
        return Ok(Event { name: STATE_CHANGE, fields, detail: fields, at_ms: sent_ms }.alarm(deployment, &alarm));
    }
    let (name, detail) = match fields.get("detail-type") {
        Some(name) => {
            let name = name.as_str().ok_or_else(|| Poison(String::from("detail-type is no text")))?;
            let detail = fields.get("detail").ok_or_else(|| Poison(String::from("detail is missing")))?;
            (name, detail.as_object().ok_or_else(|| Poison(String::from("detail is no JSON object")))?)
        }
        // What Auto Scaling sends itself has the detail's fields, and one of these for a name.
        None => {
            let name = text(fields.get("LifecycleTransition")).or_else(|| text(fields.get("Event")));
            (name.ok_or_else(|| nothing_known(fields))?, fields)
        }
    };
    let reported_ms = text(fields.get("time")).or_else(|| text(fields.get("Time"))).and_then(time::read_ms);
    let event = Event { name, fields, detail, at_ms: reported_ms.unwrap_or(sent_ms) };
    match name {
        "EC2 Instance Launch Successful" | "autoscaling:EC2_INSTANCE_LAUNCH" => {
            event.ended(deployment, Kind::Launch, true)
        }
        "EC2 Instance Launch Unsuccessful" | "autoscaling:EC2_INSTANCE_LAUNCH_ERROR" => {
            event.ended(deployment, Kind::Launch, false)
        }
        "EC2 Instance Terminate Successful" | "autoscaling:EC2_INSTANCE_TERMINATE" => {
            event.ended(deployment, Kind::Terminate, true)
        }
        "EC2 Instance Terminate Unsuccessful" | "autoscaling:EC2_INSTANCE_TERMINATE_ERROR" => {
            event.ended(deployment, Kind::Terminate, false)
        }
        "EC2 Instance-launch Lifecycle Action"
        | "EC2 Instance-terminate Lifecycle Action"
        | "autoscaling:EC2_INSTANCE_LAUNCHING"
        | "autoscaling:EC2_INSTANCE_TERMINATING" => event.waiting(deployment),
        "autoscaling:TEST_NOTIFICATION" => Ok(Reading::Nobodys(String::from("a test notification"))),
        published::GATE => event.judged(deployment, Kind::Gate),
        published::DRAIN => event.judged(deployment, Kind::Drain),
        published::ALARM_ACTION => event.remediation(deployment),
        STATE_CHANGE => match Alarm::read(given)? {
            Some(alarm) => Ok(event.alarm(deployment, &alarm)),
            None => event.other(deployment),
        },
        _ => match name.strip_prefix("EC2 Auto Scaling Instance Refresh ") {
            Some(point) => event.refresh(deployment, point),
            None => event.other(deployment),
        },
    }
}

fn nothing_known(fields: &Map<String, Value>) -> Poison {
    let has: Vec<&str> = fields.keys().map(String::as_str).take(8).collect();
    let has = if has.is_empty() { String::from("nothing") } else { has.join(", ") };
    Poison(format!(
        "it has none of detail-type (EventBridge), LifecycleTransition, Event (Auto Scaling) and Message (SNS); it has {has}"
    ))
}

/// An event in its parts.
struct Event<'a> {
    name: &'a str,
    fields: &'a Map<String, Value>,
    detail: &'a Map<String, Value>,
    at_ms: u64,
}

impl Event<'_> {
    fn said(&self, name: &str) -> Option<&str> {
        text(self.detail.get(name))
    }

    /// What tells this event from others that are alike.
    fn own_id(&self) -> String {
        let given = text(self.fields.get("id")).or_else(|| text(self.fields.get("RequestId")));
        given.map_or_else(|| Value::Object(self.fields.clone()).to_string(), str::to_owned)
    }

    /// The group that it has to name.
    fn group(&self) -> Result<&str, Poison> {
        let missing = || Poison(format!("{}: AutoScalingGroupName is missing, or no text", self.name));
        self.said("AutoScalingGroupName").ok_or_else(missing)
    }

    fn of_group(
        &self,
        deployment: &Deployment,
        fill: impl FnOnce(&str, Entry) -> Vec<Entry>,
    ) -> Result<Reading, Poison> {
        let group = self.group()?;
        let Some(suffix) = deployment.suffix_of_group(group) else {
            return Ok(Reading::Nobodys(format!("the group {} is none of this deployment", shown(group))));
        };
        let entry = self.entry(deployment, suffix);
        Ok(Reading::Of { suffix: suffix.to_owned(), entries: fill(group, entry) })
    }

    /// With what every event has.
    fn entry(&self, deployment: &Deployment, suffix: &str) -> Entry {
        let names = deployment.names(suffix);
        let group = names.group().name;
        Entry {
            v: SCHEMA,
            id: id(Kind::Other, &group, &self.own_id()),
            time: time::text(self.at_ms),
            environment: names.environment_id(),
            group,
            kind: Kind::Other,
            outcome: String::from("unrecognized"),
            instance: self.said("EC2InstanceId").map(shown),
            zone: self.detail.get("Details").and_then(|it| it.get("Availability Zone")?.as_str()).map(shown),
            activity: self.said("ActivityId").map(shown),
            cause: None,
            reason: None,
            failure: None,
            seconds: None,
            backfilled: false,
            event: shown(self.name),
            detail: Value::Object(self.detail.clone()),
            at_ms: self.at_ms,
        }
    }

    /// When it ended, and how long it took.
    fn span(&self) -> (u64, Option<f64>) {
        let [start, end] = ["StartTime", "EndTime"].map(|name| self.said(name).and_then(time::read_ms));
        let seconds = start.zip(end).map(|(start, end)| seconds(end.saturating_sub(start)));
        (end.unwrap_or(self.at_ms), seconds)
    }

    /// A launch or a termination is over.
    fn ended(&self, deployment: &Deployment, kind: Kind, successful: bool) -> Result<Reading, Poison> {
        self.of_group(deployment, |group, entry| {
            let (at_ms, seconds) = self.span();
            let outcome = match (successful, self.said("StatusCode")) {
                // It has come into no service, and has not ended either: it is kept ready.
                (true, _) if self.said("Destination") == Some(WARM_POOL) => ENTERED_WARM_POOL,
                (true, _) => "successful",
                (false, Some("Cancelled")) => "cancelled",
                (false, _) => "failed",
            };
            let own = self.own_id();
            let what = self.said("ActivityId").unwrap_or(&own);
            let cause = self.said("Cause").map(|text| Cause::read(&shown(text)));
            let changes = cause.as_ref().map(|cause| Self::changes(&entry, cause, at_ms));
            let ended = Entry {
                id: id(kind, group, what),
                time: time::text(at_ms),
                kind,
                outcome: outcome.into(),
                reason: self.said("StatusMessage").map(shown),
                failure: (!successful).then(|| Failure::read(self.said("StatusMessage").unwrap_or_default())),
                cause,
                seconds,
                at_ms,
                ..entry
            };
            changes.into_iter().flatten().chain([ended]).collect()
        })
    }

    /// The changes of the desired capacity that a launch or a termination followed from, as its cause tells them.
    fn changes(entry: &Entry, cause: &Cause, ended_ms: u64) -> Vec<Entry> {
        let line = |change: Change| {
            let at_ms = change.at_ms.unwrap_or(ended_ms);
            let mut own = Cause::read(&change.sentence);
            if own.actor == CauseKind::Schedule {
                // The sentence after the change's own names it.
                own.schedule.clone_from(&cause.schedule);
            }
            Entry {
                id: id(Kind::Capacity, &entry.group, &change.sentence),
                time: time::text(at_ms),
                kind: Kind::Capacity,
                outcome: String::from("changed"),
                cause: Some(own),
                instance: None,
                zone: None,
                detail: Value::Null,
                at_ms,
                ..entry.clone()
            }
        };
        desired_changes(&cause.text).into_iter().map(line).collect()
    }

    /// An instance waits for a hook.
    fn waiting(&self, deployment: &Deployment) -> Result<Reading, Poison> {
        self.of_group(deployment, |group, entry| {
            let own = self.own_id();
            let what = self.said("LifecycleActionToken").unwrap_or(&own);
            let hook = self.said("LifecycleHookName").map(|hook| format!("for the hook {}", shown(hook)));
            let kind = Kind::Lifecycle;
            vec![Entry { id: id(kind, group, what), kind, outcome: String::from("waiting"), reason: hook, ..entry }]
        })
    }

    /// An instance refresh has come to a point.
    fn refresh(&self, deployment: &Deployment, point: &str) -> Result<Reading, Poison> {
        self.of_group(deployment, |group, entry| {
            let refresh = self.said("InstanceRefreshId").unwrap_or_default();
            let checkpoint = self.said("CheckpointPercentage").unwrap_or_default();
            let kind = Kind::Refresh;
            let id = match refresh {
                "" => id(kind, group, &self.own_id()),
                refresh => id(kind, group, &format!("{refresh} {point} {checkpoint}")),
            };
            let reason = (!checkpoint.is_empty()).then(|| format!("{} % are replaced", shown(checkpoint)));
            vec![Entry { id, kind, outcome: shown(point).to_lowercase().replace(' ', "-"), reason, ..entry }]
        })
    }

    /// One of our hooks' waits is over.
    fn judged(&self, deployment: &Deployment, kind: Kind) -> Result<Reading, Poison> {
        self.of_group(deployment, |group, entry| {
            let (at_ms, seconds) = self.span();
            vec![Entry {
                id: id(kind, group, &self.own_id()),
                kind,
                outcome: self.said("Outcome").map(shown).unwrap_or_default(),
                reason: self.said("Reason").map(shown),
                seconds,
                at_ms,
                ..entry
            }]
        })
    }

    fn remediation(&self, deployment: &Deployment) -> Result<Reading, Poison> {
        self.of_group(deployment, |group, entry| {
            let kind = Kind::Remediation;
            let number = |name: &str| self.detail.get(name)?.as_u64()?.try_into().ok();
            let alarm = self.said("Alarm").map(shown);
            let (before, after) = (number("DesiredBefore"), number("DesiredAfter"));
            vec![Entry {
                id: id(kind, group, &self.own_id()),
                kind,
                outcome: self.said("Outcome").map(shown).unwrap_or_default(),
                cause: Some(Cause::of_alarm(alarm, before, after, self.said("Rule").map(shown))),
                reason: self.said("Reason").map(shown),
                ..entry
            }]
        })
    }

    /// An alarm's state changed.
    fn alarm(&self, deployment: &Deployment, alarm: &Alarm) -> Reading {
        let Some(suffix) = alarm.suffix(deployment) else {
            let name = shown(&alarm.name);
            return Reading::Nobodys(format!(
                "the alarm {name} is of no environment of this deployment, or of several"
            ));
        };
        let at_ms = alarm.since_ms.unwrap_or(self.at_ms);
        let entry = self.entry(deployment, &suffix);
        let kind = Kind::Alarm;
        let entry = Entry {
            id: id(kind, &entry.group, &format!("{} {at_ms} {}", alarm.name, alarm.state)),
            time: time::text(at_ms),
            kind,
            outcome: shown(&alarm.state).to_lowercase().replace('_', "-"),
            instance: alarm.instance().map(shown),
            cause: Some(Cause::of_alarm(Some(shown(&alarm.name)), None, None, None)),
            reason: Some(shown(&alarm.reason)).filter(|it| !it.is_empty()),
            at_ms,
            ..entry
        };
        Reading::Of { suffix, entries: vec![entry] }
    }

    /// Something newer than this version is kept whole, if it is of one of our groups.
    fn other(&self, deployment: &Deployment) -> Result<Reading, Poison> {
        if self.said("AutoScalingGroupName").is_none() {
            return Ok(Reading::Nobodys(format!("{} names no group", shown(self.name))));
        }
        self.of_group(deployment, |_, entry| vec![entry])
    }
}

/// A text of the event, cut if it is longer than any real one.
fn shown(text: &str) -> String {
    beginning(text, LONGEST_TEXT).to_owned()
}

/// Seconds, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "a wait of 285,000 years is still exact")]
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
