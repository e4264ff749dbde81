//! The request context: the values of condition keys.

use std::collections::BTreeMap;

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The value of a single-valued key.
    One(String),
    /// The values of a multi-valued key such as `aws:TagKeys`; only set operators compare them.
    Many(Vec<String>),
}

/// The condition keys of a request with their values. Names of keys are not case-sensitive, except the name of a tag
/// within a key: IAM User Guide, "Condition". Tags whose names differ only in case are not supported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Value>);

impl Context {
    /// Sets a single-valued key.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_lowercase(), Value::One(value.into()));
    }

    /// Sets a multi-valued key.
    pub fn set_many(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        self.0.insert(key.to_lowercase(), Value::Many(values.into_iter().collect()));
    }

    /// The value of a key; `None` if the request does not have the key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(&key.to_lowercase())
    }

    /// The value of a single-valued key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::One(value) => Some(value),
            Value::Many(_) => None,
        }
    }

    /// Adds the keys of another context, which override those of this one.
    #[must_use]
    pub fn with(mut self, other: &Context) -> Context {
        self.0.extend(other.0.clone());
        self
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Context {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut context = Context::default();
        for (key, value) in pairs {
            context.set(key, value);
        }
        context
    }
}
