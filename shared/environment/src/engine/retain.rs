//! The deletion policy of buckets: Envkeeper does not delete stored objects without the stack author's consent.

use crate::engine::cloud::ObservedResource;
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
/// A sentence, if the resource blocks the whole plan.
pub(crate) fn deletion_action(observed: &ObservedResource, never_settled: bool) -> Result<DeletionAction, String> {
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
        OnDelete::FailIfNotEmpty if bucket.contains_objects => Err(format!(
            "{}: BucketOnDelete is FailIfNotEmpty and the bucket is not empty. The bucket is unchanged. Empty it (noncurrent versions and delete markers count), or set BucketOnDelete to Empty or Retain.",
            observed.key()
        )),
        OnDelete::FailIfNotEmpty | OnDelete::RetainIfNotEmpty => Ok(DeletionAction::Delete),
    }
}
