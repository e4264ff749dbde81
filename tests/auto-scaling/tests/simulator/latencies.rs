//! Auto Scaling's own work takes time. Each duration and text is recorded on AWS, September 2026 (stackd 9dc356f5).

use std::time::Duration;

use auto_scaling::{Latency, Timestamp, Transition};

use crate::{
    hooked::{CONTINUE, HEARTBEAT, hook, hooked},
    host::{Host, START, TERMINATE, error_text, group},
};

const SECOND: Duration = Duration::from_secs(1);

fn host(desired_capacity: u32) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(0, desired_capacity, 2), host.now).unwrap();
    host.settle();
    host
}

/// lifecycle_native, refresh_native: 0 to 14 s until a launch, 5 to 11 s until a termination; a new group launches at
/// once.
#[test]
fn a_new_group_launches_at_once_and_a_change_of_the_capacity_takes_eight_seconds() {
    let mut host = host(1);
    assert_eq!(host.sim.activities("web", false).unwrap()[0].start, START);
    let seconds =
        |host: &Host, since: Timestamp| host.sim.activities("web", false).unwrap()[0].start.since(since).as_secs();
    let since = host.now;
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.settle();
    assert_eq!(seconds(&host, since), 8);
    let since = host.now;
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(SECOND * 7);
    assert_eq!(host.in_service().len(), 2);
    host.settle();
    assert_eq!(seconds(&host, since), 8);
    let cause = host.cause();
    assert!(
        cause.starts_with("At 2026-11-23T08:01:28Z a user request explicitly set group desired capacity"),
        "{cause}"
    );
    assert!(cause.contains("At 2026-11-23T08:01:36Z an instance was taken out of service"), "{cause}");
}

/// lifecycle_native: InService and Unhealthy for 15.1 s; the replacement starts while the old instance waits.
#[test]
fn an_unhealthy_instance_is_replaced_after_fifteen_seconds_with_causes_of_its_own() {
    let mut host = Host::with_latency(Latency::RECORDED);
    let drain = hook("drain", Transition::Terminating, CONTINUE);
    host.sim.create_group(hooked(1, vec![drain]), host.now).unwrap();
    host.settle();
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    host.advance(SECOND * 14);
    assert_eq!((host.in_service(), host.web().instances[0].health_status()), (vec!["i-1"], "Unhealthy"));
    host.advance(SECOND);
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a", "i-2 Pending a"]);
    let activities = host.sim.activities("web", false).unwrap();
    let at = "At 2026-11-23T08:00:55Z an instance was";
    assert_eq!(
        activities[0].cause,
        format!("{at} launched in response to an unhealthy instance needing to be replaced.")
    );
    assert_eq!(activities[1].cause, format!("{at} taken out of service in response to a user health-check."));
    assert_eq!(host.activities(2)[1], "MidTerminatingLifecycleAction 60: Terminating EC2 instance: i-1");
}

/// lifecycle_native: one activity, not repeated.
#[test]
fn a_scale_in_that_protection_blocks_leaves_one_cancelled_activity_without_an_event() {
    let mut host = host(1);
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    let events = host.events.len();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    host.advance(SECOND * 50);
    let text = "Could not scale to desired capacity because all remaining instances are protected from scale-in.";
    assert_eq!(
        host.activities(2),
        [format!("Cancelled 100: {text}"), "Successful 100: Launching a new EC2 instance: i-1".into()]
    );
    let blocked = host.sim.activities("web", false).unwrap()[0];
    assert_eq!((blocked.details.as_str(), blocked.end), ("{}", Some(blocked.start)));
    let cause = "At 2026-11-23T08:00:40Z a user request explicitly set group desired capacity changing the desired capacity \
                 from 1 to 0.  At 2026-11-23T08:00:48Z group reached equilibrium.";
    assert_eq!((blocked.cause.as_str(), host.events.len()), (cause, events));
}

/// lifecycle_native: bounds and capacity are 0 in the first read; a second forced delete is accepted.
#[test]
fn a_deleted_empty_group_stays_for_twelve_seconds_with_bounds_of_zero() {
    let mut host = host(0);
    host.sim.delete_group("web", false, host.now).unwrap();
    let web = host.web();
    assert_eq!((web.status(), web.settings.min_size, web.settings.max_size), (Some("Delete in progress"), 0, 0));
    host.advance(SECOND * 11);
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert!(error_text(host.sim.create_group(group(0, 0, 0), host.now)).starts_with("AlreadyExists"));
    host.advance(SECOND);
    assert_eq!((host.sim.groups().count(), host.sim.next_due(host.now)), (0, None));
    host.sim.create_group(group(0, 0, 0), host.now).unwrap();
}

/// lifecycle_native, warm_pool_lifecycle_native, retention_intervention.
#[test]
fn a_forced_delete_runs_the_hooks_of_instances_in_service_after_eight_seconds() {
    let mut host = Host::with_latency(Latency::RECORDED);
    let drain = hook("drain", Transition::Terminating, CONTINUE);
    host.sim.create_group(hooked(1, vec![drain]), host.now).unwrap();
    host.settle();
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(SECOND * 7);
    assert_eq!(host.instances(), ["i-1 InService a"]);
    host.advance(SECOND);
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a"]);
    let cause = "At 2026-11-23T08:00:40Z a user request force deleted AutoScaling group changing the desired capacity from 1 \
                 to 0.  At 2026-11-23T08:00:48Z an instance was taken out of service in response to a difference between \
                 desired and actual capacity, shrinking the capacity from 1 to 0.  At 2026-11-23T08:00:48Z instance i-1 was \
                 selected for termination.";
    assert_eq!(host.cause(), cause);
    host.heartbeat("i-1", "drain").unwrap();
    host.advance(HEARTBEAT);
    assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"]);
    host.advance(TERMINATE);
    assert_eq!(host.sim.groups().count(), 0);
}

/// lifecycle_native: Terminating:Wait since 05:34:23, forced delete 05:34:52.8, Terminating:Proceed 05:34:53.1.
#[test]
fn a_forced_delete_ends_a_wait_that_has_begun() {
    let mut host = Host::with_latency(Latency::RECORDED);
    let drain = hook("drain", Transition::Terminating, CONTINUE);
    host.sim.create_group(hooked(1, vec![drain]), host.now).unwrap();
    host.settle();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle_until_waiting();
    host.sim.delete_group("web", true, host.now).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"]);
}

impl Host {
    /// Advances to the decision, when the terminating instance starts to wait.
    fn settle_until_waiting(&mut self) {
        self.advance(Latency::RECORDED.decision);
        assert_eq!(self.instances(), ["i-1 Terminating:Wait a"]);
    }
}

#[test]
fn a_latency_is_scaled_as_a_whole() {
    let tenth = Latency::RECORDED.faster(10);
    assert_eq!((tenth.decision, tenth.health), (SECOND * 8 / 10, SECOND * 15 / 10));
    assert_eq!((tenth.leaving, tenth.returning, tenth.group_removal), (SECOND / 10, SECOND * 6 / 10, SECOND * 12 / 10));
}
