//! Every combination of what is known of an instance that ends, and what is done next.

use lifecycle_hook::drain::{Facts, Step, decide};
use lifecycle_hook::facts::{Agent, Checks, Command, Seen, State, Target, UserData};

const NOW_MS: u64 = 1_000_000;

fn seen(state: State, agent: Agent) -> Seen {
    Seen { state, user_data: UserData::Done, checks: Checks::Passed, agent }
}

fn unknown<T>() -> Result<T, String> {
    Err(String::from("Throttling"))
}

#[test]
fn it_leaves_its_targets_then_drains_and_whatever_cannot_be_drained_holds_up_nobody() {
    let states =
        [State::Unknown, State::Pending, State::Running, State::Stopped, State::Gone, State::Other("new".into())];
    let agents = [Agent::Unregistered, Agent::Online, Agent::Lost];
    let commands = [
        Ok(Command::Unsent),
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
    let looks = states.iter().flat_map(|state| agents.iter().map(|agent| Ok(seen(state.clone(), *agent))));
    let mut combinations = 0;
    for seen in looks.chain([unknown()]) {
        for command in &commands {
            for targets in &targets {
                for ends_ms in [NOW_MS, NOW_MS + 1] {
                    combinations += 1;
                    let facts = Facts { seen: seen.clone(), command: command.clone(), targets: targets.clone() };
                    let step = decide(&facts, NOW_MS, ends_ms);
                    let finishes = is_over(&facts) || ends_ms == NOW_MS || nobody_to_ask(&facts);
                    let expected = match (finishes, command, targets) {
                        (true, _, _) => "finish",
                        (false, Ok(Command::Unsent), Ok(targets)) if seen.is_ok() => match targets.as_slice() {
                            [Target::Healthy, ..] | [_, Target::NotHealthy(_)] => "leave",
                            [_, Target::Draining] => "wait",
                            _ => "send",
                        },
                        _ => "wait",
                    };
                    let is = match &step {
                        Step::Finish(_) => "finish",
                        Step::LeaveTargets => "leave",
                        Step::Send => "send",
                        Step::Wait(_) => "wait",
                    };
                    assert_eq!(is, expected, "{facts:?} {ends_ms}: {step:?}");
                    if let Step::Wait(what) = step {
                        assert!(!what.is_empty(), "it says what for: {facts:?}");
                    }
                }
            }
        }
    }
    assert_eq!(combinations, (6 * 3 + 1) * 5 * 6 * 2);
}

fn is_over(facts: &Facts) -> bool {
    let gone = facts.seen.as_ref().is_ok_and(|it| matches!(it.state, State::Gone | State::Unknown | State::Stopped));
    gone || matches!(facts.command, Ok(Command::Succeeded | Command::Failed(_)))
}

fn nobody_to_ask(facts: &Facts) -> bool {
    facts.command == Ok(Command::Unsent) && facts.seen.as_ref().is_ok_and(|it| it.agent != Agent::Online)
}
