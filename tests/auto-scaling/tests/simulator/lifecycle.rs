//! Instances that wait for hooks: the results of the waits.

use std::time::Duration;

use auto_scaling::{ActionKey, ActivityStatus, PutHook, Transition};

use crate::{
    hooked::{ABANDON, CONTINUE, HEARTBEAT, hook, hooked, launching, terminating},
    host::{Host, LAUNCH, TERMINATE, error_text},
};

#[test]
fn an_instance_goes_into_service_when_its_hook_is_completed() {
    let mut host = launching(1, &["gate"]);
    assert_eq!(host.instances(), ["i-1 Pending:Wait a"]);
    assert_eq!(host.activities(1), ["MidLifecycleAction 40: Launching a new EC2 instance: i-1"]);
    host.advance(Duration::from_secs(20));
    host.sim.complete_lifecycle_action("web", "gate", ActionKey::instance("i-1"), CONTINUE, host.now).unwrap();
    assert_eq!(host.instances(), ["i-1 Pending:Proceed a"]);
    host.advance(Duration::ZERO);
    assert_eq!(host.instances(), ["i-1 InService a"]);
    let launched = host.sim.activities("web", false).unwrap()[0];
    assert_eq!((launched.status, launched.end), (ActivityStatus::Successful, Some(host.now)));
}

#[test]
fn an_instance_terminates_when_its_hook_is_completed_with_any_result_and_runs_until_then() {
    for result in [CONTINUE, ABANDON] {
        let mut host = terminating(&["drain"], CONTINUE);
        assert_eq!((host.instances(), host.terminated.len()), (vec!["i-1 Terminating:Wait a".to_owned()], 0));
        assert_eq!(host.activities(1), ["MidTerminatingLifecycleAction 60: Terminating EC2 instance: i-1"]);
        host.complete("i-1", "drain", result).unwrap();
        assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"]);
        let status = ActivityStatus::MidTerminatingLifecycleAction;
        assert_eq!((host.terminated.clone(), host.status(0)), (vec!["i-1".to_owned()], status));
        host.advance(TERMINATE);
        assert!(host.instances().is_empty());
        assert_eq!((host.status(0), host.terminated.len()), (ActivityStatus::Successful, 1));
    }
}

#[test]
fn an_instance_waits_for_all_hooks_at_once_and_proceeds_after_the_last_one() {
    let mut host = launching(1, &["a", "b"]);
    host.complete("i-1", "b", CONTINUE).unwrap();
    assert_eq!(host.instances(), ["i-1 Pending:Wait a"]);
    host.complete("i-1", "a", CONTINUE).unwrap();
    assert_eq!(host.in_service(), ["i-1"]);

    let mut host = terminating(&["a", "b"], CONTINUE);
    host.complete("i-1", "a", CONTINUE).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a"]);
    host.complete("i-1", "b", CONTINUE).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"]);
}

#[test]
fn abandon_ends_the_waits_for_the_other_hooks() {
    let mut host = launching(1, &["a", "b"]);
    let other = host.token("i-1", "b");
    host.complete("i-1", "a", ABANDON).unwrap();
    let late = host.sim.complete_lifecycle_action("web", "b", ActionKey::token(&other), CONTINUE, host.now);
    assert_eq!(error_text(late), format!("ValidationError: No active Lifecycle Action found with token {other}"));

    let mut host = terminating(&["a", "b"], CONTINUE);
    host.complete("i-1", "a", ABANDON).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating:Proceed a"]);
}

#[test]
fn an_abandoned_launch_is_cancelled_and_replaced() {
    let mut host = launching(1, &["gate"]);
    let token = host.token("i-1", "gate");
    host.complete("i-1", "gate", ABANDON).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating a", "i-2 Pending a"]);
    let activities = host.sim.activities("web", false).unwrap();
    let [_replacement, termination, launch] = activities[..] else { panic!("{activities:?}") };
    let reason = format!(
        "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was abandoned: \
         Lifecycle Action Completed with ABANDON Result"
    );
    assert_eq!((launch.status, launch.status_message.as_deref()), (ActivityStatus::Cancelled, Some(reason.as_str())));
    assert_eq!(launch.description, format!("Launching a new EC2 instance: i-1.  Status Reason: {reason}"));
    assert!(termination.cause.ends_with("an instance was taken out of service in response to a launch failure."));
    host.advance(LAUNCH);
    host.complete("i-2", "gate", CONTINUE).unwrap();
    host.settle();
    assert_eq!(host.instances(), ["i-2 InService a"]);
}

#[test]
fn an_abandoned_launch_waits_for_its_terminating_hooks() {
    let mut host = Host::new();
    let hooks = vec![hook("gate", Transition::Launching, ABANDON), hook("drain", Transition::Terminating, CONTINUE)];
    host.sim.create_group(hooked(1, hooks), host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    host.complete("i-1", "gate", ABANDON).unwrap();
    assert_eq!(host.instances(), ["i-1 Terminating:Wait a", "i-2 Pending a"]);
    host.complete("i-1", "drain", CONTINUE).unwrap();
    assert_eq!(host.terminated, ["i-1"]);
}

#[test]
fn a_lifecycle_action_is_completed_once() {
    let mut host = launching(1, &["gate"]);
    let token = host.token("i-1", "gate");
    let complete = |host: &mut Host, key: ActionKey<'_>, result| {
        host.sim.complete_lifecycle_action("web", "gate", key, result, host.now)
    };
    complete(&mut host, ActionKey::token(&token), CONTINUE).unwrap();
    let by_token = format!("ValidationError: No active Lifecycle Action found with token {token}");
    assert_eq!(error_text(complete(&mut host, ActionKey::token(&token), ABANDON)), by_token);
    let by_instance = "ValidationError: No active Lifecycle Action found with instance ID i-1";
    assert_eq!(error_text(complete(&mut host, ActionKey::instance("i-1"), CONTINUE)), by_instance);
    host.settle();
    assert_eq!(host.in_service(), ["i-1"]);
}

#[test]
fn a_completion_has_to_name_the_action() {
    let mut host = launching(2, &["gate"]);
    let first = host.token("i-1", "gate");
    let mut complete = |group: &str, hook: &str, token: Option<&str>, instance_id: Option<&str>| {
        let key = ActionKey { token, instance_id };
        error_text(host.sim.complete_lifecycle_action(group, hook, key, CONTINUE, host.now))
    };
    let unknown = "00000000-0000-0000-0000-000000000000";
    for (error, expected) in [
        (
            complete("no", "gate", Some(&first), None),
            "AutoScalingGroup name not found - AutoScalingGroup 'no' not found",
        ),
        (complete("web", "drain", Some(&first), None), "No active Lifecycle Action found with token"),
        (complete("web", "gate", Some(unknown), None), "No active Lifecycle Action found with token 00000000-"),
        (complete("web", "gate", None, Some("i-9")), "No active Lifecycle Action found with instance ID i-9"),
        (complete("web", "gate", Some(&first), Some("i-2")), "No active Lifecycle Action found with token"),
        (complete("web", "gate", Some("short"), None), "Member must have length greater than or equal to 36"),
        (complete("web", "gate", Some(&"x".repeat(37)), None), "Member must have length less than or equal to 36"),
        (complete("web", "gate", None, None), "neither LifecycleActionToken nor InstanceId is given"),
    ] {
        assert!(error.starts_with("ValidationError: ") && error.contains(expected), "{error}");
    }
    let key = ActionKey { token: Some(&first), instance_id: Some("i-1") };
    host.sim.complete_lifecycle_action("web", "gate", key, CONTINUE, host.now).unwrap();
}

#[test]
fn tokens_have_a_uuids_form_and_are_never_used_twice() {
    let mut tokens = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let mut host = launching(4, &["a", "b"]);
        for _ in 0..200 {
            let waiting = host.web().instances.iter().flat_map(|it| it.actions.clone()).map(|it| it.token);
            tokens.extend(waiting);
            host.advance(HEARTBEAT);
            host.advance(LAUNCH);
        }
    }
    assert!(tokens.len() > 1000, "{} tokens: the second run has the tokens of the first", tokens.len());
    assert_eq!(tokens.len() % 8, 0, "four instances of two hooks each");
    assert!(tokens.iter().all(|it| it.len() == 36 && it.split('-').count() == 5));
}

#[test]
fn a_deleted_hook_abandons_launches_and_lets_terminations_continue() {
    let mut host = launching(1, &["gate"]);
    host.sim.delete_hook("web", "gate", host.now).unwrap();
    host.settle();
    assert_eq!((host.terminated.clone(), host.in_service()), (vec!["i-1".to_owned()], vec!["i-2"]));

    let mut host = terminating(&["drain", "logs"], ABANDON);
    host.sim.delete_hook("web", "drain", host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(
        host.instances(),
        ["i-1 Terminating:Wait a"],
        "after CONTINUE the instance still waits for the other hook"
    );
}

#[test]
fn a_new_or_changed_hook_applies_from_the_next_wait_on() {
    let mut host = launching(1, &["gate"]);
    let longer = PutHook { heartbeat: Some(HEARTBEAT * 9), ..hook("gate", Transition::Launching, CONTINUE) };
    host.sim.put_hook("web", longer, host.now).unwrap();
    host.sim.put_hook("web", hook("late", Transition::Launching, ABANDON), host.now).unwrap();
    assert_eq!(host.web().instances[0].actions.len(), 1);
    host.advance(HEARTBEAT);
    assert_eq!(host.instances()[0], "i-1 Terminating a");
    host.advance(LAUNCH);
    assert_eq!(host.web().instances[1].actions.len(), 2);
}

/// The user guide's order: the target groups deregister the instance, which takes their delay, and only then the
/// instance waits for its hooks.
#[test]
fn target_groups_deregister_an_instance_before_it_waits_for_its_hooks() {
    const DELAY: Duration = Duration::from_mins(5);
    let mut host = terminating(&[], CONTINUE);
    host.settle();
    host.sim.attach_target_groups("web", &["arn:web".to_owned()], host.now).unwrap();
    host.sim.set_deregistration_delay(DELAY);
    host.sim.put_hook("web", hook("drain", Transition::Terminating, CONTINUE), host.now).unwrap();
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.settle();
    host.sim.set_desired_capacity("web", 0, false, host.now).unwrap();
    let began = host.now;
    host.advance(Duration::ZERO);
    host.advance(Duration::from_secs(299));
    assert_eq!(host.instances(), ["i-2 Terminating a", "i-3 Terminating b"]);
    assert_eq!((host.status(0), host.terminated.len()), (ActivityStatus::WaitingForElbConnectionDraining, 1));
    host.advance(Duration::from_secs(1));
    assert_eq!(host.instances(), ["i-2 Terminating:Wait a", "i-3 Terminating:Wait b"]);
    let termination = host.sim.activities("web", false).unwrap()[0];
    assert!(
        termination.description.ends_with(" - Waiting For ELB Connection Draining."),
        "{}",
        termination.description
    );
    assert_eq!(termination.start, began, "the activity is older than the wait");
    host.complete("i-2", "drain", CONTINUE).unwrap();
    assert_eq!(host.instances(), ["i-2 Terminating:Proceed a", "i-3 Terminating:Wait b"]);
}

#[test]
fn unregistered_and_terminated_instances_do_not_wait_for_target_groups() {
    let mut host = launching(2, &["gate"]);
    host.sim.attach_target_groups("web", &["arn:web".to_owned()], host.now).unwrap();
    host.sim.set_deregistration_delay(Duration::from_mins(5));
    host.complete("i-1", "gate", ABANDON).unwrap();
    assert_eq!(host.terminated, ["i-1"], "the instance was never in service");
    host.complete("i-2", "gate", CONTINUE).unwrap();
    host.sim.terminated_by_ec2("i-2", host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(TERMINATE);
    assert!(
        !host.instances().iter().any(|it| it.starts_with("i-2")),
        "EC2 has terminated the instance: {:?}",
        host.instances()
    );
}

#[test]
fn ec2_or_a_forced_delete_terminates_an_instance_during_its_deregistration() {
    let deregistering = || {
        let mut host = terminating(&[], CONTINUE);
        host.settle();
        host.sim.attach_target_groups("web", &["arn:web".to_owned()], host.now).unwrap();
        host.sim.set_deregistration_delay(Duration::from_mins(5));
        host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
        host.settle();
        host
    };
    let mut host = deregistering();
    host.sim.interrupt_spot_instance("i-2", host.now).unwrap();
    host.sim.terminate_instance("i-2", true, host.now).unwrap();
    host.advance(Duration::from_mins(2));
    assert_eq!(host.terminated, ["i-1", "i-2"]);

    let mut host = deregistering();
    host.sim.terminate_instance("i-2", true, host.now).unwrap();
    host.sim.delete_group("web", true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.terminated, ["i-1", "i-2"]);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, failure_boundaries_native and its complete run).
#[test]
fn no_instance_waits_for_a_hook_whose_target_is_gone_and_no_call_puts_one() {
    let target = "arn:aws:sqs:us-west-2:123456789012:q";
    let gate = PutHook { target_arn: Some(target.into()), ..hook("gate", Transition::Launching, CONTINUE) };
    let mut host = Host::new();
    host.sim.create_group(hooked(1, vec![gate.clone()]), host.now).unwrap();
    host.sim.set_target_reachable(target, false);
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    assert_eq!(host.instances(), ["i-1 InService a"]);
    assert_eq!(host.activities(1), ["Successful 100: Launching a new EC2 instance: i-1"]);
    let put = PutHook { role_arn: Some("arn:role".into()), ..gate };
    let error = error_text(host.sim.put_hook("web", put.clone(), host.now));
    let expected = format!(
        "ValidationError: Unable to publish test message to notification target {target} using IAM role arn:role. Please \
         check your target and role configuration and try to put lifecycle hook again."
    );
    assert_eq!(error, expected);
    host.sim.set_target_reachable(target, true);
    host.sim.put_hook("web", put, host.now).unwrap();
    host.sim.set_desired_capacity("web", 2, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    host.advance(LAUNCH);
    assert_eq!(host.instances()[1], "i-2 Pending:Wait b");
}
