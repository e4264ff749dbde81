//! The launch gate under virtual time: the decision of `lifecycle-hook`, at the times at which its messages are received,
//! on instances that boot as a seed says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use auto_scaling::{ActionKey, AutoScaling, Instance, LifecycleActionResult, LifecycleState};
use environment::hook_settings::{Gate, OnTimeout};
use lifecycle_hook::facts::{Agent, Checks, ObservedInstance, State, UserData};
use lifecycle_hook::gate::{Verdict, decide};
use lifecycle_hook::pace::{INITIAL_INTERVAL, next_poll};

use super::Flaw;
use crate::rows::Dice;

/// The default of `LaunchGateSeconds`.
pub const LAUNCH_GATE: Duration = Duration::from_mins(10);

/// The user data ends at this time after the launch hook began to wait, in milliseconds: as in the bench's row of the gate,
/// 70 to 180 s after the launch.
const USER_DATA_MS: (u64, u64) = (30_000, 140_000);
/// EC2 terminates an instance that it cannot start within seconds: an estimate.
const TERMINATION_MS: (u64, u64) = (2_000, 20_000);
/// The delay of the event of the marker tag, as in the bench's row of the gate.
const EVENT_DELAY_MS: (u64, u64) = (1_000, 10_000);
/// The chance that EventBridge loses the event, in percent: "best effort" in its user guide, without a number.
const LOST_EVENTS: u64 = 20;

/// The gate of all launches of one case. Equal seeds have equal boots, by the number of the launch.
pub(super) struct LaunchGate {
    seed: u64,
    launches: Cell<u64>,
    waits: RefCell<BTreeMap<String, Wait>>,
}

/// An instance that waits for its hook.
struct Wait {
    since: auto_scaling::Timestamp,
    next_poll: auto_scaling::Timestamp,
    boot: Boot,
}

/// What happens on an instance, and when.
#[derive(Clone, Copy)]
struct Boot {
    flaw: Flaw,
    /// The end of its user data, or of the instance.
    ends: auto_scaling::Timestamp,
    /// When the event of the marker tag arrives, unless it is lost.
    event: Option<auto_scaling::Timestamp>,
}

impl LaunchGate {
    pub fn new(seed: u64) -> LaunchGate {
        LaunchGate { seed, launches: Cell::default(), waits: RefCell::default() }
    }

    /// Judges every instance that waits and is due, and completes the actions of those with a verdict. `flaw_of` is the flaw
    /// of a new launch. Returns the ids of the abandoned instances.
    pub fn judge(
        &self,
        (simulator, group): (&mut AutoScaling, &str),
        now: auto_scaling::Timestamp,
        flaw_of: impl Fn(&Instance) -> Flaw,
    ) -> Vec<String> {
        let Ok(found) = simulator.group(group) else { return vec![] };
        let waiting = found.instances.iter().filter(|it| it.state == LifecycleState::PendingWait);
        let waiting: Vec<Instance> = waiting.cloned().collect();
        let mut waits = self.waits.borrow_mut();
        waits.retain(|id, _| waiting.iter().any(|it| it.id == *id));
        let mut abandoned = vec![];
        for instance in waiting {
            let wait = waits.entry(instance.id.clone()).or_insert_with(|| self.wait(flaw_of(&instance), now));
            if wait.boot.flaw == Flaw::Terminated && wait.boot.ends <= now {
                // Auto Scaling finds and replaces it: the gate is too late.
                let _ = simulator.terminated_by_ec2(&instance.id, now);
                continue;
            }
            if wait.next_poll > now && wait.boot.event.is_none_or(|event| event > now) {
                continue;
            }
            wait.boot.event = wait.boot.event.filter(|event| *event > now);
            let gate = Gate {
                seconds: u32::try_from(LAUNCH_GATE.as_secs()).unwrap_or(u32::MAX),
                on_timeout: OnTimeout::Abandon,
            };
            let waited = now.since(wait.since);
            let result = match decide(gate, &Ok(wait.boot.observed(now)), &Ok(vec![]), Some(waited), now.0) {
                Verdict::Continue(_) => LifecycleActionResult::Continue,
                Verdict::Abandon(_) => LifecycleActionResult::Abandon,
                Verdict::Wait(_) => {
                    let left = LAUNCH_GATE.saturating_sub(waited).max(Duration::from_secs(1));
                    wait.next_poll = now + next_poll(waited, INITIAL_INTERVAL).min(left);
                    continue;
                }
            };
            for action in &instance.actions {
                let key = ActionKey::token(&action.token);
                let completed = simulator.complete_lifecycle_action(group, &action.hook.name, key, result, now);
                completed.expect("the action waits");
            }
            if result == LifecycleActionResult::Abandon {
                abandoned.push(instance.id);
            }
        }
        abandoned
    }

    fn wait(&self, flaw: Flaw, now: auto_scaling::Timestamp) -> Wait {
        let launch = self.launches.replace(self.launches.get() + 1);
        let mut dice = Dice::new(usize::try_from(self.seed * 1_000 + launch).unwrap_or_default());
        let mut between = |(least, most): (u64, u64)| Duration::from_millis(least + dice.below(most - least));
        let ends = now + between(if flaw == Flaw::Terminated { TERMINATION_MS } else { USER_DATA_MS });
        let event = ends + between(EVENT_DELAY_MS);
        let is_lost = dice.percent(LOST_EVENTS);
        Wait { since: now, next_poll: now, boot: Boot { flaw, ends, event: (!is_lost).then_some(event) } }
    }
}

impl Boot {
    /// What EC2 and SSM report of the instance.
    fn observed(self, now: auto_scaling::Timestamp) -> ObservedInstance {
        let user_data = match self.flaw {
            _ if now < self.ends => UserData::Unreported,
            Flaw::Silent => UserData::Unreported,
            Flaw::UserData => UserData::Failed(String::from("failed at line 12")),
            _ => UserData::Done,
        };
        let is_online = !matches!(self.flaw, Flaw::Silent | Flaw::NoAgent);
        ObservedInstance {
            state: State::Running,
            state_reason: None,
            user_data,
            started_ms: None,
            is_spot: false,
            checks: Ok(Checks::Unreported),
            agent: Ok(if is_online { Agent::Online } else { Agent::Unregistered }),
        }
    }
}
