//! Instances: launched, spread, replaced, terminated, and the activities that record it.

use std::time::Duration;

use auto_scaling::{Activity, ActivityStatus, LifecycleState, Subnet, Tag};

use crate::host::{Host, LAUNCH, START, TERMINATE, error_text, group, subnet};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_instance_is_pending_then_in_service_then_terminating_then_absent() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 1, 2), host.now).unwrap();
    assert_eq!(host.sim.next_due(host.now), Some(START), "the launch is due at once");
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Pending a"]);
    assert_eq!(host.sim.next_due(host.now), Some(START + LAUNCH));
    host.advance(LAUNCH.saturating_sub(SECOND));
    assert_eq!(host.instances(), ["i-1 Pending a"]);
    host.advance(SECOND);
    assert_eq!(host.instances(), ["i-1 InService a"]);
    assert_eq!(host.sim.next_due(host.now), None);

    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Terminating a"]);
    assert_eq!(host.terminated, ["i-1"]);
    host.advance(TERMINATE.saturating_sub(SECOND));
    assert_eq!(host.instances(), ["i-1 Terminating a"]);
    host.advance(SECOND);
    assert!(host.instances().is_empty());
    assert_eq!((host.launches.len(), host.terminated.len()), (1, 1), "each effect is returned once");
}

#[test]
fn a_launch_names_the_group_template_subnet_and_tags() {
    let mut host = Host::new();
    let mut new = group(0, 1, 2);
    let tag = |key: &str, propagate_at_launch| Tag { key: key.into(), value: "v".into(), propagate_at_launch };
    new.tags = vec![tag("Own", false), tag("Both", true)];
    host.sim.create_group(new, host.now).unwrap();
    host.advance(Duration::ZERO);
    let launch = &host.launches[0];
    assert_eq!((launch.group.as_str(), &launch.subnet), ("web", &subnet('a')));
    assert_eq!((launch.launch_template.id.as_str(), launch.launch_template.version.as_str()), ("lt-1", "1"));
    let tags = [("Both", "v"), ("aws:autoscaling:groupName", "web")];
    assert_eq!(launch.tags, tags.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[test]
fn instances_are_spread_over_the_zones_and_the_oldest_in_the_fullest_zone_terminates_first() {
    let mut host = Host::with(0, 3, 9);
    assert_eq!(host.instances(), ["i-1 InService a", "i-2 InService b", "i-3 InService a"]);
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.terminated, ["i-1"]);
    host.sim.set_desired_capacity("web", 4, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-2 InService b", "i-3 InService a", "i-4 InService a", "i-5 InService b"]);
}

#[test]
fn zones_come_before_subnets() {
    let mut host = Host::with(0, 0, 9);
    let second = Subnet { id: "subnet-a2".into(), ..subnet('a') };
    host.update(|it| it.subnets = vec![subnet('a'), second, subnet('b')]).unwrap();
    host.sim.set_desired_capacity("web", 3, false, host.now).unwrap();
    host.settle();
    let subnets = host.launches.iter().map(|it| it.subnet.id.as_str()).collect::<Vec<_>>();
    assert_eq!(subnets, ["subnet-a", "subnet-b", "subnet-a2"]);
}

#[test]
fn the_fullest_zone_comes_before_the_oldest_instance() {
    let mut host = Host::with(0, 3, 9);
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-1 InService a", "i-2 InService b"]);
}

#[test]
fn a_lower_desired_capacity_also_terminates_launching_instances() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 2, 2), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    assert!(host.instances().is_empty());
    let statuses = host.sim.activities("web", false).unwrap().iter().map(|it| it.status.as_str()).collect::<Vec<_>>();
    assert_eq!(statuses, ["Successful", "Successful", "Cancelled", "Cancelled"]);
}

#[test]
fn instances_in_a_removed_subnet_terminate_when_their_replacements_are_in_service() {
    let mut host = Host::with(2, 2, 2);
    host.update(|it| it.subnets = vec![subnet('a'), subnet('c')]).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 InService a", "i-2 InService b", "i-3 Pending c"]);
    host.settle();
    assert_eq!(host.instances(), ["i-1 InService a", "i-3 InService c"]);
}

#[test]
fn protected_instances_are_skipped_and_a_group_can_protect_new_ones() {
    let mut host = Host::with(0, 2, 2);
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    assert_eq!(host.in_service(), ["i-1"]);
    host.sim.set_instance_protection("web", &["i-1".into()], false).unwrap();
    host.settle();
    assert!(host.instances().is_empty());
    let error = error_text(host.sim.set_instance_protection("web", &["i-1".into()], true));
    assert!(error.ends_with("i-1 is not part of Auto Scaling group web."), "{error}");

    host.update(|it| it.new_instances_protected = true).unwrap();
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    assert!(host.web().instances[0].protected);
}

#[test]
fn a_group_that_no_longer_protects_new_instances_keeps_the_old_ones_protected() {
    let mut host = Host::with(0, 0, 9);
    host.update(|it| it.new_instances_protected = true).unwrap();
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    // Instances that still launch are protected, and no call can change that yet.
    let error = error_text(host.sim.set_instance_protection("web", &["i-1".into()], false));
    assert!(error.ends_with("The instance i-1 is not in InService or EnteringStandby or Standby."), "{error}");
    host.update(|it| (it.new_instances_protected, it.max_size) = (false, 0)).unwrap();
    host.settle();
    assert_eq!((host.in_service(), host.web().desired_capacity), (vec!["i-1", "i-2"], 0));
    host.sim.set_instance_protection("web", &["i-1".into(), "i-2".into()], false).unwrap();
    host.settle();
    assert!(host.instances().is_empty());
}

#[test]
fn a_call_changes_the_protection_of_all_its_instances_of_at_most_fifty_or_of_none() {
    let mut host = Host::with(0, 51, 51);
    let ids: Vec<String> = host.in_service().into_iter().map(str::to_owned).collect();
    let error = error_text(host.sim.set_instance_protection("web", &ids, true));
    assert_eq!(error, "ValidationError: InstanceIds has 51 ids: 50 at most");
    let with_a_foreign_instance = ["i-1".into(), "i-99".into()];
    assert!(
        error_text(host.sim.set_instance_protection("web", &with_a_foreign_instance, true))
            .contains("i-99 is not part of")
    );
    assert!(host.web().instances.iter().all(|it| !it.protected));
    host.sim.set_instance_protection("web", &ids[1..], true).unwrap();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.settle();
    assert_eq!((host.terminated.len(), host.in_service().len()), (1, 50));
}

#[test]
fn a_protected_instance_in_a_removed_subnet_is_kept_and_the_group_becomes_stable() {
    let mut host = Host::with(1, 1, 3);
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.update(|it| it.subnets = vec![subnet('c')]).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-1 InService a"]);
}

#[test]
fn a_manually_terminated_instance_is_replaced_unless_the_capacity_is_decremented() {
    let mut host = Host::with(1, 2, 3);
    let activity = host.sim.terminate_instance("i-1", false, host.now).unwrap();
    assert_eq!(activity.description, "Terminating EC2 instance: i-1");
    assert_eq!((activity.status, activity.progress), (ActivityStatus::InProgress, 0));
    let cause = "At 2026-11-23T08:00:40Z instance i-1 was taken out of service in response to a user request.";
    assert_eq!(activity.cause, cause, "the text recorded on AWS says nothing of the capacity");
    assert!(error_text(host.sim.terminate_instance("i-1", false, host.now)).starts_with("ScalingActivityInProgress"));
    host.settle();
    assert_eq!(host.in_service(), ["i-2", "i-3"]);
    let launched = host.sim.activities("web", false).unwrap()[0].clone();
    let cause = "At 2026-11-23T08:00:40Z an instance was started in response to a difference";
    assert!(launched.cause.starts_with(cause), "an old request is not the cause: {}", launched.cause);
    host.sim.terminate_instance("i-2", true, host.now).unwrap();
    host.settle();
    assert_eq!((host.in_service(), host.web().desired_capacity), (vec!["i-3"], 1));
    assert!(error_text(host.sim.terminate_instance("i-3", true, host.now)).contains("desiredSize equals minSize (1)"));
    assert!(error_text(host.sim.terminate_instance("i-9", true, host.now)).contains("No managed instance found"));
}

#[test]
fn a_failed_launch_is_an_activity_and_is_retried_after_longer_and_longer_pauses() {
    let mut host = Host::new();
    host.launch_error = Some("no capacity");
    host.sim.create_group(group(0, 2, 2), host.now).unwrap();
    host.advance(Duration::ZERO);
    let failed = host.sim.activities("web", false).unwrap()[0].clone();
    assert_eq!((failed.status, failed.end), (ActivityStatus::Failed, Some(START)));
    assert_eq!(failed.status_message.as_deref(), Some("no capacity. Launching EC2 instance failed."));
    assert!(failed.description.contains("Status Reason: no capacity."), "{}", failed.description);

    host.advance(LAUNCH.saturating_sub(SECOND));
    assert_eq!(host.launches.len(), 2, "the retry is not due yet");
    host.advance(SECOND);
    assert_eq!(host.launches.len(), 4);
    host.advance(Duration::ZERO);
    assert_eq!(host.sim.next_due(host.now), Some(host.now + LAUNCH * 2));
    host.launch_error = None;
    host.advance(LAUNCH * 2);
    host.settle();
    assert_eq!(host.in_service(), ["i-1", "i-2"]);
}

#[test]
fn a_change_of_the_group_retries_a_failed_launch_at_once() {
    let mut host = Host::new();
    host.launch_error = Some("no such image");
    host.sim.create_group(group(0, 1, 2), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.launch_error = None;
    host.update(|it| it.launch_template.version = "2".into()).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.launches[1].launch_template.version, "2");
    assert_eq!(host.web().instances[0].state, LifecycleState::Pending);
}

#[test]
fn activities_contain_action_cause_and_times() {
    let mut host = Host::with(0, 2, 2);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    let activities = host.sim.activities("web", false).unwrap();
    let [termination, second, first]: [&Activity; 3] = activities.try_into().unwrap();
    assert_eq!(first.description, "Launching a new EC2 instance: i-1");
    assert_eq!(
        first.cause,
        "At 2026-11-23T08:00:00Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 2.  \
         At 2026-11-23T08:00:00Z an instance was started in response to a difference between desired and actual \
         capacity, increasing the capacity from 0 to 2."
    );
    assert_eq!((first.start, first.end, first.progress), (START, Some(START + LAUNCH), 100));
    let details = r#"{"Availability Zone ID":"usw2-az1","Subnet ID":"subnet-a","Availability Zone":"us-west-2a"}"#;
    assert_eq!(first.details, details);
    assert_ne!(first.id, second.id);
    assert_eq!(
        termination.cause,
        "At 2026-11-23T08:00:40Z a user request explicitly set group desired capacity changing the desired capacity \
         from 2 to 1.  At 2026-11-23T08:00:40Z an instance was taken out of service in response to a difference \
         between desired and actual capacity, shrinking the capacity from 2 to 1.  At 2026-11-23T08:00:40Z instance \
         i-1 was selected for termination."
    );
    assert_eq!((termination.status, termination.end), (ActivityStatus::Successful, Some(START + LAUNCH + TERMINATE)));
}

#[test]
fn a_launch_ends_when_it_is_due_also_between_steps() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(Duration::from_hours(1));
    assert_eq!(host.sim.activities("web", false).unwrap()[0].end, Some(START + LAUNCH));
}
