//! Messages to SQS and writes to DynamoDB in their wire format.
#![allow(clippy::unwrap_used, reason = "a test panics at the first violation")]

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use requests::records::{DesiredRecord, DynamoRecords, Records as _};
use requests::{EventPublisher, Owner, QueueSender, RequestQueue as _, SqsRequestQueue};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Accepts every message, and keeps it.
#[derive(Clone, Debug, Default)]
struct Queue(Arc<Mutex<Vec<Value>>>);

impl Queue {
    fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(self.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .credentials_provider(Credentials::new("fake-access-key", "fake-secret", None, None, "tests"))
            .http_client(http_client_fn(move |_, _| connector.clone()));
        Client::from_conf(config.build())
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .credentials_provider(Credentials::new("fake-access-key", "fake-secret", None, None, "tests"))
            .http_client(http_client_fn(move |_, _| connector.clone()));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}

impl HttpConnector for Queue {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(serde_json::from_slice(request.body().bytes().unwrap()).unwrap());
        let body = SdkBody::from(r#"{"MessageId":"1"}"#);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), body)))
    }
}

#[tokio::test]
async fn no_message_has_a_character_that_sqs_rejects_and_each_reads_the_same() {
    let (queue, url) = (Queue::default(), "https://sqs.us-west-2.amazonaws.com/123456789012/queue");
    let event = json!({ "Description": "a\u{fffe}b\u{ffff}c \u{fc}\u{1f600}\u{7f}\n" });
    let owner = Owner::of("stack", "Web");
    SqsRequestQueue::new(queue.client(), url).send(&owner, "hash", &event).await.unwrap();
    EventPublisher::new(None, Some(QueueSender::new(queue.client(), url))).publish(&event).await.unwrap();
    QueueSender::new(queue.client(), url).dead_letter(&event.to_string(), "not JSON").await.unwrap();
    let sent = queue.0.lock().unwrap().clone();
    assert_eq!(sent.len(), 3);
    for message in &sent {
        let body = message["MessageBody"].as_str().unwrap();
        assert!(!body.contains(['\u{fffe}', '\u{ffff}']), "{body:?}");
        assert!(body.contains("\u{fc}\u{1f600}\u{7f}"), "other characters are unchanged: {body:?}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), event);
    }
    assert_eq!(sent[0]["MessageDeduplicationId"], "hash");
}

/// DynamoDB's reference describes the item of a failed condition; for a write without a condition it promises nothing.
#[tokio::test]
async fn only_a_write_with_a_condition_requests_the_item_of_a_failed_condition() {
    let (table, owner) = (Queue::default(), Owner::of("stack", "Web"));
    let records = DynamoRecords::new(table.dynamodb(), "records");
    let desired = DesiredRecord {
        environment: "p-us-west-2-dev".into(),
        spec: json!({}),
        frozen: json!({}),
        retired_tags: vec![],
        keeps_unlock: false,
    };
    records.save_desired(&owner, desired).await.unwrap();
    records.claim("p-us-west-2-dev", &owner).await.unwrap();
    let sent = table.0.lock().unwrap().clone();
    assert_eq!((sent[0].get("ConditionExpression"), sent[0].get("ReturnValuesOnConditionCheckFailure")), (None, None));
    assert_eq!(sent[1]["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
}
