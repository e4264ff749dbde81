//! The entries of the ledger.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::cause::Cause;
use crate::failure::ActivityFailure;
use crate::group_state::GroupState;
use crate::time;

/// The version of the schema. A new field does not change the version; a removed field, or a field with a new meaning,
/// increments it.
pub const SCHEMA: u32 = 1;

/// The namespace of the metrics in CloudWatch.
pub const NAMESPACE: &str = "Envkeeper";

/// The outcome of a launch or a termination that ends in a warm pool.
pub(crate) const ENTERED_WARM_POOL: &str = "entered-warm-pool";

/// One event in an environment, as one line of JSON. Empty fields are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// [`SCHEMA`].
    pub v: u32,
    /// The id of the event, which is the same in every repeated entry. Queries count each id once.
    pub id: String,
    /// The time of the event, in UTC.
    pub time: String,
    /// The environment's id.
    pub environment: String,
    /// The Auto Scaling group.
    pub group: String,
    /// The kind of the event, and the prefix of the id.
    pub kind: Kind,
    /// The outcome, in lower case: `successful`, `entered-warm-pool`, `failed`, `cancelled`; `waiting` for a hook;
    /// `continue` or `abandon` for a verdict; the step of a rollout or a request; the state of an alarm; the outcome of a
    /// remediation; `observed` for the state of a group.
    pub outcome: String,
    /// `i-…`; `None` if the event concerns the whole group, or no instance was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The name of the availability zone, such as `us-west-2a`, if the event contains one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The id of the scaling activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// The version of the launch template. `None` if the event does not contain it: today only that of a rollout does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u64>,
    /// The cause, in fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The explanation of the outcome: an error, a verdict's reasons, an alarm's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The kind of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<ActivityFailure>,
    /// The duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Whether the entry was backfilled from the group's activities, because no event reported the activity.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfilled: bool,
    /// The event's `detail-type`.
    pub event: String,
    /// The sizes and the instances of the group; only in entries of [`Kind::State`]. The last field of a line: Logs Insights
    /// discovers 200 fields of a line at most, from its beginning (the user guide, "Supported logs and discovered fields").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<GroupState>,
    /// The event's detail, unchanged; a line that would be too long contains only the beginning.
    #[serde(skip_serializing, default)]
    pub detail: Value,
    /// The time of the event, in ms since the epoch.
    #[serde(skip)]
    pub at_ms: u64,
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The scaling activity of a launch has ended, successfully or not.
    Launch,
    /// The scaling activity of a termination has ended, successfully or not.
    Terminate,
    /// An instance waits for a hook.
    Lifecycle,
    /// An instance refresh started, reached a checkpoint or ended.
    Refresh,
    /// Envkeeper began a rollout, ended it, or left it to an operator.
    Rollout,
    /// The desired capacity changed. Only the causes of the resulting activities report the change, so each of these
    /// activities produces the entry, with the same id.
    Capacity,
    /// The launch gate has reached a verdict.
    Gate,
    /// A drain has ended.
    Drain,
    /// An alarm changed its state.
    Alarm,
    /// An alarm's action was executed, or not.
    Remediation,
    /// The group was observed: its sizes, and the state of each instance.
    State,
    /// A request was accepted, started, or responded to.
    Request,
    /// EC2 interrupts a Spot instance, or may do so soon.
    Interruption,
    /// An event that this version does not know.
    Other,
}

impl Kind {
    /// Every kind.
    const ALL: [Kind; 14] = [
        Kind::Launch,
        Kind::Terminate,
        Kind::Lifecycle,
        Kind::Refresh,
        Kind::Rollout,
        Kind::Capacity,
        Kind::Gate,
        Kind::Drain,
        Kind::Alarm,
        Kind::Remediation,
        Kind::State,
        Kind::Request,
        Kind::Interruption,
        Kind::Other,
    ];

    /// The kind as a line contains it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Launch => "launch",
            Kind::Terminate => "terminate",
            Kind::Lifecycle => "lifecycle",
            Kind::Refresh => "refresh",
            Kind::Rollout => "rollout",
            Kind::Capacity => "capacity",
            Kind::Gate => "gate",
            Kind::Drain => "drain",
            Kind::Alarm => "alarm",
            Kind::Remediation => "remediation",
            Kind::State => "state",
            Kind::Request => "request",
            Kind::Interruption => "interruption",
            Kind::Other => "other",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A kind that this version does not know is [`Kind::Other`]: a later version may have written the line.
impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Kind::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or(Kind::Other))
    }
}

/// A deterministic id from the kind, the group, and the identity of the event within its kind.
#[must_use]
pub fn id(kind: Kind, group: &str, identity: &str) -> String {
    let hash = Sha256::digest(format!("{}\n{group}\n{identity}", kind.as_str()));
    format!("{}-{:.20}", kind.as_str(), format!("{hash:x}"))
}

/// The maximum size of one log event's text: a batch of PutLogEvents has 1,048,576 bytes, and each event adds 26 to the
/// size of its text (the API reference).
pub const MAX_LINE_BYTES: usize = 1_048_576 - 26;

/// The maximum size of a line with metrics: 256 KB. According to some pages of its specification, CloudWatch extracts
/// no metrics from a longer document of the embedded metric format; other pages say 1 MB. This limit satisfies both.
pub const MAX_METRIC_LINE_BYTES: usize = 256_000;

/// The size of the beginning that is kept if a detail makes a line too long: 64 KiB. The line fits even if every byte
/// must be escaped, except with texts that no event contains; then less is kept.
const MAX_DETAIL_BYTES: usize = 65_536;

impl Entry {
    /// Reads a line of the ledger. `None` if the text is not one, or has another version of the schema.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Entry> {
        let entry: Entry = serde_json::from_str(line).ok().filter(|it: &Entry| it.v == SCHEMA)?;
        Some(Entry { at_ms: time::read_ms(&entry.time)?, ..entry })
    }

    /// The line, with its metrics in CloudWatch's embedded metric format. A line with metrics has at most
    /// [`MAX_METRIC_LINE_BYTES`] bytes, any other line [`MAX_LINE_BYTES`]. A backfilled entry has no metrics, because
    /// its event may still arrive.
    #[must_use]
    pub fn line(&self) -> String {
        self.line_at(self.at_ms)
    }

    /// The line, with `at_ms` as the timestamp of its metrics.
    pub(crate) fn line_at(&self, at_ms: u64) -> String {
        let max_bytes = if self.metrics().is_empty() { MAX_LINE_BYTES } else { MAX_METRIC_LINE_BYTES };
        let mut text = self.serialized(&self.detail, at_ms);
        let mut kept = MAX_DETAIL_BYTES;
        while text.len() > max_bytes && kept > 0 {
            let detail = self.detail.to_string();
            text = self.serialized(&json!({ "bytes": detail.len(), "begins": truncated(&detail, kept) }), at_ms);
            kept /= 2;
        }
        text
    }

    fn serialized(&self, detail: &Value, at_ms: u64) -> String {
        let metrics = embedded(at_ms, &self.metrics());
        // Serializing texts, numbers and JSON cannot fail.
        serde_json::to_string(&LogLine { entry: self, detail, metrics }).unwrap_or_default()
    }

    /// The counters and measurements of the entry.
    fn metrics(&self) -> Vec<(&'static str, &'static str, f64)> {
        if self.backfilled {
            return Vec::new();
        }
        let measured = |name| self.seconds.map(|seconds| (name, "Seconds", seconds));
        let counted = |name| Some((name, "Count", 1.0));
        let all = match (self.kind, self.outcome.as_str()) {
            // The instance is counted when it leaves the warm pool: into service, or by termination.
            (Kind::Launch | Kind::Terminate, ENTERED_WARM_POOL) => [None, None],
            (Kind::Launch, "successful") => [counted("Launches"), measured("SecondsToInService")],
            (Kind::Launch, _) => [counted("LaunchFailures"), None],
            (Kind::Terminate, "successful") => [counted("Terminations"), None],
            (Kind::Terminate, _) => [counted("TerminationFailures"), None],
            (Kind::Gate, "abandon") => [counted("Abandoned"), None],
            (Kind::Drain, _) => [measured("DrainSeconds"), None],
            (Kind::Rollout, "failed" | "needs-operator") => [counted("RolloutFailed"), None],
            _ => [None, None],
        };
        all.into_iter().flatten().collect()
    }
}

/// An entry as the log contains it.
#[derive(Serialize)]
struct LogLine<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Value::is_null")]
    detail: &'a Value,
    #[serde(flatten)]
    metrics: Map<String, Value>,
}

/// The members of a line from which CloudWatch extracts metrics, by environment and group.
fn embedded(at_ms: u64, metrics: &[(&str, &str, f64)]) -> Map<String, Value> {
    if metrics.is_empty() {
        return Map::new();
    }
    let defined: Vec<Value> = metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [["environment", "group"]], "Metrics": defined });
    let values = metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value)));
    let aws = (String::from("_aws"), json!({ "Timestamp": at_ms, "CloudWatchMetrics": [directive] }));
    values.chain([aws]).collect()
}

/// The text, truncated to this number of bytes at the end of a character.
pub(crate) fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
