//! Whether a new instance goes into service. Pure.
//!
//! Three answers, not two: what is not seen to be healthy is not ill for that. An agent may be slow to register, and a
//! read may miss what is new; so without evidence there is only waiting, until the gate's own time is up.

use std::time::Duration;

use environment::hook_settings::{Gate, OnTimeout};

use crate::facts::{Agent, Checks, ObservedInstance, State, Target, UserData};

/// What becomes of an instance that waits to go into service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes into service; why.
    Continue(String),
    /// It is replaced; why, a sentence each.
    Abandon(Vec<String>),
    /// Nobody can say yet; what for.
    Wait(Vec<String>),
}

/// For how long EC2 may not know an instance that Auto Scaling has just made: its reads lag, and peers look for up to 5
/// minutes (ARCHITECTURE, Facts).
const UNKNOWN_FOR: Duration = Duration::from_mins(5);

/// For how long a status check may fail before it counts: 2 minutes, so that a check does not count that fails only while
/// the instance boots.
const IMPAIRED_FOR: Duration = Duration::from_mins(2);

/// Judges an instance that has waited for so long, if that is known, by what is seen of it; of what can't be seen, by the
/// sentence why.
///
/// Evidence of health is that user data ran to its end and that the agent is there, not that the status checks have
/// passed: those take minutes to say so, and only their failure tells anything more.
#[must_use]
pub fn decide(
    gate: Gate,
    observed: &Result<ObservedInstance, String>,
    targets: &Result<Vec<Target>, String>,
    waited: Option<Duration>,
    now_ms: u64,
) -> Verdict {
    let observed = match observed {
        Ok(observed) => observed,
        Err(reason) => return timed(gate, vec![reason.clone()], waited),
    };
    let ill = illness(observed, waited, now_ms);
    if !ill.is_empty() {
        return Verdict::Abandon(ill);
    }
    let waiting_for = what_is_missing(observed, targets);
    if waiting_for.is_empty() {
        let after = waited.map(|it| format!(" after {} s", it.as_secs())).unwrap_or_default();
        return Verdict::Continue(format!("healthy{after}: user data is done, and the agent is online"));
    }
    timed(gate, waiting_for, waited)
}

/// When waiting ends, it ends as the environment wants it.
fn timed(gate: Gate, waiting_for: Vec<String>, waited: Option<Duration>) -> Verdict {
    let Some(waited) = waited.filter(|it| *it >= Duration::from_secs(gate.seconds.into())) else {
        return Verdict::Wait(waiting_for);
    };
    let told = format!("after {} s it still waits for: {}", waited.as_secs(), waiting_for.join("; "));
    match gate.on_timeout {
        OnTimeout::Abandon => Verdict::Abandon(vec![told]),
        OnTimeout::Continue => Verdict::Continue(format!("LaunchGateOnTimeout is Continue, and {told}")),
    }
}

/// What is certainly wrong.
fn illness(observed: &ObservedInstance, waited: Option<Duration>, now_ms: u64) -> Vec<String> {
    let mut ill = Vec::new();
    match &observed.state {
        State::Terminated => ill.push(String::from("EC2 has ended it")),
        State::Unknown if waited.is_some_and(|it| it >= UNKNOWN_FOR) => ill.push(String::from("EC2 does not know it")),
        _ => {}
    }
    if let UserData::Failed(reason) = &observed.user_data {
        ill.push(format!("its user data {reason}"));
    }
    if let Ok(Checks::Impaired { since_ms }) = observed.checks {
        let failed = since_ms.map(|since_ms| Duration::from_millis(now_ms.saturating_sub(since_ms)));
        // Where EC2 does not say since when, it may have been since the wait began.
        if failed.or(waited).is_some_and(|it| it >= IMPAIRED_FOR) {
            let long = failed.map(|it| format!(" for {} s", it.as_secs())).unwrap_or_default();
            ill.push(format!("a status check has failed{long}"));
        }
    }
    ill
}

/// What is not there yet.
fn what_is_missing(observed: &ObservedInstance, targets: &Result<Vec<Target>, String>) -> Vec<String> {
    let mut missing = Vec::new();
    match &observed.state {
        State::Running | State::Terminated => {}
        State::Unknown => missing.push(String::from("EC2 to know it")),
        State::Pending => missing.push(String::from("EC2 to start it")),
        State::Stopped => missing.push(String::from("EC2 to start it again: it is stopped")),
        State::Other(state) => missing.push(format!("EC2 to say running instead of {state}")),
    }
    if observed.user_data == UserData::Unreported {
        missing.push(String::from("its user data to end"));
    }
    match &observed.agent {
        Ok(Agent::Online) => {}
        Ok(Agent::Unregistered) => missing.push(String::from("its SSM agent to register")),
        Ok(Agent::Lost) => missing.push(String::from("its SSM agent to come back")),
        Err(reason) => missing.push(reason.clone()),
    }
    match &observed.checks {
        Ok(Checks::Passed | Checks::Unreported) => {}
        Ok(Checks::Impaired { .. }) => missing.push(String::from("a status check to pass")),
        Err(reason) => missing.push(reason.clone()),
    }
    missing.extend(targets.as_ref().err().cloned());
    missing.extend(targets.iter().flatten().filter_map(|target| match target {
        Target::NotHealthy(reason) => Some(format!("its target group to find it healthy: {reason}")),
        Target::Draining => Some(String::from("its target group, which lets it go")),
        Target::Absent | Target::Healthy => None,
    }));
    missing
}
