//! The campaign's short form: a sample of each row, each row a test.

use campaign::rows;

fn row(of: &str) {
    let rows: Vec<_> = rows::all().into_iter().filter(|row| row.name.contains(of)).collect();
    assert!(!rows.is_empty(), "there is a row of that name");
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
fn every_call_and_every_delete_may_happen_twice() {
    row("twice");
}

#[test]
fn what_passes_ends_in_success_and_what_stays_in_a_failure_that_names_it() {
    row("meets every fault");
    row("meets a fault");
}

#[test]
fn invocations_and_requests_may_run_out_of_time_anywhere() {
    row("invocations that end anywhere");
    row("a deadline at every second");
}

#[test]
fn the_watchdog_answers_for_the_dead() {
    row("a reconciler that is dead");
}

#[test]
fn the_newest_word_wins_in_any_disorder() {
    row("in the middle of a create");
    row("seeded schedules");
}

#[test]
fn what_is_protected_or_stored_outlives_what_it_should() {
    row("seeded endings");
}

#[test]
fn replies_arrive_fit_and_go_nowhere_else() {
    row("replies");
    row("ResponseURLs");
    row("real form");
}

#[test]
fn many_lives_and_many_owners_leave_nothing() {
    row("one call in twenty");
    row("owners at once");
}

#[test]
fn instances_that_wait_for_hooks_end_as_they_should() {
    row("lifecycle hooks");
}
