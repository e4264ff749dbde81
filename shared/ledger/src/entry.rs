//! A line of the ledger.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::cause::Cause;
use crate::failure::Failure;
use crate::read::ENTERED_WARM_POOL;

/// The version of the schema. A field that is added leaves it; one that goes, or means something else, raises it.
pub const SCHEMA: u32 = 1;

/// The namespace of the metrics.
pub const NAMESPACE: &str = "Envkeeper";

/// One thing that happened, as one line of JSON. Fields that say nothing are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// [`SCHEMA`].
    pub v: u32,
    /// The same whenever the same thing is written again: queries count each once by it.
    pub id: String,
    /// When it happened, in UTC.
    pub time: String,
    /// The environment's id.
    pub environment: String,
    /// The Auto Scaling group.
    pub group: String,
    /// What happened. It also leads the id.
    pub kind: Kind,
    /// How it ended, in lower case: `successful`, `pooled`, `failed`, `cancelled`; `waiting` of a hook; `continue` or `abandon` of a
    /// verdict; the state of an alarm; what became of a remediation.
    pub outcome: String,
    /// `i-…`; nothing where it is about the whole group, or no instance came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The availability zone by its name, such as `us-west-2a`, where the event tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The id of the scaling activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// Why, in its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What was said about the outcome: an error, a verdict's reasons, an alarm's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What kind of failure it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Whether it was found afterwards in the group's activities, because no event told of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backfilled: bool,
    /// The event's own name.
    pub event: String,
    /// The event's detail as it came; a line that is too long has only its beginning.
    #[serde(skip)]
    pub detail: Value,
    /// When it happened, in ms since the epoch.
    #[serde(skip)]
    pub at_ms: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A launch is over, well or not: its scaling activity has ended.
    Launch,
    /// A termination is over, well or not.
    Terminate,
    /// An instance waits for a hook.
    Lifecycle,
    /// An instance refresh came to a point.
    Refresh,
    /// The desired capacity changed. Nothing tells of it but the causes of what follows, so it is taken from the first of
    /// those, and has the same id from each.
    Capacity,
    /// The launch gate has judged.
    Gate,
    /// A drain is over.
    Drain,
    /// An alarm changed its state.
    Alarm,
    /// An alarm's action was carried out, or not.
    Remediation,
    /// Something newer than this version.
    Other,
}

impl Kind {
    /// As a line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Launch => "launch",
            Kind::Terminate => "terminate",
            Kind::Lifecycle => "lifecycle",
            Kind::Refresh => "refresh",
            Kind::Capacity => "capacity",
            Kind::Gate => "gate",
            Kind::Drain => "drain",
            Kind::Alarm => "alarm",
            Kind::Remediation => "remediation",
            Kind::Other => "other",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A deterministic id: of the kind, the group, and what tells this thing from others of its kind.
#[must_use]
pub fn id(kind: Kind, group: &str, what: &str) -> String {
    let hash = Sha256::digest(format!("{}\n{group}\n{what}", kind.as_str()));
    format!("{}-{:.20}", kind.as_str(), format!("{hash:x}"))
}

/// The longest text of one log event: a batch of PutLogEvents has 1,048,576 bytes, of which each event takes 26 (its API
/// reference).
pub const LONGEST_LINE: usize = 1_048_576 - 26;

/// The longest line that has metrics: 256 KB. CloudWatch takes none out of a longer document of the embedded metric format, as
/// some pages of its specification say; others say 1 MB. This holds for both.
pub const LONGEST_WITH_METRICS: usize = 256_000;

/// How much is kept of a detail that makes a line too long, in bytes: 64 KiB. Even if each of them has to be escaped, the
/// line fits, but for texts that no event has; then it is less.
const KEPT_OF_DETAIL: usize = 65_536;

impl Entry {
    /// The line, with its metrics in CloudWatch's embedded metric format: at most [`LONGEST_WITH_METRICS`] bytes then, else
    /// [`LONGEST_LINE`]. What was found afterwards has none, since its event may still come.
    #[must_use]
    pub fn line(&self) -> String {
        self.filed_at(self.at_ms)
    }

    /// The same, with its metrics under the time that it is filed under.
    pub(crate) fn filed_at(&self, at_ms: u64) -> String {
        let longest = if self.metrics().is_empty() { LONGEST_LINE } else { LONGEST_WITH_METRICS };
        let mut text = self.with(&self.detail, at_ms);
        let mut kept = KEPT_OF_DETAIL;
        while text.len() > longest && kept > 0 {
            let detail = self.detail.to_string();
            text = self.with(&json!({ "bytes": detail.len(), "begins": beginning(&detail, kept) }), at_ms);
            kept /= 2;
        }
        text
    }

    fn with(&self, detail: &Value, at_ms: u64) -> String {
        let metrics = embedded(at_ms, &self.metrics());
        // Texts, numbers and JSON can always be written.
        serde_json::to_string(&EmfLine { entry: self, detail, metrics }).unwrap_or_default()
    }

    /// What counts, and what is measured.
    fn metrics(&self) -> Vec<(&'static str, &'static str, f64)> {
        if self.backfilled {
            return Vec::new();
        }
        let measured = |name| self.seconds.map(|seconds| (name, "Seconds", seconds));
        let counted = |name| Some((name, "Count", 1.0));
        let all = match (self.kind, self.outcome.as_str()) {
            // It counts when it leaves the pool: into service, or for good.
            (Kind::Launch | Kind::Terminate, ENTERED_WARM_POOL) => [None, None],
            (Kind::Launch, "successful") => [counted("Launches"), measured("SecondsToInService")],
            (Kind::Launch, _) => [counted("LaunchFailures"), None],
            (Kind::Terminate, "successful") => [counted("Terminations"), None],
            (Kind::Terminate, _) => [counted("TerminationFailures"), None],
            (Kind::Gate, "abandon") => [counted("Abandoned"), None],
            (Kind::Drain, _) => [measured("DrainSeconds"), None],
            _ => [None, None],
        };
        all.into_iter().flatten().collect()
    }
}

/// An entry as it is written.
#[derive(Serialize)]
struct EmfLine<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Value::is_null")]
    detail: &'a Value,
    #[serde(flatten)]
    metrics: Map<String, Value>,
}

/// The members of a line that make CloudWatch take metrics out of it, by environment and group.
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

/// The first bytes of a text, up to the end of a character.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
