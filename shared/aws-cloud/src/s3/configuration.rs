//! The configuration of a bucket: how each setting is read, set and cleared.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLoggingStatus, BucketVersioningStatus,
    EncodingType, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, LoggingEnabled,
    NoncurrentVersionExpiration, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use environment::{AccessLogs, Bucket, BucketSetting, Call, Encryption, Names, Setting};

use super::Target;
use crate::document;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::iam::reference_by_name;

/// The name of the one lifecycle rule.
const RULE: &str = "envkeeper-expiry";

/// The days after which S3 aborts an incomplete upload.
const UNFINISHED_UPLOAD_DAYS: i32 = 7;

/// Reads all settings at once. A setting that is not configured is an error of some of these calls. The other calls
/// return an empty response, and there a not-found error refers to the bucket itself.
pub(super) async fn read(at: &Target<'_>, names: &Names) -> Result<Bucket, Problem> {
    let (name, owner) = (at.name, at.account);
    let (block, versioning, encryption, policy, lifecycle, logging, objects) = tokio::try_join!(
        read_public_access_block(at),
        async {
            let request = at.s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner);
            request.send().await.classified("s3:GetBucketVersioning")
        },
        async {
            let request = at.s3.get_bucket_encryption().bucket(name).expected_bucket_owner(owner);
            request.send().await.classified("s3:GetEncryptionConfiguration").none_if_not_found()
        },
        async {
            let request = at.s3.get_bucket_policy().bucket(name).expected_bucket_owner(owner);
            request.send().await.classified("s3:GetBucketPolicy").none_if_not_found()
        },
        async {
            let request = at.s3.get_bucket_lifecycle_configuration().bucket(name).expected_bucket_owner(owner);
            request.send().await.classified("s3:GetLifecycleConfiguration").none_if_not_found()
        },
        async {
            let request = at.s3.get_bucket_logging().bucket(name).expected_bucket_owner(owner);
            request.send().await.classified("s3:GetBucketLogging")
        },
        async {
            // Encoded: a key may have characters that XML cannot contain.
            let request = at.s3.list_object_versions().bucket(name).expected_bucket_owner(owner).max_keys(1);
            request.encoding_type(EncodingType::Url).send().await.classified("s3:ListBucketVersions")
        },
    )?;
    let encryption = encryption.and_then(|it| it.server_side_encryption_configuration);
    Ok(Bucket {
        public_access_blocked: block.is_some_and(|it| it == public_access_block(true)),
        versioning: versioning.status == Some(BucketVersioningStatus::Enabled),
        encryption: read_encryption(encryption.as_ref()),
        policy: policy.and_then(|it| it.policy).map(|text| document::policy(&text)),
        expiry_days: read_expiry(&lifecycle.and_then(|it| it.rules).unwrap_or_default()),
        access_logs: logging.logging_enabled.map(|logs| read_logs(logs, names)),
        contains_objects: holds_any(&objects),
    })
}

async fn read_public_access_block(at: &Target<'_>) -> Result<Option<PublicAccessBlockConfiguration>, Problem> {
    let request = at.s3.get_public_access_block().bucket(at.name).expected_bucket_owner(at.account);
    let response = request.send().await.classified("s3:GetBucketPublicAccessBlock").none_if_not_found()?;
    Ok(response.and_then(|it| it.public_access_block_configuration))
}

/// The encryption. A configuration without an [`Encryption`] of its own is described in the field of the key, and so
/// differs from every key.
fn read_encryption(found: Option<&ServerSideEncryptionConfiguration>) -> Encryption {
    let rule = found.and_then(|it| it.rules().first());
    let Some(default) = rule.and_then(ServerSideEncryptionRule::apply_server_side_encryption_by_default) else {
        return Encryption::S3;
    };
    let key = default.kms_master_key_id().unwrap_or("the account's key for S3");
    match default.sse_algorithm() {
        ServerSideEncryption::Aes256 => Encryption::S3,
        ServerSideEncryption::AwsKms if rule.and_then(ServerSideEncryptionRule::bucket_key_enabled) == Some(true) => {
            Encryption::Kms(key.to_owned())
        }
        ServerSideEncryption::AwsKms => Encryption::Kms(format!("{key}, without a bucket key")),
        other => Encryption::Kms(format!("{key}, by {other}")),
    }
}

/// The days of the one owned rule. Foreign rules, or several rules, read as 0 days, which is never desired.
fn read_expiry(rules: &[LifecycleRule]) -> Option<u32> {
    match rules {
        [] => None,
        [rule] => Some(rule_days(rule).unwrap_or(0)),
        _ => Some(0),
    }
}

/// The days of a rule, if the rule is equal to the one that [`lifecycle`] builds.
fn rule_days(rule: &LifecycleRule) -> Option<u32> {
    let days = rule.expiration().and_then(LifecycleExpiration::days)?;
    // A response may have fields that no request has: this compares the effects of the rule.
    let noncurrent = rule.noncurrent_version_expiration().and_then(NoncurrentVersionExpiration::noncurrent_days);
    let uploads = rule.abort_incomplete_multipart_upload();
    let uploads = uploads.and_then(AbortIncompleteMultipartUpload::days_after_initiation);
    let has_no_filter = rule.filter().is_none_or(|it| {
        it.prefix().unwrap_or_default().is_empty()
            && it.tag().is_none()
            && it.and().is_none()
            && it.object_size_greater_than().is_none()
            && it.object_size_less_than().is_none()
    });
    let is_owned = rule.status() == &ExpirationStatus::Enabled
        && has_no_filter
        && noncurrent == Some(days)
        && uploads == Some(UNFINISHED_UPLOAD_DAYS)
        && rule.transitions().is_empty()
        && rule.noncurrent_version_transitions().is_empty();
    u32::try_from(days).ok().filter(|_| is_owned)
}

fn read_logs(found: LoggingEnabled, names: &Names) -> AccessLogs {
    AccessLogs { to: reference_by_name(names.log_bucket(), &found.target_bucket), prefix: found.target_prefix }
}

fn holds_any(objects: &ListObjectVersionsOutput) -> bool {
    !objects.versions().is_empty() || !objects.delete_markers().is_empty()
}

/// Sets one setting.
pub(super) async fn set(at: &Target<'_>, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    match settings {
        [Setting::Bucket(BucketSetting::PublicAccessBlocked(on))] => put_public_access_block(at, call, *on).await,
        [Setting::Bucket(BucketSetting::Versioning(on))] => put_versioning(at, call, *on).await,
        [Setting::Bucket(BucketSetting::Encryption(by))] => put_encryption(at, call, by).await,
        [Setting::Bucket(BucketSetting::Policy(policy))] => put_policy(at, call, policy).await,
        [Setting::Bucket(BucketSetting::Expiry(days))] => put_lifecycle(at, call, *days).await,
        [Setting::Bucket(BucketSetting::AccessLogs(logs))] => put_logging(at, call, Some(logs)).await,
        _ => Err(Problem::unsupported_call(call)),
    }
}

/// Clears one setting. A setting without a call that clears it gets its default value.
pub(super) async fn clear(at: &Target<'_>, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let cleared = match settings {
        [Setting::Bucket(BucketSetting::PublicAccessBlocked(_))] => put_public_access_block(at, call, false).await,
        [Setting::Bucket(BucketSetting::Versioning(_))] => put_versioning(at, call, false).await,
        [Setting::Bucket(BucketSetting::Encryption(_))] => put_encryption(at, call, &Encryption::default()).await,
        [Setting::Bucket(BucketSetting::Policy(_))] => delete_policy(at, call).await,
        [Setting::Bucket(BucketSetting::Expiry(_))] => delete_lifecycle(at, call).await,
        [Setting::Bucket(BucketSetting::AccessLogs(_))] => put_logging(at, call, None).await,
        _ => Err(Problem::unsupported_call(call)),
    };
    cleared.none_if_not_found()?;
    Ok(())
}

fn public_access_block(on: bool) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(on)
        .ignore_public_acls(on)
        .block_public_policy(on)
        .restrict_public_buckets(on)
        .build()
}

/// Sets the public access block, unless the bucket has it: new buckets have it, and a service control policy may deny its
/// change (matanolabs/matano, issue 124).
async fn put_public_access_block(at: &Target<'_>, call: &Call, on: bool) -> Result<(), Problem> {
    if read_public_access_block(at).await?.is_some_and(|found| found == public_access_block(on)) {
        return Ok(());
    }
    let request = at.s3.put_public_access_block().bucket(at.name).expected_bucket_owner(at.account);
    let request = request.public_access_block_configuration(public_access_block(on));
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// Sets versioning. A bucket that had versioning keeps its versions: it can be suspended, but never unversioned again.
async fn put_versioning(at: &Target<'_>, call: &Call, on: bool) -> Result<(), Problem> {
    let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let request = at.s3.put_bucket_versioning().bucket(at.name).expected_bucket_owner(at.account);
    let configuration = VersioningConfiguration::builder().status(status).build();
    request.versioning_configuration(configuration).send().await.classified(call.operation())?;
    Ok(())
}

/// Sets the encryption, for KMS with a bucket key, so that not every object costs a call to KMS.
async fn put_encryption(at: &Target<'_>, call: &Call, by: &Encryption) -> Result<(), Problem> {
    let default = ServerSideEncryptionByDefault::builder();
    let default = match by {
        Encryption::S3 => default.sse_algorithm(ServerSideEncryption::Aes256),
        Encryption::Kms(key) => default.sse_algorithm(ServerSideEncryption::AwsKms).kms_master_key_id(key),
    };
    let default = default.build().map_err(incomplete(call))?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    let rule = rule.bucket_key_enabled(matches!(by, Encryption::Kms(_))).build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(incomplete(call))?;
    let request = at.s3.put_bucket_encryption().bucket(at.name).expected_bucket_owner(at.account);
    request.server_side_encryption_configuration(rules).send().await.classified(call.operation())?;
    Ok(())
}

async fn put_policy(at: &Target<'_>, call: &Call, policy: &str) -> Result<(), Problem> {
    let request = at.s3.put_bucket_policy().bucket(at.name).expected_bucket_owner(at.account);
    request.policy(policy).send().await.classified(call.operation())?;
    Ok(())
}

async fn delete_policy(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let request = at.s3.delete_bucket_policy().bucket(at.name).expected_bucket_owner(at.account);
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// The one rule for all objects: S3 deletes objects after this number of days, and replaced versions too.
fn lifecycle(days: i32) -> Result<BucketLifecycleConfiguration, BuildError> {
    let uploads = AbortIncompleteMultipartUpload::builder().days_after_initiation(UNFINISHED_UPLOAD_DAYS).build();
    let rule = LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(days).build())
        .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(days).build())
        .abort_incomplete_multipart_upload(uploads)
        .build()?;
    BucketLifecycleConfiguration::builder().rules(rule).build()
}

async fn put_lifecycle(at: &Target<'_>, call: &Call, days: u32) -> Result<(), Problem> {
    let rules = lifecycle(i32::try_from(days).unwrap_or(i32::MAX)).map_err(incomplete(call))?;
    let request = at.s3.put_bucket_lifecycle_configuration().bucket(at.name).expected_bucket_owner(at.account);
    request.lifecycle_configuration(rules).send().await.classified(call.operation())?;
    Ok(())
}

async fn delete_lifecycle(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let request = at.s3.delete_bucket_lifecycle().bucket(at.name).expected_bucket_owner(at.account);
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// Sets the access logs. (The call refers to a bucket by its name, owned or foreign.) A status without a target turns
/// logging off.
async fn put_logging(at: &Target<'_>, call: &Call, logs: Option<&AccessLogs>) -> Result<(), Problem> {
    let enabled = logs
        .map(|logs| LoggingEnabled::builder().target_bucket(logs.to.to_string()).target_prefix(&logs.prefix).build());
    let enabled = enabled.transpose().map_err(incomplete(call))?;
    let status = BucketLoggingStatus::builder().set_logging_enabled(enabled).build();
    let request = at.s3.put_bucket_logging().bucket(at.name).expected_bucket_owner(at.account);
    request.bucket_logging_status(status).send().await.classified(call.operation())?;
    Ok(())
}

fn incomplete(call: &Call) -> impl Fn(BuildError) -> Problem {
    let operation = call.operation();
    move |error| Problem::rejected(operation, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encryption(algorithm: ServerSideEncryption, key: Option<&str>, bucket_key: bool) -> Encryption {
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm);
        let default = default.set_kms_master_key_id(key.map(str::to_owned)).build().unwrap();
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
        let rule = rule.bucket_key_enabled(bucket_key).build();
        read_encryption(Some(&ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap()))
    }

    #[test]
    fn an_encryption_that_is_never_desired_reads_as_a_key_that_is_never_desired() {
        let kms = |text: &str| Encryption::Kms(text.to_owned());
        assert_eq!(read_encryption(None), Encryption::S3);
        assert_eq!(encryption(ServerSideEncryption::Aes256, None, false), Encryption::S3);
        assert_eq!(encryption(ServerSideEncryption::AwsKms, Some("arn:k"), true), kms("arn:k"));
        assert_eq!(encryption(ServerSideEncryption::AwsKms, None, true), kms("the account's key for S3"));
        assert_eq!(encryption(ServerSideEncryption::AwsKms, Some("arn:k"), false), kms("arn:k, without a bucket key"));
        assert_eq!(encryption(ServerSideEncryption::AwsKmsDsse, Some("arn:k"), true), kms("arn:k, by aws:kms:dsse"));
    }

    #[test]
    fn only_the_owned_lifecycle_rule_reads_as_its_days() {
        let owned = || lifecycle(30).unwrap().rules.remove(0);
        assert_eq!(read_expiry(&[]), None);
        assert_eq!(read_expiry(&[owned()]), Some(30));
        assert_eq!(read_expiry(&[owned(), owned()]), Some(0));
        let mut disabled = owned();
        disabled.status = ExpirationStatus::Disabled;
        let mut partly = owned();
        partly.filter = Some(LifecycleRuleFilter::builder().prefix("a/").build());
        let mut without = owned();
        without.abort_incomplete_multipart_upload = None;
        for changed in [disabled, partly, without] {
            assert_eq!(read_expiry(&[changed]), Some(0));
        }
    }
}
