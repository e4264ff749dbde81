//! Deletes: the states that prevent them, and the effect of force.

use std::time::Duration;

use auto_scaling::DeletionProtection;

use crate::host::{Host, TERMINATE, error_text, group};

#[test]
fn a_group_with_instances_needs_force() {
    let mut host = Host::with(0, 1, 1);
    let in_use = "ResourceInUse: You cannot delete an AutoScalingGroup while there are instances or pending Spot \
                  instance request(s) still in the group.";
    assert_eq!(error_text(host.sim.delete_group("web", false, host.now)), in_use);
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(
        error_text(host.sim.delete_group("web", false, host.now)),
        in_use,
        "a terminating instance still counts"
    );
    host.settle();
    host.sim.delete_group("web", false, host.now).unwrap();
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn a_delete_during_a_launch_needs_force() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    let _pending_launch = host.sim.step(host.now);
    let error = error_text(host.sim.delete_group("web", false, host.now));
    assert!(error.starts_with("ScalingActivityInProgress: You cannot delete"), "{error}");
}

#[test]
fn a_forced_delete_terminates_protected_instances_before_the_group_is_deleted() {
    let mut host = Host::with(2, 2, 2);
    host.sim.set_instance_protection("web", &["i-1".into(), "i-2".into()], true).unwrap();
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 Terminating a", "i-2 Terminating b"]);
    assert_eq!(host.web().status(), Some("Delete in progress"));

    let error = error_text(host.update(|it| it.max_size = 9));
    assert_eq!(error, "ValidationError: The AutoScaling group may not be modified while it is pending delete");
    let error = error_text(host.sim.create_group(group(0, 0, 0), host.now));
    assert!(error.starts_with("AlreadyExists: ") && error.ends_with("and is pending delete"), "{error}");

    host.advance(TERMINATE);
    assert_eq!(host.sim.groups().count(), 0);
    host.sim.create_group(group(0, 0, 0), host.now).unwrap();
    assert!(host.sim.activities("web", false).unwrap().is_empty(), "the new group has no activities");
    assert_eq!(host.sim.activities("web", true).unwrap().len(), 4);
}

#[test]
fn an_instance_that_launches_during_a_forced_delete_is_terminated() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    let auto_scaling::Effect::Launch(launch) = host.sim.step(host.now).remove(0) else {
        panic!("the first effect is a launch")
    };
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Duration::ZERO);
    let started = auto_scaling::StartedInstance {
        instance_id: "i-late".into(),
        instance_type: "t3.micro".into(),
        version: "1".into(),
    };
    host.sim.launched(launch.token, started, host.now);
    host.settle();
    assert_eq!(host.terminated, ["i-late"]);
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn a_launch_that_fails_during_a_forced_delete_leaves_no_group() {
    let mut host = Host::new();
    host.sim.create_group(group(0, 1, 1), host.now).unwrap();
    let auto_scaling::Effect::Launch(launch) = host.sim.step(host.now).remove(0) else {
        panic!("the first effect is a launch")
    };
    host.sim.delete_group("web", true, host.now).unwrap();
    host.sim.launch_failed(launch.token, "no capacity", host.now);
    assert_eq!(host.sim.groups().count(), 0);
}

#[test]
fn deletion_protection_rejects_deletes_until_it_is_removed() {
    let mut host = Host::with(0, 0, 1);
    host.update(|it| it.deletion_protection = DeletionProtection::PreventAllDeletion).unwrap();
    let error = error_text(host.sim.delete_group("web", false, host.now));
    assert_eq!(error, "ValidationError: AutoScalingGroup 'web' has deletion protection prevent-all-deletion.");
    host.update(|it| it.deletion_protection = DeletionProtection::PreventForceDeletion).unwrap();
    assert!(error_text(host.sim.delete_group("web", true, host.now)).contains("prevent-force-deletion"));
    host.sim.delete_group("web", false, host.now).unwrap();
}
