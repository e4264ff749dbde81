//! What can be seen of an instance, and how people are told of it.

use std::fmt;

use ledger::time;

/// An instance, as EC2 and SSM show it. What could not be asked is the sentence why, and hides nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedInstance {
    /// By DescribeInstances.
    pub state: State,
    /// By the instance's own tag, which comes with it.
    pub user_data: UserData,
    /// When EC2 started it last.
    pub started_ms: Option<u64>,
    /// By DescribeInstanceStatus.
    pub checks: Result<Checks, String>,
    /// By DescribeInstanceInformation of SSM.
    pub agent: Result<Agent, String>,
}

/// What EC2 says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// EC2 does not know it: it is gone for long, or so new that a read misses it.
    Unknown,
    /// It starts.
    Pending,
    /// It runs, which says nothing of what runs on it.
    Running,
    /// It is stopping or stopped.
    Stopped,
    /// It is shutting down or terminated.
    Terminated,
    /// Something newer than this function.
    Other(String),
}

/// What its user data says of itself, by the tag [`USER_DATA`](environment::hook_settings::USER_DATA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserData {
    /// Nothing yet.
    Unreported,
    /// It came to its end.
    Done,
    /// It failed; where.
    Failed(String),
}

/// EC2's status checks, the worse of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// They say nothing yet.
    Unreported,
    /// Both pass.
    Passed,
    /// They fail.
    Impaired {
        /// Since when, if EC2 says so.
        since_ms: Option<u64>,
    },
}

/// What SSM says of its agent. `Online` can be some minutes old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// It has never registered.
    Unregistered,
    /// It registered, and SSM hears of it.
    Online,
    /// It registered, and is not heard of any more, or not since EC2 started the instance last.
    Lost,
}

/// What a target group says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// It is not in it: Auto Scaling registers an instance when it goes into service.
    Absent,
    /// It is in it, and passes its health checks.
    Healthy,
    /// It is in it, and not healthy or not yet; what is said.
    NotHealthy(String),
    /// It leaves.
    Draining,
}

/// What became of the drain command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// There is none.
    NotSent,
    /// It is sent, and not over.
    Running,
    /// It is over, with exit code 0.
    Succeeded,
    /// It failed, could not be delivered, or took too long; what is said.
    Failed(String),
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
            UserData::Unreported => "nothing said yet",
            UserData::Done => "done",
            UserData::Failed(reason) => reason,
        })
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Checks::Unreported => f.write_str("nothing said yet"),
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
