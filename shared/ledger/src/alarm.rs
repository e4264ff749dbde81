//! An alarm that tells of its state: three shapes, one type.
//!
//! What an alarm sends to a function itself and what it tells EventBridge have one body (`alarmData`, `detail`); what it
//! publishes to a topic has another. All of it is read with patience: a composite has no metrics, metric math has no
//! dimensions of its own, periods may be of any length, and the description may be missing.

use environment::{Deployment, mark};
use serde_json::Value;

use crate::envelope::{Poison, text};
use crate::time;

/// The name of EventBridge's event.
pub const STATE_CHANGE: &str = "CloudWatch Alarm State Change";

/// An alarm and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Unique in its account and region, metric or composite.
    pub name: String,
    /// `ALARM`, `OK`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when, in ms since the epoch, if that can be read.
    pub since_ms: Option<u64>,
    /// Why it has this state, in CloudWatch's words; empty if they are missing.
    pub reason: String,
    /// The dimensions of all its metrics.
    pub dimensions: Vec<(String, String)>,
    /// What its maker wrote, in which the mark of an environment may stand; empty if there is none.
    pub description: String,
}

impl Alarm {
    /// Reads an event or a message; nothing if it is no alarm's.
    ///
    /// # Errors
    /// [`Poison`], if it is, and lacks its name or its state.
    pub fn read(event: &Value) -> Result<Option<Alarm>, Poison> {
        if let Some(body) = event.get("alarmData") {
            return of_body(body).map(Some);
        }
        if event.get("detail-type").and_then(Value::as_str) == Some(STATE_CHANGE) {
            return of_body(event.get("detail").unwrap_or(&Value::Null)).map(Some);
        }
        match event.get("AlarmName") {
            Some(_) => of_message(event).map(Some),
            None => Ok(None),
        }
    }

    /// The suffix of the environment that it is of: by the group of ours that its metrics are of, if it is one, else by the
    /// mark in its description.
    #[must_use]
    pub fn suffix(&self, deployment: &Deployment) -> Option<String> {
        let by_group = only(self.of("AutoScalingGroupName").filter_map(|group| deployment.suffix_of_group(group)));
        let by_mark = || {
            let marks = mark::in_text(&self.description);
            deployment.suffix_of_environment(marks.get(mark::ENVIRONMENT)?).map(str::to_owned)
        };
        by_group.map(str::to_owned).or_else(by_mark)
    }

    /// The instance that its metrics are of, if it is one: which of several is sick, an alarm does not say.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        only(self.of("InstanceId"))
    }

    /// The values of a dimension.
    fn of(&self, dimension: &str) -> impl Iterator<Item = &str> {
        self.dimensions.iter().filter(move |(name, _)| name == dimension).map(|(_, value)| value.as_str())
    }
}

/// The one value that there is, however often.
fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = values.next()?;
    values.all(|it| it == first).then_some(first)
}

/// `alarmData` and `detail`.
fn of_body(body: &Value) -> Result<Alarm, Poison> {
    let configuration = body.get("configuration").unwrap_or(&Value::Null);
    let metrics = configuration.get("metrics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let dimensions = metrics.iter().filter_map(|it| it.pointer("/metricStat/metric/dimensions")?.as_object());
    let state = body.get("state").unwrap_or(&Value::Null);
    Ok(Alarm {
        name: needed(body, "alarmName", "alarmName")?,
        state: needed(state, "value", "state.value")?,
        since_ms: text(state.get("timestamp")).and_then(time::read_ms),
        reason: text(state.get("reason")).unwrap_or_default().to_owned(),
        dimensions: dimensions
            .flatten()
            .filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())))
            .collect(),
        description: text(configuration.get("description")).unwrap_or_default().to_owned(),
    })
}

/// What a topic gets. The names within metric math are capital there.
fn of_message(message: &Value) -> Result<Alarm, Poison> {
    let trigger = message.get("Trigger").unwrap_or(&Value::Null);
    let metrics = trigger.get("Metrics").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let within = metrics.iter().filter_map(|it| it.pointer("/MetricStat/Metric"));
    let dimensions = std::iter::once(trigger).chain(within).filter_map(|it| it.get("Dimensions")?.as_array()).flatten();
    let dimension = |it: &Value| {
        let part = |name: &str, other: &str| text(it.get(name)).or_else(|| text(it.get(other))).map(str::to_owned);
        Some((part("name", "Name")?, part("value", "Value")?))
    };
    Ok(Alarm {
        name: needed(message, "AlarmName", "AlarmName")?,
        state: needed(message, "NewStateValue", "NewStateValue")?,
        since_ms: text(message.get("StateChangeTime")).and_then(time::read_ms),
        reason: text(message.get("NewStateReason")).unwrap_or_default().to_owned(),
        dimensions: dimensions.filter_map(dimension).collect(),
        description: text(message.get("AlarmDescription")).unwrap_or_default().to_owned(),
    })
}

fn needed(of: &Value, name: &str, told: &str) -> Result<String, Poison> {
    let missing = || Poison(format!("an alarm: {told} is missing, or no text"));
    text(of.get(name)).map(str::to_owned).ok_or_else(missing)
}
