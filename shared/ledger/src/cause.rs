//! Auto Scaling's reasons, taken apart. An activity's cause is one or more sentences that begin with `At` and a time; the
//! first is what set it off, and what follows says what came of it.

use serde::Serialize;

use crate::time;

/// Why something happened, in its parts. Those that are not told are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Always there: [`CauseKind::Other`] where no sentence is known.
    pub actor: CauseKind,
    /// The alarm that set it off, by its name.
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
    /// The desired capacity before, where it changed,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_before: Option<u32>,
    /// and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_after: Option<u32>,
    /// Auto Scaling's own words; empty if there are none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Who or what set it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// An alarm drove a policy, or an action of ours.
    Alarm,
    /// A policy that nobody names an alarm for: one that was executed by hand.
    Policy,
    /// A call of the API: a person, CloudFormation, Envkeeper.
    Request,
    /// A scheduled action.
    Schedule,
    /// Predictive scaling.
    Forecast,
    /// An instance was seen to be unhealthy.
    HealthCheck,
    /// EC2 takes a Spot instance back, or may soon.
    Spot,
    /// The zones are evened out.
    Balance,
    /// An instance refresh.
    Refresh,
    /// The longest life of an instance.
    Lifetime,
    /// A pool of warm instances.
    WarmPool,
    /// A launch that did not work, or was abandoned.
    LaunchFailure,
    /// There were fewer or more instances than wanted, and nothing says why.
    Difference,
    /// Something newer than this version.
    Other,
}

/// A change of the desired capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub at_ms: Option<u64>,
    pub before: u32,
    pub after: u32,
    /// The sentence that tells it, with its time.
    pub sentence: String,
}

/// What a sentence says, if it holds these words. The first that fits counts.
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
    /// Takes a cause's text apart. What is not understood is still there, as its text.
    #[must_use]
    pub fn read(text: &str) -> Cause {
        let sentences = sentences(text);
        let by = |sentence: &&str| {
            let lower = sentence.to_lowercase();
            WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, by)| *by)
        };
        let told: Vec<CauseKind> = sentences.iter().filter_map(by).collect();
        // What set it off says more than what came of it.
        let by =
            told.iter().find(|by| **by != CauseKind::Difference).or(told.first()).copied().unwrap_or(CauseKind::Other);
        let part = |find: &dyn Fn(&str) -> Option<String>| sentences.iter().find_map(|sentence| find(sentence));
        let changes = desired_changes(text);
        Cause {
            actor: by,
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

    pub(crate) fn of_alarm(
        alarm: Option<String>,
        desired_before: Option<u32>,
        desired_after: Option<u32>,
        rule: Option<String>,
    ) -> Cause {
        let (policy, schedule, text) = (None, None, String::new());
        Cause { actor: CauseKind::Alarm, alarm, policy, schedule, rule, desired_before, desired_after, text }
    }
}

/// The changes of the desired capacity that a cause tells of: none, one, or one after the other.
pub(crate) fn desired_changes(text: &str) -> Vec<Change> {
    let change = |sentence: &str| {
        let (_, after) = sentence.split_once("changing the desired capacity from ")?;
        let (before, after) = after.split_once(" to ")?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        Some(Change {
            at_ms: sentence.strip_prefix("At ").and_then(|it| time::read_ms(it.split(' ').next()?)),
            before: before.parse().ok()?,
            after: digits.parse().ok()?,
            sentence: sentence.to_owned(),
        })
    };
    sentences(text).into_iter().filter_map(change).collect()
}

/// The sentences: each begins with `At` and a year.
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

/// What stands between two pieces of a text.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.to_owned()).filter(|it| !it.is_empty())
}
