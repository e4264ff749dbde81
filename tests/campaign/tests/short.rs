//! The campaign's short form: a sample of the cases of each row, as tests.

use campaign::rows;

fn row(name: &str) {
    let rows: Vec<_> = rows::all().into_iter().filter(|row| row.name.contains(name)).collect();
    assert!(!rows.is_empty(), "no row contains {name:?}");
    for row in rows {
        let report = row.report(true);
        assert!(report.is_clean(), "{report:#?}");
    }
}

#[test]
fn a_process_may_be_killed_at_any_call() {
    row("a crash at every call");
}

#[test]
fn a_process_may_be_killed_twice() {
    row("every pair of crashes");
}

#[test]
fn every_call_and_every_delete_may_take_effect_twice() {
    row("twice");
}

#[test]
fn a_transient_fault_ends_in_success_and_a_permanent_fault_in_a_failed_that_names_the_call() {
    row("every transient fault at every call");
    row("every permanent fault at every call");
}

#[test]
fn invocations_and_requests_may_reach_their_deadline_at_any_time() {
    row("an invocation that ends at any time");
    row("a deadline at every second");
}

#[test]
fn the_watchdog_responds_if_the_reconciler_does_not_start() {
    row("a reconciler that does not start");
}

#[test]
fn the_latest_request_wins_under_out_of_order_and_duplicate_delivery() {
    row("a delete during a create");
    row("seeded schedules");
}

#[test]
fn protected_environments_and_stored_objects_are_retained() {
    row("seeded lifecycles");
}

#[test]
fn responses_are_delivered_within_the_size_limit_and_to_no_other_host() {
    row("responses");
    row("ResponseURLs");
    row("real form");
}

#[test]
fn many_lifecycles_and_many_owners_leave_no_resource() {
    row("one call in twenty");
    row("owners at once");
}

#[test]
fn forged_messages_have_no_effect_on_the_environments_of_others() {
    row("forged");
}

#[test]
fn instances_that_wait_for_hooks_get_the_expected_results() {
    row("lifecycle hooks");
}

#[test]
fn a_rollout_ends_at_one_version_or_alarmed_and_delays_no_delete() {
    row("rollouts");
}
