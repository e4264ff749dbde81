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
use requests::{LedgerQueue, Owner, Records as _};
use serde_json::Value;

use crate::cloud::{CompletionError, HookApi, HookCallOutcome, HookResult, OwnedHook, StartTimes, WaitingInstances};
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
    ledger: LedgerQueue,
}

impl Account {
    /// Makes no call.
    #[must_use]
    pub fn new(config: &SdkConfig, records: DynamoRecords, ledger: LedgerQueue) -> Account {
        Account {
            autoscaling: Lazy::client(config, aws_sdk_autoscaling::Client::new),
            ec2: Lazy::client(config, aws_sdk_ec2::Client::new),
            balancing: Lazy::client(config, aws_sdk_elasticloadbalancingv2::Client::new),
            logs: Lazy::client(config, aws_sdk_cloudwatchlogs::Client::new),
            ssm: Lazy::client(config, aws_sdk_ssm::Client::new),
            records,
            ledger,
        }
    }
}

impl HookApi for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn observe_instances(&self, instances: &[String]) -> Result<BTreeMap<String, ObservedInstance>, String> {
        instances::observe_instances(&self.ec2, &self.ssm, instances).await
    }

    async fn target_health(&self, arns: &[String], instance: &str) -> Result<Vec<Target>, String> {
        targets::health(&self.balancing, arns, instance).await
    }

    async fn deregister(&self, arns: &[String], instance: &str) -> Result<(), String> {
        targets::deregister(&self.balancing, arns, instance).await
    }

    async fn drain_status(&self, instance: &str, since_ms: Option<u64>) -> Result<Command, String> {
        commands::drain_status(&self.ssm, instance, since_ms).await
    }

    async fn send_drain_command(&self, instance: &str, timeout: Duration) -> Result<HookCallOutcome, String> {
        commands::send_drain_command(&self.ssm, instance, timeout).await
    }

    async fn complete(&self, action: &LifecycleAction, result: HookResult) -> Result<HookCallOutcome, CompletionError> {
        groups::complete(&self.autoscaling, action, result).await
    }

    async fn heartbeat(&self, action: &LifecycleAction) -> Result<HookCallOutcome, String> {
        groups::heartbeat(&self.autoscaling, action).await
    }

    async fn evidence(&self, instance: &str, reachable: bool) -> Vec<(&'static str, Result<String, String>)> {
        let console = instances::console(&self.ec2, instance);
        if !reachable {
            return vec![("console output", console.await)];
        }
        let (console, logs) = tokio::join!(console, commands::logs(&self.ssm, instance));
        vec![("console output", console), ("cloud-init and user-data logs", logs)]
    }

    async fn write(&self, log_group: &str, stream: &str, lines: Vec<String>) -> Result<(), String> {
        logs::write(&self.logs, log_group, stream, lines, self.now_ms()).await
    }

    async fn waiting_instances(&self) -> Result<Vec<WaitingInstances>, String> {
        groups::waiting_instances(&self.autoscaling).await
    }

    async fn start_times(&self, waiting: &WaitingInstances) -> Result<StartTimes, String> {
        groups::describe_start_times(&self.autoscaling, waiting).await
    }

    async fn owned_hooks(&self, group: &str) -> Result<Vec<OwnedHook>, String> {
        groups::owned_hooks(&self.autoscaling, group).await
    }

    async fn group_of(&self, instance: &str) -> Result<Option<String>, String> {
        groups::group_of(&self.autoscaling, instance).await
    }

    async fn publish(&self, event: &Value) -> Result<(), String> {
        self.ledger.publish(event).await.map_err(|error| error.to_string())
    }

    async fn delete_deadline_ms(&self, settings: &HookSettings) -> Result<Option<u64>, String> {
        let Some(owner) = Owner::parse(&settings.owner) else { return Ok(None) };
        let record = self.records.owner(&owner).await.map_err(|error| error.to_string())?;
        Ok(record.as_ref().and_then(OwnerRecord::running_delete).map(|delete| delete.deadline_ms))
    }
}

/// The whole response of AWS: for the operator, where the expected part is missing.
fn debug_text(value: impl fmt::Debug) -> String {
    format!("{value:?}")
}
