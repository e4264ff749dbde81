//! The life of an instance, as its row has it.

use serde_json::json;

use crate::ledgers::{Ledger, MIDNIGHT, MINUTE, instance, six_hours};
use crate::reading::{rows_of, sentences};

/// The sentence of an instance.
fn life(ledger: &Ledger, number: usize) -> String {
    let all = sentences(&rows_of(&ledger.entries, 0, 360), "Instance");
    all.into_iter().find(|it| it.starts_with(&instance(number))).unwrap()
}

#[test]
fn the_life_of_an_instance_has_every_phase() {
    let mut ledger = Ledger::default();
    ledger.state(0, 1, &[]);
    ledger.launch(1, 10, 7);
    ledger.terminate(1, 20);
    assert_eq!(
        life(&ledger, 1),
        "i-0a1b2c3d4e5f60001 (version 7, us-west-2a): pending 2026-01-02 00:08:53, in the launch gate 00:09:19, \
         in service 00:10:00, terminating 00:18:30, ended 00:20:00. Launched because of the alarm cpu-high. Terminated because \
         of an instance refresh"
    );
}

#[test]
fn each_date_of_a_life_is_said_once() {
    let mut ledger = Ledger::default();
    ledger.launch(1, 24 * 60 + 5, 7);
    ledger.terminate(1, 24 * 60 + 20);
    let all = sentences(&rows_of(&ledger.entries, 0, 48 * 60), "Instance");
    assert!(
        all[0].contains("pending 2026-01-03 00:03:53, in the launch gate 00:04:19, in service 00:05:00"),
        "{all:?}"
    );
    let mut ledger = Ledger::default();
    ledger.launch(1, 24 * 60, 7);
    let all = sentences(&rows_of(&ledger.entries, 0, 48 * 60), "Instance");
    let phases = "pending 2026-01-02 23:58:53, in the launch gate 23:59:19, in service 2026-01-03 00:00:00";
    assert!(all[0].contains(phases), "{all:?}");
}

/// The phases in the middle are left out, so those after them begin with their date.
#[test]
fn a_life_with_many_phases_has_its_first_and_its_last_ones() {
    let mut ledger = Ledger::default();
    for number in 0..10 {
        let outcome = if number % 2 == 0 { "entered-warm-pool" } else { "successful" };
        let more = json!({ "instance": instance(1), "seconds": 30.0 });
        ledger.add("launch", outcome, MIDNIGHT + (10 + 10 * number) * MINUTE, more);
    }
    let phases = ": pending 2026-01-02 00:09:30, warm pool or standby 00:10:00, pending 00:19:30, in service 00:20:00, \
                  13 more phases, warm pool or standby 2026-01-02 01:30:00, pending 01:39:30, in service 01:40:00";
    let life = life(&ledger, 1);
    assert!(life.contains(phases), "{life}");
}

#[test]
fn an_instance_without_a_launch_was_in_service_since_the_last_observation_that_lacks_it() {
    let mut ledger = Ledger::default();
    ledger.terminate(1, 20);
    assert!(life(&ledger, 1).contains(": in service before the first entry, terminating 2026-01-02 00:18:30"));
    ledger.state(5, 1, &[]);
    assert!(life(&ledger, 1).contains(": in service 2026-01-02 00:05:00, terminating"), "{}", life(&ledger, 1));
}

#[test]
fn an_observation_begins_and_ends_the_lives_that_no_event_reported() {
    let mut ledger = Ledger::default();
    ledger.state(0, 1, &[]);
    ledger.state(30, 1, &[(1, 7)]);
    ledger.state(60, 1, &[(1, 8)]);
    ledger.state(90, 1, &[]);
    assert_eq!(life(&ledger, 1), "i-0a1b2c3d4e5f60001 (version 8): in service 2026-01-02 00:30:00, ended 01:30:00");
}

#[test]
fn an_instance_that_returns_from_the_warm_pool_has_one_life() {
    let mut ledger = Ledger::default();
    let id = instance(1);
    let at = |minute: u64| MIDNIGHT + minute * MINUTE;
    ledger.add("launch", "entered-warm-pool", at(5), json!({ "instance": id, "seconds": 60.0 }));
    ledger.add("launch", "successful", at(10), json!({ "instance": id, "seconds": 30.0 }));
    ledger.add("terminate", "entered-warm-pool", at(20), json!({ "instance": id, "seconds": 30.0 }));
    let phases = ": pending 2026-01-02 00:04:00, warm pool or standby 00:05:00, pending 00:09:30, in service 00:10:00, \
                  terminating 00:19:30, warm pool or standby 00:20:00.";
    assert!(life(&ledger, 1).contains(phases), "{}", life(&ledger, 1));
}

#[test]
fn an_abandoned_launch_ends_and_is_a_failure() {
    let mut ledger = Ledger::default();
    let id = instance(1);
    let at = |minute: u64| MIDNIGHT + minute * MINUTE;
    ledger.add("gate", "abandon", at(5), json!({ "instance": id, "seconds": 60.0, "reason": "its user data failed" }));
    ledger.add("launch", "cancelled", at(6), json!({ "instance": id, "seconds": 180.0 }));
    let phases = "pending 2026-01-02 00:03:00, in the launch gate 00:04:00, terminating 00:05:00, ended 00:06:00";
    assert!(life(&ledger, 1).contains(phases), "{}", life(&ledger, 1));
    let failures = sentences(&rows_of(&ledger.entries, 0, 60), "Failures");
    assert!(failures[0].contains("was abandoned by the launch gate after 60 s: its user data failed"), "{failures:?}");
}

#[test]
fn the_sizes_have_their_extremes_and_last_values() {
    let sizes = sentences(&rows_of(&six_hours().entries, 0, 360), "Sizes");
    assert_eq!(sizes, ["in service 2 to 5, at the end 4; desired 2 to 4, at the end 4; minimum 1; maximum 6"]);
    let at_night = sentences(&rows_of(&six_hours().entries, 100, 200), "Sizes");
    assert_eq!(at_night, ["in service 4; desired 4; minimum 1; maximum 6"], "known before the range");
}

#[test]
fn a_gap_has_a_row_with_its_times() {
    let gaps = sentences(&rows_of(&six_hours().entries, 0, 360), "Gap");
    assert_eq!(gaps, ["not observed from 2026-01-02 01:30:00 to 2026-01-02 03:30:00"]);
}

#[test]
fn the_order_of_the_entries_and_their_repetition_change_nothing() {
    let rows = rows_of(&six_hours().entries, 0, 360);
    let mut entries = six_hours().entries;
    entries.extend_from_within(..20);
    entries.reverse();
    assert_eq!(rows_of(&entries, 0, 360), rows);
}
