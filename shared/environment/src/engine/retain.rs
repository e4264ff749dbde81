//! The deletion policy of buckets: Envkeeper does not delete stored objects without the stack author's consent.

use crate::engine::cloud::ObservedResource;
use crate::engine::rejection::Rejection;
use crate::model::mark;
use crate::model::on_delete::OnDelete;
use crate::model::resource::Fields;

/// The treatment of an observed resource that is not desired any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeletionAction {
    Delete,
    EmptyAndDelete,
    Retain { environment: String },
}

/// Decides how an observed resource that is not desired is removed.
///
/// A bucket from a create that never settled is deleted if it is empty; an adopted bucket is retained again.
///
/// # Errors
/// The rejection, if the resource blocks the whole plan.
pub(crate) fn deletion_action(observed: &ObservedResource, never_settled: bool) -> Result<DeletionAction, Rejection> {
    let Fields::Bucket(bucket) = &observed.resource.fields else { return Ok(DeletionAction::Delete) };
    let tag = |key: &str| observed.resource.tags.get(key).cloned();
    let retained = DeletionAction::Retain { environment: tag(mark::ENVIRONMENT).unwrap_or_default() };
    let on_delete = match (never_settled, tag(mark::RETAINED)) {
        (true, Some(_)) => OnDelete::Retain,
        (true, None) => OnDelete::RetainIfNotEmpty,
        (false, _) => OnDelete::of(tag(mark::ON_DELETE).as_deref()),
    };
    match on_delete {
        OnDelete::Retain => Ok(retained),
        OnDelete::Empty => Ok(DeletionAction::EmptyAndDelete),
        OnDelete::RetainIfNotEmpty if bucket.contains_objects => Ok(retained),
        OnDelete::FailIfNotEmpty if bucket.contains_objects => Err(Rejection::NotEmpty { key: observed.key() }),
        OnDelete::FailIfNotEmpty | OnDelete::RetainIfNotEmpty => Ok(DeletionAction::Delete),
    }
}
