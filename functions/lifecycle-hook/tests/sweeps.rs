//! What the sweep finds, and that neither a slow start nor another group's failure is its own mistake.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

use std::time::Duration;

use auto_scaling::Sickness;
use environment::hook_settings::{Drain, Task};
use lifecycle_hook::cloud::Ends;
use serde_json::json;
use test_support::hooks::{Dice, Fault, START, SWEEP, World, gate, settings};

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// Lets time pass with every event lost.
fn pass_unheard(world: &World, span: Duration) {
    world.run(world.now.get() + span, &mut |_, _| {});
}

#[test]
fn a_launch_that_ec2_takes_long_to_start_has_its_whole_time() {
    let world = World::new(1);
    world.starts_after.set(minutes(15));
    world.scale_to(1);
    pass_unheard(&world, minutes(20));
    assert_eq!(world.in_service(), 1);
    assert_eq!(world.completed.borrow()["i-00000000000000001"], [Ends::Continue]);
}

/// EC2 starts an instance up to a minute before it waits, and the sweep knows no more than that.
#[test]
fn a_gate_of_a_minute_has_its_minute_though_a_sweep_looks() {
    let world = World::with(1, &settings(gate(60)), &settings(Task::Drain(Drain { seconds: 300 })));
    world.now.set(START + Duration::from_secs(50));
    world.scale_to(1);
    // It waits from 70 s on, is looked at after 120 s, and is healthy after 140 s.
    pass_unheard(&world, minutes(5));
    assert_eq!(world.completed.borrow()["i-00000000000000001"], [Ends::Continue]);
}

#[test]
fn one_group_that_cannot_be_read_holds_up_no_other() {
    let world = World::new(1);
    world.add_group("scalable-ec2-asg-uswest2-zeta");
    world.scale_to(1);
    world.run(START + Duration::from_secs(30), &mut |_, _| {});
    world.now.set(START + minutes(2));
    // The sweep lists who waits, and then asks for the hooks of the first group.
    let first = world.calls.borrow().len() + 1;
    world.faults.borrow_mut().insert(first, Fault::Refused);
    let told = world.invoke(test_support::sample("lifecycle-hook", "sweep.json")).expect("it is not killed");
    assert_eq!(world.calls.borrow()[first], "hooks");
    assert_eq!(told["Swept"].as_array().expect("a list").len(), 1, "the other group's: {told}");
    assert_eq!(told["LeftOut"], json!(["scalable-ec2-asg-uswest2-dev: hooks: Throttling: Rate exceeded"]));
}

fn round_is_sick(round: usize) -> usize {
    usize::from(round.is_multiple_of(2))
}

#[test]
fn a_sweep_and_a_message_at_once_never_answer_differently() {
    let mut dice = Dice::new(3);
    let mut overtaken = 0;
    for round in 0..200 {
        let world = World::new(1);
        if round_is_sick(round) == 1 {
            world.fleet.borrow_mut().make_next_sick(1, &Sickness::FailedAt("line 12".into()));
        }
        world.scale_to(1);
        world.run(START + Duration::from_secs(80), &mut |world, body| world.send(body, world.now.get()));
        world.now.set(START + Duration::from_secs(100));
        world.messages.borrow_mut().iter_mut().for_each(|it| it.visible = world.now.get());
        let record = test_support::hooks::record(world.messages.borrow().first().expect("its message"));
        let sweep = test_support::sample("lifecycle-hook", "sweep.json");
        world.race(json!({ "Records": [record] }), sweep, &mut dice);
        let answered = world.answered.borrow();
        assert!(!answered.is_empty() && answered.values().all(|it| it.len() == 1), "{answered:?}");
        assert_eq!(world.completed.borrow().values().map(Vec::len).sum::<usize>(), 1);
        // Of two verdicts that are written, one says that it came too late.
        let written = world.written.borrow();
        let verdicts = |verdict: &str| {
            written.iter().filter(|(_, _, lines)| lines[0].contains(&format!(r#""Verdict":"{verdict}""#))).count()
        };
        assert_eq!(verdicts("ABANDON").saturating_sub(verdicts("too late")), round_is_sick(round), "{written:?}");
        overtaken += verdicts("too late");
    }
    assert!(overtaken > 10, "{overtaken}");
}

#[test]
fn an_answer_that_is_lost_is_in_the_ledger_all_the_same() {
    let golden = World::new(1);
    golden.scale_to(1);
    golden.pass(minutes(5));
    let at = golden.calls.borrow().iter().position(|it| *it == "complete").expect("it is answered");
    let world = World::new(1);
    world.faults.borrow_mut().insert(at, Fault::Lost);
    world.scale_to(1);
    world.pass(minutes(5) + SWEEP);
    assert_eq!(world.told.borrow().len(), 1, "its verdict");
}
