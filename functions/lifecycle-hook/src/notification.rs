//! What a message tells: one type for all shapes in which lifecycle actions arrive.
//!
//! `EventBridge`'s envelope, what Auto Scaling sends to a queue or a topic itself, and any of these inside an SNS
//! envelope. Fields that are not asked for may be anything.

use environment::Transition;
use ledger::envelope::PoisonMessage;
use ledger::time;
use serde_json::{Map, Value, json};

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// An instance waits for a hook.
    LifecycleAction(LifecycleAction),
    /// EC2 ends a Spot instance two minutes after it has warned of that.
    Interruption {
        /// `i-…`
        instance: String,
        /// When it warned, as the event says.
        at_ms: Option<u64>,
    },
    /// It is time to look for instances that wait and of which no message tells.
    Sweep,
    /// Nothing that is acted on; what it is.
    Other(String),
}

/// An instance that waits for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleAction {
    /// The name of the Auto Scaling group.
    pub group: String,
    /// The name of the hook, unique within the group.
    pub hook: String,
    /// Names this wait; the sweep does not know it.
    pub token: Option<String>,
    /// `i-…`
    pub instance: String,
    /// What it holds up.
    pub on: Transition,
    /// What the hook says to its subscriber.
    pub metadata: Option<String>,
    /// Where the instance comes from and goes to, if it is told: a pool of warm instances is a place like the group.
    pub route: Option<(Location, Location)>,
}

/// Where an instance comes from, or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// EC2 makes it, or ends it.
    Ec2,
    /// It is in service.
    Group,
    /// It is kept ready.
    WarmPool,
    /// Something newer than this function.
    Other,
}

/// What a sweep tells the function itself of an instance for which it has begun something.
const FOUND: &str = "Envkeeper Instance Found Waiting";

const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATING: &str = "autoscaling:EC2_INSTANCE_TERMINATING";
const TEST: &str = "autoscaling:TEST_NOTIFICATION";

impl Notification {
    /// Reads an event that is no envelope of SNS.
    ///
    /// # Errors
    /// [`PoisonMessage`], which says what is missing or what was expected.
    pub fn of(value: &Value) -> Result<Notification, PoisonMessage> {
        let fields = value.as_object().ok_or_else(|| PoisonMessage(String::from("no JSON object")))?;
        if let Some(kind) = fields.get("detail-type") {
            let kind = kind.as_str().ok_or_else(|| PoisonMessage(String::from("detail-type is no text")))?;
            return of_event_bridge(kind, fields);
        }
        if fields.contains_key("LifecycleTransition") || fields.contains_key("Event") {
            return of_auto_scaling(fields);
        }
        let known: Vec<&str> = fields.keys().map(String::as_str).take(8).collect();
        Err(PoisonMessage(format!(
            "it has none of detail-type (EventBridge), LifecycleTransition, Event (Auto Scaling) and Message (SNS); it has {}",
            if known.is_empty() { String::from("nothing") } else { known.join(", ") }
        )))
    }
}

fn of_event_bridge(kind: &str, fields: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    let none = Map::new();
    let detail = fields.get("detail").and_then(Value::as_object).unwrap_or(&none);
    match kind {
        "EC2 Instance-launch Lifecycle Action" | "EC2 Instance-terminate Lifecycle Action" => {
            of_action(detail, "detail.")
        }
        FOUND => of_found(detail),
        "EC2 Spot Instance Interruption Warning" => {
            let instance = text(detail, "instance-id");
            let instance = instance.ok_or_else(|| PoisonMessage(String::from("detail.instance-id is missing")))?;
            let at_ms = text(fields, "time").and_then(|it| time::read_ms(&it));
            Ok(Notification::Interruption { instance: id(instance, "detail.instance-id")?, at_ms })
        }
        "Scheduled Event" => Ok(Notification::Sweep),
        other => Ok(Notification::Other(other.to_owned())),
    }
}

/// What Auto Scaling sends itself, to a queue or a topic.
fn of_auto_scaling(fields: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    let event = text(fields, "Event").unwrap_or_default();
    let transition = text(fields, "LifecycleTransition").unwrap_or_default();
    if event == TEST || transition == TEST {
        return Ok(Notification::Other(String::from("a test notification")));
    }
    if !fields.contains_key("LifecycleTransition") {
        return Ok(Notification::Other(event));
    }
    of_action(fields, "")
}

fn of_found(detail: &Map<String, Value>) -> Result<Notification, PoisonMessage> {
    // Nobody who looks knows the token; the action does not need it.
    let mut detail = detail.clone();
    detail.insert(String::from("LifecycleActionToken"), Value::from("-"));
    Ok(match of_action(&detail, "detail.")? {
        Notification::LifecycleAction(action) => Notification::LifecycleAction(LifecycleAction { token: None, ..action }),
        other => other,
    })
}

/// `deployment` is where the fields stand, for messages.
fn of_action(fields: &Map<String, Value>, deployment: &str) -> Result<Notification, PoisonMessage> {
    const NEEDED: [&str; 5] =
        ["AutoScalingGroupName", "LifecycleHookName", "EC2InstanceId", "LifecycleTransition", "LifecycleActionToken"];
    let values = NEEDED.map(|name| text(fields, name));
    let [Some(group), Some(hook), Some(instance), Some(transition), Some(token)] = values else {
        let missing = NEEDED.into_iter().filter(|name| text(fields, name).is_none());
        let missing: Vec<String> = missing.map(|name| format!("{deployment}{name}")).collect();
        return Err(PoisonMessage(format!("missing, or no text: {}", missing.join(", "))));
    };
    let on = match transition.as_str() {
        LAUNCHING => Transition::Launch,
        TERMINATING => Transition::Terminate,
        other => return Ok(Notification::Other(format!("the transition {other}"))),
    };
    let instance = id(instance, &format!("{deployment}EC2InstanceId"))?;
    let route = text(fields, "Origin").zip(text(fields, "Destination"));
    let route = route.map(|(from, to)| (Location::of(&from), Location::of(&to)));
    let metadata = text(fields, "NotificationMetadata");
    Ok(Notification::LifecycleAction(LifecycleAction { group, hook, token: Some(token), instance, on, metadata, route }))
}

impl LifecycleAction {
    /// A message that tells of it again.
    pub(crate) fn follow_up_message(&self) -> String {
        let transition = match self.on {
            Transition::Launch => LAUNCHING,
            Transition::Terminate => TERMINATING,
        };
        let detail = json!({
            "AutoScalingGroupName": self.group, "LifecycleHookName": self.hook, "EC2InstanceId": self.instance,
            "LifecycleTransition": transition, "NotificationMetadata": self.metadata,
        });
        json!({ "detail-type": FOUND, "detail": detail }).to_string()
    }
}

/// An instance's id. All of a batch are looked for by one filter, in which a wildcard would find every instance of the account.
fn id(text: String, deployment: &str) -> Result<String, PoisonMessage> {
    let plain = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let poison = || PoisonMessage(format!("{deployment} is no id of an instance"));
    text.strip_prefix("i-").is_some_and(plain).then_some(text).ok_or_else(poison)
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}

impl Location {
    fn of(text: &str) -> Location {
        match text {
            "EC2" => Location::Ec2,
            "AutoScalingGroup" => Location::Group,
            "WarmPool" => Location::WarmPool,
            _ => Location::Other,
        }
    }
}
