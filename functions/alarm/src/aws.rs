//! AWS behind the seam.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use environment::{CallError, ObservedAlarm};
use lambda_kit::Lazy;
use requests::{EventPublisher, QueueError};
use serde_json::Value;

use crate::cloud::AlarmApi;

/// The account and region that the function runs in.
#[derive(Debug)]
pub struct Account {
    cloudwatch: Lazy<Client>,
    publisher: EventPublisher,
}

impl Account {
    /// Makes no call.
    #[must_use]
    pub fn new(config: &SdkConfig, publisher: EventPublisher) -> Account {
        Account { cloudwatch: Lazy::client(config, Client::new), publisher }
    }
}

impl AlarmApi for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        aws_cloud::observe_alarm(&self.cloudwatch, name).await
    }

    async fn publish(&self, event: &Value) -> Result<(), QueueError> {
        self.publisher.publish(event).await
    }
}
