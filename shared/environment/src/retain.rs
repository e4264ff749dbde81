//! What becomes of a bucket when its environment is deleted: what somebody stored is not ours to throw away unasked.

use serde::Serialize;

use crate::cloud::ObservedResource;
use crate::mark;
use crate::resource::Fields;

/// What the property `BucketOnDelete` can say; a bucket's tag says it too, since a delete knows no properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OnDelete {
    /// It stays, without an owner.
    Retain,
    /// All that is in it goes, and so does it.
    Empty,
    /// It goes if it is empty; else nothing is deleted.
    FailIfNotEmpty,
    /// It goes if it is empty, else it stays. For the access logs of a bucket that had to be empty.
    RetainIfNotEmpty,
}

impl OnDelete {
    /// What the property takes.
    pub const PROPERTY: [&'static str; 3] = ["Retain", "Empty", "FailIfNotEmpty"];

    /// As a tag's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OnDelete::Retain => "Retain",
            OnDelete::Empty => "Empty",
            OnDelete::FailIfNotEmpty => "FailIfNotEmpty",
            OnDelete::RetainIfNotEmpty => "RetainIfNotEmpty",
        }
    }

    /// From a property or a tag; what is not known keeps everything.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let all = [OnDelete::Empty, OnDelete::FailIfNotEmpty, OnDelete::RetainIfNotEmpty];
        all.into_iter().find(|it| text == Some(it.name())).unwrap_or(OnDelete::Retain)
    }
}

/// What becomes of something that is no longer wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeletionAction {
    Goes,
    IsEmptied,
    IsRetained { environment: String },
}

/// The fate of what is live and not wanted; a sentence if it stands in the way of everything.
///
/// What a create that never settled made goes if it is empty; what it adopted is given back.
pub(crate) fn deletion_action(observed: &ObservedResource, never_settled: bool) -> Result<DeletionAction, String> {
    let Fields::Bucket(bucket) = &observed.resource.fields else { return Ok(DeletionAction::Goes) };
    let tag = |key: &str| observed.resource.tags.get(key).cloned();
    let retained = DeletionAction::IsRetained { environment: tag(mark::ENVIRONMENT).unwrap_or_default() };
    let on_delete = match (never_settled, tag(mark::RETAINED)) {
        (true, Some(_)) => OnDelete::Retain,
        (true, None) => OnDelete::RetainIfNotEmpty,
        (false, _) => OnDelete::of(tag(mark::ON_DELETE).as_deref()),
    };
    match on_delete {
        OnDelete::Retain => Ok(retained),
        OnDelete::Empty => Ok(DeletionAction::IsEmptied),
        OnDelete::RetainIfNotEmpty if bucket.holds_objects => Ok(retained),
        OnDelete::FailIfNotEmpty if bucket.holds_objects => Err(format!(
            "{}: BucketOnDelete is FailIfNotEmpty, and there is something in it. It stays as it is. Empty it (old versions and delete markers count), or set BucketOnDelete to Empty or Retain.",
            observed.key()
        )),
        OnDelete::FailIfNotEmpty | OnDelete::RetainIfNotEmpty => Ok(DeletionAction::Goes),
    }
}
