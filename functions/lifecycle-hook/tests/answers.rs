//! What becomes of single instances, and of every call that goes wrong.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::time::Duration;

use auto_scaling::{LifecycleState, Sickness};
use environment::hook_settings::{Drain, Task};
use lifecycle_hook::cloud::Ends;
use lifecycle_hook::pace;
use serde_json::{Value, json};
use test_support::hooks::{Fault, START, SWEEP, World, gate, settings};

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn drain(seconds: u32) -> Task {
    Task::Drain(Drain { seconds })
}

/// A world in which one instance is in service.
fn serving() -> (World, String) {
    let world = World::new(3);
    world.scale_to(1);
    world.pass(minutes(5));
    let (id, state) = world.states().pop_first().expect("one");
    assert_eq!(state, LifecycleState::InService);
    (world, id)
}

fn calls_named(world: &World, name: &str) -> usize {
    world.calls.borrow().iter().filter(|it| **it == name).count()
}

#[test]
fn a_healthy_instance_goes_into_service_when_its_user_data_is_done_and_not_when_its_checks_are() {
    let world = World::new(1);
    world.scale_to(1);
    while world.in_service() == 0 {
        world.pass(Duration::from_secs(1));
    }
    let took = world.now.get().since(START);
    assert!(took < Duration::from_secs(90 + 16), "user data takes 90 s, and a look comes every 15 s: {took:?}");
    assert_eq!(world.messages.borrow().len(), 0, "its message is done");
}

#[test]
fn a_sick_instance_is_abandoned_with_its_evidence_and_replaced() {
    let world = World::new(1);
    world.fleet.borrow_mut().make_next_sick(1, &Sickness::FailedAt("line 12".into()));
    world.scale_to(1);
    world.pass(minutes(8));
    let written = world.written.borrow();
    let (group, stream, lines) = written.first().expect("evidence");
    assert_eq!((group.as_str(), stream.as_str()), ("/aws/ec2/scalable-ec2-dev", "i-00000000000000001/evidence"));
    let verdict: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(verdict["Verdict"], "ABANDON");
    assert_eq!(verdict["Why"], json!(["its user data failed at line 12"]));
    let seen = json!({
        "State": "running", "UserData": "failed at line 12", "StatusChecks": "nothing said yet", "Agent": "online",
    });
    assert_eq!(verdict["Seen"], seen);
    assert!(lines[1].starts_with("console output:\n") && lines[1].contains("failed at line 12"), "{lines:?}");
    assert!(lines[2].starts_with("logs:\n"), "{lines:?}");
    let completed = world.completed.borrow();
    assert_eq!(
        completed["i-00000000000000001"],
        [Ends::Abandon, Ends::Continue],
        "given up, and drained like any other"
    );
    assert_eq!(world.in_service(), 1, "another has taken its place");
}

#[test]
fn an_instance_that_ends_is_drained_first() {
    let (world, id) = serving();
    world.targets.borrow_mut().insert(id.clone(), None);
    world.scale_to(0);
    world.pass(minutes(3));
    assert_eq!(calls_named(&world, "drain"), 1);
    assert_eq!(world.completed.borrow()[&id], [Ends::Continue, Ends::Continue]);
    assert_eq!(world.states().len(), 0);
}

#[test]
fn it_leaves_its_target_groups_before_its_services_stop() {
    let mut terminate = settings(drain(300));
    terminate.target_groups = vec!["arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/1".into()];
    let world = World::with(1, &settings(gate(600)), &terminate);
    world.scale_to(1);
    world.pass(minutes(5));
    let (id, _) = world.states().pop_first().expect("one");
    world.targets.borrow_mut().insert(id.clone(), None);
    world.scale_to(0);
    world.pass(minutes(4));
    let calls = world.calls.borrow();
    let at = |name: &str| calls.iter().position(|it| *it == name).expect(name);
    let looks = calls[at("leave")..at("drain")].iter().filter(|it| **it == "targets").count();
    assert!(looks >= 3, "it is let go for 40 s, and the command waits for that: {looks}");
    assert_eq!(world.completed.borrow()[&id].len(), 2);
}

#[test]
fn a_drain_ends_with_its_time_and_with_that_of_a_delete() {
    for (seconds, delete_in, expected) in [(300, None, 300), (7_200, None, 7_200), (7_200, Some(20), 15 * 60)] {
        let world = World::with(1, &settings(gate(600)), &settings(drain(seconds)));
        world.scale_to(1);
        world.pass(minutes(5));
        let (id, _) = world.states().pop_first().expect("one");
        world.fleet.borrow_mut().make_sick(&id, &Sickness::CommandsHang, world.now.get()).expect("it is there");
        let begin = world.now.get();
        world.delete_ends.set(delete_in.map(|in_minutes| (begin + minutes(in_minutes)).0));
        world.scale_to(0);
        while world.completed.borrow()[&id].len() < 2 {
            world.pass(Duration::from_secs(10));
        }
        let took = world.now.get().since(begin);
        let expected = Duration::from_secs(expected);
        assert!(took >= expected.saturating_sub(Duration::from_secs(5)), "{seconds} {delete_in:?}: {took:?}");
        assert!(took <= expected + SWEEP, "{seconds} {delete_in:?}: {took:?}");
    }
}

#[test]
fn a_hook_is_never_kept_waiting_beyond_its_own_longest_time() {
    let world = World::with(1, &settings(gate(600)), &settings(drain(60_000)));
    world.scale_to(1);
    world.pass(minutes(5));
    let (id, _) = world.states().pop_first().expect("one");
    world.fleet.borrow_mut().make_sick(&id, &Sickness::CommandsHang, world.now.get()).expect("it is there");
    world.scale_to(0);
    // 100 heartbeats of five minutes; the looks are 3 minutes apart then, so the last one finds nobody that waits.
    world.pass(minutes(510));
    let within = world.within.borrow();
    assert!(within.len() == 1 && within[0] <= minutes(500), "{within:?}");
    assert_eq!(world.states().len(), 0);
    assert_eq!(world.messages.borrow().len(), 0, "its message does not come for ever");
}

#[test]
fn who_has_no_agent_is_not_waited_for() {
    let (world, id) = serving();
    world.fleet.borrow_mut().make_sick(&id, &Sickness::AgentLost, world.now.get()).expect("it is there");
    // SSM says Online for a while longer.
    world.pass(minutes(6));
    let begin = world.now.get();
    world.scale_to(0);
    while world.completed.borrow()[&id].len() < 2 {
        world.pass(Duration::from_secs(1));
    }
    assert!(world.now.get().since(begin) < Duration::from_secs(5));
    assert_eq!(calls_named(&world, "drain"), 0);
}

#[test]
fn a_spot_instance_is_drained_with_what_is_left_of_its_two_minutes() {
    let (world, id) = serving();
    world.scaling.borrow_mut().interrupt_spot_instance(&id, world.now.get()).expect("it is there");
    world.pass(Duration::from_secs(30));
    assert_eq!((calls_named(&world, "drain"), world.messages.borrow().len()), (1, 0), "drained, with nobody to tell");
    world.pass(minutes(10));
    assert_eq!(world.in_service(), 1, "another has taken its place");
}

#[test]
fn hooks_of_others_are_left_alone() {
    let world = World::new(1);
    let launch = test_support::sample("lifecycle-hook", "launch.json");
    for metadata in [json!(null), json!("additional-info"), json!("{}"), json!(settings(drain(300)).text())] {
        let told =
            world.invoke(test_support::with(launch.clone(), json!({ "detail": { "NotificationMetadata": metadata } })));
        assert_eq!(told, Some(json!({ "Ignored": "the hook scalable-ec2-launch-hook-uswest2-dev is not ours" })));
    }
    assert_eq!(*world.calls.borrow(), [""; 0]);
}

#[test]
fn a_message_that_cannot_be_put_away_stays() {
    let world = World::new(1);
    world.faults.borrow_mut().insert(0, Fault::Refused);
    world.send(String::from("no { JSON"), START);
    world.receive();
    assert_eq!(world.messages.borrow().len(), 1);
    world.now.set(START + test_support::hooks::HIDDEN);
    world.receive();
    assert_eq!((world.messages.borrow().len(), world.buried.borrow().len()), (0, 1));
}

#[test]
fn every_sample_is_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/lifecycle-hook");
    let mut samples = 0;
    for file in std::fs::read_dir(folder).expect("samples") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let world = World::new(1);
        let told = world.invoke(test_support::sample("lifecycle-hook", &name)).expect("it is not killed");
        let poison = usize::from(name == "queue.json");
        assert_eq!(world.buried.borrow().len(), poison, "{name}: {told}");
        samples += 1;
    }
    assert_eq!(samples, 13);
}

/// By the longest wait of any hook as the deployment looks by default, and by the longest drain that the properties allow for
/// whatever else it may be told.
#[test]
fn receives_suffice_for_the_longest_wait_and_heartbeats_come_in_time() {
    let heartbeat = Duration::from_mins(5);
    for (short, longest) in [(15, minutes(48 * 60)), (1, minutes(8 * 60)), (6, minutes(8 * 60)), (60, minutes(8 * 60))]
    {
        let short = Duration::from_secs(short);
        let (mut waited, mut receives, mut last_beat) = (Duration::ZERO, 0, Duration::ZERO);
        while waited < longest {
            receives += 1;
            if pace::beats(waited, pace::pause(waited, short), heartbeat) {
                last_beat = waited;
            }
            assert!(waited < last_beat + heartbeat, "{short:?}: after {waited:?}");
            waited += pace::pause(waited, short);
        }
        assert!(receives < 1_000, "{short:?}: {receives}: a queue gives up after at most a thousand");
    }
    assert_eq!(pace::longest(Duration::from_secs(30)), Duration::from_mins(50));
    assert_eq!(pace::longest(Duration::from_hours(2)), Duration::from_hours(48));
}

/// The figures of ARCHITECTURE.md.
#[test]
fn five_hundred_that_wait_for_an_hour_cost_few_invocations_and_calls() {
    let world = World::with(500, &settings(gate(7_200)), &settings(drain(300)));
    world.fleet.borrow_mut().make_next_sick(500, &Sickness::NotReady);
    world.scale_to(500);
    // All wait now.
    world.pass(Duration::from_secs(21));
    world.calls.borrow_mut().clear();
    world.looks.borrow_mut().clear();
    world.invocations.set(0);
    world.pass(minutes(60));
    let of = |name: &str| calls_named(&world, name);
    // Of 38 or 39 looks at each instance, ten share an invocation; 30 of these are sweeps.
    assert_eq!((world.invocations.get(), of("waiting")), (1_930, 30));
    // A look asks EC2 twice for a hundred instances, and SSM once for fifty (`wire/instances`).
    let calls = |count: &usize| 2 * count.div_ceil(100) + count.div_ceil(50);
    assert_eq!(world.looks.borrow().iter().map(calls).sum::<usize>(), 1_900 * 3 + 30 * 20);
    assert_eq!((of("come_back"), of("heartbeat")), (19_000, 16_000));
}
