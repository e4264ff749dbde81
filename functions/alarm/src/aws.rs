//! AWS behind the seam.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use environment::AlarmNow;
use lambda_kit::Lazy;
use requests::LedgerQueue;
use serde_json::Value;

use crate::cloud::Cloud;

/// The account and region that the function runs in.
#[derive(Debug)]
pub struct Account {
    cloudwatch: Lazy<Client>,
    ledger: LedgerQueue,
}

impl Account {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: &SdkConfig, ledger: LedgerQueue) -> Account {
        Account { cloudwatch: Lazy::client(config, Client::new), ledger }
    }
}

impl Cloud for Account {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn alarm(&self, name: &str) -> Result<Option<AlarmNow>, String> {
        aws_cloud::alarm_now(&self.cloudwatch, name).await.map_err(|setback| setback.to_string())
    }

    async fn tell(&self, event: &Value) -> Result<(), String> {
        self.ledger.tell(event).await
    }
}
