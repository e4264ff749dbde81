//! The values of properties that a template does not set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Violation;
use super::reader::Reader;
use super::unknown::unknown;
use crate::input::property::{self, CLOUDFORMATION_OWN, Default, Property};

/// The values of the properties that a template does not set, by property name. They are frozen in the record when an
/// environment is created. `Debug` shows their names only: a value may be a script.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defaults(BTreeMap<String, String>);

impl fmt::Debug for Defaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Defaults {
    /// The defaults from the environment variables, which `variable` looks up, and from the table.
    pub fn from_vars(variable: impl Fn(&str) -> Option<String>) -> Self {
        Defaults::of_deployment(variable, &PropertyDefaults::default())
    }

    /// The defaults of a deployment: from the property's own environment variable, which `variable` looks up, else from
    /// the deployment's object, else from the table.
    pub fn of_deployment(variable: impl Fn(&str) -> Option<String>, object: &PropertyDefaults) -> Self {
        let default = |property: &&Property| {
            let of_object = || object.0.get(property.name).cloned();
            let value = variable(property.variable).or_else(of_object).or(table_default(property).map(str::to_owned));
            value.map(|value| (property.name.to_owned(), value))
        };
        Defaults(property::ALL.iter().filter_map(default).collect())
    }

    /// The defaults in which these properties have the table's default.
    pub(super) fn without(&self, properties: &BTreeSet<&str>) -> Defaults {
        let others = self.0.iter().filter(|(name, _)| !properties.contains(name.as_str()));
        Defaults(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The default of a property. Frozen defaults may be older than the property: then the table's default applies.
    pub(super) fn get(&self, property: &Property) -> Option<&str> {
        self.0.get(property.name).map(String::as_str).or(table_default(property))
    }
}

fn table_default(property: &Property) -> Option<&'static str> {
    match property.default {
        Default::Is(value) => Some(value),
        Default::Required | Default::Absent(_) => None,
    }
}

/// The properties that the object of [`PropertyDefaults`] cannot contain, with the reason.
const WITHOUT_DEFAULT: [(&str, &str); 2] = [
    (property::ENVIRONMENT_SUFFIX.name, "each environment has its own"),
    (property::PERMISSIONS_BOUNDARY_ARN.name, "the deployment parameter InstancesBoundaryArn sets it"),
];

/// The defaults that an operator sets for a deployment: valid values by property name, as texts.
/// `Debug` shows their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PropertyDefaults(BTreeMap<String, String>);

impl fmt::Debug for PropertyDefaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl PropertyDefaults {
    /// The maximum size of the JSON object, in bytes: about half of the 4 KB that Lambda allows for all environment
    /// variables of a function (the Lambda developer guide, "Lambda quotas").
    pub const MAX_BYTES: usize = 2_000;

    /// The valid form, for messages.
    pub const VALID: &str =
        "a JSON object of at most 2,000 bytes, property to value, such as {\"InstanceType\": \"t3.small\"}";

    /// Reads the JSON object. Each value has to be valid as a value of its property in a template. Rules between
    /// properties are checked with the other properties of a template.
    ///
    /// # Errors
    /// All problems, as one text of a line. It names properties and their valid forms, and repeats no value: a value may
    /// be a script.
    pub fn read(json: &str) -> Result<PropertyDefaults, String> {
        if json.len() > PropertyDefaults::MAX_BYTES {
            return Err(format!("it has {} bytes; valid is {}", json.len(), PropertyDefaults::VALID));
        }
        let Ok(Value::Object(mut given)) = serde_json::from_str(json) else {
            return Err(format!("it is not a JSON object; valid is {}", PropertyDefaults::VALID));
        };
        let mut problems = without_default(&mut given);
        problems.extend(violations(&given).into_iter().map(|it| format!("{}: {}", it.property, it.valid)));
        if problems.is_empty() {
            let texts = property::ALL.iter().filter_map(|property| {
                let value = given.get(property.name)?;
                Some((property.name.to_owned(), text_of(property, value)))
            });
            Ok(PropertyDefaults(texts.collect()))
        } else {
            Err(problems.join("; "))
        }
    }
}

/// Removes the properties that cannot have a default, and returns a problem for each.
fn without_default(given: &mut Map<String, Value>) -> Vec<String> {
    let own = CLOUDFORMATION_OWN.into_iter().map(|name| (name, "CloudFormation reads it"));
    let all = WITHOUT_DEFAULT.into_iter().chain(own);
    all.filter(|(name, _)| given.remove(*name).is_some())
        .map(|(name, reason)| format!("{name}: it cannot have a default, since {reason}"))
        .collect()
}

/// The violations of the values, each by itself. The one property that a template has to set is set here.
fn violations(given: &Map<String, Value>) -> Vec<Violation> {
    let mut all = given.clone();
    all.insert(property::ENVIRONMENT_SUFFIX.name.to_owned(), Value::from("suffix"));
    let mut reader = Reader { given: &all, defaults: &Defaults::default(), violations: unknown(given) };
    reader.spec();
    reader.violations
}

/// A valid value as the property's own environment variable has it: ids, ARNs and units separated by commas, tags and
/// rules as JSON.
fn text_of(property: &Property, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) if property.value_type.is_list() => {
            all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}
