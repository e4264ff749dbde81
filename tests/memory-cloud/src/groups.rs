//! Auto Scaling in the in-memory cloud: the simulator that the local cloud also serves over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use auto_scaling::{
    ActionKey, ActivityStatus, Adjustment, AutoScaling, DeletionProtection, Detail, Effect, Event, Fault, Group,
    Instance, Launch, LaunchTemplate, LifecycleActionResult, LifecycleState, NewGroup, Policy, PutHook, Settings,
    StartedInstance, Subnet, Timestamp, Transition as HookTransition,
};

use environment::{
    AutoScalingGroup, AutoScalingGroupSetting, CallError, Departure, GroupInstance, Hook, Member, ObservedGroup, Ref,
    RemediationAction, ScalingPolicy, Setting, Transition,
};

use crate::quotas;
use crate::rules::retry;
use crate::state::{LaunchOutcome, MemoryAccount};

/// The account's virtual time, in the simulator's type.
pub(crate) fn now(account: &MemoryAccount) -> Timestamp {
    Timestamp(account.clock.now().0)
}

/// Executes all steps of the simulator since the last call, each at its due time. Requested launches start immediately.
/// Lifecycle actions are completed immediately, by default with CONTINUE ([`LaunchOutcome`]): these tests run an
/// environment without the function lifecycle-hook.
pub(crate) fn step(account: &MemoryAccount) {
    let mut simulator = account.auto_scaling.borrow_mut();
    let end = now(account);
    let mut at = account.stepped.get();
    while let Some(due) = simulator.next_due(at).filter(|due| *due <= end) {
        at = due;
        for effect in simulator.step(at) {
            execute(account, &mut simulator, effect, at);
        }
        let in_service = simulator.groups().map(count_in_service).min().unwrap_or(usize::MAX);
        account.fewest_in_service.set(account.fewest_in_service.get().min(in_service));
    }
    account.stepped.set(end);
}

fn execute(account: &MemoryAccount, simulator: &mut AutoScaling, effect: Effect, at: Timestamp) {
    let outcomes = account.launch_outcomes.borrow();
    let outcome = |version: &str| outcomes.get(version).cloned().unwrap_or_default();
    match effect {
        Effect::Launch(launch) => {
            let by_outcome = match outcome(&launch.launch_template.version) {
                LaunchOutcome::Fails(reason) => Some(reason),
                _ => None,
            };
            let by_quota = quotas::launch_failure(account, running(account, simulator));
            let failure = account.launch_failure.clone().or(by_outcome).or(by_quota);
            match failure.or_else(|| missing_image(account, &launch.launch_template)) {
                Some(reason) => simulator.launch_failed(launch.token, &reason, at),
                None => start(account, simulator, &launch, at),
            }
        }
        Effect::PublishEvent(Event { detail: Detail::LifecycleAction { group, instance_id, action }, .. }) => {
            let is_launch = action.hook.transition == HookTransition::Launching;
            let result = match outcome(&version_of(simulator, &group, &instance_id)) {
                LaunchOutcome::Unanswered if is_launch => return,
                LaunchOutcome::Abandoned if is_launch => LifecycleActionResult::Abandon,
                _ => LifecycleActionResult::Continue,
            };
            if account.hooks_unanswered.get() {
                return;
            }
            let key = ActionKey::token(&action.token);
            // An action that has expired in the meantime already has its result.
            let _ = simulator.complete_lifecycle_action(&group, &action.hook.name, key, result, at);
        }
        Effect::PublishEvent(event) => account.refresh_events.borrow_mut().extend(refresh_event(event)),
        Effect::Notify(_) | Effect::Terminate { .. } => {}
    }
}

/// The number of instances of all groups that have started.
pub(crate) fn running(account: &MemoryAccount, simulator: &AutoScaling) -> usize {
    let launched = account.launched.borrow();
    simulator.groups().flat_map(|it| &it.instances).filter(|it| launched.contains_key(&it.id)).count()
}

fn refresh_event(event: Event) -> Option<Event> {
    matches!(event.detail, Detail::InstanceRefresh { .. }).then_some(event)
}

fn version_of(simulator: &AutoScaling, group: &str, instance_id: &str) -> String {
    let instance = simulator.group(group).ok().and_then(|it| it.instances.iter().find(|it| it.id == instance_id));
    instance.map(|it| it.launch_template.version.clone()).unwrap_or_default()
}

/// EC2's words for a launch whose image is gone (EC2 API reference, "Error codes").
fn missing_image(account: &MemoryAccount, template: &LaunchTemplate) -> Option<String> {
    let image = account.template_version(&template.id, &template.version)?.image;
    account.gone_images.borrow().contains(&image).then(|| format!("The image id '[{image}]' does not exist"))
}

fn start(account: &MemoryAccount, simulator: &mut AutoScaling, launch: &Launch, now: Timestamp) {
    let instance_id = format!("i-{:017x}", launch.token.0);
    let version = launch.launch_template.version.clone();
    account.launched.borrow_mut().insert(instance_id.clone(), launch.launch_template.clone());
    let started = StartedInstance { instance_id, instance_type: "t3.micro".into(), version };
    simulator.launched(launch.token, started, now);
}

/// Creates a group that launches the version with this number.
pub(crate) fn create(
    account: &MemoryAccount,
    name: &str,
    group: &AutoScalingGroup,
    version: usize,
) -> Result<(), CallError> {
    let new = NewGroup {
        name: name.to_owned(),
        settings: group_settings(group, launch_template(&group.template, u64::try_from(version).unwrap_or(u64::MAX))),
        desired_capacity: Some(group.desired_capacity),
        tags: vec![],
        hooks: group.hooks.iter().map(hook).collect(),
        target_group_arns: group.target_groups.iter().cloned().collect(),
    };
    response(name, account.auto_scaling.borrow_mut().create_group(new, now(account)))
}

pub(crate) fn set(
    account: &MemoryAccount,
    name: &str,
    group: &AutoScalingGroup,
    settings: &[Setting],
) -> Result<(), CallError> {
    if let Some(Setting::AutoScalingGroup(AutoScalingGroupSetting::DetailedMonitoring { .. })) = settings.first() {
        return monitor(account, name, settings);
    }
    let mut simulator = account.auto_scaling.borrow_mut();
    let done = match settings.first() {
        Some(Setting::AutoScalingGroup(AutoScalingGroupSetting::Hook(it))) => {
            simulator.put_hook(name, hook(it), now(account))
        }
        Some(Setting::AutoScalingGroup(AutoScalingGroupSetting::Metrics(_))) => simulator.enable_metrics(name, &[]),
        Some(Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(_))) => {
            simulator.attach_target_groups(name, &target_groups(settings), now(account))
        }
        None | Some(Setting::Tag(..)) => Ok(()),
        // A rollout alone changes the template: an update of other settings states none.
        Some(_) => simulator
            .group(name)
            .map(|it| it.settings.launch_template.clone())
            .and_then(|template| simulator.update_group(name, group_settings(group, template), None, now(account))),
    };
    response(name, done)
}

/// The target groups of a call's settings.
fn target_groups(settings: &[Setting]) -> Vec<String> {
    let arn = |setting: &Setting| match setting {
        Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(arn)) => Some(arn.clone()),
        _ => None,
    };
    settings.iter().filter_map(arn).collect()
}

pub(crate) fn clear(account: &MemoryAccount, name: &str, setting: &Setting) -> Result<(), CallError> {
    let mut simulator = account.auto_scaling.borrow_mut();
    let done = match setting {
        Setting::AutoScalingGroup(AutoScalingGroupSetting::Hook(it)) => {
            simulator.delete_hook(name, &it.name, now(account))
        }
        Setting::AutoScalingGroup(AutoScalingGroupSetting::Metrics(_)) => simulator.disable_metrics(name, &[]),
        Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(arn)) => {
            simulator.detach_target_groups(name, std::slice::from_ref(arn))
        }
        _ => Ok(()),
    };
    response(name, done)
}

/// Deletes the group without force. A blocked delete releases the instances that a scale-in leaves alone, and names those
/// that no call releases, as `aws-cloud` does.
pub(crate) fn delete(account: &MemoryAccount, name: &str) -> Result<(), CallError> {
    let deleted = account.auto_scaling.borrow_mut().delete_group(name, false, now(account));
    let Some(fault) = deleted.as_ref().err().filter(|fault| fault.code == "ResourceInUse") else {
        return response(name, deleted);
    };
    let unreleased =
        release(account, name).map_err(|fault| CallError::Rejected { message: format!("{name}: {fault}") })?;
    let named =
        if unreleased.is_empty() { String::new() } else { format!("; {UNRELEASED}: {}", unreleased.join(", ")) };
    Err(retry(format!("{name}: {}{named}", fault.to_string().trim_end_matches('.'))))
}

/// The words of `aws-cloud` before the instances that no call releases.
const UNRELEASED: &str = "detach or terminate these instances";

fn release(account: &MemoryAccount, name: &str) -> Result<Vec<String>, Fault> {
    let mut simulator = account.auto_scaling.borrow_mut();
    simulator.resume_processes(name, &[])?;
    let group = simulator.group(name)?;
    let (instances, has_pool) = (group.instances.clone(), group.warm_pool.as_ref().is_some_and(|it| !it.is_deleting));
    if has_pool {
        simulator.delete_warm_pool(name, true, now(account))?;
    }
    let protected = instances.iter().filter(|it| is_held_by_protection(it)).map(|it| it.id.clone());
    simulator.set_instance_protection(name, &protected.collect::<Vec<_>>(), false)?;
    for instance in instances.iter().filter(|it| departure(it) == Departure::ByTermination) {
        simulator.terminate_instance(&instance.id, false, now(account))?;
    }
    let others = instances.iter().filter(|it| departure(it) == Departure::ByOperator);
    Ok(others.map(|it| format!("{} ({})", it.id, it.state_name())).collect())
}

fn is_held_by_protection(it: &Instance) -> bool {
    it.protected && Departure::is_held_by_protection(&it.state_name())
}

fn departure(it: &Instance) -> Departure {
    Departure::of(&it.state_name())
}

/// Whether the group's delete has to release instances or processes before the instances terminate, or to name instances.
pub(crate) fn are_held(account: &MemoryAccount, name: &str) -> bool {
    let simulator = account.auto_scaling.borrow();
    simulator.group(name).is_ok_and(|group| {
        let is_held = |it: &Instance| is_held_by_protection(it) || departure(it) != Departure::ByItself;
        let has_pool = group.warm_pool.as_ref().is_some_and(|it| !it.is_deleting);
        has_pool || !group.suspended_processes.is_empty() || group.instances.iter().any(is_held)
    })
}

/// The longest time that an instance can wait for the group's hooks: 100 heartbeats of each transition, at most 48 hours
/// (PutLifecycleHook).
pub(crate) fn longest_waits(group: &AutoScalingGroup) -> Duration {
    let longest = |on: Transition| {
        let seconds = group.hooks.iter().filter(|it| it.on == on).map(|it| u64::from(it.heartbeat) * 100).max();
        Duration::from_secs(seconds.unwrap_or_default()).min(Duration::from_hours(48))
    };
    longest(Transition::Launch) + longest(Transition::Terminate)
}

/// Creates or updates a scaling policy and returns the ARN. No alarm of this cloud invokes a policy, so a step policy is
/// stored with its first step.
pub(crate) fn put_policy(account: &MemoryAccount, name: &str, policy: &ScalingPolicy) -> Result<String, CallError> {
    let group = policy.group.to_string();
    let (by, cooldown) = match &policy.adjustment {
        environment::Adjustment::Simple { by, cooldown_seconds } => {
            (*by, Some(Duration::from_secs((*cooldown_seconds).into())))
        }
        environment::Adjustment::Steps(steps) => (steps.first().map_or(0, |it| it.by), None),
    };
    let policy = Policy { name: name.to_owned(), adjustment: Adjustment::ChangeInCapacity(by), cooldown };
    response(name, account.auto_scaling.borrow_mut().put_scaling_policy(&group, policy))
}

pub(crate) fn delete_policy(account: &MemoryAccount, name: &str, group: &Ref) -> Result<(), CallError> {
    response(name, account.auto_scaling.borrow_mut().delete_policy(&group.to_string(), name))
}

/// The instances of the group that run in EC2: each has the monitoring of its version, until a call changes it.
pub(crate) fn running_instances(account: &MemoryAccount, name: &str) -> BTreeMap<String, GroupInstance> {
    let simulator = account.auto_scaling.borrow();
    let Ok(group) = simulator.group(name) else { return BTreeMap::new() };
    let running = |it: &Instance| {
        let launched = account.launched.borrow().get(&it.id).cloned()?;
        let version = account.template_version(&launched.id, &launched.version);
        let changed = account.monitored.borrow().get(&it.id).copied();
        let detailed_monitoring = changed.or(version.map(|it| it.content.detailed_monitoring)).unwrap_or_default();
        Some((it.id.clone(), GroupInstance { subnet: account.subnet_id(&it.subnet.id), detailed_monitoring }))
    };
    group.instances.iter().filter_map(running).collect()
}

/// The ids of the instances in a subnet, which the simulator knows by its name.
pub(crate) fn instances_in(account: &MemoryAccount, subnet: &str) -> Vec<String> {
    let simulator = account.auto_scaling.borrow();
    let all = simulator.groups().flat_map(|it| &it.instances);
    all.filter(|it| it.subnet.id == subnet).map(|it| it.id.clone()).collect()
}

/// Changes the monitoring of instances. `InvalidInstanceID.NotFound`: one of them does not exist any more.
fn monitor(account: &MemoryAccount, name: &str, settings: &[Setting]) -> Result<(), CallError> {
    let simulator = account.auto_scaling.borrow();
    let instances = response(name, simulator.group(name))?.instances.iter();
    let running: Vec<&str> = instances.map(|it| it.id.as_str()).collect();
    for setting in settings {
        let Setting::AutoScalingGroup(AutoScalingGroupSetting::DetailedMonitoring { instance, on }) = setting else {
            return Err(CallError::Rejected { message: format!("{name}: {setting} is no monitoring") });
        };
        if !running.contains(&instance.as_str()) {
            return Err(retry(format!("InvalidInstanceID.NotFound: {instance}")));
        }
        account.monitored.borrow_mut().insert(instance.clone(), *on);
    }
    Ok(())
}

/// The number of the group's instances, and the number of those in service.
pub(crate) fn instances(account: &MemoryAccount, name: &str) -> (usize, u32) {
    let simulator = account.auto_scaling.borrow();
    let Ok(group) = simulator.group(name) else { return (0, 0) };
    (group.instances.len(), u32::try_from(count_in_service(group)).unwrap_or(u32::MAX))
}

fn count_in_service(group: &Group) -> usize {
    group.instances.iter().filter(|it| it.state == LifecycleState::InService).count()
}

/// The status message of the last failed launch.
pub(crate) fn failed_launch(account: &MemoryAccount, name: &str) -> Option<String> {
    let simulator = account.auto_scaling.borrow();
    let failed = simulator.activities(name, false).ok()?.into_iter().find(|it| it.status == ActivityStatus::Failed)?;
    failed.status_message.clone()
}

/// A numbered version in the simulator's type.
pub(crate) fn launch_template(template: &Ref, version: u64) -> LaunchTemplate {
    LaunchTemplate { id: template.to_string(), name: template.to_string(), version: version.to_string() }
}

fn group_settings(group: &AutoScalingGroup, launch_template: LaunchTemplate) -> Settings {
    let subnet = |(number, to): (usize, &Ref)| Subnet { id: to.to_string(), zone: format!("zone-{number}") };
    Settings {
        launch_template,
        min_size: group.min_size,
        max_size: group.max_size,
        subnets: group.subnets.iter().enumerate().map(subnet).collect(),
        health_check_type: if group.health_check.by_target_groups { "ELB".into() } else { "EC2".into() },
        health_check_grace_period: Duration::from_secs(group.health_check.grace_seconds.into()),
        default_instance_warmup: group.warmup_seconds.map(|it| Duration::from_secs(it.into())),
        deletion_protection: protection(group),
        ..Settings::default()
    }
}

fn protection(group: &AutoScalingGroup) -> DeletionProtection {
    if group.protected { DeletionProtection::PreventAllDeletion } else { DeletionProtection::None }
}

fn hook(hook: &Hook) -> PutHook {
    PutHook {
        name: hook.name.clone(),
        transition: Some(match hook.on {
            Transition::Launch => HookTransition::Launching,
            Transition::Terminate => HookTransition::Terminating,
        }),
        heartbeat: Some(Duration::from_secs(hook.heartbeat.into())),
        metadata: Some(hook.metadata.clone()),
        default_result: Some(if hook.abandon {
            LifecycleActionResult::Abandon
        } else {
            LifecycleActionResult::Continue
        }),
        ..PutHook::default()
    }
}

/// Maps a fault of the simulator: codes for a resource in use and for an outdated observation are retryable, every other
/// code is an error of the caller.
pub(crate) fn response<T>(name: &str, done: Result<T, Fault>) -> Result<T, CallError> {
    done.map_err(|fault| match fault.code {
        "ResourceInUse"
        | "ScalingActivityInProgress"
        | "AlreadyExists"
        | "InstanceRefreshInProgress"
        | "ActiveInstanceRefreshNotFound" => retry(format!("{name}: {fault}")),
        // The words of a changed template during a refresh (the Auto Scaling user guide).
        _ if fault.to_string().contains("An active instance refresh with a desired configuration exists") => {
            retry(format!("{name}: {fault}"))
        }
        // One call has at most ten (`rules`), so others are being attached or detached: `aws-cloud` reads that too.
        _ if fault.to_string().contains("too many Load Balancers/Target Groups") => retry(format!("{name}: {fault}")),
        _ => CallError::Rejected { message: format!("{name}: {fault}") },
    })
}

/// The current group. EC2's status checks are not simulated: every instance is healthy.
pub(crate) fn observe_group(account: &MemoryAccount, name: &str, owner: Option<String>) -> Option<ObservedGroup> {
    let simulator = account.auto_scaling.borrow();
    let group = simulator.group(name).ok()?;
    let member = |it: &auto_scaling::Instance| Member {
        id: it.id.clone(),
        in_service: it.state == LifecycleState::InService,
        healthy: true,
    };
    Some(ObservedGroup {
        owner,
        min: group.settings.min_size,
        max: group.settings.max_size,
        desired_capacity: group.desired_capacity,
        instances: group.listed().map(member).collect(),
    })
}

/// Executes a remediation action on the group.
pub(crate) fn remediate(account: &MemoryAccount, name: &str, action: &RemediationAction) -> Result<(), CallError> {
    let mut simulator = account.auto_scaling.borrow_mut();
    match action {
        RemediationAction::Scale { to, .. } => {
            response(name, simulator.set_desired_capacity(name, *to, false, now(account)))
        }
        RemediationAction::Replace { instance } => {
            response(name, simulator.terminate_instance(instance, false, now(account)).map(|_| ()))
        }
        RemediationAction::Notify { .. } => Ok(()),
    }
}
