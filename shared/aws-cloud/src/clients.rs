//! The SDK's clients, with the limits that the engine counts on.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use environment::CALL_TIMEOUT;
use lambda_kit::Lazy;

use crate::pace::Pacer;

/// The time limit of one attempt: long for a write of EC2 (well under a second as a rule), short enough for a second
/// attempt within [`CALL_TIMEOUT`] when a response was lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// Attempts of a call that can be repeated. Under constant throttling the SDK's eight take 47 s and its adaptive mode
/// 140 s (measured). A call that fails five times returns `Retry`, and the engine observes again.
const ATTEMPTS: u32 = 5;

/// The longest pause between two attempts, so that all five fit into [`CALL_TIMEOUT`].
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The interval of calls that change alarms: AWS accepts `PutMetricAlarm` and `DeleteAlarms` three times per second
/// (ARCHITECTURE, Facts).
const ALARM_CALL_INTERVAL: Duration = Duration::from_millis(340);

/// A client for each service, built once, when it is first used. A clone is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(crate) autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    pub(crate) cloudformation: Lazy<aws_sdk_cloudformation::Client>,
    pub(crate) cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    pub(crate) ec2: Lazy<aws_sdk_ec2::Client>,
    pub(crate) iam: Lazy<aws_sdk_iam::Client>,
    pub(crate) kms: Lazy<aws_sdk_kms::Client>,
    pub(crate) logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub(crate) s3: Lazy<aws_sdk_s3::Client>,
    pub(crate) servicequotas: Lazy<aws_sdk_servicequotas::Client>,
    pub(crate) sns: Lazy<aws_sdk_sns::Client>,
    pub(crate) ssm: Lazy<aws_sdk_ssm::Client>,
    /// The slots of calls that change alarms.
    pub(crate) alarm_pacer: Arc<Pacer>,
}

impl Clients {
    /// Clients for the account, region and endpoints of `config`; this crate replaces its time-outs and retries.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let config = limited(config);
        Clients {
            autoscaling: Lazy::client(&config, aws_sdk_autoscaling::Client::new),
            cloudformation: Lazy::client(&config, aws_sdk_cloudformation::Client::new),
            cloudwatch: Lazy::client(&config, aws_sdk_cloudwatch::Client::new),
            ec2: Lazy::client(&config, aws_sdk_ec2::Client::new),
            iam: Lazy::client(&config, aws_sdk_iam::Client::new),
            kms: Lazy::client(&config, aws_sdk_kms::Client::new),
            logs: Lazy::client(&config, aws_sdk_cloudwatchlogs::Client::new),
            s3: Lazy::client(&config, s3),
            servicequotas: Lazy::client(&config, aws_sdk_servicequotas::Client::new),
            sns: Lazy::client(&config, aws_sdk_sns::Client::new),
            ssm: Lazy::client(&config, aws_sdk_ssm::Client::new),
            alarm_pacer: Arc::new(Pacer::new(ALARM_CALL_INTERVAL)),
        }
    }
}

/// The configuration with this crate's time-outs and retries.
pub(crate) fn limited(config: &SdkConfig) -> SdkConfig {
    config.to_builder().timeout_config(timeouts()).retry_config(retries()).build()
}

/// S3's client puts a bucket's name into the host, which only AWS's own names resolve. At a configured endpoint (a
/// local cloud as a rule) this client puts the name into the path.
fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let has_endpoint = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(has_endpoint).build())
}

/// The SDK itself has no time limit on an attempt or on an operation. The limit of an operation is the time that the
/// engine leaves for a call.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(MAX_BACKOFF)
}

/// The configuration of a create that has neither a client token nor a unique name: the SDK would send the create again
/// when the response is lost (ARCHITECTURE, Facts), and the first attempt may have succeeded.
pub(crate) fn one_attempt() -> aws_sdk_ec2::config::Builder {
    aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled())
}

/// The same configuration for Logs.
pub(crate) fn one_attempt_of_logs() -> aws_sdk_cloudwatchlogs::config::Builder {
    aws_sdk_cloudwatchlogs::config::Builder::new().retry_config(RetryConfig::disabled())
}
