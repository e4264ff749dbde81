//! The checked properties of one environment.

mod defaults;
mod reader;
mod scripts;
mod unknown;

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::input::alarm_action::{ActionKind, AlarmAction};
use crate::input::forms::shown;
use crate::input::property::{self, Change, Property};
use crate::input::rollout_settings::{MAX_HEALTHY_DIFFERENCE, RolloutSettings};
use crate::input::spec::reader::{Reader, tag_is_valid};
use crate::input::spec::unknown::unknown;
use crate::model::hook_settings::OnTimeout;
use crate::model::key::Tags;
use crate::model::names::{Deployment, Names};
use crate::model::on_delete::OnDelete;
use crate::model::partition::Partition;
use crate::model::script::Script;

pub use defaults::{Defaults, PropertyDefaults};

/// The desired properties, complete and validated. In JSON, the keys are the properties' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Spec {
    /// The last part of every name; at most [`Names::longest_suffix`] bytes.
    pub environment_suffix: String,
    /// The value of the tag `Environment`, 1 to 128 characters. The default is the suffix.
    pub environment: String,
    /// Flattened in JSON: these properties are on the same level as the others.
    #[serde(flatten)]
    pub network: Network,
    /// The instance type, such as `t3.micro`. [`check_facts`](crate::check_facts) compares it with the image.
    pub instance_type: String,
    /// The image id. Exactly one of `image_id` and `image_parameter` is set.
    pub image_id: Option<String>,
    /// The name of an SSM parameter that contains an image id, or its ARN; with a version or a label behind a colon.
    pub image_parameter: Option<String>,
    /// GiB, 8 to 16,384.
    #[serde(rename = "RootVolumeGiB")]
    pub root_volume_gib: u32,
    /// The script that runs as root on each new instance. Without a script, only Envkeeper's own part runs.
    pub user_data_script: Option<Script>,
    /// The paths of the SSM parameters that the instances may read, at most 20 (`MAX_LIST_LENGTH`). Each means the parameter
    /// of this name and all below it.
    pub parameter_paths: Vec<String>,
    /// The minimum number of instances, 0 to 1,000.
    pub min_size: u32,
    /// The maximum number of instances, 0 to 1,000, at least `min_size`.
    pub max_size: u32,
    /// The initial number of instances, from `min_size` to `max_size`. The default is `min_size`.
    pub desired_capacity: u32,
    /// Whether a Create waits until `min_size` instances are in service.
    pub wait_for_instances: bool,
    /// Seconds after an instance's start in which its health checks have no effect, 0 to 7,200.
    pub health_check_grace_seconds: u32,
    /// At most 20 (`MAX_LIST_LENGTH`) ARNs. Without target groups, only EC2's health checks apply.
    pub target_group_arns: Vec<String>,
    /// Flattened in JSON: these properties are on the same level as the others.
    #[serde(flatten)]
    pub rollout: RolloutSettings,
    /// Flattened in JSON: these properties are on the same level as the others.
    #[serde(flatten)]
    pub hooks: Hooks,
    /// Flattened in JSON: these properties are on the same level as the others.
    #[serde(flatten)]
    pub scaling: Scaling,
    /// The rules for alarm actions: at most 20 different rules.
    pub alarm_actions: Vec<AlarmAction>,
    /// Days: a value of [`RETENTION_DAYS`](crate::input::property::RETENTION_DAYS).
    pub log_retention_days: u32,
    /// The key that encrypts logs, objects and volumes. The default is the services' own keys.
    pub kms_key_arn: Option<String>,
    /// The permissions boundary of the instances' role. The default is a role without a boundary.
    pub permissions_boundary_arn: Option<String>,
    /// The action for the buckets when the environment is deleted.
    pub bucket_on_delete: OnDelete,
    /// Whether Envkeeper and Auto Scaling reject a Delete.
    pub deletion_protection: bool,
    /// The stack author's tags, at most 40. Envkeeper adds its own tags.
    pub tags: Tags,
}

/// The network of the instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    /// A private network, /16 to /25. The subnets are its eight equal parts.
    pub vpc_cidr: Ipv4Net,
    /// The number of availability zones, 1 to 3.
    pub zone_count: u32,
    /// The egress of the instances in a managed network.
    pub egress: Egress,
    /// An existing VPC, with the subnets to use. If set, the fields of the managed network are not used.
    pub vpc_id: Option<String>,
    /// Subnets of `vpc_id`, at most 20. Empty without `vpc_id`.
    pub subnet_ids: Vec<String>,
}

/// The settings of the lifecycle hooks: the launch gate and the drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hooks {
    /// Whether launches are gated. `None`: if the deployment has the function that handles the hook.
    pub launch_gate: Option<bool>,
    /// Seconds within which a new instance has to be observed as healthy, 60 to 7,200.
    pub launch_gate_seconds: u32,
    /// The action for an instance without a verdict after that time.
    pub launch_gate_on_timeout: OnTimeout,
    /// Whether terminating instances are drained. `None`: as for `launch_gate`.
    pub terminate_drain: Option<bool>,
    /// The maximum time of a drain in seconds, 30 to 28,800.
    pub drain_seconds: u32,
    /// Names of the systemd units that a drain stops.
    pub drain_services: Vec<String>,
    /// The script that runs as root after the services are stopped. The default is no script.
    pub drain_script: Option<Script>,
}

/// The settings of the scaling policies and of the alarms that invoke them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scaling {
    /// Percent of CPU utilization at which the group scales out.
    pub scale_up_cpu_threshold: u32,
    /// Percent of CPU utilization at which the group scales in; below `scale_up_cpu_threshold`.
    pub scale_down_cpu_threshold: u32,
    /// The period of the CPU alarms in seconds, 60 to 3,600. A period below 300 enables detailed monitoring.
    pub alarm_period_seconds: u32,
    /// The number of consecutive periods that have to breach the threshold. The periods together span at most a day, or
    /// a week for periods of an hour (the API reference of `PutMetricAlarm`).
    pub alarm_evaluation_periods: u32,
    /// The number of instances that the policy adds, 1 to 100.
    pub scale_up_adjustment: u32,
    /// The number of instances that the policy removes, 1 to 100.
    pub scale_down_adjustment: u32,
    /// The cooldown in seconds after such a change, 0 to 86,400.
    pub cooldown_seconds: u32,
    /// The SNS topic that every alarm notifies. The default is no notification.
    pub alarm_topic_arn: Option<String>,
}

/// The egress of the instances in a managed network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Egress {
    /// Private subnets with one NAT gateway for all zones.
    NatGateway,
    /// Private subnets with a NAT gateway in each zone.
    NatGatewayPerZone,
    /// Private subnets that reach only S3 and [`INTERFACE_SERVICES`](crate::INTERFACE_SERVICES).
    VpcEndpoints,
    /// Public subnets in which each instance has its own public address.
    PublicIp,
}

impl Egress {
    fn of(text: &str) -> Option<Self> {
        match text {
            "NatGateway" => Some(Egress::NatGateway),
            "NatGatewayPerZone" => Some(Egress::NatGatewayPerZone),
            "VpcEndpoints" => Some(Egress::VpcEndpoints),
            "PublicIp" => Some(Egress::PublicIp),
            _ => None,
        }
    }
}

/// An invalid property: its name, the value, and the valid form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name, as a template writes it, with the path inside the property: `AlarmActions[0].Capacity`.
    pub property: String,
    /// The given value, if it is short and resembles a valid one; else its type and length. Never a part of a script or
    /// of an unknown property.
    pub value: String,
    /// The valid form, as a continuation of "is …:".
    pub valid: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.property, self.value, self.valid)
    }
}

impl Violation {
    pub(crate) fn of(property: &Property, value: &dyn fmt::Display, valid: String) -> Self {
        Violation { property: property.name.into(), value: value.to_string(), valid }
    }
}

/// Whether the function's role can publish to the topic: a topic of its own region and account. A FIFO topic needs more
/// than a message, so it is not accepted.
fn is_own_topic(topic: &str, deployment: &Deployment) -> bool {
    let parts: Vec<&str> = topic.splitn(6, ':').collect();
    let is_own = |partition: &str| Partition::of(&deployment.region).is_none_or(|own| own.id == partition);
    matches!(parts[..], [_, partition, _, region, account, name]
        if is_own(partition) && region == deployment.region && account == deployment.account
            && name.strip_suffix(".fifo").is_none())
}

impl Spec {
    /// Reads and validates the properties of a request.
    ///
    /// # Errors
    /// All violations together.
    pub fn read(
        given: &Map<String, Value>,
        defaults: &Defaults,
        deployment: &Deployment,
    ) -> Result<Spec, Vec<Violation>> {
        Spec::read_after(None, given, defaults, deployment)
    }

    /// Like [`Spec::read`], for an environment that already has the spec `before`. Values in `before` may be from an
    /// older version with weaker checks. These values are not rejected.
    ///
    /// # Errors
    /// All violations together, as in [`Spec::read`].
    pub fn read_after(
        before: Option<&Spec>,
        given: &Map<String, Value>,
        defaults: &Defaults,
        deployment: &Deployment,
    ) -> Result<Spec, Vec<Violation>> {
        let mut reader = Reader { given, defaults, violations: unknown(given) };
        let spec = reader.spec();
        reader.reject_managed_network_properties();
        reader.reject_other_boundary();
        let mut violations = reader.violations;
        if let Some(spec) = &spec {
            violations.extend(spec.inconsistencies(deployment));
            violations.extend(spec.script_violations(deployment, before));
            violations.extend(spec.duplicate_tag_keys(before));
        }
        match spec {
            Some(spec) if violations.is_empty() => Ok(spec),
            _ => Err(violations),
        }
    }

    /// Reads a spec from a record. An older version with fewer properties may have written the record: the missing
    /// properties take the values of the frozen defaults. The consistency between properties is not checked again: it
    /// was checked when the request arrived, by the rules of that version. `None` if the spec cannot be read.
    #[must_use]
    pub fn recorded(record: &Value, frozen: &Defaults) -> Option<Spec> {
        let given = record.as_object()?.iter();
        let given = given.filter(|(_, value)| !value.is_null() && **value != Value::Array(vec![]));
        let given: Map<String, Value> = given.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut reader = Reader { given: &given, defaults: frozen, violations: vec![] };
        reader.spec()
    }

    /// The computed names of this environment.
    #[must_use]
    pub fn names(&self, deployment: &Deployment) -> Names {
        deployment.names(&self.environment_suffix)
    }

    /// The source of the image: the image id, or the name of the SSM parameter.
    #[must_use]
    pub fn image_source(&self) -> &str {
        self.image_id.as_deref().or(self.image_parameter.as_deref()).unwrap_or_default()
    }

    /// Contradictions between properties.
    fn inconsistencies(&self, deployment: &Deployment) -> Vec<Violation> {
        let parts = [
            self.sizes(),
            self.network.inconsistency(),
            self.rollout_percentages(),
            self.own_rollout_alarms(deployment),
            self.scaling.inconsistencies(),
            self.alarm_actions_out_of_bounds(deployment),
            self.suffix_too_long(deployment),
            self.arns_of_other_regions(deployment),
        ];
        parts.into_iter().flatten().collect()
    }

    /// Tag keys that differ only by case. IAM ignores the case of tag keys: it would reject the role when half of the
    /// environment already exists.
    fn duplicate_tag_keys(&self, before: Option<&Spec>) -> Vec<Violation> {
        if before.is_some_and(|before| before.tags == self.tags) {
            return vec![];
        }
        let mut keys = BTreeMap::new();
        let valid_keys = self.tags.keys().filter(|key| tag_is_valid(key, ""));
        let duplicates = valid_keys.filter_map(|key| Some((keys.insert(key.to_lowercase(), key)?, key)));
        let valid = "keys that differ by more than their case, since IAM treats these as the same key";
        let violation = |(one, other): (&String, &String)| {
            Violation::of(&property::TAGS, &format!("{} and {}", shown(one), shown(other)), valid.into())
        };
        duplicates.map(violation).collect()
    }

    fn sizes(&self) -> Vec<Violation> {
        if self.min_size > self.max_size {
            let valid = format!("at most MaxSize, which is {}", self.max_size);
            return vec![Violation::of(&property::MIN_SIZE, &self.min_size, valid)];
        }
        if (self.min_size..=self.max_size).contains(&self.desired_capacity) {
            return vec![];
        }
        let valid = format!("from MinSize to MaxSize, {} to {}", self.min_size, self.max_size);
        vec![Violation::of(&property::DESIRED_CAPACITY, &self.desired_capacity, valid)]
    }

    /// Rules that scale beyond the group's bounds, notify a topic to which Envkeeper cannot publish, or duplicate
    /// another rule. A rule that names the same alarm by its other name is a duplicate, too.
    fn alarm_actions_out_of_bounds(&self, deployment: &Deployment) -> Vec<Violation> {
        let (names, rules) = (self.names(deployment), &self.alarm_actions);
        let sizes = self.min_size..=self.max_size;
        let duplicate_of = |at: usize, rule: &AlarmAction| {
            let same = |it: &AlarmAction| it.action == rule.action && it.alarm_name(&names) == rule.alarm_name(&names);
            rules[..at].iter().position(same)
        };
        let invalid = rules.iter().enumerate().filter_map(|(at, rule)| match &rule.action {
            ActionKind::ScaleTo(capacity) if !sizes.contains(capacity) => {
                let valid = format!("from MinSize to MaxSize, {} to {}", self.min_size, self.max_size);
                Some((format!("AlarmActions[{at}].Capacity"), capacity.to_string(), valid))
            }
            ActionKind::Notify(topic) if !is_own_topic(topic, deployment) => {
                let Deployment { region, account, .. } = deployment;
                let valid = format!("a standard topic in the environment's region {region} and account {account}");
                Some((format!("AlarmActions[{at}].TopicArn"), shown(topic), valid))
            }
            _ => duplicate_of(at, rule).map(|first| {
                let valid = format!("another alarm or another action, since AlarmActions[{first}] is the same rule");
                (format!("AlarmActions[{at}].Alarm"), shown(&rule.alarm), valid)
            }),
        });
        invalid.map(|(property, value, valid)| Violation { property, value, valid }).collect()
    }

    /// A minimum that is too low for the maximum.
    fn rollout_percentages(&self) -> Vec<Violation> {
        let RolloutSettings { min_healthy_percentage: min, max_healthy_percentage: max, .. } = self.rollout;
        let least = max.saturating_sub(MAX_HEALTHY_DIFFERENCE);
        if min >= least {
            return vec![];
        }
        let valid = format!(
            "at least {least}, since MaxHealthyPercentage is {max} and Auto Scaling accepts a difference of 100"
        );
        vec![Violation::of(&property::MIN_HEALTHY_PERCENTAGE, &min, valid)]
    }

    /// Rollout alarms that a rollout itself changes: new instances start with a high CPU utilization, and more instances than
    /// usual lower it.
    fn own_rollout_alarms(&self, deployment: &Deployment) -> Vec<Violation> {
        let names = self.names(deployment);
        let own = [names.cpu_high_alarm().name, names.cpu_low_alarm().name, names.rollout_failed_alarm().name];
        let invalid = self.rollout.alarms.iter().filter(|it| own.contains(it));
        let valid = "an alarm other than cpu-high, cpu-low and rollout-failed of the environment, since a rollout itself changes their states";
        invalid.map(|it| Violation::of(&property::ROLLOUT_ALARMS, &shown(it), valid.into())).collect()
    }

    fn suffix_too_long(&self, deployment: &Deployment) -> Vec<Violation> {
        let (longest, tightest) = self.names(deployment).longest_suffix();
        if self.environment_suffix.len() <= longest {
            return vec![];
        }
        let valid = format!("at most {longest} characters, so that {tightest} is within the limit of its service");
        vec![Violation::of(&property::ENVIRONMENT_SUFFIX, &shown(&self.environment_suffix), valid)]
    }

    /// ARNs of another region or partition. A resource with a region works only with instances, alarms and logs of the same
    /// region. A policy has no region, and belongs to its partition.
    fn arns_of_other_regions(&self, deployment: &Deployment) -> Vec<Violation> {
        let single = [
            (&property::KMS_KEY_ARN, &self.kms_key_arn),
            (&property::ALARM_TOPIC_ARN, &self.scaling.alarm_topic_arn),
            (&property::PERMISSIONS_BOUNDARY_ARN, &self.permissions_boundary_arn),
        ];
        let single = single.into_iter().filter_map(|(property, arn)| Some((property, arn.as_ref()?)));
        let parameter = self.image_parameter.iter().filter(|it| it.starts_with("arn:"));
        let single = single.chain(parameter.map(|arn| (&property::IMAGE_PARAMETER, arn)));
        let all = single.chain(self.target_group_arns.iter().map(|arn| (&property::TARGET_GROUP_ARNS, arn)));
        let invalid = all.filter_map(|(property, arn)| {
            Some(Violation::of(property, &shown(arn), form_of_local_arn(arn, deployment)?))
        });
        invalid.collect()
    }
}

/// The valid form of an ARN that is of another region or partition; `None` for any other ARN.
fn form_of_local_arn(arn: &str, Deployment { region: own, .. }: &Deployment) -> Option<String> {
    let mut parts = arn.split(':').skip(1);
    let (partition, region) = (parts.next()?, parts.nth(1)?);
    if !region.is_empty() && region != own {
        return Some(format!("an ARN of the environment's region {own}"));
    }
    let own = Partition::of(own)?.id;
    (partition != own).then(|| format!("an ARN of the environment's partition {own}"))
}

impl Network {
    fn inconsistency(&self) -> Vec<Violation> {
        let valid = |other: &str| format!("set {other} too, or neither");
        match (&self.vpc_id, self.subnet_ids.is_empty()) {
            (Some(vpc), true) => vec![Violation::of(&property::VPC_ID, &shown(vpc), valid("SubnetIds"))],
            (None, false) => {
                let subnets = shown(&self.subnet_ids.join(","));
                vec![Violation::of(&property::SUBNET_IDS, &subnets, valid("VpcId"))]
            }
            _ => vec![],
        }
    }
}

impl Scaling {
    fn inconsistencies(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.scale_down_cpu_threshold >= self.scale_up_cpu_threshold {
            let valid = format!("less than ScaleUpCpuThreshold, which is {}", self.scale_up_cpu_threshold);
            violations.push(Violation::of(&property::SCALE_DOWN_CPU, &self.scale_down_cpu_threshold, valid));
        }
        let longest = if self.alarm_period_seconds < 3600 { DAY } else { 7 * DAY };
        if self.alarm_period_seconds * self.alarm_evaluation_periods > longest {
            let valid = format!(
                "at most {}, since CloudWatch evaluates at most {longest} s and AlarmPeriodSeconds is {}",
                longest / self.alarm_period_seconds,
                self.alarm_period_seconds
            );
            violations.push(Violation::of(&property::ALARM_EVALUATION_PERIODS, &self.alarm_evaluation_periods, valid));
        }
        violations
    }
}

/// Seconds. Evaluation periods of less than an hour may together span a day, longer periods a week (the API reference
/// of `PutMetricAlarm`).
const DAY: u32 = 86_400;

/// The changes that an update may not make, according to the table.
#[must_use]
pub fn check_change(settled: &Spec, new: &Spec) -> Vec<Violation> {
    let recorded = [settled, new].map(|spec| serde_json::to_value(spec).unwrap_or_default());
    let text = |spec: &Value, property: &Property| match spec.get(property.name) {
        Some(Value::String(text)) => text.clone(),
        other => other.map(ToString::to_string).unwrap_or_default(),
    };
    let rejected = property::ALL.iter().filter(|it| it.change == Change::Rejected);
    let texts = rejected.map(|it| (it, text(&recorded[0], it), text(&recorded[1], it)));
    let changed = texts.filter(|(_, old, new)| old != new);
    let violation = |(property, old, new): (&&Property, String, String)| Violation {
        property: property.name.to_owned(),
        value: shown(&new),
        valid: format!(
            "it is {} and cannot change. Add a second resource with the new value, migrate to it, then remove this one",
            shown(&old)
        ),
    };
    changed.map(violation).collect()
}
