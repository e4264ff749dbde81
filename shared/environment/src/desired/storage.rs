//! The storage: both buckets and both log groups.

use serde_json::{Value, json};

use super::{DesiredInputs, Part};
use crate::model::kinds::{AccessLogs, Bucket, Encryption, LogGroup};
use crate::model::on_delete::OnDelete;
use crate::model::resource::{Fields, Key, Ref};

/// The key prefix of the access logs.
const ACCESS_LOGS: &str = "access-logs/";

pub(super) fn buckets(inputs: &DesiredInputs<'_>) -> Part {
    let (data, logs) = (inputs.names.data_bucket(), inputs.names.log_bucket());
    let key = inputs.spec.kms_key_arn.clone();
    let data_bucket = Bucket {
        public_access_blocked: true,
        versioning: true,
        encryption: key.map_or(Encryption::S3, Encryption::Kms),
        policy: Some(policy(&[inputs.tls_only(&data)])),
        access_logs: Some(AccessLogs { to: Ref::Owned(logs.clone()), prefix: ACCESS_LOGS.into() }),
        ..Bucket::default()
    };
    // The log delivery service does not write into a bucket with a customer managed key (the S3 user guide).
    let log_bucket = Bucket {
        public_access_blocked: true,
        policy: Some(policy(&[inputs.log_delivery(&logs, &data), inputs.tls_only(&logs)])),
        expiry_days: Some(inputs.spec.log_retention_days),
        ..Bucket::default()
    };
    vec![(logs, Fields::Bucket(log_bucket)), (data, Fields::Bucket(data_bucket))]
}

pub(super) fn log_groups(inputs: &DesiredInputs<'_>) -> Part {
    let group = || {
        let retention_days = Some(inputs.spec.log_retention_days);
        Fields::LogGroup(LogGroup { retention_days, kms_key: inputs.spec.kms_key_arn.clone() })
    };
    vec![(inputs.names.scaling_log_group(), group()), (inputs.names.instance_log_group(), group())]
}

fn policy(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

impl DesiredInputs<'_> {
    /// The ARN of a bucket. It contains neither region nor account: bucket names are globally unique.
    pub(super) fn bucket_arn(&self, bucket: &Key) -> String {
        format!("arn:{}:s3:::{}", self.facts.partition, bucket.name)
    }

    /// The value of the bucket's tag for its deletion. Access logs never cause a Delete to fail, even if the data
    /// bucket has to be empty.
    pub(super) fn on_delete(&self, name: &str) -> Option<OnDelete> {
        let data = self.spec.bucket_on_delete;
        if name == self.names.data_bucket().name {
            return Some(data);
        }
        let logs = if data == OnDelete::FailIfNotEmpty { OnDelete::RetainIfNotEmpty } else { data };
        (name == self.names.log_bucket().name).then_some(logs)
    }

    fn tls_only(&self, bucket: &Key) -> Value {
        let arn = self.bucket_arn(bucket);
        json!({
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        })
    }

    /// Allows the access logs of one bucket, and only of this account (by a policy, not by an ACL: ARCHITECTURE,
    /// Facts).
    fn log_delivery(&self, logs: &Key, source: &Key) -> Value {
        json!({
            "Sid": "AccessLogs", "Effect": "Allow", "Principal": { "Service": "logging.s3.amazonaws.com" },
            "Action": "s3:PutObject",
            "Resource": format!("{}/{ACCESS_LOGS}*", self.bucket_arn(logs)),
            "Condition": {
                "ArnLike": { "aws:SourceArn": self.bucket_arn(source) },
                "StringEquals": { "aws:SourceAccount": self.names.account },
            },
        })
    }
}
