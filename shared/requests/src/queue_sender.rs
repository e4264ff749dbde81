//! Standard queues that are only sent to: events for the ledger, and dead letters for operators.

use crate::QueueError;
use crate::sqs_text::escape_rejected;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

/// The number of characters that are kept of the reason for a dead letter; operators read it.
const LONGEST_REASON: usize = 1_000;

/// The largest message that SQS accepts, in bytes: 1 MiB, with its attributes' names, types and values (SQS developer guide,
/// "Message quotas").
const LONGEST_MESSAGE: usize = 1_048_576;

/// An SQS queue by its URL. The first call is the first message sent.
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

    /// Sends a message to the queue.
    ///
    /// # Errors
    /// If the queue did not confirm the message; the message may be in the queue all the same.
    pub async fn send(&self, body: &str) -> Result<(), QueueError> {
        let call = self.client.send_message().queue_url(&self.queue).message_body(escape_rejected(body));
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }

    /// Dead-letters a message that can't be processed, for operators, with the reason as the attribute `Reason`. If both
    /// exceed the limit of the queue, only the beginning of the body is kept, and the reason says so.
    ///
    /// # Errors
    /// Those of [`QueueSender::send`].
    pub async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        const NAME: &str = "Reason";
        const KIND: &str = "String";
        let mut reason: String = reason.chars().map(printable).take(LONGEST_REASON).collect();
        // A queue rejects an empty message.
        let escaped = escape_rejected(if body.is_empty() { "(empty)" } else { body });
        let mut body = escaped.as_ref();
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

/// A reason quotes a message that can't be parsed, and SQS rejects the whole message for one character outside XML 1.0.
fn printable(c: char) -> char {
    if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { char::REPLACEMENT_CHARACTER } else { c }
}
