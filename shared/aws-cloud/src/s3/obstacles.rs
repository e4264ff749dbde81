//! The reasons why S3 does not empty or delete a bucket: the versions in it, MFA delete, a statement of its policy. The
//! reason of Object Lock is in S3's own message (`advice`).

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{EncodingType, MfaDeleteStatus};
use lambda_kit::aws_texts::{Denial, denial};
use serde_json::{Value, json};

use super::Target;
use super::empty::{PAGE, decoded};
use crate::document;
use crate::errors::{ClassifyErrors, ErrorClass, Problem, named};

/// The number of versions that a reason names.
pub(super) const MAX_NAMED: usize = 3;

/// The part of a key that a reason contains, in characters: a key has up to 1,024 bytes.
const MAX_KEY_CHARS: usize = 80;

/// The actions that empty and delete a bucket.
const DELETES: [&str; 3] = ["s3:deletebucket", "s3:deleteobject", "s3:deleteobjectversion"];

const MFA_DELETE: &str = "MFA delete is on: the root user of the account alone can delete versions of this bucket, or turn MFA delete off, with the MFA device";

/// A version in a reason, by its key and its id.
pub(super) fn version(key: &str, id: Option<&str>) -> String {
    let key: String = key.chars().take(MAX_KEY_CHARS).collect();
    format!("{key} (version {})", id.unwrap_or("null"))
}

/// Adds the versions in the bucket to the problem of its delete. They are a detail of the wait: an author who goes on
/// writing objects does not extend the wait. A read that fails names nothing.
pub(super) async fn with_remaining_versions(at: &Target<'_>, problem: Problem) -> Problem {
    if problem.code != "BucketNotEmpty" {
        return problem;
    }
    let request = at.s3.list_object_versions().bucket(at.name).expected_bucket_owner(at.account).max_keys(PAGE);
    let response = request.encoding_type(EncodingType::Url).send().await.classified("s3:ListBucketVersions");
    Problem { detail: response.ok().and_then(|page| remaining_versions(&page)), ..problem }
}

fn remaining_versions(page: &ListObjectVersionsOutput) -> Option<String> {
    let encoding = page.encoding_type();
    let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
    let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
    let remaining: Vec<String> =
        versions.chain(markers).filter_map(|(key, id)| Some(version(&decoded(key?, encoding), id))).collect();
    let count = match (remaining.len(), page.is_truncated()) {
        (count, Some(true)) => format!("more than {count} versions are"),
        (1, _) => String::from("1 version is"),
        (count, _) => format!("{count} versions are"),
    };
    Some(format!("{count} left: {}", named(remaining, MAX_NAMED)?))
}

/// Replaces the advice of a denial by the setting of the bucket that denies the call, if S3's message does not name the
/// cause. (A bucket with MFA delete rejects each request without the device's code: S3 API reference, DeleteObjects.)
pub(super) async fn with_denying_settings(at: &Target<'_>, problem: Problem) -> Problem {
    let cause_is_named = matches!(denial(&problem.message), Denial::ObjectLock | Denial::OrganizationPolicy);
    if problem.class != ErrorClass::Denied || cause_is_named {
        return problem;
    }
    let (versioning, policy) = tokio::join!(
        at.s3.get_bucket_versioning().bucket(at.name).expected_bucket_owner(at.account).send(),
        at.s3.get_bucket_policy().bucket(at.name).expected_bucket_owner(at.account).send(),
    );
    let versioning = versioning.classified("s3:GetBucketVersioning").ok().and_then(|it| it.mfa_delete);
    let policy = policy.classified("s3:GetBucketPolicy").ok().and_then(|it| it.policy);
    let denied_by = policy.and_then(|text| denying_statements(&text));
    let reason = match versioning {
        Some(MfaDeleteStatus::Enabled) => Some(String::from(MFA_DELETE)),
        _ => denied_by.map(|named| format!("the bucket policy has statements that deny the deletion: {named}. Remove them, or exempt the role that Envkeeper runs with")),
    };
    let Some(reason) = reason else { return problem };
    let message = format!("{}; {reason}", problem.message.trim_end_matches('.'));
    Problem { class: ErrorClass::Rejected, message, ..problem }
}

/// The statements of a bucket policy that deny a delete, by their Sids.
fn denying_statements(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(&document::policy(policy)).ok()?;
    let statements = policy["Statement"].as_array()?.iter().enumerate();
    let denying = statements.filter(|(_, it)| denies_deletion(it)).map(|(at, it)| {
        let number = || format!("number {}", at + 1);
        it["Sid"].as_str().map_or_else(number, str::to_owned)
    });
    named(denying.collect(), MAX_NAMED)
}

fn denies_deletion(statement: &Value) -> bool {
    // Each call of the SDK is encrypted.
    let is_for_plain_text = statement["Condition"] == json!({ "Bool": { "aws:SecureTransport": "false" } });
    let matches = |pattern: &Value| {
        let pattern = pattern.as_str().unwrap_or_default().to_lowercase();
        let prefix = pattern.split(['*', '?']).next().unwrap_or_default();
        DELETES.iter().any(|action| if prefix == pattern { *action == pattern } else { action.starts_with(prefix) })
    };
    let is_covered = match &statement["Action"] {
        // `NotAction` covers all others.
        Value::Null => true,
        Value::Array(patterns) => patterns.iter().any(matches),
        pattern => matches(pattern),
    };
    statement["Effect"] == "Deny" && is_covered && !is_for_plain_text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

    #[test]
    fn remaining_versions_are_counted_and_the_first_are_named() {
        let object = |key: &str| ObjectVersion::builder().key(key).version_id("v1").build();
        let page = |count: usize, more: bool| {
            let objects = (1..=count).map(|number| object(&format!("a%20b/{number}"))).collect();
            let page = ListObjectVersionsOutput::builder().set_versions(Some(objects)).is_truncated(more);
            remaining_versions(&page.encoding_type(EncodingType::Url).build())
        };
        assert_eq!(page(0, false), None);
        assert_eq!(page(1, false).as_deref(), Some("1 version is left: a b/1 (version v1)"));
        let five = page(5, false).unwrap();
        assert!(five.starts_with("5 versions are left: a b/1 (version v1), a b/2 (version v1), "), "{five}");
        assert!(five.ends_with("a b/3 (version v1) and 2 more"), "{five}");
        assert!(page(5, true).is_some_and(|it| it.starts_with("more than 5 versions are left")));
        let marker = DeleteMarkerEntry::builder().key("é".repeat(500)).build();
        let page = ListObjectVersionsOutput::builder().delete_markers(marker).build();
        assert_eq!(remaining_versions(&page), Some(format!("1 version is left: {} (version null)", "é".repeat(80))));
    }

    #[test]
    fn statements_that_deny_a_deletion_are_named() {
        let named = |statement: Value| denying_statements(&json!({ "Statement": statement }).to_string());
        let deny = |action: Value| json!({ "Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": action });
        for action in
            [json!("*"), json!("s3:*"), json!("S3:Delete*"), json!(["s3:PutObject", "s3:DeleteObjectVersion"])]
        {
            assert_eq!(named(deny(action.clone())).as_deref(), Some("Keep"), "{action}");
        }
        assert_eq!(named(deny(json!("s3:PutObject"))), None);
        assert_eq!(named(json!({ "Sid": "Keep", "Effect": "Allow", "Action": "s3:*" })), None);
        let tls = json!({ "Bool": { "aws:SecureTransport": "false" } });
        let tls = json!({ "Sid": "TlsOnly", "Effect": "Deny", "Action": "s3:*", "Condition": tls });
        let unnamed = json!({ "Effect": "Deny", "NotAction": "s3:GetObject" });
        assert_eq!(named(json!([tls, unnamed])).as_deref(), Some("number 2"));
        assert_eq!(denying_statements("not JSON"), None);
    }
}
