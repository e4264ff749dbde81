//! Rollouts: the calls on instance refreshes, and the observation of each state.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LaunchTemplateSpecification, Tag};
use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
use environment::rollout::{
    LaunchFailure, ObservedRefresh, ObservedRollout, RefreshCall, RefreshStatus, RolloutAlarmState, RolloutCloud,
    RolloutSettings, SavedVersion, VerdictKind, Version,
};
use environment::{Call, CallError, CallKind, Cloud, DesiredState, Fields, Ref, RolloutCall, mark};
use serde_json::{Value, json};

use crate::harness::Harness;

/// The digest of the desired launch template version.
fn digest(desired: &DesiredState) -> &str {
    let group = desired.resources.iter().find_map(|it| match &it.fields {
        Fields::AutoScalingGroup(group) => Some(group.digest.as_str()),
        _ => None,
    });
    group.expect("a group")
}

fn properties(instance_type: &str) -> Value {
    json!({
        "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty", "InstanceType": instance_type,
        "MinSize": "1", "DesiredCapacity": "1", "MaxSize": "3",
    })
}

/// The settings of rollouts without warm-up: the local cloud's durations of preferences are seconds of the clock.
fn settings(bake_seconds: u32) -> RolloutSettings {
    RolloutSettings { bake_seconds, instance_warmup_seconds: 0, ..RolloutSettings::default() }
}

/// An environment with one instance of version 1, and version 2.
struct Environment {
    harness: Harness,
    second: Version,
}

impl Environment {
    async fn start() -> Environment {
        Environment::in_service(Harness::start().await).await
    }

    async fn in_service(harness: Harness) -> Environment {
        harness.settle(&harness.desired(properties("t3.micro")).await).await;
        let is_in_service = |it: &ObservedRollout| it.instances.iter().any(|it| it.in_service_since.is_some());
        until(&harness, is_in_service).await;
        let second = harness.desired(properties("t3.small")).await;
        let calls = harness.settle(&second).await.1;
        assert_eq!(calls, [format!("ec2:CreateLaunchTemplateVersion (version: {})", digest(&second))]);
        let version = observe(&harness).await.version(digest(&second)).expect("version 2");
        Environment { harness, second: version }
    }

    async fn send(&self, call: RolloutCall) -> Result<Option<String>, CallError> {
        send(&self.harness, call).await
    }

    fn start_call(&self, call: &RefreshCall) -> RolloutCall {
        let template = Ref::Owned(self.harness.names().launch_template());
        RolloutCall::Start { template, version: call.version.number, preferences: Box::new(call.preferences.clone()) }
    }

    fn set_version(&self, version: u64) -> RolloutCall {
        RolloutCall::SetVersion { template: Ref::Owned(self.harness.names().launch_template()), version }
    }

    /// Starts a refresh, and returns its id.
    async fn start_refresh(&self, call: &RefreshCall) -> String {
        self.send(self.start_call(call)).await.expect("accepted").expect("an id")
    }

    /// Waits for the newest refresh to have this status.
    async fn until(&self, status: RefreshStatus) -> ObservedRollout {
        until(&self.harness, |it| it.refreshes.first().is_some_and(|it| it.status == status)).await
    }
}

async fn observe(harness: &Harness) -> ObservedRollout {
    harness.cloud().observe_rollout(&harness.scope(), &[]).await.expect("an observation").expect("a group")
}

async fn until(harness: &Harness, holds: impl Fn(&ObservedRollout) -> bool) -> ObservedRollout {
    for _ in 0..300 {
        let observed = observe(harness).await;
        if holds(&observed) {
            return observed;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not reached: {:#?}", observe(harness).await);
}

/// Sends a call in a run that has observed the rollout alone.
async fn send(harness: &Harness, call: RolloutCall) -> Result<Option<String>, CallError> {
    let cloud = harness.cloud();
    cloud.observe_rollout(&harness.scope(), &[]).await.expect("an observation");
    cloud.call(&Call { key: harness.names().group(), id: None, kind: CallKind::Rollout(call) }).await
}

fn waits_for(response: &Result<Option<String>, CallError>, words: &str) {
    let Err(CallError::Retry { waiting_for, .. }) = response else { panic!("{response:?}") };
    assert!(waiting_for.sentence.contains(words), "{waiting_for}");
}

fn saved_number(observed: &ObservedRollout) -> Option<u64> {
    observed.saved.version().map(|it| it.number)
}

fn numbers(observed: &ObservedRollout) -> Vec<Option<u64>> {
    observed.instances.iter().map(|it| it.version.as_ref().map(|it| it.number)).collect()
}

#[tokio::test]
async fn a_rollout_is_observed_from_its_start_until_the_group_has_the_version() {
    let environment = Environment::start().await;
    let before = observe(&environment.harness).await;
    assert_eq!((environment.second.number, saved_number(&before)), (2, Some(1)));
    assert_eq!(before.launchable, BTreeSet::from([1, 2]));
    assert_eq!((numbers(&before), before.refreshes.len(), before.launches.len()), (vec![Some(1)], 0, 1));
    assert_eq!((before.desired_capacity, before.max_size, before.refresh_is_suspended), (1, 3, false));
    let versions: Vec<&Option<String>> = before.versions.iter().map(|it| &it.version.content.rolling_inputs).collect();
    assert!(versions[0].is_some() && versions[0] != versions[1], "{versions:?}");

    let call = RefreshCall::forward(&environment.second, &settings(0), 1, true);
    let id = environment.start_refresh(&call).await;
    let during = observe(&environment.harness).await;
    let refresh: &ObservedRefresh = &during.refreshes[0];
    assert_eq!((&refresh.id, refresh.status.is_active(), call.started(refresh)), (&id, true, true), "{refresh:?}");
    assert_eq!(saved_number(&during), Some(1), "the refresh sets the version when it is successful");
    waits_for(&environment.send(environment.start_call(&call)).await, "InstanceRefreshInProgress");
    waits_for(&environment.send(environment.set_version(2)).await, "active instance refresh");

    environment.until(RefreshStatus::Successful).await;
    // An observation may have read the group before the end of the refresh.
    let after = observe(&environment.harness).await;
    assert_eq!((saved_number(&after), after.verdicts.len()), (Some(2), 0));
    let last = until(&environment.harness, |it| numbers(it) == [Some(2)]).await;
    assert!(last.instances[0].in_service_since >= last.refreshes[0].started, "{last:#?}");
    waits_for(&environment.send(RolloutCall::RollBack).await, "ActiveInstanceRefreshNotFound");
    waits_for(&environment.send(RolloutCall::Cancel).await, "ActiveInstanceRefreshNotFound");
    assert_eq!(environment.send(environment.set_version(1)).await, Ok(None));
    assert_eq!(saved_number(&observe(&environment.harness).await), Some(1));
}

#[tokio::test]
async fn a_refresh_is_rolled_back_to_the_saved_version() {
    let environment = Environment::start().await;
    environment.start_refresh(&RefreshCall::forward(&environment.second, &settings(600), 1, true)).await;
    environment.until(RefreshStatus::Baking).await;
    assert_eq!(environment.send(RolloutCall::RollBack).await, Ok(None));
    let returning = observe(&environment.harness).await;
    assert_eq!(returning.refreshes[0].status, RefreshStatus::RollbackInProgress);
    assert!(returning.refreshes[0].rollback.as_ref().is_some_and(|it| it.started.is_some()), "{returning:#?}");
    environment.until(RefreshStatus::RollbackSuccessful).await;
    let after = observe(&environment.harness).await;
    assert_eq!((saved_number(&after), after.refreshes[0].target.as_ref().map(|it| it.number)), (Some(1), Some(2)));
    until(&environment.harness, |it| numbers(it) == [Some(1)]).await;
}

#[tokio::test]
async fn a_refresh_is_cancelled_without_waiting() {
    let environment = Environment::start().await;
    environment.start_refresh(&RefreshCall::forward(&environment.second, &settings(600), 1, true)).await;
    assert_eq!(environment.send(RolloutCall::Cancel).await, Ok(None));
    let cancelled = environment.until(RefreshStatus::Cancelled).await;
    let reason = cancelled.refreshes[0].status_reason.as_deref();
    assert!(reason.is_some_and(|it| it.starts_with("Cancelled without waiting")), "{reason:?}");
    assert_eq!(saved_number(&cancelled), Some(1));
}

#[tokio::test]
async fn the_process_of_refreshes_alone_is_suspended_and_resumed() {
    let environment = Environment::start().await;
    let (scaling, group) = (&environment.harness.autoscaling, environment.harness.names().group().name);
    let other = scaling.suspend_processes().auto_scaling_group_name(&group).scaling_processes("AZRebalance");
    other.send().await.expect("a process of another principal");
    let suspended = async || {
        let found = scaling.describe_auto_scaling_groups().auto_scaling_group_names(&group).send().await;
        let groups = found.expect("the group").auto_scaling_groups.unwrap_or_default();
        let processes = groups.iter().flat_map(|it| it.suspended_processes().to_vec());
        let mut names: Vec<String> = processes.filter_map(|it| it.process_name).collect();
        names.sort();
        names
    };
    for _ in 0..2 {
        assert_eq!(environment.send(RolloutCall::Suspend).await, Ok(None));
        assert_eq!(suspended().await, ["AZRebalance", "InstanceRefresh"]);
        assert!(observe(&environment.harness).await.refresh_is_suspended);
    }
    for _ in 0..2 {
        assert_eq!(environment.send(RolloutCall::Resume).await, Ok(None));
        assert_eq!(suspended().await, ["AZRebalance"]);
        assert!(!observe(&environment.harness).await.refresh_is_suspended);
    }
}

#[tokio::test]
async fn a_rollback_that_auto_scaling_cannot_make_is_rejected() {
    let environment = Environment::start().await;
    let (names, scaling) = (environment.harness.names(), &environment.harness.autoscaling);
    let template = LaunchTemplateSpecification::builder();
    let template = template.launch_template_name(names.launch_template().name).version("$Latest").build();
    let request = scaling.update_auto_scaling_group().auto_scaling_group_name(names.group().name);
    request.launch_template(template).send().await.expect("the latest version");
    let saved = observe(&environment.harness).await.saved;
    assert!(matches!(&saved, SavedVersion::Other(it) if it.starts_with("version $Latest of lt-")), "{saved:?}");
    environment.start_refresh(&RefreshCall::forward(&environment.second, &settings(600), 1, false)).await;
    let is_at_work = |it: &ObservedRollout| it.refreshes.first().is_some_and(|it| it.started.is_some());
    until(&environment.harness, is_at_work).await;
    let response = environment.send(RolloutCall::RollBack).await;
    let Err(CallError::Rejected { message }) = &response else { panic!("{response:?}") };
    assert!(message.contains("IrreversibleInstanceRefresh"), "{message}");
}

#[tokio::test]
async fn a_launch_that_fails_is_a_verdict_on_the_version_that_the_refresh_launches() {
    let environment = Environment::start().await;
    environment.harness.local.fail_launches(9, "The image id '[ami-87654321]' does not exist");
    environment.start_refresh(&RefreshCall::forward(&environment.second, &settings(0), 1, true)).await;
    let observed = until(&environment.harness, |it| !it.verdicts.is_empty()).await;
    let verdict = &observed.verdicts[0];
    assert_eq!((verdict.version, &verdict.kind), (2, &VerdictKind::LaunchFailed(LaunchFailure::Image)));
    assert!(verdict.evidence.starts_with("The image id '[ami-87654321]' does not exist"), "{verdict}");
    assert!(Some(verdict.at) >= observed.refreshes[0].started, "{observed:#?}");
    environment.harness.local.fail_launches(0, "");
}

#[tokio::test]
async fn an_abandoned_instance_is_a_verdict_with_the_failure_of_its_user_data() {
    let harness = Harness::start().await;
    let desired = harness.desired_with_hooks(&properties("t3.micro"), true).await;
    harness.settle(&desired).await;
    complete_launch(&harness, None).await;
    until(&harness, |it| it.instances.iter().any(|it| it.in_service_since.is_some())).await;
    let second = harness.desired_with_hooks(&properties("t3.small"), true).await;
    harness.settle(&second).await;
    let version = observe(&harness).await.version(digest(&second)).expect("version 2");
    let environment = Environment { harness, second: version };
    environment.start_refresh(&RefreshCall::forward(&environment.second, &settings(0), 1, true)).await;
    let id = complete_launch(&environment.harness, Some("failed at line 12")).await;

    let observed = until(&environment.harness, |it| !it.verdicts.is_empty()).await;
    let verdict = &observed.verdicts[0];
    assert_eq!((verdict.version, &verdict.kind), (2, &VerdictKind::Unhealthy(id.clone())));
    assert!(verdict.evidence.starts_with("user data failed at line 12; "), "{verdict}");
    let log_group = environment.harness.names().instance_log_group().name;
    assert!(verdict.evidence.ends_with(&format!("; evidence in {log_group} {id}/evidence")), "{verdict}");
    assert!(numbers(&observed).contains(&Some(1)) && !observed.instances.iter().any(|it| it.id == id));
}

/// Completes the hook of the instance that waits for it, and returns its id. With a failure of its user data, the instance is
/// abandoned.
async fn complete_launch(harness: &Harness, failure: Option<&str>) -> String {
    let (scaling, names) = (&harness.autoscaling, harness.names());
    for _ in 0..300 {
        let request = scaling.describe_auto_scaling_groups().auto_scaling_group_names(names.group().name);
        let found = request.send().await.expect("groups").auto_scaling_groups.unwrap_or_default();
        let instances = found.iter().flat_map(AutoScalingGroup::instances);
        let mut waiting = instances.filter(|it| it.lifecycle_state().is_some_and(|it| it.as_str() == "Pending:Wait"));
        let Some(id) = waiting.next().and_then(Instance::instance_id) else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if let Some(failure) = failure {
            let tag = aws_sdk_ec2::types::Tag::builder().key("envkeeper:user-data").value(failure).build();
            harness.ec2.create_tags().resources(id).tags(tag).send().await.expect("tagged");
        }
        let result = if failure.is_some() { "ABANDON" } else { "CONTINUE" };
        let request = scaling.complete_lifecycle_action().auto_scaling_group_name(names.group().name);
        let request = request.lifecycle_hook_name(names.launch_hook()).lifecycle_action_result(result);
        request.instance_id(id).send().await.expect("completed");
        return id.to_owned();
    }
    panic!("no instance waits for its hook");
}

#[tokio::test]
async fn versions_are_deleted_and_one_that_is_left_is_named() {
    let environment = Environment::start().await;
    let harness = &environment.harness;
    let delete = async |numbers: [u64; 2]| {
        let cloud = harness.cloud();
        cloud.observe_rollout(&harness.scope(), &[]).await.expect("an observation");
        let kind = CallKind::Rollout(RolloutCall::DeleteVersions(BTreeSet::from(numbers)));
        cloud.call(&Call { key: harness.names().launch_template(), id: None, kind }).await
    };
    let listed = async || observe(harness).await.versions.iter().map(|it| it.number).collect::<Vec<_>>();
    assert_eq!((listed().await, observe(harness).await.default_version), (vec![1, 2], Some(1)));
    assert_eq!(delete([2, 9]).await, Ok(None), "version 9 does not exist");
    assert_eq!(listed().await, [1]);
    let left = delete([1, 2]).await;
    let Err(CallError::Rejected { message }) = &left else { panic!("{left:?}") };
    assert!(message.contains("version 1 is left"), "{message}");
    // The deleted version is created again, with a number of its own.
    harness.settle(&harness.desired(properties("t3.small")).await).await;
    assert_eq!(listed().await, [1, 3]);
}

#[tokio::test]
async fn the_alarms_are_read_in_their_order_with_their_states() {
    let environment = Environment::start().await;
    let names = ["errors", "missing", "strict", "quiet"];
    for (name, missing_data, state) in [
        ("strict", None, StateValue::Ok),
        ("errors", Some("notBreaching"), StateValue::Alarm),
        ("quiet", Some("notBreaching"), StateValue::Ok),
    ] {
        let cloudwatch = &environment.harness.cloudwatch;
        let alarm = cloudwatch.put_metric_alarm().alarm_name(name).namespace("App").metric_name("Errors");
        let alarm = alarm.statistic(Statistic::Sum).period(60).evaluation_periods(1).threshold(1.0);
        let alarm = alarm.comparison_operator(ComparisonOperator::GreaterThanThreshold);
        alarm.set_treat_missing_data(missing_data.map(str::to_owned)).send().await.expect("an alarm");
        let set = cloudwatch.set_alarm_state().alarm_name(name).state_value(state).state_reason("a test");
        set.send().await.expect("a state");
    }
    let asked = names.map(str::to_owned);
    let harness = &environment.harness;
    let observed = harness.cloud().observe_rollout(&harness.scope(), &asked).await.expect("reads").expect("a group");
    let found: Vec<_> = observed.alarms.iter().map(|it| (it.name.as_str(), it.state)).collect();
    let expected = [
        RolloutAlarmState::Alarm,
        RolloutAlarmState::Missing,
        RolloutAlarmState::BreachesOnMissingData,
        RolloutAlarmState::Ok,
    ];
    assert_eq!(found, names.into_iter().zip(expected).collect::<Vec<_>>());

    let alarms = RolloutSettings { alarms: vec![names[3].into()], ..settings(600) };
    let call = RefreshCall::forward(&environment.second, &alarms, 3, true);
    environment.start_refresh(&call).await;
    let refresh = &observe(harness).await.refreshes[0];
    assert!(call.started(refresh), "every preference is sent, and read back: {refresh:#?}");
}

#[tokio::test]
async fn a_missing_group_and_a_foreign_group_have_no_rollout() {
    let harness = Harness::start().await;
    let found = async || harness.cloud().observe_rollout(&harness.scope(), &[]).await;
    assert_eq!(found().await, Ok(None));
    let desired = harness.desired(properties("t3.micro")).await;
    harness.settle(&desired).await;
    assert!(found().await.is_ok_and(|it| it.is_some()));
    let tag = Tag::builder().resource_id(harness.names().group().name).resource_type("auto-scaling-group");
    let tag = tag.key(mark::OWNER).value("another-owner").propagate_at_launch(true).build();
    harness.autoscaling.create_or_update_tags().tags(tag).send().await.expect("another mark");
    assert_eq!(found().await, Ok(None));
}

/// A waiting pass observes the rollout alone.
#[tokio::test]
async fn an_observation_takes_five_calls() {
    let environment = Environment::start().await;
    environment.harness.local.forget_calls();
    observe(&environment.harness).await;
    let mut calls = environment.harness.local.calls();
    calls.sort();
    let expected = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeInstanceRefreshes",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeImages",
        "ec2:DescribeLaunchTemplateVersions",
    ];
    assert_eq!(calls, expected);
}
