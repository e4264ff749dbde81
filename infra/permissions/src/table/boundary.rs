//! The upper bound of the rights of any environment's instances.

use super::{allow, implied};
use crate::{Managed, Resource, Statement};

const CORE: &str = "the managed policy AmazonSSMManagedInstanceCore";
const AGENT: &str = "the managed policy CloudWatchAgentServerPolicy";
const OWN: &str = "the role's inline policy";
const MANAGED: &str = "AWS Managed Policy Reference";
const HERE: &str = "shared/environment/src/desired/identity.rs";

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
    .because("The same actions and resources as AWS's managed policy for the agent."),
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
    .because("These actions accept no resource but *."),
    allow(
        "Logs",
        &[
            implied("logs:CreateLogStream", OWN, HERE),
            implied("logs:DescribeLogStreams", OWN, HERE),
            implied("logs:PutLogEvents", OWN, HERE),
        ],
        &[Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*")],
    )
    .because(
        "AWS's policy for the agent may create log groups and write to all of them; this boundary allows neither.",
    ),
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
    .because("The stack author names the key in KmsKeyArn; the inline policy allows that one alone."),
];
