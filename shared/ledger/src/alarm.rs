//! An alarm and its state: three shapes of messages, one type.
//!
//! The payload of a direct invocation and the event of EventBridge have the same body (`alarmData`, `detail`); the
//! message of a topic has a different one. The parser is lenient: a composite alarm has no metrics, metric math has no
//! dimensions of its own, periods may be of any length, and the description may be missing.

use environment::{Deployment, ObservedAlarm, mark};
use serde_json::Value;

use crate::envelope::{PoisonMessage, text};
use crate::time;

/// The `detail-type` of EventBridge's event.
pub const STATE_CHANGE: &str = "CloudWatch Alarm State Change";

/// An alarm and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Unique in its account and region, metric or composite.
    pub name: String,
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// The time of the state change, in ms since the epoch; `None` if it is missing or not a time.
    pub since_ms: Option<u64>,
    /// The reason for the state, in CloudWatch's words; empty if it is missing.
    pub reason: String,
    /// The dimensions of all its metrics.
    pub dimensions: Vec<(String, String)>,
    /// The alarm's description, which may contain the ownership mark of an environment; empty if it is missing.
    pub description: String,
}

impl Alarm {
    /// Reads an event or a message; `None` if it does not report an alarm's state.
    ///
    /// # Errors
    /// [`PoisonMessage`], if the alarm's name or state is missing.
    pub fn read(event: &Value) -> Result<Option<Alarm>, PoisonMessage> {
        if let Some(body) = event.get("alarmData") {
            return from_body(body).map(Some);
        }
        if event.get("detail-type").and_then(Value::as_str) == Some(STATE_CHANGE) {
            return from_body(event.get("detail").unwrap_or(&Value::Null)).map(Some);
        }
        match event.get("AlarmName") {
            Some(_) => from_message(event).map(Some),
            None => Ok(None),
        }
    }

    /// The alarm with this name, as CloudWatch reports it.
    #[must_use]
    pub fn of_observed(name: &str, observed: &ObservedAlarm) -> Alarm {
        Alarm {
            name: name.to_owned(),
            state: observed.state.clone(),
            since_ms: Some(observed.since_ms),
            reason: String::new(),
            dimensions: observed.dimensions.clone(),
            description: observed.description.clone(),
        }
    }

    /// The suffix of the alarm's environment: from the one owned group among the dimensions of its metrics, otherwise
    /// from the mark in its description.
    #[must_use]
    pub fn suffix(&self, deployment: &Deployment) -> Option<String> {
        let by_group =
            unique(self.dimension_values("AutoScalingGroupName").filter_map(|group| deployment.suffix_of_group(group)));
        let by_mark = || {
            let marks = mark::in_text(&self.description);
            deployment.suffix_of_environment(marks.get(mark::ENVIRONMENT)?).map(str::to_owned)
        };
        by_group.map(str::to_owned).or_else(by_mark)
    }

    /// The instance among the dimensions of its metrics. `None` if there are several: the alarm does not identify the
    /// unhealthy one.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        unique(self.dimension_values("InstanceId"))
    }

    fn dimension_values(&self, dimension: &str) -> impl Iterator<Item = &str> {
        self.dimensions.iter().filter(move |(name, _)| name == dimension).map(|(_, value)| value.as_str())
    }
}

/// Whether an event reports a state that the alarm had before already. A composite alarm with a suppressor reports its
/// state again whenever its actions begin or cease to be suppressed: three times and more for one transition, each with
/// its own time (recorded on AWS, September 2026: stackd 9dc356f5, `alarm_delivery:suppression_releases`).
pub(crate) fn repeats_state(event: &Value) -> bool {
    let states = match event.get("alarmData").or_else(|| event.get("detail")) {
        Some(body) => [body.pointer("/previousState/value"), body.pointer("/state/value")],
        None => [event.get("OldStateValue"), event.get("NewStateValue")],
    };
    matches!(states, [Some(before), Some(after)] if before == after)
}

/// The value, if all values are equal.
fn unique<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = values.next()?;
    values.all(|it| it == first).then_some(first)
}

/// Reads `alarmData` and `detail`.
fn from_body(body: &Value) -> Result<Alarm, PoisonMessage> {
    let configuration = body.get("configuration").unwrap_or(&Value::Null);
    let metrics = configuration.get("metrics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let dimensions = metrics.iter().filter_map(|it| it.pointer("/metricStat/metric/dimensions")?.as_object());
    let state = body.get("state").unwrap_or(&Value::Null);
    Ok(Alarm {
        name: required(body, "alarmName", "alarmName")?,
        state: required(state, "value", "state.value")?,
        since_ms: text(state.get("timestamp")).and_then(time::read_ms),
        reason: text(state.get("reason")).unwrap_or_default().to_owned(),
        dimensions: dimensions
            .flatten()
            .filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())))
            .collect(),
        description: text(configuration.get("description")).unwrap_or_default().to_owned(),
    })
}

/// Reads the message of a topic, in which names within metric math begin with a capital.
fn from_message(message: &Value) -> Result<Alarm, PoisonMessage> {
    let trigger = message.get("Trigger").unwrap_or(&Value::Null);
    let metrics = trigger.get("Metrics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_math = metrics.iter().filter_map(|it| it.pointer("/MetricStat/Metric"));
    let dimensions =
        std::iter::once(trigger).chain(of_math).filter_map(|it| it.get("Dimensions")?.as_array()).flatten();
    let dimension = |it: &Value| {
        let member =
            |name: &str, capital: &str| text(it.get(name)).or_else(|| text(it.get(capital))).map(str::to_owned);
        Some((member("name", "Name")?, member("value", "Value")?))
    };
    Ok(Alarm {
        name: required(message, "AlarmName", "AlarmName")?,
        state: required(message, "NewStateValue", "NewStateValue")?,
        since_ms: text(message.get("StateChangeTime")).and_then(time::read_ms),
        reason: text(message.get("NewStateReason")).unwrap_or_default().to_owned(),
        dimensions: dimensions.filter_map(dimension).collect(),
        description: text(message.get("AlarmDescription")).unwrap_or_default().to_owned(),
    })
}

fn required(object: &Value, name: &str, path: &'static str) -> Result<String, PoisonMessage> {
    let missing = || PoisonMessage::MissingField { event: String::from("alarm"), field: path };
    text(object.get(name)).map(str::to_owned).ok_or_else(missing)
}
