//! Instances that wait for lifecycle hooks, with faults in the calls of the function `lifecycle-hook`.

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::InstanceFailure;
use environment::hook_settings::{Drain, HookSettings, HookTask};
use lifecycle_hook::cloud::HookResult;
use test_support::hooks::{Fault, Harness, TARGETS, gate, settings};

use super::Row;
use crate::lifecycle::Verdict;

const HOUR: Duration = Duration::from_hours(1);
/// The instances, in the order of their launches.
const ID: [&str; 3] = ["i-00000000000000001", "i-00000000000000002", "i-00000000000000003"];
const FAULTS: [Fault; 4] = [Fault::Rejected, Fault::ResponseLost, Fault::KilledBefore, Fault::KilledAfter];

pub(super) fn rows() -> Vec<Row> {
    let baseline = harness();
    run_scenario(&baseline);
    // After the last completed wait only sweeps follow, which find no waiting instance.
    let last = baseline.calls.borrow().iter().rposition(|it| *it == "complete").unwrap_or_default();
    let name = "lifecycle hooks: every fault at every call";
    vec![Row { name, cases: (last + 1) * FAULTS.len(), short: 1, run: Box::new(run), seeded: false }]
}

/// A group with a target group. The tests register instances with another target group manually, so the drain has to
/// deregister them.
fn harness() -> Harness {
    let target_groups = vec![TARGETS.to_owned()];
    let served = |task| HookSettings { target_groups: target_groups.clone(), ..settings(task) };
    Harness::with(1, &served(gate(600)), &served(HookTask::Drain(Drain { seconds: 300 })))
}

/// One instance is unhealthy and is replaced. One is healthy and is interrupted by EC2. One replaces it and terminates
/// without an event. One message is invalid.
fn run_scenario(harness: &Harness) {
    harness.fleet.borrow_mut().make_next_unhealthy(1, &InstanceFailure::FailedAt("line 12".into()));
    harness.scale_to(1);
    harness.send(String::from("not { JSON"), harness.now.get());
    harness.advance(HOUR);
    let (second, third) = (ID[1], ID[2]);
    harness.targets.borrow_mut().insert(second.to_owned(), None);
    harness.scaling.borrow_mut().interrupt_spot_instance(second, harness.now.get()).unwrap_or_default();
    harness.advance(HOUR);
    harness.targets.borrow_mut().insert(third.to_owned(), None);
    harness.scale_to(0);
    harness.run(harness.now.get() + HOUR, &mut |_, _| {});
}

fn run(case: usize) -> Verdict {
    let harness = harness();
    let (call, fault) = (case / FAULTS.len(), FAULTS[case % FAULTS.len()]);
    harness.faults.borrow_mut().insert(call, fault);
    run_scenario(&harness);
    let (leaked, no_response) = (harness.states().len(), harness.messages.borrow().len());
    let completed = harness.completed.borrow();
    let results = ID.map(|id| completed.get(id).cloned().unwrap_or_default());
    let responses = results
        == [
            vec![HookResult::Abandon, HookResult::Continue],
            vec![HookResult::Continue; 2],
            vec![HookResult::Continue; 2],
        ];
    // An invocation that is killed after writing the evidence writes it once more. One that is killed after
    // dead-lettering a message dead-letters it once more.
    let (evidence, dead_lettered) = (harness.written.borrow().len(), harness.dead_lettered.borrow().len());
    let conflicting = harness.attempted_results.borrow().values().filter(|it| it.len() > 1).count();
    let counted = (1..=2).contains(&evidence) && (1..=2).contains(&dead_lettered);
    // A killed invocation may not publish, and an event that the ledger rejects is not published again.
    let may_be_unpublished =
        matches!(fault, Fault::KilledBefore | Fault::KilledAfter) || harness.calls.borrow()[call] == "publish";
    let published = published(&harness);
    // The gate and the drain of each instance, and the Spot notice of one.
    let ledger = may_be_unpublished || published.len() == 2 * ID.len() + 1;
    let converged = responses && counted && ledger && conflicting + leaked + no_response == 0;
    let reason = format!(
        "results {results:?}, evidence written {evidence} times, dead-lettered {dead_lettered} times, published {published:?}"
    );
    Verdict { converged, leaked, duplicated: 0, no_response, reason }
}

/// What was published to the ledger: the type of each event, and its instance.
fn published(harness: &Harness) -> BTreeSet<(String, String)> {
    let results = harness.published.borrow();
    results.iter().map(|it| (it["detail-type"].to_string(), it["detail"]["EC2InstanceId"].to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each call of the function is in the row, so each call has every fault.
    #[test]
    fn every_kind_of_call_has_faults() {
        let harness = harness();
        run_scenario(&harness);
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
            "heartbeat",
            "members",
            "owned_hooks",
            "deregister",
            "enqueue",
            "observe_instances",
            "start_times",
            "target_health",
            "publish",
            "request_due_pass",
            "waiting_instances",
            "write",
        ];
        assert_eq!(kinds, BTreeSet::from(expected));
    }
}
