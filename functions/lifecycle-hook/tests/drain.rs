//! Every combination of what is known of an instance that ends, and what is done next.

use lifecycle_hook::drain::{Facts, Step, Deadlines, decide};
use lifecycle_hook::facts::{Agent, Checks, Command, ObservedInstance, State, Target, UserData};

const NOW_MS: u64 = 1_000_000;

fn observed(state: State, agent: Result<Agent, String>) -> ObservedInstance {
    ObservedInstance { state, user_data: UserData::Done, started_ms: None, checks: Ok(Checks::Passed), agent }
}

fn unknown<T>() -> Result<T, String> {
    Err(String::from("Throttling"))
}

#[test]
fn it_leaves_its_targets_then_drains_and_whatever_cannot_be_drained_holds_up_nobody() {
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
    let ill = Target::NotHealthy("why".into());
    let targets = [
        Ok(vec![]),
        Ok(vec![Target::Absent]),
        Ok(vec![Target::Healthy, Target::Draining]),
        Ok(vec![Target::Draining, ill]),
        Ok(vec![Target::Absent, Target::Draining]),
        unknown(),
    ];
    let observations =
        states.iter().flat_map(|state| agents.iter().map(|agent| Ok(observed(state.clone(), agent.clone()))));
    let mut combinations = 0;
    for observed in observations.chain([unknown()]) {
        for command in &commands {
            for targets in &targets {
                // Its time is up; half of it is over; it has just begun.
                for (drain_deadline_ms, targets_deadline_ms) in [(NOW_MS, NOW_MS + 1), (NOW_MS + 1, NOW_MS), (NOW_MS + 2, NOW_MS + 1)] {
                    combinations += 1;
                    let facts =
                        Facts { observed: observed.clone(), command: command.clone(), targets: targets.clone() };
                    let step = decide(&facts, Deadlines { now_ms: NOW_MS, targets_deadline_ms, drain_deadline_ms });
                    let served = match targets.as_deref() {
                        _ if targets_deadline_ms == NOW_MS => "no more",
                        Ok([Target::Healthy, ..] | [_, Target::NotHealthy(_)]) => "yes",
                        Ok([_, Target::Draining]) | Err(_) => "still",
                        Ok(_) => "no more",
                    };
                    let agent = observed.as_ref().ok().and_then(|it: &ObservedInstance| it.agent.clone().ok());
                    let expected = match (command, served, agent) {
                        _ if is_over(&facts) || drain_deadline_ms == NOW_MS => "finish",
                        (Ok(Command::NotSent), "yes", _) => "leave",
                        (Ok(Command::NotSent), "no more", Some(Agent::Online)) => "send",
                        (Ok(Command::NotSent), "no more", Some(_)) => "finish",
                        _ => "wait",
                    };
                    let is = match &step {
                        Step::Finish(_) => "finish",
                        Step::DeregisterTargets => "leave",
                        Step::Send => "send",
                        Step::Wait(_) => "wait",
                    };
                    assert_eq!(is, expected, "{facts:?} {drain_deadline_ms} {targets_deadline_ms}: {step:?}");
                    if let Step::Wait(what) = step {
                        assert!(!what.is_empty(), "it says what for: {facts:?}");
                    }
                }
            }
        }
    }
    assert_eq!(combinations, (6 * 4 + 1) * 5 * 6 * 3);
}

fn is_over(facts: &Facts) -> bool {
    let gone =
        facts.observed.as_ref().is_ok_and(|it| matches!(it.state, State::Terminated | State::Unknown | State::Stopped));
    gone || matches!(facts.command, Ok(Command::Succeeded | Command::Failed(_)))
}
