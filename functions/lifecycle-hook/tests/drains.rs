//! Instances that end: behind target groups, as Spot instances, and where nobody tells of them.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::time::Duration;

use auto_scaling::{Behaviour, CommandOutcome, Fleet, LifecycleState, Sickness};
use environment::hook_settings::{Drain, HookSettings, Task};
use lifecycle_hook::cloud::Ends;
use serde_json::{Value, json};
use test_support::hooks::{Fault, GROUP, SWEEP, TARGETS, World, gate, settings};

const DELAY: Duration = Duration::from_mins(5);
/// A look comes every 15 s, and the command shows after a second.
const A_LOOK: Duration = Duration::from_secs(16);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn drain() -> HookSettings {
    HookSettings { target_groups: vec![TARGETS.into()], ..settings(Task::Drain(Drain { seconds: 300 })) }
}

/// A world in which one instance is in service, in a target group too, and drains within this time.
fn serving(drains_in: Duration) -> (World, String) {
    let world = World::with(1, &settings(gate(600)), &drain());
    world.attach_target_group(DELAY);
    let commands = CommandOutcome::SucceedsAfter(drains_in);
    world.fleet.replace(Fleet::new(Behaviour { commands, ..Behaviour::default() }));
    world.scale_to(1);
    world.pass(seconds(310));
    let (id, state) = world.states().pop_first().expect("one");
    assert_eq!(state, LifecycleState::InService);
    (world, id)
}

/// Lets time pass with every event lost.
fn pass_unheard(world: &World, span: Duration) {
    world.run(world.now.get() + span, &mut |_, _| {});
}

fn count(world: &World, name: &str) -> usize {
    world.calls.borrow().iter().filter(|it| **it == name).count()
}

/// What the ledger was told of drains.
fn outcomes(world: &World) -> Vec<Value> {
    let told = world.told.borrow();
    told.iter().filter(|it| it["detail-type"] == "Drain Outcome").map(|it| it["detail"]["Outcome"].clone()).collect()
}

#[test]
fn a_drain_has_its_whole_time_after_the_target_groups_have_let_the_instance_go() {
    for heard in [true, false] {
        let (world, id) = serving(seconds(250));
        world.scale_to(0);
        if heard {
            world.pass(seconds(900));
        } else {
            pass_unheard(&world, seconds(900));
        }
        assert_eq!(count(&world, "drain"), 1, "heard of: {heard}");
        assert_eq!(outcomes(&world), ["drained"], "heard of: {heard}");
        assert_eq!(world.completed.borrow()[&id], [Ends::Continue; 2]);
        assert_eq!(world.states().len(), 0);
    }
}

#[test]
fn a_drain_that_nobody_tells_of_and_that_hangs_ends_with_its_own_time() {
    let (world, id) = serving(seconds(5));
    world.fleet.borrow_mut().make_sick(&id, &Sickness::CommandsHang, world.now.get()).expect("it is there");
    world.scale_to(0);
    pass_unheard(&world, DELAY + SWEEP + seconds(300) + A_LOOK);
    assert_eq!(world.completed.borrow()[&id].len(), 2);
    assert_eq!(outcomes(&world), ["not-drained"]);
}

/// What becomes of an end that no event tells of: found by one sweep, and over with the next look.
#[test]
fn an_end_that_no_event_tells_of_takes_one_sweep() {
    let (world, id) = serving(seconds(5));
    world.scale_to(0);
    let latest = world.now.get() + DELAY + SWEEP;
    while world.messages.borrow().is_empty() && world.now.get() < latest {
        pass_unheard(&world, seconds(1));
    }
    let put: Value = serde_json::from_str(&world.messages.borrow()[0].body).expect("JSON");
    let detail = json!({
        "AutoScalingGroupName": GROUP, "LifecycleHookName": "terminate", "EC2InstanceId": id,
        "NotificationMetadata": drain().text(),
    });
    let sample = test_support::sample("lifecycle-hook", "found-waiting.json");
    assert_eq!(put, test_support::with(sample, json!({ "detail": detail })), "as the sample has it");
    pass_unheard(&world, A_LOOK);
    assert_eq!(world.completed.borrow()[&id], [Ends::Continue; 2]);
    assert_eq!(outcomes(&world), ["drained"]);
    pass_unheard(&world, seconds(600));
    assert_eq!(world.messages.borrow().len(), 0, "nothing is left in the queue");
}

#[test]
fn a_spot_instance_is_drained_though_its_target_group_takes_longer_than_its_two_minutes() {
    let (world, id) = serving(seconds(30));
    world.scaling.borrow_mut().interrupt_spot_instance(&id, world.now.get()).expect("it is there");
    world.pass(seconds(110));
    let calls = world.calls.borrow();
    let at = |name: &str| calls.iter().position(|it| *it == name).unwrap_or_else(|| panic!("{name}: {calls:?}"));
    assert!(at("leave") < at("drain"), "what it serves goes first");
    assert_eq!(world.messages.borrow().len(), 0, "the command has succeeded before the instance ends");
}

#[test]
fn a_spot_instance_without_an_agent_leaves_its_target_groups() {
    let (world, id) = serving(seconds(5));
    world.fleet.borrow_mut().make_sick(&id, &Sickness::AgentLost, world.now.get()).expect("it is there");
    // SSM says Online for a while longer.
    world.pass(seconds(360));
    world.scaling.borrow_mut().interrupt_spot_instance(&id, world.now.get()).expect("it is there");
    world.pass(A_LOOK);
    assert_eq!((count(&world, "leave"), count(&world, "drain")), (1, 0));
}

#[test]
fn a_spot_notice_whose_group_nobody_can_tell_is_not_asked_about_for_ever() {
    let (world, id) = serving(seconds(5));
    world.scaling.borrow_mut().interrupt_spot_instance(&id, world.now.get()).expect("it is there");
    // Every look-up of its group is refused from now on.
    let from = world.calls.borrow().len();
    world.faults.borrow_mut().extend((from..from + 2_000).map(|call| (call, Fault::Refused)));
    world.send(world.step().pop().expect("a notice"), world.now.get());
    for _ in 0..10 {
        world.receive();
        world.now.set(world.now.get() + seconds(15));
        world.messages.borrow_mut().iter_mut().for_each(|it| it.visible = world.now.get());
    }
    assert_eq!(world.messages.borrow().len(), 0, "it comes back for ever");
}

#[test]
fn an_end_of_which_nobody_knows_since_when_is_drained_once_and_not_kept_up() {
    let (world, id) = serving(seconds(5));
    world.fleet.borrow_mut().make_sick(&id, &Sickness::CommandsHang, world.now.get()).expect("it is there");
    world.activities_hidden.set(true);
    world.call_takes.set(Duration::from_millis(80));
    world.scale_to(0);
    let before = count(&world, "heartbeat");
    while world.states().first_key_value().expect("one").1 != &LifecycleState::TerminatingWait {
        pass_unheard(&world, seconds(1));
    }
    for _ in 0..4 {
        world.messages.borrow_mut().clear();
        world.now.set(world.now.get() + seconds(60));
        world.invoke(test_support::sample("lifecycle-hook", "sweep.json"));
    }
    assert_eq!((count(&world, "drain"), count(&world, "heartbeat") - before), (1, 0));
}

/// Has the one instance end while each event tells of this way, and comes.
fn end_on_its_way(world: &World, from: &str, to: &str) {
    world.scale_to(0);
    let until = world.now.get() + DELAY + seconds(5);
    world.run(until, &mut |world, body| {
        let event: Value = serde_json::from_str(&body).expect("JSON");
        let way = json!({ "detail": { "Origin": from, "Destination": to } });
        world.send(test_support::with(event, way).to_string(), world.now.get());
    });
}

#[test]
fn an_instance_that_goes_back_into_the_warm_pool_is_not_drained() {
    let (world, id) = serving(seconds(5));
    end_on_its_way(&world, "AutoScalingGroup", "WarmPool");
    assert_eq!((count(&world, "drain"), &world.completed.borrow()[&id][1..]), (0, &[Ends::Continue][..]));
    assert_eq!(outcomes(&world), [Value::Null; 0], "there was nothing to drain");
}

#[test]
fn an_instance_that_was_stopped_in_the_warm_pool_had_nothing_to_drain() {
    let told: [(&str, &[&str]); 2] = [("WarmPool", &[]), ("AutoScalingGroup", &["not-drained"])];
    for (from, told) in told {
        let (world, id) = serving(seconds(5));
        world.stopped.borrow_mut().insert(id.clone());
        end_on_its_way(&world, from, "EC2");
        assert_eq!(world.completed.borrow()[&id].len(), 2);
        assert_eq!(outcomes(&world), told, "from {from}");
    }
}
