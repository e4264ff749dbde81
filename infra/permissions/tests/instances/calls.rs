//! The calls of instances on AWS, for each version of the user data that may run, and the calls of an attacker on one.

use std::collections::BTreeMap;

use crate::evaluate::Request;

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-west-2";
/// The instance that calls.
pub const INSTANCE: &str = "arn:aws:ec2:us-west-2:123456789012:instance/i-0aaaaaaaaaaaaaaa1";
const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";
const BUCKET: &str = "arn:aws:s3:::scalable-ec2-data-uswest2-dev-123456789012";
pub const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/0f0f0f0f-0000-4000-8000-000000000000";

const OTHER_KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/1";

/// A version of the user data: the subject of its commit, and whether it writes the log of a drain and reports its result in a
/// tag. Between the versions, only texts, retries and time limits changed.
pub struct Version {
    pub subject: &'static str,
    pub drains_and_reports: bool,
}

/// All versions, oldest first (`git log --follow shared/environment/src/model/user_data.rs`).
pub const VERSIONS: [Version; 8] = [
    Version { subject: "The pure core: properties, resources, plan, apply and the seam", drains_and_reports: false },
    Version {
        subject: "Hooks carry what their subscriber needs; an instance tells how its user data ended",
        drains_and_reports: true,
    },
    Version {
        subject: "wip: tests of lifecycle-hook: every combination, every shape, ten thousand records",
        drains_and_reports: true,
    },
    Version { subject: "Hooks: a drain has its whole time after its target groups let go", drains_and_reports: true },
    Version { subject: "Instances mark themselves within bounds of time", drains_and_reports: true },
    Version {
        subject: "Describe properties, desired resources and user data in plain words",
        drains_and_reports: true,
    },
    Version { subject: "Sort the environment crate into folders that depend one way", drains_and_reports: true },
    Version { subject: "Retry installs and checks of the agents in user data", drains_and_reports: true },
];

impl Version {
    /// The calls of this version: those of the SSM agent, of the `CloudWatch` agent with the configuration in the user data, and
    /// of the script itself.
    pub fn calls(&self) -> Vec<Request> {
        let agent = [
            "ssm:UpdateInstanceInformation",
            "ssm:ListAssociations",
            "ssm:ListInstanceAssociations",
            "ssm:UpdateInstanceAssociationStatus",
            "ssm:PutInventory",
            "ssm:PutComplianceItems",
            "ssm:GetDocument",
            "ssm:GetManifest",
            "ssm:GetDeployablePatchSnapshotForInstance",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenDataChannel",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:AcknowledgeMessage",
            "ec2messages:SendReply",
            "ec2messages:FailMessage",
            "ec2messages:DeleteMessage",
            // The CloudWatch agent, for append_dimensions.
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "logs:DescribeLogGroups",
        ];
        let mut calls: Vec<Request> = agent.map(|action| request(action, "*", &[])).into();
        // The agent's own namespace: the configuration names none.
        calls.push(metrics("CWAgent"));
        let streams: &[&str] =
            if self.drains_and_reports { &["messages", "user-data", "drain"] } else { &["messages", "user-data"] };
        calls.extend(streams.iter().flat_map(|stream| logs("/aws/ec2/scalable-ec2-dev", stream)));
        calls.extend(self.drains_and_reports.then(|| tag(INSTANCE, "envkeeper:user-data", ENVIRONMENT)));
        calls
    }
}

/// The calls of the stack author's scripts that the environment's properties allow.
pub fn calls_of_scripts() -> Vec<Request> {
    let object = format!("{BUCKET}/data/1");
    let mut calls = vec![
        request("s3:GetBucketLocation", BUCKET, &[]),
        request("s3:ListBucket", BUCKET, &[]),
        request("s3:GetObject", &object, &[]),
        request("s3:PutObject", &object, &[]),
        request("s3:DeleteObject", &object, &[]),
        metrics("Shop"),
        // OTLP ingestion is authorized as PutMetricData, without a namespace.
        request("cloudwatch:PutMetricData", "*", &[]),
        parameter("ssm:GetParameter", "", "aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
        parameter("ssm:GetParameters", "", "aws/service/global-infrastructure/regions"),
        parameter("ssm:GetParameter", ACCOUNT, "AmazonCloudWatch-linux"),
    ];
    for context in [BUCKET, object.as_str()] {
        calls.extend(
            ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| key(action, KEY, "s3", ("aws:s3:arn", context))),
        );
    }
    calls
}

/// The reads of the parameters in `ParameterPaths: [/team/app]`.
pub fn reads_of_listed_parameters() -> Vec<Request> {
    let mut calls: Vec<Request> = ["team/app", "team/app/db/password"]
        .into_iter()
        .flat_map(|name| {
            ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"].map(|it| parameter(it, ACCOUNT, name))
        })
        .collect();
    let arn = parameter_arn("team/app/db/password");
    calls.push(key("kms:Decrypt", OTHER_KEY, "ssm", ("PARAMETER_ARN", &arn)));
    calls
}

/// The calls that no instance of the environment may make: each one reaches another environment, or the account.
pub fn attacks() -> Vec<Request> {
    let sibling = "arn:aws:ec2:us-west-2:123456789012:instance/i-0bbbbbbbbbbbbbbb2";
    let others = "arn:aws:s3:::scalable-ec2-data-uswest2-my-dev-123456789012";
    let own = format!("{BUCKET}/data/1");
    let mut calls = vec![
        parameter("ssm:GetParameter", ACCOUNT, "other/secret"),
        parameter("ssm:GetParameters", ACCOUNT, "team/apple"),
        parameter("ssm:GetParametersByPath", ACCOUNT, "team"),
        parameter("ssm:GetParametersByPath", ACCOUNT, ""),
        parameter("ssm:GetParameterHistory", ACCOUNT, "other/secret"),
        parameter("ssm:PutParameter", ACCOUNT, "team/app"),
        metrics("Envkeeper"),
        request("logs:CreateLogGroup", &log_group("/aws/ec2/scalable-ec2-new"), &[]),
        tag(sibling, "envkeeper:user-data", ENVIRONMENT),
        tag(sibling, "envkeeper:user-data", "scalable-ec2-us-west-2-other"),
        // An instance outside of the environment that has its instance profile.
        tag(INSTANCE, "envkeeper:user-data", "scalable-ec2-us-west-2-other"),
        tag(INSTANCE, "envkeeper:owner", ENVIRONMENT),
        tag(INSTANCE, "envkeeper:user-data,Name", ENVIRONMENT),
        tag("arn:aws:ec2:us-west-2:123456789012:volume/vol-1", "envkeeper:user-data", ENVIRONMENT),
        request("s3:ListBucket", others, &[]),
        request("s3:GetObject", &format!("{others}/x"), &[]),
        request("s3:PutBucketPolicy", BUCKET, &[]),
        // The environment's key: without a service, through another one, and for the bucket of another environment.
        request("kms:Decrypt", KEY, &[]),
        key(
            "kms:Decrypt",
            KEY,
            "secretsmanager",
            ("SecretARN", "arn:aws:secretsmanager:us-west-2:123456789012:secret:x"),
        ),
        key("kms:Decrypt", KEY, "s3", ("aws:s3:arn", "arn:aws:s3:::payroll")),
        key("kms:Decrypt", KEY, "s3", ("aws:s3:arn", others)),
        key("kms:Decrypt", KEY, "s3", ("aws:s3:arn", &format!("{others}/x"))),
        // A direct call, with the encryption context of a ciphertext of the account or of the environment.
        request("kms:Decrypt", KEY, &[("kms:EncryptionContext:aws:s3:arn", BUCKET)]),
        request("kms:Decrypt", OTHER_KEY, &[("kms:EncryptionContext:PARAMETER_ARN", &parameter_arn("other/secret"))]),
        key("kms:Decrypt", OTHER_KEY, "ssm", ("Purpose", "other")),
        // Another key, even for the environment's own objects.
        key("kms:Decrypt", OTHER_KEY, "s3", ("aws:s3:arn", &own)),
        request("iam:TagRole", "arn:aws:iam::123456789012:role/scalable-ec2-role-uswest2-dev", &[]),
    ];
    let groups = [
        "/aws/ec2/scalable-ec2-my-dev",
        "/aws/ec2/scalable-ec2-dev2",
        "/aws/autoscaling/scalable-ec2-dev",
        "/aws/lambda/x",
    ];
    calls.extend(groups.into_iter().flat_map(|group| logs(group, "messages")));
    calls
}

fn request(action: &'static str, resource: &str, context: &[(&str, &str)]) -> Request {
    let session = [("ec2:SourceInstanceARN", INSTANCE), ("aws:PrincipalTag/envkeeper:environment", ENVIRONMENT)];
    let context = session.iter().chain(context).map(|(key, value)| (key.to_lowercase(), (*value).to_owned()));
    let context: BTreeMap<String, String> = context.collect();
    Request { action, resource: resource.to_owned(), context }
}

fn metrics(namespace: &str) -> Request {
    request("cloudwatch:PutMetricData", "*", &[("cloudwatch:namespace", namespace)])
}

fn log_group(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}")
}

fn logs(group: &str, stream: &str) -> [Request; 4] {
    let group = log_group(group);
    [
        request("logs:CreateLogStream", &group, &[]),
        request("logs:CreateLogStream", &format!("{group}:*"), &[]),
        request("logs:DescribeLogStreams", &format!("{group}:*"), &[]),
        request("logs:PutLogEvents", &format!("{group}:log-stream:i-0aaaaaaaaaaaaaaa1/{stream}"), &[]),
    ]
}

/// Tags a resource of an environment with these keys, separated by commas.
fn tag(resource: &str, keys: &str, environment: &str) -> Request {
    let id = resource.rsplit('/').next().unwrap_or_default();
    let facts = [("aws:TagKeys", keys), ("aws:ResourceTag/envkeeper:environment", environment), ("ec2:InstanceID", id)];
    request("ec2:CreateTags", resource, &facts)
}

fn parameter_arn(name: &str) -> String {
    format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name}")
}

fn parameter(action: &'static str, account: &str, name: &str) -> Request {
    request(action, &format!("arn:aws:ssm:{REGION}:{account}:parameter/{name}"), &[])
}

fn key(action: &'static str, key: &str, service: &str, (name, value): (&str, &str)) -> Request {
    let via = format!("{service}.{REGION}.amazonaws.com");
    request(action, key, &[("kms:ViaService", &via), (&format!("kms:EncryptionContext:{name}"), value)])
}
