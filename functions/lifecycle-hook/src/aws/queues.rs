//! SQS: the queue of the hooks' messages, and the queue for dead letters.

use std::time::Duration;

use aws_sdk_sqs::Client;
use lambda_kit::describe_error;
use requests::QueueSender;

use crate::cloud::Queue;

/// Both queues.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    messages: Option<String>,
    dead_letters: Option<QueueSender>,
}

impl Queues {
    /// The queue with this URL, and the dead-letter queue. Makes no call.
    #[must_use]
    pub fn new(client: Client, messages: Option<String>, dead_letters: Option<QueueSender>) -> Queues {
        Queues { client, messages, dead_letters }
    }

    fn messages(&self) -> Result<&String, String> {
        self.messages.as_ref().ok_or_else(|| "HOOK_QUEUE_URL is not set: the queue that delivers messages".into())
    }
}

impl Queue for Queues {
    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), String> {
        let call = self.client.change_message_visibility().queue_url(self.messages()?).receipt_handle(receipt);
        let response = call.visibility_timeout(seconds(after)).send().await;
        response.map(|_| ()).map_err(|error| describe_error("sqs:ChangeMessageVisibility", &error))
    }

    async fn enqueue(&self, body: &str, after: Duration) -> Result<(), String> {
        let call = self.client.send_message().queue_url(self.messages()?).message_body(body);
        let response = call.delay_seconds(seconds(after)).send().await;
        response.map(|_| ()).map_err(|error| describe_error("sqs:SendMessage", &error))
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), String> {
        let queue = self.dead_letters.as_ref().ok_or("HOOK_DEAD_LETTERS_URL is not set: the queue for dead letters")?;
        queue.dead_letter(body, reason).await.map_err(|error| error.to_string())
    }
}

fn seconds(span: Duration) -> i32 {
    i32::try_from(span.as_secs()).unwrap_or(i32::MAX)
}
