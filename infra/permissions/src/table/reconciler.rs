//! The reconciler: the only function that writes to environments.

use super::{REFERENCE, TAKE, allow, call, implied};
use crate::{Condition, Grant, Managed, Resource, Statement};

/// The calls of EC2 that make something with tags.
const CREATES: &[&str] = &[
    "CreateVpc",
    "CreateInternetGateway",
    "CreateSubnet",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateLaunchTemplate",
    "AllocateAddress",
    "CreateNatGateway",
    "CreateVpcEndpoint",
];
/// What is made in EC2.
const OF_EC2: &[Resource] = &[
    Resource::Here("ec2", "vpc/*"),
    Resource::Here("ec2", "internet-gateway/*"),
    Resource::Here("ec2", "subnet/*"),
    Resource::Here("ec2", "route-table/*"),
    Resource::Here("ec2", "security-group/*"),
    Resource::Here("ec2", "launch-template/*"),
    Resource::Here("ec2", "elastic-ip/*"),
    Resource::Here("ec2", "natgateway/*"),
    Resource::Here("ec2", "vpc-endpoint/*"),
];
const GROUPS: &[Resource] =
    &[Resource::Here("autoscaling", "autoScalingGroup:*:autoScalingGroupName/${ProjectName}-asg-*")];
const LOG_GROUPS: &[Resource] = &[
    Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*"),
    Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*"),
];
const ROLES: &[Resource] = &[Resource::Global("iam", "role/${ProjectName}-role-*")];
const OF_GROUPS: &str = "Auto Scaling User Guide, Control the use of launch templates: required permissions";

const OF_TOPICS: &str =
    "Amazon SNS Developer Guide, Key management: permissions for a topic with server-side encryption";
/// What EC2 is called as the service that a role is passed to. The second is China's, where IAM itself asks by the first and
/// EC2 by the second (seen by others: karpenter-provider-aws, pull request 6839).
const EC2: &[&str] = &["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];
/// What Auto Scaling asks for in the caller's name.
const LAUNCH: &[Grant] =
    &[implied("ec2:RunInstances", "autoscaling:CreateAutoScalingGroup, UpdateAutoScalingGroup", OF_GROUPS)];

/// What is its own; the rest of its role are the managed policies below, since a role's inline policies have 10,240
/// characters and each managed one has 6,144 more (IAM's quotas).
pub(crate) const RECONCILER: &[Statement] = &[
    allow(
        "Records",
        &[call("dynamodb:GetItem"), call("dynamodb:UpdateItem"), call("dynamodb:DeleteItem")],
        &[Resource::Deployed("Records", "")],
    ),
    allow("TakeFromTheLine", TAKE, &[Resource::Deployed("Requests", "")]),
    allow("KeepInTheLine", &[call("sqs:ChangeMessageVisibility")], &[Resource::Deployed("Requests", "")]),
    allow("TellTheLedger", &[call("sqs:SendMessage")], &[Resource::Deployed("ScalingEvents", "")]),
    allow("WhatStandsInTheWay", &[call("ec2:DescribeNetworkInterfaces"), call("ec2:DescribeInstanceStatus")], &[Resource::Any])
        .because("To name what is in a network that can't be deleted, and to find who is unhealthy; AWS knows no narrower resource."),
    allow("TellTopics", &[call("sns:Publish")], &[Resource::Here("sns", "*")])
        .because("They are brought along by AlarmActions, so they have no name of ours."),
    allow(
        "TopicsWithKeys",
        &[
            implied("kms:Decrypt", "sns:Publish to an encrypted topic", OF_TOPICS),
            implied("kms:GenerateDataKey", "sns:Publish to an encrypted topic", OF_TOPICS),
        ],
        &[Resource::Here("kms", "key/*")],
    )
    .when(&[Condition::Through("sns")])
    .because("A topic may have a key; it is asked for by SNS alone, for what it publishes."),
];

/// The network and what instances start from. What is made gets its mark in the same call, and nothing else may be
/// tagged, changed or deleted.
pub(crate) const NETWORK: Managed = Managed {
    id: "KeepNetworks",
    description: "Envkeeper's changes of networks and launch templates.",
    condition: "",
    statements: OF_NETWORKS,
};

/// The group, and who its instances are.
pub(crate) const FLEET: Managed = Managed {
    id: "KeepInstances",
    description: "Envkeeper's changes of Auto Scaling groups and of the roles of instances.",
    condition: "",
    statements: OF_INSTANCES,
};

/// Logs, buckets, alarms.
pub(crate) const DATA: Managed = Managed {
    id: "KeepData",
    description: "Envkeeper's changes of log groups, buckets, alarms and dashboards.",
    condition: "",
    statements: OF_DATA,
};

const OF_NETWORKS: &[Statement] = &[
    allow(
        "Create",
        &[
            call("ec2:CreateVpc"),
            call("ec2:CreateInternetGateway"),
            call("ec2:CreateSubnet"),
            call("ec2:CreateRouteTable"),
            call("ec2:CreateSecurityGroup"),
            call("ec2:CreateLaunchTemplate"),
            call("ec2:AllocateAddress"),
            call("ec2:CreateNatGateway"),
            call("ec2:CreateVpcEndpoint"),
        ],
        OF_EC2,
    )
    .when(&[Condition::MarkedInCall])
    .because("What is made gets its mark in the same call."),
    allow(
        "CreateInWhatIsOurs",
        &[
            call("ec2:CreateSubnet"),
            call("ec2:CreateRouteTable"),
            call("ec2:CreateNatGateway"),
            call("ec2:CreateVpcEndpoint"),
        ],
        &[
            Resource::Here("ec2", "vpc/*"),
            Resource::Here("ec2", "subnet/*"),
            Resource::Here("ec2", "route-table/*"),
            Resource::Here("ec2", "security-group/*"),
            Resource::Here("ec2", "elastic-ip/*"),
        ],
    )
    .when(&[Condition::Owned]),
    allow("CreateInAnyNetwork", &[call("ec2:CreateSecurityGroup")], &[Resource::Here("ec2", "vpc/*")])
        .because("A network that is brought along has no mark of ours."),
    allow("TagWhatIsCreated", &[implied("ec2:CreateTags", "the creating calls of EC2", REFERENCE)], OF_EC2)
        .when(&[Condition::MarkedInCall, Condition::CreatedBy(CREATES)]),
    allow(
        "LookBesideAnEndpoint",
        &[implied("route53:AssociateVPCWithHostedZone", "ec2:CreateVpcEndpoint", REFERENCE)],
        &[Resource::Zone("*")],
    )
    .because("For an endpoint's private names: their zone is AWS's own, and has no name of ours."),
    allow(
        "ChangeWhatIsOurs",
        &[
            call("ec2:ModifyVpcAttribute"),
            call("ec2:AttachInternetGateway"),
            call("ec2:DetachInternetGateway"),
            call("ec2:ModifySubnetAttribute"),
            call("ec2:CreateRoute"),
            call("ec2:ReplaceRoute"),
            call("ec2:DeleteRoute"),
            call("ec2:AssociateRouteTable"),
            call("ec2:DisassociateRouteTable"),
            call("ec2:CreateLaunchTemplateVersion"),
            call("ec2:AuthorizeSecurityGroupIngress"),
            call("ec2:RevokeSecurityGroupIngress"),
            call("ec2:ModifyVpcEndpoint"),
            call("ec2:CreateTags"),
            call("ec2:DeleteTags"),
            call("ec2:DeleteVpc"),
            call("ec2:DeleteInternetGateway"),
            call("ec2:DeleteSubnet"),
            call("ec2:DeleteRouteTable"),
            call("ec2:DeleteSecurityGroup"),
            call("ec2:DeleteLaunchTemplate"),
            call("ec2:ReleaseAddress"),
            call("ec2:DeleteNatGateway"),
            call("ec2:DeleteVpcEndpoints"),
        ],
        OF_EC2,
    )
    .when(&[Condition::Owned]),
];

const OF_INSTANCES: &[Statement] = &[
    allow("MakeGroups", &[call("autoscaling:CreateAutoScalingGroup")], GROUPS).when(&[Condition::MarkedInCall]),
    allow(
        "ChangeGroups",
        &[
            call("autoscaling:UpdateAutoScalingGroup"),
            call("autoscaling:DeleteAutoScalingGroup"),
            call("autoscaling:SetInstanceProtection"),
            call("autoscaling:CreateOrUpdateTags"),
            call("autoscaling:DeleteTags"),
            call("autoscaling:EnableMetricsCollection"),
            call("autoscaling:PutLifecycleHook"),
            call("autoscaling:DeleteLifecycleHook"),
            call("autoscaling:AttachLoadBalancerTargetGroups"),
            call("autoscaling:DetachLoadBalancerTargetGroups"),
            call("autoscaling:PutScalingPolicy"),
            call("autoscaling:DeletePolicy"),
            call("autoscaling:SetDesiredCapacity"),
            call("autoscaling:TerminateInstanceInAutoScalingGroup"),
            implied("autoscaling:PutLifecycleHook", "autoscaling:CreateAutoScalingGroup with hooks", OF_GROUPS),
        ],
        GROUPS,
    )
    .when(&[Condition::Owned]),
    allow("LaunchByOurTemplates", LAUNCH, &[Resource::Here("ec2", "launch-template/*")])
        .when(&[Condition::Owned])
        .because(
            "Auto Scaling asks for it in the caller's name when a group has a launch template, which has to be ours.",
        ),
    // The EC2 user guide, Example policies, Work with launch templates: a launch without a template is none, and of the
    // template nothing is replaced but the subnet, which is the group's, and what is made in it.
    allow(
        "LaunchInSubnets",
        LAUNCH,
        &[
            Resource::Here("ec2", "instance/*"),
            Resource::Here("ec2", "network-interface/*"),
            Resource::Here("ec2", "subnet/*"),
            Resource::Here("ec2", "volume/*"),
        ],
    )
    .when(&[Condition::ByTemplate]),
    allow(
        "LaunchWhatTemplatesSay",
        LAUNCH,
        &[
            Resource::Here("ec2", "security-group/*"),
            Resource::Aws("ec2", "image/*"),
            Resource::Aws("ec2", "snapshot/*"),
        ],
    )
    .when(&[Condition::ByTemplate, Condition::AsTemplateSays])
    .because("Image and security groups of the template, and no others in their place."),
    allow(
        "TagWhatGroupsLaunch",
        &[implied("ec2:CreateTags", "ec2:RunInstances for a launch template with tags", OF_GROUPS)],
        &[Resource::Here("ec2", "instance/*"), Resource::Here("ec2", "volume/*")],
    )
    .when(&[Condition::CreatedBy(&["RunInstances"])]),
    allow(
        "PassTheRoleToInstances",
        &[implied("iam:PassRole", "iam:AddRoleToInstanceProfile, autoscaling:CreateAutoScalingGroup", REFERENCE)],
        ROLES,
    )
    .when(&[Condition::PassedTo(EC2)])
    .because("In China EC2 goes by either name, call by call."),
    allow(
        "FirstGroupOfTheAccount",
        &[implied("iam:CreateServiceLinkedRole", "autoscaling:CreateAutoScalingGroup", REFERENCE)],
        &[Resource::Global("iam", "role/aws-service-role/autoscaling.amazonaws.com/*")],
    )
    .when(&[Condition::LinkedTo("autoscaling.amazonaws.com")]),
    allow(
        "GiveRolesPermissions",
        &[call("iam:CreateRole"), call("iam:PutRolePolicy"), call("iam:PutRolePermissionsBoundary")],
        ROLES,
    )
    .when(&[Condition::Bounded])
    .because("Only within the boundary: no role of an environment can do more, whatever its policies say."),
    allow("AttachPolicies", &[call("iam:AttachRolePolicy")], ROLES).when(&[
        Condition::Bounded,
        Condition::AwsPolicy(&["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]),
    ]),
    allow(
        "TakeRolesAway",
        &[
            call("iam:DeleteRole"),
            call("iam:DeleteRolePolicy"),
            call("iam:DetachRolePolicy"),
            call("iam:TagRole"),
            call("iam:UntagRole"),
            implied("iam:TagRole", "iam:CreateRole with tags", REFERENCE),
        ],
        ROLES,
    ),
    allow(
        "Profiles",
        &[
            call("iam:CreateInstanceProfile"),
            call("iam:DeleteInstanceProfile"),
            call("iam:TagInstanceProfile"),
            call("iam:UntagInstanceProfile"),
            call("iam:AddRoleToInstanceProfile"),
            call("iam:RemoveRoleFromInstanceProfile"),
        ],
        &[Resource::Global("iam", "instance-profile/${ProjectName}-profile-*")],
    ),
];

const OF_DATA: &[Statement] = &[
    allow(
        "LogGroups",
        &[
            call("logs:CreateLogGroup"),
            call("logs:DeleteLogGroup"),
            call("logs:PutRetentionPolicy"),
            call("logs:TagResource"),
            call("logs:UntagResource"),
            call("logs:AssociateKmsKey"),
            call("logs:DisassociateKmsKey"),
        ],
        LOG_GROUPS,
    ),
    allow("SavedQueries", &[call("logs:PutQueryDefinition"), call("logs:DeleteQueryDefinition")], &[Resource::Any])
        .because("AWS knows no narrower resource for saved queries."),
    allow(
        "Buckets",
        &[
            call("s3:CreateBucket"),
            implied(
                "s3:TagResource",
                "s3:CreateBucket with tags",
                "Amazon S3 API Reference, CreateBucket: permissions",
            ),
            call("s3:DeleteBucket"),
            call("s3:PutBucketTagging"),
            call("s3:PutBucketVersioning"),
            call("s3:PutBucketEncryption"),
            call("s3:PutPublicAccessBlock"),
            call("s3:PutBucketPolicy"),
            call("s3:PutBucketLogging"),
            call("s3:PutBucketLifecycleConfiguration"),
            call("s3:ListMultipartUploads"),
        ],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}"),
            Resource::Bucket("${ProjectName}-logs-*-${AWS::AccountId}"),
        ],
    ),
    allow(
        "EmptyBuckets",
        &[call("s3:DeleteObjects"), call("s3:AbortMultipartUpload")],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}/*"),
            Resource::Bucket("${ProjectName}-logs-*-${AWS::AccountId}/*"),
        ],
    ),
    allow(
        "Alarms",
        &[
            call("cloudwatch:PutMetricAlarm"),
            call("cloudwatch:DeleteAlarms"),
            implied(
                "cloudwatch:TagResource",
                "cloudwatch:PutMetricAlarm with tags",
                "CloudWatch API Reference, PutMetricAlarm",
            ),
        ],
        &[Resource::Here("cloudwatch", "alarm:${ProjectName}-*")],
    ),
    allow(
        "Dashboards",
        &[call("cloudwatch:PutDashboard"), call("cloudwatch:DeleteDashboards")],
        &[Resource::Global("cloudwatch", "dashboard/${ProjectName}-*")],
    ),
];
