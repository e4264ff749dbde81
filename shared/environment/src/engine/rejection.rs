//! The reasons why a plan cannot be executed.

use serde::{Serialize, Serializer};

use crate::model::key::Key;

/// A reason why a plan cannot be executed. The text is a sentence for the stack author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A resource of another owner has one of the environment's names.
    #[error(
        "{key} exists and is not this environment's: {reason}. Nothing was changed. Choose another EnvironmentSuffix, or remove the resource."
    )]
    NotOwned {
        /// The name.
        key: Key,
        /// The owner that was found, or the reason why the owner cannot be read.
        reason: String,
    },
    /// A deleted environment of the same id retained a bucket, and no operator has allowed this owner to adopt it. The
    /// caller adds the command that allows it.
    #[error(
        "{key} exists: the deleted environment {environment} retained it, and no operator has allowed this environment's owner to adopt it. Nothing was changed."
    )]
    Retained {
        /// The bucket.
        key: Key,
        /// The id of both environments.
        environment: String,
    },
    /// A resource was created and will never be usable.
    #[error("{key} could not be created: {reason}. Delete it, or the environment, and try again.")]
    CreateFailed {
        /// The resource.
        key: Key,
        /// AWS's reason.
        reason: String,
    },
    /// A resource belongs to another one than the desired one, which is missing: it was removed, or lost its tags.
    #[error(
        "{key}: {field} is {observed}, and {missing} of this environment is missing or has lost its tags. Nothing was changed. Restore its tags; or add a second environment with another EnvironmentSuffix, then remove this one."
    )]
    Misplaced {
        /// The resource.
        key: Key,
        /// The name of the field.
        field: &'static str,
        /// The observed value.
        observed: String,
        /// The missing resource.
        missing: Key,
    },
    /// The SSM parameter with the image id does not exist.
    #[error("ImageParameter is \"{parameter}\": the SSM parameter does not exist")]
    NoImage {
        /// The name of the parameter.
        parameter: String,
    },
    /// No zone is left for a subnet.
    #[error(
        "InstanceType and ZoneCount: no zone is available for subnet {subnet}: the region offers the instance type in too few availability zones"
    )]
    NoZone {
        /// The name of the subnet.
        subnet: String,
    },
    /// A bucket that must be empty contains objects.
    #[error(
        "{key}: BucketOnDelete is FailIfNotEmpty and the bucket is not empty. The bucket is unchanged. Empty it (noncurrent versions and delete markers count), or set BucketOnDelete to Empty or Retain."
    )]
    NotEmpty {
        /// The bucket.
        key: Key,
    },
}

/// As its text.
impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
