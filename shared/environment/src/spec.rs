//! The checked properties of one environment.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::{Names, Place};
use crate::property::{self, Change, Default, Property};
use crate::resource::Tags;
use crate::retain::OnDelete;
use crate::user_data::{LONGEST_USER_DATA, USER_SCRIPT_END, user_data};

/// What is wanted, complete and checked. As JSON its keys are the properties' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Spec {
    pub environment_suffix: String,
    pub environment: String,
    pub vpc_cidr: Ipv4Net,
    /// 1 to 3.
    pub zone_count: u32,
    pub egress: Egress,
    /// A network that was brought along, with the subnets to use.
    pub vpc_id: Option<String>,
    pub subnet_ids: Vec<String>,
    pub instance_type: String,
    /// Exactly one of the two is there.
    pub image_id: Option<String>,
    pub image_parameter: Option<String>,
    #[serde(rename = "RootVolumeGiB")]
    pub root_volume_gib: u32,
    pub user_data_script: Option<String>,
    pub min_size: u32,
    pub max_size: u32,
    pub desired_capacity: u32,
    pub wait_for_instances: bool,
    pub health_check_grace_seconds: u32,
    pub target_group_arns: Vec<String>,
    /// `None`: wherever the deployment has the function that answers the hook.
    pub launch_gate: Option<bool>,
    pub terminate_drain: Option<bool>,
    /// Percent.
    pub scale_up_cpu_threshold: u32,
    pub scale_down_cpu_threshold: u32,
    pub alarm_period_seconds: u32,
    pub alarm_evaluation_periods: u32,
    pub scale_up_adjustment: u32,
    /// How many instances fewer.
    pub scale_down_adjustment: u32,
    pub cooldown_seconds: u32,
    pub alarm_topic_arn: Option<String>,
    pub log_retention_days: u32,
    pub kms_key_arn: Option<String>,
    pub permissions_boundary_arn: Option<String>,
    pub bucket_on_delete: OnDelete,
    pub deletion_protection: bool,
    pub tags: Tags,
}

/// How instances get out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Egress {
    NatGateway,
    NatGatewayPerZone,
    VpcEndpoints,
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
    pub property: String,
    /// As it was given, shortened.
    pub value: String,
    pub valid: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.property, self.value, self.valid)
    }
}

/// What a message shows of a value: its first 60 characters.
fn shown(value: &str) -> String {
    let mut short: String = value.chars().take(60).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("\"{short}\"")
}

impl Spec {
    /// Reads and checks the properties of a request.
    ///
    /// # Errors
    /// Every violation at once.
    pub fn read(
        given: &Map<String, Value>,
        defaults: &Defaults,
        place: &Place,
    ) -> Result<Spec, Vec<Violation>> {
        let mut reader = Reader { given, defaults, violations: unknown(given) };
        let spec = reader.spec();
        reader.network_of_its_own_and_brought_along();
        let mut violations = reader.violations;
        if let Some(spec) = &spec {
            violations.extend(spec.inconsistencies(place));
        }
        match spec {
            Some(spec) if violations.is_empty() => Ok(spec),
            _ => Err(violations),
        }
    }

    /// Reads a spec that was written into a record, perhaps by an older version that knew fewer properties: those have
    /// what the frozen defaults say. `None` if it can't be read at all.
    #[must_use]
    pub fn recorded(record: &Value, frozen: &Defaults, place: &Place) -> Option<Spec> {
        let given = record.as_object()?.iter();
        let given = given.filter(|(_, value)| !value.is_null() && **value != Value::Array(vec![]));
        let given: Map<String, Value> = given.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut reader = Reader { given: &given, defaults: frozen, violations: vec![] };
        reader.spec().filter(|spec| spec.inconsistencies(place).is_empty())
    }

    #[must_use]
    pub fn names(&self, place: &Place) -> Names {
        place.names(&self.environment_suffix)
    }

    /// Where the image comes from: its id, or the parameter's name.
    #[must_use]
    pub fn image_source(&self) -> &str {
        self.image_id.as_deref().or(self.image_parameter.as_deref()).unwrap_or_default()
    }

    /// What the properties say of each other.
    fn inconsistencies(&self, place: &Place) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut violation = |property: &Property, value: &dyn fmt::Display, valid: String| {
            found.push(Violation { property: property.name.into(), value: value.to_string(), valid });
        };
        if self.min_size > self.max_size {
            let valid = format!("at most MaxSize, which is {}", self.max_size);
            violation(&property::MIN_SIZE, &self.min_size, valid);
        } else if !(self.min_size..=self.max_size).contains(&self.desired_capacity) {
            let valid = format!("from MinSize to MaxSize, {} to {}", self.min_size, self.max_size);
            violation(&property::DESIRED_CAPACITY, &self.desired_capacity, valid);
        }
        match (&self.vpc_id, self.subnet_ids.is_empty()) {
            (Some(vpc), true) => violation(&property::VPC_ID, &shown(vpc), "give SubnetIds too, or neither".into()),
            (None, false) => {
                let subnets = shown(&self.subnet_ids.join(","));
                violation(&property::SUBNET_IDS, &subnets, "give VpcId too, or neither".into());
            }
            _ => {}
        }
        if self.scale_down_cpu_threshold >= self.scale_up_cpu_threshold {
            let valid = format!("less than ScaleUpCpuThreshold, which is {}", self.scale_up_cpu_threshold);
            violation(&property::SCALE_DOWN_CPU, &self.scale_down_cpu_threshold, valid);
        }
        let longest_alarm = if self.alarm_period_seconds < 3600 { DAY } else { 7 * DAY };
        if self.alarm_period_seconds * self.alarm_evaluation_periods > longest_alarm {
            let valid = format!(
                "at most {}, since CloudWatch looks back {longest_alarm} s and AlarmPeriodSeconds is {}",
                longest_alarm / self.alarm_period_seconds,
                self.alarm_period_seconds
            );
            violation(&property::ALARM_EVALUATION_PERIODS, &self.alarm_evaluation_periods, valid);
        }
        let (longest, tightest) = self.names(place).longest_suffix();
        if self.environment_suffix.len() > longest {
            let valid = format!("at most {longest} characters, so that {tightest} keeps to its service's limit");
            violation(&property::ENVIRONMENT_SUFFIX, &shown(&self.environment_suffix), valid);
        }
        let script = self.user_data_script.as_deref().unwrap_or_default();
        if script.lines().any(|line| line == USER_SCRIPT_END) {
            let valid = format!("without a line that is just {USER_SCRIPT_END}, which ends it in the user data");
            violation(&property::USER_DATA_SCRIPT, &shown(script), valid);
        }
        let all = user_data(&self.names(place), self.user_data_script.as_deref()).len();
        if all > LONGEST_USER_DATA {
            let room = (LONGEST_USER_DATA + script.len()).saturating_sub(all);
            let valid = format!(
                "at most {room} bytes: AWS takes {LONGEST_USER_DATA} bytes of user data, and Envkeeper's own part needs the rest"
            );
            violation(&property::USER_DATA_SCRIPT, &format!("{} bytes long", script.len()), valid);
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
    let refused = property::ALL.iter().filter(|it| it.change == Change::Refused);
    let changed = refused.map(|it| (it, text(settled, it), text(new, it))).filter(|(_, old, new)| old != new);
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

fn unknown(given: &Map<String, Value>) -> Vec<Violation> {
    let known = |name: &str| {
        property::CLOUDFORMATION_OWN.contains(&name) || property::ALL.iter().any(|property| property.name == name)
    };
    let violation = |(name, value): (&String, &Value)| Violation {
        property: shown(name).trim_matches('"').to_owned(),
        value: value.as_str().map_or_else(|| shown(&value.to_string()), shown),
        valid: match nearest(name) {
            Some(nearest) => format!("there is no such property; did you mean {nearest}?"),
            None => String::from("there is no such property"),
        },
    };
    given.iter().filter(|(name, _)| !known(name)).map(violation).collect()
}

/// The known name that looks most like this one, if one does: at least 0.8 on Jaro and Winkler's scale, at which
/// dropped, swapped and added letters still match, and other words don't.
fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let scored = property::ALL.iter().map(|property| (likeness(property.name), property.name));
    scored.filter(|(likeness, _)| *likeness >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Takes property after property, and notes what is wrong.
struct Reader<'a> {
    given: &'a Map<String, Value>,
    defaults: &'a Defaults,
    violations: Vec<Violation>,
}

impl Reader<'_> {
    fn spec(&mut self) -> Option<Spec> {
        let suffix = self.text(&property::ENVIRONMENT_SUFFIX);
        let environment = self.text(&property::ENVIRONMENT);
        let vpc_cidr = self.text(&property::VPC_CIDR).and_then(|text| property::network(&text));
        let zone_count = self.whole(&property::ZONE_COUNT);
        let egress = self.text(&property::EGRESS).and_then(|text| Egress::of(&text));
        let vpc_id = self.text(&property::VPC_ID);
        let subnet_ids = self.list(&property::SUBNET_IDS);
        let instance_type = self.text(&property::INSTANCE_TYPE);
        let (image_id, image_parameter) = self.image();
        let root_volume_gib = self.whole(&property::ROOT_VOLUME_GIB);
        let user_data_script = self.text(&property::USER_DATA_SCRIPT);
        let min_size = self.whole(&property::MIN_SIZE);
        let max_size = self.whole(&property::MAX_SIZE);
        let desired_capacity = self.whole(&property::DESIRED_CAPACITY);
        let wait_for_instances = self.truth(&property::WAIT_FOR_INSTANCES);
        let health_check_grace_seconds = self.whole(&property::HEALTH_CHECK_GRACE_SECONDS);
        let target_group_arns = self.list(&property::TARGET_GROUP_ARNS);
        let launch_gate = self.truth(&property::LAUNCH_GATE);
        let terminate_drain = self.truth(&property::TERMINATE_DRAIN);
        let scale_up_cpu_threshold = self.whole(&property::SCALE_UP_CPU);
        let scale_down_cpu_threshold = self.whole(&property::SCALE_DOWN_CPU);
        let alarm_period_seconds = self.whole(&property::ALARM_PERIOD_SECONDS);
        let alarm_evaluation_periods = self.whole(&property::ALARM_EVALUATION_PERIODS);
        let scale_up_adjustment = self.whole(&property::SCALE_UP_ADJUSTMENT);
        let scale_down_adjustment = self.whole(&property::SCALE_DOWN_ADJUSTMENT);
        let cooldown_seconds = self.whole(&property::COOLDOWN_SECONDS);
        let alarm_topic_arn = self.text(&property::ALARM_TOPIC_ARN);
        let log_retention_days = self.whole(&property::LOG_RETENTION_DAYS);
        let kms_key_arn = self.text(&property::KMS_KEY_ARN);
        let permissions_boundary_arn = self.text(&property::PERMISSIONS_BOUNDARY_ARN);
        let bucket_on_delete = self.text(&property::BUCKET_ON_DELETE);
        let deletion_protection = self.truth(&property::DELETION_PROTECTION);
        let tags = self.tags();
        Some(Spec {
            environment: environment.or_else(|| suffix.clone())?,
            environment_suffix: suffix?,
            vpc_cidr: vpc_cidr?,
            zone_count: zone_count?,
            egress: egress?,
            vpc_id,
            subnet_ids,
            instance_type: instance_type?,
            image_id,
            image_parameter,
            root_volume_gib: root_volume_gib?,
            user_data_script,
            min_size: min_size?,
            max_size: max_size?,
            desired_capacity: desired_capacity.or(min_size)?,
            wait_for_instances: wait_for_instances?,
            health_check_grace_seconds: health_check_grace_seconds?,
            target_group_arns,
            launch_gate,
            terminate_drain,
            scale_up_cpu_threshold: scale_up_cpu_threshold?,
            scale_down_cpu_threshold: scale_down_cpu_threshold?,
            alarm_period_seconds: alarm_period_seconds?,
            alarm_evaluation_periods: alarm_evaluation_periods?,
            scale_up_adjustment: scale_up_adjustment?,
            scale_down_adjustment: scale_down_adjustment?,
            cooldown_seconds: cooldown_seconds?,
            alarm_topic_arn,
            log_retention_days: log_retention_days?,
            kms_key_arn,
            permissions_boundary_arn,
            bucket_on_delete: OnDelete::of(Some(&bucket_on_delete?)),
            deletion_protection: deletion_protection?,
            tags,
        })
    }

    /// Of a network that is brought along nothing else can be said.
    fn network_of_its_own_and_brought_along(&mut self) {
        let given = |property: &Property| self.given.contains_key(property.name);
        let shown_of = |property: &Property| shown(&self.given[property.name].to_string());
        let mut found = Vec::new();
        if given(&property::VPC_ID) {
            let of_its_own = [&property::VPC_CIDR, &property::ZONE_COUNT, &property::EGRESS];
            let given = of_its_own.into_iter().filter(|it| given(it));
            found.extend(given.map(|it| (it, "it cannot be given with VpcId: that network's own holds")));
        }
        let found: Vec<_> = found.into_iter().map(|(of, valid)| (of, shown_of(of), valid.to_owned())).collect();
        found.into_iter().for_each(|(property, value, valid)| self.violated(property, value, valid));
    }

    fn truth(&mut self, property: &Property) -> Option<bool> {
        self.text(property).map(|text| text == "true")
    }

    /// A list, or its elements separated by commas.
    fn list(&mut self, property: &Property) -> Vec<String> {
        self.text(property).and_then(|text| property::listed(&text)).unwrap_or_default()
    }

    /// The property's text, given or by default, if it is valid.
    fn text(&mut self, property: &Property) -> Option<String> {
        let (text, source) = match self.given.get(property.name) {
            Some(Value::String(text)) => (text.clone(), ""),
            Some(Value::Number(number)) => (number.to_string(), ""),
            Some(Value::Bool(truth)) => (truth.to_string(), ""),
            Some(Value::Array(all)) if property.takes.is_list() && all.iter().all(Value::is_string) => {
                (all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","), "")
            }
            Some(other) => {
                let of = if other.is_null() { "leave the property out to have its default, or give " } else { "" };
                self.violated(property, shown(&other.to_string()), format!("{of}{}", property.takes.valid()));
                return None;
            }
            None => match (self.defaults.get(property), &property.default) {
                (Some(text), _) => (text.to_owned(), " by the function's default"),
                (None, Default::Required) => {
                    self.violated(property, "missing".into(), property.takes.valid());
                    return None;
                }
                (None, _) => return None,
            },
        };
        if property.takes.admits(&text) {
            return Some(text);
        }
        self.violated(property, format!("{}{source}", shown(&text)), property.takes.valid());
        None
    }

    fn whole(&mut self, property: &Property) -> Option<u32> {
        self.text(property).and_then(|text| property::whole(&text))
    }

    /// An id that is given replaces a parameter that is not.
    fn image(&mut self) -> (Option<String>, Option<String>) {
        let id = self.text(&property::IMAGE_ID);
        let both = [&property::IMAGE_ID, &property::IMAGE_PARAMETER];
        if both.iter().all(|property| self.given.contains_key(property.name)) {
            let value = self.given[property::IMAGE_ID.name].to_string();
            self.violated(&property::IMAGE_ID, value, "only one of ImageId and ImageParameter can be given".into());
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
            self.violated(property, shown(&given.to_string()), property.takes.valid());
            return Tags::new();
        };
        let bad = tags.iter().filter(|(key, value)| !tag_is_valid(key, value));
        let bad: Vec<String> = bad.map(|(key, value)| shown(&format!("{key}={value}"))).collect();
        if !bad.is_empty() {
            self.violated(property, bad.join(" and "), property.takes.valid());
        }
        if tags.len() > property::MOST_TAGS {
            self.violated(property, format!("{} tags", tags.len()), property.takes.valid());
        }
        tags
    }

    fn violated(&mut self, property: &Property, value: String, valid: String) {
        self.violations.push(Violation { property: property.name.to_owned(), value, valid });
    }
}

/// Tags as a map, or as `CloudFormation`'s list of `Key` and `Value`.
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

fn tag_is_valid(key: &str, value: &str) -> bool {
    let sized = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    sized && !crate::mark::is_ours(key) && key.chars().chain(value.chars()).all(property::is_tag_character)
}
