//! SQS.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle_hook::aws::Queues;
use lifecycle_hook::cloud::Queue as _;
use serde_json::{Value, json};
use test_support::service;

#[tokio::test]
async fn a_message_of_our_own_is_received_after_a_while() {
    let asked = Arc::new(Mutex::new(Value::Null));
    let seen = Arc::clone(&asked);
    let config = service(move |request| {
        *seen.lock().expect("one at a time") = serde_json::from_str(&request.body).expect("JSON");
        Some((200, json!({ "MessageId": "1", "MD5OfMessageBody": "c1d9b39b1fbb4bbe0b0ba9f5a3a3d3ba" }).to_string()))
    });
    let queue = Queues::new(aws_sdk_sqs::Client::new(&config), Some("https://sqs/hooks".into()), None);
    // That its checksum is checked is the client's own business.
    let _ = queue.put("body", Duration::from_secs(15)).await;
    let asked = asked.lock().expect("one at a time").clone();
    assert_eq!(asked, json!({ "QueueUrl": "https://sqs/hooks", "MessageBody": "body", "DelaySeconds": 15 }));
    let nowhere = Queues::new(aws_sdk_sqs::Client::new(&config), None, None);
    assert!(nowhere.put("body", Duration::ZERO).await.expect_err("no queue").starts_with("HOOK_QUEUE_URL is not set"));
}
