//! SQS: the queue of the hooks' messages, and that of those that nobody understands.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

use super::told;
use crate::cloud::Queue;

/// Both queues, by their URLs.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
    messages: Option<String>,
    dead_letters: Option<String>,
}

impl Queues {
    /// The queues with these URLs. Nothing is called yet.
    #[must_use]
    pub fn new(config: &SdkConfig, messages: Option<String>, dead_letters: Option<String>) -> Queues {
        Queues { client: Client::new(config), messages, dead_letters }
    }
}

impl Queue for Queues {
    async fn come_back(&self, receipt: &str, after: Duration) -> Result<(), String> {
        let queue = self.messages.as_ref().ok_or("HOOK_QUEUE_URL is not set: the queue that messages come from")?;
        let seconds = i32::try_from(after.as_secs()).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(queue).receipt_handle(receipt);
        let done = call.visibility_timeout(seconds).send().await;
        done.map(|_| ()).map_err(|error| told("sqs:ChangeMessageVisibility", &error))
    }

    async fn bury(&self, body: &str, reason: &str) -> Result<(), String> {
        let queue = self.dead_letters.as_ref().ok_or("DEAD_HOOKS_URL is not set: the queue for what makes no sense")?;
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| format!("sqs:SendMessage: {error}"))?;
        // A queue takes no empty message.
        let body = if body.is_empty() { "(empty)" } else { body };
        let call = self.client.send_message().queue_url(queue).message_body(body).message_attributes("Reason", reason);
        call.send().await.map(|_| ()).map_err(|error| told("sqs:SendMessage", &error))
    }
}
