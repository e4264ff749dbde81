//! Standby and detaching. Recorded on AWS, September 2026 (stackd 9dc356f5, failure_boundaries_native_complete).

use std::time::Duration;

use auto_scaling::{Activity, Latency};

use crate::{
    hooked::{CONTINUE, hook, hooked},
    host::{Host, TERMINATE, error_text, group},
};

const SECOND: Duration = Duration::from_secs(1);

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn host(min: u32, desired_capacity: u32, max: u32) -> Host {
    let mut host = Host::with_latency(Latency::RECORDED);
    host.sim.create_group(group(min, desired_capacity, max), host.now).unwrap();
    host.settle();
    host
}

fn enter(host: &mut Host, id: &str, decrement: bool) -> Activity {
    let activity = host.sim.enter_standby("web", &ids(&[id]), decrement, host.now).unwrap().remove(0);
    host.advance(Duration::ZERO);
    activity
}

#[test]
fn an_instance_enters_standby_after_a_second_and_returns_after_six() {
    let mut host = host(0, 1, 1);
    let activity = enter(&mut host, "i-1", true);
    assert_eq!((activity.status.as_str(), activity.progress), ("InProgress", 50));
    assert_eq!((host.instances(), host.web().desired_capacity), (vec!["i-1 EnteringStandby a".into()], 0));
    let cause = "At 2026-11-23T08:00:40Z instance i-1 was moved to standby in response to a user request, shrinking the \
                 capacity from 1 to 0.";
    assert_eq!(host.cause(), cause);
    host.advance(SECOND);
    assert_eq!(host.instances(), ["i-1 Standby a"]);
    assert_eq!(host.activities(1), ["Successful 100: Moving EC2 instance to Standby: i-1"]);

    let activity = host.sim.exit_standby("web", &ids(&["i-1"]), host.now).unwrap().remove(0);
    assert_eq!((activity.status.as_str(), activity.progress), ("PreInService", 30));
    assert_eq!((host.instances(), host.web().desired_capacity), (vec!["i-1 Pending a".into()], 1));
    let cause = "At 2026-11-23T08:00:41Z instance i-1 was moved out of standby in response to a user request, increasing \
                 the capacity from 0 to 1.";
    assert_eq!(host.cause(), cause);
    host.advance(SECOND * 6);
    assert_eq!(host.instances(), ["i-1 InService a"]);
    assert_eq!(host.activities(1), ["Successful 100: Moving EC2 instance out of Standby: i-1"]);
    assert_eq!((host.launches.len(), host.events.len()), (1, 1), "Standby has no launch and no event");
}

#[test]
fn an_instance_in_standby_is_replaced_unless_the_capacity_is_decremented() {
    let mut host = host(1, 1, 2);
    enter(&mut host, "i-1", false);
    host.settle();
    assert_eq!(host.instances(), ["i-1 Standby a", "i-2 InService a"]);
    host.sim.exit_standby("web", &ids(&["i-1"]), host.now).unwrap();
    host.settle();
    assert_eq!((host.in_service(), host.web().desired_capacity), (vec!["i-1", "i-2"], 2));
}

#[test]
fn the_bounds_hold_and_only_the_right_states_are_moved() {
    let mut host = host(1, 1, 1);
    let now = host.now;
    let sizes = "ValidationError: AutoScalingGroup web has min-size=1, max-size=1, and desired-size=1.";
    let appropriately = "please update the AutoScalingGroup sizes appropriately.";
    let enter = error_text(host.sim.enter_standby("web", &ids(&["i-1"]), true, now));
    assert_eq!(enter, format!("{sizes} To place into standby 1 instance, {appropriately}"));
    let detach = error_text(host.sim.detach_instances("web", &ids(&["i-1"]), true, now));
    assert_eq!(detach, format!("{sizes} To detach 1 instance, {appropriately}"));
    let exit = error_text(host.sim.exit_standby("web", &ids(&["i-1"]), now));
    assert_eq!(exit, "ValidationError: The instance i-1 is not in Standby.");
    host.sim.enter_standby("web", &ids(&["i-1"]), false, now).unwrap();
    let again = error_text(host.sim.enter_standby("web", &ids(&["i-1"]), false, now));
    assert_eq!(again, "ValidationError: The instance i-1 is not in InService.");
    host.settle();
    let exit = error_text(host.sim.exit_standby("web", &ids(&["i-1"]), host.now));
    assert_eq!(exit, format!("{sizes} To move out of standby 1 instance, {appropriately}"));
    let unknown = error_text(host.sim.enter_standby("web", &ids(&["i-2", "i-9"]), false, host.now));
    assert_eq!(unknown, "ValidationError: The instance i-9 is not part of Auto Scaling group web.");
    assert_eq!(host.instances(), ["i-1 Standby a", "i-2 InService a"], "no instance was moved");
}

#[test]
fn a_group_of_size_zero_keeps_its_standby_instance_and_cannot_be_deleted_without_force() {
    let mut host = host(0, 2, 2);
    enter(&mut host, "i-1", true);
    host.update(|it| (it.min_size, it.max_size) = (0, 0)).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-1 Standby a"]);
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"));
    assert!(error_text(host.sim.exit_standby("web", &ids(&["i-1"]), host.now)).contains("max-size=0"));

    host.sim.terminate_instance("i-1", false, host.now).unwrap();
    host.settle();
    host.sim.delete_group("web", false, host.now).unwrap();
    host.settle();
    assert_eq!((host.sim.groups().count(), host.launches.len()), (0, 2), "no replacement was launched");
}

#[test]
fn a_forced_delete_terminates_an_instance_in_standby_with_its_hooks() {
    let mut host = Host::with_latency(Latency::RECORDED);
    let drain = hook("drain", auto_scaling::Transition::Terminating, CONTINUE);
    host.sim.create_group(hooked(1, vec![drain]), host.now).unwrap();
    host.settle();
    enter(&mut host, "i-1", true);
    host.advance(SECOND);
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(SECOND * 8);
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a"]);
    host.complete("i-1", "drain", CONTINUE).unwrap();
    host.advance(TERMINATE);
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn an_instance_in_standby_can_be_protected_and_is_not_checked() {
    let mut host = host(0, 1, 1);
    enter(&mut host, "i-1", true);
    host.sim.set_instance_protection("web", &ids(&["i-1"]), true).unwrap();
    host.settle();
    host.sim.set_instance_protection("web", &ids(&["i-1"]), false).unwrap();
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    host.sim.terminated_by_ec2("i-1", host.now).unwrap();
    host.settle();
    assert_eq!((host.instances(), host.terminated.len()), (vec!["i-1 Standby a".into()], 0));
}

#[test]
fn a_detached_instance_leaves_after_a_second_and_keeps_running() {
    let mut host = host(0, 2, 2);
    enter(&mut host, "i-2", true);
    host.advance(SECOND);
    let detached = host.sim.detach_instances("web", &ids(&["i-1", "i-2"]), false, host.now).unwrap();
    assert_eq!((detached.len(), detached[0].status.as_str(), detached[0].progress), (2, "InProgress", 50));
    assert_eq!(host.instances(), ["i-1 Detaching a", "i-2 Detaching b"]);
    host.advance(SECOND);
    assert_eq!(host.instances(), ["i-3 Pending a"], "the group launches what is missing");
    let activities = host.sim.activities("web", false).unwrap();
    let detached = activities.iter().find(|it| it.description == "Detaching EC2 instance: i-1").unwrap();
    assert_eq!(detached.status.as_str(), "Successful");
    assert!(host.terminated.is_empty());
    host.settle();
    host.sim.detach_instances("web", &ids(&["i-3"]), true, host.now).unwrap();
    let cause = "instance i-3 was detached in response to a user request, shrinking the capacity from 1 to 0.";
    assert!(host.cause().ends_with(cause), "{}", host.cause());
}
