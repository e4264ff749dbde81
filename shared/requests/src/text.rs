//! An event as text.
//!
//! Some JSON fits no [`Value`]: what is nested deeper than the parser's limit, a number beyond those of 64 bits, half of a
//! surrogate pair. CloudFormation's events repeat what stands in a template, and so may have any of these. Their sender
//! still waits, so what an answer needs is then read by itself, and all else is passed over unread.

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};
use std::fmt;

use crate::{Event, Kind};

/// An event that no [`Value`] can hold. `Debug` and `Display` show nothing of the event: its `ResponseURL` is a secret.
#[derive(Clone, thiserror::Error)]
#[error(
    "The request can't be read: {reason}; valid is JSON of at most 127 levels, with numbers below 1.8e308, and with no half of a \
     surrogate pair (\\ud83d without its other half)."
)]
pub struct Unreadable {
    /// What is wrong, with line and column.
    pub reason: String,
    /// An object with the strings at the event's top, as far as they can be read: what an answer needs.
    pub rest: Value,
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unreadable").field("why", &self.reason).finish_non_exhaustive()
    }
}

impl Unreadable {
    /// What can be read, if it is a Delete, which needs nothing but its ids. It repeats the properties that a Create was refused
    /// for, in each try: refused as well, its stack could never go.
    ///
    /// # Errors
    /// Itself, if it is none.
    pub fn delete(self, now_ms: u64) -> Result<Value, Unreadable> {
        match Event::parse(&self.rest, now_ms) {
            Ok(event) if event.kind == Kind::Delete => Ok(self.rest),
            _ => Err(self),
        }
    }
}

/// Reads an event.
///
/// # Errors
///
/// [`Unreadable`], which can still be answered: [`crate::ResponseAddress::of`] its `rest`.
pub fn read_event(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text).map_err(|error| {
        let strings = members(text).into_iter().filter_map(|(name, value)| {
            let value: String = serde_json::from_str(value.get()).ok()?;
            Some((name_of(name)?, Value::from(value)))
        });
        Unreadable { reason: error.to_string(), rest: strings.collect::<Map<_, _>>().into() }
    })
}

/// The text of one member of an object, whatever the others hold.
#[must_use]
pub fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    // Of two with one name the last one counts, as everywhere.
    let found = members(text).into_iter().rfind(|(it, _)| name_of(it).as_deref() == Some(name));
    found.map(|(_, value)| value.get())
}

fn name_of(name: &RawValue) -> Option<String> {
    serde_json::from_str(name.get()).ok()
}

/// Names and values at the top of an object; none of what is no object.
fn members(text: &str) -> Vec<(&RawValue, &RawValue)> {
    Deserializer::from_str(text).deserialize_map(Members).unwrap_or_default()
}

/// Takes an object apart and judges nothing: what is raw is passed over without a limit to its depth, and neither its numbers
/// nor its escapes are made sense of.
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
