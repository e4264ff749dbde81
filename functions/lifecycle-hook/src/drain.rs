//! What is done next with an instance that ends. Pure.

use crate::facts::{Agent, Command, ObservedInstance, State, Target};

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is nothing more to do; how it ended.
    Finish(String),
    /// It is taken out of its target groups.
    LeaveTargets,
    /// The drain command is sent.
    Send,
    /// It takes a while; what for.
    Wait(Vec<String>),
}

/// How it ended where nothing went wrong.
pub const DRAINED: &str = "drained";

/// What is known of it; what could not be found out is the sentence why.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The instance itself.
    pub observed: Result<ObservedInstance, String>,
    /// The drain command that was sent to it, if one was.
    pub command: Result<Command, String>,
    /// One for each target group of its environment.
    pub targets: Result<Vec<Target>, String>,
}

/// The time that a drain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// In ms since the epoch, as the others.
    pub now_ms: u64,
    /// Until when its target groups are waited for: half of the time, so that the other half is left for its services.
    pub targets_ms: u64,
    /// When all of it is over.
    pub ends_ms: u64,
}

/// Decides for an instance that has this time.
///
/// What it serves goes first: it leaves its target groups, and what is on its way there ends, before its services stop. An
/// instance that is gone, or that nobody can reach, holds up nobody.
#[must_use]
pub fn decide(facts: &Facts, time: Time) -> Step {
    if let Ok(observed) = &facts.observed {
        match observed.state {
            State::Terminated | State::Unknown => return Step::Finish("the instance is gone".into()),
            State::Stopped => return Step::Finish("the instance is stopped".into()),
            State::Pending | State::Running | State::Other(_) => {}
        }
    }
    match &facts.command {
        Ok(Command::Succeeded) => return Step::Finish(DRAINED.into()),
        Ok(Command::Failed(reason)) => return Step::Finish(format!("the drain failed: {reason}")),
        Ok(Command::NotSent | Command::Running) | Err(_) => {}
    }
    if time.now_ms >= time.ends_ms {
        return Step::Finish(format!("its time was up while it waited for: {}", waits(facts).join("; ")));
    }
    if facts.command != Ok(Command::NotSent) {
        return Step::Wait(waits(facts));
    }
    if time.now_ms < time.targets_ms {
        match &facts.targets {
            Ok(targets) if targets.iter().any(is_in) => return Step::LeaveTargets,
            Ok(targets) if !targets.contains(&Target::Draining) => {}
            Ok(_) | Err(_) => return Step::Wait(waits(facts)),
        }
    }
    match facts.observed.as_ref().map(|observed| &observed.agent) {
        Ok(Ok(Agent::Online)) => Step::Send,
        Ok(Ok(Agent::Unregistered | Agent::Lost)) => {
            Step::Finish("nobody can be asked to drain it: its SSM agent is not online".into())
        }
        Ok(Err(_)) | Err(_) => Step::Wait(waits(facts)),
    }
}

fn is_in(target: &Target) -> bool {
    matches!(target, Target::Healthy | Target::NotHealthy(_))
}

fn waits(facts: &Facts) -> Vec<String> {
    let agent = facts.observed.as_ref().ok().and_then(|observed| observed.agent.as_ref().err());
    let unknown = [facts.observed.as_ref().err(), agent, facts.command.as_ref().err(), facts.targets.as_ref().err()];
    let mut waits: Vec<String> = unknown.into_iter().flatten().cloned().collect();
    match &facts.command {
        Ok(Command::Running) => waits.push("the drain command".into()),
        Ok(Command::NotSent) if facts.targets.as_ref().is_ok_and(|all| all.contains(&Target::Draining)) => {
            waits.push("its target groups to let it go".into());
        }
        Ok(Command::NotSent) => waits.push("its turn".into()),
        Ok(_) | Err(_) => {}
    }
    waits
}
