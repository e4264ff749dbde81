//! Instances as EC2 and SSM show them.

use std::time::Duration;

use auto_scaling::{
    Behaviour, CheckStatus, Command, Fleet, InstanceFailure, Invocation, Marker, Member, PingStatus, StatusChecks,
    Timestamp,
};

use crate::host::{START, error_text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn fleet_of_one(failure: Option<InstanceFailure>) -> Fleet {
    let mut fleet = Fleet::new(Behaviour::default());
    if let Some(failure) = failure {
        fleet.make_next_unhealthy(1, &failure);
    }
    fleet.launched("i-1", START);
    fleet
}

fn observed(fleet: &Fleet, age: Duration) -> (Option<CheckStatus>, Option<PingStatus>, Marker) {
    let (member, now) = (fleet.member("i-1").unwrap(), START + age);
    (member.status_checks(now), member.agent(now), member.marker(now))
}

fn command(script: &str) -> Command {
    let hour = Duration::from_hours(1);
    let instance_ids = vec!["i-1".into()];
    Command {
        instance_ids,
        script: script.into(),
        comment: String::new(),
        delivery_timeout: MINUTE,
        execution_timeout: hour,
    }
}

/// The invocation of a command that is sent 2 minutes after the start, `age` after the command was sent.
fn outcome(fleet: &mut Fleet, age: Duration) -> Invocation {
    let id = fleet.send_command(command("systemctl stop web"), START + MINUTE * 2).unwrap();
    fleet.invocation(&id, "i-1", START + MINUTE * 2 + age).unwrap()
}

#[test]
fn a_healthy_instance_registers_is_ready_and_passes_its_checks_in_this_order() {
    let fleet = fleet_of_one(None);
    let (initializing, ok) = (Some(CheckStatus::Initializing), Some(CheckStatus::Ok));
    let online = Some(PingStatus::Online);
    assert_eq!(observed(&fleet, Duration::ZERO), (initializing, None, Marker::None));
    assert_eq!(observed(&fleet, SECOND * 59), (initializing, None, Marker::None));
    assert_eq!(observed(&fleet, SECOND * 60), (initializing, online, Marker::None));
    assert_eq!(observed(&fleet, SECOND * 90), (initializing, online, Marker::Ready));
    assert_eq!(observed(&fleet, SECOND * 150), (ok, online, Marker::Ready));
    let fleet = Fleet::new(Behaviour::default().faster(10));
    let StatusChecks::PassAfter(span) = with_one(fleet).behaviour.status_checks else {
        panic!("the checks of a healthy instance pass")
    };
    assert_eq!(span, SECOND * 15);
}

fn with_one(mut fleet: Fleet) -> Member {
    fleet.launched("i-1", START);
    fleet.member("i-1").unwrap().clone()
}

#[test]
fn each_failure_appears_only_in_its_own_signal() {
    let healthy = observed(&fleet_of_one(None), MINUTE * 10);
    let (passes, online, ready) = healthy;
    for (name, checks, agent, marker) in [
        ("impaired", Some(CheckStatus::Impaired), online, ready.clone()),
        ("no-agent", passes, None, ready.clone()),
        ("agent-lost", passes, Some(PingStatus::ConnectionLost), ready.clone()),
        ("not-ready", passes, online, Marker::None),
        ("failed-at:install nginx", passes, online, Marker::Failed("install nginx".into())),
        ("commands-fail", passes, online, ready.clone()),
        ("commands-hang", passes, online, ready.clone()),
        ("commands-undelivered", passes, online, ready.clone()),
    ] {
        let fleet = fleet_of_one(Some(InstanceFailure::parse(name).unwrap()));
        assert_eq!(observed(&fleet, MINUTE * 10), (checks, agent, marker), "{name}");
    }
    assert_eq!(InstanceFailure::parse("unknown"), None);
    assert_eq!(InstanceFailure::parse("failed-at:"), None);
    let fleet = fleet_of_one(Some(InstanceFailure::FailedAt("install nginx".into())));
    assert!(fleet.member("i-1").unwrap().behaviour.console.ends_with("user data failed at install nginx\n"));
}

#[test]
fn exactly_the_requested_number_of_instances_fails_and_zero_cancels_the_rest() {
    let mut fleet = Fleet::new(Behaviour::default());
    fleet.make_next_unhealthy(2, &InstanceFailure::NoAgent);
    fleet.make_next_unhealthy(1, &InstanceFailure::Impaired);
    let start = |id: &str, fleet: &mut Fleet| {
        fleet.launched(id, START);
        let member = fleet.member(id).unwrap();
        (member.agent(START + MINUTE * 3).is_some(), member.status_checks(START + MINUTE * 3))
    };
    let (ok, impaired) = (Some(CheckStatus::Ok), Some(CheckStatus::Impaired));
    assert_eq!(start("i-1", &mut fleet), (false, ok));
    assert_eq!(start("i-2", &mut fleet), (false, ok));
    assert_eq!(start("i-3", &mut fleet), (true, impaired));
    assert_eq!(start("i-4", &mut fleet), (true, ok));
    fleet.make_next_unhealthy(9, &InstanceFailure::NoAgent);
    fleet.make_next_unhealthy(0, &InstanceFailure::NoAgent);
    assert_eq!(start("i-5", &mut fleet), (true, ok));
}

#[test]
fn ssm_shows_a_stopped_agent_or_a_terminated_instance_as_online_for_minutes() {
    let mut fleet = fleet_of_one(None);
    fleet.make_unhealthy("i-1", &InstanceFailure::AgentLost, START + MINUTE * 2).unwrap();
    assert_eq!(observed(&fleet, MINUTE * 6).1, Some(PingStatus::Online));
    assert_eq!(observed(&fleet, MINUTE * 7).1, Some(PingStatus::ConnectionLost));
    assert_eq!(fleet.member("i-1").unwrap().last_ping(START + MINUTE * 7), Some(START + MINUTE * 2));

    let mut fleet = fleet_of_one(None);
    fleet.terminated("i-1", START + MINUTE * 3);
    assert_eq!(observed(&fleet, MINUTE * 4), (None, Some(PingStatus::Online), Marker::Ready));
    assert_eq!(observed(&fleet, MINUTE * 8).1, Some(PingStatus::ConnectionLost));
}

#[test]
fn an_instance_that_becomes_unhealthy_keeps_its_reached_milestones() {
    let mut fleet = fleet_of_one(None);
    let now = START + MINUTE * 3;
    for failure in [InstanceFailure::NotReady, InstanceFailure::Impaired, InstanceFailure::FailedAt("late".into())] {
        fleet.make_unhealthy("i-1", &failure, now).unwrap();
    }
    assert_eq!(observed(&fleet, MINUTE * 2).0, Some(CheckStatus::Ok));
    assert_eq!(observed(&fleet, MINUTE * 3).0, Some(CheckStatus::Impaired));
    assert_eq!(observed(&fleet, MINUTE * 3).2, Marker::Ready);
    assert!(
        error_text(fleet.make_unhealthy("i-9", &InstanceFailure::NoAgent, now))
            .starts_with("InvalidInstanceID.NotFound")
    );
}

#[test]
fn the_behaviour_of_the_instance_decides_the_outcome_of_a_command() {
    let status = |failure: Option<&str>, age: Duration| {
        let mut fleet = fleet_of_one(failure.map(|name| InstanceFailure::parse(name).unwrap()));
        let Invocation { details, response_code, .. } = outcome(&mut fleet, age);
        (details, response_code)
    };
    let hour = Duration::from_hours(1);
    assert_eq!(status(None, SECOND), ("InProgress", -1));
    assert_eq!(status(None, SECOND * 5), ("Success", 0));
    assert_eq!(status(Some("commands-fail"), SECOND), ("Failed", 1));
    assert_eq!(status(Some("commands-hang"), hour.saturating_sub(SECOND)), ("InProgress", -1));
    assert_eq!(status(Some("commands-hang"), hour), ("ExecutionTimedOut", 137));
    for undelivered in ["commands-undelivered", "agent-lost"] {
        assert_eq!(status(Some(undelivered), SECOND), ("InProgress", -1));
        assert_eq!(status(Some(undelivered), SECOND * 3), ("Delayed", -1));
        // The time limits of the delivery and of the execution add up.
        assert_eq!(status(Some(undelivered), hour + MINUTE + SECOND * 14), ("Delayed", -1));
        assert_eq!(status(Some(undelivered), hour + MINUTE + SECOND * 15), ("DeliveryTimedOut", -1));
    }
}

#[test]
fn an_execution_timeout_below_five_seconds_means_an_hour() {
    let mut fleet = fleet_of_one(Some(InstanceFailure::CommandsHang));
    let sent = START + MINUTE * 2;
    for (timeout, ends_after) in [(2, Duration::from_hours(1)), (5, SECOND * 5)] {
        let command = Command { execution_timeout: SECOND * timeout, ..command("tail /var/log/user-data.log") };
        let id = fleet.send_command(command, sent).unwrap();
        assert_eq!(
            fleet.invocation(&id, "i-1", sent + ends_after.saturating_sub(SECOND)).unwrap().status,
            "InProgress"
        );
        let ended = fleet.invocation(&id, "i-1", sent + ends_after).unwrap();
        assert_eq!((ended.details, ended.response_code), ("ExecutionTimedOut", 137));
        assert_eq!(ended.output, "user data begins\n", "the output until then is kept");
    }
}

#[test]
fn the_termination_of_the_instance_cuts_off_a_command() {
    let mut fleet = fleet_of_one(None);
    let sent = START + MINUTE * 2;
    let id = fleet.send_command(command("sleep 4"), sent).unwrap();
    fleet.terminated("i-1", sent + SECOND * 3);
    assert_eq!(fleet.invocation(&id, "i-1", sent + MINUTE).unwrap().status, "InProgress");
    assert_eq!(fleet.invocation(&id, "i-1", sent + Duration::from_hours(1)).unwrap().details, "ExecutionTimedOut");
}

#[test]
fn a_command_needs_a_registered_agent_and_appears_a_second_later() {
    let mut fleet = fleet_of_one(None);
    let early = fleet.send_command(command("true"), START + SECOND * 59);
    assert_eq!(error_text(early), "InvalidInstanceId: Instances not in a valid state for account");
    let without_instances = Command { instance_ids: Vec::new(), ..command("true") };
    assert!(error_text(fleet.send_command(without_instances, START + MINUTE)).starts_with("InvalidInstanceId"));
    let now = START + MINUTE * 2;
    let id = fleet.send_command(command("tail -n 50 /var/log/user-data.log"), now).unwrap();
    let missing =
        |id: &str, instance: &str| format!("InvocationDoesNotExist: Invocation not found for {id}, {instance}");
    let at = |id: &str, instance: &str, now: Timestamp| fleet.invocation(id, instance, now);
    assert_eq!(error_text(at(&id, "i-1", now)), missing(&id, "i-1"));
    assert_eq!(at(&id, "i-1", now + SECOND).unwrap().status, "InProgress");
    assert_eq!(at(&id, "i-1", now + MINUTE).unwrap().output, "user data begins\n", "the log that the script names");
    assert_eq!(error_text(at(&id, "i-2", now + SECOND)), missing(&id, "i-2"));
    assert_eq!(error_text(at("no", "i-1", now + SECOND)), missing("no", "i-1"));
    fleet.terminated("i-1", now + MINUTE);
    assert!(fleet.send_command(command("true"), now + MINUTE * 2).is_ok(), "SSM does not know of the termination yet");
    assert!(error_text(fleet.send_command(command("true"), now + MINUTE * 6)).starts_with("InvalidInstanceId"));
}
