//! What a begun rollout owes.

use environment::rollout::{
    Action, FailedVersion, FailureCause, RefreshCall, RefreshStatus, RolloutInstance, RolloutRecord, SavedVersion,
    Trigger, Version,
};

use super::fixture::{Case, STATUSES, foreign, in_service, refresh, rollout_of, unhealthy, update, version};

/// Of the rolling inputs of version 6, with other tags.
fn tagged() -> Version {
    Version { number: 8, ..version(6) }
}

#[test]
fn a_change_of_tags_replaces_no_instance_that_is_older_than_the_groups_version() {
    for trigger in [update(), Trigger::Due, Trigger::RollbackUpdate] {
        let record = RolloutRecord { desired: Some(tagged()), running: Some(version(6)), ..RolloutRecord::default() };
        let instances = vec![in_service("i-1", 5, 600), in_service("i-2", 6, 600)];
        let case = Case { trigger, desired: tagged(), instances, record, ..Case::default() };
        assert_eq!(case.clone().decide_begun(), Action::SetTemplate(tagged()), "{trigger:?}");
        let record = case.record.after(&Action::Begin, case.now);
        let set = Case { saved: SavedVersion::Numbered(tagged()), record, ..case };
        assert_eq!(set.decide(), Action::Accept(tagged()), "{trigger:?}");
    }
}

#[test]
fn a_refresh_that_a_dead_pass_started_is_owned_by_the_request_that_superseded_it() {
    let record = RolloutRecord { desired: Some(version(7)), running: Some(version(6)), ..RolloutRecord::default() };
    let begun = Case { record, ..Case::default() };
    let record = begun.record.after(&Action::Begin, begun.now);
    let trigger = Trigger::RollbackUpdate;
    let refresh = Some(rollout_of(7, "InProgress"));
    let case = Case { trigger, desired: version(6), refresh, record, ..Case::default() };
    assert_eq!(case.decide(), Action::Adopt("own".into()));
}

#[test]
fn a_rollback_during_a_foreign_refresh_is_left_to_due_passes() {
    let record = RolloutRecord { running: Some(version(7)), previous: Some(version(6)), ..RolloutRecord::default() };
    let saved = SavedVersion::Numbered(version(7));
    let refresh = Some(foreign("InProgress"));
    let case =
        Case { trigger: Trigger::RollbackUpdate, desired: version(6), saved, refresh, record, ..Case::default() };
    assert_eq!(case.decide(), Action::Begin, "otherwise no due pass follows");
}

/// An operator's `roll` may lead to a newer revision: Envkeeper's own user data, and no rolling input, differs.
#[test]
fn a_newer_revision_that_fails_goes_back_to_the_version_of_the_same_inputs() {
    let forward = |status| refresh(&RefreshCall::forward(&tagged(), &Case::default().settings, 2, true), status);
    let case = Case { trigger: Trigger::Due, desired: tagged(), verdicts: vec![unhealthy(8)], ..Case::default() };
    let mut case = case.with_own(forward("InProgress"));
    let mark = case.decide();
    case.record = case.record.after(&mark, case.now);
    assert!(case.record.is_bad(&tagged()) && !case.record.is_bad(&version(6)), "{:?}", case.record);
    assert_eq!(case.decide(), Action::RollBack);
    case.refresh = Some(forward("RollbackSuccessful"));
    assert_eq!(case.decide(), Action::Accept(version(6)));
    case.record = case.record.after(&Action::Accept(version(6)), case.now);
    assert_eq!(case.decide(), Action::None, "it is not tried again");
    let roll = Case { trigger: Trigger::Roll, ..case };
    assert_eq!(roll.decide(), Action::Forget(tagged()));
}

/// The case in which version 8 of the rolling inputs of version 6 has been rolled out, and the refresh has ended.
fn rolled_out() -> Case {
    let forward = refresh(&RefreshCall::forward(&tagged(), &Case::default().settings, 2, true), "Successful");
    let instances = ["i-1", "i-2"].map(|id| RolloutInstance { version: Some(tagged()), ..in_service(id, 8, 3) });
    let case = Case {
        trigger: Trigger::Due,
        desired: tagged(),
        saved: SavedVersion::Numbered(tagged()),
        instances: instances.to_vec(),
        ..Case::default()
    };
    case.with_own(forward)
}

/// The calls until the rollout rests, each with its effect; the last action makes no call.
fn calls(case: &mut Case) -> Vec<Action> {
    let mut calls = vec![];
    loop {
        let action = case.decide();
        match &action {
            Action::SetTemplate(version) => case.saved = SavedVersion::Numbered(version.clone()),
            Action::Start(call) => {
                case.refresh = Some(refresh(call, "Successful"));
                case.instances = vec![in_service("i-1", call.version.number, 1), in_service("i-2", 6, 1)];
                case.record = case.record.clone().started("own", case.now);
            }
            record if record.is_record() => case.record = case.record.clone().after(record, case.now),
            _ => {
                calls.push(action);
                return calls;
            }
        }
        if action.is_call() {
            calls.push(action);
        }
        assert!(calls.len() < 10, "{calls:?}");
    }
}

/// The calls that return from version 8 to version 6, and the end.
fn back() -> Vec<Action> {
    let start = RefreshCall::back(&version(6), &Case::default().settings);
    vec![Action::SetTemplate(version(6)), Action::Start(start), Action::None]
}

#[test]
fn a_revision_whose_verdict_follows_the_end_of_its_refresh_goes_back_to_the_version_of_the_same_inputs() {
    let mut case = Case { verdicts: vec![unhealthy(8)], ..rolled_out() };
    case.record.previous = Some(version(5));
    assert_eq!(calls(&mut case), back());
    assert_eq!((case.record.running, case.record.begun), (Some(version(6)), false));
}

#[test]
fn the_instances_of_a_revision_that_was_marked_before_the_end_of_its_refresh_are_replaced() {
    for (saved, status) in [(tagged(), "Successful"), (version(6), "Cancelled")] {
        let mut case = Case { saved: SavedVersion::Numbered(saved), ..rolled_out() };
        if let Some(refresh) = &mut case.refresh {
            refresh.status = RefreshStatus::of(status);
        }
        let marked = Version { rolling: None, ..tagged() };
        case.record.failed = vec![FailedVersion::new(&marked, FailureCause::Verdict, "the evidence", case.now)];
        let expected = back();
        let expected = if status == "Cancelled" { &expected[1..] } else { &expected[..] };
        assert_eq!(calls(&mut case), expected, "{status}");
    }
}

/// A pass of version 6 may meet the refresh that a pass of version 8 has started.
#[test]
fn a_revision_that_failed_by_its_number_alone_is_marked_once() {
    for status in STATUSES {
        let forward = RefreshCall::forward(&tagged(), &Case::default().settings, 2, true);
        let case = Case { trigger: Trigger::Due, desired: version(6), verdicts: vec![unhealthy(8)], ..Case::default() };
        let mut case = case.with_own(refresh(&forward, status));
        let marked = Version { rolling: None, ..tagged() };
        case.record.failed = vec![FailedVersion::new(&marked, FailureCause::Verdict, "the evidence", case.now)];
        let action = case.decide();
        assert!(!matches!(action, Action::MarkFailed(_)), "{status}: {action:?}");
    }
}

#[test]
fn an_operators_rollback_of_a_revision_returns_to_the_version_of_the_same_inputs() {
    let mut case = rolled_out();
    case.record.previous = Some(version(5));
    assert_eq!(calls(&mut case), [Action::None]);
    assert_eq!(case.record.previous, Some(version(6)));
    case.trigger = Trigger::Rollback;
    assert_eq!(calls(&mut case)[..2], back()[..2]);
    assert!(!case.record.is_bad(&version(6)) && case.record.is_bad(&tagged()), "{:?}", case.record);
}

#[test]
fn a_roll_that_ends_an_operators_rollback_replaces_the_instances_that_went_back() {
    let failed = FailedVersion::new(&version(7), FailureCause::Operator, "an operator asked", Case::default().now);
    let (running, previous) = (Some(version(7)), Some(version(6)));
    let record =
        RolloutRecord { desired: running.clone(), running, previous, failed: vec![failed], ..RolloutRecord::default() };
    let record = record.after(&Action::Begin, Case::default().now);
    let instances = vec![in_service("i-1", 7, 600), in_service("i-2", 6, 1)];
    let case = Case { trigger: Trigger::Roll, instances, record, ..Case::default() };
    let mut case = case.with_own(refresh(&RefreshCall::back(&version(6), &Case::default().settings), "InProgress"));
    assert_eq!(case.decide(), Action::Forget(version(7)));
    case.record = case.record.after(&Action::Forget(version(7)), case.now);
    assert_eq!(case.decide(), Action::Cancel("own".into()));
    (case.trigger, case.refresh.as_mut().expect("a refresh").status) = (Trigger::Due, RefreshStatus::of("Cancelled"));
    let start = RefreshCall::back(&version(7), &case.settings);
    assert_eq!(calls(&mut case)[..2], [Action::SetTemplate(version(7)), Action::Start(start)]);
}
