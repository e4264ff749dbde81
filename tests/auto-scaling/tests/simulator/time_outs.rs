//! Instances that wait for hooks: the time limits of the waits.

use std::time::Duration;

use auto_scaling::{ActionKey, Hook, LifecycleState, PutHook, Timestamp, Transition};

use crate::{
    hooked::{ABANDON, CONTINUE, HEARTBEAT, SECOND, hook, hooked, launching},
    host::{Host, LAUNCH, START, TERMINATE, error_text},
};

#[test]
fn a_wait_without_a_heartbeat_ends_with_the_hooks_default_result() {
    for (default_result, then) in [(CONTINUE, "i-1 InService a"), (ABANDON, "i-1 Terminating a")] {
        let mut host = Host::new();
        let hooks = vec![hook("gate", Transition::Launching, default_result)];
        host.sim.create_group(hooked(1, hooks), host.now).unwrap();
        host.advance(Duration::ZERO);
        host.advance(LAUNCH);
        host.advance(HEARTBEAT.saturating_sub(Duration::from_millis(1)));
        assert_eq!(host.instances(), ["i-1 Pending:Wait a"]);
        host.advance(Duration::from_millis(1));
        assert_eq!(host.instances()[0], then);
        let launch = host.sim.activities("web", false).unwrap().pop().unwrap();
        assert_eq!(launch.end, Some(START + LAUNCH + HEARTBEAT));
        assert_eq!(launch.description.ends_with("was abandoned: Heartbeat Timeout"), default_result == ABANDON);
        let late = host.complete("i-1", "gate", CONTINUE);
        assert_eq!(error_text(late), "ValidationError: No active Lifecycle Action found with instance ID i-1");
    }
}

#[test]
fn both_results_of_a_time_out_let_an_instance_terminate_but_abandon_skips_the_other_hooks() {
    for (default_result, ends) in [(CONTINUE, 2), (ABANDON, 1)] {
        let mut host = Host::new();
        let quick = hook("quick", Transition::Terminating, default_result);
        let slow = PutHook { heartbeat: Some(HEARTBEAT * 2), ..hook("slow", Transition::Terminating, CONTINUE) };
        host.sim.create_group(hooked(1, vec![quick, slow]), host.now).unwrap();
        host.settle();
        host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
        host.advance(Duration::ZERO);
        host.advance((HEARTBEAT * ends).saturating_sub(SECOND));
        assert_eq!(host.instances(), ["i-1 Terminating:Wait a"], "{default_result:?}");
        host.advance(SECOND);
        assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"], "{default_result:?}");
    }
}

#[test]
fn a_heartbeat_extends_the_wait_from_its_arrival_up_to_the_time_of_a_hundred() {
    let mut host = launching(1, &["gate"]);
    host.advance(HEARTBEAT / 2);
    host.heartbeat("i-1", "gate").unwrap();
    host.advance(HEARTBEAT.saturating_sub(SECOND));
    assert_eq!(host.instances(), ["i-1 Pending:Wait a"], "the wait lasts half a heartbeat's time and a whole one");
    let started = START + LAUNCH;
    while host.now < started + HEARTBEAT * 99 {
        host.heartbeat("i-1", "gate").unwrap();
        host.advance(HEARTBEAT / 2);
    }
    host.heartbeat("i-1", "gate").unwrap();
    assert_eq!(host.sim.next_due(host.now), Some(started + HEARTBEAT * 100));
    let last = started + HEARTBEAT * 100;
    host.advance(Duration::from_millis(last.0 - host.now.0 - 1));
    host.heartbeat("i-1", "gate").unwrap();
    host.advance(Duration::from_millis(1));
    assert_eq!(host.instances()[0], "i-1 Terminating a");
    let late = host.heartbeat("i-1", "gate");
    assert_eq!(error_text(late), "ValidationError: No active Lifecycle Action found with instance ID i-1");
}

#[test]
fn no_wait_lasts_longer_than_48_hours() {
    let longest = Hook {
        name: "h".into(),
        transition: Transition::Launching,
        heartbeat: Duration::from_hours(2),
        default_result: ABANDON,
        metadata: None,
        target_arn: None,
        role_arn: None,
    };
    assert_eq!(longest.global_timeout(), Duration::from_hours(48));
    assert_eq!(Hook { heartbeat: Duration::from_secs(30), ..longest }.global_timeout(), Duration::from_mins(50));
}

#[test]
fn a_completion_at_the_deadline_is_late_also_without_a_step_since() {
    let mut host = launching(1, &["gate"]);
    host.now = host.now + HEARTBEAT;
    let key = ActionKey::instance("i-1");
    let late = host.sim.complete_lifecycle_action("web", "gate", key, CONTINUE, host.now);
    assert_eq!(error_text(late), "ValidationError: No active Lifecycle Action found with instance ID i-1");
    assert_eq!(host.web().instances[0].state, LifecycleState::Terminating);
}

#[test]
fn waits_end_when_they_are_due_also_between_steps() {
    let mut host = launching(1, &["gate"]);
    host.advance(Duration::from_hours(1));
    let activities = host.sim.activities("web", false).unwrap();
    let ends: Vec<Option<Timestamp>> = activities.iter().map(|it| it.end).collect();
    let abandoned = START + LAUNCH + HEARTBEAT;
    assert_eq!(ends[1..], [Some(abandoned + TERMINATE), Some(abandoned)], "the replacement launches now");
}
