//! The state of a rollout, for operators.

use std::collections::BTreeMap;
use std::fmt;

use super::answer::{RolloutState, state};
use super::observed::ObservedRollout;
use super::record::{FailedVersion, Hold, RolloutRecord};
use super::refresh::ObservedRefresh;
use super::situation::{RolloutInstance, SavedVersion, Trigger, relevant_refresh};
use super::version::Version;
use crate::desired::RolloutAlarm;
use crate::engine::cloud::Timestamp;
use crate::engine::drift::Drift;
use crate::input::rollout_settings::{RolloutMode, RolloutSettings};
use crate::model::key::Key;
use crate::model::kinds::TemplateVersion;

/// The state of an environment's rollout, from the record and one observation. Its text has a line for each fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutSummary {
    /// Whether a change replaces running instances.
    pub mode: RolloutMode,
    /// The output `RolloutState`, as of now; `None` if the record has no desired version, and the group launches none with a
    /// number.
    pub state: Option<RolloutState>,
    /// The number of the desired version.
    pub desired: Option<u64>,
    /// The version that the group launches: a number of the environment's template, or another principal's text.
    pub launched: String,
    /// The instances that are not terminating, by the number of their version: in service, and launching. `unknown`: of
    /// another template, or not visible yet.
    pub by_version: BTreeMap<String, InstanceCount>,
    /// The same by the digest of their rolling inputs. `unknown`: the version is older than rollouts, or is not known.
    pub by_rolling_inputs: BTreeMap<String, InstanceCount>,
    /// The instances that a refresh leaves alone: in Standby, or protected from scale-in.
    pub ignored: Vec<String>,
    /// The active refresh, else the recorded one, and whether the environment owns it.
    pub refresh: Option<(ObservedRefresh, bool)>,
    /// The failed versions, the newest last.
    pub failed: Vec<FailedVersion>,
    /// The first alarm of `RolloutAlarms` that blocks a start, with its state.
    pub blocking_alarm: Option<String>,
    /// The operator's hold that lasts.
    pub hold: Option<Hold>,
    /// Whether the process `InstanceRefresh` of the group is suspended, by a hold or by another principal.
    pub is_suspended: bool,
    /// Whether this release writes a newer revision of its own part of the user data than the group launches.
    pub has_newer_revision: bool,
}

/// A number of instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceCount {
    /// In service.
    pub in_service: usize,
    /// All that are not terminating.
    pub total: usize,
}

/// The key of instances whose version or rolling inputs are not known.
const UNKNOWN: &str = "unknown";

impl RolloutSummary {
    /// The summary. `current` is the version as this release of Envkeeper writes it for the recorded properties, if the image is
    /// recorded.
    #[must_use]
    pub fn of(
        observed: &ObservedRollout,
        record: &RolloutRecord,
        settings: &RolloutSettings,
        current: Option<&TemplateVersion>,
        now: Timestamp,
    ) -> RolloutSummary {
        let desired = record.desired.as_ref().or_else(|| observed.saved.version());
        let situation = desired.map(|desired| observed.situation(record, settings, desired, (Trigger::Due, now)));
        let refresh = relevant_refresh(&observed.refreshes, record);
        let owns = |refresh: &ObservedRefresh| situation.as_ref().is_some_and(|it| it.owns(refresh));
        RolloutSummary {
            mode: settings.mode,
            state: situation.as_ref().map(state),
            desired: desired.map(|it| it.number),
            launched: match &observed.saved {
                SavedVersion::Numbered(version) => version.number.to_string(),
                SavedVersion::Other(other) => other.clone(),
            },
            by_version: counted(&observed.instances, |it| it.version.as_ref().map(|it| it.number.to_string())),
            by_rolling_inputs: counted(&observed.instances, |it| it.version.as_ref()?.rolling.clone()),
            ignored: observed.ignored().map(str::to_owned).collect(),
            refresh: refresh.map(|it| (it.clone(), owns(it))),
            failed: record.failed.clone(),
            blocking_alarm: RolloutAlarm::first_blocking(&observed.alarms),
            hold: record.open_hold(now),
            is_suspended: observed.refresh_is_suspended,
            has_newer_revision: current.is_some_and(|current| observed.has_newer_revision(current)),
        }
    }
}

/// The instances that run other rolling inputs than the version that the group launches, as drift of the group.
///
/// An instance of an unknown version, or of one that is older than rollouts, differs if its number does. While a rollout is
/// under way, and with `Rollout: None`, instances of two versions are no drift.
#[must_use]
pub fn instance_drift(
    observed: &ObservedRollout,
    record: &RolloutRecord,
    settings: &RolloutSettings,
    group: &Key,
) -> Vec<Drift> {
    let (Some(saved), false, RolloutMode::Rolling) = (observed.saved.version(), record.begun, settings.mode) else {
        return vec![];
    };
    let differs = |it: &&RolloutInstance| !it.version.as_ref().is_some_and(|version| version.matches(saved));
    let text = |version: Option<&Version>| match version {
        Some(version) => format!("version {}", version.number),
        None => String::from("another launch template"),
    };
    let drift = |it: &RolloutInstance| Drift {
        key: group.clone(),
        field: format!("instance {}", it.id),
        desired: Some(text(Some(saved))),
        observed: Some(text(it.version.as_ref())),
    };
    observed.instances.iter().filter(differs).map(drift).collect()
}

/// The instances by a key.
fn counted(
    instances: &[RolloutInstance],
    key: impl Fn(&RolloutInstance) -> Option<String>,
) -> BTreeMap<String, InstanceCount> {
    let mut counts: BTreeMap<String, InstanceCount> = BTreeMap::new();
    for instance in instances {
        let count = counts.entry(key(instance).unwrap_or_else(|| String::from(UNKNOWN))).or_default();
        count.total += 1;
        count.in_service += usize::from(instance.in_service_since.is_some());
    }
    counts
}

impl fmt::Display for InstanceCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InstanceCount { in_service, total } = self;
        if in_service == total { write!(f, "{total}") } else { write!(f, "{total} ({in_service} in service)") }
    }
}

impl fmt::Display for RolloutSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.map_or_else(|| String::from(UNKNOWN), |it| it.to_string());
        write!(f, "Rollout: {state}. The group launches version {}", self.launched)?;
        match self.desired {
            Some(desired) if desired.to_string() != self.launched => write!(f, ", desired is version {desired}.")?,
            _ => f.write_str(".")?,
        }
        if self.mode == RolloutMode::None {
            f.write_str(" Rollout is None: running instances keep their version.")?;
        }
        let versions: Vec<String> =
            self.by_version.iter().map(|(it, count)| format!("version {it}: {count}")).collect();
        let digests: Vec<String> = self.by_rolling_inputs.iter().map(|(it, count)| format!("{it}: {count}")).collect();
        if !versions.is_empty() {
            write!(f, "\nInstances: {}. By rolling inputs: {}.", versions.join(", "), digests.join(", "))?;
        }
        if !self.ignored.is_empty() {
            let ids = self.ignored.join(", ");
            write!(f, "\nNot replaced by rollouts, since they are in Standby or protected from scale-in: {ids}.")?;
        }
        if let Some((refresh, is_owned)) = &self.refresh {
            write!(f, "\nInstance refresh {}", refresh.id)?;
            f.write_str(if *is_owned { "" } else { ", which another principal started," })?;
            write!(f, " is {}", refresh.status)?;
            if let Some(percentage) = refresh.percentage_complete {
                write!(f, ", {percentage} %")?;
            }
            if let Some(count) = refresh.instances_to_update {
                write!(f, ", instances to update: {count}")?;
            }
            if let Some(reason) = &refresh.status_reason {
                write!(f, ": {}", reason.trim_end_matches('.'))?;
            }
            f.write_str(".")?;
        }
        if self.is_suspended && self.hold.is_none_or(|it| it.suspends != Some(true)) {
            f.write_str(
                "\nAnother principal has suspended the process InstanceRefresh of the group: no instance is replaced until it is resumed.",
            )?;
        }
        if let Some(alarm) = &self.blocking_alarm {
            write!(
                f,
                "\nRolloutAlarms: {alarm}. No instance is replaced until each alarm is OK, for at most an hour."
            )?;
        }
        self.failed.iter().rev().try_for_each(|failed| write!(f, "\nNot tried again: {failed}"))?;
        if self.has_newer_revision {
            f.write_str(
                "\nThis release of Envkeeper has a newer revision of its own part of the user data. Instances get it with the next \
                 rollout, or by the operator request roll.",
            )?;
        }
        Ok(())
    }
}
