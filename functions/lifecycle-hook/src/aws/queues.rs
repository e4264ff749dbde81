//! SQS: the queue of the hooks' messages, and the queue for dead letters.

use std::time::Duration;

use aws_sdk_sqs::Client;
use lambda_kit::AwsCallError;
use requests::QueueSender;

use crate::cloud::Queue;
use crate::error::HookError;

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

    fn messages(&self) -> Result<&String, HookError> {
        let (variable, purpose) = ("HOOK_QUEUE_URL", "the queue that delivers messages");
        self.messages.as_ref().ok_or(HookError::NotConfigured { variable, purpose })
    }
}

impl Queue for Queues {
    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), HookError> {
        let call = self.client.change_message_visibility().queue_url(self.messages()?).receipt_handle(receipt);
        let response = call.visibility_timeout(seconds(after)).send().await;
        response.map_err(|error| AwsCallError::of("sqs:ChangeMessageVisibility", &error))?;
        Ok(())
    }

    async fn enqueue(&self, body: &str, after: Duration) -> Result<(), HookError> {
        let call = self.client.send_message().queue_url(self.messages()?).message_body(body);
        let response = call.delay_seconds(seconds(after)).send().await;
        response.map_err(|error| AwsCallError::of("sqs:SendMessage", &error))?;
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), HookError> {
        let (variable, purpose) = ("HOOK_DEAD_LETTERS_URL", "the queue for dead letters");
        let queue = self.dead_letters.as_ref().ok_or(HookError::NotConfigured { variable, purpose })?;
        Ok(queue.dead_letter(body, reason).await?)
    }
}

fn seconds(span: Duration) -> i32 {
    i32::try_from(span.as_secs()).unwrap_or(i32::MAX)
}
