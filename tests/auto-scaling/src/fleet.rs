//! The instances themselves, as far as others can see them: status checks, the SSM agent, the ready marker of their user
//! data, logs, and what becomes of commands.
//!
//! A host has one beside its [`AutoScaling`](crate::AutoScaling), and tells it what starts and ends. It answers in the
//! words of EC2 and SSM; how the host puts them, and where the marker stands, is the host's.

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
    /// The next instances that start are these ways sick.
    next_failures: VecDeque<InstanceFailure>,
    members: BTreeMap<String, Member>,
    commands: BTreeMap<String, SentCommand>,
}

/// An instance.
#[derive(Clone, Debug)]
pub struct Member {
    /// When it was started.
    pub launched: Timestamp,
    /// When it was terminated.
    pub terminated: Option<Timestamp>,
    /// How it behaves.
    pub behaviour: Behaviour,
}

/// What DescribeInstanceStatus says of both checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// They are not over yet.
    Initializing,
    /// They pass.
    Ok,
    /// They fail.
    Impaired,
}

/// What DescribeInstanceInformation says of a registered agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingStatus {
    /// It was heard of lately: it may be gone since.
    Online,
    /// It was not.
    ConnectionLost,
}

/// What user data has left behind to tell how far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Nothing yet.
    None,
    /// It is done.
    Ready,
    /// It failed at a step, which it names.
    Failed(String),
}

impl CheckStatus {
    /// As EC2 writes it.
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
    /// As SSM writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
        }
    }
}

impl Fleet {
    /// No instances yet; those that are not made sick will behave so.
    #[must_use]
    pub fn new(healthy: Behaviour) -> Self {
        Self { healthy, next_failures: VecDeque::new(), members: BTreeMap::new(), commands: BTreeMap::new() }
    }

    /// Makes the next instances that start sick, after those that are to be sick already. 0 of them ends all that.
    pub fn make_next_unhealthy(&mut self, count: usize, failure: &InstanceFailure) {
        if count == 0 {
            self.next_failures.clear();
        }
        self.next_failures.extend(std::iter::repeat_n(failure.clone(), count));
    }

    /// Makes an instance sick. What it has reached stays reached.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`: it never was.
    pub fn make_unhealthy(&mut self, id: &str, failure: &InstanceFailure, now: Timestamp) -> Result<(), Fault> {
        let member = self.members.get_mut(id).ok_or_else(|| unknown(id))?;
        member.behaviour.add_failure(failure, now.since(member.launched));
        Ok(())
    }

    /// An instance has started.
    pub fn launched(&mut self, id: &str, now: Timestamp) {
        let healthy = self.healthy.clone();
        let behaviour = match self.next_failures.pop_front() {
            Some(failure) => healthy.with_failure(&failure),
            None => healthy,
        };
        self.launched_with(id, behaviour, now);
    }

    /// An instance has started that behaves so, whatever the next one was to be.
    pub fn launched_with(&mut self, id: &str, behaviour: Behaviour, now: Timestamp) {
        self.members.insert(id.to_owned(), Member { launched: now, terminated: None, behaviour });
    }

    /// An instance has terminated, for whatever reason.
    pub fn terminated(&mut self, id: &str, now: Timestamp) {
        if let Some(member) = self.members.get_mut(id) {
            member.terminated.get_or_insert(now);
        }
    }

    /// An instance, also one that has terminated.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`: it never was.
    pub fn member(&self, id: &str) -> Result<&Member, Fault> {
        self.members.get(id).ok_or_else(|| unknown(id))
    }

    /// All instances by id, also those that have terminated.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members.iter().map(|(id, member)| (id.as_str(), member))
    }
}

impl Member {
    /// What EC2 says of the status checks, which it does only of instances that run.
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

    /// What SSM says of the agent, once it has registered. It keeps saying `Online` for a while after the agent, or
    /// the instance, is gone.
    #[must_use]
    pub fn agent(&self, now: Timestamp) -> Option<PingStatus> {
        let last = self.last_ping(now)?;
        let stale = now.since(last) >= self.behaviour.agent.stale_for;
        Some(if stale { PingStatus::ConnectionLost } else { PingStatus::Online })
    }

    /// When the agent was last heard of; never, if it has not registered.
    #[must_use]
    pub fn last_ping(&self, now: Timestamp) -> Option<Timestamp> {
        let Agent { registers_after, lost_after, .. } = self.behaviour.agent;
        let registered = self.launched + registers_after?;
        let silent_since = lost_after.map(|span| self.launched + span).into_iter().chain(self.terminated).min();
        let has_pinged = silent_since.is_none_or(|silent| registered < silent) && registered <= now;
        has_pinged.then(|| silent_since.map_or(now, |silent| silent.min(now)))
    }

    /// When user data leaves its marker, if it does.
    #[must_use]
    pub fn marker_due(&self) -> Option<Timestamp> {
        match self.behaviour.ready {
            Ready::After(span) | Ready::FailedAfter(span, _) => Some(self.launched + span),
            Ready::Never => None,
        }
    }

    /// What user data has left behind.
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
