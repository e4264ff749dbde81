//! Alarms of a refresh: all have to be `OK` (the user guide, "Start an instance refresh with auto rollback").

use auto_scaling::{AlarmState, Latency, RefreshPreferences, RefreshStatus};

use crate::{
    host::{Host, error_text, group},
    refreshed::{MINUTE, SECOND, healthy, to_version_2},
};

fn host(state: Option<AlarmState>) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, 3, 3), host.now).unwrap();
    host.settle();
    host.sim.set_alarm_state("errors", state);
    host
}

fn watched(auto_rollback: bool) -> RefreshPreferences {
    RefreshPreferences { auto_rollback, alarms: vec!["errors".into()], ..healthy(100, Some(110)) }
}

#[test]
fn an_alarm_that_is_missing_or_not_ok_blocks_the_start() {
    for (state, word) in [
        (None, "missing"),
        (Some(AlarmState::Alarm), "ALARM"),
        (Some(AlarmState::InsufficientData), "INSUFFICIENT_DATA"),
    ] {
        let mut host = host(state);
        let refused = error_text(host.sim.start_instance_refresh("web", to_version_2(watched(true)), host.now));
        assert!(refused.starts_with("ValidationError") && refused.contains("errors in"), "{refused}");
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn an_alarm_fails_the_refresh_or_rolls_it_back() {
    for (auto_rollback, end, new) in [(false, RefreshStatus::Failed, 1), (true, RefreshStatus::RollbackSuccessful, 0)] {
        let mut host = host(Some(AlarmState::Ok));
        host.start(watched(auto_rollback));
        while host.instances().iter().all(|it| !it.contains("Terminating")) {
            host.run(SECOND);
        }
        assert_eq!(host.sim.refresh_alarms().collect::<Vec<_>>(), ["errors"]);
        host.sim.set_alarm_state("errors", Some(AlarmState::Alarm));
        host.run(SECOND * 12);
        assert_eq!(host.state() == RefreshStatus::RollbackInProgress, auto_rollback);
        assert_eq!(host.end(|host| assert!(host.sizes().1 >= 3)), end);
        assert_eq!(host.count_of("2"), new);
        assert_eq!(host.sim.refresh_alarms().count(), 0);
    }
}

#[test]
fn an_alarm_while_it_bakes_rolls_back() {
    let mut host = host(Some(AlarmState::Ok));
    host.start(RefreshPreferences { bake_time: Some(MINUTE * 20), ..watched(true) });
    while host.state() != RefreshStatus::Baking {
        host.run(SECOND);
    }
    host.run(MINUTE * 10);
    host.sim.set_alarm_state("errors", Some(AlarmState::Alarm));
    host.run(SECOND * 12);
    assert_eq!(host.state(), RefreshStatus::RollbackInProgress);
    assert_eq!(host.end(|_| {}), RefreshStatus::RollbackSuccessful);
    assert_eq!(host.count_of("1"), 3);
}

#[test]
fn an_alarm_without_data_stops_replacements_for_an_hour_at_most() {
    for returns in [true, false] {
        let mut host = host(Some(AlarmState::Ok));
        host.start(watched(false));
        host.run(SECOND * 5);
        host.sim.set_alarm_state("errors", Some(AlarmState::InsufficientData));
        host.run(MINUTE * 50);
        assert_eq!((host.state(), host.launches.len()), (RefreshStatus::InProgress, 3));
        assert_eq!(host.reason(), "Waiting for the CloudWatch alarm errors to be in the OK state.");
        if returns {
            host.sim.set_alarm_state("errors", Some(AlarmState::Ok));
        }
        let end = if returns { RefreshStatus::Successful } else { RefreshStatus::Failed };
        assert_eq!(host.end(|_| {}), end);
    }
}
