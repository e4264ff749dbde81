//! The checked properties of one environment.

mod defaults;
mod reader;
mod rules;
mod scripts;
mod unknown;

use std::collections::BTreeSet;
use std::fmt;

use ipnet::Ipv4Net;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::input::alarm_action::AlarmAction;
use crate::input::forms::shown;
use crate::input::property::{self, Change, Property};
use crate::input::rollout_settings::RolloutSettings;
use crate::input::spec::reader::Reader;
use crate::input::spec::rules::Surroundings;
use crate::input::spec::unknown::unknown;
use crate::model::hook_settings::OnTimeout;
use crate::model::key::Tags;
use crate::model::names::{Deployment, Names};
use crate::model::on_delete::OnDelete;
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
        let (spec, violations) = checked(given, &BTreeSet::new(), defaults, &Surroundings { deployment, before });
        spec.filter(|_| violations.is_empty()).ok_or(violations)
    }

    /// Like [`Spec::read`], for properties of which some have no value yet, such as the result of an intrinsic function in
    /// a template. `unresolved` has their names, and `given` does not contain them. Neither they nor the rules that read
    /// them are checked. In the spec they have the table's defaults.
    ///
    /// # Errors
    /// All violations together, as in [`Spec::read`].
    pub fn read_partial(
        given: &Map<String, Value>,
        unresolved: &BTreeSet<&str>,
        defaults: &Defaults,
        deployment: &Deployment,
    ) -> Result<Spec, Vec<Violation>> {
        let (spec, violations) = checked(given, unresolved, defaults, &Surroundings { deployment, before: None });
        spec.filter(|_| violations.is_empty()).ok_or(violations)
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
}

/// The spec of the valid properties, and all violations except those of unresolved properties.
fn checked(
    given: &Map<String, Value>,
    unresolved: &BTreeSet<&str>,
    defaults: &Defaults,
    surroundings: &Surroundings<'_>,
) -> (Option<Spec>, Vec<Violation>) {
    let mut reader = Reader { given, defaults, violations: unknown(given) };
    let spec = reader.spec();
    let mut invalid = reader.invalid_properties();
    reader.violations.retain(|it| !unresolved.contains(it.property.as_str()));
    invalid.extend(unresolved);
    let readable = if invalid.is_empty() { spec } else { spec_without(&invalid, given, defaults) };
    reader.reject_managed_network_properties();
    reader.reject_other_boundary();
    let mut violations = reader.violations;
    if let Some(readable) = &readable {
        violations.extend(rules::violations(readable, &invalid, surroundings));
    }
    (readable, violations)
}

/// The spec of the valid properties: an invalid one has the table's default, so that the rules between all others can be
/// checked. A missing suffix has a valid one in its place.
fn spec_without(invalid: &BTreeSet<&str>, given: &Map<String, Value>, defaults: &Defaults) -> Option<Spec> {
    let is_valid = |name: &str| !invalid.contains(name);
    let mut given: Map<String, Value> =
        given.iter().filter(|(name, _)| is_valid(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    given.entry(property::ENVIRONMENT_SUFFIX.name).or_insert_with(|| Value::from("suffix"));
    let defaults = defaults.without(invalid);
    Reader { given: &given, defaults: &defaults, violations: vec![] }.spec()
}

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
