//! AWS behind the seam.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use environment::ObservedAlarm;
use lambda_kit::Lazy;
use requests::LedgerQueue;
use serde_json::Value;

use crate::cloud::AlarmApi;

/// The account and region that the function runs in.
#[derive(Debug)]
pub struct Account {
    cloudwatch: Lazy<Client>,
    ledger: LedgerQueue,
}

impl Account {
    /// Makes no call.
    #[must_use]
    pub fn new(config: &SdkConfig, ledger: LedgerQueue) -> Account {
        Account { cloudwatch: Lazy::client(config, Client::new), ledger }
    }
}

impl AlarmApi for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, String> {
        aws_cloud::observe_alarm(&self.cloudwatch, name).await.map_err(|call_error| call_error.to_string())
    }

    async fn publish(&self, event: &Value) -> Result<(), String> {
        self.ledger.publish(event).await.map_err(|error| error.to_string())
    }
}
