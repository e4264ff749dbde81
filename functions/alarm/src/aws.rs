//! AWS behind the seam.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::DisplayErrorContext;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use lambda_kit::Lazy;
use requests::LedgerQueue;
use serde_json::Value;

use crate::cloud::{AlarmNow, Cloud};

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

    /// A name is one alarm's, metric or composite.
    async fn alarm(&self, name: &str) -> Result<Option<AlarmNow>, String> {
        let kinds = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm];
        let call = self.cloudwatch.describe_alarms().alarm_names(name).set_alarm_types(Some(kinds.to_vec()));
        let answer = call.send().await;
        let answer = answer.map_err(|error| format!("cloudwatch:DescribeAlarms: {}", DisplayErrorContext(error)))?;
        let metric = answer
            .metric_alarms()
            .first()
            .map(|it| (it.state_value(), it.state_transitioned_timestamp().or(it.state_updated_timestamp())));
        let composite = answer
            .composite_alarms()
            .first()
            .map(|it| (it.state_value(), it.state_transitioned_timestamp().or(it.state_updated_timestamp())));
        Ok(metric.or(composite).map(|(state, since)| AlarmNow {
            state: state.map(StateValue::as_str).unwrap_or_default().to_owned(),
            since_ms: since.and_then(ms).unwrap_or_default(),
        }))
    }

    async fn tell(&self, event: &Value) -> Result<(), String> {
        self.ledger.tell(event).await
    }
}

fn ms(time: &DateTime) -> Option<u64> {
    u64::try_from(time.to_millis().ok()?).ok()
}
