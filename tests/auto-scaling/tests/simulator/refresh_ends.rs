//! Failures, rollbacks and cancellations.

use std::time::Duration;

use auto_scaling::{Latency, LifecycleState, PutHook, RefreshChoices, RefreshPreferences, RefreshStatus, Transition};

use crate::{
    hooked::{ABANDON, CONTINUE, hook, hooked},
    host::{Host, group},
    refreshed::{MINUTE, SECOND, healthy},
};

const GONE: &str = "The image id '[ami-2]' does not exist";

fn host(desired: u32, max: u32) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, desired, max), host.now).unwrap();
    host.settle();
    host
}

/// A group whose launches wait for the hook `gate`, with all instances in service.
fn gated(desired: u32, heartbeat: Duration) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    let gate = PutHook { heartbeat: Some(heartbeat), ..hook("gate", Transition::Launching, ABANDON) };
    host.sim.create_group(hooked(desired, vec![gate]), host.now).unwrap();
    while host.sizes().1 < desired as usize {
        host.run(SECOND);
        answer(&mut host, true);
    }
    host
}

/// Completes the waits of all launching instances.
fn answer(host: &mut Host, is_healthy: bool) {
    let waiting = host.web().instances.iter().filter(|it| it.state == LifecycleState::PendingWait);
    let ids: Vec<String> = waiting.map(|it| it.id.clone()).collect();
    for id in ids {
        host.complete(&id, "gate", if is_healthy { CONTINUE } else { ABANDON }).unwrap();
    }
}

fn forward_and_back() -> RefreshPreferences {
    RefreshPreferences { auto_rollback: true, ..healthy(100, Some(110)) }
}

#[test]
fn failing_launches_are_retried_for_an_hour_before_the_refresh_fails() {
    let mut host = host(3, 3);
    (host.launch_error, host.failing_version) = (Some(GONE), Some("2"));
    let begin = host.now;
    host.start(healthy(100, Some(110)));
    assert_eq!(host.end(|host| assert_eq!(host.sizes().1, 3)), RefreshStatus::Failed);
    let minutes = host.now.since(begin).as_secs() / 60;
    assert!((60..=62).contains(&minutes), "{minutes} min");
    assert!(host.launches.len() > 8, "{} launches", host.launches.len());
    assert_eq!((host.count_of("1"), host.web().settings.launch_template.version.as_str()), (3, "1"));
    assert!(host.refresh_events(begin).last().unwrap().ends_with(" Failed"));
    host.settle();
    assert_eq!(host.sizes(), (3, 3));
}

#[test]
fn a_failure_rolls_back_by_itself_if_asked_to() {
    let mut host = host(10, 10);
    let begin = host.now;
    host.start(RefreshPreferences {
        checkpoint_percentages: vec![20, 100],
        checkpoint_delay: Some(MINUTE),
        ..forward_and_back()
    });
    while host.count_of("2") < 2 {
        host.run(SECOND);
    }
    (host.launch_error, host.failing_version) = (Some(GONE), Some("2"));
    assert_eq!(host.end(|host| assert!(host.sizes().1 >= 10)), RefreshStatus::RollbackSuccessful);
    assert_eq!((host.count_of("1"), host.versions().len()), (10, 10));
    let refresh = host.refresh();
    let rollback = refresh.rollback.unwrap();
    assert!(rollback.reason.starts_with("Rollback triggered due to: "), "{}", rollback.reason);
    assert_eq!((rollback.progress.percentage, rollback.progress.instances_to_update), (20, 8));
    assert_eq!(refresh.progress.unwrap().percentage, 0);
    assert_eq!(refresh.progress.unwrap().instances_to_update, 10);
    let events = host.refresh_events(begin);
    assert!(events[events.len() - 2].ends_with("Rollback Started"), "{events:?}");
}

#[test]
fn a_rollback_to_a_configuration_that_is_gone_fails_after_an_hour() {
    let mut host = host(2, 2);
    host.start(healthy(100, Some(110)));
    while host.count_of("2") < 1 {
        host.run(SECOND);
    }
    host.run(MINUTE * 2);
    (host.launch_error, host.failing_version) = (Some(GONE), Some("1"));
    host.sim.rollback_instance_refresh("web", host.now).unwrap();
    let begin = host.now;
    assert_eq!(host.end(|host| assert!(host.sizes().1 >= 2)), RefreshStatus::RollbackFailed);
    assert!(host.now.since(begin) >= Duration::from_hours(1));
}

#[test]
fn a_rollback_removes_an_instance_that_still_waits_and_replaces_none_that_was_left_alone() {
    let mut host = gated(3, MINUTE * 5);
    host.start(healthy(100, Some(110)));
    host.run(MINUTE * 2);
    assert_eq!(host.sizes(), (4, 3));
    let (launches, called) = (host.launches.len(), host.now);
    host.sim.rollback_instance_refresh("web", host.now).unwrap();
    assert_eq!(host.end(|host| assert_eq!(host.sizes().1, 3)), RefreshStatus::RollbackSuccessful);
    assert_eq!((host.launches.len(), host.count_of("1")), (launches, 3), "nothing had to be launched");
    assert!(host.now.since(called) < MINUTE * 2, "{:?}", host.now.since(called));
}

#[test]
fn a_gate_that_abandons_each_new_instance_makes_the_refresh_retry() {
    let mut host = gated(2, MINUTE * 5);
    let begin = host.now;
    host.start(forward_and_back());
    let mut most = 0;
    while host.state().is_active() {
        host.run(SECOND * 5);
        let is_forward = host.state() == RefreshStatus::InProgress;
        answer(&mut host, !is_forward);
        assert_eq!(host.count_of("1"), 2);
        most = most.max(host.sizes().0);
    }
    assert_eq!((host.state(), most), (RefreshStatus::RollbackSuccessful, 3));
    assert!(host.launches.len() > 10, "{} launches", host.launches.len());
    assert!(host.now.since(begin) > Duration::from_hours(1));
}

/// Every function is dead: the heartbeats time out, ABANDON is the default result, and the hour of retries passes.
#[test]
fn a_refresh_whose_hook_is_never_completed_ends_after_the_hour() {
    for auto_rollback in [false, true] {
        let mut host = gated(2, MINUTE * 15);
        let begin = host.now;
        host.start(RefreshPreferences { auto_rollback, ..healthy(100, Some(110)) });
        let end = host.end(|host| assert_eq!(host.count_of("1"), 2));
        let expected = if auto_rollback { RefreshStatus::RollbackSuccessful } else { RefreshStatus::Failed };
        assert_eq!(end, expected);
        let minutes = host.now.since(begin).as_secs() / 60;
        assert!((75..=80).contains(&minutes), "{minutes} min");
        host.run(MINUTE * 20);
        assert_eq!(host.sizes(), (2, 2));
    }
}

#[test]
fn a_new_instance_that_becomes_unhealthy_is_replaced_and_counts_as_a_failure() {
    let mut host = host(1, 2);
    let begin = host.now;
    host.start(healthy(100, Some(110)));
    while host.state().is_active() {
        host.run(SECOND * 5);
        let new = host.web().instances.iter().find(|it| it.launch_template.version == "2");
        if let Some(id) = new.filter(|it| it.state == LifecycleState::InService).map(|it| it.id.clone()) {
            host.sim.set_instance_health(&id, false, false, host.now).unwrap();
        }
        assert_eq!(host.count_of("1"), 1);
    }
    let minutes = host.now.since(begin).as_secs() / 60;
    assert!(host.state() == RefreshStatus::Failed && minutes < 65, "{minutes} min");
}

#[test]
fn a_success_between_failures_begins_the_hour_again() {
    let mut host = gated(3, MINUTE * 5);
    host.start(healthy(100, Some(110)));
    for new in 1..=3 {
        let end = host.now + MINUTE * 50;
        while host.now < end {
            host.run(SECOND * 5);
            answer(&mut host, false);
        }
        assert_eq!((host.state(), host.count_of("2")), (RefreshStatus::InProgress, new - 1));
        while host.count_of("2") < new {
            host.run(SECOND * 5);
            answer(&mut host, true);
        }
    }
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
}

#[test]
fn a_cancel_that_waits_ends_with_the_last_launch_and_leaves_a_mix() {
    let mut host = gated(3, MINUTE * 10);
    host.start(healthy(100, Some(110)));
    host.run(MINUTE * 2);
    host.sim.cancel_instance_refresh("web", true, host.now).unwrap();
    host.run(MINUTE * 3);
    assert_eq!((host.state(), host.sizes()), (RefreshStatus::Cancelling, (4, 3)));
    assert_eq!(host.reason(), "Cancelled due to user request.");
    answer(&mut host, true);
    host.run(MINUTE * 3);
    assert_eq!((host.state(), host.sizes()), (RefreshStatus::Cancelled, (3, 3)));
    assert_eq!((host.count_of("1"), host.count_of("2")), (2, 1));
    assert_eq!(host.web().settings.launch_template.version, "1");
}

#[test]
fn a_cancel_without_wait_leaves_a_surge_that_the_group_removes() {
    for (end_sheds_unready, in_service) in [(true, 3), (false, 2)] {
        let mut host = gated(3, MINUTE * 10);
        host.sim.set_refresh_choices(RefreshChoices { end_sheds_unready, ..RefreshChoices::default() });
        host.start(healthy(100, Some(110)));
        host.run(MINUTE * 2);
        host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
        host.run(SECOND * 10);
        assert_eq!((host.state(), host.sizes()), (RefreshStatus::Cancelled, (3, in_service)));
    }
}

#[test]
fn a_pending_refresh_and_a_rollback_can_be_cancelled() {
    let mut host = host(2, 2);
    host.start(healthy(100, Some(110)));
    host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Cancelled);
    assert_eq!(host.launches.len(), 2);
    host.start(healthy(100, Some(110)));
    while host.count_of("2") < 1 {
        host.run(SECOND);
    }
    host.sim.rollback_instance_refresh("web", host.now).unwrap();
    host.run(SECOND * 20);
    host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Cancelled);
    assert!(host.refresh().rollback.is_some());
    host.settle();
    assert_eq!(host.sizes(), (2, 2));
}

#[test]
fn a_refresh_takes_fourteen_days_at_most() {
    let mut host = host(2, 2);
    host.start(RefreshPreferences {
        checkpoint_percentages: vec![50, 100],
        checkpoint_delay: Some(Duration::from_hours(48)),
        ..healthy(100, Some(110))
    });
    host.run(MINUTE * 10);
    host.sim.suspend_processes("web", &["InstanceRefresh".into()], host.now).unwrap();
    host.run(Duration::from_hours(14 * 24));
    host.sim.resume_processes("web", &["InstanceRefresh".into()]).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Failed);
}
