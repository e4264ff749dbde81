//! All faults of an event at once.

use serde_json::Value;
use std::fmt;

/// The longest word or number that a message quotes, in characters.
const MAX_QUOTED: usize = 20;

/// A field that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the field, with a dot inside `ResourceProperties`.
    pub field: &'static str,
    /// The value if it is one word or number, else its type and length; `None` if the field is missing.
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

/// A value as messages show it. Properties can contain a secret, and any field can contain a property by mistake: only a
/// short word or number is quoted.
fn shown(value: &Value) -> String {
    let quoted = |text: &str| {
        let alike = text.bytes().all(|b| b.is_ascii_alphabetic()) || text.bytes().all(|b| b.is_ascii_digit());
        (1..=MAX_QUOTED).contains(&text.len()) && alike
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) if quoted(text) => format!("\"{text}\""),
        Value::String(text) => format!("a string of {} characters", text.chars().count()),
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::Object(members) => format!("an object of {} members", members.len()),
    }
}
