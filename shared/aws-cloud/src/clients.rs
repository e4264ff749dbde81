//! The SDK's clients, with the limits that the engine counts on.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use environment::CALL_TIME;
use lambda_kit::Lazy;

use crate::pace::Pacer;

/// One attempt: long for a write of EC2 (well under a second as a rule), short enough for a second attempt within
/// [`CALL_TIME`] when an answer was lost.
const ATTEMPT_TIME: Duration = Duration::from_secs(6);

/// Attempts of a call that can be repeated. Under constant throttling the SDK's eight take 47 s and its adaptive mode
/// 140 s (measured); what five don't bring is answered busy, and the engine looks again.
const ATTEMPTS: u32 = 5;

/// The longest pause between two attempts, so that all five fit into [`CALL_TIME`].
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// `PutMetricAlarm` and `DeleteAlarms` are taken three times per second (ARCHITECTURE, Facts).
const ALARM_CALLS_APART: Duration = Duration::from_millis(340);

/// A client for each service, built when it is first used, and once. A clone is cheap and shares the connections.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(crate) autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    pub(crate) cloudformation: Lazy<aws_sdk_cloudformation::Client>,
    pub(crate) cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    pub(crate) ec2: Lazy<aws_sdk_ec2::Client>,
    pub(crate) iam: Lazy<aws_sdk_iam::Client>,
    pub(crate) logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub(crate) s3: Lazy<aws_sdk_s3::Client>,
    pub(crate) sns: Lazy<aws_sdk_sns::Client>,
    pub(crate) ssm: Lazy<aws_sdk_ssm::Client>,
    /// The turns of calls that change alarms.
    pub(crate) alarm_turns: Arc<Pacer>,
}

impl Clients {
    /// Clients for the account, region and endpoints of `config`; its time-outs and retries are replaced by ours.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let config = limited(config);
        Clients {
            autoscaling: Lazy::client(&config, aws_sdk_autoscaling::Client::new),
            cloudformation: Lazy::client(&config, aws_sdk_cloudformation::Client::new),
            cloudwatch: Lazy::client(&config, aws_sdk_cloudwatch::Client::new),
            ec2: Lazy::client(&config, aws_sdk_ec2::Client::new),
            iam: Lazy::client(&config, aws_sdk_iam::Client::new),
            logs: Lazy::client(&config, aws_sdk_cloudwatchlogs::Client::new),
            s3: Lazy::client(&config, s3),
            sns: Lazy::client(&config, aws_sdk_sns::Client::new),
            ssm: Lazy::client(&config, aws_sdk_ssm::Client::new),
            alarm_turns: Arc::new(Pacer::new(ALARM_CALLS_APART)),
        }
    }
}

/// The configuration with our time-outs and retries.
pub(crate) fn limited(config: &SdkConfig) -> SdkConfig {
    config.to_builder().timeout_config(timeouts()).retry_config(retries()).build()
}

/// S3's client puts a bucket's name into the host, which only AWS's own names resolve: at an endpoint that somebody set
/// (a local cloud as a rule) it goes into the path.
fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let set = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(set).build())
}

/// The SDK itself has no limit on an attempt or on an operation. An operation's is the time that the engine
/// leaves for a call.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIME).operation_timeout(CALL_TIME).build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_BACKOFF)
}

/// The configuration of a create that has neither a client token nor a unique name: the SDK would send it again when
/// the answer is lost (ARCHITECTURE, Facts), and the first one may have happened.
pub(crate) fn one_attempt() -> aws_sdk_ec2::config::Builder {
    aws_sdk_ec2::config::Builder::new().retry_config(RetryConfig::disabled())
}

/// The same for Logs.
pub(crate) fn one_attempt_of_logs() -> aws_sdk_cloudwatchlogs::config::Builder {
    aws_sdk_cloudwatchlogs::config::Builder::new().retry_config(RetryConfig::disabled())
}
