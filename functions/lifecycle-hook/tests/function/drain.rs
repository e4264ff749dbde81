//! Every combination of facts about a terminating instance, and the next step.

use lambda_kit::AwsCallError;
use lifecycle_hook::drain::{Deadlines, Facts, Step, decide};
use lifecycle_hook::error::HookError;
use lifecycle_hook::facts::{Agent, Checks, Command, ObservedInstance, State, Target, UserData};

const NOW_MS: u64 = 1_000_000;

fn observed(state: State, agent: Result<Agent, HookError>) -> ObservedInstance {
    ObservedInstance {
        state,
        state_reason: None,
        user_data: UserData::Done,
        started_ms: None,
        is_spot: false,
        checks: Ok(Checks::Passed),
        agent,
    }
}

fn unknown<T>() -> Result<T, HookError> {
    Err(AwsCallError::not_built("ssm:ListCommandInvocations", "Throttling").into())
}

#[test]
fn deregistration_precedes_the_drain_and_an_unreachable_instance_delays_no_termination() {
    let states =
        [State::Unknown, State::Pending, State::Running, State::Stopped, State::Terminated, State::Other("new".into())];
    let agents = [Ok(Agent::Unregistered), Ok(Agent::Online), Ok(Agent::Lost), unknown()];
    let commands = [
        Ok(Command::NotSent),
        Ok(Command::Running),
        Ok(Command::Succeeded),
        Ok(Command::Failed("Failed".into())),
        unknown(),
    ];
    let unhealthy = Target::NotHealthy("reason".into());
    let targets = [
        Ok(vec![]),
        Ok(vec![Target::Absent]),
        Ok(vec![Target::Healthy, Target::Draining]),
        Ok(vec![Target::Draining, unhealthy]),
        Ok(vec![Target::Absent, Target::Draining]),
        unknown(),
    ];
    let observations =
        states.iter().flat_map(|state| agents.iter().map(|agent| Ok(observed(state.clone(), agent.clone()))));
    let mut combinations = 0;
    for observed in observations.chain([unknown()]) {
        for command in &commands {
            for targets in &targets {
                // At the deadline; at half of the time; at the beginning.
                for (drain_deadline_ms, targets_deadline_ms) in
                    [(NOW_MS, NOW_MS + 1), (NOW_MS + 1, NOW_MS), (NOW_MS + 2, NOW_MS + 1)]
                {
                    combinations += 1;
                    let facts =
                        Facts { observed: observed.clone(), command: command.clone(), targets: targets.clone() };
                    let step = decide(&facts, Deadlines { now_ms: NOW_MS, targets_deadline_ms, drain_deadline_ms });
                    let registered = match targets.as_deref() {
                        _ if targets_deadline_ms == NOW_MS => "no",
                        Ok([Target::Healthy, ..] | [_, Target::NotHealthy(_)]) => "yes",
                        Ok([_, Target::Draining]) | Err(_) => "still",
                        Ok(_) => "no",
                    };
                    let agent = observed.as_ref().ok().and_then(|it: &ObservedInstance| it.agent.clone().ok());
                    let expected = match (command, registered, agent) {
                        _ if is_finished(&facts) || drain_deadline_ms == NOW_MS => "finish",
                        (Ok(Command::NotSent), "yes", _) => "deregister",
                        (Ok(Command::NotSent), "no", Some(Agent::Online)) => "send",
                        (Ok(Command::NotSent), "no", Some(_)) => "finish",
                        _ => "wait",
                    };
                    let actual = match &step {
                        Step::Finish(_) => "finish",
                        Step::DeregisterTargets => "deregister",
                        Step::SendCommand => "send",
                        Step::Wait(_) => "wait",
                    };
                    assert_eq!(actual, expected, "{facts:?} {drain_deadline_ms} {targets_deadline_ms}: {step:?}");
                    if let Step::Wait(conditions) = step {
                        assert!(!conditions.is_empty(), "the unmet conditions are named: {facts:?}");
                    }
                }
            }
        }
    }
    assert_eq!(combinations, (6 * 4 + 1) * 5 * 6 * 3);
}

fn is_finished(facts: &Facts) -> bool {
    let terminated =
        facts.observed.as_ref().is_ok_and(|it| matches!(it.state, State::Terminated | State::Unknown | State::Stopped));
    terminated || matches!(facts.command, Ok(Command::Succeeded | Command::Failed(_)))
}
