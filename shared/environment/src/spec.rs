//! The checked properties of one environment.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::Names;
use crate::property::{self, Change, Default, Property};
use crate::resource::Tags;
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
    pub instance_type: String,
    /// Exactly one of the two is there.
    pub image_id: Option<String>,
    pub image_parameter: Option<String>,
    pub user_data_script: Option<String>,
    pub min_size: u32,
    pub max_size: u32,
    pub desired_capacity: u32,
    pub log_retention_days: u32,
    pub tags: Tags,
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

    fn get(&self, property: &Property) -> Option<&str> {
        self.0.get(property.name).map(String::as_str)
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
        project: &str,
        region: &str,
    ) -> Result<Spec, Vec<Violation>> {
        let mut reader = Reader { given, defaults, violations: unknown(given) };
        let spec = reader.spec();
        let mut violations = reader.violations;
        if let Some(spec) = &spec {
            violations.extend(spec.inconsistencies(project, region));
        }
        match spec {
            Some(spec) if violations.is_empty() => Ok(spec),
            _ => Err(violations),
        }
    }

    #[must_use]
    pub fn names(&self, project: &str, region: &str) -> Names {
        Names { project: project.to_owned(), region: region.to_owned(), suffix: self.environment_suffix.clone() }
    }

    /// Where the image comes from: its id, or the parameter's name.
    #[must_use]
    pub fn image_source(&self) -> &str {
        self.image_id.as_deref().or(self.image_parameter.as_deref()).unwrap_or_default()
    }

    /// What the properties say of each other.
    fn inconsistencies(&self, project: &str, region: &str) -> Vec<Violation> {
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
        let (longest, tightest) = self.names(project, region).longest_suffix();
        if self.environment_suffix.len() > longest {
            let valid = format!("at most {longest} characters, so that {tightest} keeps to its service's limit");
            violation(&property::ENVIRONMENT_SUFFIX, &shown(&self.environment_suffix), valid);
        }
        let script = self.user_data_script.as_deref().unwrap_or_default();
        if script.lines().any(|line| line == USER_SCRIPT_END) {
            let valid = format!("without a line that is just {USER_SCRIPT_END}, which ends it in the user data");
            violation(&property::USER_DATA_SCRIPT, &shown(script), valid);
        }
        let all = user_data(&self.names(project, region), self.user_data_script.as_deref()).len();
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
        let instance_type = self.text(&property::INSTANCE_TYPE);
        let (image_id, image_parameter) = self.image();
        let user_data_script = self.text(&property::USER_DATA_SCRIPT);
        let min_size = self.whole(&property::MIN_SIZE);
        let max_size = self.whole(&property::MAX_SIZE);
        let desired_capacity = self.whole(&property::DESIRED_CAPACITY);
        let log_retention_days = self.whole(&property::LOG_RETENTION_DAYS);
        let tags = self.tags();
        Some(Spec {
            environment: environment.or_else(|| suffix.clone())?,
            environment_suffix: suffix?,
            vpc_cidr: vpc_cidr?,
            zone_count: zone_count?,
            instance_type: instance_type?,
            image_id,
            image_parameter,
            user_data_script,
            min_size: min_size?,
            max_size: max_size?,
            desired_capacity: desired_capacity.or(min_size)?,
            log_retention_days: log_retention_days?,
            tags,
        })
    }

    /// The property's text, given or by default, if it is valid.
    fn text(&mut self, property: &Property) -> Option<String> {
        let (text, source) = match self.given.get(property.name) {
            Some(Value::String(text)) => (text.clone(), ""),
            Some(Value::Number(number)) => (number.to_string(), ""),
            Some(Value::Bool(truth)) => (truth.to_string(), ""),
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
