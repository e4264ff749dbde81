//! Parses Auto Scaling's causes. An activity's cause is one or more sentences that begin with `At` and a time; the
//! first one names the trigger, and the following ones describe the consequences.

use serde::{Deserialize, Serialize};

use crate::time;

/// The cause of an entry, in fields. Fields that the text does not contain are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Always present: [`CauseKind::Other`] if no sentence is known.
    pub actor: CauseKind,
    /// The name of the alarm that triggered the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// The scaling policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The scheduled action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The rule of the environment's `AlarmActions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The desired capacity before the change, if it changed,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_before: Option<u32>,
    /// and after the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_after: Option<u32>,
    /// Auto Scaling's own words; empty if there is no cause text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// The actor that triggered a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// An alarm, through a scaling policy or a rule of Envkeeper.
    Alarm,
    /// A policy without an alarm: it was executed manually.
    Policy,
    /// A call of the API: an operator, CloudFormation, Envkeeper.
    Request,
    /// A scheduled action.
    Schedule,
    /// Predictive scaling.
    Forecast,
    /// A health check found an instance unhealthy.
    HealthCheck,
    /// EC2 interrupts a Spot instance, or may do so soon.
    Spot,
    /// Rebalancing of the zones.
    Balance,
    /// An instance refresh.
    Refresh,
    /// The maximum lifetime of an instance.
    Lifetime,
    /// The warm pool.
    WarmPool,
    /// A launch that failed or was abandoned.
    LaunchFailure,
    /// A difference between desired and actual capacity, without a known trigger.
    Difference,
    /// A trigger that this version does not know.
    #[serde(other)]
    Other,
}

/// A change of the desired capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapacityChange {
    pub at_ms: Option<u64>,
    pub before: u32,
    pub after: u32,
    /// The sentence that describes the change, with its time.
    pub sentence: String,
}

/// The actor of a sentence that contains these words. The first match wins.
const WORDS: &[(&str, CauseKind)] = &[
    ("monitor alarm ", CauseKind::Alarm),
    ("executed policy ", CauseKind::Policy),
    ("executed the policy ", CauseKind::Policy),
    ("scheduled action", CauseKind::Schedule),
    ("predictive scaling", CauseKind::Forecast),
    ("health check", CauseKind::HealthCheck),
    ("health-check", CauseKind::HealthCheck),
    ("unhealthy", CauseKind::HealthCheck),
    ("spot", CauseKind::Spot),
    ("rebalance recommendation", CauseKind::Spot),
    ("capacity rebalanc", CauseKind::Spot),
    ("instance refresh", CauseKind::Refresh),
    ("instance lifetime", CauseKind::Lifetime),
    ("warm pool", CauseKind::WarmPool),
    ("balanc", CauseKind::Balance),
    ("launch failure", CauseKind::LaunchFailure),
    ("user request", CauseKind::Request),
    ("difference between desired and actual capacity", CauseKind::Difference),
];

impl Cause {
    /// Parses the text of a cause. A text that is not understood is kept whole, as `text`.
    #[must_use]
    pub fn read(text: &str) -> Cause {
        let sentences = sentences(text);
        let actor_of = |sentence: &&str| {
            let lower = sentence.to_lowercase();
            WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, actor)| *actor)
        };
        let actors: Vec<CauseKind> = sentences.iter().filter_map(actor_of).collect();
        // The trigger is more specific than its consequence.
        let trigger = actors.iter().find(|actor| **actor != CauseKind::Difference);
        let actor = trigger.or(actors.first()).copied().unwrap_or(CauseKind::Other);
        let part = |find: &dyn Fn(&str) -> Option<String>| sentences.iter().find_map(|sentence| find(sentence));
        let changes = desired_changes(text);
        Cause {
            actor,
            alarm: part(&|it| between(it, "monitor alarm ", " in state ")),
            policy: part(&|it| {
                let after = ["triggered policy ", "executed policy ", "executed the policy "];
                after.iter().find_map(|after| between(it, after, " changing "))
            }),
            schedule: part(&|it| between(it, "the scheduled action ", " executed")),
            rule: None,
            desired_before: changes.first().map(|it| it.before),
            desired_after: changes.last().map(|it| it.after),
            text: text.to_owned(),
        }
    }

    pub(crate) fn for_alarm(
        alarm: Option<String>,
        desired_before: Option<u32>,
        desired_after: Option<u32>,
        rule: Option<String>,
    ) -> Cause {
        let (policy, schedule, text) = (None, None, String::new());
        Cause { actor: CauseKind::Alarm, alarm, policy, schedule, rule, desired_before, desired_after, text }
    }
}

/// The changes of the desired capacity in a cause: none, one, or several in sequence.
pub(crate) fn desired_changes(text: &str) -> Vec<CapacityChange> {
    let change = |sentence: &str| {
        let (_, after) = sentence.split_once("changing the desired capacity from ")?;
        let (before, after) = after.split_once(" to ")?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        Some(CapacityChange {
            at_ms: sentence.strip_prefix("At ").and_then(|it| time::read_ms(it.split(' ').next()?)),
            before: before.parse().ok()?,
            after: digits.parse().ok()?,
            sentence: sentence.to_owned(),
        })
    };
    sentences(text).into_iter().filter_map(change).collect()
}

/// The sentences of a cause: each begins with `At` and a year.
fn sentences(text: &str) -> Vec<&str> {
    let begins = |at: &usize| {
        text[*at..].strip_prefix("At ").is_some_and(|it| it.bytes().take(4).filter(u8::is_ascii_digit).count() == 4)
    };
    let mut starts: Vec<usize> = text.match_indices("At ").map(|(at, _)| at).filter(begins).collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| text[*start..end].trim()).filter(|it| !it.is_empty()).collect()
}

/// The text between two fragments of a text.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.to_owned()).filter(|it| !it.is_empty())
}
