//! The seam's implementation with AWS, one file for each service.

mod groups;
mod logs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use lambda_kit::{AwsCallError, Lazy};
use ledger::Activity;
use ledger::batch::LogEvent;
use requests::records::DynamoRecords;
use requests::{QueueSender, Records as _, RecordsError};
use tokio::time::timeout;

use crate::cloud::{DeadLetterError, DeadLetters, LogApi, ObservedGroup, PutOutcome};

/// The time for a read that no entry depends on: 3 s, many times what it takes.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The account and region in which the function runs.
#[derive(Debug)]
pub struct AwsAccount {
    autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    records: DynamoRecords,
}

impl AwsAccount {
    /// Creates the clients without a call.
    #[must_use]
    pub fn new(config: &SdkConfig, records: DynamoRecords) -> AwsAccount {
        let autoscaling = Lazy::client(config, aws_sdk_autoscaling::Client::new);
        AwsAccount { autoscaling, logs: Lazy::client(config, aws_sdk_cloudwatchlogs::Client::new), records }
    }
}

impl LogApi for AwsAccount {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn environment_exists(&self, environment: &str) -> Result<bool, RecordsError> {
        Ok(self.records.environment_owner(environment).await?.is_some())
    }

    async fn put_events(
        &self,
        log_group: &str,
        stream: &str,
        events: &[&LogEvent],
    ) -> Result<PutOutcome, AwsCallError> {
        logs::put_events(&self.logs, log_group, stream, events).await
    }

    async fn groups(&self) -> Result<Vec<ObservedGroup>, AwsCallError> {
        groups::owned(&self.autoscaling).await
    }

    async fn group(&self, name: &str) -> Result<Option<ObservedGroup>, AwsCallError> {
        groups::named(&self.autoscaling, name).await
    }

    async fn template_versions(&self, instances: &[String]) -> Result<BTreeMap<String, u64>, AwsCallError> {
        let read = groups::template_versions(&self.autoscaling, instances);
        timeout(LOOKUP_TIMEOUT, read).await.unwrap_or_else(|_| timed_out(groups::DESCRIBE_INSTANCES))
    }

    async fn lines_with_versions(
        &self,
        log_group: &str,
        stream_prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<Vec<String>, AwsCallError> {
        let read = logs::lines(&self.logs, log_group, stream_prefix, (from_ms, to_ms), Some(logs::WITH_VERSIONS));
        timeout(LOOKUP_TIMEOUT, read).await.unwrap_or_else(|_| timed_out(logs::FILTER_LOG_EVENTS))
    }

    async fn activities(&self, group: &str, since_ms: u64) -> Result<Vec<Activity>, AwsCallError> {
        groups::activities(&self.autoscaling, group, since_ms).await
    }

    async fn written_ids(
        &self,
        log_group: &str,
        stream_prefix: &str,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<BTreeSet<String>, AwsCallError> {
        logs::written_ids(&self.logs, log_group, stream_prefix, from_ms, to_ms).await
    }
}

fn timed_out<T>(operation: &'static str) -> Result<T, AwsCallError> {
    Err(AwsCallError::unexpected(operation, format!("no response within {} s", LOOKUP_TIMEOUT.as_secs())))
}

/// The dead-letter queue for poison messages, if the deployment has one.
#[derive(Debug)]
pub struct EventDeadLetters(pub Option<QueueSender>);

impl DeadLetters for EventDeadLetters {
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), DeadLetterError> {
        let queue = self.0.as_ref().ok_or(DeadLetterError::NotConfigured)?;
        Ok(queue.dead_letter(body, reason).await?)
    }
}
