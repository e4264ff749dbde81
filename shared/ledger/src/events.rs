//! The events that Envkeeper's own functions publish. They have the shape of EventBridge's events, so that one reader
//! reads all events.

use serde_json::{Value, json};

use environment::RemediationAction;

use crate::alarm::{Alarm, STATE_CHANGE};
use crate::rule_result::RuleResult;
use crate::time;

/// The source of these events.
pub const SOURCE: &str = "envkeeper";

/// The field of the detail with the id of the event: the same for each repetition of the event.
pub(crate) const ID: &str = "EventId";
/// The field of the detail with the time of the event, in UTC, to the millisecond.
pub(crate) const TIME: &str = "EventTime";

/// The launch gate has reached a verdict.
pub const GATE: &str = "Launch Gate Verdict";
/// A drain has ended.
pub const DRAIN: &str = "Drain Outcome";
/// An alarm's action was executed, or not.
pub const ALARM_ACTION: &str = "Alarm Action";

/// A rollout of a template version began, ended, is held or released, or needs an operator.
pub const ROLLOUT: &str = "Rollout Progress";

/// An operator's request was accepted, or a request of CloudFormation or an operator started, or was responded to.
pub const REQUEST: &str = "Request Progress";

/// EC2 interrupts a Spot instance of a group, or may do so soon. EC2's own events name no group.
pub const INTERRUPTION: &str = "Instance Interruption";

/// A group was observed: its sizes, and the state of each instance.
pub const STATE: &str = "Group State";

/// The kinds of events that only Envkeeper publishes.
pub(crate) const ALL: [&str; 7] = [GATE, DRAIN, ALARM_ACTION, ROLLOUT, REQUEST, INTERRUPTION, STATE];

/// A step of a rollout that Envkeeper decided. The replacements themselves are events of Auto Scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutStep {
    /// `begun`: the version is about to be rolled out, or to be returned to.
    Begun,
    /// `complete`: the group launches the version, and every instance that a rollout replaces runs it.
    Complete,
    /// `failed`: the version is not tried again until one of its inputs changes, or an operator asks.
    Failed,
    /// `needs-operator`: no automatic step is left.
    NeedsOperator,
    /// `held`: an operator holds the rollout until a time.
    Held,
    /// `released`: the hold has ended, by its time, an operator, or a way back.
    Released,
}

impl RolloutStep {
    /// The outcome in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RolloutStep::Begun => "begun",
            RolloutStep::Complete => "complete",
            RolloutStep::Failed => "failed",
            RolloutStep::NeedsOperator => "needs-operator",
            RolloutStep::Held => "held",
            RolloutStep::Released => "released",
        }
    }
}

/// The progress of a rollout.
#[derive(Clone, Debug)]
pub struct RolloutProgress<'a> {
    /// The name of the environment's Auto Scaling group.
    pub group: &'a str,
    /// The number of the template version.
    pub version: u64,
    /// The step.
    pub step: RolloutStep,
    /// The reason, a sentence: for a failure, the beginning of the evidence.
    pub reason: &'a str,
    /// The time, in ms since the epoch.
    pub at_ms: u64,
}

impl RolloutProgress<'_> {
    /// The event for the ledger.
    #[must_use]
    pub fn event(&self) -> Value {
        let outcome = self.step.name();
        let detail = json!({
            "AutoScalingGroupName": self.group, "LaunchTemplateVersion": self.version, "Outcome": outcome,
            "Reason": self.reason,
        });
        let id = format!("{ROLLOUT} {} {} {outcome} {}", self.group, self.version, self.at_ms);
        envelope(ROLLOUT, &id, self.at_ms, detail)
    }
}

/// The progress of a request.
#[derive(Clone, Debug)]
pub struct RequestProgress<'a> {
    /// The name of the environment's Auto Scaling group.
    pub group: &'a str,
    /// The type of the request: CloudFormation's `Create`, `Update` or `Delete`, or an operator's, such as `roll`.
    pub request: &'a str,
    /// The request's id, the same for each of its passes.
    pub request_id: &'a str,
    /// The step.
    pub step: RequestStep<'a>,
    /// The time, in ms since the epoch.
    pub at_ms: u64,
}

/// A step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStep<'a> {
    /// `accepted`: an operator's request was accepted. Who sent it is the sender's own statement, which nothing checks.
    Accepted {
        /// `Caller` of the request.
        claimed_caller: Option<&'a str>,
    },
    /// `started`: the first pass of the request begins.
    Started,
    /// `responded`: the request succeeded, or failed for a reason.
    Responded(Result<(), &'a str>),
}

impl RequestProgress<'_> {
    /// The event for the ledger.
    #[must_use]
    pub fn event(&self) -> Value {
        let request = self.request;
        let (outcome, reason) = match self.step {
            RequestStep::Accepted { claimed_caller: None } => ("accepted", request.to_owned()),
            RequestStep::Accepted { claimed_caller: Some(caller) } => {
                ("accepted", format!("{request}, claimed caller: {caller}"))
            }
            RequestStep::Started => ("started", request.to_owned()),
            RequestStep::Responded(Ok(())) => ("responded", format!("{request} succeeded")),
            RequestStep::Responded(Err(reason)) => ("responded", format!("{request} failed: {reason}")),
        };
        let detail = json!({
            "AutoScalingGroupName": self.group, "RequestId": self.request_id, "Outcome": outcome, "Reason": reason,
        });
        let id = format!("{REQUEST} {} {} {outcome}", self.group, self.request_id);
        envelope(REQUEST, &id, self.at_ms, detail)
    }
}

/// A notice of EC2 about a Spot instance.
#[derive(Clone, Debug)]
pub struct Interruption<'a> {
    /// The name of the instance's Auto Scaling group.
    pub group: &'a str,
    /// `i-…`
    pub instance: &'a str,
    /// The notice.
    pub notice: InterruptionNotice,
    /// The time of EC2's event, in ms since the epoch.
    pub at_ms: u64,
}

/// The kinds of notices about Spot instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptionNotice {
    /// `interruption-warning`: EC2 terminates the instance two minutes after the event (the EC2 user guide, "Spot Instance
    /// interruption notices").
    Warning,
    /// `rebalance-recommendation`: the risk of an interruption is elevated (the EC2 user guide, "EC2 instance rebalance
    /// recommendations").
    Rebalance,
}

impl Interruption<'_> {
    /// The event for the ledger.
    #[must_use]
    pub fn event(&self) -> Value {
        let (outcome, reason) = match self.notice {
            InterruptionNotice::Warning => {
                ("interruption-warning", "EC2 terminates the Spot instance within two minutes")
            }
            InterruptionNotice::Rebalance => {
                ("rebalance-recommendation", "the risk of a Spot interruption is elevated")
            }
        };
        let detail = json!({
            "AutoScalingGroupName": self.group, "EC2InstanceId": self.instance, "Outcome": outcome, "Reason": reason,
        });
        let id = format!("{INTERRUPTION} {} {outcome} {}", self.instance, self.at_ms);
        envelope(INTERRUPTION, &id, self.at_ms, detail)
    }
}

/// The result of a lifecycle action that Envkeeper completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// `continue`: the launch gate let the instance enter service.
    Continue,
    /// `abandon`: the launch gate had the instance replaced.
    Abandon,
    /// `drained`: the drain succeeded.
    Drained,
    /// `not-drained`: the drain did not succeed.
    NotDrained,
}

impl HookOutcome {
    /// [`GATE`] or [`DRAIN`].
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            HookOutcome::Continue | HookOutcome::Abandon => GATE,
            HookOutcome::Drained | HookOutcome::NotDrained => DRAIN,
        }
    }

    /// The outcome in the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HookOutcome::Continue => "continue",
            HookOutcome::Abandon => "abandon",
            HookOutcome::Drained => "drained",
            HookOutcome::NotDrained => "not-drained",
        }
    }
}

/// The completion of a lifecycle action: an instance no longer waits for one of Envkeeper's hooks.
#[derive(Clone, Debug)]
pub struct HookCompletion<'a> {
    /// The name of the instance's Auto Scaling group.
    pub group: &'a str,
    /// `i-…`
    pub instance: &'a str,
    /// The token of the lifecycle action, if its own message contained one.
    pub token: Option<&'a str>,
    /// The result.
    pub outcome: HookOutcome,
    /// The reason, as a sentence.
    pub reason: &'a str,
    /// The start of the wait, if it is known.
    pub began_ms: Option<u64>,
    /// The end of the wait, in ms since the epoch.
    pub ended_ms: u64,
}

impl HookCompletion<'_> {
    /// The event for the ledger.
    #[must_use]
    pub fn event(&self) -> Value {
        let (kind, began) = (self.outcome.kind(), self.began_ms.map(time::text));
        let mut detail = json!({
            "AutoScalingGroupName": self.group, "EC2InstanceId": self.instance, "Outcome": self.outcome.name(),
            "Reason": self.reason, "EndTime": time::text(self.ended_ms),
        });
        if let Some(began) = &began {
            detail["StartTime"] = began.as_str().into();
        }
        // An instance that enters a warm pool and returns waits more than once for the same hook. The token
        // distinguishes these waits; a sweep has no token, so the start of the wait distinguishes them.
        let wait = self.token.or(began.as_deref()).unwrap_or("-");
        envelope(kind, &format!("{kind} {} {wait}", self.instance), self.ended_ms, detail)
    }
}

/// The outcome of one of an environment's rules after one of its alarms reported its state.
#[derive(Clone, Debug)]
pub struct RuleOutcome<'a> {
    /// The name of the environment's Auto Scaling group.
    pub group: &'a str,
    /// The alarm's name.
    pub alarm: &'a str,
    /// The time since which the alarm has had its state.
    pub since_ms: u64,
    /// The rule, as text for operators; `-` if no rule was evaluated.
    pub rule: &'a str,
    /// The result of the rule.
    pub result: &'a RuleResult,
    /// The instance that the alarm is about.
    pub instance: Option<&'a str>,
    /// The time of the outcome, in ms since the epoch.
    pub at_ms: u64,
}

impl RuleOutcome<'_> {
    /// The event for the ledger.
    #[must_use]
    pub fn event(&self) -> Value {
        let (outcome, reason) = (self.result.name(), self.result.reason());
        let mut detail = json!({
            "AutoScalingGroupName": self.group, "Alarm": self.alarm, "StateChangeTime": time::text(self.since_ms),
            "Rule": self.rule, "Outcome": outcome, "Reason": reason,
        });
        let instance = match self.result {
            RuleResult::Done(RemediationAction::Scale { from, to }) => {
                detail["DesiredBefore"] = (*from).into();
                detail["DesiredAfter"] = (*to).into();
                None
            }
            RuleResult::Done(RemediationAction::Replace { instance }) => Some(instance.as_str()),
            _ => self.instance,
        };
        if let Some(instance) = instance {
            detail["EC2InstanceId"] = instance.into();
        }
        // The second report of an alarm state has the same id, unless its outcome or reason differs.
        let id = format!("{} {} {} {outcome} {reason}", self.alarm, self.since_ms, self.rule);
        envelope(ALARM_ACTION, &id, self.at_ms, detail)
    }
}

/// An alarm's state as an event of EventBridge, for alarms that no rule of the deployment forwards.
#[must_use]
pub fn alarm_state_event(alarm: &Alarm, now_ms: u64) -> Value {
    let at_ms = alarm.since_ms.unwrap_or(now_ms);
    let metric = |(name, value): &(String, String)| json!({ "metricStat": { "metric": { "dimensions": { name.as_str(): value } } } });
    let metrics: Vec<Value> = alarm.dimensions.iter().map(metric).collect();
    let detail = json!({
        "alarmName": alarm.name,
        "state": { "value": alarm.state, "reason": alarm.reason, "timestamp": time::text(at_ms) },
        "configuration": { "description": alarm.description, "metrics": metrics },
    });
    envelope(STATE_CHANGE, &format!("{} {at_ms} {}", alarm.name, alarm.state), at_ms, detail)
}

/// The reason for a skipped rule while the deployment's automation is paused.
pub const AUTOMATION_PAUSED: &str = "automation is paused by the deployment's parameter PauseAutomation";

/// The reason for a skipped rule that already ran: a rule runs once for each alarm state. An execution that began and
/// is not `done` is still retried, or has failed; the ledger has its outcome.
#[must_use]
pub fn already_executed(at_ms: u64, done: bool, dry_run: bool) -> String {
    let execution = match (dry_run, done) {
        (true, _) => "was evaluated as a dry run",
        (false, true) => "acted",
        (false, false) => "was requested",
    };
    format!("the rule {execution} for this state of the alarm, or a later one, at {}", time::text(at_ms))
}

/// The reason for a skipped rule whose cooldown has not ended.
#[must_use]
pub fn in_cooldown(seconds: u32, at_ms: u64, dry_run: bool) -> String {
    let execution = if dry_run { "was evaluated as a dry run" } else { "acted" };
    format!("the rule's cooldown of {seconds} s has not ended: it {execution} at {}", time::text(at_ms))
}

/// The event. EventBridge gives each put of an event another id, and its time to the second; therefore the detail has both,
/// so that the same event by the bus and by the queue is one entry.
pub(crate) fn envelope(detail_type: &str, id: &str, at_ms: u64, mut detail: Value) -> Value {
    let time = time::text(at_ms);
    detail[ID] = id.into();
    detail[TIME] = time.as_str().into();
    json!({ "version": "0", "id": id, "detail-type": detail_type, "source": SOURCE, "time": time, "detail": detail })
}
