//! The interpretation of an owner's record, including records that an older version wrote.

use std::collections::BTreeSet;

use environment::{Defaults, Names, OpenSince, Proofs, Scope, Spec, Timestamp, property};
use requests::records::{self, OwnerRecord, Progress};
use serde_json::{Value, json};

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

/// The most retired tags of an environment: twice the most tags of a spec. Only updates that never settle collect more;
/// the tags beyond this number stay on their resources.
const MAX_RETIRED_TAGS: usize = 2 * property::MAX_TAGS;

/// The tag keys that this environment no longer has: those of the previous specs, and those whose removal is pending. A
/// settled environment has none pending.
#[must_use]
pub fn retired_tags(record: Option<&OwnerRecord>, spec: &Spec, settings: &Settings) -> BTreeSet<String> {
    let specs = [
        recorded_spec(record, |it| it.desired.as_ref(), settings),
        recorded_spec(record, |it| it.settled_spec.as_ref(), settings),
    ];
    let previous = specs.into_iter().flatten().flat_map(|spec| spec.tags.into_keys());
    let pending = record.filter(|it| !it.settled).map(|it| it.retired_tags.clone()).unwrap_or_default();
    let retired: BTreeSet<String> =
        pending.into_iter().chain(previous).filter(|key| !spec.tags.contains_key(key)).collect();
    retired.into_iter().take(MAX_RETIRED_TAGS).collect()
}

/// The key of the pinned image in a recorded spec, beside the properties.
const PINNED_IMAGE: &str = "PinnedImage";

/// The image of a spec: the image id in the spec, or the id that the record has for the spec's parameter, from the
/// desired or the last settled spec. An image is recorded when its source is first used; `None` if the record has none.
#[must_use]
pub fn recorded_image(record: Option<&OwnerRecord>, spec: &Spec) -> Option<String> {
    if spec.image_id.is_some() {
        return spec.image_id.clone();
    }
    let pinned = |recorded: &Value| {
        let pinned = recorded.get(PINNED_IMAGE)?;
        let image = pinned.get("Image")?.as_str()?;
        (pinned.get("Source")?.as_str()? == spec.image_source()).then(|| image.to_owned())
    };
    let record = record?;
    [&record.desired, &record.settled_spec].into_iter().flatten().find_map(pinned)
}

/// Converts the desired spec into its record, with the image that the spec's source had when it was first used.
///
/// # Errors
/// If the spec or the defaults can't be serialized as JSON.
pub(crate) fn to_record(
    id: &str,
    spec: &Spec,
    defaults: &Defaults,
    retired_tags: &BTreeSet<String>,
    image: Option<&str>,
) -> Result<records::DesiredRecord, PassError> {
    let serialize_error = |error: serde_json::Error| {
        PassError::Failed(format!("The record of {id} can't be serialized: {error}. Report this as a bug.").into())
    };
    let mut recorded = serde_json::to_value(spec).map_err(serialize_error)?;
    if let Some(image) = image {
        recorded[PINNED_IMAGE] = json!({ "Source": spec.image_source(), "Image": image });
    }
    Ok(records::DesiredRecord {
        environment: id.to_owned(),
        spec: recorded,
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

/// Whether the stack author allowed the deletion of stored objects, by the last spec. The buckets' own tags, which others
/// may set, are not enough.
pub(crate) fn empties_buckets(record: &OwnerRecord) -> bool {
    let spec = record.desired.as_ref().or(record.settled_spec.as_ref());
    spec.and_then(|spec| spec.get("BucketOnDelete")).is_some_and(|on_delete| on_delete == "Empty")
}

/// Whether the environment settled with `DeletionProtection`. A record that this version can only read in part is
/// enough.
#[must_use]
pub fn is_protected(record: &OwnerRecord) -> bool {
    let settled = record.settled_spec.as_ref();
    settled.is_some_and(|spec| spec.get("DeletionProtection") == Some(&Value::Bool(true)))
}

/// Since when a request waits for each of its conditions, as its previous pass recorded it.
#[must_use]
pub fn open_since(progress: Option<&Progress>) -> OpenSince {
    let recorded = progress.iter().flat_map(|it| &it.open_since_ms);
    recorded.map(|(id, since_ms)| (id.clone(), Timestamp(*since_ms))).collect()
}
