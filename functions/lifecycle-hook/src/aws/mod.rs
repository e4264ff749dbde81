//! AWS behind the seam, a file for each service.

mod commands;
mod groups;
mod instances;
mod logs;
mod queues;
mod targets;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use environment::hook_settings::HookSettings;
use lambda_kit::Lazy;
use requests::records::DynamoRecords;
use requests::records::OwnerRecord;
use requests::{DueReason, EventPublisher, Owner, Records as _, RequestQueue as _, SqsRequestQueue};
use serde_json::Value;

use crate::cloud::{GroupMember, HookApi, HookCallOutcome, HookResult, OwnedHook, StartTimes, WaitingInstances};
use crate::error::{EvidenceError, HookError};
use crate::facts::{Command, ObservedInstance, Target};
use crate::notification::LifecycleAction;

pub use groups::start_times;
pub use queues::Queues;

/// The account and region that the function runs in.
#[derive(Debug)]
pub struct Account {
    autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    ec2: Lazy<aws_sdk_ec2::Client>,
    balancing: Lazy<aws_sdk_elasticloadbalancingv2::Client>,
    logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    ssm: Lazy<aws_sdk_ssm::Client>,
    records: DynamoRecords,
    publisher: EventPublisher,
    request_queue: Option<SqsRequestQueue>,
}

impl Account {
    /// Makes no call. Without a request queue no due pass is requested.
    #[must_use]
    pub fn new(
        config: &SdkConfig,
        records: DynamoRecords,
        publisher: EventPublisher,
        request_queue: Option<SqsRequestQueue>,
    ) -> Account {
        Account {
            autoscaling: Lazy::client(config, aws_sdk_autoscaling::Client::new),
            ec2: Lazy::client(config, aws_sdk_ec2::Client::new),
            balancing: Lazy::client(config, aws_sdk_elasticloadbalancingv2::Client::new),
            logs: Lazy::client(config, aws_sdk_cloudwatchlogs::Client::new),
            ssm: Lazy::client(config, aws_sdk_ssm::Client::new),
            records,
            publisher,
            request_queue,
        }
    }
}

impl HookApi for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn observe_instances(&self, instances: &[String]) -> Result<BTreeMap<String, ObservedInstance>, HookError> {
        Ok(instances::observe_instances(&self.ec2, &self.ssm, instances).await?)
    }

    async fn target_health(&self, arns: &[String], instance: &str) -> Result<Vec<Target>, HookError> {
        Ok(targets::health(&self.balancing, arns, instance).await?)
    }

    async fn deregister(&self, arns: &[String], instance: &str) -> Result<(), HookError> {
        Ok(targets::deregister(&self.balancing, arns, instance).await?)
    }

    async fn drain_status(&self, instance: &str, since_ms: Option<u64>) -> Result<Command, HookError> {
        Ok(commands::drain_status(&self.ssm, instance, since_ms, self.now_ms()).await?)
    }

    async fn send_drain_command(&self, instance: &str, timeout: Duration) -> Result<HookCallOutcome, HookError> {
        Ok(commands::send_drain_command(&self.ssm, instance, timeout).await?)
    }

    async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookCallOutcome, HookError> {
        Ok(groups::complete(&self.autoscaling, action, result).await?)
    }

    async fn heartbeat(&self, action: &LifecycleAction) -> Result<HookCallOutcome, HookError> {
        Ok(groups::heartbeat(&self.autoscaling, action).await?)
    }

    async fn evidence(&self, instance: &str, reachable: bool) -> Vec<(&'static str, Result<String, EvidenceError>)> {
        let console = instances::console(&self.ec2, instance);
        if !reachable {
            return vec![("console output", console.await)];
        }
        let (console, logs) = tokio::join!(console, commands::logs(&self.ssm, instance));
        vec![("console output", console), ("cloud-init and user-data logs", logs)]
    }

    async fn write(&self, log_group: &str, stream: &str, lines: Vec<String>) -> Result<(), HookError> {
        Ok(logs::write(&self.logs, log_group, stream, lines, self.now_ms()).await?)
    }

    async fn waiting_instances(&self) -> Result<Vec<WaitingInstances>, HookError> {
        Ok(groups::waiting_instances(&self.autoscaling).await?)
    }

    async fn start_times(&self, waiting: &WaitingInstances) -> Result<StartTimes, HookError> {
        Ok(groups::describe_start_times(&self.autoscaling, waiting).await?)
    }

    async fn owned_hooks(&self, group: &str) -> Result<Vec<OwnedHook>, HookError> {
        Ok(groups::owned_hooks(&self.autoscaling, group).await?)
    }

    async fn members(&self, instances: &[String]) -> Result<BTreeMap<String, GroupMember>, HookError> {
        Ok(groups::members(&self.autoscaling, instances).await?)
    }

    async fn publish(&self, event: &Value) -> Result<(), HookError> {
        Ok(self.publisher.publish(event).await?)
    }

    async fn delete_deadline_ms(&self, settings: &HookSettings) -> Result<Option<u64>, HookError> {
        let Some(owner) = Owner::parse(&settings.owner) else { return Ok(None) };
        let record = self.records.owner(&owner).await?;
        Ok(record.as_ref().and_then(OwnerRecord::running_delete).map(|delete| delete.deadline_ms))
    }

    async fn request_due_pass(&self, settings: &HookSettings, instance: &str) -> Result<(), HookError> {
        let (Some(queue), Some(owner)) = (&self.request_queue, Owner::parse(&settings.owner)) else { return Ok(()) };
        Ok(queue.send_due(&owner, DueReason::Abandoned(instance)).await?)
    }
}

/// The whole response of AWS: for the operator, where the expected part is missing.
fn debug_text(value: impl fmt::Debug) -> String {
    format!("{value:?}")
}
