//! S3: bucket and key in the path, and the key of an encrypted bucket.

use percent_encoding::percent_decode_str;
use permissions::actions_of;

use super::{Call, Requirements, kms, no_resource, requirement};
use crate::{element::Element, ministack::Ministack};

const PREFIX: &str = "arn:aws:s3:::";

pub(super) async fn of(call: &Call<'_>, ministack: &Ministack) -> Requirements {
    let path = percent_decode_str(call.path.trim_start_matches('/')).decode_utf8_lossy();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let (of_bucket, of_object) = (format!("{PREFIX}{bucket}"), format!("{PREFIX}{bucket}/{key}"));
    match call.operation {
        "ListBuckets" => return Ok(vec![requirement("s3:ListAllMyBuckets", "*")]),
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => {
            let mut list = requirement("s3:ListBucket", of_bucket);
            if let Some(prefix) = call.text("prefix") {
                list.context.set("s3:prefix", prefix);
            }
            return Ok(vec![list]);
        }
        "DeleteObjects" => return delete_objects(call, &of_bucket),
        "CreateBucket" if String::from_utf8_lossy(call.body).contains("<Tag>") => {
            return Err("the tags of CreateBucket are not derived".to_owned());
        }
        operation if operation.contains(' ') => return Err(no_resource(call)),
        _ => {}
    }
    let (action, key_action) = match call.operation {
        "GetObject" | "HeadObject" => ("s3:GetObject", "Decrypt"),
        "PutObject" => ("s3:PutObject", "GenerateDataKey"),
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => ("s3:PutObject", "Decrypt"),
        "DeleteObject"
        | "AbortMultipartUpload"
        | "GetObjectTagging"
        | "PutObjectTagging"
        | "DeleteObjectTagging"
        | "GetObjectAcl"
        | "PutObjectAcl" => {
            return Ok(vec![requirement(format!("s3:{}", call.operation), of_object)]);
        }
        operation if key.is_empty() => {
            let action = format!("s3:{operation}");
            return match actions_of(&action)[..] {
                [one] => Ok(vec![requirement(one, of_bucket)]),
                _ => Err(no_resource(call)),
            };
        }
        _ => return Err(no_resource(call)),
    };
    let mut requirements = vec![requirement(action, of_object.as_str())];
    if let Some((key, has_bucket_key)) = encryption_key(ministack, bucket).await {
        if key.contains("alias/") {
            return Err("the key of an alias is not derived".to_owned());
        }
        requirements.push(kms::via_s3(key_action, &key, if has_bucket_key { &of_bucket } else { &of_object }));
    }
    Ok(requirements)
}

/// Each key in the body, with its version.
fn delete_objects(call: &Call<'_>, of_bucket: &str) -> Requirements {
    let body = Element::parse(&String::from_utf8_lossy(call.body)).ok_or_else(|| no_resource(call))?;
    let objects = body.children.iter().filter(|it| it.name == "Object");
    objects
        .map(|object| {
            let key = object.text_of("Key").ok_or_else(|| no_resource(call))?;
            let has_version = object.text_of("VersionId").is_some();
            let action = if has_version { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
            Ok(requirement(action, format!("{of_bucket}/{key}")))
        })
        .collect()
}

/// The key of the bucket's default encryption with SSE-KMS, and whether the bucket has a bucket key.
async fn encryption_key(ministack: &Ministack, bucket: &str) -> Option<(String, bool)> {
    let found = ministack.get("s3", &format!("/{bucket}?encryption")).await.ok()?;
    let found = Element::parse(&found)?;
    let key = found.text_of("Rule/ApplyServerSideEncryptionByDefault/KMSMasterKeyID")?.to_owned();
    Some((key, found.text_of("Rule/BucketKeyEnabled") == Some("true")))
}
