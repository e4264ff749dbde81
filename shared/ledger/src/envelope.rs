//! What a message holds, out of the envelopes that it came in.

use std::fmt;

use environment::Deployment;
use serde_json::{Map, Value};

use crate::time;

/// A message that can't be understood, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison(pub String);

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many envelopes may stand in each other; three are what happens: Lambda's of a failed invocation by a topic.
const ENVELOPES: u32 = 3;

/// Opens the body of a message: JSON, perhaps in an envelope of SNS or of Lambda, or the lines that Auto Scaling writes to a
/// topic.
///
/// # Errors
/// [`Poison`], if it is neither.
pub fn open(body: &str) -> Result<Value, Poison> {
    let mut body = body.to_owned();
    for _ in 0..=ENVELOPES {
        let Ok(value) = serde_json::from_str::<Value>(&body) else { return lines(&body) };
        body = match inside(&value) {
            Some(message) => message,
            None => return Ok(value),
        };
    }
    Err(Poison(format!("more than {ENVELOPES} envelopes in each other")))
}

/// What is in an envelope; nothing if it is none.
fn inside(value: &Value) -> Option<String> {
    // What Lambda keeps of an invocation that failed.
    if let (Some(_), Some(payload)) = (value.get("requestContext"), value.get("requestPayload")) {
        return Some(payload.to_string());
    }
    // A topic invokes a function with one message at a time.
    if let Some([message]) = of_topic(value).as_deref() {
        return Some((*message).to_owned());
    }
    // A notification of Auto Scaling's own has a Message of its own.
    let message = value.get("Message")?.as_str()?;
    value.get("AutoScalingGroupName").is_none().then(|| message.to_owned())
}

/// A field for each line, as Auto Scaling writes to a topic: `LifecycleTransition: autoscaling:EC2_INSTANCE_LAUNCHING`.
fn lines(body: &str) -> Result<Value, Poison> {
    let lines = body.lines().filter_map(|line| line.split_once(": "));
    let fields: Map<String, Value> = lines.map(|(name, value)| (name.trim().into(), value.trim().into())).collect();
    if fields.contains_key("LifecycleTransition") || fields.contains_key("Event") {
        return Ok(Value::Object(fields));
    }
    Err(Poison(String::from("no JSON, and no lines of Auto Scaling")))
}

/// The messages of an event in which a topic invokes a function; nothing if it is another event.
#[must_use]
pub fn of_topic(event: &Value) -> Option<Vec<&str>> {
    let records = event.get("Records")?.as_array()?;
    records.iter().map(|it| it.pointer("/Sns/Message")?.as_str()).collect()
}

/// When each of them was published, in ms since the epoch, if that can be read.
#[must_use]
pub fn published_ms(event: &Value) -> Vec<Option<u64>> {
    let records = event.get("Records").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    records.iter().map(|it| text(it.pointer("/Sns/Timestamp")).and_then(time::read_ms)).collect()
}

/// When an event of EventBridge, or what an alarm sends to a function itself, was sent, in ms since the epoch, if that can be
/// read.
#[must_use]
pub fn sent_ms(event: &Value) -> Option<u64> {
    text(event.get("time")).and_then(time::read_ms)
}

/// The account that an event is of, if it says so and that is not the deployment's own: a bus may be given the events of other
/// accounts, where the same names are others' things.
#[must_use]
pub fn other_account<'a>(event: &'a Value, deployment: &Deployment) -> Option<&'a str> {
    ACCOUNT.iter().find_map(|name| text(event.get(name))).filter(|it| *it != deployment.account)
}

/// Where it stands: in an event of EventBridge, in what an alarm sends to a function and to a topic, and in what Auto Scaling
/// sends itself.
const ACCOUNT: [&str; 4] = ["account", "accountId", "AWSAccountId", "AccountId"];

/// A text that says something.
pub(crate) fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn envelopes_are_opened_and_what_is_none_is_poison() {
        let in_envelope = |message: &str| json!({ "Type": "Notification", "Message": message }).to_string();
        let event = json!({ "detail-type": "x" });
        assert_eq!(open(&event.to_string()), Ok(event.clone()));
        assert_eq!(open(&in_envelope(&in_envelope(&event.to_string()))), Ok(event));
        let told = open(&in_envelope("Service: AWS Auto Scaling\nEvent: autoscaling:TEST_NOTIFICATION\n"));
        assert_eq!(told, Ok(json!({ "Service": "AWS Auto Scaling", "Event": "autoscaling:TEST_NOTIFICATION" })));
        for body in ["", "no JSON", "a: b", &(0..9).fold(String::from("{}"), |body, _| in_envelope(&body))] {
            assert!(open(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_topics_event_is_told_from_a_queues() {
        assert_eq!(of_topic(&json!({ "Records": [{ "Sns": { "Message": "m" } }] })), Some(vec!["m"]));
        assert_eq!(of_topic(&json!({ "Records": [{ "body": "m" }] })), None);
        assert_eq!(of_topic(&json!({ "detail-type": "x" })), None);
    }

    #[test]
    fn when_a_message_was_sent_is_told_by_what_it_came_in() {
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
