//! Decides the next step for a terminating instance. Pure.

use std::fmt;

use crate::error::HookError;
use crate::facts::{Agent, Command, ObservedInstance, State, Target};

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// No work remains.
    Finish(DrainOutcome),
    /// Deregister the instance from its target groups.
    DeregisterTargets,
    /// Send the drain command.
    SendCommand,
    /// Wait; the conditions that are not met.
    Wait(Vec<String>),
}

/// The end of a drain. Every end lets the termination proceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrainOutcome {
    /// The drain command succeeded.
    Drained,
    /// The instance is terminated.
    Terminated,
    /// The instance is stopped.
    Stopped,
    /// The instance enters a warm pool, where its services keep running.
    EntersWarmPool,
    /// The drain command failed; the details of SSM.
    CommandFailed(String),
    /// The drain command cannot be sent: SSM's agent is not online.
    AgentOffline,
    /// The drain command was rejected: SSM's agent went offline after the observation.
    AgentLost,
    /// The time ran out; the conditions that were not met.
    TimedOut(Vec<String>),
}

impl fmt::Display for DrainOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DrainOutcome::Drained => f.write_str("drained"),
            DrainOutcome::Terminated => f.write_str("the instance is terminated"),
            DrainOutcome::Stopped => f.write_str("the instance is stopped"),
            DrainOutcome::EntersWarmPool => {
                f.write_str("the instance enters the warm pool, so its services keep running")
            }
            DrainOutcome::CommandFailed(details) => write!(f, "the drain failed: {details}"),
            DrainOutcome::AgentOffline => f.write_str("the drain command cannot be sent: its SSM agent is not online"),
            DrainOutcome::AgentLost => f.write_str("its SSM agent can no longer receive the drain command"),
            DrainOutcome::TimedOut(unmet) => {
                write!(f, "the drain timed out while it waited for: {}", unmet.join("; "))
            }
        }
    }
}

/// How long EC2 keeps a Spot instance after the interruption warning: two minutes (the EC2 user guide).
pub(crate) const SPOT_NOTICE_MS: u64 = 2 * 60 * 1_000;

/// The facts about the instance; for a fact that could not be observed, the error.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The instance itself.
    pub observed: Result<ObservedInstance, HookError>,
    /// The drain command that was sent to the instance, if any.
    pub command: Result<Command, HookError>,
    /// One for each target group of the environment.
    pub targets: Result<Vec<Target>, HookError>,
}

/// The deadlines of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The current time. All times are in ms since the epoch.
    pub now_ms: u64,
    /// Until when the drain waits for the target groups: half of the time, so that the second half is left for the
    /// services of the instance.
    pub targets_deadline_ms: u64,
    /// The end of the drain.
    pub drain_deadline_ms: u64,
}

/// Decides on an instance with these deadlines.
///
/// Deregistration comes first: the instance leaves its target groups, and requests in flight finish, before its
/// services stop. An instance that is terminated, or that cannot be reached, delays no termination.
#[must_use]
pub fn decide(facts: &Facts, deadlines: Deadlines) -> Step {
    if let Ok(observed) = &facts.observed {
        match observed.state {
            State::Terminated | State::Unknown => return Step::Finish(DrainOutcome::Terminated),
            State::Stopped => return Step::Finish(DrainOutcome::Stopped),
            State::Pending | State::Running | State::Other(_) => {}
        }
    }
    match &facts.command {
        Ok(Command::Succeeded) => return Step::Finish(DrainOutcome::Drained),
        Ok(Command::Failed(details)) => return Step::Finish(DrainOutcome::CommandFailed(details.clone())),
        Ok(Command::NotSent | Command::Running) | Err(_) => {}
    }
    if deadlines.now_ms >= deadlines.drain_deadline_ms {
        return Step::Finish(DrainOutcome::TimedOut(unmet_conditions(facts)));
    }
    if facts.command != Ok(Command::NotSent) {
        return Step::Wait(unmet_conditions(facts));
    }
    if deadlines.now_ms < deadlines.targets_deadline_ms {
        match &facts.targets {
            Ok(targets) if targets.iter().any(is_registered) => return Step::DeregisterTargets,
            Ok(targets) if !targets.contains(&Target::Draining) => {}
            Ok(_) | Err(_) => return Step::Wait(unmet_conditions(facts)),
        }
    }
    match facts.observed.as_ref().map(|observed| &observed.agent) {
        Ok(Ok(Agent::Online)) => Step::SendCommand,
        Ok(Ok(Agent::Unregistered | Agent::Lost)) => Step::Finish(DrainOutcome::AgentOffline),
        Ok(Err(_)) | Err(_) => Step::Wait(unmet_conditions(facts)),
    }
}

fn is_registered(target: &Target) -> bool {
    matches!(target, Target::Healthy | Target::NotHealthy(_))
}

fn unmet_conditions(facts: &Facts) -> Vec<String> {
    let agent = facts.observed.as_ref().ok().and_then(|observed| observed.agent.as_ref().err());
    let unknown = [facts.observed.as_ref().err(), agent, facts.command.as_ref().err(), facts.targets.as_ref().err()];
    let mut unmet: Vec<String> = unknown.into_iter().flatten().map(ToString::to_string).collect();
    match &facts.command {
        Ok(Command::Running) => unmet.push("the drain command".into()),
        Ok(Command::NotSent) if facts.targets.as_ref().is_ok_and(|all| all.contains(&Target::Draining)) => {
            unmet.push("deregistration from its target groups".into());
        }
        Ok(Command::NotSent) => unmet.push("the start of the drain".into()),
        Ok(_) | Err(_) => {}
    }
    unmet
}
