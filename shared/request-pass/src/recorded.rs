//! The interpretation of an owner's record, including records that an older version wrote.

use std::collections::BTreeSet;

use environment::rollout::RolloutRecord;
use environment::{Awaited, Condition, Defaults, Names, OpenSince, Proofs, Scope, Spec, Timestamp, Waiting, property};
use requests::records::{self, OwnerRecord, Progress};
use serde::{Deserialize, Serialize};
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
        keeps_unlock: false,
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

/// The record of an environment's rollouts. One that this version cannot read counts as lost: nothing is replaced for it.
#[must_use]
pub fn recorded_rollout(record: Option<&OwnerRecord>) -> RolloutRecord {
    let rollout = record.and_then(|it| it.rollout.clone());
    rollout.and_then(|rollout| serde_json::from_value(rollout).ok()).unwrap_or_default()
}

/// Converts the record of rollouts into its stored form.
///
/// # Errors
/// If it can't be serialized as JSON.
pub(crate) fn rollout_to_record(rollout: &RolloutRecord) -> Result<Value, PassError> {
    serde_json::to_value(rollout).map_err(|error| {
        PassError::Failed(format!("The rollout can't be serialized: {error}. Report this as a bug.").into())
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

/// The awaited resources in a record, and when the whole environment was last observed.
#[derive(Deserialize, Serialize)]
pub(crate) struct RecordedWait {
    pub observed_ms: u64,
    /// The resources; none if the request waits for its rollout alone.
    pub awaited: Vec<Awaited>,
}

/// The most awaited resources in a record: a request that waits for more observes the whole environment in each pass.
const MAX_AWAITED: usize = 10;

/// The wait of a request whose previous pass waited only for the states of resources.
pub(crate) fn recorded_wait(progress: &Progress) -> Option<RecordedWait> {
    serde_json::from_value(progress.awaited.clone()?).ok()
}

/// The recorded progress of a waiting request, after the progress `before`.
#[must_use]
pub fn next_progress(before: Option<&Progress>, waiting: &Waiting, now: Timestamp) -> Progress {
    let since = Condition::open_since(&waiting.waiting_for, &open_since(before), now);
    let since_ms = since.into_iter().map(|(id, since)| (id, since.0)).collect();
    let awaited = if waiting.of_rollout { Some(vec![]) } else { waiting.awaited() };
    let awaited = awaited.filter(|awaited| awaited.len() <= MAX_AWAITED);
    let awaited = awaited.map(|awaited| RecordedWait { observed_ms: waiting.observed_at.0, awaited });
    let awaited = awaited.and_then(|wait| serde_json::to_value(wait).ok());
    Progress::new(waiting.waiting_for.iter().map(ToString::to_string).collect(), since_ms, awaited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use environment::{Key, Kind};

    fn waiting(waiting_for: Vec<Condition>) -> Waiting {
        Waiting { waiting_for, observed_at: Timestamp(7), of_rollout: false }
    }

    #[test]
    fn a_new_detail_of_a_condition_does_not_restart_the_wait() {
        let condition = |in_service: u32, failure: &str| Condition {
            detail: Some(format!("last failed launch: {failure}")),
            ..format!("auto-scaling-group g: {in_service} of 2 instances are in service").into()
        };
        let first = next_progress(None, &waiting(vec![condition(0, "no capacity (zone a)")]), Timestamp(1));
        let text = "auto-scaling-group g: 0 of 2 instances are in service (last failed launch: no capacity (zone a))";
        assert_eq!((first.since_ms(), first.waiting_for.as_slice()), (Some(1), [text.to_owned()].as_slice()));
        let second = next_progress(Some(&first), &waiting(vec![condition(0, "no capacity (zone b)")]), Timestamp(2));
        assert_eq!(second.since_ms(), Some(1));
        assert!(second.waiting_for[0].contains("zone b"), "{second:?}");
        let third = next_progress(Some(&second), &waiting(vec![condition(1, "no capacity (zone b)")]), Timestamp(3));
        assert_eq!(third.since_ms(), Some(3));
    }

    #[test]
    fn a_wait_is_recorded_where_only_states_of_few_resources_end_it() {
        let of = |name: usize| Condition {
            awaited: Some(Awaited { key: Key::new(Kind::NatGateway, name.to_string()), in_service: 0 }),
            ..format!("nat-gateway {name}: it is pending").into()
        };
        let recorded = |conditions| recorded_wait(&next_progress(None, &waiting(conditions), Timestamp(9)));
        let wait = recorded(vec![of(1), of(2)]).expect("a wait");
        assert_eq!((wait.observed_ms, wait.awaited.len()), (7, 2));
        assert!(recorded(vec![of(1), "vpc v: in use".into()]).is_none(), "only a delete shows whether it is in use");
        assert!(recorded((0..11).map(of).collect()).is_none(), "too many");
        assert!(recorded(vec![]).is_none());
    }
}
