//! Instances that wait for lifecycle hooks, while calls of the function that answers go wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::Sickness;
use environment::hook_settings::{Drain, HookSettings, Task};
use lifecycle_hook::cloud::Ends;
use test_support::hooks::{Fault, TARGETS, World, gate, settings};

use super::Row;
use crate::life::Verdict;

const HOUR: Duration = Duration::from_hours(1);
/// The instances, in the order of their lives.
const ID: [&str; 3] = ["i-00000000000000001", "i-00000000000000002", "i-00000000000000003"];
const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Lost, Fault::Killed, Fault::KilledAfter];

pub(super) fn rows() -> Vec<Row> {
    let golden = world();
    live(&golden);
    // After the last wait there are only sweeps, which find nothing.
    let last = golden.calls.borrow().iter().rposition(|it| *it == "complete").unwrap_or_default();
    let name = "lifecycle hooks: every call goes wrong in every way";
    vec![Row { name, cases: (last + 1) * FAULTS.len(), short: 1, play: Box::new(play), seeded: false }]
}

/// A group that serves a target group; another one has its instances by hand, so that they have to leave it.
fn world() -> World {
    let target_groups = vec![TARGETS.to_owned()];
    let served = |task| HookSettings { target_groups: target_groups.clone(), ..settings(task) };
    World::with(1, &served(gate(600)), &served(Task::Drain(Drain { seconds: 300 })))
}

/// One instance is sick and is replaced, one is healthy and is interrupted by EC2, one takes its place and ends, though no event
/// tells of that; and somebody sends what makes no sense.
fn live(world: &World) {
    world.fleet.borrow_mut().make_next_sick(1, &Sickness::FailedAt("line 12".into()));
    world.scale_to(1);
    world.send(String::from("no { JSON"), world.now.get());
    world.pass(HOUR);
    let (second, third) = (ID[1], ID[2]);
    world.targets.borrow_mut().insert(second.to_owned(), None);
    world.scaling.borrow_mut().interrupt_spot_instance(second, world.now.get()).unwrap_or_default();
    world.pass(HOUR);
    world.targets.borrow_mut().insert(third.to_owned(), None);
    world.scale_to(0);
    world.run(world.now.get() + HOUR, &mut |_, _| {});
}

fn play(case: usize) -> Verdict {
    let world = world();
    let (call, fault) = (case / FAULTS.len(), FAULTS[case % FAULTS.len()]);
    world.faults.borrow_mut().insert(call, fault);
    live(&world);
    let (leaked, unanswered) = (world.states().len(), world.messages.borrow().len());
    let completed = world.completed.borrow();
    let told = ID.map(|id| completed.get(id).cloned().unwrap_or_default());
    let answers = told == [vec![Ends::Abandon, Ends::Continue], vec![Ends::Continue; 2], vec![Ends::Continue; 2]];
    // Killed after it was written, it is written once more; killed after it was put away, it is put away once more.
    let (evidence, buried) = (world.written.borrow().len(), world.buried.borrow().len());
    let differently = world.answered.borrow().values().filter(|it| it.len() > 1).count();
    let kept = (1..=2).contains(&evidence) && (1..=2).contains(&buried);
    // An invocation that is killed may not come to tell, and what the ledger refuses is not told again.
    let may_be_untold = matches!(fault, Fault::Killed | Fault::KilledAfter) || world.calls.borrow()[call] == "tell";
    let verdicts = verdicts(&world);
    let ledger = may_be_untold || verdicts.len() == 2 * ID.len();
    let converged = answers && kept && ledger && differently + leaked + unanswered == 0;
    let why =
        format!("answers {told:?}, evidence {evidence} times, put away {buried} times, the ledger knows {verdicts:?}");
    Verdict { converged, leaked, duplicated: 0, unanswered, why }
}

/// What the ledger knows: which waits ended.
fn verdicts(world: &World) -> BTreeSet<(String, String)> {
    let told = world.told.borrow();
    told.iter().map(|it| (it["detail-type"].to_string(), it["detail"]["EC2InstanceId"].to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the function calls is in the row, so that it goes wrong there.
    #[test]
    fn every_kind_of_call_is_played() {
        let world = world();
        live(&world);
        let calls = world.calls.borrow();
        let kinds: BTreeSet<&str> = calls.iter().copied().collect();
        let expected = [
            "bury",
            "come_back",
            "complete",
            "delete_ends_ms",
            "drain",
            "drained",
            "evidence",
            "group_of",
            "heartbeat",
            "hooks",
            "leave",
            "put",
            "see",
            "since",
            "targets",
            "tell",
            "waiting",
            "write",
        ];
        assert_eq!(kinds, BTreeSet::from(expected));
    }
}
