//! Actions of EC2 without a request of the group, and deletes of groups whose instances wait.

use std::time::Duration;

use auto_scaling::{Event, LifecycleState};

use crate::{
    hooked::{CONTINUE, SECOND, launching, terminating},
    host::{Host, LAUNCH, error_text},
};

const NOTICE: Duration = Duration::from_mins(2);

#[test]
fn a_spot_instance_terminates_two_minutes_after_its_notice_and_is_replaced() {
    let mut host = Host::with(0, 1, 1);
    host.sim.interrupt_spot_instance("i-1", host.now).unwrap();
    host.advance(Duration::ZERO);
    let warning = host.events.last().unwrap();
    assert_eq!((warning.source(), warning.detail_type()), ("aws.ec2", "EC2 Spot Instance Interruption Warning"));
    assert_eq!(warning.resources, ["arn:aws:ec2:us-west-2:123456789012:instance/i-1"]);
    assert_eq!(warning.detail.to_json(), r#"{"instance-id":"i-1","instance-action":"terminate"}"#);
    host.advance(NOTICE.saturating_sub(SECOND));
    assert_eq!(host.instances(), ["i-1 InService a"]);
    host.advance(SECOND);
    assert_eq!((host.instances()[0].as_str(), host.terminated.len()), ("i-1 Terminating a", 1));
    assert_eq!(host.web().instances[0].health_status(), "Unhealthy");
    let cause = &host.sim.activities("web", false).unwrap()[1].cause;
    assert!(cause.contains("an EC2 health check indicating it has been terminated or stopped"), "{cause}");
    host.settle();
    assert_eq!(host.in_service(), ["i-2"]);
    assert!(error_text(host.sim.interrupt_spot_instance("i-1", host.now)).contains("No managed instance found"));
}

/// EC2 User Guide, "Change instance termination protection"; the text is recorded on AWS, September 2026 (stackd 9dc356f5,
/// failure_boundaries_native_complete).
#[test]
fn termination_protection_stops_users_and_neither_scale_in_nor_replacements_nor_a_forced_delete() {
    let protected = |desired| {
        let mut host = Host::with(0, desired, 4);
        for number in 1..=desired {
            host.sim.protect_from_termination(&format!("i-{number}"), true, host.now).unwrap();
        }
        host
    };
    let mut host = protected(1);
    let denied = "OperationNotPermitted: The instance 'i-1' may not be terminated. Modify its 'disableApiTermination' \
                  instance attribute and try again.";
    assert_eq!(error_text(host.sim.terminate_in_ec2("i-1", host.now)), denied);
    host.settle();
    assert_eq!(host.in_service(), ["i-1"]);
    host.sim.protect_from_termination("i-1", false, host.now).unwrap();
    host.sim.terminate_in_ec2("i-1", host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-2"]);

    let mut host = protected(2);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service().len(), 1, "scale-in");
    let kept = host.in_service()[0].to_owned();
    host.sim.set_instance_health(&kept, false, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-3"], "replacement");
    host.sim.protect_from_termination("i-3", true, host.now).unwrap();
    host.sim.delete_group("web", true, host.now).unwrap();
    host.settle();
    assert!(host.sim.group("web").is_err(), "forced delete");
    assert_eq!((host.terminated.len(), host.terminated[2].as_str()), (3, "i-3"));
}

#[test]
fn a_terminated_instance_still_waits_for_its_hooks_and_is_terminated_once() {
    let mut host = terminating(&["drain"], CONTINUE);
    host.sim.interrupt_spot_instance("i-1", host.now).unwrap();
    // Longer than the hook's heartbeat.
    host.advance(SECOND * 50);
    host.heartbeat("i-1", "drain").unwrap();
    host.advance(SECOND * 50);
    host.heartbeat("i-1", "drain").unwrap();
    host.advance(SECOND * 20);
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a"]);
    assert_eq!(host.terminated, ["i-1"]);
    assert!(error_text(host.sim.terminated_by_ec2("i-1", host.now)).contains("The instance i-1 is already terminated"));
    host.complete("i-1", "drain", CONTINUE).unwrap();
    host.settle();
    assert_eq!((host.instances().len(), host.terminated.len()), (0, 1));
}

#[test]
fn an_instance_that_terminates_during_its_launch_stops_waiting() {
    let mut host = launching(1, &["gate"]);
    host.sim.terminated_by_ec2("i-1", host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Terminating a", "i-2 Pending a"]);
    assert!(host.terminated.is_empty(), "EC2 has terminated the instance already");
    let late = host.complete("i-1", "gate", CONTINUE);
    assert_eq!(error_text(late), "ValidationError: No active Lifecycle Action found with instance ID i-1");
    let launch = host.sim.activities("web", false).unwrap().into_iter().rfind(|it| it.description.contains("i-1"));
    let reason = launch.and_then(|it| it.status_message.as_deref()).unwrap_or_default();
    assert!(reason.starts_with("Instance became unhealthy while waiting"), "{launch:?}");
}

#[test]
fn a_rebalance_recommendation_is_published_and_changes_nothing() {
    let mut host = Host::with(0, 1, 1);
    host.sim.recommend_rebalance("i-1", host.now).unwrap();
    host.settle();
    assert_eq!(host.events.last().map(Event::detail_type), Some("EC2 Instance Rebalance Recommendation"));
    assert_eq!(host.events.last().unwrap().detail.to_json(), r#"{"instance-id":"i-1"}"#);
    assert_eq!(host.in_service(), ["i-1"]);
}

#[test]
fn a_group_is_not_empty_while_an_instance_waits_for_a_hook() {
    let mut host = terminating(&["drain"], CONTINUE);
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"));
    host.complete("i-1", "drain", CONTINUE).unwrap();
    assert!(error_text(host.sim.delete_group("web", false, host.now)).starts_with("ResourceInUse"));
    host.settle();
    host.sim.delete_group("web", false, host.now).unwrap();
}

#[test]
fn a_forced_delete_ends_the_waits_that_have_begun() {
    let mut host = terminating(&["drain"], CONTINUE);
    host.sim.delete_group("web", true, host.now).unwrap();
    let late = host.complete("i-1", "drain", CONTINUE);
    assert!(error_text(late).contains("No active Lifecycle Action found"), "the instance's actions are deleted");
    host.settle();
    assert_eq!((host.sim.groups().count(), host.terminated.len()), (0, 1));

    let mut host = launching(1, &["gate"]);
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.web().instances[0].state, LifecycleState::Terminating);
}

#[test]
fn waiting_instances_count_towards_the_capacity_and_can_be_selected_for_termination() {
    let mut host = launching(2, &["gate"]);
    host.advance(Duration::ZERO);
    assert_eq!(host.launches.len(), 2, "no instance is missing");
    host.complete("i-1", "gate", CONTINUE).unwrap();
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Terminating a", "i-2 Pending:Wait b"], "the oldest instance terminates");
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(LAUNCH);
    assert_eq!(host.instances()[1], "i-2 Terminating b");
}
