//! Events: the samples, and changes to them.

use std::path::Path;

use aws_smithy_types::date_time::{DateTime, Format};
use requests::Request;
use serde_json::{Value, json};

use crate::BEGIN_S;

/// A sample event of a function.
pub fn sample(function: &str, name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function);
    let text = std::fs::read_to_string(folder.join(name)).expect("the sample exists");
    serde_json::from_str(&text).expect("the sample is JSON")
}

/// A sample of an operator request, which the function `operator-read` takes, or else `operator` alone.
pub fn operator_sample(name: &str) -> Value {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let reads = events.join("operator-read").join(name).exists();
    sample(if reads { "operator-read" } else { "operator" }, name)
}

/// An event with changes: inside objects key by key, any other value as a whole.
pub fn with(mut event: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().expect("the changes are an object") {
        match (event.get_mut(key).and_then(Value::as_object_mut), value.as_object()) {
            (Some(inner), Some(more)) => inner.extend(more.clone()),
            _ => event[key] = value.clone(),
        }
    }
    event
}

/// An event as CloudFormation sends it, so many seconds after the tests began: with a response URL that contains the
/// time.
pub fn sent(event: Value, after_s: u64) -> Value {
    let at = DateTime::from_secs(i64::try_from(BEGIN_S + after_s).expect("a date"));
    let date: String = at.fmt(Format::DateTime).expect("a date").chars().filter(|it| !"-:".contains(*it)).collect();
    let host = "cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com";
    let url = format!("https://{host}/made-up?X-Amz-Date={date}&X-Amz-Expires=7200&X-Amz-Signature=made-up");
    with(event, json!({ "ResponseURL": url }))
}

/// The message of the request queue that carries an event: sent when the tests began, or when an operator asked, which is in the
/// id of an operator's request.
pub fn message(id: &str, event: &Value) -> Value {
    let of_task = event.pointer("/Remediation/Owner").or_else(|| event.get("Due")).and_then(Value::as_str);
    let group = of_task.map_or_else(
        || Request::read_recorded(event, 0).map_or_else(|_| "unknown".to_owned(), |it| it.owner().to_string()),
        str::to_owned,
    );
    let asked_ms = event["RequestId"].as_str().and_then(|id| id.strip_prefix("operator-"));
    let sent_ms = asked_ms.map_or_else(|| (BEGIN_S * 1_000).to_string(), str::to_owned);
    let body = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
    json!({
        "messageId": id, "receiptHandle": format!("receipt-{id}"), "body": body, "eventSource": "aws:sqs",
        "attributes": { "MessageGroupId": group, "SentTimestamp": sent_ms },
    })
}
