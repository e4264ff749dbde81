//! Standard queues that are only written to: what happened, for the ledger; what nobody understands, for people.

use crate::QueueError;
use crate::sendable::sendable;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::Value;

/// Where the ledger is told what happened. Without a queue it is told nothing.
#[derive(Clone, Debug, Default)]
pub struct LedgerQueue(Option<QueueSender>);

impl LedgerQueue {
    /// The queue with this URL, if there is one.
    #[must_use]
    pub fn new(client: Client, queue: Option<String>) -> LedgerQueue {
        LedgerQueue(queue.map(|queue| QueueSender::new(client, queue)))
    }

    /// Tells it something, as an event.
    ///
    /// # Errors
    /// As of [`QueueSender::send`], as a sentence.
    pub async fn publish(&self, event: &Value) -> Result<(), String> {
        let Some(letters) = &self.0 else { return Ok(()) };
        letters.send(&event.to_string()).await.map_err(|error| error.to_string())
    }
}

/// How much is kept of the reason why something is put away, in characters; it is for people.
const LONGEST_REASON: usize = 1_000;

/// The most that SQS takes of a message, in bytes: 1 MiB, with its attributes' names, types and values (SQS developer guide,
/// "Message quotas").
const LONGEST_MESSAGE: usize = 1_048_576;

/// An SQS queue by its URL. Nothing is called until something is sent.
#[derive(Clone, Debug)]
pub struct QueueSender {
    client: Client,
    queue: String,
}

impl QueueSender {
    /// The queue with this URL.
    pub fn new(client: Client, queue: impl Into<String>) -> QueueSender {
        QueueSender { client, queue: queue.into() }
    }

    /// Puts a letter into the queue.
    ///
    /// # Errors
    /// If the queue didn't take it; it may be in it all the same.
    pub async fn send(&self, body: &str) -> Result<(), QueueError> {
        let call = self.client.send_message().queue_url(&self.queue).message_body(sendable(body));
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }

    /// Puts away for people what makes no sense, with the reason as the attribute `Reason`. Where both are more than a queue
    /// takes, only the beginning of the body is kept, and the reason says so.
    ///
    /// # Errors
    /// As of [`QueueSender::send`].
    pub async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        const NAME: &str = "Reason";
        const KIND: &str = "String";
        let mut reason: String = reason.chars().map(printable).take(LONGEST_REASON).collect();
        // A queue takes no empty message.
        let sendable = sendable(if body.is_empty() { "(empty)" } else { body });
        let mut body = sendable.as_ref();
        let room = LONGEST_MESSAGE - NAME.len() - KIND.len();
        if body.len() + reason.len() > room {
            reason = format!("{reason} (of its {} bytes, these are the first)", body.len());
            body = &body[..body.floor_char_boundary(room - reason.len())];
        }
        let reason = MessageAttributeValue::builder().data_type(KIND).string_value(reason).build();
        let reason = reason.map_err(|error| QueueError::new(&self.queue, error))?;
        let call = self.client.send_message().queue_url(&self.queue).message_body(body);
        call.message_attributes(NAME, reason)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| QueueError::new(&self.queue, error))
    }
}

/// A reason quotes what nobody understands, and SQS refuses the whole message for one character that XML 1.0 has not.
fn printable(c: char) -> char {
    if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { char::REPLACEMENT_CHARACTER } else { c }
}
