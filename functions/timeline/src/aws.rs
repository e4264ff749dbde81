//! The seam on CloudWatch Logs.

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use lambda_kit::{AwsCallError, Lazy};

use crate::logs::{LogApi, LogError, LogPage, LogQuery};

/// CloudWatch Logs in the account and region of the function.
#[derive(Debug)]
pub struct AwsLogs(Lazy<Client>);

impl AwsLogs {
    /// Creates the client without a call.
    #[must_use]
    pub fn new(config: &SdkConfig) -> AwsLogs {
        AwsLogs(Lazy::client(config, Client::new))
    }
}

impl LogApi for AwsLogs {
    fn now_ms(&self) -> u64 {
        lambda_kit::now_ms()
    }

    async fn page(&self, query: &LogQuery<'_>, token: Option<&str>) -> Result<LogPage, LogError> {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let call = self.0.filter_log_events().log_group_name(query.group);
        // The end of the times is exclusive.
        let call = call.start_time(ms(query.from_ms)).end_time(ms(query.until_ms));
        let output = call.set_next_token(token.map(str::to_owned)).send().await.map_err(|error| {
            match error.as_service_error() {
                Some(FilterLogEventsError::ResourceNotFoundException(_)) => LogError::NoLogGroup,
                _ => AwsCallError::of("logs:FilterLogEvents", &error).into(),
            }
        })?;
        let next = output.next_token().map(str::to_owned);
        Ok(LogPage { texts: output.events.unwrap_or_default().into_iter().filter_map(|it| it.message).collect(), next })
    }
}
