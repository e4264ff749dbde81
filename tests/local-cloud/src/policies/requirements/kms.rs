//! KMS, called directly: there is no `kms:ViaService`.

use super::{Call, Requirement, Requirements, arn, no_resource, required, requirement, same};

const OPERATIONS: [&str; 6] =
    ["Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey", "GetKeyPolicy"];

pub(super) fn of(call: &Call<'_>) -> Requirements {
    if call.operation == "ListKeys" || call.operation == "ListAliases" {
        return Ok(vec![same(call, "*")]);
    }
    if !OPERATIONS.contains(&call.operation) {
        return Err(no_resource(call));
    }
    let key = required(call, "KeyId")?;
    if key.contains("alias/") {
        return Err("the key of an alias is not derived".to_owned());
    }
    let mut requirement = same(call, arn("kms", "key/", key));
    let entries = call.json.get("EncryptionContext").and_then(serde_json::Value::as_object);
    for (name, value) in entries.into_iter().flatten() {
        requirement.context.set(&format!("kms:EncryptionContext:{name}"), value.as_str().unwrap_or_default());
    }
    if let Some(entries) = entries {
        requirement.context.set_many("kms:EncryptionContextKeys", entries.keys().cloned());
    }
    Ok(vec![requirement])
}

/// The use of a key by S3 in the caller's name. The encryption context is the ARN of the bucket with a bucket key, else
/// that of the object (Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys").
pub(super) fn via_s3(action: &str, key: &str, context: &str) -> Requirement {
    let mut requirement = requirement(format!("kms:{action}"), arn("kms", "key/", key));
    requirement.context.set("kms:ViaService", format!("s3.{}.amazonaws.com", crate::REGION));
    requirement.context.set("kms:EncryptionContext:aws:s3:arn", context);
    requirement.context.set_many("kms:EncryptionContextKeys", ["aws:s3:arn".to_owned()]);
    requirement
}
