//! The observation that a decision about a rollout needs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::record::RolloutRecord;
use super::refresh::ObservedRefresh;
use super::situation::{RolloutInstance, SavedVersion, Situation, Trigger, relevant_refresh};
use super::verdict::Verdict;
use super::version::Version;
use crate::desired::RolloutAlarm;
use crate::engine::cloud::{CallError, Cloud, Scope, Timestamp};
use crate::input::rollout_settings::RolloutSettings;
use crate::model::kinds::{TemplateChange, TemplateVersion};

/// A cloud whose rollouts can be observed, without the rest of the environment.
#[expect(async_fn_in_trait, reason = "the futures need no bound, as those of `Cloud`")]
pub trait RolloutCloud: Cloud {
    /// Observes the rollout of the scope's group; `None` if there is no group, or another owner's. `alarms` are the names of
    /// `RolloutAlarms`.
    async fn observe_rollout(&self, scope: &Scope, alarms: &[String]) -> Result<Option<ObservedRollout>, CallError>;
}

/// A version of the launch template with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedVersion {
    /// The number that EC2 gave the version.
    pub number: u64,
    /// The version.
    pub version: TemplateVersion,
}

/// An environment's rollout, as AWS reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedRollout {
    /// The id of the group, as [`ObservedResource::id`](crate::ObservedResource::id).
    pub group: String,
    /// The versions of the launch template that have Envkeeper's form of description, the oldest first.
    pub versions: Vec<NumberedVersion>,
    /// The number of the template's default version, which EC2 does not delete.
    pub default_version: Option<u64>,
    /// The version that the group has saved.
    pub saved: SavedVersion,
    /// The numbers of the versions whose image exists.
    pub launchable: BTreeSet<u64>,
    /// The instances of the group that are not terminating.
    pub instances: Vec<RolloutInstance>,
    /// The refreshes of the group: the newest first.
    pub refreshes: Vec<ObservedRefresh>,
    /// The verdicts about instances and launches, from the listed scaling activities.
    pub verdicts: Vec<Verdict>,
    /// The alarms that were asked for, in that order.
    pub alarms: Vec<RolloutAlarm>,
    /// Whether the process `InstanceRefresh` of the group is suspended.
    pub refresh_is_suspended: bool,
    /// How long the last launches took until the instance was in service, the newest first: at most 100.
    pub launches: Vec<Duration>,
    /// `MaxSize` of the group.
    pub max_size: u32,
    /// The desired capacity of the group.
    pub desired_capacity: u32,
}

impl ObservedRollout {
    /// The situation of this observation, with a record and the settings of the spec, at a time.
    #[must_use]
    pub fn situation<'a>(
        &'a self,
        record: &'a RolloutRecord,
        settings: &'a RolloutSettings,
        desired: &'a Version,
        (trigger, now): (Trigger, Timestamp),
    ) -> Situation<'a> {
        Situation {
            now,
            trigger,
            settings,
            desired,
            saved: &self.saved,
            launchable: &self.launchable,
            instances: &self.instances,
            refresh: relevant_refresh(&self.refreshes, record),
            verdicts: &self.verdicts,
            alarms: &self.alarms,
            record,
            is_suspended: self.refresh_is_suspended,
            irreversible: false,
        }
    }

    /// The oldest version with the digest: a later version with the same data is not used.
    #[must_use]
    pub fn version(&self, digest: &str) -> Option<Version> {
        let found = self.versions.iter().find(|it| it.version.digest == digest)?;
        Some(Version::of(found.number, &found.version))
    }

    /// Whether a rollback can succeed: the group has saved a version that can be launched, and that did not fail.
    #[must_use]
    pub fn has_way_back(&self, record: &RolloutRecord) -> bool {
        self.saved.can_be_returned_to(&self.launchable, record)
    }

    /// Whether a version, as this release of Envkeeper writes it, is only a newer revision of the one that the group launches.
    #[must_use]
    pub fn has_newer_revision(&self, current: &TemplateVersion) -> bool {
        let launched = self.saved.version().and_then(|saved| self.content(saved.number));
        launched.is_some_and(|launched| TemplateChange::of(current, launched) == TemplateChange::Revision)
    }

    /// How many instances a rollout of a version replaces.
    #[must_use]
    pub fn replaced_by(&self, version: &TemplateVersion) -> usize {
        let rolling = version.rolling();
        let is_replaced = |it: &&RolloutInstance| {
            let is_same = it.version.as_ref().is_some_and(|it| it.rolling.is_some() && it.rolling == rolling);
            !it.is_ignored && !is_same
        };
        self.instances.iter().filter(is_replaced).count()
    }

    /// The ids of the instances that a rollout leaves alone.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().filter(|it| it.is_ignored).map(|it| it.id.as_str())
    }

    /// The content of the version with the number.
    fn content(&self, number: u64) -> Option<&TemplateVersion> {
        self.versions.iter().find(|it| it.number == number).map(|it| &it.version)
    }
}
