//! The interpretation of an owner's record, including records that an older version wrote.

use std::collections::BTreeSet;

use environment::{Defaults, Names, Proofs, Scope, Spec};
use requests::records::{self, OwnerRecord};
use serde_json::Value;

use crate::pass_error::PassError;
use crate::settings::Settings;

/// Reads a spec from the record, also from a record that an older version wrote.
pub fn recorded_spec<'a>(
    record: Option<&'a OwnerRecord>,
    spec_of: impl Fn(&'a OwnerRecord) -> Option<&'a Value>,
    settings: &Settings,
) -> Option<Spec> {
    let spec = spec_of(record?)?;
    Spec::recorded(spec, &frozen_defaults(record, &settings.defaults))
}

/// The frozen defaults of an environment; the current defaults for a new environment.
#[must_use]
pub fn frozen_defaults(record: Option<&OwnerRecord>, current: &Defaults) -> Defaults {
    let frozen = record.and_then(|record| serde_json::from_value(record.frozen.clone()?).ok());
    frozen.unwrap_or_else(|| current.clone())
}

/// The tag keys that this environment no longer has: those of the previous specs, and those whose removal is pending.
#[must_use]
pub fn retired_tags(record: Option<&OwnerRecord>, spec: &Spec, settings: &Settings) -> BTreeSet<String> {
    let specs = [
        recorded_spec(record, |it| it.desired.as_ref(), settings),
        recorded_spec(record, |it| it.settled_spec.as_ref(), settings),
    ];
    let previous = specs.into_iter().flatten().flat_map(|spec| spec.tags.into_keys());
    let pending = record.map(|it| it.retired_tags.clone()).unwrap_or_default();
    previous.chain(pending).filter(|key| !spec.tags.contains_key(key)).collect()
}

/// Converts the desired spec into its record.
///
/// # Errors
/// If the spec or the defaults can't be serialized as JSON.
pub(crate) fn to_record(
    id: &str,
    spec: &Spec,
    defaults: &Defaults,
    retired_tags: &BTreeSet<String>,
) -> Result<records::DesiredRecord, PassError> {
    let serialize_error = |error: serde_json::Error| {
        PassError::Failed(format!("The record of {id} can't be serialized: {error}. Report this as a bug.").into())
    };
    Ok(records::DesiredRecord {
        environment: id.to_owned(),
        spec: serde_json::to_value(spec).map_err(serialize_error)?,
        frozen: serde_json::to_value(defaults).map_err(serialize_error)?,
        retired_tags: retired_tags.iter().cloned().collect(),
    })
}

/// The proofs of ownership in a record. Without readable proofs less is owned.
#[must_use]
pub fn recorded_proofs(record: &OwnerRecord) -> Proofs {
    record.proofs.clone().and_then(|proofs| serde_json::from_value(proofs).ok()).unwrap_or_default()
}

/// Converts proofs of ownership into their record.
///
/// # Errors
/// If they can't be serialized as JSON.
pub(crate) fn proofs_to_record(proofs: &Proofs) -> Result<Value, PassError> {
    serde_json::to_value(proofs).map_err(|error| {
        PassError::Failed(format!("The ids of resources can't be serialized: {error}. Report this as a bug.").into())
    })
}

/// The scope of an owner's environment, with the proofs of ownership in the record.
#[must_use]
pub fn scope(owner: &str, names: Names, record: Option<&OwnerRecord>, network_is_managed: bool) -> Scope {
    let proofs = record.map(recorded_proofs).unwrap_or_default();
    Scope { owner: owner.to_owned(), names, proofs, network_is_managed }
}

/// Whether the environment settled with `DeletionProtection`. A record that this version can only read in part is
/// enough.
#[must_use]
pub fn is_protected(record: &OwnerRecord) -> bool {
    let settled = record.settled_spec.as_ref();
    settled.is_some_and(|spec| spec.get("DeletionProtection") == Some(&Value::Bool(true)))
}
