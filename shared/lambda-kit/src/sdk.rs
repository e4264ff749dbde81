//! The configuration of all AWS clients.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use std::time::Duration;

/// How long a connection may take to open: 3 s. Every AWS endpoint of the own region answers in milliseconds.
const CONNECT: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take: 10 s. The SDK itself sets no limit, and an answer that never comes would take
/// the rest of the invocation with it.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long a call may take with all its attempts: 45 s, well within a reconciler's 120 s.
const OPERATION: Duration = Duration::from_secs(45);

/// How often a call is tried: 5 times, in standard mode. Measured under constant throttling: 3 attempts give up after 0.4 s,
/// 8 after 47 s, and 8 in adaptive mode after 140 s, which is longer than an invocation.
const ATTEMPTS: u32 = 5;

/// Loads region and credentials from the environment, as every AWS program does, with this project's time-outs and
/// retries. Call it once, at start-up, and make all clients from it.
pub async fn sdk_config() -> SdkConfig {
    loader().load().await
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::Region;
    use aws_config::retry::RetryMode;

    #[tokio::test]
    async fn every_call_ends() {
        // Region and credentials are given, so that nothing is looked for on this machine or its network.
        let sdk = loader().region(Region::new("us-west-2")).no_credentials().load().await;
        let timeouts = sdk.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION));
        let retries = sdk.retry_config().unwrap();
        assert_eq!((retries.mode(), retries.max_attempts()), (RetryMode::Standard, 5));
    }
}
