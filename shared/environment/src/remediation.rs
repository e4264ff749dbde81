//! What an alarm's rule comes to on a group as it stands now. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::alarm_action::{ActionKind, AlarmAction};

/// How long a wish for a remedy is good for: 5 minutes. What stood in line for longer, behind an update, answers an alarm of
/// then.
pub const REMEDIATION_TTL_MS: u64 = 300_000;

/// A wish for a remedy, on its way through the owner's line to the one function that touches environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemediationRequest {
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
pub fn execution_key(rule: &str, dry_run: bool) -> String {
    if dry_run { format!("dry run of {rule}") } else { rule.to_owned() }
}

impl RemediationRequest {
    /// What it is written down under, as of [`execution_key`].
    #[must_use]
    pub fn execution_key(&self) -> String {
        execution_key(&self.rule, self.dry_run)
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
    pub fn read(body: &Value) -> Option<Result<RemediationRequest, String>> {
        let choose_remediation = body.get("Remediation")?;
        Some(
            serde_json::from_value(choose_remediation.clone())
                .map_err(|error| format!("a remediation that makes no sense: {error}")),
        )
    }
}

/// A group, as far as a remedy depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// The owner, as its mark says.
    pub owner: Option<String>,
    /// `MinSize`: no remedy goes below it.
    pub min: u32,
    /// `MaxSize`: no remedy goes beyond it.
    pub max: u32,
    /// `DesiredCapacity` now.
    pub desired_capacity: u32,
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
pub enum RemediationAction {
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
pub enum PriorAttempt {
    /// Nothing is to be seen of it: it is to be made.
    ToDo,
    /// It was made.
    Made,
    /// Somebody has changed what it was about; what is to be seen.
    Overtaken(String),
    /// Nothing of it is ever to be seen.
    Unseen,
}

impl RemediationAction {
    /// How it stands, if it was begun, by the group as it is now. What others did since is not undone.
    #[must_use]
    pub fn begun(&self, group: &ObservedGroup) -> PriorAttempt {
        let desired_capacity = group.desired_capacity;
        match self {
            RemediationAction::Scale { from, .. } if desired_capacity == *from => PriorAttempt::ToDo,
            RemediationAction::Scale { to, .. } if desired_capacity == *to => PriorAttempt::Made,
            RemediationAction::Scale { from, to } => PriorAttempt::Overtaken(format!(
                "the desired capacity is {desired_capacity} by now: it was to be {to}, and was {from}"
            )),
            RemediationAction::Replace { instance }
                if group.instances.iter().any(|it| it.in_service && it.id == *instance) =>
            {
                PriorAttempt::ToDo
            }
            RemediationAction::Replace { .. } => PriorAttempt::Made,
            RemediationAction::Notify { .. } => PriorAttempt::Unseen,
        }
    }

    /// What was done, for people.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            RemediationAction::Scale { from, to } => format!("the desired capacity is {to}, and was {from}"),
            RemediationAction::Replace { instance } => format!("{instance} is replaced"),
            RemediationAction::Notify { topic } => format!("{topic} is told"),
        }
    }

    /// What would be done, for people.
    #[must_use]
    pub fn would(&self) -> String {
        match self {
            RemediationAction::Scale { from, to } => format!("the desired capacity would be {to}, and is {from}"),
            RemediationAction::Replace { instance } => format!("{instance} would be replaced"),
            RemediationAction::Notify { topic } => format!("{topic} would be told"),
        }
    }
}

/// What a rule comes to.
///
/// # Errors
/// Why nothing is done, as a sentence.
pub fn choose_remediation(
    rule: &AlarmAction,
    group: &ObservedGroup,
    instance: Option<&str>,
) -> Result<RemediationAction, String> {
    match &rule.action {
        ActionKind::ScaleBy(amount) => scale(group, group.desired_capacity.saturating_add_signed(*amount)),
        ActionKind::ScaleTo(capacity) => scale(group, *capacity),
        ActionKind::ReplaceUnhealthy => replace(group, instance),
        ActionKind::Notify(topic) => Ok(RemediationAction::Notify { topic: topic.clone() }),
    }
}

/// Whether what a rule comes to depends on which instances are healthy.
#[must_use]
pub fn needs_instance_health(rule: &AlarmAction, instance: Option<&str>) -> bool {
    rule.action == ActionKind::ReplaceUnhealthy && instance.is_none()
}

/// Within the group's bounds as they are now, which somebody may have changed.
fn scale(group: &ObservedGroup, to: u32) -> Result<RemediationAction, String> {
    let ObservedGroup { min, max, desired_capacity, .. } = *group;
    let to = to.clamp(min, max.max(min));
    if to == desired_capacity {
        return Err(format!("the desired capacity is {desired_capacity} already, within {min} to {max}"));
    }
    Ok(RemediationAction::Scale { from: desired_capacity, to })
}

/// The instance that the alarm is about, else the first that is seen to be unhealthy.
fn replace(group: &ObservedGroup, instance: Option<&str>) -> Result<RemediationAction, String> {
    let serving = || group.instances.iter().filter(|it| it.in_service);
    let found = match instance {
        Some(id) => serving().find(|it| it.id == id).ok_or_else(|| format!("{id} is not in service in this group")),
        None => serving().find(|it| !it.healthy).ok_or_else(|| String::from("no instance in service is unhealthy")),
    };
    found.map(|it| RemediationAction::Replace { instance: it.id.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: ActionKind) -> AlarmAction {
        AlarmAction { alarm: "cpu-high".into(), action, cooldown_seconds: 300, dry_run: false }
    }

    fn group() -> ObservedGroup {
        let member = |id: &str, in_service, healthy| Member { id: id.into(), in_service, healthy };
        let instances = vec![member("i-1", true, true), member("i-2", false, false), member("i-3", true, false)];
        ObservedGroup { owner: None, min: 1, max: 4, desired_capacity: 3, instances }
    }

    #[test]
    fn a_wish_of_an_older_version_is_none_of_a_dry_run_and_a_dry_run_does_not_rest_for_what_acts() {
        let old = json!({ "Remediation": {
            "Owner": "o", "Environment": "e", "Alarm": "a", "SinceMs": 1, "Rule": "a: ScaleBy 1", "ExpiresMs": 2,
        } });
        let choose_remediation = RemediationRequest::read(&old).unwrap().unwrap();
        assert!(!choose_remediation.dry_run);
        assert_eq!(choose_remediation.body(), old, "and nothing of the message changed but for dry runs");
        let dry = RemediationRequest { dry_run: true, ..choose_remediation.clone() };
        assert_eq!(RemediationRequest::read(&dry.body()), Some(Ok(dry.clone())));
        assert_eq!(choose_remediation.execution_key(), "a: ScaleBy 1");
        assert_ne!(dry.execution_key(), choose_remediation.execution_key());
    }

    #[test]
    fn a_group_is_scaled_within_its_bounds() {
        let to = |action| choose_remediation(&rule(action), &group(), None);
        assert_eq!(to(ActionKind::ScaleBy(1)), Ok(RemediationAction::Scale { from: 3, to: 4 }));
        assert_eq!(to(ActionKind::ScaleBy(50)), Ok(RemediationAction::Scale { from: 3, to: 4 }));
        assert_eq!(to(ActionKind::ScaleBy(-50)), Ok(RemediationAction::Scale { from: 3, to: 1 }));
        assert_eq!(to(ActionKind::ScaleTo(2)), Ok(RemediationAction::Scale { from: 3, to: 2 }));
        let full = ObservedGroup { desired_capacity: 4, ..group() };
        let told = choose_remediation(&rule(ActionKind::ScaleBy(2)), &full, None);
        assert_eq!(told, Err("the desired capacity is 4 already, within 1 to 4".into()));
    }

    #[test]
    fn the_instance_that_is_named_is_replaced_else_one_in_service_that_is_unhealthy() {
        let of =
            |instance, group: &ObservedGroup| choose_remediation(&rule(ActionKind::ReplaceUnhealthy), group, instance);
        assert_eq!(of(Some("i-1"), &group()), Ok(RemediationAction::Replace { instance: "i-1".into() }));
        assert_eq!(of(None, &group()), Ok(RemediationAction::Replace { instance: "i-3".into() }));
        assert_eq!(of(Some("i-9"), &group()), Err("i-9 is not in service in this group".into()));
        let mut well = group();
        well.instances.truncate(2);
        assert_eq!(of(None, &well), Err("no instance in service is unhealthy".into()));
    }
}
