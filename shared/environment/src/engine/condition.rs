//! The conditions that steps and runs wait for.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::cloud::Timestamp;
use crate::model::digest::digest;
use crate::model::key::Key;

/// How long a run waits for a condition that nothing under way is known to meet: five minutes. Read lag, concurrent
/// changes and busy services are over by then; what is left needs a person.
pub const OBSTACLE_LIMIT: Duration = Duration::from_mins(5);

/// A condition that a step or a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The condition, as a sentence that names the actor or the obstacle. Two runs that wait for the same condition have
    /// the same sentence.
    pub sentence: String,
    /// A detail for the operator that may change while the condition remains, such as the reason of the last of many
    /// failed launches.
    pub detail: Option<String>,
    /// The longest time until the condition is met, according to its source. A request whose conditions are all open for
    /// longer ends. `None`: the work of an instance or of an operator, which only the request's deadline bounds.
    pub longest: Option<Duration>,
    /// The resource whose own state meets the condition. `None`: only an observation of the whole environment shows it.
    pub awaited: Option<Awaited>,
}

/// A resource whose own state ends a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The resource.
    pub key: Key,
    /// The number of instances that must be in service, if the resource is a group; 0 for any number.
    pub in_service: u32,
}

/// The open conditions of a request, by [`Condition::id`], each with the time since when it is open.
pub type OpenSince = BTreeMap<String, Timestamp>;

impl Condition {
    /// The same condition, which is met within this time.
    #[must_use]
    pub fn within(self, longest: Duration) -> Condition {
        Condition { longest: Some(longest), ..self }
    }

    /// The same condition as the wait for this resource, which the sentence names.
    pub(crate) fn of(self, awaited: Awaited) -> Condition {
        Condition { sentence: format!("{}: {}", awaited.key, self.sentence), awaited: Some(awaited), ..self }
    }

    /// The identity of the condition: 16 hexadecimal digits, equal for equal sentences.
    #[must_use]
    pub fn id(&self) -> String {
        digest([self.sentence.as_str()])
    }

    /// Since when each of these conditions is open, where `before` were open at the observation before.
    #[must_use]
    pub fn open_since(open: &[Condition], before: &OpenSince, now: Timestamp) -> OpenSince {
        open.iter().map(Condition::id).map(|id| (id.clone(), before.get(&id).copied().unwrap_or(now))).collect()
    }

    /// Whether each of these conditions is open for longer than its source says: waiting on does not help.
    #[must_use]
    pub fn all_overdue(open: &[Condition], since: &OpenSince, now: Timestamp) -> bool {
        let is_overdue = |it: &Condition| {
            let since = since.get(&it.id()).copied().unwrap_or(now);
            it.longest.is_some_and(|longest| now - since >= longest)
        };
        !open.is_empty() && open.iter().all(is_overdue)
    }
}

impl From<String> for Condition {
    fn from(sentence: String) -> Condition {
        Condition { sentence, detail: None, longest: None, awaited: None }
    }
}

impl From<&str> for Condition {
    fn from(sentence: &str) -> Condition {
        Condition::from(sentence.to_owned())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.detail.iter().try_for_each(|detail| write!(f, " ({detail})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    #[test]
    fn a_condition_is_open_since_its_first_observation_whatever_its_detail() {
        let first = Condition::from("subnet a: in use").within(minutes(5));
        let detailed = Condition { detail: Some("eni-1".into()), ..first.clone() };
        let since = Condition::open_since(std::slice::from_ref(&first), &OpenSince::new(), START);
        let later = Condition::open_since(&[detailed, "vpc b: in use".into()], &since, START + minutes(1));
        assert_eq!(later.get(&first.id()), Some(&START));
        assert_eq!(later.values().max(), Some(&(START + minutes(1))));
        assert!(!Condition::open_since(&["vpc b: in use".into()], &since, START).contains_key(&first.id()));
    }

    #[test]
    fn a_wait_is_over_when_all_its_conditions_are_overdue() {
        let obstacle = Condition::from("vpc a: in use").within(minutes(5));
        let longer = Condition::from("subnet b: in use").within(minutes(45));
        let unbounded = Condition::from("auto-scaling-group g: 1 instance is terminating");
        let overdue = |open: &[Condition], after: Duration| {
            let since = Condition::open_since(open, &OpenSince::new(), START);
            Condition::all_overdue(open, &since, START + after)
        };
        assert!(!overdue(std::slice::from_ref(&obstacle), Duration::from_secs(299)));
        assert!(overdue(std::slice::from_ref(&obstacle), minutes(5)));
        assert!(!overdue(&[obstacle.clone(), longer.clone()], minutes(44)), "one of them may still end");
        assert!(overdue(&[obstacle.clone(), longer], minutes(45)));
        assert!(!overdue(&[obstacle, unbounded], minutes(600)));
        assert!(!overdue(&[], minutes(600)));
    }
}
