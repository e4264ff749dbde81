//! The calls of a rollout through the in-memory cloud, and the observation of their effects.

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::{AlarmState, LifecycleState};
use environment::rollout::{
    LaunchFailure, ObservedRollout, RefreshCall, RefreshStatus, RolloutAlarmState, RolloutCloud as _, RolloutSettings,
    SavedVersion, VerdictKind, Version,
};
use environment::{Call, CallError, CallKind, Cloud as _, DesiredState, Ref, RolloutCall, RunOutcome};
use memory_cloud::{LaunchOutcome, MemoryAccount, Session};
use serde_json::json;

use crate::common::{names, resources, run, scope, settled, spec, standard};

const MINUTE: Duration = Duration::from_mins(1);

/// [`standard`] with another instance type.
fn changed() -> DesiredState {
    resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" })))
}

/// An account with two instances of version 1, whose launch template has a version 2.
fn with_new_version() -> MemoryAccount {
    let account = settled(&standard());
    account.clock.advance(MINUTE * 3);
    let outcome = run(&account, "update", &changed(), None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    account
}

fn observe(account: &MemoryAccount) -> ObservedRollout {
    observe_alarms(account, &[])
}

fn observe_alarms(account: &MemoryAccount, alarms: &[String]) -> ObservedRollout {
    let observed = account.clock.run(Session::new(account, "observe").observe_rollout(&scope(account), alarms));
    observed.expect("not killed").expect("an observation succeeds").expect("an owned group")
}

fn send(account: &MemoryAccount, call: RolloutCall) -> Result<Option<String>, CallError> {
    let call = Call { key: names().group(), id: None, kind: CallKind::Rollout(call) };
    account.clock.run(Session::new(account, "rollout").call(&call)).expect("not killed")
}

fn template() -> Ref {
    Ref::Owned(names().launch_template())
}

fn set_version(version: u64) -> RolloutCall {
    RolloutCall::SetVersion { template: template(), version }
}

/// The call that rolls version 2 out to two instances.
fn forward(account: &MemoryAccount) -> RefreshCall {
    let version = observe(account).versions[1].clone();
    RefreshCall::forward(&Version::of(version.number, &version.version), &RolloutSettings::default(), 2, true)
}

fn start(call: &RefreshCall) -> RolloutCall {
    let RefreshCall { version, preferences } = call.clone();
    RolloutCall::Start { template: template(), version: version.number, preferences: Box::new(preferences) }
}

/// The numbers of the instances' versions, sorted.
fn versions(observed: &ObservedRollout) -> Vec<u64> {
    let mut all: Vec<u64> = observed.instances.iter().filter_map(|it| Some(it.version.as_ref()?.number)).collect();
    all.sort_unstable();
    all
}

fn saved(observed: &ObservedRollout) -> u64 {
    match &observed.saved {
        SavedVersion::Numbered(version) => version.number,
        SavedVersion::Other(text) => panic!("{text}"),
    }
}

fn is_retryable(result: &Result<Option<String>, CallError>) -> bool {
    matches!(result, Err(CallError::Retry { .. }))
}

#[test]
fn an_update_creates_a_version_and_leaves_the_group_to_the_rollout() {
    let account = settled(&standard());
    let before = account.calls.borrow().len();
    let outcome = run(&account, "update", &changed(), None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    let operations: Vec<&str> = account.calls.borrow()[before..].iter().map(Call::operation).collect();
    assert_eq!(operations, ["ec2:CreateLaunchTemplateVersion"]);
    account.clock.advance(MINUTE * 3);
    let observed = observe(&account);
    assert_eq!((saved(&observed), versions(&observed)), (1, vec![1, 1]));
    assert_eq!(observed.versions.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((observed.launchable, observed.max_size, observed.desired_capacity), (BTreeSet::from([1, 2]), 4, 2));
    assert!(observed.instances.iter().all(|it| it.in_service_since.is_some() && !it.is_ignored));
    assert_eq!(observed.launches.len(), 2);
}

#[test]
fn a_started_refresh_is_listed_after_the_read_lag_as_its_call() {
    let account = with_new_version();
    let call = forward(&account);
    let id = send(&account, start(&call)).expect("accepted").expect("an id");
    assert_eq!(observe(&account).refreshes, []);
    account.clock.advance(account.read_lag);
    let observed = observe(&account);
    let [refresh] = observed.refreshes.as_slice() else { panic!("{observed:?}") };
    assert_eq!((&refresh.id, &refresh.status, refresh.started), (&id, &RefreshStatus::Pending, None));
    assert!(call.started(refresh), "{refresh:?}");
    account.clock.advance(MINUTE * 15);
    let observed = observe(&account);
    assert_eq!((saved(&observed), versions(&observed)), (2, vec![2, 2]));
    assert_eq!(observed.refreshes[0].status, RefreshStatus::Successful);
}

#[test]
fn calls_that_an_outdated_observation_explains_are_retryable() {
    let account = with_new_version();
    let call = forward(&account);
    assert!(is_retryable(&send(&account, RolloutCall::Cancel)), "no refresh is active");
    assert!(is_retryable(&send(&account, RolloutCall::RollBack)), "no refresh is active");
    send(&account, start(&call)).expect("accepted");
    assert!(is_retryable(&send(&account, RolloutCall::RollBack)), "the refresh is pending");
    assert!(is_retryable(&send(&account, start(&call))), "another refresh is active");
    assert!(is_retryable(&send(&account, set_version(2))), "the template changes during a refresh");
    send(&account, set_version(1)).expect("an equal value passes");
    send(&account, RolloutCall::Cancel).expect("accepted");
    account.clock.advance(MINUTE);
    assert_eq!(observe(&account).refreshes[0].status, RefreshStatus::Cancelled);
    send(&account, set_version(2)).expect("no refresh is active");
    assert_eq!(saved(&observe(&account)), 2);
}

#[test]
fn a_version_that_does_not_exist_and_an_alarm_that_is_not_ok_are_rejected() {
    let account = with_new_version();
    let call = forward(&account);
    let absent = RefreshCall { version: Version { number: 9, rolling: None }, ..call.clone() };
    assert!(matches!(send(&account, start(&absent)), Err(CallError::Rejected { .. })));
    assert!(matches!(send(&account, set_version(9)), Err(CallError::Rejected { .. })));
    let mut alarmed = call;
    alarmed.preferences.alarms = vec!["errors".into(), "latency".into()];
    account.operate(|simulator, _| simulator.set_alarm_state("errors", Some(AlarmState::InsufficientData)));
    assert!(matches!(send(&account, start(&alarmed)), Err(CallError::Rejected { .. })));
    let observed = observe_alarms(&account, &alarmed.preferences.alarms);
    let states: Vec<RolloutAlarmState> = observed.alarms.iter().map(|it| it.state).collect();
    assert_eq!(states, [RolloutAlarmState::InsufficientData, RolloutAlarmState::Missing]);
}

#[test]
fn an_active_refresh_rolls_back_to_the_saved_version() {
    let account = with_new_version();
    send(&account, start(&forward(&account))).expect("accepted");
    account.clock.advance(Duration::from_secs(90));
    assert_eq!(versions(&observe(&account)), [1, 1, 2]);
    send(&account, RolloutCall::RollBack).expect("accepted");
    let observed = observe(&account);
    assert_eq!(observed.refreshes[0].status, RefreshStatus::RollbackInProgress);
    assert!(observed.refreshes[0].rollback.as_ref().is_some_and(|it| it.started.is_some()));
    account.clock.advance(MINUTE * 15);
    let observed = observe(&account);
    assert_eq!((saved(&observed), versions(&observed)), (1, vec![1, 1]));
    assert_eq!(observed.refreshes[0].status, RefreshStatus::RollbackSuccessful);
}

#[test]
fn failed_launches_and_abandoned_instances_are_verdicts_on_their_version() {
    let failed = VerdictKind::LaunchFailed;
    let cases = [
        ("InsufficientInstanceCapacity: none in this zone", failed(LaunchFailure::Capacity)),
        ("RequestLimitExceeded: too many calls", failed(LaunchFailure::Throttling)),
        ("You have requested more vCPU capacity than your limit", failed(LaunchFailure::Quota)),
        ("The image id '[ami-1]' does not exist", failed(LaunchFailure::Image)),
    ];
    for (message, kind) in cases {
        let account = with_new_version();
        account.launch_outcomes.borrow_mut().insert("2".into(), LaunchOutcome::Fails(message.into()));
        send(&account, start(&forward(&account))).expect("accepted");
        account.clock.advance(MINUTE);
        let verdicts = observe(&account).verdicts;
        assert!(!verdicts.is_empty() && verdicts.iter().all(|it| it.version == 2 && it.kind == kind), "{verdicts:?}");
        assert!(verdicts[0].evidence.contains(message), "{verdicts:?}");
    }
    let account = with_new_version();
    account.launch_outcomes.borrow_mut().insert("2".into(), LaunchOutcome::Abandoned);
    send(&account, start(&forward(&account))).expect("accepted");
    account.clock.advance(MINUTE * 2);
    let verdicts = observe(&account).verdicts;
    let is_unhealthy = |it: &environment::rollout::Verdict| {
        it.version == 2 && matches!(it.kind, VerdictKind::Unhealthy(_)) && it.evidence.contains("was abandoned")
    };
    assert!(!verdicts.is_empty() && verdicts.iter().all(is_unhealthy), "{verdicts:?}");
}

#[test]
fn a_version_whose_image_is_gone_is_not_launchable_and_its_launches_fail() {
    let account = with_new_version();
    let image = observe(&account).versions[0].version.image.clone();
    account.gone_images.borrow_mut().insert(image.clone());
    let observed = observe(&account);
    assert_eq!(observed.launchable, BTreeSet::new(), "both versions have the image");
    send(&account, start(&forward(&account))).expect("accepted");
    account.clock.advance(MINUTE);
    let verdicts = observe(&account).verdicts;
    assert!(verdicts[0].evidence.contains(&image), "{verdicts:?}");
    assert_eq!(verdicts[0].kind, VerdictKind::LaunchFailed(LaunchFailure::Image));
}

#[test]
fn an_instance_that_a_scale_in_ends_during_its_launch_is_no_verdict() {
    let account = settled(&standard());
    account.clock.advance(MINUTE * 3);
    account.hooks_unanswered.set(true);
    let resize = |to| {
        account.operate(|simulator, now| simulator.set_desired_capacity(&names().group().name, to, false, now)).is_ok()
    };
    assert!(resize(3));
    account.clock.advance(MINUTE * 2);
    assert_eq!(observe(&account).instances.len(), 3);
    assert!(resize(2));
    account.clock.advance(MINUTE * 10);
    assert_eq!(observe(&account).verdicts, []);
}

#[test]
fn protected_and_standby_instances_are_ignored_and_terminating_ones_are_absent() {
    let account = settled(&standard());
    account.clock.advance(MINUTE * 3);
    let group = names().group().name;
    let ids: Vec<String> = observe(&account).instances.into_iter().map(|it| it.id).collect();
    let protect =
        |ids: &[String]| account.operate(|simulator, _| simulator.set_instance_protection(&group, ids, true)).is_ok();
    assert!(protect(&ids[..1]));
    let of_id = |id: &str| observe(&account).instances.into_iter().find(|it| it.id == id);
    assert!(of_id(&ids[0]).is_some_and(|it| it.is_ignored));
    assert!(of_id(&ids[1]).is_some_and(|it| !it.is_ignored));
    let standby =
        account.operate(|simulator, now| simulator.plant_state(&ids[1], LifecycleState::Standby, None, now)).is_ok();
    assert!(standby && of_id(&ids[1]).is_some_and(|it| it.is_ignored && it.in_service_since.is_none()));
    assert!(account.operate(|simulator, now| simulator.terminate_instance(&ids[0], false, now)).is_ok());
    assert_eq!(of_id(&ids[0]), None);
}

#[test]
fn a_group_of_another_owner_has_no_rollout() {
    let account = settled(&standard());
    let other = environment::Scope { owner: "ffffffffffffffffffff".into(), ..scope(&account) };
    let observed = account.clock.run(Session::new(&account, "observe").observe_rollout(&other, &[]));
    assert_eq!(observed, Some(Ok(None)));
}
