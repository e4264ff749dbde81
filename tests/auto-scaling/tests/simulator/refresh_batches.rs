//! Groups of several instances: batches, checkpoints, skip matching, and instances that are left alone.

use std::time::Duration;

use auto_scaling::{
    Latency, ProtectedInstances, RefreshChoices, RefreshPreferences, RefreshStatus, StandbyInstances, Timestamp,
    Transition,
};

use crate::{
    hooked::{CONTINUE, hook, hooked},
    host::{Host, group},
    refreshed::{MINUTE, SECOND, healthy, to_version_2, version},
};

fn host(desired: u32, max: u32) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, desired, max), host.now).unwrap();
    host.settle();
    host
}

/// Runs a refresh to its end and returns the smallest number of instances in service and the largest of counted ones.
fn extremes(host: &mut Host) -> (usize, usize) {
    let extremes = std::cell::Cell::new((usize::MAX, 0));
    let status = host.end(|host| {
        let ((least, most), (counted, in_service)) = (extremes.get(), host.sizes());
        extremes.set((least.min(in_service), most.max(counted)));
    });
    assert_eq!(status, RefreshStatus::Successful);
    extremes.get()
}

/// The user guide: the percentages are shares of the desired capacity. The desired capacity of 7 with 110 % is the API
/// reference's impossible case, in which one instance launches before another terminates.
#[test]
fn the_percentages_bound_the_instances_in_service_and_the_counted_ones() {
    for (desired, min, max, least, most) in [
        (10, 100, Some(110), 10, 11),
        (7, 100, Some(110), 7, 8),
        (4, 100, Some(200), 4, 8),
        (4, 50, Some(150), 2, 6),
        (10, 90, None, 9, 10),
        (4, 0, None, 0, 4),
        (1, 90, None, 0, 1),
        (1, 100, Some(110), 1, 2),
    ] {
        let mut host = host(desired, desired);
        host.start(healthy(min, max));
        let found = extremes(&mut host);
        assert_eq!(found, (least, most), "{desired} instances, {min} %, {max:?}");
        host.settle();
        assert_eq!(host.count_of("2"), desired as usize);
        assert_eq!(host.launches.len(), 2 * desired as usize, "each instance is replaced once");
        assert_eq!(host.progress(), "Successful 100 0");
    }
}

#[test]
fn a_batch_waits_for_the_warm_up_of_the_last_one() {
    let mut host = host(2, 2);
    host.start(RefreshPreferences { instance_warmup: Some(MINUTE * 5), ..healthy(100, Some(100)) });
    host.run(MINUTE * 2);
    assert_eq!((host.launches.len(), host.sizes()), (3, (3, 3)));
    let warming = "Waiting for remaining instances to be available. For example: i-3 is warming up.";
    assert_eq!(host.reason(), warming);
    host.run(MINUTE * 3);
    assert_eq!(host.sizes(), (3, 3));
    host.run(MINUTE);
    assert_eq!((host.sizes(), host.progress().as_str()), ((2, 2), "InProgress 25 2"));
    host.run(SECOND * 11);
    assert_eq!(host.progress(), "InProgress 50 1");
}

#[test]
fn the_next_batch_waits_for_terminations_or_does_not() {
    for (batches_wait_for_terminations, launches) in [(true, 3), (false, 4)] {
        let mut host = Host::with_latency(Latency::RECORDED);
        let drain = hook("drain", Transition::Terminating, CONTINUE);
        host.sim.set_refresh_choices(RefreshChoices { batches_wait_for_terminations, ..RefreshChoices::default() });
        host.sim.create_group(hooked(2, vec![drain]), host.now).unwrap();
        host.settle();
        host.start(healthy(100, Some(100)));
        while !host.instances().iter().any(|it| it.contains("Terminating:Wait")) {
            host.run(SECOND);
        }
        host.run(SECOND * 20);
        assert_eq!(host.launches.len(), launches);
        let waits = host.reason().starts_with("Waiting for terminating instances before continuing.");
        assert_eq!(waits, batches_wait_for_terminations, "{}", host.reason());
        assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
        assert!(!host.instances().iter().any(|it| it.contains("Terminating")), "the end waits for all of them");
    }
}

#[test]
fn a_canary_with_room_below_the_maximum_succeeds_whatever_the_open_questions_are_and_never_lacks_capacity() {
    let mut combinations = 0;
    for choices in RefreshChoices::all() {
        let mut host = host(4, 6);
        host.sim.set_refresh_choices(choices);
        host.start(RefreshPreferences {
            checkpoint_percentages: vec![25, 100],
            checkpoint_delay: Some(MINUTE),
            bake_time: Some(MINUTE),
            skip_matching: true,
            ..healthy(100, Some(110))
        });
        assert_eq!(host.end(|host| assert!(host.sizes().1 >= 4)), RefreshStatus::Successful, "{choices:?}");
        assert_eq!((host.count_of("2"), host.sizes()), (4, (4, 4)), "{choices:?}");
        combinations += 1;
    }
    assert_eq!(combinations, 32);
}

#[test]
fn a_longer_health_check_delays_the_termination() {
    let mut host = host(1, 1);
    let mut timing = host.sim.timing();
    timing.latency.refresh_health = MINUTE * 3;
    host.sim.set_timing(timing);
    host.start(healthy(100, Some(100)));
    host.run(MINUTE * 3);
    assert_eq!(host.sizes(), (2, 2));
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
}

#[test]
fn a_surge_stays_within_the_maximum_size_if_that_is_the_choice() {
    let mut host = host(2, 2);
    host.sim.set_refresh_choices(RefreshChoices { surge_exceeds_max_size: false, ..RefreshChoices::default() });
    host.start(healthy(100, Some(150)));
    host.run(MINUTE * 59);
    assert_eq!((host.sizes(), host.state()), ((2, 2), RefreshStatus::InProgress));
    host.run(MINUTE * 3);
    assert_eq!((host.state(), host.count_of("1")), (RefreshStatus::Failed, 2));
}

#[test]
fn the_group_takes_the_template_at_the_end_and_a_scale_out_meanwhile_has_it() {
    let mut host = host(2, 5);
    host.start(RefreshPreferences { bake_time: Some(MINUTE * 10), ..healthy(100, Some(150)) });
    host.run(SECOND * 20);
    host.sim.set_desired_capacity("web", 4, false, host.now).unwrap();
    host.run(MINUTE);
    assert_eq!((host.count_of("2"), host.web().settings.launch_template.version.as_str()), (2, "1"));
    while host.state() == RefreshStatus::InProgress {
        host.run(SECOND);
    }
    assert_eq!((host.state(), host.count_of("2")), (RefreshStatus::Baking, 4));
    assert_eq!(host.web().settings.launch_template.version, "1");
    host.sim.set_desired_capacity("web", 5, false, host.now).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!((host.count_of("2"), host.web().settings.launch_template.version.as_str()), (5, "2"));
}

#[test]
fn a_scale_in_meanwhile_keeps_the_surge_and_ends_at_the_new_size() {
    let mut host = host(6, 6);
    host.start(healthy(100, Some(120)));
    host.run(MINUTE);
    assert_eq!(host.sizes().0, 7);
    host.sim.set_desired_capacity("web", 3, false, host.now).unwrap();
    host.run(SECOND * 10);
    assert_eq!(host.sizes().0, 4);
    assert_eq!(host.end(|host| assert!(host.sizes().1 >= 3)), RefreshStatus::Successful);
    assert_eq!((host.sizes(), host.count_of("2")), ((3, 3), 3));
}

/// The user guide, "Add checkpoints": the example of ten instances.
#[test]
fn checkpoints_limit_batches_and_wait_after_the_warm_up() {
    let mut host = host(10, 10);
    let begin = host.now;
    host.start(RefreshPreferences {
        checkpoint_percentages: vec![20, 50],
        checkpoint_delay: Some(MINUTE * 15),
        instance_warmup: Some(MINUTE * 10),
        ..healthy(80, None)
    });
    host.run(MINUTE * 9);
    assert_eq!(host.count_of("2"), 2);
    host.run(MINUTE * 3);
    assert_eq!(host.progress(), "InProgress 20 8");
    assert!(host.reason().starts_with("Waiting for checkpoint delay"), "{}", host.reason());
    host.run(MINUTE * 13);
    assert_eq!((host.count_of("2"), host.launches.len()), (2, 12), "the delay is not over");
    host.run(MINUTE * 2);
    assert_eq!(host.launches.len(), 14);
    host.run(MINUTE * 12);
    assert_eq!(host.launches.len(), 15, "one is enough for the next checkpoint");
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!((host.count_of("2"), host.progress().as_str()), (5, "Successful 50 5"));
    assert_eq!(host.web().settings.launch_template.version, "2");
    let events: Vec<String> =
        host.refresh_events(begin).iter().map(|it| it.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(events, ["Started", "Checkpoint Reached", "Checkpoint Reached", "Succeeded"]);
    let reached = host.events.iter().find(|it| it.detail_type().ends_with("Checkpoint Reached")).unwrap();
    let last = host.events.iter().rev().find(|it| it.detail_type().ends_with("Checkpoint Reached")).unwrap();
    let end = host.refresh().end.unwrap();
    assert!(end.since(last.time) < MINUTE * 2, "the last checkpoint has no wait: {:?}", end.since(last.time));
    let id = host.refresh().id;
    let detail = format!(
        r#"{{"InstanceRefreshId":"{id}","AutoScalingGroupName":"web","CheckpointPercentage":"20","CheckpointDelay":"900"}}"#
    );
    assert_eq!((reached.detail.to_json(), reached.resources.clone()), (detail, vec![host.web().arn.clone()]));
    assert_eq!(reached.source(), "aws.autoscaling");
}

/// The user guide: two instances and `[10, 40, 100]` skip the first checkpoint, and there is no event for 100 %.
#[test]
fn a_checkpoint_below_another_one_is_skipped_and_the_last_has_neither_event_nor_wait() {
    let mut host = host(2, 2);
    host.start(RefreshPreferences {
        checkpoint_percentages: vec![10, 40, 100],
        checkpoint_delay: Some(MINUTE),
        ..healthy(100, Some(100))
    });
    host.end(|_| {});
    let json: Vec<String> =
        host.events.iter().map(|it| it.detail.to_json()).filter(|it| it.contains("Checkpoint")).collect();
    assert_eq!(json.len(), 1);
    assert!(json[0].contains(r#""CheckpointPercentage":"40""#), "{}", json[0]);
    assert_eq!(host.count_of("2"), 2);
}

#[test]
fn a_canary_is_replaced_first_and_the_rest_after_the_delay() {
    let mut host = host(10, 10);
    host.start(RefreshPreferences {
        checkpoint_percentages: vec![10, 100],
        checkpoint_delay: Some(MINUTE * 30),
        ..healthy(100, Some(150))
    });
    host.run(MINUTE * 30);
    assert_eq!((host.count_of("2"), host.sizes()), (1, (10, 10)));
    assert_eq!(host.end(|host| assert!(host.sizes().1 >= 10)), RefreshStatus::Successful);
    assert_eq!(host.count_of("2"), 10);
}

#[test]
fn skip_matching_leaves_instances_of_the_desired_configuration_alone() {
    let mut host = host(3, 3);
    let preferences = || RefreshPreferences { skip_matching: true, ..healthy(100, Some(100)) };
    host.start(preferences());
    while host.count_of("2") < 1 {
        host.run(SECOND);
    }
    host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
    host.settle();
    let new = host.count_of("2");
    host.start(preferences());
    host.run(SECOND * 11);
    assert_eq!(host.refresh().progress.unwrap().instances_to_update as usize, 3 - new);
    host.end(|_| {});
    assert_eq!(host.count_of("2"), 3);
    let (launches, begin) = (host.launches.len(), host.now);
    host.start(preferences());
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!((host.launches.len(), host.now.since(begin)), (launches, SECOND * 10), "nothing is left to replace");
    host.start(healthy(100, Some(100)));
    host.end(|_| {});
    assert_eq!(host.launches.len(), launches + 3, "without skip matching all are replaced");
}

#[test]
fn matching_instances_count_for_checkpoints_or_do_not() {
    for (checkpoints_count_matching, waits) in [(true, false), (false, true)] {
        let mut host = host(2, 2);
        host.sim.set_refresh_choices(RefreshChoices { checkpoints_count_matching, ..RefreshChoices::default() });
        host.update(|it| it.launch_template = version("2")).unwrap();
        host.sim.terminate_instance("i-1", false, host.now).unwrap();
        host.settle();
        let start = RefreshPreferences {
            skip_matching: true,
            checkpoint_percentages: vec![50, 100],
            checkpoint_delay: Some(MINUTE * 10),
            ..healthy(100, Some(100))
        };
        host.sim.start_instance_refresh("web", to_version_2(start), host.now).unwrap();
        host.run(MINUTE * 5);
        let reached_before_a_launch = host.launches.len() == 3;
        assert_eq!(reached_before_a_launch, !waits);
        host.end(|_| {});
        assert_eq!(host.count_of("2"), 2);
    }
}

#[test]
fn protected_instances_are_waited_for_ignored_or_refreshed() {
    let refreshed = |protected_instances| {
        let mut host = host(3, 3);
        host.sim.set_instance_protection("web", &["i-2".into()], true).unwrap();
        host.start(RefreshPreferences { protected_instances, ..healthy(100, Some(100)) });
        host
    };
    let mut host = refreshed(ProtectedInstances::Ignore);
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!((host.count_of("1"), host.count_of("2")), (1, 2));
    let mut host = refreshed(ProtectedInstances::Refresh);
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!(host.count_of("2"), 3);
    let mut host = refreshed(ProtectedInstances::Wait);
    host.run(MINUTE * 20);
    assert_eq!((host.count_of("2"), host.progress().as_str()), (2, "InProgress 66 1"));
    assert!(host.reason().contains("i-2 is protected."), "{}", host.reason());
    host.run(MINUTE * 30);
    host.sim.set_instance_protection("web", &["i-2".into()], false).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    let mut host = refreshed(ProtectedInstances::Wait);
    assert_eq!(host.end(|_| {}), RefreshStatus::Failed, "after an hour");
    assert_eq!((host.count_of("1"), host.web().settings.launch_template.version.as_str()), (1, "1"));
}

#[test]
fn standby_instances_are_waited_for_ignored_or_terminated() {
    let refreshed = |standby_instances| {
        let mut host = host(3, 3);
        host.sim.enter_standby("web", &["i-2".into()], true, host.now).unwrap();
        host.settle();
        host.start(RefreshPreferences { standby_instances, ..healthy(100, Some(100)) });
        host
    };
    let standby = |host: &Host| host.instances().iter().any(|it| it.contains("Standby"));
    let mut host = refreshed(StandbyInstances::Ignore);
    assert_eq!((host.end(|_| {}), standby(&host)), (RefreshStatus::Successful, true));
    let mut host = refreshed(StandbyInstances::Terminate);
    assert_eq!((host.end(|_| {}), standby(&host), host.sizes()), (RefreshStatus::Successful, false, (2, 2)));
    let mut host = refreshed(StandbyInstances::Wait);
    assert_eq!((host.end(|_| {}), standby(&host)), (RefreshStatus::Failed, true), "after an hour");
    let mut host = refreshed(StandbyInstances::Wait);
    host.run(MINUTE * 20);
    assert!(host.reason().contains("i-2 is in Standby."), "{}", host.reason());
    host.sim.exit_standby("web", &["i-2".into()], host.now).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!(host.count_of("2"), 3);
}

#[test]
fn a_suspended_process_pauses_a_refresh_without_ending_it() {
    let mut host = host(3, 3);
    host.start(healthy(100, Some(100)));
    host.run(SECOND * 20);
    host.sim.suspend_processes("web", &["InstanceRefresh".into()], host.now).unwrap();
    host.run(Duration::from_hours(30));
    assert_eq!((host.state(), host.launches.len()), (RefreshStatus::InProgress, 4));
    assert_eq!(host.sim.next_due(host.now), None::<Timestamp>);
    host.sim.resume_processes("web", &["InstanceRefresh".into()]).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
    assert_eq!(host.count_of("2"), 3);
}

#[test]
fn a_refresh_that_starts_while_its_process_is_suspended_replaces_nothing() {
    let mut host = host(2, 2);
    host.sim.suspend_processes("web", &["InstanceRefresh".into()], host.now).unwrap();
    host.start(healthy(100, Some(100)));
    host.run(MINUTE * 90);
    assert_eq!((host.state(), host.launches.len()), (RefreshStatus::InProgress, 2));
    host.sim.resume_processes("web", &["InstanceRefresh".into()]).unwrap();
    assert_eq!(host.end(|_| {}), RefreshStatus::Successful);
}

#[test]
fn a_suspended_launch_or_terminate_stops_batches_for_an_hour() {
    for process in ["Launch", "Terminate"] {
        let mut host = host(2, 2);
        host.sim.suspend_processes("web", &[process.into()], host.now).unwrap();
        host.start(healthy(100, Some(100)));
        host.run(MINUTE * 30);
        assert_eq!((host.state(), host.launches.len()), (RefreshStatus::InProgress, 2));
        assert_eq!(host.end(|_| {}), RefreshStatus::Failed);
        assert_eq!(host.count_of("1"), 2);
    }
}
