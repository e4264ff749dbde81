//! Instance refreshes: observed ones, and the call that starts one.

use std::fmt;

use super::version::Version;
use crate::engine::cloud::Timestamp;
use crate::input::rollout_settings::RolloutSettings;
use crate::model::rollout_call::Preferences;

/// An instance refresh, as `DescribeInstanceRefreshes` returns it. Auto Scaling lists the refreshes of six weeks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRefresh {
    /// The id (`InstanceRefreshId`).
    pub id: String,
    /// The status.
    pub status: RefreshStatus,
    /// Auto Scaling's explanation of the status.
    pub status_reason: Option<String>,
    /// The version in the desired configuration, if that is a number of the environment's launch template. A refresh keeps
    /// its desired configuration when it rolls back (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`).
    pub target: Option<Version>,
    /// The preferences.
    pub preferences: Preferences,
    /// When the refresh began; `None` while it is pending (the same recording).
    pub started: Option<Timestamp>,
    /// `PercentageComplete`, for display: it runs backwards in a rollback, so nothing is decided by it.
    pub percentage_complete: Option<u32>,
    /// `InstancesToUpdate`, for display.
    pub instances_to_update: Option<u32>,
    /// The details of a rollback that has begun.
    pub rollback: Option<RollbackDetails>,
}

impl ObservedRefresh {
    /// Whether the group returns by the refresh to a version that ran before. An operator's `roll` of the running version, which
    /// replaces all, is no return.
    pub(super) fn is_return(&self) -> bool {
        self.status == RefreshStatus::RollbackInProgress || is_return(&self.preferences)
    }
}

fn is_return(preferences: &Preferences) -> bool {
    preferences.are_of_a_way_back() && preferences.skip_matching == Some(true)
}

/// The details of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackDetails {
    /// `RollbackReason`.
    pub reason: Option<String>,
    /// When the rollback began. The response to the call precedes the details by seconds (the same recording).
    pub started: Option<Timestamp>,
}

/// The status of a refresh (Auto Scaling API reference, `InstanceRefresh`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshStatus {
    /// Requested, and not begun: no instance was replaced. It cannot be rolled back: `RollbackInstanceRefresh` finds "in
    /// progress or baking" refreshes only (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`).
    Pending,
    /// Instances are replaced.
    InProgress,
    /// All instances are replaced, and the group has the desired configuration.
    Successful,
    /// Auto Scaling ended it, without a rollback.
    Failed,
    /// A cancel was accepted, 5 s before it takes effect (the same recording).
    Cancelling,
    /// Cancelled: the instances are a mix.
    Cancelled,
    /// The replaced instances are replaced again, by the version that the group has saved.
    RollbackInProgress,
    /// The rollback failed: the instances are a mix.
    RollbackFailed,
    /// The rollback is complete.
    RollbackSuccessful,
    /// All instances are replaced, and the bake time is running. The group still has its saved version (the same recording).
    Baking,
    /// A status that this release does not know. It counts as active.
    Unknown(String),
}

impl RefreshStatus {
    /// The statuses that are known, by AWS's name.
    const KNOWN: [(&'static str, RefreshStatus); 10] = [
        ("Pending", RefreshStatus::Pending),
        ("InProgress", RefreshStatus::InProgress),
        ("Successful", RefreshStatus::Successful),
        ("Failed", RefreshStatus::Failed),
        ("Cancelling", RefreshStatus::Cancelling),
        ("Cancelled", RefreshStatus::Cancelled),
        ("RollbackInProgress", RefreshStatus::RollbackInProgress),
        ("RollbackFailed", RefreshStatus::RollbackFailed),
        ("RollbackSuccessful", RefreshStatus::RollbackSuccessful),
        ("Baking", RefreshStatus::Baking),
    ];

    /// Reads AWS's name.
    #[must_use]
    pub fn of(name: &str) -> RefreshStatus {
        let known = RefreshStatus::KNOWN.into_iter().find(|(it, _)| *it == name);
        known.map_or_else(|| RefreshStatus::Unknown(name.to_owned()), |(_, status)| status)
    }

    /// Whether the refresh blocks another one. A group has one active refresh at most.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self {
            RefreshStatus::Pending
            | RefreshStatus::InProgress
            | RefreshStatus::Cancelling
            | RefreshStatus::RollbackInProgress
            | RefreshStatus::Baking
            | RefreshStatus::Unknown(_) => true,
            RefreshStatus::Successful
            | RefreshStatus::Failed
            | RefreshStatus::Cancelled
            | RefreshStatus::RollbackFailed
            | RefreshStatus::RollbackSuccessful => false,
        }
    }
}

impl fmt::Display for RefreshStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = RefreshStatus::KNOWN.into_iter().find(|(_, status)| status == self).map(|(name, _)| name);
        match self {
            RefreshStatus::Unknown(name) => f.write_str(name),
            _ => f.write_str(known.unwrap_or_default()),
        }
    }
}

/// The value of `ScaleInProtectedInstances` and `StandbyInstances`: such instances are left alone. By default a refresh waits
/// an hour for them and fails.
const IGNORE: &str = "Ignore";

/// The bake time in seconds of a rollout that cannot go back, at least; the default of `BakeSeconds`.
const MIN_BAKE_WITHOUT_WAY_BACK: u32 = 60;

/// The call `StartInstanceRefresh`, for the environment's group and launch template, with the strategy `Rolling`. Everything
/// that is sent stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshCall {
    /// The version in the desired configuration. It is a number: a refresh towards `$Latest` cannot be rolled back.
    pub version: Version,
    /// The preferences.
    pub preferences: Preferences,
}

impl RefreshCall {
    /// The call that rolls a version out to this many instances.
    ///
    /// Without a way back (the saved version can no longer be launched), `AutoRollback` is off, since Auto Scaling's rollback
    /// "will eventually fail" (Auto Scaling user guide, "Undo changes with a rollback"), and the bake time is not zero.
    #[must_use]
    pub fn forward(version: &Version, settings: &RolloutSettings, instances: usize, has_way_back: bool) -> RefreshCall {
        // A checkpoint of a single instance is the end of the refresh.
        let has_canary = instances > 1;
        let bake = settings.bake_seconds;
        let bake = if has_way_back { bake } else { bake.max(MIN_BAKE_WITHOUT_WAY_BACK) };
        let preferences = Preferences {
            checkpoint_percentages: if has_canary { vec![settings.canary_percentage, 100] } else { vec![] },
            checkpoint_delay: has_canary.then_some(bake),
            bake_time: Some(bake),
            auto_rollback: Some(has_way_back),
            alarms: settings.alarms.clone(),
            ..RefreshCall::common(settings)
        };
        RefreshCall { version: version.clone(), preferences }
    }

    /// The call that returns to a version that ran before, or completes the version that the group launches: without canary
    /// and bake. The saved version is the same, so there is nothing to roll back to. The alarms may well be in ALARM by the
    /// version that is left; an alarm that is not OK would stop the replacements.
    #[must_use]
    pub fn back(version: &Version, settings: &RolloutSettings) -> RefreshCall {
        let preferences =
            Preferences { bake_time: Some(0), auto_rollback: Some(false), ..RefreshCall::common(settings) };
        RefreshCall { version: version.clone(), preferences }
    }

    /// The call that replaces every instance by the version that the group launches: an operator's `roll`.
    #[must_use]
    pub fn again(version: &Version, settings: &RolloutSettings) -> RefreshCall {
        let call = RefreshCall::back(version, settings);
        RefreshCall { preferences: Preferences { skip_matching: Some(false), ..call.preferences }, ..call }
    }

    /// As [`ObservedRefresh::is_return`].
    pub(super) fn is_return(&self) -> bool {
        is_return(&self.preferences)
    }

    fn common(settings: &RolloutSettings) -> Preferences {
        Preferences {
            min_healthy_percentage: Some(settings.min_healthy_percentage),
            max_healthy_percentage: Some(settings.max_healthy_percentage),
            instance_warmup: Some(settings.instance_warmup_seconds),
            skip_matching: Some(true),
            scale_in_protected_instances: Some(IGNORE.to_owned()),
            standby_instances: Some(IGNORE.to_owned()),
            ..Preferences::default()
        }
    }

    /// Whether this call may have started the refresh: the desired configuration and the preferences are equal.
    #[must_use]
    pub fn started(&self, refresh: &ObservedRefresh) -> bool {
        let target = refresh.target.as_ref().map(|it| it.number);
        target == Some(self.version.number) && refresh.preferences == self.preferences
    }

    /// Every call towards a version that a record of these settings would make, whatever the number of instances and the way
    /// back were.
    pub(super) fn towards<'a>(
        version: &'a Version,
        settings: &'a RolloutSettings,
    ) -> impl Iterator<Item = RefreshCall> + 'a {
        let forward = [(1, true), (1, false), (2, true), (2, false)];
        let forward = forward
            .into_iter()
            .map(|(instances, has_way_back)| RefreshCall::forward(version, settings, instances, has_way_back));
        forward.chain([RefreshCall::back(version, settings), RefreshCall::again(version, settings)])
    }
}

impl fmt::Display for RefreshCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "autoscaling:StartInstanceRefresh (version {}; {})", self.version.number, self.preferences)
    }
}
