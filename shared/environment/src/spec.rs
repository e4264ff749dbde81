//! The checked properties of one environment.

mod reader;
mod scripts;
mod unknown;

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::alarm_action::{ActionKind, AlarmAction};
use crate::hook_settings::OnTimeout;
use crate::names::{Deployment, Names};
use crate::property::{self, Change, Default, Property};
use crate::resource::Tags;
use crate::retain::OnDelete;
use crate::spec::reader::Reader;
use crate::spec::unknown::unknown;

/// What is wanted, complete and checked. As JSON its keys are the properties' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Spec {
    /// The last part of every name; at most [`Names::longest_suffix`] bytes.
    pub environment_suffix: String,
    /// The value of the tag `Environment`, 1 to 128 characters; the suffix, where none is given.
    pub environment: String,
    /// In JSON its properties stand among the others.
    #[serde(flatten)]
    pub network: Network,
    /// Such as `t3.micro`. Whether it fits the image, EC2 says.
    pub instance_type: String,
    /// Exactly one of the two is there.
    pub image_id: Option<String>,
    /// The name of an SSM parameter that holds an image's id.
    pub image_parameter: Option<String>,
    /// GiB, 8 to 16,384.
    #[serde(rename = "RootVolumeGiB")]
    pub root_volume_gib: u32,
    /// Runs as root on each new instance; nothing means that only Envkeeper's own part runs.
    pub user_data_script: Option<String>,
    /// The fewest instances, 0 to 1,000.
    pub min_size: u32,
    /// The most instances, 0 to 1,000, and no fewer than `min_size`.
    pub max_size: u32,
    /// How many instances to begin with, within the two; `min_size`, where none is given.
    pub desired_capacity: u32,
    /// Whether a create is done only when `min_size` instances are in service.
    pub wait_for_instances: bool,
    /// Seconds after its start in which an instance is not judged, 0 to 7,200.
    pub health_check_grace_seconds: u32,
    /// At most 20 (`MOST_IN_A_LIST`); none means that EC2's health checks alone count.
    pub target_group_arns: Vec<String>,
    /// In JSON its properties stand among the others.
    #[serde(flatten)]
    pub hooks: Hooks,
    /// In JSON its properties stand among the others.
    #[serde(flatten)]
    pub scaling: Scaling,
    /// What Envkeeper does when alarms go off: at most 20 different rules.
    pub alarm_actions: Vec<AlarmAction>,
    /// Days: one of [`RETENTION_DAYS`](crate::property::RETENTION_DAYS).
    pub log_retention_days: u32,
    /// The key that encrypts logs, objects and volumes; nothing means the services' own.
    pub kms_key_arn: Option<String>,
    /// The policy that bounds the instances' role; nothing means that none does.
    pub permissions_boundary_arn: Option<String>,
    /// What becomes of the buckets when the environment is deleted.
    pub bucket_on_delete: OnDelete,
    /// Whether a delete is refused, by Envkeeper and by Auto Scaling.
    pub deletion_protection: bool,
    /// The user's own, at most 40; Envkeeper's are added.
    pub tags: Tags,
}

/// Where the instances are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    /// A private network, /16 to /25; its eight equal parts are the subnets.
    pub vpc_cidr: Ipv4Net,
    /// 1 to 3.
    pub zone_count: u32,
    /// How instances get out of a network of its own.
    pub egress: Egress,
    /// A network that was brought along, with the subnets to use: then the rest says nothing.
    pub vpc_id: Option<String>,
    /// Subnets of `vpc_id`, at most 20; none, where there is none.
    pub subnet_ids: Vec<String>,
}

/// What is done at both ends of an instance's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Hooks {
    /// `None`: wherever the deployment has the function that answers the hook.
    pub launch_gate: Option<bool>,
    /// Seconds in which a new instance has to be seen to be healthy, 60 to 7,200.
    pub launch_gate_seconds: u32,
    /// What then becomes of one that nobody could judge.
    pub launch_gate_on_timeout: OnTimeout,
    /// As of the other.
    pub terminate_drain: Option<bool>,
    /// Seconds that a drain may take, 30 to 28,800.
    pub drain_seconds: u32,
    /// Names of systemd units.
    pub drain_services: Vec<String>,
    /// Runs as root once the services are stopped; nothing means that there is none.
    pub drain_script: Option<String>,
}

/// When the group grows and shrinks, and by how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scaling {
    /// Percent.
    pub scale_up_cpu_threshold: u32,
    /// Percent; below the other.
    pub scale_down_cpu_threshold: u32,
    /// Seconds that the CPU alarms average over, 60 to 3,600; below 300 instances get detailed monitoring.
    pub alarm_period_seconds: u32,
    /// How many periods in a row it takes: within a day together, or a week for periods of an hour (the API reference
    /// of `PutMetricAlarm`).
    pub alarm_evaluation_periods: u32,
    /// How many instances more, 1 to 100.
    pub scale_up_adjustment: u32,
    /// How many instances fewer.
    pub scale_down_adjustment: u32,
    /// Seconds that the group rests after such a change, 0 to 86,400.
    pub cooldown_seconds: u32,
    /// An SNS topic that every alarm tells; nothing means that nobody is told.
    pub alarm_topic_arn: Option<String>,
}

/// How instances get out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Egress {
    /// Private subnets, and one NAT gateway for all zones.
    NatGateway,
    /// Private subnets, and a NAT gateway in each zone.
    NatGatewayPerZone,
    /// Private subnets that reach S3 and [`INTERFACE_SERVICES`](crate::INTERFACE_SERVICES), and nothing else.
    VpcEndpoints,
    /// Public subnets, where each instance has an address of its own.
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

/// What a property has where a template does not give it, by the property's name. Frozen in the record when an
/// environment is created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults(BTreeMap<String, String>);

impl Defaults {
    /// From environment variables, which `variable` looks up, and the table.
    pub fn from_vars(variable: impl Fn(&str) -> Option<String>) -> Self {
        let of = |property: &&Property| {
            let value = variable(property.variable).or(match property.default {
                Default::Is(value) => Some(value.to_owned()),
                Default::Required | Default::Absent(_) => None,
            });
            value.map(|value| (property.name.to_owned(), value))
        };
        Defaults(property::ALL.iter().filter_map(of).collect())
    }

    /// What was frozen may be older than a property: then the table's own default holds.
    fn get(&self, property: &Property) -> Option<&str> {
        let of_the_table = match property.default {
            Default::Is(value) => Some(value),
            Default::Required | Default::Absent(_) => None,
        };
        self.0.get(property.name).map(String::as_str).or(of_the_table)
    }
}

/// A property that can't be taken: which, what it was, and what would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// As a template writes it, with what it is within it: `AlarmActions[0].Capacity`.
    pub property: String,
    /// As it was given, shortened.
    pub value: String,
    /// What would do, to be read behind "is …:".
    pub valid: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.property, self.value, self.valid)
    }
}

impl Violation {
    fn of(property: &Property, value: &dyn fmt::Display, valid: String) -> Self {
        Violation { property: property.name.into(), value: value.to_string(), valid }
    }
}

/// What a message shows of a value: its first 60 characters.
pub(crate) fn shown(value: &str) -> String {
    let mut short: String = value.chars().take(60).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("\"{short}\"")
}

/// Whether a topic can be told by the function's role: of its own region and account. A FIFO topic wants more than a message.
fn is_own_topic(topic: &str, deployment: &Deployment) -> bool {
    let parts: Vec<&str> = topic.splitn(6, ':').collect();
    matches!(parts[..], [_, _, _, region, account, name]
        if region == deployment.region && account == deployment.account && name.strip_suffix(".fifo").is_none())
}

impl Spec {
    /// Reads and checks the properties of a request.
    ///
    /// # Errors
    /// Every violation at once.
    pub fn read(
        given: &Map<String, Value>,
        defaults: &Defaults,
        deployment: &Deployment,
    ) -> Result<Spec, Vec<Violation>> {
        Spec::read_after(None, given, defaults, deployment)
    }

    /// The same for an environment that has been `before`: what it has already may be of an older version that took more, and is
    /// not refused.
    ///
    /// # Errors
    /// As of [`Spec::read`].
    pub fn read_after(
        before: Option<&Spec>,
        given: &Map<String, Value>,
        defaults: &Defaults,
        deployment: &Deployment,
    ) -> Result<Spec, Vec<Violation>> {
        let mut reader = Reader { given, defaults, violations: unknown(given) };
        let spec = reader.spec();
        reader.network_of_its_own_and_brought_along();
        reader.another_boundary();
        let mut violations = reader.violations;
        if let Some(spec) = &spec {
            violations.extend(spec.inconsistencies(deployment));
            violations.extend(spec.scripts(deployment, before));
            violations.extend(spec.twin_tags(before));
        }
        match spec {
            Some(spec) if violations.is_empty() => Ok(spec),
            _ => Err(violations),
        }
    }

    /// Reads a spec that was written into a record, perhaps by an older version that knew fewer properties: those have
    /// what the frozen defaults say. What the properties say of each other was checked when they came in, by the rules
    /// of then. `None` if it can't be read at all.
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

    /// Where the image comes from: its id, or the parameter's name.
    #[must_use]
    pub fn image_source(&self) -> &str {
        self.image_id.as_deref().or(self.image_parameter.as_deref()).unwrap_or_default()
    }

    /// What the properties say of each other.
    fn inconsistencies(&self, deployment: &Deployment) -> Vec<Violation> {
        let parts = [
            self.sizes(),
            self.network.inconsistency(),
            self.scaling.inconsistencies(),
            self.actions_within_bounds(deployment),
            self.names_fit(deployment),
            self.of_other_regions(deployment),
        ];
        parts.into_iter().flatten().collect()
    }

    /// IAM has no regard to case, so it would refuse the role when half of the environment is there.
    fn twin_tags(&self, before: Option<&Spec>) -> Vec<Violation> {
        if before.is_some_and(|before| before.tags == self.tags) {
            return vec![];
        }
        let mut seen = BTreeMap::new();
        let duplicates = self.tags.keys().filter_map(|key| Some((seen.insert(key.to_lowercase(), key)?, key)));
        let valid = "keys that differ by more than their case, since IAM takes these for one";
        let told = |(one, other): (&String, &String)| {
            Violation::of(&property::TAGS, &format!("{} and {}", shown(one), shown(other)), valid.into())
        };
        duplicates.map(told).collect()
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

    /// A rule scales within the group's bounds, tells a topic that Envkeeper may tell, and is there once, by whatever name of its
    /// alarm.
    fn actions_within_bounds(&self, deployment: &Deployment) -> Vec<Violation> {
        let (names, rules) = (self.names(deployment), &self.alarm_actions);
        let sizes = self.min_size..=self.max_size;
        let twin = |at: usize, rule: &AlarmAction| {
            let same = |it: &AlarmAction| it.action == rule.action && it.alarm_name(&names) == rule.alarm_name(&names);
            rules[..at].iter().position(same)
        };
        let wrong = rules.iter().enumerate().filter_map(|(at, rule)| match &rule.action {
            ActionKind::ScaleTo(capacity) if !sizes.contains(capacity) => {
                let valid = format!("from MinSize to MaxSize, {} to {}", self.min_size, self.max_size);
                Some((format!("AlarmActions[{at}].Capacity"), capacity.to_string(), valid))
            }
            ActionKind::Notify(topic) if !is_own_topic(topic, deployment) => {
                let Deployment { region, account, .. } = deployment;
                let valid = format!(
                    "a standard topic of the region {region} and the account {account}, where the environment is"
                );
                Some((format!("AlarmActions[{at}].TopicArn"), shown(topic), valid))
            }
            _ => twin(at, rule).map(|first| {
                let valid = format!("another alarm, or another action: AlarmActions[{first}] is the same rule");
                (format!("AlarmActions[{at}].Alarm"), shown(&rule.alarm), valid)
            }),
        });
        wrong.map(|(property, value, valid)| Violation { property, value, valid }).collect()
    }

    fn names_fit(&self, deployment: &Deployment) -> Vec<Violation> {
        let (longest, tightest) = self.names(deployment).longest_suffix();
        if self.environment_suffix.len() <= longest {
            return vec![];
        }
        let valid = format!("at most {longest} characters, so that {tightest} keeps to its service's limit");
        vec![Violation::of(&property::ENVIRONMENT_SUFFIX, &shown(&self.environment_suffix), valid)]
    }

    /// What has a region works with instances, alarms and logs of the same region only.
    fn of_other_regions(&self, deployment: &Deployment) -> Vec<Violation> {
        let one =
            [(&property::KMS_KEY_ARN, &self.kms_key_arn), (&property::ALARM_TOPIC_ARN, &self.scaling.alarm_topic_arn)];
        let one = one.into_iter().filter_map(|(property, arn)| Some((property, arn.as_ref()?)));
        let all = one.chain(self.target_group_arns.iter().map(|arn| (&property::TARGET_GROUP_ARNS, arn)));
        let of_another = all.filter(|(_, arn)| arn.split(':').nth(3).is_some_and(|region| region != deployment.region));
        let valid = || format!("one of the region {}, where the environment is", deployment.region);
        of_another.map(|(property, arn)| Violation::of(property, &shown(arn), valid())).collect()
    }
}

impl Network {
    fn inconsistency(&self) -> Vec<Violation> {
        let valid = |other: &str| format!("give {other} too, or neither");
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
        let mut found = Vec::new();
        if self.scale_down_cpu_threshold >= self.scale_up_cpu_threshold {
            let valid = format!("less than ScaleUpCpuThreshold, which is {}", self.scale_up_cpu_threshold);
            found.push(Violation::of(&property::SCALE_DOWN_CPU, &self.scale_down_cpu_threshold, valid));
        }
        let longest = if self.alarm_period_seconds < 3600 { DAY } else { 7 * DAY };
        if self.alarm_period_seconds * self.alarm_evaluation_periods > longest {
            let valid = format!(
                "at most {}, since CloudWatch looks back {longest} s and AlarmPeriodSeconds is {}",
                longest / self.alarm_period_seconds,
                self.alarm_period_seconds
            );
            found.push(Violation::of(&property::ALARM_EVALUATION_PERIODS, &self.alarm_evaluation_periods, valid));
        }
        found
    }
}

/// Seconds. Periods of less than an hour may span a day together, longer ones a week (the API reference of
/// `PutMetricAlarm`).
const DAY: u32 = 86_400;

/// What an update may not change, by the table.
#[must_use]
pub fn check_change(settled: &Spec, new: &Spec) -> Vec<Violation> {
    let text =
        |spec: &Spec, property: &Property| match serde_json::to_value(spec).unwrap_or_default().get(property.name) {
            Some(Value::String(text)) => text.clone(),
            other => other.map(ToString::to_string).unwrap_or_default(),
        };
    let rejected = property::ALL.iter().filter(|it| it.change == Change::Rejected);
    let changed = rejected.map(|it| (it, text(settled, it), text(new, it))).filter(|(_, old, new)| old != new);
    let violation = |(property, old, new): (&&Property, String, String)| Violation {
        property: property.name.to_owned(),
        value: shown(&new),
        valid: format!(
            "it is {} and cannot change. Add a second resource with what you want, move over, then remove this one",
            shown(&old)
        ),
    };
    changed.map(violation).collect()
}
