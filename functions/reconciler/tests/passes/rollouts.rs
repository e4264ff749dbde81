//! Whole rollouts through passes: good and bad versions, requests in the middle of a rollout, and lost records.

use std::time::Duration;

use auto_scaling::{AlarmState, LifecycleState, RefreshStatus};
use memory_cloud::LaunchOutcome;
use request_pass::{CloudFactory as _, StackState};
use requests::records::MemoryRecords;
use serde_json::json;
use test_support::with;

use crate::rollout_environment::{AUTO_SCALING, GROUP, INSTANCES, environment, reason, small, start_foreign};

#[test]
fn a_good_version_replaces_every_instance_before_the_update_succeeds() {
    let environment = environment();
    let (update, before) = (environment.update(json!({}), small()), environment.call_count());
    let response = environment.answer(&update);
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert_eq!(response["Data"]["RolloutState"], "complete");
    assert_eq!(environment.versions(), ["2", "2", "2"]);
    let operations = environment.operations(before);
    let of_group: Vec<&str> = operations.iter().copied().filter(|it| it.starts_with(AUTO_SCALING)).collect();
    assert_eq!(operations[0], "ec2:CreateLaunchTemplateVersion");
    assert_eq!(of_group, ["autoscaling:StartInstanceRefresh"], "the refresh alone sets the template");
    environment.assert_settled_on("2", "good");
}

#[test]
fn other_changes_of_the_group_precede_the_rollout() {
    let environment = environment();
    let before = environment.call_count();
    let update = environment.update(json!({}), json!({ "InstanceType": "t3.small", "MaxSize": "7" }));
    assert_eq!(environment.answer(&update)["Status"], "SUCCESS");
    let operations = environment.operations(before);
    let of_group: Vec<&str> = operations.into_iter().filter(|it| it.starts_with(AUTO_SCALING)).collect();
    assert_eq!(of_group, ["autoscaling:UpdateAutoScalingGroup", "autoscaling:StartInstanceRefresh"]);
    environment.assert_settled_on("2", "good");
}

#[test]
fn a_bad_version_fails_the_update_with_the_evidence_and_goes_back() {
    let abandoned = "was abandoned";
    let cases = [
        (LaunchOutcome::Abandoned, abandoned),
        (LaunchOutcome::Unanswered, abandoned),
        (LaunchOutcome::Fails("The image id '[ami-gone]' does not exist".into()), "ami-gone"),
        (LaunchOutcome::Fails("You have requested more vCPU capacity than your limit".into()), "more vCPU"),
        (
            LaunchOutcome::Fails("InsufficientInstanceCapacity: no capacity in this zone".into()),
            "InsufficientInstanceCapacity",
        ),
    ];
    for (outcome, evidence) in cases {
        let context = format!("{outcome:?}");
        let environment = environment();
        environment.set_outcome("2", outcome);
        let response = environment.answer(&environment.update(json!({}), small()));
        let reason = reason(&response);
        assert!(reason.starts_with("version 2 failed: ") && reason.contains(evidence), "{context}: {reason}");
        assert_eq!(environment.refreshes(), [RefreshStatus::RollbackInProgress], "{context}: accepted");
        // CloudFormation rolls the stack back: at once, also while the instances are still being replaced.
        let (began, rollback) = (environment.harness.cloud_factory.now(), environment.update(small(), json!({})));
        let response = environment.answer(&rollback);
        assert_eq!(response["Status"], "SUCCESS", "{context}: {response}");
        let took = environment.harness.cloud_factory.now() - began;
        assert!(took < Duration::from_secs(30), "{context}: {took:?}");
        environment.assert_settled_on("1", &context);
    }
}

#[test]
fn an_instance_that_ends_before_it_is_in_service_fails_the_update() {
    let environment = environment();
    environment.set_outcome("2", LaunchOutcome::Unanswered);
    let update = environment.update(json!({}), small());
    while !environment.step(&update) {
        // The instance shuts itself down while the gate waits for it.
        environment.account().operate(|simulator, now| {
            let waiting = simulator.group(GROUP).expect("the group").instances.clone();
            for instance in waiting.iter().filter(|it| it.state == LifecycleState::PendingWait) {
                let _ = simulator.terminated_by_ec2(&instance.id, now);
            }
        });
    }
    let response = environment.harness.response();
    assert!(reason(&response).contains("became unhealthy while waiting"), "{response}");
    environment.assert_settled_on("1", "shut down");
}

#[test]
fn an_alarm_after_the_canary_fails_the_update() {
    let environment = environment();
    let set = |state| environment.account().operate(|simulator, _| simulator.set_alarm_state("errors", Some(state)));
    set(AlarmState::Ok);
    let to = json!({ "InstanceType": "t3.small", "RolloutAlarms": ["errors"] });
    let update = environment.update(json!({}), to.clone());
    while !environment.step(&update) {
        if environment.versions().contains(&"2".to_owned()) {
            set(AlarmState::Alarm);
        }
    }
    let response = environment.harness.response();
    assert!(reason(&response).contains("alarm errors is in ALARM"), "{response}");
    assert_eq!(environment.answer(&environment.update(to, json!({})))["Status"], "SUCCESS");
    environment.assert_settled_on("1", "alarm");
}

#[test]
fn an_alarm_that_is_not_ok_refuses_the_update_before_its_rollout() {
    let environment = environment();
    let state = Some(AlarmState::Alarm);
    environment.account().operate(|simulator, _| simulator.set_alarm_state("errors", state));
    let to = json!({ "InstanceType": "t3.small", "RolloutAlarms": ["errors"] });
    let response = environment.answer(&environment.update(json!({}), to));
    assert!(reason(&response).contains("RolloutAlarms is \"errors\": it is in ALARM"), "{response}");
    assert_eq!(environment.refreshes(), []);
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    environment.assert_settled_on("1", "refused");
}

#[test]
fn a_version_that_failed_is_tried_again_by_no_update_that_keeps_its_inputs() {
    let environment = environment();
    environment.set_outcome("2", LaunchOutcome::Abandoned);
    let failing = environment.update(json!({}), small());
    reason(&environment.answer(&failing));
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    environment.assert_settled_on("1", "failed");
    // The same version, asked for again: at once, with the recorded evidence.
    let before = environment.refreshes().len();
    let response = environment.answer(&environment.update(json!({}), small()));
    assert!(reason(&response).contains("was abandoned"), "{response}");
    assert_eq!(environment.refreshes().len(), before, "no refresh was started");
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    // Another input: a version of its own.
    let response = environment.answer(&environment.update(json!({}), json!({ "InstanceType": "t3.medium" })));
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    environment.assert_settled_on("3", "other input");
}

#[test]
fn an_unrelated_update_after_a_failure_succeeds_as_rolled_back() {
    let environment = environment();
    // At the deadline one instance of the new version is in service; the next one is abandoned.
    let update = with(environment.update(json!({}), small()), json!({ "ServiceTimeout": "330" }));
    let response = environment.answer(&update);
    assert_eq!(
        (&response["Status"], &response["Data"]["RolloutState"]),
        (&json!("SUCCESS"), &json!("in-progress")),
        "{response}"
    );
    environment.set_outcome("2", LaunchOutcome::Abandoned);
    environment.assert_settled_on("1", "rolled back by due passes");
    let before = environment.refreshes().len();
    let to = json!({ "InstanceType": "t3.small", "MaxSize": "7" });
    let response = environment.answer(&environment.update(small(), to));
    assert_eq!(
        (&response["Status"], &response["Data"]["RolloutState"]),
        (&json!("SUCCESS"), &json!("rolled-back")),
        "{response}"
    );
    assert_eq!(environment.refreshes().len(), before, "no refresh was started");
    environment.assert_settled_on("1", "unrelated update");
}

#[test]
fn due_passes_complete_a_rollout_that_outlasts_its_request() {
    let environment = environment();
    let update = with(environment.update(json!({}), small()), json!({ "ServiceTimeout": "330" }));
    let response = environment.answer(&update);
    assert_eq!(
        (&response["Status"], &response["Data"]["RolloutState"]),
        (&json!("SUCCESS"), &json!("in-progress")),
        "{response}"
    );
    environment.assert_settled_on("2", "deadline");
}

#[test]
fn without_an_instance_in_service_at_the_deadline_the_update_fails() {
    let environment = environment();
    environment.set_outcome("2", LaunchOutcome::Unanswered);
    let update = with(environment.update(json!({}), small()), json!({ "ServiceTimeout": "330" }));
    let response = environment.answer(&update);
    assert!(reason(&response).contains("no instance of it was in service"), "{response}");
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    environment.assert_settled_on("1", "deadline");
}

#[test]
fn a_newer_update_replaces_the_rollout_of_the_one_before() {
    let environment = environment();
    let first = environment.update(json!({}), small());
    for _ in 0..20 {
        assert!(!environment.step(&first), "the rollout takes longer");
    }
    let second = environment.update(small(), json!({ "InstanceType": "t3.medium" }));
    environment.harness.record_request(&second);
    let response = environment.answer(&first);
    assert!(reason(&response).starts_with("Superseded"), "{response}");
    let response = environment.answer(&second);
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert_eq!(environment.refreshes(), [RefreshStatus::Cancelled, RefreshStatus::Successful]);
    environment.assert_settled_on("3", "newer update");
}

#[test]
fn a_rollback_in_the_middle_of_a_rollout_is_answered_at_once() {
    let environment = environment();
    let first = environment.update(json!({}), small());
    for _ in 0..20 {
        assert!(!environment.step(&first), "the rollout takes longer");
    }
    let (began, rollback) = (environment.harness.cloud_factory.now(), environment.update(small(), json!({})));
    environment.harness.record_request(&rollback);
    assert!(reason(&environment.answer(&first)).starts_with("Superseded"));
    assert_eq!(environment.answer(&rollback)["Status"], "SUCCESS");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(environment.refreshes(), [RefreshStatus::RollbackInProgress]);
    environment.assert_settled_on("1", "rollback");
}

#[test]
fn a_rollback_after_a_complete_rollout_starts_the_way_back() {
    let mut environment = environment();
    assert_eq!(environment.answer(&environment.update(json!({}), small()))["Status"], "SUCCESS");
    // Another resource of the stack fails.
    environment.harness.cloud_factory.stack = Some(StackState::RollingBack);
    let (began, before) = (environment.harness.cloud_factory.now(), environment.call_count());
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_secs(30), "{took:?}");
    // The template first: each launch from then on is of the good version.
    let operations = environment.operations(before);
    let of_group: Vec<&str> = operations.into_iter().filter(|it| it.starts_with(AUTO_SCALING)).collect();
    assert_eq!(of_group, ["autoscaling:UpdateAutoScalingGroup", "autoscaling:StartInstanceRefresh"]);
    environment.assert_settled_on("1", "way back");
}

#[test]
fn a_delete_waits_for_no_rollout() {
    let environment = environment();
    let update = environment.update(json!({}), small());
    for _ in 0..20 {
        assert!(!environment.step(&update), "the rollout takes longer");
    }
    let (delete, before) = (environment.delete(), environment.call_count());
    environment.harness.record_request(&delete);
    assert!(reason(&environment.answer(&update)).starts_with("Superseded"));
    let began = environment.harness.cloud_factory.now();
    assert_eq!(environment.answer(&delete)["Status"], "SUCCESS");
    let took = environment.harness.cloud_factory.now() - began;
    assert!(took < Duration::from_mins(5), "{took:?}");
    let operations = environment.operations(before);
    assert_eq!(operations[0], "autoscaling:CancelInstanceRefresh");
    assert_eq!(environment.account().inventory(), []);
}

#[test]
fn a_foreign_refresh_refuses_a_version_and_nothing_else() {
    let environment = environment();
    let id = start_foreign(&environment);
    let response = environment.answer(&environment.update(json!({}), small()));
    let words = [id.as_str(), "InProgress", "aws autoscaling cancel-instance-refresh"];
    assert!(words.iter().all(|word| reason(&response).contains(word)), "{response}");
    assert_eq!(environment.answer(&environment.update(small(), json!({})))["Status"], "SUCCESS");
    let response = environment.answer(&environment.update(json!({}), json!({ "MaxSize": "7" })));
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert_eq!(environment.refreshes(), [RefreshStatus::InProgress], "it is left alone");
}

#[test]
fn a_delete_cancels_a_foreign_refresh() {
    let environment = environment();
    start_foreign(&environment);
    let before = environment.call_count();
    assert_eq!(environment.answer(&environment.delete())["Status"], "SUCCESS");
    assert_eq!(environment.operations(before)[0], "autoscaling:CancelInstanceRefresh");
    assert_eq!(environment.account().inventory(), []);
}

#[test]
fn a_record_that_is_lost_in_the_middle_leaves_the_rollout_to_the_next_request() {
    for replacements in [1, 3] {
        let mut environment = environment();
        let update = environment.update(json!({}), small());
        while environment.versions().iter().filter(|it| *it == "2").count() < replacements {
            assert!(!environment.step(&update), "the rollout takes longer");
        }
        environment.harness.records.inner = MemoryRecords::new();
        assert_eq!(environment.answer(&update)["Status"], "FAILED");
        // CloudFormation rolls back: the template version of the created properties exists, and the group returns to it.
        environment.harness.cloud_factory.stack = Some(StackState::RollingBack);
        let rollback = environment.update(small(), json!({}));
        assert_eq!(environment.answer(&rollback)["Status"], "SUCCESS");
        environment.assert_settled_on("1", "lost record");
    }
}

#[test]
fn an_update_without_a_new_version_calls_nothing_for_a_rollout() {
    let environment = environment();
    let (before, reads) = (environment.call_count(), environment.account().rollout_observations.get());
    let response = environment.answer(&environment.update(json!({}), json!({ "LogRetentionDays": "7" })));
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert_eq!(response["Data"]["RolloutState"], "complete");
    let operations = environment.operations(before);
    assert!(!operations.iter().any(|it| it.starts_with(AUTO_SCALING)), "{operations:?}");
    let reads = environment.account().rollout_observations.get() - reads;
    assert!(reads <= 1, "{reads} observations of the rollout");
}

#[test]
fn a_change_that_rolls_nothing_reaches_new_instances_only() {
    let environment = environment();
    let before = environment.call_count();
    let response = environment.answer(&environment.update(json!({}), json!({ "Tags": { "Stage": "beta" } })));
    assert_eq!(response["Status"], "SUCCESS", "{response}");
    assert_eq!((environment.versions(), environment.saved()), (vec!["1".to_owned(); INSTANCES], "2".to_owned()));
    let operations = environment.operations(before);
    assert!(!operations.contains(&"autoscaling:StartInstanceRefresh"), "{operations:?}");
}

#[test]
fn the_end_of_a_rollout_deletes_the_versions_that_nothing_needs() {
    const DELETE: &str = "ec2:DeleteLaunchTemplateVersions";
    let environment = environment();
    let before = environment.call_count();
    let mut stage = json!({});
    for number in 2..=25 {
        let to = json!({ "Tags": { "Stage": number.to_string() } });
        assert_eq!(environment.answer(&environment.update(stage, to.clone()))["Status"], "SUCCESS");
        stage = to;
        environment.harness.advance(Duration::from_mins(1));
    }
    let calls = environment.account().calls.borrow()[before..].to_vec();
    let deletes: Vec<String> = calls.iter().filter(|it| it.operation() == DELETE).map(ToString::to_string).collect();
    // The default version, which the instances run, and the newest twenty are left.
    let expected = (2..=5).map(|number| format!("{DELETE} (versions {number})"));
    assert_eq!(deletes, expected.collect::<Vec<_>>());
    // A version that was deleted is created again.
    let back = environment.answer(&environment.update(stage, json!({ "Tags": { "Stage": "2" } })));
    assert_eq!((&back["Status"], environment.saved().as_str()), (&json!("SUCCESS"), "26"), "{back}");
    environment.settle();
    environment.harness.advance(Duration::from_mins(5));
    let before = environment.call_count();
    environment.settle();
    assert_eq!((environment.versions(), environment.saved()), (vec!["1".to_owned(); INSTANCES], "26".to_owned()));
    assert_eq!(environment.operations(before), [""; 0], "a settled environment");
}

#[test]
fn without_rollouts_a_version_reaches_new_instances_only() {
    let environment = environment();
    let to = json!({ "InstanceType": "t3.small", "Rollout": "None" });
    assert_eq!(environment.answer(&environment.update(json!({}), to))["Status"], "SUCCESS");
    assert_eq!((environment.versions(), environment.saved()), (vec!["1".to_owned(); INSTANCES], "2".to_owned()));
    assert_eq!(environment.refreshes(), []);
}
