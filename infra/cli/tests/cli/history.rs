//! `events`, `timeline`, `logs` and `why`, over samples of the ledger.

use std::fs;

use envkeeper::exit::Exit;
use envkeeper::service::{LogEvent, LogPage, ServiceError};
use serde_json::json;

use crate::fixture::{FakeService, NOW_MS, golden, ledger_lines, run_line};

/// The instance that the samples launch, serve and terminate.
const SERVED: &str = "i-0a1b2c3d4e5f60718";

/// The instance that the launch gate abandons.
const ABANDONED: &str = "i-0a1b2c3d4e5f60719";

fn page(samples: &[&str], next: Option<&str>) -> LogPage {
    let events = samples.iter().flat_map(|sample| ledger_lines(sample)).collect();
    LogPage { events, next: next.map(str::to_owned) }
}

/// The ledger in two pages, with one event twice, and a line that is not an entry.
fn ledger() -> Vec<LogPage> {
    let mut first = page(&["alarm", "gate-verdict", "launch-abandoned", "lifecycle-action", "launch"], Some("more"));
    first.events.push(LogEvent { at_ms: NOW_MS, stream: "x".into(), text: "not an entry".into() });
    vec![first, page(&["launch", "drain-outcome", "terminate", "rollout-progress", "alarm-action"], None)]
}

#[test]
fn events_are_sentences_in_the_order_of_time() {
    let service = FakeService::default().with_logs(ledger());
    run_line("events dev --since 4h", &service);
    let queries = service.queried.borrow();
    assert_eq!(queries[0].group, "/aws/autoscaling/scalable-ec2-dev");
    assert_eq!(queries[0].from_ms, NOW_MS - 4 * 3_600_000);
    assert_eq!(queries[1].token.as_deref(), Some("more"));
    assert!(service.invoked.borrow().is_empty(), "the ledger is read without the function");
    golden!("events", "events dev --since 4h", service: FakeService::default().with_logs(ledger()));
}

#[test]
fn the_document_of_events_has_the_ledgers_fields() {
    let document = run_line("events dev --json", &FakeService::default().with_logs(ledger())).document();
    let entries = document["result"]["Entries"].as_array().unwrap();
    let mut ids: Vec<&str> = entries.iter().map(|it| it["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), entries.len(), "each event once");
    assert!(entries.iter().all(|it| it["sentence"].is_string() && it["environment"] == "scalable-ec2-us-west-2-dev"));
}

#[test]
fn events_have_no_observation_of_the_group_but_their_document_has() {
    let pages = || vec![page(&["group-state"], None)];
    let output = run_line("events dev", &FakeService::default().with_logs(pages()));
    assert!(
        output.out.starts_with("The ledger /aws/autoscaling/scalable-ec2-dev has no event since "),
        "{}",
        output.out
    );
    let document = run_line("events dev --json", &FakeService::default().with_logs(pages())).document();
    assert_eq!(document["result"]["Entries"][0]["kind"], "state");
}

#[test]
fn the_timeline_is_a_page_from_35_minutes_before_the_range_until_now() {
    let mut pages = ledger();
    pages[1].events.extend(ledger_lines("group-state"));
    let service = FakeService::default().with_logs(pages);
    let output = run_line("timeline dev --since 4h --width 900 --theme monochrome", &service);
    insta::assert_snapshot!("timeline", output.golden());
    assert_eq!(service.queried.borrow()[0].from_ms, NOW_MS - (4 * 60 + 35) * 60_000);
    assert!(service.invoked.borrow().is_empty(), "the ledger is read without the function");
}

#[test]
fn the_timeline_is_written_to_a_file_and_the_document_says_where() {
    let path = std::env::temp_dir().join(format!("envkeeper-timeline-{}.html", std::process::id()));
    let shown = path.display();
    let run = |words: &str| {
        let output = run_line(&format!("timeline dev{words}"), &FakeService::default().with_logs(ledger()));
        (output, fs::read_to_string(&path).unwrap())
    };
    let to_output = run_line("timeline dev", &FakeService::default().with_logs(ledger())).out;
    let (output, page) = run(&format!(" --output {shown}"));
    assert_eq!(output.out, format!("{shown} has the timeline of 11 entries of /aws/autoscaling/scalable-ec2-dev.\n"));
    assert_eq!((output.exit, &page), (Exit::Settled, &to_output));
    let (output, _) = run(&format!(" --output {shown} --json"));
    let result = &output.document()["result"];
    let log_group = "/aws/autoscaling/scalable-ec2-dev";
    let expected = json!({ "LogGroup": log_group, "Output": shown.to_string(), "Entries": 11, "More": false });
    assert_eq!((output.exit, result), (Exit::Settled, &expected));
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_timeline_that_cannot_be_written_or_drawn_is_an_error_with_the_next_step() {
    let run = |line: &str| run_line(line, &FakeService::default());
    let output = run("timeline dev --output /");
    assert_eq!(output.exit, Exit::Error);
    assert!(output.notes.starts_with("error: / cannot be written: "), "{}", output.notes);
    assert!(output.notes.ends_with("next: repeat the command with another --output\n"), "{}", output.notes);
    let output = run("timeline dev --json");
    assert_eq!((output.exit, output.document()["exit"].as_u64()), (Exit::Usage, Some(64)));
    let output = run("timeline dev --since 2027-01-01T00:00:00Z");
    assert_eq!(output.exit, Exit::Usage);
    assert!(output.notes.starts_with("error: --since: range: from 2027-01-01T00:00:00Z "), "{}", output.notes);
    let missing = ServiceError::NotFound { name: "the log group x".into(), region: "us-west-2".into() };
    let of =
        |verb: &str| run_line(&format!("{verb} dev"), &FakeService::default().failing_first(missing.clone())).golden();
    assert_eq!(of("timeline"), of("events"));
}

#[test]
fn no_event_is_no_error() {
    assert_eq!(golden!("events-none", "events dev", &[]), Exit::Settled);
}

#[test]
fn a_missing_ledger_is_an_error() {
    let missing = ServiceError::NotFound { name: "the log group x".into(), region: "us-west-2".into() };
    let output = run_line("events dev", &FakeService::default().failing_first(missing));
    assert_eq!(output.exit, Exit::Error);
}

#[test]
fn a_reading_ends_at_its_limit_and_says_so() {
    let event = |at_ms| LogEvent { at_ms, stream: "i-1/messages".into(), text: "line\n".into() };
    let full = || LogPage { events: (0..10_000).map(event).collect(), next: Some("more".into()) };
    let output = run_line("logs dev", &FakeService::default().with_logs(vec![full(), full(), full()]));
    assert!(output.out.ends_with("next: repeat the command with a later --since\n"));
    assert_eq!(output.out.lines().count(), 20_001);
}

#[test]
fn logs_are_those_of_the_instances_or_of_one() {
    let (stream, text) = (format!("{ABANDONED}/evidence"), String::from("line 12\n"));
    let event = || LogEvent { at_ms: 1_767_323_110_000, stream: stream.clone(), text: text.clone() };
    let service = || FakeService::default().with_logs(vec![LogPage { events: vec![event()], next: None }]);
    let line = format!("logs dev {ABANDONED}");
    assert_eq!(golden!("logs", line, service: service()), Exit::Settled);
    let service = service();
    run_line(&line, &service);
    let query = service.queried.borrow()[0].clone();
    assert_eq!((query.group.as_str(), query.stream_prefix.as_deref()), ("/aws/ec2/scalable-ec2-dev", Some(ABANDONED)));
}

#[test]
fn why_has_the_life_of_an_instance() {
    let line = format!("why {SERVED} --environment dev");
    let exit = golden!("why-served", line, service: FakeService::default().with_logs(ledger()));
    assert_eq!(exit, Exit::Settled);
}

#[test]
fn why_has_the_verdict_and_the_evidence_of_an_abandoned_instance() {
    let output = run_line(&format!("why {ABANDONED} --environment dev"), &FakeService::default().with_logs(ledger()));
    insta::assert_snapshot!("why-abandoned", output.golden());
    let line = format!("why {ABANDONED} --environment dev --json");
    let document = run_line(&line, &FakeService::default().with_logs(ledger())).document();
    let entries = document["result"]["Entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "those of the other instance and of the group are left out: {entries:?}");
}

#[test]
fn without_an_environment_all_ledgers_are_searched() {
    let missing = ServiceError::NotFound { name: "the log group".into(), region: "us-west-2".into() };
    let pages = vec![page(&["gate-verdict"], None), page(&["launch"], None)];
    let service = FakeService::with(&["list-1", "list-2"]).with_logs(pages).failing_first(missing);
    let output = run_line(&format!("why {SERVED}"), &service);
    assert_eq!(output.exit, Exit::Settled, "{}", output.notes);
    assert!(output.out.starts_with(&format!("{SERVED} of scalable-ec2-us-west-2-prod:\n")), "{}", output.out);
    let filters: Vec<_> = service.queried.borrow().iter().map(|it| it.filter.clone().unwrap()).collect();
    assert_eq!(filters[0], format!("{{ $.instance = \"{SERVED}\" }}"));
}

#[test]
fn an_unknown_instance_is_an_error() {
    let service = FakeService::with(&["list-1", "list-2"]);
    let output = run_line(&format!("why {SERVED}"), &service);
    assert_eq!(output.exit, Exit::Error);
    assert_eq!(service.queried.borrow().len(), 5);
}
