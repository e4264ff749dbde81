//! The inputs of a decision.

use std::collections::BTreeSet;
use std::time::Duration;

use super::record::{FailedVersion, RolloutRecord};
use super::refresh::{ObservedRefresh, RefreshCall};
use super::verdict::{Verdict, counting_verdict};
use super::version::Version;
use crate::desired::RolloutAlarm;
use crate::engine::cloud::Timestamp;
use crate::input::rollout_settings::RolloutSettings;

/// Everything that a decision depends on. Except for the record, all of it is observed afresh.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The time.
    pub now: Timestamp,
    /// What the pass works on.
    pub trigger: Trigger,
    /// The settings of the spec.
    pub settings: &'a RolloutSettings,
    /// The desired version, which exists. Where the desired content is only a newer
    /// [revision](crate::TemplateChange::Revision), it is the version that the group launches, except for an operator's `roll`.
    pub desired: &'a Version,
    /// The version that the group has saved. A rollback returns to it.
    pub saved: &'a SavedVersion,
    /// The numbers of the versions that exist, and whose image, key and profile exist.
    pub launchable: &'a BTreeSet<u64>,
    /// The instances of the group that are not terminating.
    pub instances: &'a [RolloutInstance],
    /// The [relevant](relevant_refresh) refresh.
    pub refresh: Option<&'a ObservedRefresh>,
    /// The verdicts about instances and launches of the group.
    pub verdicts: &'a [Verdict],
    /// The alarms of `RolloutAlarms`.
    pub alarms: &'a [RolloutAlarm],
    /// The record.
    pub record: &'a RolloutRecord,
    /// Whether the process `InstanceRefresh` of the group is suspended: no refresh replaces an instance.
    pub is_suspended: bool,
    /// Whether AWS answered `IrreversibleInstanceRefresh` to the last decision of this pass.
    pub irreversible: bool,
}

/// What a pass works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An Update by the stack author.
    Update(UpdateRequest),
    /// An Update by which CloudFormation rolls a stack back.
    RollbackUpdate,
    /// No request: a due pass.
    Due,
    /// A Delete.
    Delete,
    /// An operator's `roll`: replace every instance, by the newest revision, and try a failed version again. When the start is accepted, the request is
    /// done, and the following passes are [due](Trigger::Due). So are those that follow the acceptance of the next two.
    Roll,
    /// An operator's `rollback`.
    Rollback,
    /// An operator's `cancel`.
    Cancel,
}

/// The parts of an Update that a rollout needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateRequest {
    /// When CloudFormation sent the request.
    pub sent: Timestamp,
    /// When the rollout has to be decided: early enough to send a rollback and the response.
    pub deadline: Timestamp,
    /// Whether the request changes a rolling input, compared with the last spec that was responded to.
    pub changes_rolling_input: bool,
}

/// The launch template version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedVersion {
    /// A number of the environment's template.
    Numbered(Version),
    /// `$Latest`, `$Default`, or a version of another template. A refresh cannot return to it.
    Other(String),
}

impl SavedVersion {
    /// The version, if it is numbered.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            SavedVersion::Numbered(version) => Some(version),
            SavedVersion::Other(_) => None,
        }
    }

    /// Whether a rollback to the version can succeed.
    pub(super) fn can_be_returned_to(&self, launchable: &BTreeSet<u64>, record: &RolloutRecord) -> bool {
        self.version().is_some_and(|it| launchable.contains(&it.number) && !record.is_bad(it))
    }
}

/// An instance of the group that is not terminating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutInstance {
    /// The id.
    pub id: String,
    /// The availability zone, as Auto Scaling reports it.
    pub zone: String,
    /// Auto Scaling's lifecycle state, such as `InService` or `Pending:Wait`.
    pub lifecycle_state: String,
    /// Auto Scaling's health status: `Healthy` or `Unhealthy`.
    pub health: String,
    /// The version, from the tag `aws:ec2launchtemplate:version`. `None`: the tag is not visible, or names another template.
    pub version: Option<Version>,
    /// Since when the instance is in service; `None`: it is launching.
    pub in_service_since: Option<Timestamp>,
    /// Whether a refresh ignores it: it is protected from scale-in, or in Standby.
    pub is_ignored: bool,
}

/// The refresh that a decision is about: the active one, else the recorded one.
#[must_use]
pub fn relevant_refresh<'a>(refreshes: &'a [ObservedRefresh], record: &RolloutRecord) -> Option<&'a ObservedRefresh> {
    let active = refreshes.iter().find(|it| it.status.is_active());
    active.or_else(|| refreshes.iter().find(|it| record.has(it)))
}

impl Situation<'_> {
    /// Whether the environment owns a refresh: its id is in the record, or it is active and equals a call that this record
    /// would make, whose response was lost. After a lost record, that is a call towards any version of the template that
    /// Envkeeper created.
    #[must_use]
    pub fn owns(&self, refresh: &ObservedRefresh) -> bool {
        let is_possible =
            |version: &Version| RefreshCall::towards(version, self.settings).any(|call| call.started(refresh));
        let record_is_lost = self.record.running.is_none();
        let of_lost_record = refresh.target.as_ref().filter(|it| record_is_lost && it.rolling.is_some());
        self.record.has(refresh)
            || refresh.status.is_active()
                && self.own_versions().into_iter().flatten().chain(of_lost_record).any(is_possible)
    }

    /// The versions towards which this record makes calls.
    fn own_versions(&self) -> [Option<&Version>; 5] {
        let RolloutRecord { running, previous, begun_for, .. } = self.record;
        [Some(self.desired), running.as_ref(), self.saved.version(), previous.as_ref(), begun_for.as_ref()]
    }

    /// The failure of the desired version.
    pub(super) fn failure(&self) -> Option<&FailedVersion> {
        self.record.failure_of(self.desired)
    }

    /// The version to return to when the desired version failed: the running one, else the one that the group has saved, else the
    /// one that ran before.
    pub(super) fn fallback(&self) -> Option<&Version> {
        self.fallback_from(self.desired)
    }

    /// The same, when this version failed.
    pub(super) fn fallback_from(&self, failed: &Version) -> Option<&Version> {
        let [_, running, saved, previous, _] = self.own_versions();
        let is_good = |it: &&Version| {
            self.launchable.contains(&it.number) && !self.record.is_bad(it) && it.number != failed.number
        };
        [running, saved, previous].into_iter().flatten().find(is_good)
    }

    /// The version that the instances should run now. `None`: the desired version failed, and no other can be launched.
    pub(super) fn goal(&self) -> Option<&Version> {
        if self.failure().is_none() { Some(self.desired) } else { self.fallback() }
    }

    /// Whether a rollback by Auto Scaling can succeed: the group has saved a numbered version that can be launched.
    pub(super) fn has_way_back(&self) -> bool {
        self.saved.can_be_returned_to(self.launchable, self.record) && !self.irreversible
    }

    pub(super) fn saved_matches(&self, version: &Version) -> bool {
        self.saved.version().is_some_and(|it| it.matches(version))
    }

    pub(super) fn saved_is(&self, version: &Version) -> bool {
        self.saved.version().is_some_and(|it| it.number == version.number)
    }

    /// Whether an instance that a rollout replaces is of another version. An instance that is older than rollouts is not; one of
    /// a revision that failed by its number alone is, also of a version with the same rolling inputs.
    pub(super) fn has_others_than(&self, version: &Version) -> bool {
        let is_other = |it: &Version| {
            let is_bad_revision = it.number != version.number && self.record.is_bad(it);
            it.rolling.is_some() && (is_bad_revision || !it.matches(version))
        };
        self.instances.iter().any(|it| !it.is_ignored && it.version.as_ref().is_some_and(is_other))
    }

    /// The instances of a version that are in service, by the time since when they are.
    pub(super) fn in_service<'b>(&'b self, version: &'b Version) -> impl Iterator<Item = Timestamp> + 'b {
        let is_it = move |it: &&RolloutInstance| it.version.as_ref().is_some_and(|it| it.matches(version));
        self.instances.iter().filter(is_it).filter_map(|it| it.in_service_since)
    }

    /// The first verdict that counts against a version since a time.
    pub(super) fn verdict_on(&self, version: &Version, since: Option<Timestamp>) -> Option<&Verdict> {
        let last_success = self.in_service(version).max();
        counting_verdict(self.verdicts, version.number, since?, last_success, self.now)
    }

    /// Whether the canary has passed: as many instances of the desired version as `CanaryPercentage` asks for, and at least
    /// one, are in service for `BakeSeconds`. They are counted by their versions: a checkpoint can be skipped, and its
    /// event can be lost. An empty group has passed.
    #[must_use]
    pub fn canary_has_passed(&self) -> bool {
        let total = self.instances.iter().filter(|it| !it.is_ignored).count();
        let needed = (total * self.settings.canary_percentage as usize).div_ceil(100);
        let bake = Duration::from_secs(self.settings.bake_seconds.into());
        self.in_service(self.desired).filter(|since| self.now - *since >= bake).count() >= needed
    }
}
