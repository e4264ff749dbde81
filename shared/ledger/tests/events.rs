//! The events of Envkeeper's own functions, and the lines that they produce.
#![allow(clippy::panic, reason = "a test stops at the first unexpected value")]

use environment::Deployment;
use ledger::events::{HookCompletion, HookOutcome};
use ledger::read::{Reading, event};
use ledger::{Activity, CauseKind, Entry, Kind};

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

/// Recorded on AWS, September 2026 (stackd 9dc356f5, warm_pool_return_abandon_native).
#[test]
fn the_activity_of_a_return_to_a_warm_pool_is_a_termination_that_entered_the_pool() {
    let activity = Activity {
        id: String::from("a"),
        group: String::from("scalable-ec2-asg-uswest2-dev"),
        description: String::from("Scaling in EC2 instance into warm pool: i-0e9cf378e10b086ab"),
        cause: String::from(
            "At 2026-09-27T11:45:41Z a user request explicitly set group desired capacity changing the desired capacity from 1 to 0.  At 2026-09-27T11:45:52Z an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 1 to 0.  At 2026-09-27T11:45:52Z instance i-0e9cf378e10b086ab was selected for scale in to warm pool.",
        ),
        status: String::from("Successful"),
        end_ms: Some(ENDED_MS),
        ..Activity::default()
    };
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let ended = activity.event().unwrap_or_else(|| panic!("an event"));
    let Ok(Reading::Entries { entries, .. }) = event(&deployment, &ended, ENDED_MS) else { panic!("entries") };
    let lines: Vec<_> = entries.iter().map(|it| (it.kind, it.outcome.as_str())).collect();
    assert_eq!(lines, [(Kind::Capacity, "changed"), (Kind::Terminate, "entered-warm-pool")]);
    let cause = entries[1].cause.as_ref().unwrap_or_else(|| panic!("a cause"));
    assert_eq!((cause.actor, cause.desired_before, cause.desired_after), (CauseKind::Request, Some(1), Some(0)));
    assert_eq!(entries[1].instance.as_deref(), Some("i-0e9cf378e10b086ab"));
    // The status of a termination that waits for hooks, and the SDK's enumeration does not have it.
    let waiting = Activity { status: String::from("MidTerminatingLifecycleAction"), end_ms: None, ..activity };
    assert_eq!(waiting.event(), None);
}
