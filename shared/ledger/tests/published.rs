//! What Envkeeper's own functions tell, as the lines that it becomes.
#![allow(clippy::panic, reason = "a test stops where it finds nonsense")]

use environment::Deployment;
use ledger::Entry;
use ledger::published::{DRAIN, HookCompletion};
use ledger::read::{Reading, event};

const ENDED_MS: u64 = 1_767_323_100_000;

fn over() -> HookCompletion<'static> {
    HookCompletion {
        group: "scalable-ec2-asg-uswest2-dev",
        instance: "i-0a1b2c3d4e5f60718",
        token: None,
        what: DRAIN,
        outcome: "drained",
        reason: "drained",
        began_ms: None,
        ended_ms: ENDED_MS,
    }
}

fn line(over: &HookCompletion<'_>) -> Entry {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match event(&deployment, &over.event(), ENDED_MS) {
        Ok(Reading::Of { entries, .. }) => entries.into_iter().next().unwrap_or_else(|| panic!("a line")),
        other => panic!("{other:?}"),
    }
}

/// One that goes into a warm pool and comes back starts more than once.
#[test]
fn each_wait_of_an_instance_has_its_line_and_one_that_is_told_twice_has_one() {
    let of_token = |token| HookCompletion { token: Some(token), began_ms: Some(ENDED_MS - 1_000), ..over() };
    let of_time = |began_ms| HookCompletion { began_ms: Some(began_ms), ..over() };
    let waits = [of_token("one"), of_token("other"), of_time(ENDED_MS - 1_000), of_time(ENDED_MS - 2_000), over()];
    let ids: Vec<String> = waits.iter().map(|it| line(it).id).collect();
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "{ids:?}");
    }
    // The message of a wait may come twice, at two times.
    let again = HookCompletion { began_ms: Some(ENDED_MS), ended_ms: ENDED_MS + 1, ..of_token("one") };
    assert_eq!(line(&again).id, ids[0]);
    let again = HookCompletion { ended_ms: ENDED_MS + 1, ..of_time(ENDED_MS - 1_000) };
    assert_eq!(line(&again).id, ids[2]);
}

#[test]
fn a_wait_of_which_nobody_knows_since_when_has_no_duration() {
    let known = line(&HookCompletion { began_ms: Some(ENDED_MS - 41_500), ..over() });
    assert_eq!(known.seconds, Some(41.5));
    assert!(known.line().contains(r#""DrainSeconds":41.5"#), "{}", known.line());
    let unknown = line(&over());
    assert_eq!(unknown.seconds, None);
    assert!(!unknown.line().contains("StartTime") && !unknown.line().contains("DrainSeconds"), "{}", unknown.line());
}
