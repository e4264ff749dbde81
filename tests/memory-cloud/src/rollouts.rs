//! Rollouts in the in-memory cloud: the calls, and the observation of the simulator's state as AWS reports it.

use std::collections::BTreeSet;
use std::time::Duration;

use auto_scaling::{
    Activity, ActivityStatus, AlarmState, AutoScaling, Group, Instance, InstanceRefresh, LaunchTemplate,
    LifecycleState, Process, ProtectedInstances, RefreshPreferences, Settings, StandbyInstances, StartRefresh,
};
use environment::rollout::{
    LaunchFailure, NumberedVersion, ObservedRefresh, ObservedRollout, RefreshStatus, RollbackDetails, RolloutAlarm,
    RolloutAlarmState, RolloutInstance, SavedVersion, Verdict, VerdictKind, Version,
};
use environment::{CallError, Fields, INSTANCE_REFRESH, Key, Preferences, Ref, RolloutCall, Scope, Timestamp, mark};

use crate::groups::{self, launch_template, now, response};
use crate::rules::retry;
use crate::state::{MemoryAccount, StoredResource};

/// The number of the version that a template is created with.
const DEFAULT_VERSION: u64 = 1;

/// The most launches of an observation.
const MAX_LAUNCHES: usize = 100;

/// Executes a call of a rollout. Returns the id of a started refresh.
pub(crate) fn call(account: &MemoryAccount, key: &Key, call: &RolloutCall) -> Result<Option<String>, CallError> {
    account.tick();
    let name = &key.name;
    if let RolloutCall::DeleteVersions(versions) = call {
        return delete_versions(account, key, versions).map(|()| None);
    }
    if account.auto_scaling.borrow().group(name).is_err() {
        return Err(retry(format!("{name} is not found")));
    }
    let done = match call {
        RolloutCall::SetVersion { template, version } => set_version(account, name, template, *version).map(|()| None),
        RolloutCall::Start { template, version, preferences } => {
            start(account, name, template, *version, preferences).map(Some)
        }
        RolloutCall::RollBack => {
            let rolled_back = account.auto_scaling.borrow_mut().rollback_instance_refresh(name, now(account));
            response(name, rolled_back).map(|_| None)
        }
        RolloutCall::Cancel => {
            let cancelled = account.auto_scaling.borrow_mut().cancel_instance_refresh(name, false, now(account));
            response(name, cancelled).map(|_| None)
        }
        RolloutCall::Suspend => {
            let processes = [INSTANCE_REFRESH.to_owned()];
            let suspended = account.auto_scaling.borrow_mut().suspend_processes(name, &processes, now(account));
            response(name, suspended).map(|()| None)
        }
        RolloutCall::Resume => {
            let resumed = account.auto_scaling.borrow_mut().resume_processes(name, &[INSTANCE_REFRESH.to_owned()]);
            response(name, resumed).map(|()| None)
        }
        RolloutCall::DeleteVersions(_) => Ok(None),
    };
    groups::step(account);
    done
}

fn set_version(account: &MemoryAccount, name: &str, template: &Ref, version: u64) -> Result<(), CallError> {
    let launch_template = numbered(account, name, template, version)?;
    let mut simulator = account.auto_scaling.borrow_mut();
    let settings = response(name, simulator.group(name).map(|it| it.settings.clone()))?;
    response(name, simulator.update_group(name, Settings { launch_template, ..settings }, None, now(account)))
}

fn start(
    account: &MemoryAccount,
    name: &str,
    template: &Ref,
    version: u64,
    preferences: &Preferences,
) -> Result<String, CallError> {
    let desired_configuration = Some(numbered(account, name, template, version)?);
    let start = StartRefresh { desired_configuration, preferences: sent(preferences) };
    let started = account.auto_scaling.borrow_mut().start_instance_refresh(name, start, now(account));
    let id = response(name, started)?;
    account.refreshes_accepted.borrow_mut().insert(id.clone(), account.clock.now());
    Ok(id)
}

/// The version with this number, which has to exist: `ValidationError` (the API reference of both operations).
fn numbered(account: &MemoryAccount, name: &str, template: &Ref, version: u64) -> Result<LaunchTemplate, CallError> {
    let found = launch_template(template, version);
    match account.template_version(&found.id, &found.version) {
        Some(_) => Ok(found),
        None => Err(CallError::Rejected { message: format!("{name}: {template} has no version {version}") }),
    }
}

/// Deletes versions. The first version is the default one, which EC2 does not delete; more than 200 in a call are rejected (the
/// API reference).
fn delete_versions(account: &MemoryAccount, template: &Key, versions: &BTreeSet<u64>) -> Result<(), CallError> {
    let rejected = |reason: &str| Err(CallError::Rejected { message: format!("{template}: {reason}") });
    if versions.len() > 200 {
        return rejected("more than 200 versions in a call");
    }
    if versions.contains(&DEFAULT_VERSION) {
        return rejected("the default version is not deleted");
    }
    let numbered = versions.iter().map(|number| (template.clone(), *number));
    account.deleted_versions.borrow_mut().extend(numbered);
    Ok(())
}

fn seconds(count: Option<u32>) -> Option<Duration> {
    count.map(|it| Duration::from_secs(it.into()))
}

fn sent(it: &Preferences) -> RefreshPreferences {
    let protected = it.scale_in_protected_instances.as_deref().and_then(ProtectedInstances::parse);
    RefreshPreferences {
        min_healthy_percentage: it.min_healthy_percentage,
        max_healthy_percentage: it.max_healthy_percentage,
        instance_warmup: seconds(it.instance_warmup),
        checkpoint_percentages: it.checkpoint_percentages.clone(),
        checkpoint_delay: seconds(it.checkpoint_delay),
        bake_time: seconds(it.bake_time),
        skip_matching: it.skip_matching.unwrap_or_default(),
        auto_rollback: it.auto_rollback.unwrap_or_default(),
        protected_instances: protected.unwrap_or_default(),
        standby_instances: it.standby_instances.as_deref().and_then(StandbyInstances::parse).unwrap_or_default(),
        alarms: it.alarms.clone(),
    }
}

fn observed(it: &RefreshPreferences) -> Preferences {
    let seconds = |span: Option<Duration>| span.and_then(|it| u32::try_from(it.as_secs()).ok());
    Preferences {
        min_healthy_percentage: it.min_healthy_percentage,
        max_healthy_percentage: it.max_healthy_percentage,
        instance_warmup: seconds(it.instance_warmup),
        checkpoint_percentages: it.checkpoint_percentages.clone(),
        checkpoint_delay: seconds(it.checkpoint_delay),
        bake_time: seconds(it.bake_time),
        skip_matching: Some(it.skip_matching),
        auto_rollback: Some(it.auto_rollback),
        scale_in_protected_instances: Some(it.protected_instances.as_str().to_owned()),
        standby_instances: Some(it.standby_instances.as_str().to_owned()),
        alarms: it.alarms.clone(),
    }
}

/// Observes the rollout of the scope's group; `None` if there is no group, or another owner's.
pub(crate) fn observe(account: &MemoryAccount, scope: &Scope, alarms: &[String]) -> Option<ObservedRollout> {
    account.tick();
    // The group, its refreshes and activities, the versions and images; and the alarms, if there are any.
    account.reads.set(account.reads.get() + 5 + usize::from(!alarms.is_empty()));
    account.rollout_observations.set(account.rollout_observations.get() + 1);
    let key = scope.names.group();
    let stored_resources = account.stored_resources.borrow();
    let stored = stored_resources.iter().find(|it| it.is(&key))?;
    if stored.resource()?.tags.get(mark::OWNER) != Some(&scope.owner) {
        return None;
    }
    let simulator = account.auto_scaling.borrow();
    let group = simulator.group(&key.name).ok()?;
    let template = Template::of(account, &stored_resources, scope.names.launch_template());
    let gone = account.gone_images.borrow();
    let launchable = template.versions.iter().filter(|it| !gone.contains(&it.version.image)).map(|it| it.number);
    let activities = simulator.activities(&key.name, false).ok()?;
    Some(ObservedRollout {
        group: stored.id.clone(),
        default_version: Some(DEFAULT_VERSION),
        saved: template.saved(&group.settings.launch_template),
        launchable: launchable.collect::<BTreeSet<u64>>(),
        instances: group.instances.iter().filter_map(|it| instance(it, &template)).collect(),
        refreshes: refreshes(account, &simulator, group, &template),
        verdicts: activities.iter().filter_map(|it| verdict(account, it, group, &template)).collect(),
        alarms: alarms.iter().map(|name| alarm(&simulator, name)).collect(),
        refresh_is_suspended: group.suspended_processes.contains_key(&Process::InstanceRefresh),
        launches: activities.iter().filter_map(|it| launch_time(it)).take(MAX_LAUNCHES).collect(),
        max_size: group.settings.max_size,
        desired_capacity: group.desired_capacity,
        versions: template.versions,
    })
}

/// The environment's launch template.
struct Template {
    /// Its id in the simulator.
    id: String,
    versions: Vec<NumberedVersion>,
}

impl Template {
    fn of(account: &MemoryAccount, stored_resources: &[StoredResource], key: Key) -> Template {
        let resource = stored_resources.iter().find(|it| it.is(&key)).and_then(StoredResource::resource);
        let versions = match resource.map(|it| &it.fields) {
            Some(Fields::LaunchTemplate(template)) => template.versions.clone(),
            _ => vec![],
        };
        let numbered = (1..).zip(versions).filter(|(number, _)| account.has_version(&key, *number));
        let versions = numbered.map(|(number, version)| NumberedVersion { number, version }).collect();
        Template { id: Ref::Owned(key).to_string(), versions }
    }

    /// The version, if it is a number of this template.
    fn version(&self, launched: &LaunchTemplate) -> Option<Version> {
        let number = launched.version.parse::<u64>().ok().filter(|_| launched.id == self.id)?;
        let found = self.versions.iter().find(|it| it.number == number);
        Some(found.map_or(Version { number, rolling: None }, |it| Version::of(number, &it.version)))
    }

    fn saved(&self, launched: &LaunchTemplate) -> SavedVersion {
        let other = || SavedVersion::Other(format!("{} version {}", launched.name, launched.version));
        self.version(launched).map_or_else(other, SavedVersion::Numbered)
    }
}

/// An instance of the group; `None` if it is terminating, has left, or is in the warm pool.
fn instance(it: &Instance, template: &Template) -> Option<RolloutInstance> {
    let leaves = it.state.is_terminating() || it.state == LifecycleState::Detaching;
    (!leaves && !it.is_warmed()).then(|| RolloutInstance {
        id: it.id.clone(),
        zone: it.subnet.zone.clone(),
        lifecycle_state: it.state_name(),
        health: it.health_status().to_owned(),
        version: template.version(&it.launch_template),
        in_service_since: it.in_service.filter(|_| it.state == LifecycleState::InService).map(at),
        is_ignored: it.protected || it.state.is_standby(),
    })
}

fn at(time: auto_scaling::Timestamp) -> Timestamp {
    Timestamp(time.0)
}

/// The refreshes of the group, the newest first, without those that no list shows yet.
fn refreshes(
    account: &MemoryAccount,
    simulator: &AutoScaling,
    group: &Group,
    template: &Template,
) -> Vec<ObservedRefresh> {
    let accepted = account.refreshes_accepted.borrow();
    let is_listed = |it: &InstanceRefresh| {
        accepted.get(&it.id).is_none_or(|accepted| *accepted + account.read_lag <= account.clock.now())
    };
    let all = simulator.instance_refreshes(&group.name, now(account)).unwrap_or_default();
    all.iter().filter(|it| is_listed(it)).map(|it| refresh(it, template)).collect()
}

fn refresh(it: &InstanceRefresh, template: &Template) -> ObservedRefresh {
    ObservedRefresh {
        id: it.id.clone(),
        status: RefreshStatus::of(it.status.as_str()),
        status_reason: it.status_reason.clone(),
        target: it.desired_configuration.as_ref().and_then(|it| template.version(it)),
        preferences: observed(&it.preferences),
        started: it.start.map(at),
        percentage_complete: it.progress.map(|it| it.percentage),
        instances_to_update: it.progress.map(|it| it.instances_to_update),
        rollback: it
            .rollback
            .as_ref()
            .map(|it| RollbackDetails { reason: Some(it.reason.clone()), started: Some(at(it.start)) }),
    }
}

pub(crate) fn alarm(simulator: &AutoScaling, name: &str) -> RolloutAlarm {
    let state = match simulator.alarm_state(name) {
        Some(AlarmState::Ok) => RolloutAlarmState::Ok,
        Some(AlarmState::Alarm) => RolloutAlarmState::Alarm,
        Some(AlarmState::InsufficientData) => RolloutAlarmState::InsufficientData,
        None => RolloutAlarmState::Missing,
    };
    RolloutAlarm { name: name.to_owned(), state }
}

fn is_launch(it: &Activity) -> bool {
    it.description.starts_with("Launching ")
}

fn launch_time(it: &Activity) -> Option<Duration> {
    let end = it.end.filter(|_| is_launch(it) && it.status == ActivityStatus::Successful)?;
    Some(end.since(it.start))
}

/// The verdict of a launch that ended Failed or Cancelled. A launch that the group cancelled, such as by a scale-in, has no
/// message.
fn verdict(account: &MemoryAccount, it: &Activity, group: &Group, template: &Template) -> Option<Verdict> {
    let is_verdict = is_launch(it) && matches!(it.status, ActivityStatus::Failed | ActivityStatus::Cancelled);
    let (end, message) = (it.end.filter(|_| is_verdict)?, it.status_message.as_ref()?);
    let instance = it.description.split([' ', ':', '.']).find(|word| word.starts_with("i-"));
    let launched = instance.and_then(|id| account.launched.borrow().get(id).cloned());
    // A failed launch without an instance has the version that the active refresh launches, else the group's.
    let launched = launched.unwrap_or_else(|| launches(group).clone());
    let kind = match instance {
        Some(id) => VerdictKind::Unhealthy(id.to_owned()),
        None => VerdictKind::LaunchFailed(failure(message)),
    };
    Some(Verdict { version: template.version(&launched)?.number, at: at(end), evidence: message.clone(), kind })
}

/// The version that a group launches now.
fn launches(group: &Group) -> &LaunchTemplate {
    let forward = group.active_refresh().filter(|it| it.rollback.is_none());
    forward.and_then(|it| it.desired_configuration.as_ref()).unwrap_or(&group.settings.launch_template)
}

/// The class of a failed launch, by words of EC2's errors that tests use.
fn failure(message: &str) -> LaunchFailure {
    let classes = [
        ("InsufficientInstanceCapacity", LaunchFailure::Capacity),
        ("RequestLimitExceeded", LaunchFailure::Throttling),
        ("vCPU", LaunchFailure::Quota),
        ("image id", LaunchFailure::Image),
        ("not authorized", LaunchFailure::Permission),
        ("KMS key", LaunchFailure::Key),
    ];
    classes.into_iter().find(|(words, _)| message.contains(words)).map_or(LaunchFailure::Other, |(_, class)| class)
}
