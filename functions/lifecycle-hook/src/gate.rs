//! Decides whether a new instance enters service. Pure.
//!
//! The gate has three verdicts, not two: an instance that is not observed to be healthy is not unhealthy for that
//! reason. An agent may be slow to register, and a read may miss a new instance; so without evidence the gate only
//! waits, until its own time is up.

use std::time::Duration;

use environment::hook_settings::{Gate, OnTimeout};

use crate::error::HookError;
use crate::facts::{Agent, Checks, ObservedInstance, State, Target, UserData};

/// The verdict on an instance that waits to enter service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The instance enters service; the reason.
    Continue(String),
    /// The instance is replaced; the reasons, a sentence each.
    Abandon(Vec<String>),
    /// Not decidable yet; the conditions that are not met.
    Wait(Vec<String>),
}

/// For how long EC2 may not know an instance that Auto Scaling has just launched: EC2 reads lag, and comparable
/// projects poll for up to 5 minutes (ARCHITECTURE, Facts).
const UNKNOWN_LIMIT: Duration = Duration::from_mins(5);

/// For how long a status check may fail before the failure counts: 2 minutes, so that a check does not count that fails
/// only while the instance boots.
const IMPAIRED_LIMIT: Duration = Duration::from_mins(2);

/// Judges an instance by its observation, or by the error where a part was not observed. `waited` is the time since the
/// wait began, if that is known.
///
/// The evidence of health is that the user data ran to its end and that the agent is online, not that the status checks
/// have passed: the checks take minutes to report, and only a failed check adds information.
#[must_use]
pub fn decide(
    gate: Gate,
    observed: &Result<ObservedInstance, HookError>,
    targets: &Result<Vec<Target>, HookError>,
    waited: Option<Duration>,
    now_ms: u64,
) -> Verdict {
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => return decide_at_timeout(gate, vec![error.to_string()], waited),
    };
    let failures = failures_of(observed, waited, now_ms);
    if !failures.is_empty() {
        return Verdict::Abandon(failures);
    }
    let waiting_for = unmet_conditions(observed, targets);
    if waiting_for.is_empty() {
        let after = waited.map(|it| format!(" after {} s", it.as_secs())).unwrap_or_default();
        return Verdict::Continue(format!("healthy{after}: user data is done, and the agent is online"));
    }
    decide_at_timeout(gate, waiting_for, waited)
}

/// At the end of the gate's time, `on_timeout` of the environment decides.
fn decide_at_timeout(gate: Gate, waiting_for: Vec<String>, waited: Option<Duration>) -> Verdict {
    let Some(waited) = waited.filter(|it| *it >= Duration::from_secs(gate.seconds.into())) else {
        return Verdict::Wait(waiting_for);
    };
    let reason = format!("after {} s the instance still waits for: {}", waited.as_secs(), waiting_for.join("; "));
    match gate.on_timeout {
        OnTimeout::Abandon => Verdict::Abandon(vec![reason]),
        OnTimeout::Continue => Verdict::Continue(format!("LaunchGateOnTimeout is Continue, and {reason}")),
    }
}

/// The certain failures.
fn failures_of(observed: &ObservedInstance, waited: Option<Duration>, now_ms: u64) -> Vec<String> {
    let mut failures = Vec::new();
    match &observed.state {
        State::Terminated => {
            let reason = observed.state_reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            failures.push(format!("EC2 has terminated the instance{reason}"));
        }
        State::Unknown if waited.is_some_and(|it| it >= UNKNOWN_LIMIT) => {
            failures.push(String::from("EC2 does not know the instance"));
        }
        _ => {}
    }
    if let UserData::Failed(reason) = &observed.user_data {
        failures.push(format!("its user data {reason}"));
    }
    if let Ok(Checks::Impaired { since_ms }) = observed.checks {
        let failed = since_ms.map(|since_ms| Duration::from_millis(now_ms.saturating_sub(since_ms)));
        // Where EC2 does not report since when, the check may have failed since the wait began.
        if failed.or(waited).is_some_and(|it| it >= IMPAIRED_LIMIT) {
            let duration = failed.map(|it| format!(" for {} s", it.as_secs())).unwrap_or_default();
            failures.push(format!("a status check has failed{duration}"));
        }
    }
    failures
}

/// The conditions of health that are not met yet.
fn unmet_conditions(observed: &ObservedInstance, targets: &Result<Vec<Target>, HookError>) -> Vec<String> {
    let mut unmet = Vec::new();
    match &observed.state {
        State::Running | State::Terminated => {}
        State::Unknown => unmet.push(String::from("EC2 to list the instance")),
        State::Pending => unmet.push(String::from("EC2 to start the instance")),
        State::Stopped => unmet.push(String::from("EC2 to start the stopped instance again")),
        State::Other(state) => unmet.push(format!("EC2 to report running instead of {state}")),
    }
    if observed.user_data == UserData::Unreported {
        unmet.push(String::from("its user data to finish"));
    }
    match &observed.agent {
        Ok(Agent::Online) => {}
        Ok(Agent::Unregistered) => unmet.push(String::from("its SSM agent to register")),
        Ok(Agent::Lost) => unmet.push(String::from("its SSM agent to reconnect")),
        Err(error) => unmet.push(error.to_string()),
    }
    match &observed.checks {
        Ok(Checks::Passed | Checks::Unreported) => {}
        Ok(Checks::Impaired { .. }) => unmet.push(String::from("a status check to pass")),
        Err(error) => unmet.push(error.to_string()),
    }
    unmet.extend(targets.as_ref().err().map(ToString::to_string));
    unmet.extend(targets.iter().flatten().filter_map(|target| match target {
        Target::NotHealthy(reason) => Some(format!("its target group to report it healthy: {reason}")),
        Target::Draining => Some(String::from("its target group, which is deregistering the instance")),
        Target::Absent | Target::Healthy => None,
    }));
    unmet
}
