//! What operators see of a rollout: its summary, the instances that drift, and the instances that it would replace.

use environment::rollout::{
    FailedVersion, FailureCause, NumberedVersion, ObservedRollout, RecordedRefresh, RolloutAlarm, RolloutAlarmState,
    RolloutInstance, RolloutMode, RolloutRecord, RolloutSettings, RolloutSummary, SavedVersion, Version,
    instance_drift,
};
use environment::{Key, Kind, Script, TemplateVersion};
use serde_json::json;

use super::fixture::{NOW, foreign, in_service, minutes_ago, rollout_of};

/// The content of a version whose rolling inputs are its number's.
pub(super) fn content(number: u64) -> TemplateVersion {
    let spec = crate::common::spec(json!({ "UserDataScript": format!("echo {number}") }));
    environment::template_version(&spec, &crate::common::names(), crate::common::OWNER, "ami-00000000000000001")
}

fn numbered(number: u64) -> Version {
    Version::of(number, &content(number))
}

fn instance(id: &str, number: u64) -> RolloutInstance {
    RolloutInstance { version: Some(numbered(number)), ..in_service(id, number, 60) }
}

/// Three instances of version 6, which the group launches.
pub(super) fn observed() -> ObservedRollout {
    ObservedRollout {
        group: "arn:group".into(),
        versions: (5..=7).map(|number| NumberedVersion { number, version: content(number) }).collect(),
        default_version: Some(1),
        saved: SavedVersion::Numbered(numbered(6)),
        launchable: (1..=9).collect(),
        instances: vec![instance("i-1", 6), instance("i-2", 6), instance("i-3", 6)],
        refreshes: vec![],
        verdicts: vec![],
        alarms: vec![],
        refresh_is_suspended: false,
        launches: vec![],
        max_size: 4,
        desired_capacity: 3,
    }
}

pub(super) fn record() -> RolloutRecord {
    RolloutRecord { desired: Some(numbered(6)), running: Some(numbered(6)), ..RolloutRecord::default() }
}

fn text(observed: &ObservedRollout, record: &RolloutRecord) -> String {
    RolloutSummary::of(observed, record, &RolloutSettings::default(), None, NOW).to_string()
}

fn group() -> Key {
    Key::new(Kind::AutoScalingGroup, "web")
}

fn drift(observed: &ObservedRollout, record: &RolloutRecord, settings: &RolloutSettings) -> Vec<String> {
    instance_drift(observed, record, settings, &group()).iter().map(ToString::to_string).collect()
}

#[test]
fn a_summary_counts_instances_by_version_and_by_rolling_inputs() {
    let digest = |number| numbered(number).rolling.expect("a digest");
    let complete = text(&observed(), &record());
    let expected = format!(
        "Rollout: complete. The group launches version 6.\nInstances: version 6: 3. By rolling inputs: {}: 3.",
        digest(6)
    );
    assert_eq!(complete, expected);

    let mut rolling = observed();
    // The tags of version 5 differ from those of version 6, and its rolling inputs do not.
    rolling.instances[0].version = Some(Version { number: 5, ..numbered(6) });
    rolling.instances[2] = RolloutInstance { in_service_since: None, ..instance("i-3", 7) };
    rolling.instances.push(RolloutInstance { version: None, is_ignored: true, ..instance("i-4", 6) });
    let refresh = environment::rollout::ObservedRefresh {
        percentage_complete: Some(40),
        instances_to_update: Some(2),
        status_reason: Some("Waiting for instances to warm up.".into()),
        target: Some(numbered(7)),
        ..rollout_of(7, "InProgress")
    };
    let recorded = RecordedRefresh { id: refresh.id.clone(), accepted: minutes_ago(5) };
    rolling.refreshes = vec![refresh];
    let begun = RolloutRecord { begun: true, desired: Some(numbered(7)), refresh: Some(recorded), ..record() };
    let summary = RolloutSummary::of(&rolling, &begun, &RolloutSettings::default(), None, NOW);
    assert_eq!(summary.by_version.keys().collect::<Vec<_>>(), ["5", "6", "7", "unknown"]);
    assert_eq!(summary.by_rolling_inputs[&digest(6)].total, 2);
    assert_eq!((summary.by_rolling_inputs[&digest(7)].in_service, summary.by_rolling_inputs[&digest(7)].total), (0, 1));
    let text = summary.to_string();
    for line in [
        "Rollout: in-progress. The group launches version 6, desired is version 7.",
        "Instances: version 5: 1, version 6: 1, version 7: 1 (0 in service), version unknown: 1.",
        "Not replaced by rollouts, since they are in Standby or protected from scale-in: i-4.",
        "Instance refresh own is InProgress, 40 %, instances to update: 2: Waiting for instances to warm up.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_summary_names_what_stops_a_rollout_and_what_failed() {
    let mut stopped = observed();
    stopped.refreshes = vec![foreign("InProgress")];
    stopped.refresh_is_suspended = true;
    stopped.alarms = vec![
        RolloutAlarm { name: "latency".into(), state: RolloutAlarmState::Ok },
        RolloutAlarm { name: "errors".into(), state: RolloutAlarmState::InsufficientData },
    ];
    let failed = FailedVersion::new(&numbered(7), FailureCause::Verdict, "user data failed at line 3", minutes_ago(3));
    let record = RolloutRecord { desired: Some(numbered(7)), failed: vec![failed], ..record() };
    let text = text(&stopped, &record);
    for line in [
        "Rollout: rolled-back. The group launches version 6, desired is version 7.",
        "Instance refresh foreign, which another principal started, is InProgress.",
        "Another principal has suspended the process InstanceRefresh of the group",
        "RolloutAlarms: alarm errors is in INSUFFICIENT_DATA. No instance is replaced until each alarm is OK",
        "Not tried again: version 7 failed: user data failed at line 3",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_newer_revision_of_envkeepers_own_user_data_is_named_and_rolls_nothing() {
    let summary = |current: &TemplateVersion| {
        RolloutSummary::of(&observed(), &record(), &RolloutSettings::default(), Some(current), NOW)
    };
    assert!(!summary(&content(6)).has_newer_revision);
    assert!(!summary(&content(7)).has_newer_revision, "another script is no revision");
    let mut content = content(6).content;
    content.user_data = Script::from(format!("{}# a newer release\n", &*content.user_data));
    let newer = TemplateVersion::of(content, "ami-00000000000000001".into());
    let summary = summary(&newer);
    assert!(summary.has_newer_revision);
    assert!(summary.to_string().contains("a newer revision of its own part of the user data"), "{summary}");
    assert_eq!(observed().replaced_by(&newer), 0);
}

#[test]
fn an_instance_drifts_where_its_rolling_inputs_differ_from_those_of_the_groups_version() {
    let settings = RolloutSettings::default();
    let mut mixed = observed();
    assert_eq!(drift(&mixed, &record(), &settings), [""; 0]);
    mixed.instances[0].version = Some(Version { number: 5, ..numbered(6) });
    assert_eq!(drift(&mixed, &record(), &settings), [""; 0], "other tags are no drift");
    mixed.instances[1] = RolloutInstance { is_ignored: true, ..instance("i-2", 7) };
    mixed.instances[2].version = Some(Version { number: 2, rolling: None });
    mixed.instances.push(RolloutInstance { version: None, ..instance("i-4", 6) });
    let expected = [
        "auto-scaling-group web: instance i-2 is version 7, desired is version 6",
        "auto-scaling-group web: instance i-3 is version 2, desired is version 6",
        "auto-scaling-group web: instance i-4 is another launch template, desired is version 6",
    ];
    assert_eq!(drift(&mixed, &record(), &settings), expected);
    let begun = RolloutRecord { begun: true, ..record() };
    assert_eq!(drift(&mixed, &begun, &settings), [""; 0], "a rollout is under way");
    let none = RolloutSettings { mode: RolloutMode::None, ..settings.clone() };
    assert_eq!(drift(&mixed, &record(), &none), [""; 0], "running instances keep their version");
    let older = ObservedRollout { saved: SavedVersion::Numbered(Version { number: 2, rolling: None }), ..mixed };
    assert_eq!(drift(&older, &record(), &settings).len(), 3, "a version without a digest is compared by its number");
}

#[test]
fn a_rollout_replaces_what_differs_and_leaves_ignored_instances_alone() {
    let mut observed = observed();
    observed.instances[0].is_ignored = true;
    observed.instances[1] = instance("i-2", 7);
    observed
        .instances
        .push(RolloutInstance { version: Some(Version { number: 2, rolling: None }), ..instance("i-4", 2) });
    assert_eq!(observed.replaced_by(&content(7)), 2, "i-3 and i-4");
    assert_eq!(observed.ignored().collect::<Vec<_>>(), ["i-1"]);

    let bad = FailedVersion::new(&numbered(6), FailureCause::Verdict, "…", NOW);
    let failed = RolloutRecord { failed: vec![bad], ..record() };
    assert!(observed.has_way_back(&record()) && !observed.has_way_back(&failed));
    observed.launchable.remove(&6);
    assert!(!observed.has_way_back(&record()), "its image is gone");
    observed.saved = SavedVersion::Other("$Latest".into());
    assert!(!observed.has_way_back(&record()));
}
