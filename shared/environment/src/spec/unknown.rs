//! Properties that there are not.

use serde_json::{Map, Value};

use super::{Violation, shown};
use crate::property;

/// A violation for each, with the name that was probably meant.
pub(super) fn unknown(given: &Map<String, Value>) -> Vec<Violation> {
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
