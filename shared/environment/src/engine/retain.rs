//! The retention of buckets: Envkeeper does not delete stored objects without the stack author's consent, and gives
//! retained objects to no later environment without an operator's consent.

use crate::engine::cloud::ObservedResource;
use crate::engine::plan::DesiredState;
use crate::engine::rejection::Rejection;
use crate::model::mark;
use crate::model::on_delete::OnDelete;
use crate::model::resource::{Fields, Resource};

/// Decides whether an environment adopts the resource that the environment `retained_by` retained: only a bucket, only
/// by an environment of the same id, and only with an operator's consent to its owner on the bucket
/// ([`mark::ADOPTABLE_BY`]). No property is a consent: another stack author may take the id after its first owner.
///
/// # Errors
/// The rejection of every other case.
pub(crate) fn adoption(desired: &Resource, observed: &ObservedResource, retained_by: &str) -> Result<(), Rejection> {
    let key = desired.key();
    let tag = |key: &str| desired.tags.get(key).map_or("", String::as_str);
    if tag(mark::ENVIRONMENT) != retained_by {
        return Err(Rejection::NotOwned { key, reason: format!("the environment {retained_by} retained it") });
    }
    if !matches!(observed.resource.fields, Fields::Bucket(_)) {
        let reason = format!("it carries the tag {}, and only buckets are retained", mark::RETAINED);
        return Err(Rejection::NotOwned { key, reason });
    }
    match observed.resource.tags.get(mark::ADOPTABLE_BY) {
        Some(consent) if consent == tag(mark::OWNER) => Ok(()),
        _ => Err(Rejection::Retained { key, environment: retained_by.to_owned() }),
    }
}

/// The treatment of an observed resource that is not desired any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeletionAction {
    Delete,
    EmptyAndDelete,
    Retain { environment: String },
}

/// Decides how an observed resource that is not desired is removed.
///
/// A bucket from a create that never settled is deleted if it is empty; an adopted bucket is retained again. Where the
/// record does not say so too, a tag never deletes objects.
///
/// # Errors
/// The rejection, if the resource blocks the whole plan.
pub(crate) fn deletion_action(observed: &ObservedResource, all: &DesiredState) -> Result<DeletionAction, Rejection> {
    let Fields::Bucket(bucket) = &observed.resource.fields else { return Ok(DeletionAction::Delete) };
    let tag = |key: &str| observed.resource.tags.get(key).cloned();
    let retained = DeletionAction::Retain { environment: tag(mark::ENVIRONMENT).unwrap_or_default() };
    let on_delete = match (all.never_settled, tag(mark::RETAINED)) {
        (true, Some(_)) => OnDelete::Retain,
        (true, None) => OnDelete::RetainIfNotEmpty,
        // Created a moment ago, without its tags yet: empty.
        (false, _) if observed.resource.tags.is_empty() => OnDelete::RetainIfNotEmpty,
        (false, _) => match OnDelete::of(tag(mark::ON_DELETE).as_deref()) {
            OnDelete::Empty if all.retains_objects => OnDelete::RetainIfNotEmpty,
            on_delete => on_delete,
        },
    };
    match on_delete {
        OnDelete::Retain => Ok(retained),
        OnDelete::Empty => Ok(DeletionAction::EmptyAndDelete),
        OnDelete::RetainIfNotEmpty if bucket.contains_objects => Ok(retained),
        OnDelete::FailIfNotEmpty if bucket.contains_objects => Err(Rejection::NotEmpty { key: observed.key() }),
        OnDelete::FailIfNotEmpty | OnDelete::RetainIfNotEmpty => Ok(DeletionAction::Delete),
    }
}
