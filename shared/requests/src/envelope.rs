//! The records in which SNS and SQS deliver a request: a template's `ServiceToken` may be a topic, whose subscriber is
//! the function, or a queue that triggers the function.

use std::borrow::Cow;

use serde_json::Value;

use crate::text::member;

/// The requests in an invocation by SNS or SQS, in order. A queue's message may be an SNS envelope itself. `None` for an
/// event without `Records`, which is a request itself; empty if a record contains no request.
#[must_use]
pub fn enveloped_requests(event: &str) -> Option<Vec<String>> {
    let records = member(event, "Records")?;
    let records: Vec<Value> = serde_json::from_str(records).unwrap_or_default();
    Some(records.iter().map(request_in).collect::<Option<_>>().unwrap_or_default())
}

fn request_in(record: &Value) -> Option<String> {
    if let Some(message) = record.pointer("/Sns/Message") {
        return message.as_str().map(str::to_owned);
    }
    let body = record.get("body")?.as_str()?;
    Some(notification_message(body).map_or_else(|| body.to_owned(), Cow::into_owned))
}

/// The message in the body that a topic sends to a queue; `None` if the body is none, such as in raw message delivery.
fn notification_message(body: &str) -> Option<Cow<'_, str>> {
    let text = |name: &str| serde_json::from_str::<Cow<'_, str>>(member(body, name)?).ok();
    text("Type").filter(|it| it == "Notification")?;
    text("Message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_unwrapped_from_a_topic_a_queue_and_a_topic_in_a_queue() {
        // A request that no `Value` can hold.
        let request = r#"{ "RequestType": "Delete", "ResourceProperties": 1e999 }"#;
        let notification = json!({ "Type": "Notification", "Message": request }).to_string();
        for record in
            [json!({ "Sns": { "Message": request } }), json!({ "body": request }), json!({ "body": notification })]
        {
            let event = json!({ "Records": [record, record] }).to_string();
            assert_eq!(enveloped_requests(&event), Some(vec![request.to_owned(); 2]), "{event}");
        }
    }

    #[test]
    fn an_event_without_records_is_no_envelope_and_other_records_have_no_request() {
        for event in [r#"{ "RequestType": "Create" }"#, "[]", "not JSON"] {
            assert_eq!(enveloped_requests(event), None, "{event}");
        }
        for records in [json!(null), json!({}), json!([]), json!([{}]), json!([{ "Sns": {} }]), json!([{ "body": 1 }])]
        {
            assert_eq!(enveloped_requests(&json!({ "Records": records }).to_string()), Some(Vec::new()), "{records}");
        }
    }
}
