//! Decides the next step for a terminating instance. Pure.

use crate::facts::{Agent, Command, ObservedInstance, State, Target};

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// No work remains; the result.
    Finish(String),
    /// Deregister the instance from its target groups.
    DeregisterTargets,
    /// Send the drain command.
    SendCommand,
    /// Wait; the conditions that are not met.
    Wait(Vec<String>),
}

/// The result of a drain that succeeded.
pub const DRAINED: &str = "drained";

/// The facts about the instance; for a fact that could not be observed, the reason as a sentence.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The instance itself.
    pub observed: Result<ObservedInstance, String>,
    /// The drain command that was sent to the instance, if any.
    pub command: Result<Command, String>,
    /// One for each target group of the environment.
    pub targets: Result<Vec<Target>, String>,
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
            State::Terminated | State::Unknown => return Step::Finish("the instance is terminated".into()),
            State::Stopped => return Step::Finish("the instance is stopped".into()),
            State::Pending | State::Running | State::Other(_) => {}
        }
    }
    match &facts.command {
        Ok(Command::Succeeded) => return Step::Finish(DRAINED.into()),
        Ok(Command::Failed(reason)) => return Step::Finish(format!("the drain failed: {reason}")),
        Ok(Command::NotSent | Command::Running) | Err(_) => {}
    }
    if deadlines.now_ms >= deadlines.drain_deadline_ms {
        return Step::Finish(format!(
            "the drain timed out while it waited for: {}",
            unmet_conditions(facts).join("; ")
        ));
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
        Ok(Ok(Agent::Unregistered | Agent::Lost)) => {
            Step::Finish("the drain command cannot be sent: its SSM agent is not online".into())
        }
        Ok(Err(_)) | Err(_) => Step::Wait(unmet_conditions(facts)),
    }
}

fn is_registered(target: &Target) -> bool {
    matches!(target, Target::Healthy | Target::NotHealthy(_))
}

fn unmet_conditions(facts: &Facts) -> Vec<String> {
    let agent = facts.observed.as_ref().ok().and_then(|observed| observed.agent.as_ref().err());
    let unknown = [facts.observed.as_ref().err(), agent, facts.command.as_ref().err(), facts.targets.as_ref().err()];
    let mut unmet: Vec<String> = unknown.into_iter().flatten().cloned().collect();
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
