//! The seam between the function and CloudWatch Logs.

use lambda_kit::AwsCallError;

/// The calls to CloudWatch Logs, which tests replace.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bound")]
pub trait LogApi {
    /// The time, in ms since the epoch.
    fn now_ms(&self) -> u64;

    /// A page of the events of a log group.
    ///
    /// # Errors
    /// [`LogError`].
    async fn page(&self, query: &LogQuery<'_>, token: Option<&str>) -> Result<LogPage, LogError>;
}

/// A log group and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery<'a> {
    /// The name of the log group.
    pub group: &'a str,
    /// The oldest time of an event, in ms since the epoch.
    pub from_ms: u64,
    /// The end of the times, in ms since the epoch; an event at this time is not read.
    pub until_ms: u64,
}

/// A page of log events. A page may be empty although another one follows (CloudWatch Logs API reference,
/// FilterLogEvents).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The texts of the events, in the order of their times.
    pub texts: Vec<String>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// The error of a read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The log group does not exist.
    #[error("the log group does not exist")]
    NoLogGroup,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] AwsCallError),
}
