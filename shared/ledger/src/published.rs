//! What Envkeeper's own functions tell the ledger, in the shape of EventBridge's events, so that one reader reads all.

use serde_json::{Value, json};

use crate::alarm::{Alarm, STATE_CHANGE};
use crate::time;

/// Who tells it.
pub const SOURCE: &str = "envkeeper";

/// The launch gate has judged.
pub const GATE: &str = "Launch Gate Verdict";
/// A drain is over.
pub const DRAIN: &str = "Drain Outcome";
/// An alarm's action was carried out, or not.
pub const ALARM_ACTION: &str = "Alarm Action";

/// The end of an instance's wait for one of our hooks.
#[derive(Clone, Debug)]
pub struct HookCompletion<'a> {
    /// The name of its Auto Scaling group.
    pub group: &'a str,
    /// `i-…`
    pub instance: &'a str,
    /// Names the wait, where its own message told of it.
    pub token: Option<&'a str>,
    /// [`GATE`] or [`DRAIN`].
    pub what: &'static str,
    /// `continue` or `abandon`; of a drain whether it was `drained`.
    pub outcome: &'a str,
    /// Why, as a sentence.
    pub reason: &'a str,
    /// Since when it waited, if that is known.
    pub began_ms: Option<u64>,
    /// When the wait was over, in ms since the epoch.
    pub ended_ms: u64,
}

impl HookCompletion<'_> {
    /// As an event.
    #[must_use]
    pub fn event(&self) -> Value {
        let began = self.began_ms.map(time::text);
        let mut detail = json!({
            "AutoScalingGroupName": self.group, "EC2InstanceId": self.instance, "Outcome": self.outcome,
            "Reason": self.reason, "EndTime": time::text(self.ended_ms),
        });
        if let Some(began) = &began {
            detail["StartTime"] = began.as_str().into();
        }
        // An instance that goes into a warm pool and comes back waits more than once for the same. The token tells its waits
        // apart; where a sweep found one, when it began does.
        let wait = self.token.or(began.as_deref()).unwrap_or("-");
        envelope(self.what, &format!("{} {} {wait}", self.what, self.instance), self.ended_ms, &detail)
    }
}

/// What became of one rule of an environment when one of its alarms told of its state.
#[derive(Clone, Debug)]
pub struct RuleOutcome<'a> {
    /// The name of the environment's Auto Scaling group.
    pub group: &'a str,
    /// The alarm's name.
    pub alarm: &'a str,
    /// Since when it has its state.
    pub since_ms: u64,
    /// The rule, as a person reads it; `-` where none was come to.
    pub rule: &'a str,
    /// `done`, `dry-run`, `nothing`, `failed` or `unknown`.
    pub outcome: &'a str,
    /// What was done, or why nothing was.
    pub reason: &'a str,
    /// The desired capacity before and after, where it was changed.
    pub desired_capacity: Option<(u32, u32)>,
    /// The instance that was acted on.
    pub instance: Option<&'a str>,
    /// When this became of it, in ms since the epoch.
    pub at_ms: u64,
}

impl RuleOutcome<'_> {
    /// As an event.
    #[must_use]
    pub fn event(&self) -> Value {
        let mut detail = json!({
            "AutoScalingGroupName": self.group, "Alarm": self.alarm, "StateChangeTime": time::text(self.since_ms),
            "Rule": self.rule, "Outcome": self.outcome, "Reason": self.reason,
        });
        if let Some((before, after)) = self.desired_capacity {
            detail["DesiredBefore"] = before.into();
            detail["DesiredAfter"] = after.into();
        }
        if let Some(instance) = self.instance {
            detail["EC2InstanceId"] = instance.into();
        }
        // The same alarm told twice comes to the same line, unless something else became of it.
        let what = format!("{} {} {} {} {}", self.alarm, self.since_ms, self.rule, self.outcome, self.reason);
        envelope(ALARM_ACTION, &what, self.at_ms, &detail)
    }
}

/// An alarm's state as EventBridge tells it, for alarms that no rule of the deployment passes on.
#[must_use]
pub fn state_change(alarm: &Alarm, now_ms: u64) -> Value {
    let at_ms = alarm.since_ms.unwrap_or(now_ms);
    let metric = |(name, value): &(String, String)| json!({ "metricStat": { "metric": { "dimensions": { name.as_str(): value } } } });
    let metrics: Vec<Value> = alarm.dimensions.iter().map(metric).collect();
    let detail = json!({
        "alarmName": alarm.name,
        "state": { "value": alarm.state, "reason": alarm.reason, "timestamp": time::text(at_ms) },
        "configuration": { "description": alarm.description, "metrics": metrics },
    });
    envelope(STATE_CHANGE, &format!("{} {at_ms} {}", alarm.name, alarm.state), at_ms, &detail)
}

/// Why nothing is done: the deployment wants it so.
pub const PAUSED: &str = "automation is paused by the deployment's parameter PauseAutomation";

/// Why nothing is done: once is enough. What was begun and is not `done` is still tried, or failed; the ledger has it.
#[must_use]
pub fn acted(at_ms: u64, done: bool, dry_run: bool) -> String {
    let did = match (dry_run, done) {
        (true, _) => "was told as a dry run",
        (false, true) => "acted",
        (false, false) => "was asked for",
    };
    format!("it {did} on this state of the alarm, or a later one, at {}", time::text(at_ms))
}

/// Why nothing is done: its rest is not over.
#[must_use]
pub fn rests(seconds: u32, at_ms: u64, dry_run: bool) -> String {
    let did = if dry_run { "was told as a dry run" } else { "acted" };
    format!("it rests for {seconds} s after it {did}, which was at {}", time::text(at_ms))
}

fn envelope(what: &str, id: &str, at_ms: u64, detail: &Value) -> Value {
    json!({ "version": "0", "id": id, "detail-type": what, "source": SOURCE, "time": time::text(at_ms), "detail": detail })
}
