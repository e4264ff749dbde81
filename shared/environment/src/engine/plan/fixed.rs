//! Differences that no call corrects.

use std::fmt;

use crate::model::field::{Field, Value};
use crate::model::key::Key;
use crate::model::resource::Resource;

/// A field that only the create call sets, with another value than the desired one. No property asks for the change: a
/// request that changes such a property is rejected by its table ([`check_change`](crate::check_change)) before any plan.
/// So another actor made the change, or an earlier version of Envkeeper created the resource. It is reported, and fails
/// neither an update nor a rollback, unless the plan would create the desired value: a network beside the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedDrift {
    /// The resource.
    pub key: Key,
    /// The name of the field.
    pub field: &'static str,
    /// The observed value.
    pub observed: String,
    /// The desired value.
    pub desired: String,
    /// The resource of the environment that the desired value is.
    pub refers_to: Option<Key>,
}

impl FixedDrift {
    /// The differences between a desired resource and the observed one.
    pub(super) fn of(desired: &Resource, observed: &Resource) -> Vec<FixedDrift> {
        let old = observed.all_fields();
        let found = |name: &str| {
            old.iter().find_map(|it| match it {
                Field::Fixed(other, value) if *other == name => Some(value),
                _ => None,
            })
        };
        let differs = |field| match field {
            Field::Fixed(field, value) => found(field).filter(|found| **found != value).map(|found| FixedDrift {
                key: desired.key(),
                field,
                observed: found.to_string(),
                desired: value.to_string(),
                refers_to: match &value {
                    Value::Ref(to) => to.key().cloned(),
                    Value::Text(_) => None,
                },
            }),
            Field::Once(..) | Field::Created(_) | Field::After(_) => None,
        };
        desired.all_fields().into_iter().filter_map(differs).collect()
    }
}

impl fmt::Display for FixedDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FixedDrift { key, field, observed, desired, .. } = self;
        write!(f, "{key}: {field} is {observed}, desired is {desired}; no call of AWS corrects it")
    }
}
