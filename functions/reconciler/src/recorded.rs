//! What the record of an owner means, also one that an older version wrote.

use std::collections::BTreeSet;

use environment::{Defaults, Spec};
use requests::records::{self, OwnerRecord};
use serde_json::Value;

use crate::pass_error::PassError;
use crate::settings::Settings;

/// A spec out of the record, also one that an older version wrote.
pub fn known<'a>(
    record: Option<&'a OwnerRecord>,
    which: impl Fn(&'a OwnerRecord) -> Option<&'a Value>,
    settings: &Settings,
) -> Option<Spec> {
    let spec = which(record?)?;
    Spec::recorded(spec, &frozen_defaults(record, &settings.defaults))
}

/// The defaults that an environment was made with; those of today for a new one.
#[must_use]
pub fn frozen_defaults(record: Option<&OwnerRecord>, of_today: &Defaults) -> Defaults {
    let frozen = record.and_then(|record| serde_json::from_value(record.frozen.clone()?).ok());
    frozen.unwrap_or_else(|| of_today.clone())
}

/// Tag keys that this environment had and has no more: those of the last specs, and those that were still to go.
#[must_use]
pub fn retired_tags(record: Option<&OwnerRecord>, spec: &Spec, settings: &Settings) -> BTreeSet<String> {
    let specs =
        [known(record, |it| it.desired.as_ref(), settings), known(record, |it| it.settled_spec.as_ref(), settings)];
    let had = specs.into_iter().flatten().flat_map(|spec| spec.tags.into_keys());
    let still_to_go = record.map(|it| it.retired_tags.clone()).unwrap_or_default();
    had.chain(still_to_go).filter(|key| !spec.tags.contains_key(key)).collect()
}

/// What is wanted, as it is written down.
///
/// # Errors
/// If it can't be written as JSON.
pub(crate) fn to_record(
    id: &str,
    spec: &Spec,
    defaults: &Defaults,
    retired_tags: &BTreeSet<String>,
) -> Result<records::DesiredRecord, PassError> {
    let unwritable =
        |error: serde_json::Error| PassError::Failed(format!("the record of {id} can't be written: {error}"));
    Ok(records::DesiredRecord {
        environment: id.to_owned(),
        spec: serde_json::to_value(spec).map_err(unwritable)?,
        frozen: serde_json::to_value(defaults).map_err(unwritable)?,
        retired_tags: retired_tags.iter().cloned().collect(),
    })
}

/// Whether what is there was settled with `DeletionProtection`. Also one that today's version can't read whole says so.
#[must_use]
pub fn is_protected(record: &OwnerRecord) -> bool {
    let settled = record.settled_spec.as_ref();
    settled.is_some_and(|spec| spec.get("DeletionProtection") == Some(&Value::Bool(true)))
}
