//! Instances that wait for lifecycle hooks, while calls of the function that answers go wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::InstanceFailure;
use environment::hook_settings::{Drain, HookSettings, HookTask};
use lifecycle_hook::cloud::HookResult;
use test_support::hooks::{Fault, Harness, TARGETS, gate, settings};

use super::Row;
use crate::life::Verdict;

const HOUR: Duration = Duration::from_hours(1);
/// The instances, in the order of their lives.
const ID: [&str; 3] = ["i-00000000000000001", "i-00000000000000002", "i-00000000000000003"];
const FAULTS: [Fault; 4] = [Fault::Rejected, Fault::ResponseLost, Fault::KilledBefore, Fault::KilledAfter];

pub(super) fn rows() -> Vec<Row> {
    let golden = harness();
    observed(&golden);
    // After the last wait there are only sweeps, which find nothing.
    let last = golden.calls.borrow().iter().rposition(|it| *it == "complete").unwrap_or_default();
    let name = "lifecycle hooks: every call goes wrong in every way";
    vec![Row { name, cases: (last + 1) * FAULTS.len(), short: 1, play: Box::new(play), seeded: false }]
}

/// A group that serves a target group; another one has its instances by hand, so that they have to leave it.
fn harness() -> Harness {
    let target_groups = vec![TARGETS.to_owned()];
    let served = |task| HookSettings { target_groups: target_groups.clone(), ..settings(task) };
    Harness::with(1, &served(gate(600)), &served(HookTask::Drain(Drain { seconds: 300 })))
}

/// One instance is sick and is replaced, one is healthy and is interrupted by EC2, one takes its place and ends, though no event
/// tells of that; and somebody sends what makes no sense.
fn observed(harness: &Harness) {
    harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
    harness.scale_to(1);
    harness.send(String::from("no { JSON"), harness.now.get());
    harness.advance(HOUR);
    let (second, third) = (ID[1], ID[2]);
    harness.targets.borrow_mut().insert(second.to_owned(), None);
    harness.scaling.borrow_mut().interrupt_spot_instance(second, harness.now.get()).unwrap_or_default();
    harness.advance(HOUR);
    harness.targets.borrow_mut().insert(third.to_owned(), None);
    harness.scale_to(0);
    harness.run(harness.now.get() + HOUR, &mut |_, _| {});
}

fn play(case: usize) -> Verdict {
    let harness = harness();
    let (call, fault) = (case / FAULTS.len(), FAULTS[case % FAULTS.len()]);
    harness.faults.borrow_mut().insert(call, fault);
    observed(&harness);
    let (leaked, unanswered) = (harness.states().len(), harness.messages.borrow().len());
    let completed = harness.completed.borrow();
    let told = ID.map(|id| completed.get(id).cloned().unwrap_or_default());
    let responses = told
        == [
            vec![HookResult::Abandon, HookResult::Continue],
            vec![HookResult::Continue; 2],
            vec![HookResult::Continue; 2],
        ];
    // Killed after it was written, it is written once more; killed after it was put away, it is put away once more.
    let (evidence, dead_lettered) = (harness.written.borrow().len(), harness.dead_lettered.borrow().len());
    let differently = harness.attempted_results.borrow().values().filter(|it| it.len() > 1).count();
    let kept = (1..=2).contains(&evidence) && (1..=2).contains(&dead_lettered);
    // An invocation that is killed may not come to tell, and what the ledger refuses is not told again.
    let may_be_untold = matches!(fault, Fault::KilledBefore | Fault::KilledAfter) || harness.calls.borrow()[call] == "publish";
    let verdicts = verdicts(&harness);
    let ledger = may_be_untold || verdicts.len() == 2 * ID.len();
    let converged = responses && kept && ledger && differently + leaked + unanswered == 0;
    let reason = format!(
        "answers {told:?}, evidence {evidence} times, put away {dead_lettered} times, the ledger knows {verdicts:?}"
    );
    Verdict { converged, leaked, duplicated: 0, unanswered, reason }
}

/// What the ledger knows: which waits ended.
fn verdicts(harness: &Harness) -> BTreeSet<(String, String)> {
    let told = harness.published.borrow();
    told.iter().map(|it| (it["detail-type"].to_string(), it["detail"]["EC2InstanceId"].to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the function calls is in the row, so that it goes wrong there.
    #[test]
    fn every_kind_of_call_is_played() {
        let harness = harness();
        observed(&harness);
        let calls = harness.calls.borrow();
        let kinds: BTreeSet<&str> = calls.iter().copied().collect();
        let expected = [
            "dead_letter",
            "requeue",
            "complete",
            "delete_deadline_ms",
            "send_drain_command",
            "drain_status",
            "evidence",
            "group_of",
            "heartbeat",
            "owned_hooks",
            "deregister",
            "enqueue",
            "observe_instances",
            "start_times",
            "target_health",
            "publish",
            "waiting_instances",
            "write",
        ];
        assert_eq!(kinds, BTreeSet::from(expected));
    }
}
