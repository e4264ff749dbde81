//! The versions of the launch template that are deleted.

use std::collections::BTreeSet;

use environment::rollout::{
    FailedVersion, FailureCause, NumberedVersion, ObservedRollout, RecordedRefresh, RolloutRecord, SavedVersion,
    Version,
};
use environment::{Call, CallKind, RolloutCall, TemplateVersion};

use super::fixture::{NOW, in_service, rollout_of};
use super::summary::{content, observed, record};

/// Version 6 in the group, its instances and the record, beside the versions 1 to `newest`.
fn with_versions(newest: u64) -> ObservedRollout {
    let versions = (1..=newest).map(|number| NumberedVersion { number, version: content(number) }).collect();
    ObservedRollout { versions, ..observed() }
}

fn numbers(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    numbers.into_iter().collect()
}

fn version(number: u64) -> Version {
    Version { number, rolling: None }
}

#[test]
fn the_newest_twenty_versions_and_the_default_one_are_kept() {
    assert_eq!(with_versions(21).prunable_versions(&record()), numbers([]), "version 1 is the default one");
    assert_eq!(with_versions(22).prunable_versions(&record()), numbers([2]));
    assert_eq!(with_versions(30).prunable_versions(&record()), numbers([2, 3, 4, 5, 7, 8, 9, 10]));
}

#[test]
fn a_version_that_something_refers_to_is_kept() {
    let observed = ObservedRollout {
        saved: SavedVersion::Numbered(version(2)),
        instances: vec![in_service("i-1", 3, 60)],
        refreshes: vec![rollout_of(4, "InProgress"), rollout_of(5, "Successful")],
        default_version: Some(7),
        ..with_versions(40)
    };
    let record = RolloutRecord {
        desired: Some(version(8)),
        running: Some(version(9)),
        previous: Some(version(10)),
        failed: vec![FailedVersion::new(&version(11), FailureCause::Verdict, "no", NOW)],
        content: Some(content(12).digest),
        ..RolloutRecord::default()
    };
    assert_eq!(observed.prunable_versions(&record), numbers([1, 5, 6].into_iter().chain(13..=20)));
}

#[test]
fn no_version_is_deleted_while_a_rollout_is_under_way() {
    let begun = RolloutRecord { begun: true, ..record() };
    assert_eq!(with_versions(40).prunable_versions(&begun), numbers([]));
    let refresh = Some(RecordedRefresh { id: "refresh-1".into(), accepted: NOW });
    assert_eq!(with_versions(40).prunable_versions(&RolloutRecord { refresh, ..record() }), numbers([]));
}

#[test]
fn a_version_that_another_principal_created_is_neither_deleted_nor_counted() {
    let mut observed = with_versions(23);
    for it in &mut observed.versions[1..3] {
        it.version = TemplateVersion::altered(it.version.content.clone(), it.version.image.clone());
    }
    assert_eq!(observed.prunable_versions(&record()), numbers([]));
    observed.versions.push(NumberedVersion { number: 24, version: content(24) });
    assert_eq!(observed.prunable_versions(&record()), numbers([4]));
}

#[test]
fn a_call_deletes_two_hundred_versions_at_most() {
    let prunable = with_versions(300).prunable_versions(&record());
    assert_eq!((prunable.len(), prunable.first(), prunable.last()), (200, Some(&2), Some(&202)));
    let key = crate::common::names().launch_template();
    let call = Call { key, id: None, kind: CallKind::Rollout(RolloutCall::DeleteVersions(numbers([2, 4]))) };
    assert_eq!(call.to_string(), "ec2:DeleteLaunchTemplateVersions (versions 2, 4)");
}
