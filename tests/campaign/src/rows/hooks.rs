//! Instances that wait for lifecycle hooks, while calls of the function that answers go wrong.

use std::time::Duration;

use auto_scaling::Sickness;
use lifecycle_hook::cloud::Ends;
use test_support::hooks::{Fault, World};

use super::Row;
use crate::life::Verdict;

const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Lost, Fault::Killed, Fault::KilledAfter];

pub(super) fn rows() -> Vec<Row> {
    let golden = World::new(1);
    live(&golden);
    // After the last wait there are only sweeps, which find nothing.
    let last = golden.calls.borrow().iter().rposition(|it| *it == "complete").unwrap_or_default();
    let name = "lifecycle hooks: every call goes wrong in every way";
    vec![Row { name, cases: (last + 1) * FAULTS.len(), short: 1, play: Box::new(play), seeded: false }]
}

/// One instance is sick and is replaced, one is healthy, and both end.
fn live(world: &World) {
    world.fleet.borrow_mut().make_next_sick(1, &Sickness::FailedAt("line 12".into()));
    world.scale_to(1);
    world.pass(Duration::from_hours(1));
    world.scale_to(0);
    world.pass(Duration::from_hours(1));
}

fn play(case: usize) -> Verdict {
    let world = World::new(1);
    world.faults.borrow_mut().insert(case / FAULTS.len(), FAULTS[case % FAULTS.len()]);
    live(&world);
    let (leaked, unanswered) = (world.states().len(), world.messages.borrow().len());
    let completed = world.completed.borrow();
    let told = |id: &str| completed.get(id).cloned().unwrap_or_default();
    let (sick, healthy) = (told("i-00000000000000001"), told("i-00000000000000002"));
    let answers = [sick.clone(), healthy.clone()] == [[Ends::Abandon, Ends::Continue], [Ends::Continue; 2]];
    // Killed after it was written, it is written once more.
    let evidence = world.written.borrow().len();
    let converged = answers && (1..=2).contains(&evidence) && leaked + unanswered == 0;
    let why = format!("the sick one: {sick:?}, the healthy one: {healthy:?}, evidence {evidence} times");
    Verdict { converged, leaked, duplicated: 0, unanswered, why }
}
