//! Redrives of dead-letter queues: StartMessageMoveTask, which ministack does not implement.
//!
//! # Limits
//!
//! A task ends before the response. The rate and CancelMessageMoveTask are not simulated.

use std::sync::{Mutex, PoisonError};

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{ministack::Ministack, responses, router::Body};

/// The operations of SQS that this module implements.
pub const OPERATIONS: [&str; 2] = ["StartMessageMoveTask", "ListMessageMoveTasks"];

/// The tasks of all queues.
#[derive(Default)]
pub struct MessageMoves(Mutex<Vec<Task>>);

/// A task that has ended.
struct Task {
    source: String,
    destination: Option<String>,
    moved: usize,
}

impl MessageMoves {
    /// The response to one of [`OPERATIONS`].
    pub async fn response(&self, ministack: &Ministack, operation: &str, body: &[u8]) -> Response<Body> {
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let source = input["SourceArn"].as_str().unwrap_or_default();
        let outcome = if operation == "ListMessageMoveTasks" {
            Ok(self.list(source))
        } else {
            self.start(ministack, source, input["DestinationArn"].as_str()).await
        };
        match outcome {
            Ok(output) => responses::json(StatusCode::OK, &output),
            Err(message) => {
                let error = json!({"__type": "com.amazonaws.sqs#InvalidParameterValue", "message": message});
                responses::json(StatusCode::BAD_REQUEST, &error)
            }
        }
    }

    async fn start(&self, ministack: &Ministack, source: &str, destination: Option<&str>) -> Result<Value, String> {
        let destinations = destinations(ministack, source, destination).await?;
        let [to] = &destinations[..] else {
            return Err("the local cloud moves messages to one queue: name it by DestinationArn".to_owned());
        };
        let moved = move_all(ministack, source, to).await?;
        let task = Task { source: source.to_owned(), destination: destination.map(str::to_owned), moved };
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(task);
        Ok(json!({"TaskHandle": format!("task-{}", tasks.len())}))
    }

    fn list(&self, source: &str) -> Value {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = |it: &Task| {
            let mut result = json!({
                "Status": "COMPLETED", "SourceArn": it.source, "ApproximateNumberOfMessagesMoved": it.moved,
            });
            if let Some(destination) = &it.destination {
                result["DestinationArn"] = json!(destination);
            }
            result
        };
        json!({"Results": tasks.iter().rev().filter(|it| it.source == source).map(result).collect::<Vec<_>>()})
    }
}

/// The queues that receive the messages: the given one, or the queues whose dead-letter queue the source is.
///
/// # Errors
/// The source is the dead-letter queue of no queue: AWS then rejects a task.
pub async fn destinations(
    ministack: &Ministack,
    source: &str,
    destination: Option<&str>,
) -> Result<Vec<String>, String> {
    let mut queues = Vec::new();
    let listed = sqs(ministack, "ListQueues", &json!({})).await?;
    for url in listed["QueueUrls"].as_array().into_iter().flatten() {
        let input = json!({"QueueUrl": url, "AttributeNames": ["QueueArn", "RedrivePolicy"]});
        let found = sqs(ministack, "GetQueueAttributes", &input).await?;
        let attributes = &found["Attributes"];
        let policy: Value =
            serde_json::from_str(attributes["RedrivePolicy"].as_str().unwrap_or("null")).unwrap_or_default();
        if policy["deadLetterTargetArn"] == source {
            queues.extend(attributes["QueueArn"].as_str().map(str::to_owned));
        }
    }
    if queues.is_empty() {
        return Err(format!("Source queue must be configured as a Dead Letter Queue: {source}"));
    }
    Ok(destination.map_or(queues, |it| vec![it.to_owned()]))
}

/// Moves all visible messages with their attributes and groups; returns their number.
async fn move_all(ministack: &Ministack, source: &str, destination: &str) -> Result<usize, String> {
    let (source, destination) = (name(source), name(destination));
    let mut moved = 0;
    loop {
        let input = json!({
            "QueueUrl": source, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let received = sqs(ministack, "ReceiveMessage", &input).await?;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return Ok(moved);
        }
        for message in messages {
            sqs(ministack, "SendMessage", &copy_of(&message, destination)).await?;
            let delete = json!({"QueueUrl": source, "ReceiptHandle": message["ReceiptHandle"]});
            sqs(ministack, "DeleteMessage", &delete).await?;
            moved += 1;
        }
    }
}

/// The message as a redrive sends it: with a new id and time, and in its group; its id becomes the deduplication id, so that a
/// second move of the message is dropped (recorded on AWS, September 2026: stackd 9dc356f5, `sqs/fifo_redrive`).
fn copy_of(message: &Value, destination: &str) -> Value {
    let mut copy = json!({"QueueUrl": destination, "MessageBody": message["Body"]});
    if message["MessageAttributes"].is_object() {
        copy["MessageAttributes"] = message["MessageAttributes"].clone();
    }
    if let Some(group) = message["Attributes"]["MessageGroupId"].as_str() {
        copy["MessageGroupId"] = json!(group);
        copy["MessageDeduplicationId"] = message["MessageId"].clone();
    }
    copy
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

async fn sqs(ministack: &Ministack, operation: &str, input: &Value) -> Result<Value, String> {
    ministack.json("sqs", &format!("AmazonSQS.{operation}"), input).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_message_keeps_its_group_and_has_its_old_id_as_deduplication_id() {
        let dead_letter = json!({
            "MessageId": "m-1", "Body": "{}", "ReceiptHandle": "r",
            "Attributes": {"MessageGroupId": "g", "MessageDeduplicationId": "d", "SentTimestamp": "1"},
        });
        let expected = json!({
            "QueueUrl": "q.fifo", "MessageBody": "{}", "MessageGroupId": "g", "MessageDeduplicationId": "m-1",
        });
        assert_eq!(copy_of(&dead_letter, "q.fifo"), expected);
        let standard = json!({"MessageId": "m-1", "Body": "{}", "Attributes": {}});
        assert_eq!(copy_of(&standard, "q"), json!({"QueueUrl": "q", "MessageBody": "{}"}));
    }
}
