//! What a begun rollout owes.

use environment::rollout::{Action, RefreshCall, RolloutRecord, SavedVersion, Trigger, Version};

use super::fixture::{Case, foreign, in_service, refresh, rollout_of, unhealthy, update, version};

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
