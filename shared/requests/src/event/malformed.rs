//! All faults of an event at once.

use serde_json::Value;
use std::fmt;

/// How much of a value is repeated, in characters: enough to recognise the value, and a handful of them fit into a Reason.
const SHOWN: usize = 60;

/// A field that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the field, with a dot inside `ResourceProperties`.
    pub field: &'static str,
    /// The value as JSON, cut after 60 characters; `None` if the field is missing.
    pub value: Option<String>,
    /// The valid form, as the text after "valid is".
    pub valid: &'static str,
}

impl Violation {
    pub(super) fn new(field: &'static str, value: Option<&Value>, valid: &'static str) -> Self {
        Violation { field, value: value.map(shown), valid }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { field, value, valid } = self;
        match value {
            Some(value) => write!(f, "{field} is {value}, valid is {valid}"),
            None => write!(f, "{field} is missing, valid is {valid}"),
        }
    }
}

/// An event that can't be read, with every faulty field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The request can't be read: {}.", sentence(.violations))]
pub struct Malformed {
    /// The faults, in the order in which the fields are read; never empty.
    pub violations: Vec<Violation>,
}

impl Malformed {
    pub(super) fn of(violations: Vec<Violation>) -> Self {
        Malformed { violations }
    }
}

fn sentence(violations: &[Violation]) -> String {
    let each: Vec<_> = violations.iter().map(Violation::to_string).collect();
    each.join("; ")
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
