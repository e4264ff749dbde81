//! The IAM actions that an operation needs.

/// The actions of an operation: usually one with the same name. The exceptions are listed in the S3 reference under "Actions
/// defined by Amazon S3" (an action may cover several operations and have another name).
#[must_use]
pub fn actions_of(operation: &str) -> Vec<&str> {
    match operation {
        "s3:DeleteBucketLifecycle" | "s3:PutBucketLifecycleConfiguration" => vec!["s3:PutLifecycleConfiguration"],
        // Versioned objects and delete markers are versions too.
        "s3:DeleteObject" | "s3:DeleteObjects" => vec!["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "s3:GetBucketEncryption" => vec!["s3:GetEncryptionConfiguration"],
        "s3:GetBucketLifecycleConfiguration" => vec!["s3:GetLifecycleConfiguration"],
        "s3:GetPublicAccessBlock" => vec!["s3:GetBucketPublicAccessBlock"],
        "s3:HeadBucket" => vec!["s3:ListBucket"],
        "s3:ListMultipartUploads" => vec!["s3:ListBucketMultipartUploads"],
        "s3:ListObjectVersions" => vec!["s3:ListBucketVersions"],
        "s3:PutBucketEncryption" => vec!["s3:PutEncryptionConfiguration"],
        "s3:PutPublicAccessBlock" => vec!["s3:PutBucketPublicAccessBlock"],
        other => vec![other],
    }
}
