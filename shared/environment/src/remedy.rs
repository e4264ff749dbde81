//! What an alarm's rule comes to on a group as it stands now. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::alarm_action::{Act, AlarmAction};

/// How long a wish for a remedy is good for: 5 minutes. What stood in line for longer, behind an update, answers an alarm of
/// then.
pub const REMEDY_MS: u64 = 300_000;

/// A wish for a remedy, on its way through the owner's line to the one function that touches environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Remediation {
    /// Whose line it stands in.
    pub owner: String,
    /// The environment's id.
    pub environment: String,
    /// The alarm's name.
    pub alarm: String,
    /// Since when the alarm has been in ALARM: each such time is acted on once.
    pub since_ms: u64,
    /// The rule, as [`AlarmAction::told`] tells it.
    pub rule: String,
    /// The instance that the alarm is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// When it is too late.
    pub expires_ms: u64,
    /// Whether it is only told what would be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What it is written down under that a rule acted. A dry run has a name of its own, so that a rule that is made to act does
/// not rest from what it only told.
#[must_use]
pub fn fires_as(rule: &str, dry_run: bool) -> String {
    if dry_run { format!("dry run of {rule}") } else { rule.to_owned() }
}

impl Remediation {
    /// What it is written down under, as of [`fires_as`].
    #[must_use]
    pub fn fires_as(&self) -> String {
        fires_as(&self.rule, self.dry_run)
    }

    /// As a message of the line.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "Remediation": self })
    }

    /// Reads a message of the line; nothing if it is another.
    ///
    /// # Errors
    /// A sentence, if it is one and makes no sense.
    #[must_use]
    pub fn read(body: &Value) -> Option<Result<Remediation, String>> {
        let wish = body.get("Remediation")?;
        Some(
            serde_json::from_value(wish.clone()).map_err(|error| format!("a remediation that makes no sense: {error}")),
        )
    }
}

/// A group, as far as a remedy depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupNow {
    /// The owner, as its mark says.
    pub owner: Option<String>,
    /// `MinSize`: no remedy goes below it.
    pub min: u32,
    /// `MaxSize`: no remedy goes beyond it.
    pub max: u32,
    /// `DesiredCapacity` now.
    pub desired: u32,
    /// All that the group lists, those that start or end too.
    pub instances: Vec<Member>,
}

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `i-…`
    pub id: String,
    /// Whether its `LifecycleState` is `InService`.
    pub in_service: bool,
    /// Whether Auto Scaling says so, and EC2's status checks do where they were asked.
    pub healthy: bool,
}

/// One change that is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// The desired capacity becomes `to`.
    Scale {
        /// `DesiredCapacity` as it was seen, in instances.
        from: u32,
        /// Within the group's bounds.
        to: u32,
    },
    /// The instance is ended, by way of its hooks, and Auto Scaling starts another.
    Replace {
        /// Its id.
        instance: String,
    },
    /// A topic is told.
    Notify {
        /// The ARN of the SNS topic.
        topic: String,
    },
}

/// How a remedy stands that was begun, by whoever can't say whether it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing is to be seen of it: it is to be made.
    ToDo,
    /// It was made.
    Made,
    /// Somebody has changed what it was about; what is to be seen.
    Overtaken(String),
    /// Nothing of it is ever to be seen.
    Unseen,
}

impl Remedy {
    /// How it stands, if it was begun, by the group as it is now. What others did since is not undone.
    #[must_use]
    pub fn begun(&self, group: &GroupNow) -> Begun {
        let desired = group.desired;
        match self {
            Remedy::Scale { from, .. } if desired == *from => Begun::ToDo,
            Remedy::Scale { to, .. } if desired == *to => Begun::Made,
            Remedy::Scale { from, to } => {
                Begun::Overtaken(format!("the desired capacity is {desired} by now: it was to be {to}, and was {from}"))
            }
            Remedy::Replace { instance } if group.instances.iter().any(|it| it.in_service && it.id == *instance) => {
                Begun::ToDo
            }
            Remedy::Replace { .. } => Begun::Made,
            Remedy::Notify { .. } => Begun::Unseen,
        }
    }

    /// What was done, for people.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Remedy::Scale { from, to } => format!("the desired capacity is {to}, and was {from}"),
            Remedy::Replace { instance } => format!("{instance} is replaced"),
            Remedy::Notify { topic } => format!("{topic} is told"),
        }
    }

    /// What would be done, for people.
    #[must_use]
    pub fn would(&self) -> String {
        match self {
            Remedy::Scale { from, to } => format!("the desired capacity would be {to}, and is {from}"),
            Remedy::Replace { instance } => format!("{instance} would be replaced"),
            Remedy::Notify { topic } => format!("{topic} would be told"),
        }
    }
}

/// What a rule comes to.
///
/// # Errors
/// Why nothing is done, as a sentence.
pub fn remedy(rule: &AlarmAction, group: &GroupNow, instance: Option<&str>) -> Result<Remedy, String> {
    match &rule.action {
        Act::ScaleBy(amount) => scale(group, group.desired.saturating_add_signed(*amount)),
        Act::ScaleTo(capacity) => scale(group, *capacity),
        Act::ReplaceUnhealthy => replace(group, instance),
        Act::Notify(topic) => Ok(Remedy::Notify { topic: topic.clone() }),
    }
}

/// Whether what a rule comes to depends on which instances are healthy.
#[must_use]
pub fn asks_for_health(rule: &AlarmAction, instance: Option<&str>) -> bool {
    rule.action == Act::ReplaceUnhealthy && instance.is_none()
}

/// Within the group's bounds as they are now, which somebody may have changed.
fn scale(group: &GroupNow, to: u32) -> Result<Remedy, String> {
    let GroupNow { min, max, desired, .. } = *group;
    let to = to.clamp(min, max.max(min));
    if to == desired {
        return Err(format!("the desired capacity is {desired} already, within {min} to {max}"));
    }
    Ok(Remedy::Scale { from: desired, to })
}

/// The instance that the alarm is about, else the first that is seen to be unhealthy.
fn replace(group: &GroupNow, instance: Option<&str>) -> Result<Remedy, String> {
    let serving = || group.instances.iter().filter(|it| it.in_service);
    let found = match instance {
        Some(id) => serving().find(|it| it.id == id).ok_or_else(|| format!("{id} is not in service in this group")),
        None => serving().find(|it| !it.healthy).ok_or_else(|| String::from("no instance in service is unhealthy")),
    };
    found.map(|it| Remedy::Replace { instance: it.id.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Act) -> AlarmAction {
        AlarmAction { alarm: "cpu-high".into(), action, cooldown_seconds: 300, dry_run: false }
    }

    fn group() -> GroupNow {
        let member = |id: &str, in_service, healthy| Member { id: id.into(), in_service, healthy };
        let instances = vec![member("i-1", true, true), member("i-2", false, false), member("i-3", true, false)];
        GroupNow { owner: None, min: 1, max: 4, desired: 3, instances }
    }

    #[test]
    fn a_wish_of_an_older_version_is_none_of_a_dry_run_and_a_dry_run_does_not_rest_for_what_acts() {
        let old = json!({ "Remediation": {
            "Owner": "o", "Environment": "e", "Alarm": "a", "SinceMs": 1, "Rule": "a: ScaleBy 1", "ExpiresMs": 2,
        } });
        let wish = Remediation::read(&old).unwrap().unwrap();
        assert!(!wish.dry_run);
        assert_eq!(wish.body(), old, "and nothing of the message changed but for dry runs");
        let dry = Remediation { dry_run: true, ..wish.clone() };
        assert_eq!(Remediation::read(&dry.body()), Some(Ok(dry.clone())));
        assert_eq!(wish.fires_as(), "a: ScaleBy 1");
        assert_ne!(dry.fires_as(), wish.fires_as());
    }

    #[test]
    fn a_group_is_scaled_within_its_bounds() {
        let to = |action| remedy(&rule(action), &group(), None);
        assert_eq!(to(Act::ScaleBy(1)), Ok(Remedy::Scale { from: 3, to: 4 }));
        assert_eq!(to(Act::ScaleBy(50)), Ok(Remedy::Scale { from: 3, to: 4 }));
        assert_eq!(to(Act::ScaleBy(-50)), Ok(Remedy::Scale { from: 3, to: 1 }));
        assert_eq!(to(Act::ScaleTo(2)), Ok(Remedy::Scale { from: 3, to: 2 }));
        let full = GroupNow { desired: 4, ..group() };
        let told = remedy(&rule(Act::ScaleBy(2)), &full, None);
        assert_eq!(told, Err("the desired capacity is 4 already, within 1 to 4".into()));
    }

    #[test]
    fn the_instance_that_is_named_is_replaced_else_one_in_service_that_is_unhealthy() {
        let of = |instance, group: &GroupNow| remedy(&rule(Act::ReplaceUnhealthy), group, instance);
        assert_eq!(of(Some("i-1"), &group()), Ok(Remedy::Replace { instance: "i-1".into() }));
        assert_eq!(of(None, &group()), Ok(Remedy::Replace { instance: "i-3".into() }));
        assert_eq!(of(Some("i-9"), &group()), Err("i-9 is not in service in this group".into()));
        let mut well = group();
        well.instances.truncate(2);
        assert_eq!(of(None, &well), Err("no instance in service is unhealthy".into()));
    }
}
