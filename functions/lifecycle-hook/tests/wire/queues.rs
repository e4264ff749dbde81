//! SQS.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle_hook::aws::Queues;
use lifecycle_hook::cloud::{HookApi as _, Queue as _};
use requests::QueueSender;
use serde_json::{Value, json};
use test_support::service;

#[tokio::test]
async fn a_follow_up_message_is_sent_with_its_delay() {
    let requests = Arc::new(Mutex::new(Value::Null));
    let recorded = Arc::clone(&requests);
    let config = service(move |request| {
        *recorded.lock().expect("one at a time") = serde_json::from_str(&request.body).expect("JSON");
        Some((200, json!({ "MessageId": "1", "MD5OfMessageBody": "c1d9b39b1fbb4bbe0b0ba9f5a3a3d3ba" }).to_string()))
    });
    let queue = Queues::new(aws_sdk_sqs::Client::new(&config), Some("https://sqs/hooks".into()), None);
    // The client itself checks the checksum.
    let _ = queue.enqueue("body", Duration::from_secs(15)).await;
    let requests = requests.lock().expect("one at a time").clone();
    assert_eq!(requests, json!({ "QueueUrl": "https://sqs/hooks", "MessageBody": "body", "DelaySeconds": 15 }));
    let unset = Queues::new(aws_sdk_sqs::Client::new(&config), None, None);
    let error = unset.enqueue("body", Duration::ZERO).await.expect_err("no queue").to_string();
    assert!(error.starts_with("HOOK_QUEUE_URL is not set"));
}

/// The limits of SQS, by its developer guide: characters of XML 1.0, and 1 MiB for the body and all its attributes
/// together.
fn is_accepted(sent: &Value) -> bool {
    let [body, reason, kind] =
        ["/MessageBody", "/MessageAttributes/Reason/StringValue", "/MessageAttributes/Reason/DataType"]
            .map(|path| sent.pointer(path).and_then(Value::as_str).unwrap_or_default());
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    let size = body.len() + "Reason".len() + kind.len() + reason.len();
    !body.is_empty() && !reason.is_empty() && size <= 1_048_576 && body.chars().chain(reason.chars()).all(allowed)
}

#[tokio::test]
async fn a_message_with_any_content_can_be_dead_lettered() {
    let requests = Arc::new(Mutex::new(Value::Null));
    let recorded = Arc::clone(&requests);
    let config = service(move |request| {
        *recorded.lock().expect("one at a time") = serde_json::from_str(&request.body).expect("JSON");
        Some((200, json!({ "MessageId": "1", "MD5OfMessageBody": "c1d9b39b1fbb4bbe0b0ba9f5a3a3d3ba" }).to_string()))
    });
    let client = aws_sdk_sqs::Client::new(&config);
    let queue = Queues::new(client.clone(), None, Some(QueueSender::new(client, "https://sqs/dead")));
    // The largest body that the source queue accepts.
    let largest = "ü".repeat(524_288);
    let long = "k".repeat(5_000);
    for (body, reason, length, expected) in [
        ("{}", "it has \u{1}\u{7f}\u{ffff}a", 2, "it has \u{fffd}\u{fffd}\u{fffd}a"),
        ("", "no JSON", "(empty)".len(), "no JSON"),
        ("{}", long.as_str(), 2, &long[..1_000]),
        (largest.as_str(), "no JSON", 1_048_512, "no JSON (of its 1048576 bytes, these are the first)"),
    ] {
        // The client itself checks the checksums.
        let _ = queue.dead_letter(body, reason).await;
        let sent = requests.lock().expect("one at a time").take();
        assert!(is_accepted(&sent), "{expected}");
        assert_eq!(sent["MessageBody"].as_str().map(str::len), Some(length));
        assert_eq!(sent["MessageAttributes"]["Reason"]["StringValue"], expected);
    }
}

#[tokio::test]
async fn a_due_pass_is_requested_in_its_owners_group_once_for_each_instance() {
    let mut settings = test_support::hooks::settings(test_support::hooks::gate(600));
    let response = || (200, json!({ "MessageId": "1" }).to_string());
    let (account, requests) = crate::account(move |_, _| response());
    // The client itself checks the checksum.
    let _ = account.request_due_pass(&settings, crate::ID).await;
    let sent: Value = serde_json::from_str(&crate::bodies(&requests)[0]).expect("JSON");
    let owner = "0123456789abcdef0123";
    let expected = json!({
        "QueueUrl": "https://sqs/requests.fifo", "MessageBody": json!({ "Due": owner }).to_string(),
        "MessageGroupId": owner, "MessageDeduplicationId": format!("due-{owner}-{}", crate::ID),
    });
    assert_eq!(sent, expected);
    settings.owner = String::from("not an owner");
    assert_eq!(account.request_due_pass(&settings, crate::ID).await, Ok(()));
    assert_eq!(crate::bodies(&requests).len(), 1, "metadata without an owner: no message");
}
