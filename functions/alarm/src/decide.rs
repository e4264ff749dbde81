//! Decides on a rule when its alarm reports its state. Pure.

use environment::{AlarmAction, AlarmCheck, ObservedAlarm, REMEDIATION_TTL_MS};
use ledger::events::{AUTOMATION_PAUSED, already_executed, in_cooldown};
use requests::records::RuleExecution;

/// The facts for the decision on a rule.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Whether automation is paused: the deployment acts on no alarm.
    pub paused: bool,
    /// When the alarm sent its message. A composite alarm whose actions were suppressed sends the message when the
    /// suppression ends, which may be long after its state changed.
    pub sent_ms: Option<u64>,
    /// Since when the alarm has had its state, according to the message.
    pub reported_ms: Option<u64>,
    /// The alarm as observed now; `None` if the alarm is deleted.
    pub observed: Option<&'a ObservedAlarm>,
    /// The last execution of the rule; for a dry run, the last report of a skipped execution.
    pub last_execution: Option<&'a RuleExecution>,
}

/// The verdict on a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The remediation is requested.
    Request {
        /// Since when the alarm has been in ALARM.
        since_ms: u64,
    },
    /// No remediation; the reason.
    Skip(String),
    /// The observed state of the alarm is older than the reported one: no decision is possible yet.
    Retry,
}

/// Decides on one rule whose alarm reported that it is in ALARM.
#[must_use]
pub fn decide(rule: &AlarmAction, facts: &Facts<'_>, now_ms: u64) -> Verdict {
    let skip = |reason: String| Verdict::Skip(reason);
    if facts.paused {
        return skip(AUTOMATION_PAUSED.into());
    }
    // Lambda's retries carry the message with its original timestamp, so an old message remains old.
    if facts.sent_ms.or(facts.reported_ms).is_some_and(|sent| sent.saturating_add(REMEDIATION_TTL_MS) < now_ms) {
        return skip(format!("its message is more than {} s old", REMEDIATION_TTL_MS / 1_000));
    }
    let since_ms = match ObservedAlarm::check(facts.observed, facts.reported_ms, now_ms) {
        AlarmCheck::Actionable { since_ms } => since_ms,
        AlarmCheck::NotActionable(reason) => return skip(reason),
        AlarmCheck::Stale => return Verdict::Retry,
    };
    if let Some(last) = facts.last_execution {
        if last.since_ms >= since_ms {
            return skip(already_executed(last.at_ms, last.done, rule.dry_run));
        }
        let cooldown_ms = u64::from(rule.cooldown_seconds) * 1_000;
        if last.done && last.at_ms + cooldown_ms > now_ms {
            return skip(in_cooldown(rule.cooldown_seconds, last.at_ms, rule.dry_run));
        }
    }
    Verdict::Request { since_ms }
}
