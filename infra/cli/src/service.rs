//! The seam to AWS: the calls that the command line makes, and their errors.

use serde_json::Value;

use crate::exit::Exit;

/// The calls to AWS. Each call ends, by the time limits of its implementation.
#[expect(async_fn_in_trait, reason = "the command line runs on one thread, so the futures need no bounds")]
pub trait Service {
    /// Invokes a function and returns its result.
    ///
    /// # Errors
    /// [`ServiceError`]; a failed invocation is [`ServiceError::FunctionFailed`].
    async fn invoke(&self, function: &str, request: &Value) -> Result<Value, ServiceError>;

    /// A page of the events of a log group.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn log_events(&self, query: &LogQuery) -> Result<LogPage, ServiceError>;

    /// The access key of the caller's credentials, and where they come from.
    ///
    /// # Errors
    /// [`ServiceError::NoCredentials`].
    async fn credentials(&self) -> Result<String, ServiceError>;
}

/// No service: for verbs that make no call, so that they need neither a configuration nor a network.
pub struct Offline;

impl Service for Offline {
    async fn invoke(&self, _: &str, _: &Value) -> Result<Value, ServiceError> {
        Err(offline())
    }

    async fn log_events(&self, _: &LogQuery) -> Result<LogPage, ServiceError> {
        Err(offline())
    }

    async fn credentials(&self) -> Result<String, ServiceError> {
        Err(offline())
    }
}

fn offline() -> ServiceError {
    ServiceError::NoAnswer { reason: String::from("the verb makes no call") }
}

/// A query for log events, and the place of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The name of the log group.
    pub group: String,
    /// The beginning of the names of the streams; all streams without it.
    pub stream_prefix: Option<String>,
    /// The oldest time of an event, in ms since the epoch.
    pub from_ms: u64,
    /// A filter pattern of CloudWatch Logs.
    pub filter: Option<String>,
    /// The token of the page; the first page without it.
    pub token: Option<String>,
}

/// A page of log events. A page may be empty although another one follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The events, in the order of their times.
    pub events: Vec<LogEvent>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// An event of a log stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// The time, in ms since the epoch.
    pub at_ms: u64,
    /// The stream.
    pub stream: String,
    /// The text.
    pub text: String,
}

/// An error of a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// No region is configured.
    #[error("no region is set")]
    NoRegion,
    /// No credentials were found, or they have expired.
    #[error("there are no valid credentials: {reason}")]
    NoCredentials {
        /// The SDK's reason.
        reason: String,
    },
    /// The function or the log group does not exist.
    #[error("{name} does not exist in {region}")]
    NotFound {
        /// The function's or log group's name, with its noun.
        name: String,
        /// The region.
        region: String,
    },
    /// The caller has no right to the call.
    #[error("access denied: {reason}")]
    Denied {
        /// AWS's reason, which names the action and the principal.
        reason: String,
    },
    /// AWS did not respond, or throttled each attempt.
    #[error("no answer: {reason}")]
    NoAnswer {
        /// The SDK's reason.
        reason: String,
    },
    /// The function's invocation failed.
    #[error("the function {function} failed: {reason}")]
    FunctionFailed {
        /// The function's name.
        function: String,
        /// The `errorType` and `errorMessage` of the failed invocation.
        reason: String,
    },
    /// Another error of AWS.
    #[error("{reason}")]
    Other {
        /// The code and the message.
        reason: String,
    },
}

impl ServiceError {
    /// The exit code of a verb that ends with this error.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            ServiceError::NoAnswer { .. } | ServiceError::FunctionFailed { .. } => Exit::NoAnswer,
            ServiceError::NoRegion
            | ServiceError::NoCredentials { .. }
            | ServiceError::NotFound { .. }
            | ServiceError::Denied { .. }
            | ServiceError::Other { .. } => Exit::Error,
        }
    }

    /// The next command.
    #[must_use]
    pub fn next_step(&self) -> String {
        String::from(match self {
            ServiceError::NoRegion => "repeat the command with --region, or set AWS_REGION",
            ServiceError::NoCredentials { .. } => "aws sso login, or repeat the command with --profile",
            ServiceError::NotFound { .. } => "envkeeper doctor, and compare --project and --region with the deployment",
            ServiceError::Denied { .. } => {
                "ask an administrator for the reader's or the operator's policy, which SECURITY.md contains"
            }
            ServiceError::FunctionFailed { function, .. } => return format!("aws logs tail /aws/lambda/{function}"),
            ServiceError::NoAnswer { .. } | ServiceError::Other { .. } => "envkeeper doctor",
        })
    }
}
