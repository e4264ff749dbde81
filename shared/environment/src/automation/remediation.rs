//! The remediation that an alarm's rule results in, for a group in its observed state. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::input::alarm_action::{ActionKind, AlarmAction};

/// How long a remediation request is valid: 5 minutes. A request that was queued for longer, behind an update, responds
/// to an alarm of the past.
pub const REMEDIATION_TTL_MS: u64 = 300_000;

/// A request for a remediation. The owner's request queue carries it to the reconciler, the only function that changes
/// environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemediationRequest {
    /// The owner in whose request queue the request is.
    pub owner: String,
    /// The environment's id.
    pub environment: String,
    /// The alarm's name.
    pub alarm: String,
    /// The time of the alarm's change to ALARM, in ms since the epoch. The rule acts once for each such time.
    pub since_ms: u64,
    /// The rule, as [`AlarmAction::id`] describes it.
    pub rule: String,
    /// The instance that the alarm is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The time after which the request is not executed any more, in ms since the epoch.
    pub expires_ms: u64,
    /// Whether the remediation is only described in the ledger, and not executed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// The key under which the execution of a rule is recorded. A dry run has a key of its own, so that a dry run does not
/// start the cooldown of a rule that is later set to act.
#[must_use]
pub fn execution_key(rule: &str, dry_run: bool) -> String {
    if dry_run { format!("dry run of {rule}") } else { rule.to_owned() }
}

impl RemediationRequest {
    /// The key under which the execution is recorded: see [`execution_key`](execution_key()).
    #[must_use]
    pub fn execution_key(&self) -> String {
        execution_key(&self.rule, self.dry_run)
    }

    /// The body of the message in the request queue.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "Remediation": self })
    }

    /// Reads the body of a message in the request queue; `None` if the message is not a remediation request.
    ///
    /// # Errors
    /// If the message is a remediation request that is not valid.
    #[must_use]
    pub fn read(body: &Value) -> Option<Result<RemediationRequest, InvalidRemediation>> {
        let request = body.get("Remediation")?;
        Some(RemediationRequest::deserialize(request).map_err(|_| InvalidRemediation))
    }
}

/// A remediation request that is not valid. The parser's error is not repeated: it quotes values.
#[derive(Debug, thiserror::Error)]
#[error("the remediation request is not valid: a field is missing, or has another type")]
pub struct InvalidRemediation;

/// The state of a group that remediations depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedGroup {
    /// The owner, according to the group's mark.
    pub owner: Option<String>,
    /// `MinSize`: the lower bound of every remediation.
    pub min: u32,
    /// `MaxSize`: the upper bound of every remediation.
    pub max: u32,
    /// The current `DesiredCapacity`.
    pub desired_capacity: u32,
    /// All instances that the group lists, including pending and terminating ones.
    pub instances: Vec<Member>,
}

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `i-…`
    pub id: String,
    /// Whether its `LifecycleState` is `InService`.
    pub in_service: bool,
    /// Whether the instance is healthy according to Auto Scaling, and to EC2's status checks where they were requested.
    pub healthy: bool,
}

/// One change that a remediation makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RemediationAction {
    /// Sets the desired capacity to `to`.
    Scale {
        /// The observed `DesiredCapacity`, in instances.
        from: u32,
        /// The new value, within the group's bounds.
        to: u32,
    },
    /// Terminates the instance through its lifecycle hooks; Auto Scaling launches another.
    Replace {
        /// The id of the instance.
        instance: String,
    },
    /// Notifies a topic.
    Notify {
        /// The ARN of the SNS topic.
        topic: String,
    },
}

/// The state of a remediation that an earlier attempt started and did not confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriorAttempt {
    /// The change is not visible: the action must be executed.
    NotApplied,
    /// The change is visible.
    Applied,
    /// Another actor has changed the same value since; the text describes the observed value.
    Overridden(String),
    /// The effect of this action cannot be observed.
    Unobservable,
}

impl RemediationAction {
    /// The state of this action after an earlier attempt, according to the observed group. Later changes by other
    /// actors are not undone.
    #[must_use]
    pub fn prior_attempt(&self, group: &ObservedGroup) -> PriorAttempt {
        let desired_capacity = group.desired_capacity;
        match self {
            RemediationAction::Scale { from, .. } if desired_capacity == *from => PriorAttempt::NotApplied,
            RemediationAction::Scale { to, .. } if desired_capacity == *to => PriorAttempt::Applied,
            RemediationAction::Scale { from, to } => PriorAttempt::Overridden(format!(
                "the desired capacity is now {desired_capacity}: the remediation was to change it from {from} to {to}"
            )),
            RemediationAction::Replace { instance }
                if group.instances.iter().any(|it| it.in_service && it.id == *instance) =>
            {
                PriorAttempt::NotApplied
            }
            RemediationAction::Replace { .. } => PriorAttempt::Applied,
            RemediationAction::Notify { .. } => PriorAttempt::Unobservable,
        }
    }

    /// The completed action, for operators.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            RemediationAction::Scale { from, to } => format!("the desired capacity is {to}, and was {from}"),
            RemediationAction::Replace { instance } => format!("{instance} is replaced"),
            RemediationAction::Notify { topic } => format!("{topic} is notified"),
        }
    }

    /// The action of a dry run, for operators.
    #[must_use]
    pub fn dry_run_summary(&self) -> String {
        match self {
            RemediationAction::Scale { from, to } => format!("the desired capacity would be {to}, and is {from}"),
            RemediationAction::Replace { instance } => format!("{instance} would be replaced"),
            RemediationAction::Notify { topic } => format!("{topic} would be notified"),
        }
    }
}

/// The reason why a rule results in no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRemediation {
    /// The group already has the capacity that the rule asks for, or the nearest one within its bounds.
    #[error("the desired capacity is {desired_capacity} already, within {min} to {max}")]
    AtCapacity {
        /// The observed `DesiredCapacity`.
        desired_capacity: u32,
        /// The observed `MinSize`.
        min: u32,
        /// The observed `MaxSize`.
        max: u32,
    },
    /// The instance that the alarm is about is not in service.
    #[error("{instance} is not in service in this group")]
    NotInService {
        /// The id of the instance.
        instance: String,
    },
    /// All instances in service are healthy.
    #[error("no instance in service is unhealthy")]
    AllHealthy,
}

/// Chooses the action that a rule results in.
///
/// # Errors
/// The reason why no action is taken.
pub fn choose_remediation(
    rule: &AlarmAction,
    group: &ObservedGroup,
    instance: Option<&str>,
) -> Result<RemediationAction, NoRemediation> {
    match &rule.action {
        ActionKind::ScaleBy(amount) => scale(group, group.desired_capacity.saturating_add_signed(*amount)),
        ActionKind::ScaleTo(capacity) => scale(group, *capacity),
        ActionKind::ReplaceUnhealthy => replace(group, instance),
        ActionKind::Notify(topic) => Ok(RemediationAction::Notify { topic: topic.clone() }),
    }
}

/// Whether the action of a rule depends on the health of the instances.
#[must_use]
pub fn needs_instance_health(rule: &AlarmAction, instance: Option<&str>) -> bool {
    rule.action == ActionKind::ReplaceUnhealthy && instance.is_none()
}

/// Scales within the group's current bounds, which an update may have changed.
fn scale(group: &ObservedGroup, to: u32) -> Result<RemediationAction, NoRemediation> {
    let ObservedGroup { min, max, desired_capacity, .. } = *group;
    let to = to.clamp(min, max.max(min));
    if to == desired_capacity {
        return Err(NoRemediation::AtCapacity { desired_capacity, min, max });
    }
    Ok(RemediationAction::Scale { from: desired_capacity, to })
}

/// Replaces the instance that the alarm is about, else the first instance that is observed to be unhealthy.
fn replace(group: &ObservedGroup, instance: Option<&str>) -> Result<RemediationAction, NoRemediation> {
    let serving = || group.instances.iter().filter(|it| it.in_service);
    let found = match instance {
        Some(id) => {
            serving().find(|it| it.id == id).ok_or_else(|| NoRemediation::NotInService { instance: id.to_owned() })
        }
        None => serving().find(|it| !it.healthy).ok_or(NoRemediation::AllHealthy),
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
    fn a_request_of_an_older_version_is_not_a_dry_run_and_a_dry_run_has_its_own_execution_key() {
        let old = json!({ "Remediation": {
            "Owner": "o", "Environment": "e", "Alarm": "a", "SinceMs": 1, "Rule": "a: ScaleBy 1", "ExpiresMs": 2,
        } });
        let request = RemediationRequest::read(&old).unwrap().unwrap();
        assert!(!request.dry_run);
        assert_eq!(request.body(), old, "only a dry run adds a field to the message");
        let dry = RemediationRequest { dry_run: true, ..request.clone() };
        assert_eq!(RemediationRequest::read(&dry.body()).unwrap().unwrap(), dry);
        assert_eq!(request.execution_key(), "a: ScaleBy 1");
        assert_ne!(dry.execution_key(), request.execution_key());
    }

    #[test]
    fn a_group_is_scaled_within_its_bounds() {
        let to = |action| choose_remediation(&rule(action), &group(), None);
        assert_eq!(to(ActionKind::ScaleBy(1)), Ok(RemediationAction::Scale { from: 3, to: 4 }));
        assert_eq!(to(ActionKind::ScaleBy(50)), Ok(RemediationAction::Scale { from: 3, to: 4 }));
        assert_eq!(to(ActionKind::ScaleBy(-50)), Ok(RemediationAction::Scale { from: 3, to: 1 }));
        assert_eq!(to(ActionKind::ScaleTo(2)), Ok(RemediationAction::Scale { from: 3, to: 2 }));
        let full = ObservedGroup { desired_capacity: 4, ..group() };
        let rejected = choose_remediation(&rule(ActionKind::ScaleBy(2)), &full, None);
        assert_eq!(rejected.unwrap_err().to_string(), "the desired capacity is 4 already, within 1 to 4");
    }

    #[test]
    fn a_named_instance_is_replaced_otherwise_an_unhealthy_one_in_service() {
        let of =
            |instance, group: &ObservedGroup| choose_remediation(&rule(ActionKind::ReplaceUnhealthy), group, instance);
        assert_eq!(of(Some("i-1"), &group()), Ok(RemediationAction::Replace { instance: "i-1".into() }));
        assert_eq!(of(None, &group()), Ok(RemediationAction::Replace { instance: "i-3".into() }));
        assert_eq!(of(Some("i-9"), &group()), Err(NoRemediation::NotInService { instance: "i-9".into() }));
        let mut healthy = group();
        healthy.instances.truncate(2);
        assert_eq!(of(None, &healthy), Err(NoRemediation::AllHealthy));
    }
}
