//! The events of Envkeeper's own functions, and the lines that they produce.
#![allow(clippy::panic, reason = "a test stops at the first unexpected value")]

use environment::Deployment;
use ledger::Entry;
use ledger::events::{HookCompletion, HookOutcome};
use ledger::read::{Reading, event};

const ENDED_MS: u64 = 1_767_323_100_000;

fn completion() -> HookCompletion<'static> {
    HookCompletion {
        group: "scalable-ec2-asg-uswest2-dev",
        instance: "i-0a1b2c3d4e5f60718",
        token: None,
        outcome: HookOutcome::Drained,
        reason: "drained",
        began_ms: None,
        ended_ms: ENDED_MS,
    }
}

fn entry(completion: &HookCompletion<'_>) -> Entry {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match event(&deployment, &completion.event(), ENDED_MS) {
        Ok(Reading::Entries { entries, .. }) => entries.into_iter().next().unwrap_or_else(|| panic!("a line")),
        other => panic!("{other:?}"),
    }
}

/// An instance that enters a warm pool and returns waits more than once.
#[test]
fn each_wait_of_an_instance_has_its_own_id_and_a_repeated_event_has_the_same_id() {
    let of_token = |token| HookCompletion { token: Some(token), began_ms: Some(ENDED_MS - 1_000), ..completion() };
    let of_time = |began_ms| HookCompletion { began_ms: Some(began_ms), ..completion() };
    let waits =
        [of_token("one"), of_token("other"), of_time(ENDED_MS - 1_000), of_time(ENDED_MS - 2_000), completion()];
    let ids: Vec<String> = waits.iter().map(|it| entry(it).id).collect();
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "{ids:?}");
    }
    // The message of a wait may be delivered twice, with two send times.
    let repeated = HookCompletion { began_ms: Some(ENDED_MS), ended_ms: ENDED_MS + 1, ..of_token("one") };
    assert_eq!(entry(&repeated).id, ids[0]);
    let repeated = HookCompletion { ended_ms: ENDED_MS + 1, ..of_time(ENDED_MS - 1_000) };
    assert_eq!(entry(&repeated).id, ids[2]);
}

#[test]
fn a_wait_with_an_unknown_start_has_no_duration() {
    let known = entry(&HookCompletion { began_ms: Some(ENDED_MS - 41_500), ..completion() });
    assert_eq!(known.seconds, Some(41.5));
    assert!(known.line().contains(r#""DrainSeconds":41.5"#), "{}", known.line());
    let unknown = entry(&completion());
    assert_eq!(unknown.seconds, None);
    assert!(!unknown.line().contains("StartTime") && !unknown.line().contains("DrainSeconds"), "{}", unknown.line());
}
