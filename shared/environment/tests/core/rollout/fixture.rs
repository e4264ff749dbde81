//! A situation that tests change.

use std::collections::BTreeSet;
use std::time::Duration;

use environment::Timestamp;
use environment::rollout::{
    Action, FailedVersion, FailureCause, ObservedRefresh, RecordedRefresh, RefreshCall, RefreshStatus, RolloutAlarm,
    RolloutInstance, RolloutRecord, RolloutSettings, SavedVersion, Situation, Trigger, UpdateRequest, Verdict,
    VerdictKind, Version, decide,
};

pub const NOW: Timestamp = Timestamp(100_000_000);

/// The id of the environment's refresh.
pub const OWN: &str = "own";

pub fn minutes_ago(count: u64) -> Timestamp {
    Timestamp(NOW.0 - count * 60_000)
}

/// The version with this number, whose rolling inputs are its own.
pub fn version(number: u64) -> Version {
    Version { number, rolling: Some(format!("digest-{number}")) }
}

/// An Update that was sent ten minutes ago and changes a rolling input.
pub fn update() -> Trigger {
    Trigger::Update(UpdateRequest {
        sent: minutes_ago(10),
        deadline: NOW + Duration::from_mins(45),
        changes_rolling_input: true,
    })
}

/// A trigger, by its name.
type Named = (&'static str, fn() -> Trigger);

pub const TRIGGERS: [Named; 7] = [
    ("Update", update),
    ("RollbackUpdate", || Trigger::RollbackUpdate),
    ("Due", || Trigger::Due),
    ("Delete", || Trigger::Delete),
    ("Roll", || Trigger::Roll),
    ("Rollback", || Trigger::Rollback),
    ("Cancel", || Trigger::Cancel),
];

pub const STATUSES: [&str; 11] = [
    "Pending",
    "InProgress",
    "Baking",
    "Cancelling",
    "RollbackInProgress",
    "Paused",
    "Successful",
    "Failed",
    "Cancelled",
    "RollbackSuccessful",
    "RollbackFailed",
];

/// The parts of a situation, owned. The default: version 7 is desired; the group, its two instances and the record have version 6.
#[derive(Clone, Debug)]
pub struct Case {
    pub trigger: Trigger,
    pub settings: RolloutSettings,
    pub desired: Version,
    pub saved: SavedVersion,
    pub launchable: BTreeSet<u64>,
    pub instances: Vec<RolloutInstance>,
    pub refresh: Option<ObservedRefresh>,
    pub verdicts: Vec<Verdict>,
    pub alarms: Vec<RolloutAlarm>,
    pub record: RolloutRecord,
    pub is_suspended: bool,
    pub irreversible: bool,
    pub now: Timestamp,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            trigger: update(),
            settings: RolloutSettings::default(),
            desired: version(7),
            saved: SavedVersion::Numbered(version(6)),
            launchable: (1..=9).collect(),
            instances: vec![in_service("i-1", 6, 600), in_service("i-2", 6, 600)],
            refresh: None,
            verdicts: vec![],
            alarms: vec![],
            record: RolloutRecord { running: Some(version(6)), ..RolloutRecord::default() },
            is_suspended: false,
            irreversible: false,
            now: NOW,
        }
    }
}

impl Case {
    pub fn situation(&self) -> Situation<'_> {
        Situation {
            now: self.now,
            trigger: self.trigger,
            settings: &self.settings,
            desired: &self.desired,
            saved: &self.saved,
            launchable: &self.launchable,
            instances: &self.instances,
            refresh: self.refresh.as_ref(),
            verdicts: &self.verdicts,
            alarms: &self.alarms,
            record: &self.record,
            is_suspended: self.is_suspended,
            irreversible: self.irreversible,
        }
    }

    pub fn decide(&self) -> Action {
        decide(&self.situation())
    }

    /// The action behind the record of the begin.
    pub fn decide_begun(mut self) -> Action {
        match self.decide() {
            Action::Begin => {
                self.record = self.record.after(&Action::Begin, self.now);
                self.decide()
            }
            action => action,
        }
    }

    /// The case with the environment's refresh, recorded.
    pub fn with_own(mut self, refresh: ObservedRefresh) -> Case {
        self.record.begun = true;
        self.record.refresh = Some(RecordedRefresh { id: refresh.id.clone(), accepted: minutes_ago(5) });
        self.refresh = Some(refresh);
        self
    }

    pub fn with_failed(mut self, number: u64, cause: FailureCause) -> Case {
        self.record.failed.push(FailedVersion::new(&version(number), cause, "the evidence", minutes_ago(3)));
        self
    }
}

pub fn in_service(id: &str, number: u64, minutes: u64) -> RolloutInstance {
    RolloutInstance {
        id: id.into(),
        zone: "us-west-2a".into(),
        lifecycle_state: "InService".into(),
        health: "Healthy".into(),
        version: Some(version(number)),
        in_service_since: Some(minutes_ago(minutes)),
        is_ignored: false,
    }
}

/// A refresh as this call started it five minutes ago.
pub fn refresh(call: &RefreshCall, status: &str) -> ObservedRefresh {
    ObservedRefresh {
        id: OWN.into(),
        status: RefreshStatus::of(status),
        status_reason: None,
        target: Some(call.version.clone()),
        preferences: call.preferences.clone(),
        started: (status != "Pending").then(|| minutes_ago(5)),
        percentage_complete: None,
        instances_to_update: None,
        rollback: None,
    }
}

/// The environment's rollout of a version.
pub fn rollout_of(number: u64, status: &str) -> ObservedRefresh {
    refresh(&RefreshCall::forward(&version(number), &RolloutSettings::default(), 2, true), status)
}

/// The environment's return to a version.
pub fn return_to(number: u64, status: &str) -> ObservedRefresh {
    refresh(&RefreshCall::back(&version(number), &RolloutSettings::default()), status)
}

/// A refresh that another principal started, with Auto Scaling's defaults.
pub fn foreign(status: &str) -> ObservedRefresh {
    let preferences = environment::Preferences::default();
    ObservedRefresh { id: "foreign".into(), preferences, target: None, ..rollout_of(9, status) }
}

pub fn unhealthy(number: u64) -> Verdict {
    let kind = VerdictKind::Unhealthy("i-9".into());
    Verdict { version: number, at: minutes_ago(1), evidence: "user data failed at line 3".into(), kind }
}
