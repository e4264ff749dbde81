//! The identity of the instances: their role and their instance profile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{DesiredInputs, Part};
use crate::model::hook_settings::USER_DATA;
use crate::model::kinds::{InstanceProfile, Role};
use crate::model::mark;
use crate::model::resource::{Fields, Ref};

/// The managed policies of the instances' role: the first for Session Manager, the second for the `CloudWatch` agent.
const MANAGED_POLICIES: [&str; 2] = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"];

pub(super) fn identity(inputs: &DesiredInputs<'_>) -> Part {
    let names = inputs.names;
    let arn = |name: &&str| format!("arn:{}:iam::aws:policy/{name}", inputs.facts.partition);
    let managed_policies: BTreeSet<String> = MANAGED_POLICIES.iter().map(arn).collect();
    let role = Role {
        trusted_service: "ec2.amazonaws.com".into(),
        boundary: inputs.spec.permissions_boundary_arn.clone(),
        managed_policies,
        inline_policies: BTreeMap::from([(names.role_policy(), policy(inputs).to_string())]),
    };
    let profile = InstanceProfile { role: Some(Ref::Owned(names.role())) };
    vec![(names.role(), Fields::Role(role)), (names.instance_profile(), Fields::InstanceProfile(profile))]
}

/// The inline policy: the instances may use their bucket, write to their log group, and report the result of their user
/// data. Every ARN is the ARN of a resource of this environment, computed from the same key as the resource itself.
fn policy(inputs: &DesiredInputs<'_>) -> Value {
    let bucket = inputs.bucket_arn(&inputs.names.data_bucket());
    let logs = inputs.arn("logs", &format!("log-group:{}:*", inputs.names.instance_log_group().name));
    let mut statements = vec![
        json!({
            "Sid": "Bucket", "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": bucket,
        }),
        json!({
            "Sid": "Objects", "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "Resource": format!("{bucket}/*"),
        }),
        json!({
            "Sid": "Logs", "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], "Resource": logs,
        }),
        // An instance reports the result of its user data: with this tag only, and only in its own environment.
        json!({
            "Sid": "UserData", "Effect": "Allow",
            "Action": "ec2:CreateTags", "Resource": inputs.arn("ec2", "instance/*"),
            "Condition": {
                "StringEquals": { format!("aws:ResourceTag/{}", mark::ENVIRONMENT): inputs.names.environment_id() },
                "ForAllValues:StringEquals": { "aws:TagKeys": USER_DATA },
            },
        }),
    ];
    statements.extend(inputs.spec.kms_key_arn.as_ref().map(|key| {
        json!({
            "Sid": "Key", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key,
        })
    }));
    json!({ "Version": "2012-10-17", "Statement": statements })
}
