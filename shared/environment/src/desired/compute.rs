//! The launch template, the Auto Scaling group with its lifecycle hooks, and the scaling policies.

use std::collections::BTreeMap;

use super::network::SubnetPlacement;
use super::rolling::rolling_inputs;
use super::{DesiredInputs, Part};
use crate::input::spec::{Scaling, Spec};
use crate::model::hook_settings::{Drain, Gate, HookSettings, HookTask, OnTimeout};
use crate::model::key::{Key, Ref};
use crate::model::kinds::{
    Adjustment, AutoScalingGroup, HealthCheck, Hook, LaunchTemplate, ScalingPolicy, ScalingStep, TemplateContent,
    TemplateVersion, Transition,
};
use crate::model::mark;
use crate::model::names::Names;
use crate::model::resource::Fields;

/// Seconds. EC2 publishes a value every five minutes unless detailed monitoring is on (the EC2 user guide).
const BASIC_MONITORING_PERIOD: u32 = 300;
/// Seconds for which the launch hook waits. By then an instance has booted and run its user data.
const LAUNCH_HEARTBEAT: u32 = 900;
/// The steps of the policy that scales out, in equal parts of the range from the threshold to 100 %.
const SCALE_UP_STEPS: u32 = 3;
/// Seconds. The termination hook expires if a drain sends no heartbeat for this time.
const TERMINATE_HEARTBEAT: u32 = 300;

/// The version of the launch template that describes the instances, as this release of Envkeeper writes it, for instances of
/// `image`, an image id.
#[must_use]
pub fn template_version(spec: &Spec, names: &Names, owner: &str, image: &str) -> TemplateVersion {
    let content = TemplateContent {
        image_source: spec.image_source().to_owned(),
        rolling_inputs: Some(rolling_inputs(spec)),
        instance_type: spec.instance_type.clone(),
        instance_profile: Ref::Owned(names.instance_profile()),
        security_groups: vec![Ref::Owned(names.instance_security_group())],
        root_volume_gib: spec.root_volume_gib,
        volume_key: spec.kms_key_arn.clone(),
        detailed_monitoring: spec.scaling.alarm_period_seconds < BASIC_MONITORING_PERIOD,
        user_data: spec.user_data(names).into(),
        tags: mark::tags(&spec.tags, owner, names, &spec.environment, &names.group().name),
    };
    TemplateVersion::of(content, image.to_owned())
}

pub(super) fn compute(inputs: &DesiredInputs<'_>, placement: SubnetPlacement) -> Part {
    let (spec, names) = (inputs.spec, inputs.names);
    let version = template_version(spec, names, inputs.owner, inputs.facts.image.as_deref().unwrap_or_default());
    let mut subnets = placement.subnets;
    subnets.sort();
    let group = AutoScalingGroup {
        min_size: spec.min_size,
        max_size: spec.max_size,
        desired_capacity: spec.desired_capacity,
        subnets,
        template: Ref::Owned(names.launch_template()),
        digest: version.digest.clone(),
        health_check: HealthCheck {
            by_target_groups: !spec.target_group_arns.is_empty(),
            grace_seconds: spec.health_check_grace_seconds,
        },
        warmup_seconds: Some(spec.rollout.instance_warmup_seconds),
        protected: spec.deletion_protection,
        target_groups: spec.target_group_arns.iter().cloned().collect(),
        hooks: hooks(inputs),
        metrics: true,
        in_service: 0,
        failed_launch: None,
        instances: BTreeMap::new(),
    };
    vec![
        (names.launch_template(), Fields::LaunchTemplate(LaunchTemplate { versions: vec![version] })),
        (names.group(), Fields::AutoScalingGroup(group)),
        policy(inputs, names.scale_up_policy(), scale_up(&spec.scaling)),
        policy(inputs, names.scale_down_policy(), scale_down(&spec.scaling)),
    ]
}

/// The hooks, sorted by name, as they are read. If the launch hook expires, Auto Scaling abandons the instance, unless
/// the environment's property is `Continue`. If the termination hook expires, the termination continues.
fn hooks(inputs: &DesiredInputs<'_>) -> Vec<Hook> {
    let (settings, are_handled) = (&inputs.spec.hooks, inputs.facts.hooks_are_handled);
    let gate = Gate { seconds: settings.launch_gate_seconds, on_timeout: settings.launch_gate_on_timeout };
    let drain = Drain { seconds: settings.drain_seconds };
    let launch = settings.launch_gate.unwrap_or(are_handled).then(|| Hook {
        name: inputs.names.launch_hook(),
        on: Transition::Launch,
        heartbeat: LAUNCH_HEARTBEAT,
        abandon: gate.on_timeout == OnTimeout::Abandon,
        metadata: metadata(inputs, LAUNCH_HEARTBEAT, HookTask::Gate(gate)),
    });
    let terminate = settings.terminate_drain.unwrap_or(are_handled).then(|| Hook {
        name: inputs.names.terminate_hook(),
        on: Transition::Terminate,
        heartbeat: TERMINATE_HEARTBEAT,
        abandon: false,
        metadata: metadata(inputs, TERMINATE_HEARTBEAT, HookTask::Drain(drain)),
    });
    launch.into_iter().chain(terminate).collect()
}

fn metadata(inputs: &DesiredInputs<'_>, heartbeat_seconds: u32, task: HookTask) -> String {
    let settings = HookSettings {
        envkeeper: 1,
        owner: inputs.owner.to_owned(),
        environment: inputs.names.environment_id(),
        log_group: inputs.names.instance_log_group().name,
        target_groups: inputs.spec.target_group_arns.clone(),
        heartbeat_seconds,
        task,
    };
    settings.text()
}

fn policy(inputs: &DesiredInputs<'_>, key: Key, adjustment: Adjustment) -> (Key, Fields) {
    (key, Fields::ScalingPolicy(ScalingPolicy { group: Ref::Owned(inputs.names.group()), adjustment }))
}

/// Steps, so that a drain, a gate or a cooldown does not stop the scale-out: simple scaling waits for all of them (Auto
/// Scaling user guide, "Scaling cooldowns"). An instance that is not in service yet counts as added, so the same step adds
/// no second one; a growing load reaches the next step, which adds more.
fn scale_up(scaling: &Scaling) -> Adjustment {
    // The bounds of the properties are 100 instances and 100 %. A threshold of 98 % or more has steps that no load reaches.
    let width = (100u32.saturating_sub(scaling.scale_up_cpu_threshold) / SCALE_UP_STEPS).max(1);
    let by = |step: u32| i32::try_from(scaling.scale_up_adjustment.saturating_mul(step + 1)).unwrap_or(i32::MAX);
    Adjustment::Steps((0..SCALE_UP_STEPS).map(|step| ScalingStep { from: step * width, by: by(step) }).collect())
}

/// Simple, so that the cooldown limits how fast the group shrinks.
fn scale_down(scaling: &Scaling) -> Adjustment {
    let by = i32::try_from(scaling.scale_down_adjustment).unwrap_or(i32::MAX);
    Adjustment::Simple { by: -by, cooldown_seconds: scaling.cooldown_seconds }
}
