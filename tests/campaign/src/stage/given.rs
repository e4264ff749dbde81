//! What a stage begins with, and what travels on it.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use reconciler::Settings;
use serde_json::{Map, Value, json};

use super::{HOST, STACK};
use crate::outer::Message;

/// A resource of a stack.
#[derive(Clone, Debug)]
pub struct Resource {
    pub stack: String,
    pub logical_id: String,
    pub id: String,
}

impl Resource {
    pub fn of(number: usize, suffix: &str) -> Resource {
        Resource {
            stack: format!("{STACK}/{number:08}-0000-4000-8000-000000000000"),
            logical_id: String::from("Web"),
            id: format!("scalable-ec2-us-west-2-{suffix}"),
        }
    }
}

/// Properties, with those that all runs have.
pub fn properties(more: &Value) -> Value {
    let mut all = Map::from_iter([
        ("ServiceToken".to_owned(), json!("arn:aws:lambda:us-west-2:123456789012:function:door")),
        ("EnvironmentSuffix".to_owned(), json!("dev")),
        ("BucketOnDelete".to_owned(), json!("Empty")),
        ("MinSize".to_owned(), json!("1")),
        ("MaxSize".to_owned(), json!("3")),
    ]);
    all.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

fn read(name: &str) -> Option<String> {
    let value = match name {
        "AWS_REGION" => "us-west-2",
        "ACCOUNT_ID" => "123456789012",
        "RECORDS_TABLE" => "records",
        "REQUEST_QUEUE_URL" => "https://sqs.us-west-2.amazonaws.com/123456789012/requests.fifo",
        "ALLOWED_REPLY_HOSTS" => HOST,
        _ => return None,
    };
    Some(value.to_owned())
}

pub(super) fn settings() -> Settings {
    Settings::from_vars(read).expect("they are complete")
}

pub(super) fn watchdog_settings() -> watchdog::Settings {
    watchdog::Settings::from_vars(read).expect("they are complete")
}

pub(super) fn batch(message: Message) -> SqsEvent {
    let mut record = SqsMessage::default();
    record.message_id = Some(message.id.to_string());
    record.receipt_handle = Some(message.receipt());
    record.body = Some(message.body);
    record.attributes.insert("MessageGroupId".into(), message.group);
    record.attributes.insert("SentTimestamp".into(), message.sent_ms.to_string());
    record.attributes.insert("ApproximateReceiveCount".into(), message.receives.to_string());
    let mut event = SqsEvent::default();
    event.records.push(record);
    event
}
