//! The upper bound of the rights of any environment's instances. Its rows are those of the instances' role.
//!
//! One policy bounds all environments. It holds each role to its own environment by the tags of the role, which only the
//! reconciler may set. The inline policy of the role (`shared/environment/src/desired/identity.rs`) bounds the same rights
//! once more, under any boundary, and alone knows the parameters and the key that the stack author names.

use super::{allow, call, implied};
use crate::{Condition, Grant, Managed, Resource, Statement};

const CORE: &str = "the managed policy AmazonSSMManagedInstanceCore";
const AGENT: &str = "the managed policy CloudWatchAgentServerPolicy";
const SCRIPTS: &str = "the stack author's scripts on the instance";
const MANAGED: &str = "AWS Managed Policy Reference";
const HERE: &str = "shared/environment/src/desired/identity.rs";
/// The reason of the statements for roles without the tag that names their environment.
const BEFORE: &str = "Roles of environments without an update since roles have the tag envkeeper:suffix.";

const LOGS: [Grant; 3] = [
    implied("logs:CreateLogStream", AGENT, MANAGED),
    implied("logs:DescribeLogStreams", AGENT, MANAGED),
    implied("logs:PutLogEvents", AGENT, MANAGED),
];
const BUCKET: [Grant; 5] = [
    implied("s3:GetBucketLocation", SCRIPTS, HERE),
    implied("s3:ListBucket", SCRIPTS, HERE),
    implied("s3:DeleteObject", SCRIPTS, HERE),
    implied("s3:GetObject", SCRIPTS, HERE),
    implied("s3:PutObject", SCRIPTS, HERE),
];
const KEYS: &[Grant] = &[implied("kms:Decrypt", SCRIPTS, HERE), implied("kms:GenerateDataKey", SCRIPTS, HERE)];
/// The bucket and its objects.
const OWN_BUCKET: &[Resource] = &[Resource::OwnBucket(""), Resource::OwnBucket("/*")];

pub(crate) const BOUNDARY: Managed = Managed {
    id: "InstancesBoundary",
    description: "The upper bound of the rights of the instances of environments.",
    condition: "CreatesBoundary",
    statements: INSTANCES,
};

const INSTANCES: &[Statement] = &[
    allow(
        "SessionManager",
        &[
            implied("ssm:DescribeAssociation", CORE, MANAGED),
            implied("ssm:DescribeDocument", CORE, MANAGED),
            implied("ssm:GetDeployablePatchSnapshotForInstance", CORE, MANAGED),
            implied("ssm:GetDocument", CORE, MANAGED),
            implied("ssm:GetManifest", CORE, MANAGED),
            implied("ssm:ListAssociations", CORE, MANAGED),
            implied("ssm:ListInstanceAssociations", CORE, MANAGED),
            implied("ssm:PutComplianceItems", CORE, MANAGED),
            implied("ssm:PutConfigurePackageResult", CORE, MANAGED),
            implied("ssm:PutInventory", CORE, MANAGED),
            implied("ssm:UpdateAssociationStatus", CORE, MANAGED),
            implied("ssm:UpdateInstanceAssociationStatus", CORE, MANAGED),
            implied("ssm:UpdateInstanceInformation", CORE, MANAGED),
            implied("ssmmessages:CreateControlChannel", CORE, MANAGED),
            implied("ssmmessages:CreateDataChannel", CORE, MANAGED),
            implied("ssmmessages:OpenControlChannel", CORE, MANAGED),
            implied("ssmmessages:OpenDataChannel", CORE, MANAGED),
            implied("ec2messages:AcknowledgeMessage", CORE, MANAGED),
            implied("ec2messages:DeleteMessage", CORE, MANAGED),
            implied("ec2messages:FailMessage", CORE, MANAGED),
            implied("ec2messages:GetEndpoint", CORE, MANAGED),
            implied("ec2messages:GetMessages", CORE, MANAGED),
            implied("ec2messages:SendReply", CORE, MANAGED),
        ],
        &[Resource::Any],
    )
    .because("The same actions and resources as AWS's managed policy for the agent, except parameters."),
    allow(
        "Parameters",
        &[
            implied("ssm:GetParameter", CORE, MANAGED),
            implied("ssm:GetParameters", CORE, MANAGED),
            implied("ssm:GetParametersByPath", SCRIPTS, HERE),
        ],
        &[Resource::Here("ssm", "parameter/*"), Resource::Aws("ssm", "parameter/aws/service/*")],
    )
    .because("The stack author names the parameters in ParameterPaths; the inline policy denies all others."),
    allow("ParameterKeys", &[implied("kms:Decrypt", SCRIPTS, HERE)], &[Resource::Here("kms", "key/*")])
        .when(&[
            Condition::Through("ssm"),
            Condition::Encrypts("kms:EncryptionContext:PARAMETER_ARN", &[Resource::Here("ssm", "parameter/*")]),
        ])
        .because("SSM decrypts only parameters that the role may read; their keys are not known in advance."),
    allow("Metrics", &[implied("cloudwatch:PutMetricData", AGENT, MANAGED)], &[Resource::Any])
        .when(&[Condition::OtherNamespace("Envkeeper")])
        .because("The action accepts no resource but *. Alarms of all environments read Envkeeper's own namespace."),
    allow(
        "DescribeForAgent",
        &[
            implied("ec2:DescribeTags", AGENT, MANAGED),
            implied("ec2:DescribeVolumes", AGENT, MANAGED),
            implied("logs:DescribeLogGroups", AGENT, MANAGED),
        ],
        &[Resource::Any],
    )
    .because("These actions accept no resource but *."),
    allow(
        "Logs",
        &LOGS,
        &[
            Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-${!aws:PrincipalTag/envkeeper:suffix}"),
            Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-${!aws:PrincipalTag/envkeeper:suffix}:*"),
        ],
    )
    .because(
        "AWS's policy for the agent may create log groups and write to all of them; this boundary allows neither.",
    ),
    allow("Bucket", &BUCKET, OWN_BUCKET),
    allow("Keys", KEYS, &[Resource::Here("kms", "key/*")])
        .when(&[Condition::Through("s3"), Condition::Encrypts("kms:EncryptionContext:aws:s3:arn", OWN_BUCKET)])
        .because("The stack author names the key in KmsKeyArn; the inline policy allows that one alone."),
    allow("UserData", &[call("ec2:CreateTags")], &[Resource::Here("ec2", "instance/*")]).when(&[
        Condition::OwnEnvironment,
        Condition::OnlyTag("envkeeper:user-data"),
        Condition::Itself,
    ]),
    allow("LogsWithoutSuffix", &LOGS, &[Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*")])
        .when(&[Condition::WithoutSuffix])
        .because(BEFORE),
    allow(
        "BucketWithoutSuffix",
        &BUCKET,
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}"),
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}/*"),
        ],
    )
    .when(&[Condition::WithoutSuffix])
    .because(BEFORE),
    allow("KeysWithoutSuffix", KEYS, &[Resource::Here("kms", "key/*")])
        .when(&[
            Condition::WithoutSuffix,
            Condition::Through("s3"),
            Condition::Encrypts(
                "kms:EncryptionContext:aws:s3:arn",
                &[Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}*")],
            ),
        ])
        .because(BEFORE),
];
