use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::{Kind, KindFacts};

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
    /// The seconds after which an instance in service counts as initialized (`DefaultInstanceWarmup`): until then the
    /// group's metrics and step scaling leave it out. `None`: Auto Scaling uses the group's cooldown instead.
    pub warmup_seconds: Option<u32>,
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
    /// The running instances of the group, by id. Desired are only those whose monitoring has to change.
    pub instances: BTreeMap<String, GroupInstance>,
}

/// A running instance of the group, in EC2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInstance {
    /// The id of the subnet.
    pub subnet: String,
    /// Whether detailed monitoring is on, or begins.
    pub detailed_monitoring: bool,
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

/// The attributes of a group that calls change.
#[derive(Clone, Debug, PartialEq)]
pub enum AutoScalingGroupSetting {
    /// The minimum number of instances.
    MinSize(u32),
    /// The maximum number of instances.
    MaxSize(u32),
    /// All subnets of the group, sorted (`VPCZoneIdentifier`).
    Subnets(Vec<Ref>),
    /// The launch template of the group, and the content that the group launches.
    Template {
        /// The launch template.
        template: Ref,
        /// The [`TemplateVersion`](crate::TemplateVersion)'s digest, which determines its number.
        digest: String,
    },
    /// The health check by which the group detects an unhealthy instance.
    HealthCheck(HealthCheck),
    /// The seconds after which an instance in service counts as initialized.
    WarmupSeconds(u32),
    /// Whether Auto Scaling rejects the deletion of the group.
    Protected(bool),
    /// The ARN of a target group in which instances are registered.
    TargetGroup(String),
    /// A whole lifecycle hook: each `PutLifecycleHook` replaces all its values.
    Hook(Hook),
    /// Whether all group metrics are collected.
    Metrics(bool),
    /// The detailed monitoring of a running instance. New instances get it from the launch template.
    DetailedMonitoring {
        /// The id.
        instance: String,
        /// Whether it is on.
        on: bool,
    },
}

impl ResourceKind for AutoScalingGroup {
    type Setting = AutoScalingGroupSetting;

    const FACTS: KindFacts = KindFacts {
        tagging: Some(("autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags")),
        depends_on: &[
            (Kind::RouteTable, "its first instance needs egress"),
            (Kind::VpcEndpoint, "its first instance registers through them"),
            (Kind::Role, "its first instance needs the attached policies"),
            (Kind::LogGroup, "its first instance writes to them"),
            (Kind::Bucket, "its first instance may write to them"),
        ],
        ..KindFacts::of(
            "auto-scaling-group",
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:DeleteAutoScalingGroup",
        )
    };

    fn fields(&self) -> Vec<Field<AutoScalingGroupSetting>> {
        let template =
            AutoScalingGroupSetting::Template { template: self.template.clone(), digest: self.digest.clone() };
        let mut fields = vec![
            Field::Created(AutoScalingGroupSetting::MinSize(self.min_size)),
            Field::Created(AutoScalingGroupSetting::MaxSize(self.max_size)),
            Field::Once("desired-capacity", Value::Text(self.desired_capacity.to_string())),
            Field::Created(AutoScalingGroupSetting::Subnets(self.subnets.clone())),
            Field::Created(template),
            Field::Created(AutoScalingGroupSetting::HealthCheck(self.health_check)),
            Field::Created(AutoScalingGroupSetting::Protected(self.protected)),
        ];
        fields.extend(self.warmup_seconds.map(|it| Field::Created(AutoScalingGroupSetting::WarmupSeconds(it))));
        let target_group = |arn: &String| Field::Created(AutoScalingGroupSetting::TargetGroup(arn.clone()));
        let hook = |hook: &Hook| Field::Created(AutoScalingGroupSetting::Hook(hook.clone()));
        fields.extend(self.target_groups.iter().map(target_group));
        fields.extend(self.hooks.iter().map(hook));
        fields.push(Field::after_create_unless(AutoScalingGroupSetting::Metrics(self.metrics), !self.metrics));
        let monitoring = |(id, it): (&String, &GroupInstance)| {
            let (instance, on) = (id.clone(), it.detailed_monitoring);
            Field::After(AutoScalingGroupSetting::DetailedMonitoring { instance, on })
        };
        fields.extend(self.instances.iter().map(monitoring));
        fields
    }

    fn set(&mut self, setting: &AutoScalingGroupSetting) {
        match setting {
            AutoScalingGroupSetting::MinSize(count) => self.min_size = *count,
            AutoScalingGroupSetting::MaxSize(count) => self.max_size = *count,
            AutoScalingGroupSetting::Subnets(subnets) => self.subnets.clone_from(subnets),
            AutoScalingGroupSetting::Template { template, digest } => {
                self.template = template.clone();
                self.digest.clone_from(digest);
            }
            AutoScalingGroupSetting::HealthCheck(check) => self.health_check = *check,
            AutoScalingGroupSetting::WarmupSeconds(seconds) => self.warmup_seconds = Some(*seconds),
            AutoScalingGroupSetting::Protected(on) => self.protected = *on,
            AutoScalingGroupSetting::TargetGroup(arn) => {
                self.target_groups.insert(arn.clone());
            }
            AutoScalingGroupSetting::Hook(hook) => {
                self.hooks.retain(|it| it.name != hook.name);
                self.hooks.push(hook.clone());
                self.hooks.sort_by(|one, other| one.name.cmp(&other.name));
            }
            AutoScalingGroupSetting::Metrics(on) => self.metrics = *on,
            AutoScalingGroupSetting::DetailedMonitoring { instance, on } => {
                if let Some(instance) = self.instances.get_mut(instance) {
                    instance.detailed_monitoring = *on;
                }
            }
        }
    }

    fn clear(&mut self, setting: &AutoScalingGroupSetting) {
        match setting {
            AutoScalingGroupSetting::TargetGroup(arn) => {
                self.target_groups.remove(arn);
            }
            AutoScalingGroupSetting::Hook(hook) => self.hooks.retain(|it| it.name != hook.name),
            AutoScalingGroupSetting::Metrics(_) => self.metrics = false,
            // The other settings always have a value.
            _ => {}
        }
    }

    fn copy_observed_only_fields(&mut self, observed: &AutoScalingGroup) {
        self.in_service = observed.in_service;
        self.failed_launch.clone_from(&observed.failed_launch);
        let written = std::mem::replace(&mut self.instances, observed.instances.clone());
        for (id, instance) in &mut self.instances {
            if let Some(written) = written.get(id) {
                instance.detailed_monitoring = written.detailed_monitoring;
            }
        }
    }
}

impl KindSetting for AutoScalingGroupSetting {
    fn slot(&self) -> (&'static str, String) {
        match self {
            AutoScalingGroupSetting::MinSize(_) => ("min-size", String::new()),
            AutoScalingGroupSetting::MaxSize(_) => ("max-size", String::new()),
            AutoScalingGroupSetting::Subnets(_) => ("subnets", String::new()),
            AutoScalingGroupSetting::Template { .. } => ("launches", String::new()),
            AutoScalingGroupSetting::HealthCheck(_) => ("health-check", String::new()),
            AutoScalingGroupSetting::WarmupSeconds(_) => ("instance-warmup-seconds", String::new()),
            AutoScalingGroupSetting::Protected(_) => ("deletion-protection", String::new()),
            AutoScalingGroupSetting::TargetGroup(arn) => ("target-group", arn.clone()),
            AutoScalingGroupSetting::Hook(hook) => ("lifecycle-hook", hook.name.clone()),
            AutoScalingGroupSetting::Metrics(_) => ("group-metrics", String::new()),
            AutoScalingGroupSetting::DetailedMonitoring { instance, .. } => ("detailed-monitoring", instance.clone()),
        }
    }

    fn value(&self) -> String {
        match self {
            AutoScalingGroupSetting::MinSize(count)
            | AutoScalingGroupSetting::MaxSize(count)
            | AutoScalingGroupSetting::WarmupSeconds(count) => count.to_string(),
            AutoScalingGroupSetting::Subnets(subnets) => {
                subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            AutoScalingGroupSetting::Template { template, digest } => format!("{template} content {digest}"),
            AutoScalingGroupSetting::HealthCheck(check) => {
                let by = if check.by_target_groups { "EC2 and target groups" } else { "EC2" };
                format!("{by}, after {} s", check.grace_seconds)
            }
            AutoScalingGroupSetting::Protected(on)
            | AutoScalingGroupSetting::Metrics(on)
            | AutoScalingGroupSetting::DetailedMonitoring { on, .. } => on.to_string(),
            AutoScalingGroupSetting::TargetGroup(_) => String::new(),
            AutoScalingGroupSetting::Hook(hook) => {
                let on = match hook.on {
                    Transition::Launch => "launch",
                    Transition::Terminate => "terminate",
                };
                let end = if hook.abandon { "abandon" } else { "continue" };
                format!("on {on}, {} s, else {end}; {}", hook.heartbeat, hook.metadata)
            }
        }
    }

    fn references(&self) -> Vec<&Ref> {
        match self {
            AutoScalingGroupSetting::Subnets(subnets) => subnets.iter().collect(),
            AutoScalingGroupSetting::Template { template, .. } => vec![template],
            _ => vec![],
        }
    }

    fn set_operation(&self) -> &'static str {
        match self {
            AutoScalingGroupSetting::TargetGroup(_) => "autoscaling:AttachLoadBalancerTargetGroups",
            AutoScalingGroupSetting::Hook(_) => "autoscaling:PutLifecycleHook",
            AutoScalingGroupSetting::Metrics(_) => "autoscaling:EnableMetricsCollection",
            AutoScalingGroupSetting::DetailedMonitoring { on: true, .. } => "ec2:MonitorInstances",
            AutoScalingGroupSetting::DetailedMonitoring { on: false, .. } => "ec2:UnmonitorInstances",
            _ => "autoscaling:UpdateAutoScalingGroup",
        }
    }

    fn clear_operation(&self) -> &'static str {
        match self {
            AutoScalingGroupSetting::TargetGroup(_) => "autoscaling:DetachLoadBalancerTargetGroups",
            AutoScalingGroupSetting::Hook(_) => "autoscaling:DeleteLifecycleHook",
            AutoScalingGroupSetting::Metrics(_) => "autoscaling:DisableMetricsCollection",
            other => other.set_operation(),
        }
    }

    fn is_changed_by_rollout(&self) -> bool {
        matches!(self, AutoScalingGroupSetting::Template { .. })
    }

    /// Each running instance has its monitoring.
    fn is_retained_when_not_desired(&self) -> bool {
        matches!(self, AutoScalingGroupSetting::DetailedMonitoring { .. })
    }

    fn shared_call(&self) -> Option<&'static str> {
        match self {
            AutoScalingGroupSetting::TargetGroup(_) => Some("target groups"),
            AutoScalingGroupSetting::DetailedMonitoring { on: true, .. } => Some("monitoring on"),
            AutoScalingGroupSetting::DetailedMonitoring { on: false, .. } => Some("monitoring off"),
            AutoScalingGroupSetting::Hook(_) | AutoScalingGroupSetting::Metrics(_) => None,
            _ => Some("the group"),
        }
    }

    /// Ten target groups (the API reference of `AttachLoadBalancerTargetGroups`; Auto Scaling user guide, "Quotas"). The
    /// create call has no such limit. 100 instances: Envkeeper's bound, since the API reference states none.
    fn most_in_a_call(&self) -> usize {
        match self {
            AutoScalingGroupSetting::TargetGroup(_) => 10,
            AutoScalingGroupSetting::DetailedMonitoring { .. } => 100,
            _ => usize::MAX,
        }
    }
}
