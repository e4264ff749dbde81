//! An event as text.
//!
//! Some JSON fits no [`Value`]: nesting deeper than the parser's limit, a number beyond those of 64 bits, half of a
//! surrogate pair. CloudFormation's events repeat values of a template, and so may contain any of these. CloudFormation
//! still waits for a response, so the fields that a response needs are then read separately, and all others are skipped.

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};
use std::fmt;

use crate::{Event, Kind};

/// An event that no [`Value`] can hold. `Debug` and `Display` show no part of the event: its `ResponseURL` is a secret.
#[derive(Clone, thiserror::Error)]
#[error(
    "The request can't be read: {reason}; valid is JSON of at most 127 levels, with numbers below 1.8e308, and with no half of a \
     surrogate pair (\\ud83d without its other half)."
)]
pub struct UnreadableEvent {
    /// The error of the parser, with line and column.
    pub reason: String,
    /// An object with the event's top-level strings, as far as they can be read: a response needs no other field.
    pub readable_fields: Value,
}

impl fmt::Debug for UnreadableEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnreadableEvent").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl UnreadableEvent {
    /// The readable fields of a Delete, which needs only its ids. A Delete repeats the properties for which the Create was
    /// rejected, in each attempt: if the Delete were rejected as well, its stack could never be deleted.
    ///
    /// # Errors
    /// The event itself, if it is not a Delete.
    pub fn into_delete(self, now_ms: u64) -> Result<Value, UnreadableEvent> {
        match Event::parse(&self.readable_fields, now_ms) {
            Ok(event) if event.kind == Kind::Delete => Ok(self.readable_fields),
            _ => Err(self),
        }
    }
}

/// Reads an event.
///
/// # Errors
///
/// [`UnreadableEvent`], which still has an address for a response: [`crate::ResponseAddress::of`] its `readable_fields`.
pub fn read_event(text: &str) -> Result<Value, UnreadableEvent> {
    serde_json::from_str(text).map_err(|error| {
        let strings = members(text).into_iter().filter_map(|(name, value)| {
            let value: String = serde_json::from_str(value.get()).ok()?;
            Some((name_of(name)?, Value::from(value)))
        });
        UnreadableEvent { reason: error.to_string(), readable_fields: strings.collect::<Map<_, _>>().into() }
    })
}

/// The text of one member of an object, independent of the values of the others.
#[must_use]
pub fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    // Of two members with one name the last one counts, as everywhere.
    let found = members(text).into_iter().rfind(|(it, _)| name_of(it).as_deref() == Some(name));
    found.map(|(_, value)| value.get())
}

fn name_of(name: &RawValue) -> Option<String> {
    serde_json::from_str(name.get()).ok()
}

/// Names and values at the top level of an object; empty if the text is not an object.
fn members(text: &str) -> Vec<(&RawValue, &RawValue)> {
    Deserializer::from_str(text).deserialize_map(Members).unwrap_or_default()
}

/// Splits an object into members and validates none of them: raw values are skipped without a limit to their depth, and
/// neither numbers nor escapes in them are interpreted.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = map.next_entry()? {
            all.push(member);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
