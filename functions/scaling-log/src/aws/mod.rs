//! AWS behind the seam, a file for each service.

mod groups;
mod logs;

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use lambda_kit::Lazy;
use ledger::Activity;
use ledger::batch::LogEvent;
use requests::records::DynamoRecords;
use requests::{QueueSender, Records as _};

use crate::cloud::{Cloud, DeadLetters, Put};

/// The account and region that the function runs in.
#[derive(Debug)]
pub struct Account {
    autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    records: DynamoRecords,
}

impl Account {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: &SdkConfig, records: DynamoRecords) -> Account {
        let autoscaling = Lazy::client(config, aws_sdk_autoscaling::Client::new);
        Account { autoscaling, logs: Lazy::client(config, aws_sdk_cloudwatchlogs::Client::new), records }
    }
}

impl Cloud for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn exists(&self, environment: &str) -> Result<bool, String> {
        let owner = self.records.environment_owner(environment).await;
        owner.map(|owner| owner.is_some()).map_err(|error| error.to_string())
    }

    async fn put(&self, log_group: &str, stream: &str, lines: &[&LogEvent]) -> Result<Put, String> {
        logs::put(&self.logs, log_group, stream, lines).await
    }

    async fn groups(&self) -> Result<Vec<String>, String> {
        groups::all(&self.autoscaling).await
    }

    async fn activities(&self, group: &str, since_ms: u64) -> Result<Vec<Activity>, String> {
        groups::activities(&self.autoscaling, group, since_ms).await
    }

    async fn written(
        &self,
        log_group: &str,
        streams: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<BTreeSet<String>, String> {
        logs::written(&self.logs, log_group, streams, from_ms, to_ms).await
    }
}

/// The queue of what nobody understands, if the deployment has one.
#[derive(Debug)]
pub struct DeadEvents(pub Option<QueueSender>);

impl DeadLetters for DeadEvents {
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), String> {
        let queue = self.0.as_ref().ok_or("EVENT_DEAD_LETTERS_URL is not set: the queue for what makes no sense")?;
        queue.dead_letter(body, reason).await.map_err(|error| error.to_string())
    }
}
