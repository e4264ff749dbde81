//! Marks that are near to each other, many instances, and the size of a page.

use ledger::timeline::{Theme, page, svg};
use serde_json::json;

use crate::ledgers::{HOUR, Ledger, MIDNIGHT, instance, mixed};
use crate::reading::{attribute, range, rows_of, sentences, size, tags};

/// The range in which a picture of 900 pixels has a pixel for each minute.
const PIXELS: u64 = 668;

fn alarms(minutes: &[u64]) -> Vec<String> {
    let mut ledger = Ledger::default();
    for minute in minutes {
        ledger.alarm("alarm", *minute);
    }
    sentences(&rows_of(&ledger.entries, 0, PIXELS), "Alarms")
}

#[test]
fn marks_nearer_than_four_pixels_fold_into_one_with_their_number() {
    assert_eq!(alarms(&[100, 104, 108]).len(), 3);
    assert_eq!(
        alarms(&[100, 103]),
        ["2 entries until 2026-01-02 01:43:00 (2 alarm); the first: cpu-high is ALARM: 3 datapoints were above 70"]
    );
    // The number covers the third one.
    assert_eq!(alarms(&[100, 103, 110]).len(), 1);
    assert_eq!(alarms(&[100, 103, 130]).len(), 2);
}

#[test]
fn a_fold_counts_its_entries_by_outcome() {
    let mut ledger = Ledger::default();
    for (minute, outcome) in [(100, "alarm"), (101, "ok"), (102, "alarm")] {
        ledger.alarm(outcome, minute);
    }
    let folded = sentences(&rows_of(&ledger.entries, 0, PIXELS), "Alarms");
    assert!(folded[0].contains("3 entries until 2026-01-02 01:42:00 (2 alarm, 1 ok); the first: cpu-high is ALARM"));
}

#[test]
fn more_than_sixty_instances_fold_into_a_row_for_each_version() {
    let mut ledger = Ledger::default();
    for number in 0..60 {
        ledger.launch(number, 60 + number as u64, 6 + number as u64 / 30);
    }
    let rows = rows_of(&ledger.entries, 0, 360);
    assert_eq!((sentences(&rows, "Instance").len(), sentences(&rows, "Instances").len()), (60, 0));
    ledger.launch(60, 125, 7);
    ledger.terminate(60, 130);
    let rows = rows_of(&ledger.entries, 0, 360);
    assert_eq!(sentences(&rows, "Instance").len(), 0);
    assert_eq!(
        sentences(&rows, "Instances"),
        [
            "v6: 30 instances, at most 30 at the same time, the first 2026-01-02 00:58:53, the last i-0a1b2c3d4e5f60029; 30 have not ended",
            "v7: 31 instances, at most 31 at the same time, the first 2026-01-02 01:28:53, the last i-0a1b2c3d4e5f60060; 30 have not ended",
        ]
    );
}

#[test]
fn the_oldest_of_many_versions_share_a_row() {
    let mut ledger = Ledger::default();
    for number in 0..100 {
        ledger.launch(number, 60 + number as u64, number as u64);
    }
    let rows = sentences(&rows_of(&ledger.entries, 0, 360), "Instances");
    assert_eq!(rows.len(), 12);
    assert!(rows[0].starts_with("older: 89 instances") && rows[11].starts_with("v99: 1 instances"), "{rows:?}");
}

/// 10,000 alarms in a day, as two alarms that change their states every few seconds.
fn alarms_alone() -> Ledger {
    let mut ledger = Ledger::default();
    for at in 0..10_000 {
        let outcome = if at % 2 == 0 { "alarm" } else { "ok" };
        let more = json!({ "cause": { "actor": "alarm", "alarm": "cpu-high" }, "reason": "x".repeat(300) });
        ledger.add("alarm", outcome, MIDNIGHT + at * 24 * HOUR / 10_000, more);
    }
    ledger
}

/// Texts of the maximum size in which each character is escaped, and marks in each lane that do not fold.
fn worst() -> Ledger {
    let (mut ledger, reason) = (Ledger::default(), "\"".repeat(300));
    let kinds =
        [("alarm", "alarm"), ("request", "started"), ("rollout", "begun"), ("capacity", "changed"), ("other", "")];
    for at in 0..8_000 {
        let (kind, outcome) = kinds[at % kinds.len()];
        let at_ms = MIDNIGHT + (at / kinds.len()) as u64 * 24 * HOUR / 1_600;
        let more = json!({ "reason": reason, "cause": { "actor": "other", "text": reason }, "event": reason });
        ledger.add(kind, outcome, at_ms, more);
    }
    for at in 0..2_000 {
        let name = format!("{}{reason}", instance(at % 60));
        let at_ms = MIDNIGHT + at as u64 * 24 * HOUR / 2_000;
        let outcome = if at / 60 % 2 == 0 { "successful" } else { "entered-warm-pool" };
        let more = json!({ "instance": name, "zone": reason, "cause": { "actor": "other", "text": reason } });
        ledger.add("launch", outcome, at_ms, more);
    }
    for minute in (0..1_440).step_by(40) {
        ledger.state(minute, 2, &[]);
    }
    ledger
}

#[test]
fn a_page_of_ten_thousand_entries_is_smaller_than_400_kb() {
    for (name, ledger) in
        [("mixed", mixed(10_000)), ("few instances", mixed(900)), ("alarms", alarms_alone()), ("worst", worst())]
    {
        for width in [400, 900, 1_600, 4_096] {
            let page = page(&ledger.entries, range(0, 24 * 60), size(width), Theme::Light);
            println!("{name}, {width} pixels: {} bytes", page.len());
            assert!(page.len() < 400_000, "{name}, {width} pixels: {} bytes", page.len());
        }
    }
}

/// A gap is hatched; the lanes of marks are not, since their entries are known.
#[test]
fn a_gap_is_hatched_in_the_rows_of_the_group() {
    let mut ledger = Ledger::default();
    ledger.alarm("alarm", 10);
    let picture = svg(&ledger.entries, range(0, 60), size(900), Theme::Light);
    let hatched: Vec<&str> = tags(&picture)
        .into_iter()
        .filter(|it| attribute(it, "fill") == Some("url(#gap)") && it.contains("M192 24"))
        .collect();
    assert_eq!(hatched.len(), 1, "{picture}");
    ledger.state(0, 1, &[]);
    ledger.state(30, 1, &[]);
    ledger.state(60, 1, &[]);
    assert!(!svg(&ledger.entries, range(0, 60), size(900), Theme::Light).contains("\"url(#gap)\""));
}
