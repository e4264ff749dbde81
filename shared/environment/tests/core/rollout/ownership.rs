//! Which refreshes the environment owns.

use environment::Preferences;
use environment::rollout::{Action, RefreshCall, RolloutRecord, RolloutSettings, Trigger, Version, relevant_refresh};

use super::fixture::{Case, foreign, refresh, return_to, rollout_of, version};

/// A field, and the change.
type Change = (&'static str, fn(&mut Preferences));

fn owned(case: &Case) -> bool {
    case.situation().owns(case.refresh.as_ref().expect("a refresh"))
}

fn with(refresh: environment::rollout::ObservedRefresh) -> Case {
    Case { refresh: Some(refresh), trigger: Trigger::Due, ..Case::default() }
}

#[test]
fn a_refresh_whose_response_was_lost_is_owned_and_recorded_first() {
    let settings = RolloutSettings::default();
    let calls = [
        RefreshCall::forward(&version(7), &settings, 1, true),
        RefreshCall::forward(&version(7), &settings, 1, false),
        RefreshCall::forward(&version(7), &settings, 5, true),
        RefreshCall::forward(&version(7), &settings, 5, false),
        RefreshCall::again(&version(7), &settings),
        RefreshCall::back(&version(6), &settings),
    ];
    for call in calls {
        for status in ["Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"] {
            let case = with(refresh(&call, status));
            assert!(owned(&case), "{call} {status}");
            assert_eq!(case.decide(), Action::Adopt("own".into()), "{call} {status}");
        }
    }
}

#[test]
fn a_refresh_that_differs_in_one_field_is_foreign_unless_its_id_is_recorded() {
    let changes: [Change; 10] = [
        ("MinHealthyPercentage", |it| it.min_healthy_percentage = Some(90)),
        ("MaxHealthyPercentage", |it| it.max_healthy_percentage = None),
        ("InstanceWarmup", |it| it.instance_warmup = None),
        ("CheckpointPercentages", |it| it.checkpoint_percentages = vec![20, 100]),
        ("CheckpointDelay", |it| it.checkpoint_delay = Some(3_600)),
        ("BakeTime", |it| it.bake_time = None),
        ("SkipMatching", |it| it.skip_matching = Some(false)),
        ("ScaleInProtectedInstances", |it| it.scale_in_protected_instances = Some("Refresh".into())),
        ("StandbyInstances", |it| it.standby_instances = None),
        ("AlarmSpecification", |it| it.alarms = vec!["errors".into()]),
    ];
    for (name, change) in changes {
        let mut refresh = rollout_of(7, "InProgress");
        change(&mut refresh.preferences);
        assert!(!owned(&with(refresh.clone())), "{name}");
        assert!(owned(&with(refresh.clone()).with_own(refresh)), "{name}");
    }
    // Another version, and a refresh without a desired configuration of this template.
    assert!(!owned(&with(rollout_of(8, "InProgress"))));
    let without_target = environment::rollout::ObservedRefresh { target: None, ..rollout_of(7, "InProgress") };
    assert!(!owned(&with(without_target)));
    assert!(!owned(&with(foreign("InProgress"))));
    // What has ended is history, unless it is recorded.
    assert!(!owned(&with(rollout_of(7, "Failed"))));
}

#[test]
fn after_a_lost_record_a_refresh_towards_any_version_of_envkeeper_is_owned() {
    let lost = |refresh| Case { record: RolloutRecord::default(), ..with(refresh) };
    let case = lost(rollout_of(8, "InProgress"));
    assert!(owned(&case));
    assert_eq!(case.decide(), Action::Adopt("own".into()));
    // It is foreign if it has other preferences, or if its version is not one that Envkeeper describes.
    assert!(!owned(&lost(foreign("InProgress"))));
    let mut undescribed = rollout_of(8, "InProgress");
    undescribed.target = Some(Version { number: 8, rolling: None });
    assert!(!owned(&lost(undescribed)));
}

#[test]
fn the_active_refresh_is_the_relevant_one_else_the_recorded_one() {
    let case = Case::default().with_own(rollout_of(7, "Successful"));
    let listed = [return_to(6, "Cancelled"), foreign("InProgress"), rollout_of(7, "Successful")];
    let id = |listed: &[_]| relevant_refresh(listed, &case.record).map(|it| it.id.clone());
    assert_eq!(id(&listed).as_deref(), Some("foreign"));
    assert_eq!(id(&listed[2..]).as_deref(), Some("own"));
    assert_eq!(relevant_refresh(&listed[2..], &Case::default().record), None);
}

#[test]
fn a_call_names_every_field_that_it_sends() {
    let settings = RolloutSettings { alarms: vec!["errors".into()], ..RolloutSettings::default() };
    let texts = [
        RefreshCall::forward(&version(7), &settings, 2, true),
        RefreshCall::forward(&version(7), &settings, 1, true),
        RefreshCall::forward(&version(7), &RolloutSettings { bake_seconds: 0, ..settings.clone() }, 2, false),
        RefreshCall::back(&version(6), &settings),
        RefreshCall::again(&version(6), &settings),
    ];
    insta::assert_snapshot!(texts.map(|it| it.to_string()).join("\n"));
}
