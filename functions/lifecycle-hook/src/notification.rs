//! The content of a message: one type for all shapes in which lifecycle actions arrive. The content is a hint: the
//! module `lookup` looks up each claim before any action.
//!
//! The shapes are `EventBridge`'s envelope, the notification that Auto Scaling itself sends to a queue or a topic, and
//! either of these inside an SNS envelope. Fields that are not read may hold anything.

use environment::Transition;
use environment::hook_settings::USER_DATA;
use ledger::envelope::{self, PoisonMessage};
use ledger::events::InterruptionNotice;
use ledger::time;
use serde_json::{Map, Value, json};

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// An instance may wait for a hook.
    LifecycleAction(LifecycleAction),
    /// EC2 gives notice about a Spot instance: it terminates the instance two minutes after an interruption warning.
    Interruption {
        /// `i-…`
        instance: String,
        /// The notice.
        notice: InterruptionNotice,
        /// When EC2 sent the notice, according to the event.
        at_ms: Option<u64>,
    },
    /// An instance has set its ready marker: its user data is done, or has failed.
    ReadyMarker {
        /// `i-…`
        instance: String,
    },
    /// The schedule fired: search for waiting instances that no message has reported.
    Sweep,
    /// An event that needs no action; a description of the event.
    Other(String),
}

/// A lifecycle action: an instance waits for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleAction {
    /// The name of the Auto Scaling group.
    pub group: String,
    /// The name of the hook, unique within the group.
    pub hook: String,
    /// Distinguishes the waits of an instance in the ledger; the sweep does not know the token. No call uses it.
    pub token: Option<String>,
    /// `i-…`
    pub instance: String,
    /// The transition that the hook holds up.
    pub on: Transition,
}

/// The maximum length of an instance id (the API reference of `DescribeAutoScalingInstances`).
const MAX_INSTANCE_ID: usize = 19;

/// The detail type of the message that a sweep sends to the function itself, about an instance for which the sweep has
/// started a step.
const FOUND_WAITING: &str = "Envkeeper Instance Found Waiting";

const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATING: &str = "autoscaling:EC2_INSTANCE_TERMINATING";
const TEST_NOTIFICATION: &str = "a test notification";

impl Notification {
    /// Reads an event that is not an envelope of SNS.
    ///
    /// # Errors
    /// [`PoisonMessage`], which names the missing field or the expected form.
    pub fn read(value: &Value) -> Result<Notification, PoisonMessage> {
        let fields = value.as_object().ok_or(PoisonMessage::NotAnObject("the event"))?;
        if let Some(kind) = fields.get("detail-type") {
            let kind = kind.as_str().ok_or(PoisonMessage::NotAString("detail-type"))?;
            return from_event_bridge(kind, fields);
        }
        if fields.contains_key("LifecycleTransition") || fields.contains_key("Event") {
            return from_auto_scaling(fields);
        }
        Err(PoisonMessage::unknown_shape(fields))
    }
}

fn from_event_bridge(kind: &str, fields: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    let empty = Map::new();
    let detail = fields.get("detail").and_then(Value::as_object).unwrap_or(&empty);
    if is_test(detail) {
        return Ok(Notification::Other(String::from(TEST_NOTIFICATION)));
    }
    match kind {
        "EC2 Instance-launch Lifecycle Action" | "EC2 Instance-terminate Lifecycle Action" => {
            lifecycle_action(detail, "detail.")
        }
        FOUND_WAITING => found_waiting(detail),
        "EC2 Spot Instance Interruption Warning" => interruption(InterruptionNotice::Warning, fields, detail),
        "EC2 Instance Rebalance Recommendation" => interruption(InterruptionNotice::Rebalance, fields, detail),
        "Tag Change on Resource" => tag_change(fields, detail),
        "Scheduled Event" => Ok(Notification::Sweep),
        other => Ok(Notification::Other(other.to_owned())),
    }
}

/// A notice about a Spot instance, which names no group.
fn interruption(
    notice: InterruptionNotice,
    fields: &Map<String, Value>,
    detail: &Map<String, Value>,
) -> Result<Notification, PoisonMessage> {
    let instance = text(detail, "instance-id").ok_or(PoisonMessage::Missing("detail.instance-id"))?;
    let at_ms = text(fields, "time").and_then(|it| time::read_ms(&it));
    Ok(Notification::Interruption { instance: instance_id(instance, "detail.instance-id")?, notice, at_ms })
}

/// A tag of a resource has changed, in any service. The rule selects the ready markers of instances.
fn tag_change(fields: &Map<String, Value>, detail: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    let keys = detail.get("changed-tag-keys").and_then(Value::as_array).into_iter().flatten();
    let is_marker = keys.filter_map(Value::as_str).any(|key| key == USER_DATA);
    let resources = fields.get("resources").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let instance = resources.filter_map(|arn| arn.rsplit_once(":instance/")).map(|(_, id)| id.to_owned()).next();
    match instance {
        Some(instance) if is_marker => Ok(Notification::ReadyMarker { instance: instance_id(instance, "resources")? }),
        _ => Ok(Notification::Other(String::from("a change of another tag"))),
    }
}

/// The notification that Auto Scaling itself sends to a queue or a topic.
fn from_auto_scaling(fields: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    if is_test(fields) {
        return Ok(Notification::Other(String::from(TEST_NOTIFICATION)));
    }
    if !fields.contains_key("LifecycleTransition") {
        return Ok(Notification::Other(text(fields, "Event").unwrap_or_default()));
    }
    lifecycle_action(fields, "")
}

/// Whether these are the fields of Auto Scaling's test notification, which some senders put into an event of EventBridge.
fn is_test(fields: &Map<String, Value>) -> bool {
    ["Event", "LifecycleTransition"].iter().any(|name| fields.get(*name) == Some(&Value::from(envelope::TEST)))
}

fn found_waiting(detail: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    // A sweep does not know the token; the action does not need one.
    let mut detail = detail.clone();
    detail.insert(String::from("LifecycleActionToken"), Value::from("-"));
    Ok(match lifecycle_action(&detail, "detail.")? {
        Notification::LifecycleAction(action) => {
            Notification::LifecycleAction(LifecycleAction { token: None, ..action })
        }
        other => other,
    })
}

/// `prefix` is the location of the fields, for error messages.
fn lifecycle_action(fields: &Map<String, Value>, prefix: &str) -> Result<Notification, PoisonMessage> {
    const REQUIRED: [&str; 5] =
        ["AutoScalingGroupName", "LifecycleHookName", "EC2InstanceId", "LifecycleTransition", "LifecycleActionToken"];
    let values = REQUIRED.map(|name| text(fields, name));
    let [Some(group), Some(hook), Some(instance), Some(transition), Some(token)] = values else {
        let missing = REQUIRED.into_iter().filter(|name| text(fields, name).is_none());
        return Err(PoisonMessage::MissingFields(missing.map(|name| format!("{prefix}{name}")).collect()));
    };
    let on = match transition.as_str() {
        LAUNCHING => Transition::Launch,
        TERMINATING => Transition::Terminate,
        other => return Ok(Notification::Other(format!("the transition {other}"))),
    };
    let instance = instance_id(instance, &format!("{prefix}EC2InstanceId"))?;
    Ok(Notification::LifecycleAction(LifecycleAction { group, hook, token: Some(token), instance, on }))
}

impl LifecycleAction {
    /// A message that reports the same action again.
    pub(crate) fn follow_up_message(&self) -> String {
        let transition = match self.on {
            Transition::Launch => LAUNCHING,
            Transition::Terminate => TERMINATING,
        };
        let detail = json!({
            "AutoScalingGroupName": self.group, "LifecycleHookName": self.hook, "EC2InstanceId": self.instance,
            "LifecycleTransition": transition,
        });
        json!({ "detail-type": FOUND_WAITING, "detail": detail }).to_string()
    }
}

/// The id of an instance. One filter selects all instances of a batch, and a wildcard in that filter would match every
/// instance of the account.
fn instance_id(text: String, field: &str) -> Result<String, PoisonMessage> {
    let is_plain = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let poison = || PoisonMessage::NotAnInstanceId(field.to_owned());
    let is_id = text.len() <= MAX_INSTANCE_ID && text.strip_prefix("i-").is_some_and(is_plain);
    is_id.then_some(text).ok_or_else(poison)
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}
