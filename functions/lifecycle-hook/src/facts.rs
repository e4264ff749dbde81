//! The observed state of an instance, and its description for the operator.

use std::fmt;
use std::time::Duration;

use ledger::time;

use crate::error::HookError;

/// An instance, as EC2 and SSM report it. A part that could not be observed is the error, and hides no other part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedInstance {
    /// From DescribeInstances.
    pub state: State,
    /// EC2's reason for the state, such as `Client.InternalError: Client error on launch`, if EC2 gives one.
    pub state_reason: Option<String>,
    /// From the instance's own tag, which DescribeInstances returns.
    pub user_data: UserData,
    /// When EC2 last started the instance.
    pub started_ms: Option<u64>,
    /// Whether EC2 may interrupt the instance: `InstanceLifecycle` is `spot`.
    pub is_spot: bool,
    /// From DescribeInstanceStatus.
    pub checks: Result<Checks, HookError>,
    /// From DescribeInstanceInformation of SSM.
    pub agent: Result<Agent, HookError>,
}

impl ObservedInstance {
    /// The state, with EC2's reason for it.
    pub(crate) fn state_summary(&self) -> String {
        match &self.state_reason {
            Some(reason) => format!("{}: {reason}", self.state),
            None => self.state.to_string(),
        }
    }
}

/// EC2's state of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// EC2 does not know the instance: terminated long ago, or so new that a read misses it.
    Unknown,
    /// EC2 is starting the instance.
    Pending,
    /// The instance runs, which says nothing about the software on it.
    Running,
    /// Stopping or stopped.
    Stopped,
    /// Shutting down or terminated.
    Terminated,
    /// A state that is newer than this function.
    Other(String),
}

/// The state of the instance's user data, from the tag [`USER_DATA`](environment::hook_settings::USER_DATA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserData {
    /// Nothing is reported yet.
    Unreported,
    /// The user data ran to its end.
    Done,
    /// The user data failed; the step that failed.
    Failed(String),
}

/// EC2's status checks, the worse of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Nothing is reported yet.
    Unreported,
    /// Both checks pass.
    Passed,
    /// A check fails.
    Impaired {
        /// Since when, if EC2 reports the time.
        since_ms: Option<u64>,
    },
}

/// SSM's state of the agent. `Online` can be some minutes old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// The agent has never registered.
    Unregistered,
    /// The agent is registered, and SSM receives its pings.
    Online,
    /// The agent registered, and SSM receives no more pings, or none since EC2 last started the instance.
    Lost,
}

/// A target group's state of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Not registered: Auto Scaling registers an instance when it enters service.
    Absent,
    /// Registered, and health checks pass.
    Healthy,
    /// Registered, and unhealthy or not healthy yet; the description of the target group.
    NotHealthy(String),
    /// Being deregistered.
    Draining,
}

/// The status of the drain command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// No command was sent.
    NotSent,
    /// Sent, and not done.
    Running,
    /// Done, with exit code 0.
    Succeeded,
    /// Failed, not delivered, or timed out; the details of SSM.
    Failed(String),
}

/// How long SSM may take to deliver a command to its instance: `TimeoutSeconds` of SendCommand, at least 30 s.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_mins(1);

impl Command {
    /// Reads SSM's status of a command, and its details, that was sent this long ago.
    ///
    /// A command that its agent has not taken is `Pending` until `TimeoutSeconds` and the execution timeout together are
    /// over, and 12 to 15 s longer (recorded on AWS, September 2026: stackd 9dc356f5, `timeouts_current:
    /// running-node-offline-*`). The execution timeout is the rest of the drain, so such a status ends no drain early. A
    /// command that is still `Pending` after `TimeoutSeconds` therefore counts as not delivered.
    #[must_use]
    pub fn read(status: &str, details: Option<&str>, age: Duration) -> Command {
        match status {
            "Success" => Command::Succeeded,
            "Pending" | "Delayed" if age >= DELIVERY_TIMEOUT => {
                Command::Failed(format!("not delivered within {} s", DELIVERY_TIMEOUT.as_secs()))
            }
            "Pending" | "Delayed" | "InProgress" => Command::Running,
            status => Command::Failed(details.unwrap_or(status).to_owned()),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Unknown => "unknown to EC2",
            State::Pending => "pending",
            State::Running => "running",
            State::Stopped => "stopping or stopped",
            State::Terminated => "shutting down or terminated",
            State::Other(name) => name,
        })
    }
}

impl fmt::Display for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UserData::Unreported => "nothing reported yet",
            UserData::Done => "done",
            UserData::Failed(reason) => reason,
        })
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checks::Unreported => f.write_str("nothing reported yet"),
            Checks::Passed => f.write_str("passed"),
            Checks::Impaired { since_ms: Some(since_ms) } => write!(f, "impaired since {}", time::text(*since_ms)),
            Checks::Impaired { since_ms: None } => f.write_str("impaired"),
        }
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Agent::Unregistered => "not registered",
            Agent::Online => "online",
            Agent::Lost => "lost",
        })
    }
}
