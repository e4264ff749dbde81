//! An operator's requests about rollouts, through due passes and requests of CloudFormation.

use std::time::Duration;

use auto_scaling::RefreshStatus;
use environment::Timestamp;
use environment::rollout::Hold;
use memory_cloud::{Fault, LaunchOutcome};
use request_pass::{CloudFactory as _, StackState};
use requests::RolloutRequest;
use serde_json::json;
use test_support::with;

use crate::rollout_environment::{AUTO_SCALING, Environment, GROUP, environment, reason, small};

const SUSPEND: &str = "autoscaling:SuspendProcesses";
const RESUME: &str = "autoscaling:ResumeProcesses";

fn after(environment: &Environment, span: Duration) -> Timestamp {
    environment.harness.cloud_factory.now() + span
}

/// An Update to another instance type that has replaced one instance of three, in the middle of its rollout.
fn rolling(environment: &Environment) -> serde_json::Value {
    let update = environment.update(json!({}), small());
    while !environment.versions().contains(&"2".to_owned()) {
        assert!(!environment.step(&update), "the rollout takes longer");
    }
    update
}

#[test]
fn a_hold_is_kept_until_its_end_and_a_due_pass_then_resumes_the_process_once() {
    let environment = environment();
    let (until, before) = (after(&environment, Duration::from_hours(2)), environment.call_count());
    environment.hold(until);
    assert!(environment.is_suspended());
    assert_eq!(environment.task(), Some(until), "no due pass before the end");
    environment.due();
    assert_eq!(environment.operations(before), [SUSPEND], "a hold that is in place makes no call");
    environment.settle();
    assert!(!environment.is_suspended());
    assert_eq!(environment.operations(before), [SUSPEND, RESUME]);
    assert_eq!((environment.record().hold, environment.task()), (None, None));
    assert_eq!(environment.published(), ["held", "released"]);
    environment.assert_settled_on("1", "after the hold");
}

#[test]
fn a_release_ends_a_hold_and_leaves_the_process_that_another_principal_suspended() {
    for theirs in [false, true] {
        let environment = environment();
        if theirs {
            environment.account().operate(|simulator, now| {
                simulator.suspend_processes(GROUP, &["InstanceRefresh".into()], now).expect("the group");
            });
        }
        let before = environment.call_count();
        environment.hold(after(&environment, Hold::DEFAULT));
        assert!(environment.is_suspended(), "{theirs}");
        environment.hold(Timestamp(0));
        assert_eq!((environment.is_suspended(), environment.record().hold), (theirs, None));
        let expected: &[&str] = if theirs { &[] } else { &[SUSPEND, RESUME] };
        assert_eq!(environment.operations(before), expected);
        assert_eq!(environment.task(), None);
    }
}

#[test]
fn a_hold_in_the_middle_of_an_update_pauses_it_and_the_release_completes_it() {
    let environment = environment();
    let update = rolling(&environment);
    let until = after(&environment, Duration::from_mins(20));
    environment.request_hold(until);
    // The due pass of the operator's message yields; the pass of the Update follows the hold.
    environment.due();
    assert!(!environment.is_suspended());
    while !environment.is_suspended() {
        assert!(!environment.step(&update), "the rollout takes longer");
    }
    environment.harness.advance(Duration::from_mins(10));
    let versions = environment.versions();
    assert!(!environment.step(&update));
    environment.harness.advance(Duration::from_mins(5));
    assert_eq!(environment.versions(), versions, "no instance is replaced");
    environment.request_hold(Timestamp(0));
    let response = environment.answer(&update);
    assert_eq!(
        (&response["Status"], &response["Data"]["RolloutState"]),
        (&json!("SUCCESS"), &json!("complete")),
        "{response}"
    );
    environment.assert_settled_on("2", "released");
}

#[test]
fn a_hold_is_followed_while_an_update_waits_outside_its_rollout() {
    let environment = environment();
    // It waits until Auto Scaling has moved the instances out of the removed zone.
    let update = environment.update(json!({}), json!({ "ZoneCount": "1" }));
    assert!(!environment.step(&update));
    for (until, is_held) in [(after(&environment, Hold::DEFAULT), true), (Timestamp(0), false)] {
        environment.request_hold(until);
        assert!(!environment.step(&update), "the update takes longer");
        assert_eq!(environment.is_suspended(), is_held);
    }
    assert_eq!(environment.answer(&update)["Status"], "SUCCESS");
    assert_eq!(environment.record().hold, None);
    assert_eq!(environment.published(), ["held", "released"]);
}

#[test]
fn a_held_update_ends_at_its_deadline_and_the_rest_follows_the_hold() {
    let environment = environment();
    let update = rolling(&environment);
    environment.request_hold(after(&environment, Hold::DEFAULT));
    let response = environment.answer(&update);
    assert_eq!(
        (&response["Status"], &response["Data"]["RolloutState"]),
        (&json!("SUCCESS"), &json!("held")),
        "{response}"
    );
    assert!(environment.is_suspended(), "the response does not end the hold");
    environment.hold(Timestamp(0));
    environment.assert_settled_on("2", "after the hold");
}

/// The last pass of the Update observes its rollout, and then everything.
#[test]
fn a_pass_takes_a_hold_up_once() {
    let environment = environment();
    let update = rolling(&environment);
    let mut asked = 0;
    let mut hold = || {
        asked += 1;
        environment.request_hold(after(&environment, Hold::DEFAULT));
    };
    hold();
    while !environment.step(&update) {
        hold();
    }
    let count = environment.published().iter().filter(|it| *it == "held").count();
    assert_eq!(count, asked);
}

#[test]
fn an_update_that_cannot_begin_before_its_deadline_fails_at_once_and_names_the_hold() {
    let environment = environment();
    let (until, began) = (after(&environment, Hold::DEFAULT), environment.harness.cloud_factory.now());
    environment.hold(until);
    let response = environment.answer(&environment.update(json!({}), small()));
    assert!(reason(&response).starts_with(&format!("an operator holds the rollout until {until}. ")), "{response}");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_mins(2), "{took:?}");
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    // Other work is done under a hold, and does not end it.
    let response = environment.answer(&environment.update(json!({}), json!({ "MaxSize": "7" })));
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert!(environment.is_suspended());
    assert_eq!(environment.record().hold.map(|it| (it.until, it.suspends)), Some((until, Some(true))));
    environment.hold(Timestamp(0));
    environment.assert_settled_on("1", "held");
}

/// CloudFormation knows nothing of the version of a request that failed.
#[test]
fn an_update_that_a_hold_refuses_is_not_rolled_out_when_the_hold_ends() {
    for is_extended in [false, true] {
        let environment = environment();
        let update = if is_extended {
            environment.hold(after(&environment, Duration::from_mins(10)));
            let update = environment.update(json!({}), small());
            for _ in 0..5 {
                assert!(!environment.step(&update), "the hold ends before the deadline");
            }
            environment.request_hold(after(&environment, Hold::DEFAULT));
            update
        } else {
            environment.request_hold(after(&environment, Hold::DEFAULT));
            environment.update(json!({}), small())
        };
        let response = environment.answer(&update);
        assert!(reason(&response).starts_with("an operator holds the rollout until "), "{is_extended}: {response}");
        assert_eq!(environment.record().desired.map(|it| it.number), Some(1), "{is_extended}");
        environment.hold(Timestamp(0));
        environment.settle();
        assert_eq!((environment.versions(), environment.refreshes()), (vec!["1".to_owned(); 3], vec![]));
    }
}

#[test]
fn an_update_waits_for_a_hold_that_ends_before_its_deadline() {
    let environment = environment();
    let until = after(&environment, Duration::from_mins(10));
    environment.hold(until);
    let response = environment.answer(&environment.update(json!({}), small()));
    assert_eq!(response["Data"]["RolloutState"], "complete", "{response}");
    assert!(environment.harness.cloud_factory.now() > until);
    environment.assert_settled_on("2", "after the hold");
}

#[test]
fn a_bad_version_goes_back_in_spite_of_a_hold() {
    let environment = environment();
    let update = environment.update(json!({}), small());
    environment.set_outcome("2", LaunchOutcome::Unanswered);
    while environment.refreshes().is_empty() {
        assert!(!environment.step(&update), "the rollout takes longer");
    }
    environment.harness.advance(Duration::from_mins(1));
    let until = after(&environment, Hold::DEFAULT);
    environment.request_hold(until);
    let before = environment.call_count();
    let response = environment.answer(&update);
    assert!(reason(&response).starts_with("version 2 "), "{response}");
    let operations = environment.operations(before);
    assert_eq!(operations, [SUSPEND, RESUME, "autoscaling:RollbackInstanceRefresh"]);
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    environment.assert_settled_on("1", "back");
}

#[test]
fn a_rollback_of_the_stack_ends_a_hold() {
    let mut environment = environment();
    assert_eq!(environment.answer(&environment.update(json!({}), small()))["Status"], "SUCCESS");
    environment.hold(after(&environment, Hold::DEFAULT));
    environment.harness.cloud_factory.stack = Some(StackState::RollingBack);
    let (began, before) = (environment.harness.cloud_factory.now(), environment.call_count());
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_secs(40), "{took:?}");
    let operations = environment.operations(before);
    let of_group: Vec<&str> = operations.into_iter().filter(|it| it.starts_with(AUTO_SCALING)).collect();
    let expected = ["autoscaling:UpdateAutoScalingGroup", RESUME, "autoscaling:StartInstanceRefresh"];
    assert_eq!(of_group, expected);
    environment.assert_settled_on("1", "way back");
}

#[test]
fn a_delete_waits_for_no_hold() {
    let environment = environment();
    let update = rolling(&environment);
    environment.request_hold(after(&environment, Hold::LONGEST));
    while !environment.is_suspended() {
        assert!(!environment.step(&update), "the rollout takes longer");
    }
    let delete = environment.delete();
    environment.harness.record_request(&delete);
    assert!(reason(&environment.answer(&update)).starts_with("Superseded"));
    let began = environment.harness.cloud_factory.now();
    assert_eq!(environment.answer(&delete)["Status"], "SUCCESS");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_mins(5), "{took:?}");
    assert_eq!((environment.account().inventory(), environment.task()), (vec![], None));
}

#[test]
fn a_roll_of_the_running_version_replaces_every_instance() {
    let environment = environment();
    let before = environment.instances();
    environment.operate(RolloutRequest::Roll);
    environment.assert_settled_on("1", "roll");
    assert!(environment.instances().iter().all(|it| !before.contains(it)), "{before:?}");
    assert_eq!(environment.refreshes(), [RefreshStatus::Successful]);
}

#[test]
fn a_roll_that_a_throttle_stops_is_in_the_ledger_and_not_repeated() {
    let environment = environment();
    environment.account().faults.borrow_mut().insert(environment.call_count(), Fault::Throttled);
    environment.operate(RolloutRequest::Roll);
    assert_eq!(environment.published().last().map(String::as_str), Some("needs-operator"));
    environment.settle();
    assert_eq!(environment.refreshes(), []);
    environment.operate(RolloutRequest::Roll);
    environment.assert_settled_on("1", "sent again");
    assert_eq!(environment.refreshes(), [RefreshStatus::Successful]);
}

#[test]
fn a_roll_takes_a_newer_revision_and_a_bad_one_goes_back() {
    for outcome in [None, Some(LaunchOutcome::Abandoned)] {
        let environment = environment();
        // The next release has another part of the user data: here by the settings of the launch gate.
        let to = json!({ "LaunchGateSeconds": "300" });
        let response = environment.answer(&environment.update(json!({}), to.clone()));
        assert_eq!((environment.saved(), &response["Status"]), ("1".to_owned(), &json!("SUCCESS")));
        let (before, is_good) = (environment.call_count(), outcome.is_none());
        if let Some(outcome) = outcome {
            environment.set_outcome("2", outcome);
        }
        environment.operate(RolloutRequest::Roll);
        let operations = environment.operations(before);
        assert_eq!(operations, ["ec2:CreateLaunchTemplateVersion", "autoscaling:StartInstanceRefresh"]);
        environment.assert_settled_on(if is_good { "2" } else { "1" }, "revision");
        // The plan of the next update agrees.
        let refreshes = environment.refreshes().len();
        let more = with(to.clone(), json!({ "MaxSize": "7" }));
        let response = environment.answer(&environment.update(to, more));
        let state = if is_good { "complete" } else { "rolled-back" };
        assert_eq!((&response["Status"], &response["Data"]["RolloutState"]), (&json!("SUCCESS"), &json!(state)));
        assert_eq!(environment.refreshes().len(), refreshes, "no refresh was started");
    }
}

#[test]
fn a_rollback_returns_to_the_version_before_and_a_cancel_leaves_the_instances() {
    let environment = environment();
    assert_eq!(environment.answer(&environment.update(json!({}), small()))["Status"], "SUCCESS");
    environment.operate(RolloutRequest::Rollback);
    environment.assert_settled_on("1", "rollback");
    environment.operate(RolloutRequest::Roll);
    environment.assert_settled_on("2", "roll of the rejected version");
}

/// The image of the version that CloudFormation rolls back to is gone: an operator has to act.
#[test]
fn a_rollback_to_a_version_that_cannot_be_launched_succeeds_and_alarms_until_it_can() {
    let mut environment = environment();
    let to = json!({ "ImageId": "ami-00000000000000009" });
    assert_eq!(environment.answer(&environment.update(json!({}), to.clone()))["Status"], "SUCCESS");
    environment.account().gone_images.borrow_mut().insert("ami-0123456789abcdef0".into());
    environment.harness.cloud_factory.stack = Some(StackState::RollingBack);
    assert_eq!(environment.answer(&environment.update(to, json!({})))["Status"], "SUCCESS");
    assert_eq!(environment.published().last().map(String::as_str), Some("needs-operator"));
    for _ in 0..2 {
        let task = environment.task().expect("a task");
        environment.harness.advance(task - environment.harness.cloud_factory.now());
        let before = environment.published().len();
        environment.due();
        assert_eq!(environment.published()[before..], ["needs-operator"]);
    }
    environment.account().gone_images.borrow_mut().clear();
    environment.assert_settled_on("1", "the image is back");
}
