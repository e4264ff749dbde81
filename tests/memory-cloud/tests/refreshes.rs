//! Instance refreshes in the in-memory cloud: operators' calls, launches by version, and steps at their due times.
#![allow(clippy::unwrap_used, reason = "a test stops at an unexpected value")]

use std::time::Duration;

use auto_scaling::{
    Event, InstanceRefresh, LaunchTemplate, LifecycleActionResult, LifecycleState, NewGroup, PutHook,
    RefreshPreferences, RefreshStatus, Settings, StartRefresh, Subnet, Transition,
};
use memory_cloud::{LaunchOutcome, MemoryAccount};

const MINUTE: Duration = Duration::from_mins(1);

fn version(version: &str) -> LaunchTemplate {
    LaunchTemplate { id: "lt-1".into(), name: "web".into(), version: version.into() }
}

/// An account with a group of two instances in service, whose launches have a hook.
fn account() -> MemoryAccount {
    let account = MemoryAccount::default();
    let gate = PutHook {
        name: "gate".into(),
        transition: Some(Transition::Launching),
        heartbeat: Some(MINUTE * 15),
        default_result: Some(LifecycleActionResult::Abandon),
        ..PutHook::default()
    };
    let settings = Settings {
        launch_template: version("1"),
        max_size: 2,
        subnets: vec![Subnet { id: "subnet-a".into(), zone: "us-west-2a".into() }],
        ..Settings::default()
    };
    let new =
        NewGroup { name: "web".into(), settings, desired_capacity: Some(2), hooks: vec![gate], ..NewGroup::default() };
    account.operate(|simulator, now| simulator.create_group(new, now)).unwrap();
    account.clock.advance(MINUTE * 2);
    account
}

fn start(account: &MemoryAccount) {
    let preferences = RefreshPreferences {
        min_healthy_percentage: Some(100),
        max_healthy_percentage: Some(110),
        ..RefreshPreferences::default()
    };
    let start = StartRefresh { desired_configuration: Some(version("2")), preferences };
    account.operate(|simulator, now| simulator.start_instance_refresh("web", start, now)).unwrap();
}

fn refresh(account: &MemoryAccount) -> InstanceRefresh {
    account.operate(|simulator, now| simulator.instance_refreshes("web", now)).unwrap().remove(0)
}

/// The versions of the instances in service, in order.
fn versions(account: &MemoryAccount) -> Vec<String> {
    account.operate(|simulator, _| {
        let instances = simulator.group("web").unwrap().instances.iter();
        let in_service = instances.filter(|it| it.state == LifecycleState::InService);
        in_service.map(|it| it.launch_template.version.clone()).collect()
    })
}

#[test]
fn each_step_of_a_refresh_has_its_due_time_however_rare_the_calls_are() {
    let ends = [MINUTE, MINUTE * 60].map(|span| {
        let account = account();
        start(&account);
        for _ in 0..MINUTE.as_secs() * 60 / span.as_secs() {
            account.clock.advance(span);
            account.operate(|_, _| ());
        }
        assert_eq!(versions(&account), ["2", "2"]);
        refresh(&account).end.unwrap()
    });
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].0 < 15 * 60_000, "{}", ends[0]);
}

#[test]
fn launches_of_a_version_can_fail_or_be_abandoned_while_others_succeed() {
    for outcome in [LaunchOutcome::Fails("The image id '[ami-2]' does not exist".into()), LaunchOutcome::Abandoned] {
        let account = account();
        account.launch_outcomes.borrow_mut().insert("2".into(), outcome);
        start(&account);
        account.clock.advance(MINUTE * 30);
        assert_eq!((refresh(&account).status, versions(&account)), (RefreshStatus::InProgress, vec!["1".into(); 2]));
        account.clock.advance(MINUTE * 60);
        assert_eq!((refresh(&account).status, versions(&account)), (RefreshStatus::Failed, vec!["1".into(); 2]));
        let events: Vec<&str> = account.refresh_events.borrow().iter().map(Event::detail_type).collect();
        let expected = ["EC2 Auto Scaling Instance Refresh Started", "EC2 Auto Scaling Instance Refresh Failed"];
        assert_eq!(events, expected);
    }
}

#[test]
fn hooks_without_an_answer_time_out() {
    for all in [false, true] {
        let account = account();
        account.operate(|_, _| ());
        if all {
            account.hooks_unanswered.set(true);
        } else {
            account.launch_outcomes.borrow_mut().insert("2".into(), LaunchOutcome::Unanswered);
        }
        start(&account);
        account.clock.advance(MINUTE * 70);
        assert_eq!(refresh(&account).status, RefreshStatus::InProgress);
        account.clock.advance(MINUTE * 15);
        assert_eq!((refresh(&account).status, versions(&account)), (RefreshStatus::Failed, vec!["1".into(); 2]));
    }
}
