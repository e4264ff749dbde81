//! `events`, `logs` and `why`, over samples of the ledger.

use envkeeper::exit::Exit;
use envkeeper::service::{LogEvent, LogPage, ServiceError};

use crate::fixture::{FakeService, NOW_MS, ledger_lines, run_line};

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
    let output = run_line("events dev --since 4h", &service);
    insta::assert_snapshot!("events", output.golden());
    let queries = service.queried.borrow();
    assert_eq!(queries[0].group, "/aws/autoscaling/scalable-ec2-dev");
    assert_eq!(queries[0].from_ms, NOW_MS - 4 * 3_600_000);
    assert_eq!(queries[1].token.as_deref(), Some("more"));
    assert!(service.invoked.borrow().is_empty(), "the ledger is read without the function");
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
fn no_event_is_no_error() {
    let output = run_line("events dev", &FakeService::default());
    assert_eq!(output.exit, Exit::Settled);
    insta::assert_snapshot!("events-none", output.golden());
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
    let event =
        LogEvent { at_ms: 1_767_323_110_000, stream: format!("{ABANDONED}/evidence"), text: "line 12\n".into() };
    let service = FakeService::default().with_logs(vec![LogPage { events: vec![event], next: None }]);
    let output = run_line(&format!("logs dev {ABANDONED}"), &service);
    insta::assert_snapshot!("logs", output.golden());
    let query = service.queried.borrow()[0].clone();
    assert_eq!((query.group.as_str(), query.stream_prefix.as_deref()), ("/aws/ec2/scalable-ec2-dev", Some(ABANDONED)));
}

#[test]
fn why_has_the_life_of_an_instance() {
    let output = run_line(&format!("why {SERVED} --environment dev"), &FakeService::default().with_logs(ledger()));
    assert_eq!(output.exit, Exit::Settled);
    insta::assert_snapshot!("why-served", output.golden());
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
