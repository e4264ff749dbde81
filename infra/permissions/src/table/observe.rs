//! Looking at an environment: for plan, status and drift, and before and after every change. Nothing of it writes.

use super::{allow, call};
use crate::{Managed, Resource, Statement};

pub(crate) const LOOK: Managed =
    Managed { id: "Look", description: "Envkeeper's reads of environments.", condition: "", statements: READS };

const READS: &[Statement] = &[
    allow(
        "Look",
        &[
            call("ec2:DescribeVpcs"),
            call("ec2:DescribeInternetGateways"),
            call("ec2:DescribeSubnets"),
            call("ec2:DescribeAddresses"),
            call("ec2:DescribeNatGateways"),
            call("ec2:DescribeVpcEndpoints"),
            call("ec2:DescribeRouteTables"),
            call("ec2:DescribeSecurityGroups"),
            call("ec2:DescribeLaunchTemplates"),
            call("ec2:DescribeLaunchTemplateVersions"),
            call("ec2:DescribeTags"),
            call("ec2:DescribeAvailabilityZones"),
            call("ec2:DescribeInstanceTypeOfferings"),
            call("autoscaling:DescribeAutoScalingGroups"),
            call("autoscaling:DescribeLifecycleHooks"),
            call("autoscaling:DescribePolicies"),
            call("autoscaling:DescribeScalingActivities"),
            call("cloudwatch:DescribeAlarms"),
            call("logs:DescribeLogGroups"),
            call("logs:DescribeQueryDefinitions"),
        ],
        &[Resource::Any],
    )
    .because("AWS knows no narrower resource for these reads, but for alarms: CloudWatch tells of composite ones, which AlarmActions take too, only to whom this is allowed on everything (its API reference)."),
    allow("LookAtVpcs", &[call("ec2:DescribeVpcAttribute")], &[Resource::Here("ec2", "vpc/*")]),
    allow(
        "LookAtStacks",
        &[call("cloudformation:DescribeStacks"), call("cloudformation:DescribeStackEvents")],
        &[Resource::Here("cloudformation", "stack/*")],
    )
    .because("Whether a stack rolls back, which protection never holds up, or is gone, so that people may delete what it left."),
    allow(
        "LookAtImages",
        &[call("ssm:GetParameter")],
        &[Resource::Aws("ssm", "parameter/aws/service/*"), Resource::Here("ssm", "parameter/*")],
    )
    .because("Any public or own parameter may name the image; what is no image's id is never told."),
    allow(
        "LookAtRoles",
        &[
            call("iam:GetRole"),
            call("iam:ListAttachedRolePolicies"),
            call("iam:ListRolePolicies"),
            call("iam:GetRolePolicy"),
        ],
        &[Resource::Global("iam", "role/${ProjectName}-role-*")],
    ),
    allow(
        "LookAtProfiles",
        &[call("iam:GetInstanceProfile")],
        &[Resource::Global("iam", "instance-profile/${ProjectName}-profile-*")],
    ),
    allow(
        "LookAtLogGroups",
        &[call("logs:ListTagsForResource")],
        &[
            Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*"),
            Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*"),
        ],
    ),
    allow(
        "LookAtBuckets",
        &[
            call("s3:GetBucketTagging"),
            call("s3:GetBucketVersioning"),
            call("s3:GetBucketEncryption"),
            call("s3:GetPublicAccessBlock"),
            call("s3:GetBucketPolicy"),
            call("s3:GetBucketLogging"),
            call("s3:GetBucketLifecycleConfiguration"),
            call("s3:ListObjectVersions"),
        ],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}"),
            Resource::Bucket("${ProjectName}-logs-*-${AWS::AccountId}"),
        ],
    ),
    allow(
        "LookAtDashboards",
        &[call("cloudwatch:GetDashboard")],
        &[Resource::Global("cloudwatch", "dashboard/${ProjectName}-*")],
    ),
];
