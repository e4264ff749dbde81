//! The values of the property `BucketOnDelete`.

use serde::Serialize;

/// The values of the property `BucketOnDelete`. A bucket's tag records the value too, since a delete has no properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OnDelete {
    /// The bucket is retained, without an owner.
    Retain,
    /// The bucket is emptied and deleted.
    Empty,
    /// The bucket is deleted if it is empty; otherwise nothing is deleted.
    FailIfNotEmpty,
    /// The bucket is deleted if it is empty, otherwise it is retained. For the access logs of a bucket that had to be
    /// empty.
    RetainIfNotEmpty,
}

impl OnDelete {
    /// The values that the property accepts.
    pub const PROPERTY: [&'static str; 3] = ["Retain", "Empty", "FailIfNotEmpty"];

    /// The value as a tag has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OnDelete::Retain => "Retain",
            OnDelete::Empty => "Empty",
            OnDelete::FailIfNotEmpty => "FailIfNotEmpty",
            OnDelete::RetainIfNotEmpty => "RetainIfNotEmpty",
        }
    }

    /// Reads a property or a tag; an unknown value retains the bucket.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let all = [OnDelete::Empty, OnDelete::FailIfNotEmpty, OnDelete::RetainIfNotEmpty];
        all.into_iter().find(|it| text == Some(it.name())).unwrap_or(OnDelete::Retain)
    }
}
