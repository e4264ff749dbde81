//! What is kept: both buckets, and both log groups.

use serde_json::{Value, json};

use super::{DesiredInputs, Part};
use crate::kinds::{AccessLogs, Bucket, Encryption, LogGroup};
use crate::resource::{Fields, Key, Ref};
use crate::retain::OnDelete;

/// What the names of the access logs begin with.
const ACCESS_LOGS: &str = "access-logs/";

pub(super) fn buckets(inputs: &DesiredInputs<'_>) -> Part {
    let (data, logs) = (inputs.names.data_bucket(), inputs.names.log_bucket());
    let key = inputs.spec.kms_key_arn.clone();
    let of_data = Bucket {
        public_access_blocked: true,
        versioning: true,
        encryption: key.map_or(Encryption::S3, Encryption::Kms),
        policy: Some(policy(&[inputs.tls_only(&data)])),
        access_logs: Some(AccessLogs { to: Ref::Owned(logs.clone()), prefix: ACCESS_LOGS.into() }),
        ..Bucket::default()
    };
    // The log delivery service writes no log into a bucket with a key of somebody's own (the S3 user guide).
    let of_logs = Bucket {
        public_access_blocked: true,
        policy: Some(policy(&[inputs.log_delivery(&logs, &data), inputs.tls_only(&logs)])),
        expiry_days: Some(inputs.spec.log_retention_days),
        ..Bucket::default()
    };
    vec![(logs, Fields::Bucket(of_logs)), (data, Fields::Bucket(of_data))]
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
    /// A bucket's ARN needs neither region nor account: names are unique in the world.
    pub(super) fn bucket_arn(&self, bucket: &Key) -> String {
        format!("arn:{}:s3:::{}", self.facts.partition, bucket.name)
    }

    /// What a bucket's tag says of its end. Access logs of a bucket that has to be empty are nobody's reason to fail.
    pub(super) fn on_delete(&self, name: &str) -> Option<OnDelete> {
        let of_data = self.spec.bucket_on_delete;
        if name == self.names.data_bucket().name {
            return Some(of_data);
        }
        let of_logs = if of_data == OnDelete::FailIfNotEmpty { OnDelete::RetainIfNotEmpty } else { of_data };
        (name == self.names.log_bucket().name).then_some(of_logs)
    }

    fn tls_only(&self, bucket: &Key) -> Value {
        let arn = self.bucket_arn(bucket);
        json!({
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        })
    }

    /// Access logs of one bucket, and of no other account's (by a policy and no ACL: ARCHITECTURE, Facts).
    fn log_delivery(&self, logs: &Key, of: &Key) -> Value {
        json!({
            "Sid": "AccessLogs", "Effect": "Allow", "Principal": { "Service": "logging.s3.amazonaws.com" },
            "Action": "s3:PutObject",
            "Resource": format!("{}/{ACCESS_LOGS}*", self.bucket_arn(logs)),
            "Condition": {
                "ArnLike": { "aws:SourceArn": self.bucket_arn(of) },
                "StringEquals": { "aws:SourceAccount": self.names.account },
            },
        })
    }
}
