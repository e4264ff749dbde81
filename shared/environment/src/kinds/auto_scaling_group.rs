use std::collections::BTreeSet;

use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// The Auto Scaling group. How many instances it has between its bounds is Auto Scaling's business.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoScalingGroup {
    /// The fewest instances (`MinSize`).
    pub min_size: u32,
    /// The most instances (`MaxSize`).
    pub max_size: u32,
    /// At creation only.
    pub desired_capacity: u32,
    /// Where instances may start, sorted (`VPCZoneIdentifier`).
    pub subnets: Vec<Ref>,
    /// The launch template of new instances.
    pub template: Ref,
    /// The digest of the template's content that new instances get.
    pub digest: String,
    /// When an instance counts as ill and is replaced.
    pub health_check: HealthCheck,
    /// Whether Auto Scaling itself refuses to delete the group.
    pub protected: bool,
    /// ARNs.
    pub target_groups: BTreeSet<String>,
    /// Given in the create call: the first instances meet them too.
    pub hooks: Vec<Hook>,
    /// Whether all group metrics are collected.
    pub metrics: bool,
    /// How many instances are in service. Seen, never wanted.
    pub in_service: u32,
    /// What the last launch that failed was told, where fewer are in service than the group is to have. Seen, never wanted.
    pub failed_launch: Option<String>,
}

/// How Auto Scaling finds out that an instance is ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// By its target groups too, not only by EC2.
    pub by_target_groups: bool,
    /// Seconds after its start in which it is not judged.
    pub grace_seconds: u32,
}

/// A lifecycle hook: Auto Scaling waits with an instance until somebody says go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Unique within its group: [`Names::launch_hook`](crate::Names::launch_hook) or its counterpart.
    pub name: String,
    /// `LifecycleTransition`.
    pub on: Transition,
    /// Seconds.
    pub heartbeat: u32,
    /// Whether an instance that nobody answered for is given up.
    pub abandon: bool,
    /// For whoever answers: see [`HookSettings`](crate::HookSettings).
    pub metadata: String,
}

/// Which transition a hook holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`: before an instance goes into service.
    Launch,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`: before an instance ends.
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
        fields.push(Field::unless_new(Setting::GroupMetrics(self.metrics), !self.metrics));
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
