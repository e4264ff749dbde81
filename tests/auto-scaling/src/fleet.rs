//! The instances as EC2 and SSM show them: status checks, the SSM agent, the ready marker of their user data, logs, and
//! the results of commands.
//!
//! A host has one fleet in addition to its [`AutoScaling`](crate::AutoScaling), and reports launches and terminations
//! to the fleet. The fleet uses the words of EC2 and SSM. The host decides the format of the responses and the location
//! of the marker.

mod behaviour;
mod command;

use std::collections::{BTreeMap, VecDeque};

use crate::{Fault, Timestamp};

pub use behaviour::{Agent, Behaviour, CommandOutcome, InstanceFailure, Ready, StatusChecks};
use command::SentCommand;
pub use command::{Command, Invocation};

/// Instances, each with its behaviour.
#[derive(Clone, Debug)]
pub struct Fleet {
    healthy: Behaviour,
    /// The failures of the next instances that launch.
    next_failures: VecDeque<InstanceFailure>,
    members: BTreeMap<String, Member>,
    commands: BTreeMap<String, SentCommand>,
}

/// An instance.
#[derive(Clone, Debug)]
pub struct Member {
    /// The time of the launch.
    pub launched: Timestamp,
    /// The time of the termination.
    pub terminated: Option<Timestamp>,
    /// The behaviour since the launch.
    pub behaviour: Behaviour,
}

/// Both status checks in the words of DescribeInstanceStatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// The checks have not finished.
    Initializing,
    /// The checks pass.
    Ok,
    /// The checks fail.
    Impaired,
}

/// The status of a registered agent in DescribeInstanceInformation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingStatus {
    /// SSM received a ping recently: the agent may have stopped since.
    Online,
    /// SSM received no recent ping.
    ConnectionLost,
}

/// The progress that user data has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// User data has recorded nothing yet.
    None,
    /// User data is done.
    Ready,
    /// User data failed at the named step.
    Failed(String),
}

impl CheckStatus {
    /// EC2's name of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Ok => "ok",
            Self::Impaired => "impaired",
        }
    }
}

impl PingStatus {
    /// SSM's name of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
        }
    }
}

impl Fleet {
    /// A fleet without instances. Instances without a requested failure get this behaviour.
    #[must_use]
    pub fn new(healthy: Behaviour) -> Self {
        Self { healthy, next_failures: VecDeque::new(), members: BTreeMap::new(), commands: BTreeMap::new() }
    }

    /// Makes the next instances that launch unhealthy, after those that are already requested. A count of 0 cancels all
    /// requested failures.
    pub fn make_next_unhealthy(&mut self, count: usize, failure: &InstanceFailure) {
        if count == 0 {
            self.next_failures.clear();
        }
        self.next_failures.extend(std::iter::repeat_n(failure.clone(), count));
    }

    /// Makes an instance unhealthy. A milestone that the instance has reached is kept.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`: the instance never existed.
    pub fn make_unhealthy(&mut self, id: &str, failure: &InstanceFailure, now: Timestamp) -> Result<(), Fault> {
        let member = self.members.get_mut(id).ok_or_else(|| unknown(id))?;
        member.behaviour.add_failure(failure, now.since(member.launched));
        Ok(())
    }

    /// Records the launch of an instance.
    pub fn launched(&mut self, id: &str, now: Timestamp) {
        let healthy = self.healthy.clone();
        let behaviour = match self.next_failures.pop_front() {
            Some(failure) => healthy.with_failure(&failure),
            None => healthy,
        };
        self.launched_with(id, behaviour, now);
    }

    /// Records the launch of an instance with the given behaviour. A requested failure is not used up.
    pub fn launched_with(&mut self, id: &str, behaviour: Behaviour, now: Timestamp) {
        self.members.insert(id.to_owned(), Member { launched: now, terminated: None, behaviour });
    }

    /// Records the termination of an instance, for any reason.
    pub fn terminated(&mut self, id: &str, now: Timestamp) {
        if let Some(member) = self.members.get_mut(id) {
            member.terminated.get_or_insert(now);
        }
    }

    /// An instance, also a terminated one.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`: the instance never existed.
    pub fn member(&self, id: &str) -> Result<&Member, Fault> {
        self.members.get(id).ok_or_else(|| unknown(id))
    }

    /// All instances by id, also the terminated ones.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members.iter().map(|(id, member)| (id.as_str(), member))
    }
}

impl Member {
    /// The result of the status checks in EC2, which EC2 shows only of running instances.
    #[must_use]
    pub fn status_checks(&self, now: Timestamp) -> Option<CheckStatus> {
        if self.terminated.is_some_and(|terminated| terminated <= now) {
            return None;
        }
        let age = now.since(self.launched);
        Some(match self.behaviour.status_checks {
            StatusChecks::PassAfter(span) if age >= span => CheckStatus::Ok,
            StatusChecks::FailAfter(span) if age >= span => CheckStatus::Impaired,
            StatusChecks::PassUntil(span) if age >= span => CheckStatus::Impaired,
            StatusChecks::PassUntil(_) => CheckStatus::Ok,
            StatusChecks::PassAfter(_) | StatusChecks::FailAfter(_) => CheckStatus::Initializing,
        })
    }

    /// The agent's status in SSM, once the agent has registered. The status is still `Online` for a while after the
    /// agent has stopped or the instance is terminated.
    #[must_use]
    pub fn agent(&self, now: Timestamp) -> Option<PingStatus> {
        let last = self.last_ping(now)?;
        let stale = now.since(last) >= self.behaviour.agent.stale_for;
        Some(if stale { PingStatus::ConnectionLost } else { PingStatus::Online })
    }

    /// The time of the agent's last ping; `None` if the agent has not registered.
    #[must_use]
    pub fn last_ping(&self, now: Timestamp) -> Option<Timestamp> {
        let Agent { registers_after, lost_after, .. } = self.behaviour.agent;
        let registered = self.launched + registers_after?;
        let silent_since = lost_after.map(|span| self.launched + span).into_iter().chain(self.terminated).min();
        let has_pinged = silent_since.is_none_or(|silent| registered < silent) && registered <= now;
        has_pinged.then(|| silent_since.map_or(now, |silent| silent.min(now)))
    }

    /// The time at which user data leaves its marker, if it does.
    #[must_use]
    pub fn marker_due(&self) -> Option<Timestamp> {
        match self.behaviour.ready {
            Ready::After(span) | Ready::FailedAfter(span, _) => Some(self.launched + span),
            Ready::Never => None,
        }
    }

    /// The marker that user data has left.
    #[must_use]
    pub fn marker(&self, now: Timestamp) -> Marker {
        let age = self.terminated.unwrap_or(now).min(now).since(self.launched);
        match &self.behaviour.ready {
            Ready::After(span) if age >= *span => Marker::Ready,
            Ready::FailedAfter(span, step) if age >= *span => Marker::Failed(step.clone()),
            _ => Marker::None,
        }
    }
}

fn unknown(id: &str) -> Fault {
    Fault { code: "InvalidInstanceID.NotFound", message: format!("The instance ID '{id}' does not exist") }
}
