use std::collections::BTreeSet;

use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

/// The Auto Scaling group. Auto Scaling alone decides the number of instances between the bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoScalingGroup {
    /// The minimum number of instances (`MinSize`).
    pub min_size: u32,
    /// The maximum number of instances (`MaxSize`).
    pub max_size: u32,
    /// The desired capacity at creation only.
    pub desired_capacity: u32,
    /// The subnets in which instances may be launched, sorted (`VPCZoneIdentifier`).
    pub subnets: Vec<Ref>,
    /// The launch template of new instances.
    pub template: Ref,
    /// The digest of the template content for new instances.
    pub digest: String,
    /// The health checks by which Auto Scaling replaces unhealthy instances.
    pub health_check: HealthCheck,
    /// Whether Auto Scaling itself rejects the deletion of the group.
    pub protected: bool,
    /// The ARNs of the target groups.
    pub target_groups: BTreeSet<String>,
    /// The lifecycle hooks. The create call contains them, so they also apply to the first instances.
    pub hooks: Vec<Hook>,
    /// Whether all group metrics are collected.
    pub metrics: bool,
    /// The number of instances in service. Only observed, never desired.
    pub in_service: u32,
    /// AWS's message for the last failed launch, if fewer instances are in service than desired. Only observed, never
    /// desired.
    pub failed_launch: Option<String>,
}

/// The health checks of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Whether the target groups' health checks apply, in addition to EC2's.
    pub by_target_groups: bool,
    /// Seconds after an instance's start in which the health checks have no effect.
    pub grace_seconds: u32,
}

/// A lifecycle hook: Auto Scaling holds an instance in the transition until the hook's action is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The hook's name, unique in its group: [`Names::launch_hook`](crate::Names::launch_hook) or
    /// [`Names::terminate_hook`](crate::Names::terminate_hook).
    pub name: String,
    /// The transition (`LifecycleTransition`).
    pub on: Transition,
    /// The heartbeat timeout in seconds.
    pub heartbeat: u32,
    /// Whether an instance is abandoned when the hook expires.
    pub abandon: bool,
    /// The settings for the function `lifecycle-hook`: see [`HookSettings`](crate::model::hook_settings::HookSettings).
    pub metadata: String,
}

/// The transition in which a hook holds an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`: before an instance enters service.
    Launch,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`: before an instance terminates.
    Terminate,
}

impl AutoScalingGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::Created(Setting::MinSize(self.min_size)),
            Field::Created(Setting::MaxSize(self.max_size)),
            Field::Once("desired-capacity", Value::Text(self.desired_capacity.to_string())),
            Field::Created(Setting::Subnets(self.subnets.clone())),
            Field::Created(Setting::Template { template: self.template.clone(), digest: self.digest.clone() }),
            Field::Created(Setting::HealthCheck(self.health_check)),
            Field::Created(Setting::Protected(self.protected)),
        ];
        fields.extend(self.target_groups.iter().map(|arn| Field::Created(Setting::TargetGroup(arn.clone()))));
        fields.extend(self.hooks.iter().map(|hook| Field::Created(Setting::Hook(hook.clone()))));
        fields.push(Field::after_create_unless(Setting::GroupMetrics(self.metrics), !self.metrics));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::MinSize(count) => self.min_size = *count,
            Setting::MaxSize(count) => self.max_size = *count,
            Setting::Subnets(subnets) => self.subnets.clone_from(subnets),
            Setting::Template { template, digest } => {
                self.template = template.clone();
                self.digest.clone_from(digest);
            }
            Setting::HealthCheck(check) => self.health_check = *check,
            Setting::Protected(on) => self.protected = *on,
            Setting::TargetGroup(arn) => {
                self.target_groups.insert(arn.clone());
            }
            Setting::Hook(hook) => {
                self.hooks.retain(|it| it.name != hook.name);
                self.hooks.push(hook.clone());
                self.hooks.sort_by(|one, other| one.name.cmp(&other.name));
            }
            Setting::GroupMetrics(on) => self.metrics = *on,
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::TargetGroup(arn) => {
                self.target_groups.remove(arn);
            }
            Setting::Hook(hook) => self.hooks.retain(|it| it.name != hook.name),
            Setting::GroupMetrics(_) => self.metrics = false,
            _ => {}
        }
    }
}
