//! The identity of the instances: their role and their instance profile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{DesiredInputs, OWN_NAMESPACE, Part};
use crate::model::hook_settings::USER_DATA;
use crate::model::key::Ref;
use crate::model::kinds::{InstanceProfile, Role};
use crate::model::mark;
use crate::model::resource::Fields;

/// The managed policies of the instances' role: the first for Session Manager, the second for the `CloudWatch` agent.
const MANAGED_POLICIES: [&str; 2] = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"];

/// The actions that return the value of a parameter. SSM checks each of them separately (SSM user guide, "How Parameter
/// Store authorizes parameter retrieval").
const READ_PARAMETERS: [&str; 4] =
    ["ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath"];

pub(super) fn identity(inputs: &DesiredInputs<'_>) -> Part {
    let names = inputs.names;
    let arn = |name: &&str| format!("arn:{}:iam::aws:policy/{name}", inputs.facts.partition);
    let managed_policies: BTreeSet<String> = MANAGED_POLICIES.iter().map(arn).collect();
    let role = Role {
        trusts: "ec2.amazonaws.com".into(),
        boundary: inputs.spec.permissions_boundary_arn.clone(),
        managed_policies,
        inline_policies: BTreeMap::from([(names.role_policy(), policy(inputs).to_string())]),
    };
    let profile = InstanceProfile { role: Some(Ref::Owned(names.role())) };
    vec![(names.role(), Fields::Role(role)), (names.instance_profile(), Fields::InstanceProfile(profile))]
}

/// The inline policy: the instances may use their bucket, write to their log group, read the parameters that the stack
/// author lists, and report the result of their user data. Every ARN is the ARN of a resource of this environment, computed
/// from the same key as the resource itself.
///
/// The managed policies allow more than that: parameters, metrics and log groups of the whole account. The Deny statements
/// hold them to this environment under any permissions boundary, and without one.
fn policy(inputs: &DesiredInputs<'_>) -> Value {
    let bucket = inputs.bucket_arn(&inputs.names.data_bucket());
    let mut statements = vec![
        json!({
            "Sid": "Bucket", "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": bucket,
        }),
        json!({
            "Sid": "Objects", "Effect": "Allow",
            "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "Resource": format!("{bucket}/*"),
        }),
    ];
    statements.extend(logs(inputs));
    statements.push(user_data_tag(inputs));
    statements.push(json!({
        "Sid": "OwnMetrics", "Effect": "Deny", "Action": "cloudwatch:PutMetricData", "Resource": "*",
        "Condition": { "StringEquals": { "cloudwatch:namespace": OWN_NAMESPACE } },
    }));
    statements.extend(parameters(inputs));
    statements.extend(inputs.spec.kms_key_arn.as_ref().map(|key| bucket_key(inputs, key, &bucket)));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A list in a policy, in the order in which the policy is read back: IAM treats it as a set.
fn set(mut all: Vec<String>) -> Value {
    all.sort_unstable();
    Value::from(all)
}

/// The log group of the instances, and no other. `CloudWatch` Logs uses both forms of the ARN (its user guide, "Overview of
/// managing access permissions").
fn logs(inputs: &DesiredInputs<'_>) -> [Value; 2] {
    let group = inputs.arn("logs", &format!("log-group:{}", inputs.names.instance_log_group().name));
    let own = set(vec![format!("{group}:*"), group]);
    [
        json!({
            "Sid": "Logs", "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], "Resource": own,
        }),
        json!({
            "Sid": "OtherLogs", "Effect": "Deny",
            "Action": [
                "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
                "logs:PutRetentionPolicy",
            ],
            "NotResource": own,
        }),
    ]
}

/// An instance reports the result of its user data: with this tag only, and only on itself. The form of the comparison is that
/// of AWS's managed policy `AWSEC2VssSnapshotPolicy`.
fn user_data_tag(inputs: &DesiredInputs<'_>) -> Value {
    json!({
        "Sid": "UserData", "Effect": "Allow",
        "Action": "ec2:CreateTags", "Resource": inputs.arn("ec2", "instance/*"),
        "Condition": {
            "StringEquals": { format!("aws:ResourceTag/{}", mark::ENVIRONMENT): inputs.names.environment_id() },
            "ForAllValues:StringEquals": { "aws:TagKeys": USER_DATA },
            "ArnLike": { "ec2:SourceInstanceARN": inputs.arn("ec2", "instance/${ec2:InstanceId}") },
        },
    })
}

/// The parameters of AWS and of the `CloudWatch` agent, and those that the stack author lists; no others. The list occurs once,
/// in the Deny, so that its maximum fits into the policy: the Allow statements add what the managed policies lack.
fn parameters(inputs: &DesiredInputs<'_>) -> Vec<Value> {
    let region = &inputs.names.region;
    let parameter = |path: &str| inputs.arn("ssm", &format!("parameter/{path}"));
    // No account can create a parameter below /aws, so any account is AWS's.
    let public = format!("arn:{}:ssm:{region}:*:parameter/aws/service/*", inputs.facts.partition);
    let listed = inputs.spec.parameter_paths.iter().map(|path| parameter(path.trim_start_matches('/')));
    let listed = listed.flat_map(|arn| [format!("{arn}/*"), arn]);
    let readable = set([public, parameter("AmazonCloudWatch-*")].into_iter().chain(listed).collect());
    let others = json!({
        "Sid": "OtherParameters", "Effect": "Deny", "Action": READ_PARAMETERS, "NotResource": readable,
    });
    if inputs.spec.parameter_paths.is_empty() {
        return vec![others];
    }
    let by_path = json!({
        "Sid": "Parameters", "Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": parameter("*"),
    });
    // SSM decrypts in the caller's name, and only a value that the caller may read (SSM user guide, "Restricting decryption
    // of SecureString parameter values").
    let keys = json!({
        "Sid": "ParameterKeys", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": inputs.arn("kms", "key/*"),
        "Condition": { "StringLike": {
            "kms:ViaService": format!("ssm.{region}.*"),
            "kms:EncryptionContext:PARAMETER_ARN": parameter("*"),
        } },
    });
    vec![others, by_path, keys]
}

/// The environment's key, for the objects of its bucket alone. S3 calls KMS with the bucket's ARN as encryption context, or
/// with the object's ARN if the object has no bucket key (S3 user guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket
/// Keys"). The domain in the service's name follows the partition.
fn bucket_key(inputs: &DesiredInputs<'_>, key: &str, bucket: &str) -> Value {
    json!({
        "Sid": "Key", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key,
        "Condition": { "StringLike": {
            "kms:ViaService": format!("s3.{}.*", inputs.names.region),
            "kms:EncryptionContext:aws:s3:arn": [bucket, &format!("{bucket}/*")],
        } },
    })
}
