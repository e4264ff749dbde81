//! The reason of a FAILED response, and the guidance for an operator.

use std::fmt;

/// Why a request failed. A reason without a runbook is for the stack author, whose template or stack is the cause. A reason
/// with a runbook is for an operator of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    message: String,
    runbook: Option<Runbook>,
}

/// A section of `infra/OPERATIONS.md` for failed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runbook {
    /// The deadline of the request passed before its environment settled.
    RequestTimedOut,
    /// No function sent a response by the deadline.
    RequestOverdue,
    /// Lambda or SQS stopped retrying the request.
    RequestNotProcessed,
    /// The function panicked.
    InternalError,
    /// An environment variable of the function is missing or invalid.
    InvalidSettings,
    /// The records table denies access or cannot be read.
    RecordsUnavailable,
    /// AWS rejected a call: a permission, a quota, a conflict with another resource.
    CallRejected,
    /// The request waited for longer than its conditions take: an operator has to remove an obstacle.
    Obstructed,
}

impl Runbook {
    /// All runbooks, in the order of the page.
    pub const ALL: [Runbook; 8] = [
        Runbook::RequestTimedOut,
        Runbook::RequestOverdue,
        Runbook::RequestNotProcessed,
        Runbook::InternalError,
        Runbook::InvalidSettings,
        Runbook::RecordsUnavailable,
        Runbook::CallRejected,
        Runbook::Obstructed,
    ];

    /// The anchor of the section in `infra/OPERATIONS.md`.
    #[must_use]
    pub fn anchor(self) -> &'static str {
        match self {
            Runbook::RequestTimedOut => "request-timed-out",
            Runbook::RequestOverdue => "request-overdue",
            Runbook::RequestNotProcessed => "request-not-processed",
            Runbook::InternalError => "internal-error",
            Runbook::InvalidSettings => "invalid-settings",
            Runbook::RecordsUnavailable => "records-unavailable",
            Runbook::CallRejected => "call-rejected",
            Runbook::Obstructed => "obstructed",
        }
    }
}

impl Reason {
    /// A reason for an operator, who follows `runbook`.
    pub fn with_runbook(message: impl Into<String>, runbook: Runbook) -> Reason {
        Reason { message: message.into(), runbook: Some(runbook) }
    }

    /// The reason of a FAILED after a panic.
    #[must_use]
    pub fn internal_error() -> Reason {
        let message = "Envkeeper failed with an internal error and made no further changes. Send the same request again after the cause is fixed.";
        Reason::with_runbook(message, Runbook::InternalError)
    }

    /// The message without guidance.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The guidance for an operator: the function that sends the response, its log group, the first command to run, and the
    /// anchor of the runbook. Empty for a reason without a runbook. `function` is the name of the Lambda function.
    #[must_use]
    pub fn guidance(&self, function: &str) -> String {
        self.runbook.map_or_else(String::new, |runbook| {
            format!(
                " Function: {function}. Log group: /aws/lambda/{function}. First command: aws logs filter-log-events \
                 --log-group-name /aws/lambda/{function} --filter-pattern ERROR --start-time \
                 $(( $(date +%s) * 1000 - 3600000 )). Runbook: infra/OPERATIONS.md#{}",
                runbook.anchor()
            )
        })
    }
}

impl From<String> for Reason {
    fn from(message: String) -> Reason {
        Reason { message, runbook: None }
    }
}

impl From<&str> for Reason {
    fn from(message: &str) -> Reason {
        Reason::from(message.to_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
