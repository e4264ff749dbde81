//! `watch`: the screen, the lines without a terminal, and the end.

use envkeeper::exit::Exit;
use envkeeper::service::LogPage;
use serde_json::Value;

use crate::fixture::{FakeConsole, FakeService, ledger_lines, run_line, run_on};

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
}
