//! What a rule comes to when its alarm tells of its state. Pure.

use environment::{AlarmAction, Freshness, ObservedAlarm, REMEDIATION_TTL_MS};
use ledger::published::{PAUSED, acted, rests};
use requests::records::RuleExecution;

/// What is known when a rule is decided on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Whether the deployment wants no alarm to be acted on.
    pub paused: bool,
    /// When the alarm told of it. A composite one whose actions were suppressed tells of it when they no longer are, which
    /// may be long after its state changed.
    pub sent_ms: Option<u64>,
    /// Since when it has had its state, as it told.
    pub reported_ms: Option<u64>,
    /// The alarm as it is by now; nothing, if it is gone.
    pub now: Option<&'a ObservedAlarm>,
    /// When the rule last acted; of a dry run, when it last said that it would have.
    pub last: Option<&'a RuleExecution>,
}

/// What becomes of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is asked for.
    Ask {
        /// Since when the alarm has been in ALARM.
        since_ms: u64,
    },
    /// Nothing is done; why.
    Skipped(String),
    /// What is seen of the alarm is older than what it told: nothing can be decided yet.
    LookAgain,
}

/// Decides on one rule whose alarm told that it is in ALARM.
#[must_use]
pub fn decide(rule: &AlarmAction, facts: &Facts<'_>, now_ms: u64) -> Verdict {
    let nothing = |reason: String| Verdict::Skipped(reason);
    if facts.paused {
        return nothing(PAUSED.into());
    }
    // Lambda's retries carry the message as it was sent, so what is old stays old.
    if facts.sent_ms.or(facts.reported_ms).is_some_and(|sent| sent + REMEDIATION_TTL_MS < now_ms) {
        return nothing(format!("its message is more than {} s old", REMEDIATION_TTL_MS / 1_000));
    }
    let since_ms = match ObservedAlarm::fresh(facts.now, facts.reported_ms, now_ms) {
        Freshness::On { since_ms } => since_ms,
        Freshness::Off(reason) => return nothing(reason),
        Freshness::Stale => return Verdict::LookAgain,
    };
    if let Some(last) = facts.last {
        if last.since_ms >= since_ms {
            return nothing(acted(last.at_ms, last.done, rule.dry_run));
        }
        let cooldown_ms = u64::from(rule.cooldown_seconds) * 1_000;
        if last.done && last.at_ms + cooldown_ms > now_ms {
            return nothing(rests(rule.cooldown_seconds, last.at_ms, rule.dry_run));
        }
    }
    Verdict::Ask { since_ms }
}
