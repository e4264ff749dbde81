//! `watch`: the screen, the lines without a terminal, and the end.

use envkeeper::exit::Exit;
use envkeeper::service::LogPage;
use serde_json::Value;

use crate::fixture::{FakeConsole, FakeService, NOW_MS, ledger_lines, run_line, run_on};

const COURSE: [&str; 4] = ["status-under-way", "status-under-way", "status-degraded", "status-settled"];

fn service() -> FakeService {
    let page = |events| LogPage { events, next: None };
    let (gate, launch) = (ledger_lines("gate-verdict"), ledger_lines("launch"));
    // The observation of the group is the latest entry, and not an event.
    let both = [gate.clone(), launch, ledger_lines("group-state")].concat();
    FakeService::with(&COURSE).with_logs(vec![page(gate.clone()), page(gate), page(both)])
}

#[test]
fn the_screen_is_redrawn_in_place_and_ends_with_the_state() {
    let terminal = FakeConsole { is_terminal: true, ..FakeConsole::default() };
    let output = run_on("watch dev --until-settled --no-color", &service(), terminal);
    assert_eq!(output.exit, Exit::Degraded, "the first state without work under way");
    let screens: Vec<&str> = output.out.split("\u{1b}[H\u{1b}[2J").skip(1).collect();
    assert_eq!(screens.len(), 3);
    assert_eq!(screens[0], screens[1]);
    insta::assert_snapshot!("watch", screens[1..].join("=== five seconds later\n"));
}

#[test]
fn without_a_terminal_there_is_one_line_for_each_change() {
    let output = run_line("watch dev --until-settled", &service());
    insta::assert_snapshot!("watch-lines", output.golden());
}

#[test]
fn as_json_there_is_one_document_for_each_refresh() {
    let output = run_line("watch dev --until-settled --json", &service());
    let documents: Vec<Value> = output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let exits: Vec<&Value> = documents.iter().map(|it| &it["exit"]).collect();
    assert_eq!(exits, [6, 6, 3]);
    assert!(documents.iter().all(|it| it["schema"] == 1 && it["verb"] == "watch"));
    insta::assert_snapshot!("watch-json", serde_json::to_string_pretty(&documents[2]["result"]).unwrap());
}

#[test]
fn after_the_first_reading_a_refresh_reads_from_shortly_before_the_latest_entry() {
    const DAY_MS: u64 = 86_400_000;
    const LATE_MS: u64 = 300_000;
    let latest_ms = |samples: &[&str]| samples.iter().flat_map(|it| ledger_lines(it)).map(|it| it.at_ms).max().unwrap();
    let service = service();
    run_line("watch dev --until-settled", &service);
    let from_ms: Vec<u64> = service.queried.borrow().iter().map(|it| it.from_ms).collect();
    let late_ms = latest_ms(&["gate-verdict"]) - LATE_MS;
    assert_eq!(from_ms, [NOW_MS - DAY_MS, late_ms, late_ms]);
    assert!(latest_ms(&["group-state"]) > latest_ms(&["gate-verdict", "launch"]), "an observation is read too");
}

#[test]
fn the_entries_of_earlier_readings_stay_on_the_screen() {
    let page = |sample| LogPage { events: ledger_lines(sample), next: None };
    let logs = vec![page("launch-abandoned"), page("launch"), page("launch-abandoned")];
    let output = run_line("watch dev --until-settled --json", &FakeService::with(&COURSE).with_logs(logs));
    let shown = |line: &str| serde_json::from_str::<Value>(line).unwrap()["result"]["LastEntries"].clone();
    let counts: Vec<usize> = output.out.lines().map(|it| shown(it).as_array().unwrap().len()).collect();
    assert_eq!(counts, [2, 3, 3], "an entry that is read again is shown once");
}
