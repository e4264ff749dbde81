//! Parses the properties of a request, and collects every violation.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Defaults, Egress, Hooks, Network, Scaling, Spec, Violation};
use crate::input::alarm_action::{AlarmAction, BadField};
use crate::input::forms::{MAX_LIST_LENGTH, counted, form, shown, shown_name, whole};
use crate::input::property::{self, Default, MAX_TAG_KEY, MAX_TAG_VALUE, Property, tag_length};
use crate::input::rollout_settings::{RolloutMode, RolloutSettings, RolloutWait};
use crate::model::hook_settings::OnTimeout;
use crate::model::key::Tags;
use crate::model::on_delete::OnDelete;
use crate::model::script::Script;

/// Parses one property after another, and collects the violations.
pub(super) struct Reader<'a> {
    pub given: &'a Map<String, Value>,
    pub defaults: &'a Defaults,
    pub violations: Vec<Violation>,
}

impl Reader<'_> {
    pub fn spec(&mut self) -> Option<Spec> {
        let suffix = self.text(&property::ENVIRONMENT_SUFFIX);
        let environment = self.text(&property::ENVIRONMENT);
        let network = self.network();
        let instance_type = self.text(&property::INSTANCE_TYPE);
        let (image_id, image_parameter) = self.image();
        let root_volume_gib = self.whole(&property::ROOT_VOLUME_GIB);
        let user_data_script = self.text(&property::USER_DATA_SCRIPT).map(Script::from);
        let parameter_paths = self.list(&property::PARAMETER_PATHS);
        let min_size = self.whole(&property::MIN_SIZE);
        let max_size = self.whole(&property::MAX_SIZE);
        let desired_capacity = self.whole(&property::DESIRED_CAPACITY);
        let wait_for_instances = self.truth(&property::WAIT_FOR_INSTANCES);
        let health_check_grace_seconds = self.whole(&property::HEALTH_CHECK_GRACE_SECONDS);
        let target_group_arns = self.list(&property::TARGET_GROUP_ARNS);
        let rollout = self.rollout();
        let hooks = self.hooks();
        let scaling = self.scaling();
        let alarm_actions = self.alarm_actions();
        let log_retention_days = self.whole(&property::LOG_RETENTION_DAYS);
        let kms_key_arn = self.text(&property::KMS_KEY_ARN);
        let permissions_boundary_arn = self.text(&property::PERMISSIONS_BOUNDARY_ARN);
        let bucket_on_delete = self.text(&property::BUCKET_ON_DELETE);
        let deletion_protection = self.truth(&property::DELETION_PROTECTION);
        let tags = self.tags();
        Some(Spec {
            environment: environment.or_else(|| suffix.clone())?,
            environment_suffix: suffix?,
            network: network?,
            instance_type: instance_type?,
            image_id,
            image_parameter,
            root_volume_gib: root_volume_gib?,
            user_data_script,
            parameter_paths,
            min_size: min_size?,
            max_size: max_size?,
            desired_capacity: desired_capacity.or(min_size)?,
            wait_for_instances: wait_for_instances?,
            health_check_grace_seconds: health_check_grace_seconds?,
            target_group_arns,
            rollout: rollout?,
            hooks: hooks?,
            scaling: scaling?,
            alarm_actions,
            log_retention_days: log_retention_days?,
            kms_key_arn,
            permissions_boundary_arn,
            bucket_on_delete: OnDelete::of(Some(&bucket_on_delete?)),
            deletion_protection: deletion_protection?,
            tags,
        })
    }

    fn network(&mut self) -> Option<Network> {
        let vpc_cidr = self.text(&property::VPC_CIDR).and_then(|text| property::network(&text));
        let zone_count = self.whole(&property::ZONE_COUNT);
        let egress = self.text(&property::EGRESS).and_then(|text| Egress::of(&text));
        let vpc_id = self.text(&property::VPC_ID);
        let subnet_ids = self.list(&property::SUBNET_IDS);
        Some(Network { vpc_cidr: vpc_cidr?, zone_count: zone_count?, egress: egress?, vpc_id, subnet_ids })
    }

    fn rollout(&mut self) -> Option<RolloutSettings> {
        let mode = self.text(&property::ROLLOUT);
        let min_healthy_percentage = self.whole(&property::MIN_HEALTHY_PERCENTAGE);
        let max_healthy_percentage = self.whole(&property::MAX_HEALTHY_PERCENTAGE);
        let canary_percentage = self.whole(&property::CANARY_PERCENTAGE);
        let bake_seconds = self.whole(&property::BAKE_SECONDS);
        let instance_warmup_seconds = self.whole(&property::INSTANCE_WARMUP_SECONDS);
        let alarms = self.list(&property::ROLLOUT_ALARMS);
        let wait = self.text(&property::ROLLOUT_WAIT);
        Some(RolloutSettings {
            mode: RolloutMode::of(&mode?),
            min_healthy_percentage: min_healthy_percentage?,
            max_healthy_percentage: max_healthy_percentage?,
            canary_percentage: canary_percentage?,
            bake_seconds: bake_seconds?,
            instance_warmup_seconds: instance_warmup_seconds?,
            alarms,
            wait: RolloutWait::of(&wait?),
        })
    }

    fn hooks(&mut self) -> Option<Hooks> {
        let launch_gate = self.truth(&property::LAUNCH_GATE);
        let launch_gate_seconds = self.whole(&property::LAUNCH_GATE_SECONDS);
        let launch_gate_on_timeout = self.text(&property::LAUNCH_GATE_ON_TIMEOUT);
        let terminate_drain = self.truth(&property::TERMINATE_DRAIN);
        let drain_seconds = self.whole(&property::DRAIN_SECONDS);
        let drain_services = self.list(&property::DRAIN_SERVICES);
        let drain_script = self.text(&property::DRAIN_SCRIPT).map(Script::from);
        Some(Hooks {
            launch_gate,
            launch_gate_seconds: launch_gate_seconds?,
            launch_gate_on_timeout: OnTimeout::of(&launch_gate_on_timeout?),
            terminate_drain,
            drain_seconds: drain_seconds?,
            drain_services,
            drain_script,
        })
    }

    fn scaling(&mut self) -> Option<Scaling> {
        let scale_up_cpu_threshold = self.whole(&property::SCALE_UP_CPU);
        let scale_down_cpu_threshold = self.whole(&property::SCALE_DOWN_CPU);
        let alarm_period_seconds = self.whole(&property::ALARM_PERIOD_SECONDS);
        let alarm_evaluation_periods = self.whole(&property::ALARM_EVALUATION_PERIODS);
        let scale_up_adjustment = self.whole(&property::SCALE_UP_ADJUSTMENT);
        let scale_down_adjustment = self.whole(&property::SCALE_DOWN_ADJUSTMENT);
        let cooldown_seconds = self.whole(&property::COOLDOWN_SECONDS);
        let alarm_topic_arn = self.text(&property::ALARM_TOPIC_ARN);
        Some(Scaling {
            scale_up_cpu_threshold: scale_up_cpu_threshold?,
            scale_down_cpu_threshold: scale_down_cpu_threshold?,
            alarm_period_seconds: alarm_period_seconds?,
            alarm_evaluation_periods: alarm_evaluation_periods?,
            scale_up_adjustment: scale_up_adjustment?,
            scale_down_adjustment: scale_down_adjustment?,
            cooldown_seconds: cooldown_seconds?,
            alarm_topic_arn,
        })
    }

    /// Rejects the properties of a managed network if the request or the defaults set an existing network.
    pub fn reject_managed_network_properties(&mut self) {
        let given = |property: &Property| self.given.contains_key(property.name);
        if !given(&property::VPC_ID) && self.defaults.get(&property::VPC_ID).is_none() {
            return;
        }
        let managed = [&property::VPC_CIDR, &property::ZONE_COUNT, &property::EGRESS];
        let given: Vec<_> = managed.into_iter().filter(|it| given(it)).collect();
        for property in given {
            let value = form(&self.given[property.name]);
            self.violated(
                property,
                value,
                "it cannot be set together with VpcId, from the template or from the function's default: the existing network replaces it"
                    .into(),
            );
        }
    }

    /// Rejects another permissions boundary if the deployment has one: its reconciler may create roles only with that
    /// boundary.
    pub fn reject_other_boundary(&mut self) {
        let property = &property::PERMISSIONS_BOUNDARY_ARN;
        let Some(required) = self.defaults.get(property).map(str::to_owned) else { return };
        let given = self.given.get(property.name).and_then(Value::as_str).filter(|given| *given != required);
        if let Some(given) = given {
            let valid = format!(
                "omit it, or deploy Envkeeper with it: roles of this deployment always have the boundary {required}"
            );
            self.violated(property, property.value_type.described(given), valid);
        }
    }

    fn truth(&mut self, property: &Property) -> Option<bool> {
        self.text(property).map(|text| text == "true")
    }

    /// The elements of a list, or of a comma-separated text.
    fn list(&mut self, property: &Property) -> Vec<String> {
        self.text(property).and_then(|text| property::listed(&text)).unwrap_or_default()
    }

    /// The text of the property, from the request or the defaults, if it is valid.
    fn text(&mut self, property: &Property) -> Option<String> {
        let (text, source) = match self.given.get(property.name) {
            Some(Value::String(text)) => (text.clone(), ""),
            Some(Value::Number(number)) => (number.to_string(), ""),
            Some(Value::Bool(truth)) => (truth.to_string(), ""),
            Some(Value::Array(all)) if property.value_type.is_list() && all.iter().all(Value::is_string) => {
                (all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","), "")
            }
            Some(other) => {
                let hint = if other.is_null() { "omit the property to use its default, or set " } else { "" };
                self.violated(property, form(other), format!("{hint}{}", property.value_type.valid()));
                return None;
            }
            None => match (self.defaults.get(property), &property.default) {
                (Some(text), _) => (text.to_owned(), " from the function's default"),
                (None, Default::Required) => {
                    self.violated(property, "missing".into(), property.value_type.valid());
                    return None;
                }
                (None, _) => return None,
            },
        };
        if property.value_type.admits(&text) {
            return Some(text);
        }
        let value = property.value_type.described(&text);
        self.violated(property, format!("{value}{source}"), property.value_type.valid());
        None
    }

    fn whole(&mut self, property: &Property) -> Option<u32> {
        self.text(property).and_then(|text| whole(&text))
    }

    /// The image id and the SSM parameter. A given id replaces the default of the parameter.
    fn image(&mut self) -> (Option<String>, Option<String>) {
        let id = self.text(&property::IMAGE_ID);
        let both = [&property::IMAGE_ID, &property::IMAGE_PARAMETER];
        if both.iter().all(|property| self.given.contains_key(property.name)) {
            let value = form(&self.given[property::IMAGE_ID.name]);
            self.violated(&property::IMAGE_ID, value, "only one of ImageId and ImageParameter can be set".into());
        }
        if id.is_some() && !self.given.contains_key(property::IMAGE_PARAMETER.name) {
            return (id, None);
        }
        (None, self.text(&property::IMAGE_PARAMETER))
    }

    fn tags(&mut self) -> Tags {
        let property = &property::TAGS;
        let given = match self.given.get(property.name) {
            Some(value) => value.clone(),
            None => match self.defaults.get(property).map(serde_json::from_str) {
                None => return Tags::new(),
                Some(Ok(value)) => value,
                Some(Err(_)) => Value::Null,
            },
        };
        let Some(tags) = tags_of(&given) else {
            self.violated(property, form(&given), property.value_type.valid());
            return Tags::new();
        };
        let invalid = tags.iter().filter(|(key, value)| !tag_is_valid(key, value));
        let invalid: Vec<String> = invalid.map(|(key, _)| shown_name(key)).collect();
        if !invalid.is_empty() {
            let value = format!("not valid at {}", first_of(&invalid));
            self.violated(property, value, property.value_type.valid());
        }
        if tags.len() > property::MAX_TAGS {
            self.violated(property, counted(tags.len(), "tag"), property.value_type.valid());
        }
        tags
    }

    /// The rules, as a list. An environment variable contains them as JSON.
    fn alarm_actions(&mut self) -> Vec<AlarmAction> {
        let property = &property::ALARM_ACTIONS;
        let given = match self.given.get(property.name) {
            Some(value) => value.clone(),
            None => match self.defaults.get(property).map(serde_json::from_str) {
                None => return Vec::new(),
                Some(value) => value.unwrap_or_default(),
            },
        };
        let Some(list) = given.as_array().filter(|list| list.len() <= MAX_LIST_LENGTH) else {
            self.violated(property, form(&given), property.value_type.valid());
            return Vec::new();
        };
        let mut rules: Vec<AlarmAction> = Vec::new();
        for (at, rule) in list.iter().enumerate() {
            let Some(fields) = rule.as_object() else {
                self.violated_in(format!("AlarmActions[{at}]"), form(rule), property.value_type.valid());
                continue;
            };
            match AlarmAction::read(fields) {
                Ok(rule) if rules.iter().any(|it| it.id() == rule.id()) => {
                    self.violated_in(
                        format!("AlarmActions[{at}]"),
                        shown(&rule.id()),
                        "a rule that the list does not already contain".into(),
                    );
                }
                Ok(rule) => rules.push(rule),
                Err(fields) => {
                    for BadField { field, value, valid } in fields {
                        let dot = if field.is_empty() { "" } else { "." };
                        self.violated_in(format!("AlarmActions[{at}]{dot}{field}"), value, valid);
                    }
                }
            }
        }
        rules
    }

    /// The names of the properties with a violation.
    pub fn invalid_properties(&self) -> BTreeSet<&'static str> {
        // A violation inside a property has its path.
        let is_of = |path: &str, name: &str| {
            path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        };
        let is_invalid = |property: &&Property| self.violations.iter().any(|it| is_of(&it.property, property.name));
        property::ALL.iter().copied().filter(is_invalid).map(|it| it.name).collect()
    }

    fn violated_in(&mut self, property: String, value: String, valid: String) {
        self.violations.push(Violation { property, value, valid });
    }

    fn violated(&mut self, property: &Property, value: String, valid: String) {
        self.violations.push(Violation { property: property.name.to_owned(), value, valid });
    }
}

/// Parses tags from a map, or from `CloudFormation`'s list of `Key` and `Value`.
fn tags_of(value: &Value) -> Option<Tags> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| Some((key.clone(), scalar(value)?))).collect(),
        Value::Array(list) => {
            let tags: Tags = list
                .iter()
                .map(|tag| Some((scalar(tag.get("Key")?)?, scalar(tag.get("Value")?)?)))
                .collect::<Option<Tags>>()?;
            (tags.len() == list.len()).then_some(tags)
        }
        _ => None,
    }
}

/// The first names of a list, and the number of the others.
fn first_of(names: &[String]) -> String {
    let (first, others) = names.split_at(names.len().min(MAX_NAMED));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{}{more}", first.join(", "))
}

/// The most names in one message.
const MAX_NAMED: usize = 5;

/// S3 counts the characters of a tag in UTF-16 units: 129 letters beyond the Basic Multilingual Plane are 258 (recorded on
/// AWS, September 2026: stackd 9dc356f5, `s3/bucket_tags:put-value-astral-letter-129`). Every resource gets the same tags, so
/// the narrowest limit applies to all.
pub(super) fn tag_is_valid(key: &str, value: &str) -> bool {
    let sized = (1..=MAX_TAG_KEY).contains(&tag_length(key)) && tag_length(value) <= MAX_TAG_VALUE;
    let trimmed = |text: &str| text.trim() == text;
    sized
        && trimmed(key)
        && trimmed(value)
        && !crate::model::mark::is_mark(key)
        && key.chars().chain(value.chars()).all(property::is_tag_character)
}
