//! The check for unknown properties.

use serde_json::{Map, Value};

use super::Violation;
use crate::input::forms::{form, shown_name};
use crate::input::property;

/// A violation for each unknown property, with the name that the stack author probably meant. The value may be a secret:
/// only its form is described.
pub(super) fn unknown(given: &Map<String, Value>) -> Vec<Violation> {
    let known = |name: &str| {
        property::CLOUDFORMATION_OWN.contains(&name) || property::ALL.iter().any(|property| property.name == name)
    };
    let violation = |(name, value): (&String, &Value)| Violation {
        property: shown_name(name),
        value: form(value),
        valid: match nearest(name) {
            Some(nearest) => format!("unknown property; did you mean {nearest}?"),
            None => String::from("unknown property"),
        },
    };
    given.iter().filter(|(name, _)| !known(name)).map(violation).collect()
}

/// The longest name that is compared with the known names, in bytes: a longer one resembles none of them.
const MAX_COMPARED_NAME: usize = 64;

/// The most similar known name, with a similarity of at least 0.8 on the Jaro-Winkler scale. At 0.8, names with
/// missing, swapped and added letters still match; other words do not.
fn nearest(name: &str) -> Option<&'static str> {
    if name.len() > MAX_COMPARED_NAME {
        return None;
    }
    let similarity = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let scored = property::ALL.iter().map(|property| (similarity(property.name), property.name));
    scored.filter(|(similarity, _)| *similarity >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
