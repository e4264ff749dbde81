//! The events of Envkeeper's own functions, and the lines that they produce.
#![allow(clippy::panic, reason = "a test stops at the first unexpected value")]

use environment::Deployment;
use ledger::events::{
    HookCompletion, HookOutcome, Interruption, InterruptionNotice, RequestProgress, RequestStep, RolloutProgress,
    RolloutStep, RuleOutcome,
};
use ledger::read::{Reading, event};
use ledger::{Activity, CauseKind, Entry, GroupState, InstanceState, Kind, RuleResult, sentence};
use serde_json::{Value, json};

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
    entry_of(&completion.event())
}

fn entry_of(published: &Value) -> Entry {
    match read(published) {
        Reading::Entries { entries, .. } => entries.into_iter().next().unwrap_or_else(|| panic!("a line")),
        other @ Reading::NotOwned(_) => panic!("{other:?}"),
    }
}

fn read(published: &Value) -> Reading {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    event(&deployment, published, 0).unwrap_or_else(|error| panic!("{error}"))
}

/// An event of each kind that Envkeeper's functions publish.
fn published() -> [Value; 6] {
    let (group, at_ms) = ("scalable-ec2-asg-uswest2-dev", ENDED_MS + 250);
    let rollout = RolloutProgress { group, version: 7, step: RolloutStep::Failed, reason: "silent", at_ms };
    let skipped = RuleResult::Skipped("a reason".into());
    let rule = RuleOutcome {
        group,
        alarm: "cpu-high",
        since_ms: ENDED_MS,
        rule: "1",
        result: &skipped,
        instance: None,
        at_ms,
    };
    let notice = InterruptionNotice::Warning;
    [
        HookCompletion { ended_ms: at_ms, ..completion() }.event(),
        rollout.event(),
        rule.event(),
        RequestProgress { at_ms, ..request(RequestStep::Started) }.event(),
        Interruption { group, instance: "i-0a1b2c3d4e5f60718", notice, at_ms }.event(),
        observed().event(group, at_ms),
    ]
}

fn request(step: RequestStep<'static>) -> RequestProgress<'static> {
    let (request, request_id) = ("Update", "5b0f5c6e-3f5a-4c58-8f57-0d3a0c9a7e11");
    RequestProgress { group: "scalable-ec2-asg-uswest2-dev", request, request_id, step, at_ms: ENDED_MS }
}

/// A group with an instance in service and one in the gate.
fn observed() -> GroupState {
    let instance = |state: &str, template_version| InstanceState { state: state.into(), template_version };
    let instances = [("i-1", instance("InService", Some(6))), ("i-2", instance("Pending:Wait", None))];
    let instances = instances.map(|(id, it)| (id.to_owned(), it)).into();
    GroupState { min: 1, max: 6, desired: 2, instances }
}

#[test]
fn the_state_of_a_group_is_read_as_it_was_published() {
    let entry = entry_of(&observed().event("scalable-ec2-asg-uswest2-dev", ENDED_MS));
    assert_eq!((entry.kind, entry.state.clone()), (Kind::State, Some(observed())));
    assert_eq!(sentence(&entry), "1 in service, 2 desired, between 1 and 6");
    assert_eq!(Entry::of_line(&entry.line()), Some(entry));
}

#[test]
fn a_state_without_its_sizes_is_poison_and_a_malformed_instance_is_left_out() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    for (field, value) in [("MinSize", json!(null)), ("MaxSize", json!(-1)), ("DesiredCapacity", json!("2"))] {
        let mut published = observed().event("scalable-ec2-asg-uswest2-dev", ENDED_MS);
        published["detail"][field] = value;
        let error = event(&deployment, &published, 0).map_err(|error| error.to_string());
        assert_eq!(error, Err(format!("Group State: {field} is missing, or not a whole number")));
    }
    let mut published = observed().event("scalable-ec2-asg-uswest2-dev", ENDED_MS);
    published["detail"]["Instances"][0]["LifecycleState"] = "<b>".into();
    published["detail"]["Instances"][1]["LaunchTemplateVersion"] = "7".into();
    let state = entry_of(&published).state.unwrap_or_default();
    let versions: Vec<_> = state.instances.iter().map(|(id, it)| (id.as_str(), it.template_version)).collect();
    assert_eq!(versions, [("i-2", Some(7))]);
}

/// A request has several passes, and a message of the queue may be delivered twice.
#[test]
fn a_request_has_one_entry_for_each_step() {
    let entries = [RequestStep::Started, RequestStep::Responded(Ok(())), RequestStep::Responded(Err("no subnet"))]
        .map(|step| entry_of(&request(step).event()));
    let reasons = entries.each_ref().map(|it| (it.outcome.as_str(), it.reason.as_deref().unwrap_or_default()));
    assert_eq!(
        reasons,
        [("started", "Update"), ("responded", "Update succeeded"), ("responded", "Update failed: no subnet")]
    );
    let later = entry_of(&RequestProgress { at_ms: ENDED_MS + 60_000, ..request(RequestStep::Started) }.event());
    assert_eq!(later.id, entries[0].id);
    assert_ne!(entries[0].id, entries[1].id);
}

/// The event as a rule delivers it: EventBridge gives it an id of its own and a time to the second (PutEvents, whose entry has
/// no id).
fn delivered_by_the_bus(published: &Value) -> Value {
    let mut event = published.clone();
    event["id"] = "6a7e8feb-b491-4cf7-a9f1-bf3703467718".into();
    event["time"] = "2026-01-02T03:05:00Z".into();
    for (name, value) in [("account", json!("123456789012")), ("region", json!("us-west-2")), ("resources", json!([]))]
    {
        event[name] = value;
    }
    event
}

/// A put whose response is lost is also queued.
#[test]
fn an_event_by_the_bus_and_by_the_queue_is_the_same_line() {
    for published in published() {
        let by_queue = entry_of(&published);
        assert_eq!(entry_of(&delivered_by_the_bus(&published)), by_queue);
        assert_eq!(by_queue.time, "2026-01-02T03:05:00.25Z");
    }
}

#[test]
fn an_own_event_from_another_source_is_not_owned() {
    for published in published() {
        for source in [json!("aws.autoscaling"), json!("forger"), json!(null)] {
            let mut forged = delivered_by_the_bus(&published);
            forged["source"] = source;
            assert!(matches!(read(&forged), Reading::NotOwned(_)), "{forged}");
        }
        let mut foreign = delivered_by_the_bus(&published);
        foreign["account"] = "999999999999".into();
        assert!(matches!(read(&foreign), Reading::NotOwned(_)), "{foreign}");
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
