//! The most that the instances of any environment may ever do.

use super::{allow, implied};
use crate::{Managed, Resource, Statement};

const CORE: &str = "the managed policy AmazonSSMManagedInstanceCore";
const AGENT: &str = "the managed policy CloudWatchAgentServerPolicy";
const OWN: &str = "the role's inline policy";
const MANAGED: &str = "AWS Managed Policy Reference";
const HERE: &str = "shared/environment/src/wanted/identity.rs";

pub(crate) const BOUNDARY: Managed = Managed {
    id: "InstancesBoundary",
    description: "The most that instances of environments may ever do.",
    condition: "BoundaryIsOwn",
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
            implied("ssm:GetParameter", CORE, MANAGED),
            implied("ssm:GetParameters", CORE, MANAGED),
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
    .because("What AWS's own policy for the agent allows, on what it allows it."),
    allow(
        "Metrics",
        &[
            implied("cloudwatch:PutMetricData", AGENT, MANAGED),
            implied("ec2:DescribeTags", AGENT, MANAGED),
            implied("ec2:DescribeVolumes", AGENT, MANAGED),
            implied("logs:DescribeLogGroups", AGENT, MANAGED),
        ],
        &[Resource::Any],
    )
    .because("AWS knows no narrower resource for these."),
    allow(
        "Logs",
        &[
            implied("logs:CreateLogStream", OWN, HERE),
            implied("logs:DescribeLogStreams", OWN, HERE),
            implied("logs:PutLogEvents", OWN, HERE),
        ],
        &[Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*")],
    )
    .because("The agent's policy may write to every log group, and make them; this may not."),
    allow(
        "Bucket",
        &[
            implied("s3:GetBucketLocation", OWN, HERE),
            implied("s3:ListBucket", OWN, HERE),
            implied("s3:DeleteObject", OWN, HERE),
            implied("s3:GetObject", OWN, HERE),
            implied("s3:PutObject", OWN, HERE),
        ],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}"),
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}/*"),
        ],
    ),
    allow("UserData", &[implied("ec2:CreateTags", OWN, HERE)], &[Resource::Here("ec2", "instance/*")])
        .when(&[crate::Condition::Owned]),
    allow(
        "Keys",
        &[implied("kms:Decrypt", OWN, HERE), implied("kms:GenerateDataKey", OWN, HERE)],
        &[Resource::Here("kms", "key/*")],
    )
    .because("A KmsKeyArn is brought along; the inline policy names the one."),
];
