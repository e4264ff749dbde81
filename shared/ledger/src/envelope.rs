//! Unwraps messages from the envelopes of SNS and Lambda.

use environment::Deployment;
use serde_json::{Map, Value};

use crate::time;

/// A message that can't be processed, now or later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoisonMessage {
    /// The body is no text that a sender of events produces.
    #[error("neither JSON nor a notification of Auto Scaling")]
    NotJson,
    /// More envelopes than this number.
    #[error("more than {0} nested envelopes")]
    NestedTooDeeply(u32),
    /// The event, or this field of the event, is not a JSON object.
    #[error("{0} is not a JSON object")]
    NotAnObject(&'static str),
    /// This field of the event is not a string.
    #[error("{0} is not a string")]
    NotAString(&'static str),
    /// The event has no such field.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Required fields that are missing, or are not strings, by their paths.
    #[error("missing, or not a string: {}", .0.join(", "))]
    MissingFields(Vec<String>),
    /// A required field that is missing, or is not a string.
    #[error("{event}: {field} is missing, or not a string")]
    MissingField {
        /// The kind of the event.
        event: String,
        /// The path of the field.
        field: &'static str,
    },
    /// A required field that is missing, or is not a whole number from 0 to 4,294,967,295.
    #[error("{event}: {field} is missing, or not a whole number")]
    MissingNumber {
        /// The kind of the event.
        event: String,
        /// The path of the field.
        field: &'static str,
    },
    /// This field is not the id of an instance.
    #[error("{0} is not an instance id")]
    NotAnInstanceId(String),
    /// The event has none of the known shapes; the names of its first fields.
    #[error(
        "the event has none of detail-type (EventBridge), LifecycleTransition, Event (Auto Scaling) and Message (SNS); it has {}",
        if .0.is_empty() { String::from("no fields") } else { .0.join(", ") }
    )]
    UnknownShape(Vec<String>),
}

impl PoisonMessage {
    /// The error for an event with these fields and an unknown shape.
    #[must_use]
    pub fn unknown_shape(fields: &Map<String, Value>) -> PoisonMessage {
        PoisonMessage::UnknownShape(fields.keys().take(8).cloned().collect())
    }
}

/// The `Event`, or the `LifecycleTransition`, of the notification that Auto Scaling sends when a hook is created.
pub const TEST: &str = "autoscaling:TEST_NOTIFICATION";

/// The maximum depth of nested envelopes. Three occur: Lambda's record of a failed invocation by a topic.
const MAX_ENVELOPES: u32 = 3;

/// Parses the body of a message: JSON, which SNS or Lambda may have wrapped in an envelope, or the lines that Auto
/// Scaling publishes to a topic.
///
/// # Errors
/// [`PoisonMessage`], if the body is neither.
pub fn open(body: &str) -> Result<Value, PoisonMessage> {
    let mut body = body.to_owned();
    for _ in 0..=MAX_ENVELOPES {
        let Ok(value) = serde_json::from_str::<Value>(&body) else { return parse_lines(&body) };
        body = match unwrap_envelope(&value) {
            Some(message) => message,
            None => return Ok(value),
        };
    }
    Err(PoisonMessage::NestedTooDeeply(MAX_ENVELOPES))
}

/// The message in an envelope; `None` if the value is not an envelope.
fn unwrap_envelope(value: &Value) -> Option<String> {
    // Lambda's record of a failed invocation.
    if let (Some(_), Some(payload)) = (value.get("requestContext"), value.get("requestPayload")) {
        return Some(payload.to_string());
    }
    // A topic invokes a function with one message.
    if let Some([message]) = topic_messages(value).as_deref() {
        return Some((*message).to_owned());
    }
    // A notification of Auto Scaling has a field Message, too.
    let message = value.get("Message")?.as_str()?;
    value.get("AutoScalingGroupName").is_none().then(|| message.to_owned())
}

/// One field for each line that Auto Scaling publishes: `LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING`.
fn parse_lines(body: &str) -> Result<Value, PoisonMessage> {
    let lines = body.lines().filter_map(|line| line.split_once(": "));
    let fields: Map<String, Value> = lines.map(|(name, value)| (name.trim().into(), value.trim().into())).collect();
    if fields.contains_key("LifecycleTransition") || fields.contains_key("Event") {
        return Ok(Value::Object(fields));
    }
    Err(PoisonMessage::NotJson)
}

/// The messages of an event with which a topic invokes a function, at least one; `None` for any other event.
#[must_use]
pub fn topic_messages(event: &Value) -> Option<Vec<&str>> {
    let records = event.get("Records")?.as_array().filter(|it| !it.is_empty())?;
    records.iter().map(|it| it.pointer("/Sns/Message")?.as_str()).collect()
}

/// The publish time of each of these messages, in ms since the epoch; `None` if it is missing or not a time.
#[must_use]
pub fn published_ms(event: &Value) -> Vec<Option<u64>> {
    let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    records.iter().map(|it| text(it.pointer("/Sns/Timestamp")).and_then(time::read_ms)).collect()
}

/// The send time of an event of EventBridge, or of an alarm's direct invocation, in ms since the epoch; `None` if it is
/// missing or not a time.
#[must_use]
pub fn sent_ms(event: &Value) -> Option<u64> {
    text(event.get("time")).and_then(time::read_ms)
}

/// The event's account, if the event names one other than the deployment's. An event bus may receive the events of
/// other accounts, in which the same names identify foreign resources.
#[must_use]
pub fn foreign_account<'a>(event: &'a Value, deployment: &Deployment) -> Option<&'a str> {
    ACCOUNT.iter().find_map(|name| text(event.get(name))).filter(|it| *it != deployment.account)
}

/// The fields with an event's account: in EventBridge's events, in an alarm's direct invocation, in an alarm's message
/// to a topic, and in Auto Scaling's notifications.
const ACCOUNT: [&str; 4] = ["account", "accountId", "AWSAccountId", "AccountId"];

/// A value as a string that is not empty.
pub(crate) fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn envelopes_are_unwrapped_and_any_other_text_is_poison() {
        let in_envelope = |message: &str| json!({ "Type": "Notification", "Message": message }).to_string();
        let event = json!({ "detail-type": "x" });
        assert_eq!(open(&event.to_string()), Ok(event.clone()));
        assert_eq!(open(&in_envelope(&in_envelope(&event.to_string()))), Ok(event));
        let notification = open(&in_envelope("Service: AWS Auto Scaling\nEvent: autoscaling:TEST_NOTIFICATION\n"));
        assert_eq!(
            notification,
            Ok(json!({ "Service": "AWS Auto Scaling", "Event": "autoscaling:TEST_NOTIFICATION" }))
        );
        for body in ["", "no JSON", "a: b", &(0..9).fold(String::from("{}"), |body, _| in_envelope(&body))] {
            assert!(open(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_topics_event_is_distinguished_from_a_queues() {
        assert_eq!(topic_messages(&json!({ "Records": [{ "Sns": { "Message": "m" } }] })), Some(vec!["m"]));
        assert_eq!(topic_messages(&json!({ "Records": [{ "body": "m" }] })), None);
        assert_eq!(topic_messages(&json!({ "Records": [] })), None);
        assert_eq!(topic_messages(&json!({ "detail-type": "x" })), None);
    }

    #[test]
    fn a_messages_send_time_is_read_from_its_envelope() {
        let sns = |more: Value| json!({ "Records": [{ "Sns": more }] });
        assert_eq!(
            published_ms(&sns(json!({ "Message": "m", "Timestamp": "1970-01-01T00:00:01.500Z" }))),
            [Some(1_500)]
        );
        assert_eq!(published_ms(&sns(json!({ "Message": "m", "Timestamp": "soon" }))), [None]);
        assert_eq!(published_ms(&json!({})), [None; 0]);
        assert_eq!(sent_ms(&json!({ "time": "1970-01-01T00:00:02Z" })), Some(2_000));
        assert_eq!(sent_ms(&json!({ "time": "1970-01-01T00:00:02.120+0000" })), Some(2_120));
        assert_eq!(sent_ms(&json!({ "time": 3 })), None);
    }
}
