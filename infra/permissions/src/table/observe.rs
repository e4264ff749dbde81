//! The reads of an environment: for plan, status and drift, and before and after every change. No row writes.

use super::{allow, call};
use crate::{Managed, Resource, Statement};

pub(crate) const READ_ENVIRONMENTS: Managed = Managed {
    id: "ReadEnvironments",
    description: "The reads of environments by Envkeeper's functions.",
    condition: "",
    statements: READS,
};

const READS: &[Statement] = &[
    allow(
        "DescribeEnvironments",
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
            call("ec2:DescribeInstances"),
            call("ec2:DescribeAvailabilityZones"),
            call("ec2:DescribeInstanceTypeOfferings"),
            call("ec2:DescribeInstanceTypes"),
            call("ec2:DescribeImages"),
            call("ec2:DescribeVpcEndpointServices"),
            call("autoscaling:DescribeAutoScalingGroups"),
            call("autoscaling:DescribeLifecycleHooks"),
            call("autoscaling:DescribePolicies"),
            call("autoscaling:DescribeScalingActivities"),
            call("autoscaling:DescribeInstanceRefreshes"),
            call("cloudwatch:DescribeAlarms"),
            call("logs:DescribeLogGroups"),
            call("logs:DescribeQueryDefinitions"),
        ],
        &[Resource::Any],
    )
    .because("These reads accept no resource but *. Alarms do, but CloudWatch returns composite alarms, which AlarmActions may name, only to a caller that is allowed DescribeAlarms on * (its API reference)."),
    allow(
        "ReadLimits",
        &[
            call("servicequotas:GetServiceQuota"),
            call("autoscaling:DescribeAccountLimits"),
            call("iam:GetAccountSummary"),
        ],
        &[Resource::Any],
    )
    .because("A request for which the account has no room is refused before the first write. These reads accept no resource but *."),
    allow("DescribeKeys", &[call("kms:DescribeKey")], &[Resource::Shared("kms", "key/*")])
        .because("A key in KmsKeyArn that can encrypt nothing is named before the first write. The key may be another account's."),
    allow("DescribeVpcAttributes", &[call("ec2:DescribeVpcAttribute")], &[Resource::Here("ec2", "vpc/*")]),
    allow(
        "ReadImageParameters",
        &[call("ssm:GetParameter")],
        &[Resource::Aws("ssm", "parameter/aws/service/*"), Resource::Shared("ssm", "parameter/*")],
    )
    .because("Any public parameter, parameter of this account or parameter that another account shares may name the image; a value that is not an image id is never shown."),
    allow(
        "ReadRoles",
        &[
            call("iam:GetRole"),
            call("iam:ListAttachedRolePolicies"),
            call("iam:ListRolePolicies"),
            call("iam:GetRolePolicy"),
        ],
        &[Resource::Global("iam", "role/${ProjectName}-role-*")],
    ),
    allow(
        "ReadInstanceProfiles",
        &[call("iam:GetInstanceProfile")],
        &[Resource::Global("iam", "instance-profile/${ProjectName}-profile-*")],
    ),
    allow(
        "ReadLogGroupTags",
        &[call("logs:ListTagsForResource")],
        &[
            Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*"),
            Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*"),
        ],
    ),
    allow(
        "ReadBuckets",
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
        "ReadDashboards",
        &[call("cloudwatch:GetDashboard")],
        &[Resource::Global("cloudwatch", "dashboard/${ProjectName}-*")],
    ),
];
