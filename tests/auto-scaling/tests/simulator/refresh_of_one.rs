//! A refresh of one instance, second for second as recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
//! The durations of the launch and of the termination are those of the recording.

use std::time::Duration;

use auto_scaling::{Latency, RefreshPreferences, RefreshStatus, Timing};

use crate::{
    host::{Host, group},
    refreshed::{MINUTE, SECOND, healthy, version},
};

/// A group of one in service, whose refreshes bake for a minute.
fn host() -> Host {
    let timing = Timing { launch: SECOND * 7, terminate: SECOND * 21, latency: Latency::RECORDED };
    let mut host = Host::with_timing(timing);
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    host.settle();
    host
}

fn baked() -> RefreshPreferences {
    RefreshPreferences { bake_time: Some(MINUTE), ..healthy(100, Some(100)) }
}

/// Runs to a second after the call.
fn run_to(host: &mut Host, begin: auto_scaling::Timestamp, second: u32) {
    host.run((begin + SECOND * second).since(host.now));
}

#[test]
fn the_replacement_launches_first_and_the_group_keeps_its_template_until_the_end() {
    let mut host = host();
    let begin = host.now;
    host.start(baked());
    for (second, progress, instances) in [
        (8, "Pending", "i-1 InService a"),
        (11, "InProgress 0 1", "i-1 InService a, i-2 Pending b"),
        (24, "InProgress 25 1", "i-1 InService a, i-2 InService b"),
        (84, "InProgress 25 1", "i-1 InService a, i-2 InService b"),
        (89, "InProgress 50 1", "i-1 Terminating a, i-2 InService b"),
        (100, "InProgress 100 0", "i-1 Terminating a, i-2 InService b"),
        (116, "InProgress 100 0", "i-2 InService b"),
        (121, "Baking 100 0", "i-2 InService b"),
        (179, "Baking 100 0", "i-2 InService b"),
        (180, "Successful 100 0", "i-2 InService b"),
    ] {
        run_to(&mut host, begin, second);
        assert_eq!(
            (host.progress().as_str(), host.instances().join(", ").as_str()),
            (progress, instances),
            "{second} s"
        );
        let saved = if second < 180 { "1" } else { "2" };
        assert_eq!(host.web().settings.launch_template, version(saved), "{second} s");
    }
    let events = ["10 Started", "120 Started Baking", "180 Succeeded"];
    assert_eq!(host.refresh_events(begin), events);
    assert_eq!(host.versions(), ["2"]);
    let refresh = host.refresh();
    assert_eq!((refresh.start, refresh.end), (Some(begin + SECOND * 10), Some(begin + SECOND * 180)));
}

#[test]
fn the_reasons_and_causes_are_the_recorded_ones() {
    let mut host = host();
    let begin = host.now;
    host.start(baked());
    run_to(&mut host, begin, 24);
    let available = "Waiting for remaining instances to be available. For example:";
    let reason = format!("{available} i-2 has insufficient data to evaluate its health with Amazon EC2.");
    assert_eq!(host.reason(), reason);
    assert_eq!(host.cause(), "At 2026-11-23T08:00:17Z an instance was launched in response to an instance refresh.");
    run_to(&mut host, begin, 100);
    assert_eq!(host.reason(), "Waiting for terminating instances before continuing. For example: i-1 is terminating.");
    let cause = "At 2026-11-23T08:01:34Z an instance was taken out of service in response to an instance refresh.";
    assert_eq!(host.cause(), cause);
    run_to(&mut host, begin, 121);
    assert_eq!(host.reason(), "Waiting for bake time to finish before continuing. There are 59 seconds left.");
}

#[test]
fn a_rollback_while_it_bakes_replaces_the_instance_again_in_140_seconds() {
    let mut host = host();
    let begin = host.now;
    let id = host.start(baked());
    host.run(Duration::from_millis(123_500));
    let called = host.now;
    assert_eq!(host.sim.rollback_instance_refresh("web", called).unwrap(), id);
    assert_eq!(host.progress(), "RollbackInProgress 100 0");
    let rollback = host.refresh().rollback.unwrap();
    assert_eq!(
        (rollback.reason.as_str(), rollback.start, rollback.progress.percentage, rollback.progress.instances_to_update),
        ("Rollback triggered due to user request.", called, 100, 0)
    );
    let mut shown = Vec::new();
    while host.state().is_active() {
        host.run(SECOND);
        if shown.last() != Some(&host.progress()) {
            shown.push(host.progress());
        }
        if host.progress() == "RollbackInProgress 0 1" && host.web().instances.len() == 1 && host.state().is_active() {
            let waits = host.reason();
            assert!(
                waits.starts_with("Waiting for terminating instances")
                    || waits == "Waiting for a health check interval to pass before continuing.",
                "{waits}"
            );
        }
    }
    let expected =
        ["RollbackInProgress 100 0", "RollbackInProgress 50 0", "RollbackInProgress 0 1", "RollbackSuccessful 0 1"];
    assert_eq!(shown, expected);
    let end = host.refresh().end.unwrap();
    assert_eq!(end.since(called).as_millis(), 139_500, "recorded: 139.1 s");
    assert_eq!((host.versions(), host.web().settings.launch_template.version.as_str()), (vec!["1"], "1"));
    assert_eq!(host.refresh().desired_configuration, Some(version("2")), "it stays in the refresh");
    assert_eq!(host.refresh_events(begin)[2..], ["123 Rollback Started", "263 Rollback Succeeded"]);
}

#[test]
fn an_empty_group_succeeds_within_the_call_and_takes_the_template() {
    let mut host = host();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    let begin = host.now;
    host.start(RefreshPreferences { bake_time: Some(MINUTE), ..RefreshPreferences::default() });
    assert_eq!(
        (host.progress().as_str(), host.web().settings.launch_template.version.as_str()),
        ("Successful 100 0", "2")
    );
    host.advance(Duration::ZERO);
    assert_eq!(host.refresh_events(begin), ["0 Started", "0 Succeeded"]);
    let preferences = host.refresh().preferences;
    assert_eq!((preferences.min_healthy_percentage, preferences.max_healthy_percentage), (Some(90), None));
    assert_eq!((preferences.skip_matching, preferences.auto_rollback, preferences.alarms.len()), (false, false, 0));
}

#[test]
fn a_protected_instance_is_waited_for_and_a_cancel_without_wait_takes_five_seconds() {
    let mut host = host();
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.start(baked());
    host.run(SECOND * 30);
    assert_eq!(host.progress(), "InProgress 0 1");
    let reason = "Waiting for remaining instances to be available. For example: i-1 is protected. Remove instance \
                  scale-in protection to continue.";
    assert_eq!((host.reason().as_str(), host.instances()), (reason, vec!["i-1 InService a".to_owned()]));
    host.sim.cancel_instance_refresh("web", false, host.now).unwrap();
    assert_eq!(host.state(), RefreshStatus::Cancelling);
    host.run(SECOND * 5);
    assert_eq!(host.state(), RefreshStatus::Cancelling);
    host.run(SECOND);
    let reason = "Cancelled without waiting for ongoing instance launches and terminations due to user request.";
    assert_eq!((host.state(), host.reason().as_str()), (RefreshStatus::Cancelled, reason));
    assert_eq!(host.instances(), ["i-1 InService a"]);
}
