//! The reconciler: the only function that writes to environments.

use super::requests::DESCRIBE_STACKS;
use super::{CONSUME, PUBLISH, REFERENCE, allow, call, implied};
use crate::{Condition, Grant, Managed, Resource, Statement};

/// The EC2 calls that create a resource with tags.
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
/// The kinds of EC2 resources of an environment.
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
/// The service names of EC2 in iam:PassedToService. The second is used in China, where IAM checks the first name and EC2 the
/// second (reported in karpenter-provider-aws, pull request 6839).
const EC2: &[&str] = &["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];
/// The action that Auto Scaling checks with the caller's credentials.
const LAUNCH: &[Grant] = &[implied(
    "ec2:RunInstances",
    "autoscaling:CreateAutoScalingGroup, UpdateAutoScalingGroup, StartInstanceRefresh",
    OF_GROUPS,
)];

/// The inline policy. The rest of the role stands in the managed policies below, since the inline policies of a role hold
/// 10,240 characters and each managed policy 6,144 more (IAM quotas).
pub(crate) const RECONCILER: &[Statement] = &[
    allow("Records", &[call("dynamodb:GetItem"), call("dynamodb:UpdateItem")], &[Resource::Deployed("Records", "")]),
    allow("DeleteClaimsAndTasks", &[call("dynamodb:DeleteItem")], &[Resource::Deployed("Records", "")])
        .when(&[Condition::Items(&["environment#", "task#"])])
        .because("Owners and executions of rules expire by DynamoDB's time to live, and are deleted by no function."),
    allow("QueryTasks", &[call("dynamodb:Query")], &[Resource::Deployed("Records", "/index/pending_response")]),
    DESCRIBE_STACKS,
    allow("ConsumeRequests", CONSUME, &[Resource::Deployed("RequestQueue", "")]),
    allow("RequeueRequests", &[call("sqs:ChangeMessageVisibility")], &[Resource::Deployed("RequestQueue", "")]),
    allow("RequestDuePasses", &[call("sqs:SendMessage")], &[Resource::Deployed("RequestQueue", "")]),
    PUBLISH,
    allow("PublishToLedger", &[call("sqs:SendMessage")], &[Resource::Deployed("ScalingEventQueue", "")]),
    allow(
        "DescribeForDiagnostics",
        &[
            call("ec2:DescribeNetworkInterfaces"),
            call("ec2:DescribeNetworkAcls"),
            call("ec2:DescribeVpnGateways"),
            call("ec2:DescribeInstanceStatus"),
            call("autoscaling:DescribeLoadBalancerTargetGroups"),
            call("autoscaling:DescribeWarmPool"),
        ],
        &[Resource::Any],
    )
    .because("To name what blocks a delete, to find unhealthy instances, and to wait for target groups that are being attached. These reads accept no resource but *."),
    allow("NotifyTopics", &[call("sns:Publish")], &[Resource::Listed("AllowedTopics", "sns", "*")])
        .because("The stack author names the topics in AlarmActions; AllowedTopics limits them."),
    allow(
        "EncryptForTopics",
        &[
            implied("kms:Decrypt", "sns:Publish to an encrypted topic", OF_TOPICS),
            implied("kms:GenerateDataKey", "sns:Publish to an encrypted topic", OF_TOPICS),
        ],
        &[Resource::Here("kms", "key/*")],
    )
    .when(&[Condition::Through("sns")])
    .because("A topic may have a key. SNS alone uses it, for the messages that it publishes."),
];

/// The network and the launch templates. Each create call sets the ownership mark; a resource without the mark may not be
/// tagged, changed or deleted.
pub(crate) const NETWORK: Managed = Managed {
    id: "ManageNetworks",
    description: "Changes of networks and launch templates by Envkeeper.",
    condition: "",
    statements: OF_NETWORKS,
};

/// The Auto Scaling group, and the launch of its instances.
pub(crate) const FLEET: Managed = Managed {
    id: "ManageInstances",
    description: "Changes of Auto Scaling groups by Envkeeper.",
    condition: "",
    statements: OF_INSTANCES,
};

/// The roles and profiles of instances.
pub(crate) const ROLE: Managed = Managed {
    id: "ManageRoles",
    description: "Changes of the roles and profiles of instances by Envkeeper.",
    condition: "",
    statements: OF_ROLES,
};

/// Log groups, buckets, alarms and dashboards.
pub(crate) const DATA: Managed = Managed {
    id: "ManageData",
    description: "Changes of log groups, buckets, alarms and dashboards by Envkeeper.",
    condition: "",
    statements: OF_DATA,
};

const OF_NETWORKS: &[Statement] = &[
    allow(
        "CreateMarked",
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
    .because("Each create call sets the ownership mark."),
    allow(
        "CreateInOwnedNetworks",
        &[
            call("ec2:CreateSubnet"),
            call("ec2:CreateRouteTable"),
            call("ec2:CreateSecurityGroup"),
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
    allow("CreateInExistingNetworks", &[call("ec2:CreateSecurityGroup")], &[Resource::Shared("ec2", "vpc/*")])
        .when(&[Condition::AllowedVpc])
        .because("An existing network that the stack author names carries no mark; AllowedVpcs limits them. Another account may share it."),
    allow("TagOnCreate", &[implied("ec2:CreateTags", "the creating calls of EC2", REFERENCE)], OF_EC2)
        .when(&[Condition::MarkedInCall, Condition::CreatedBy(CREATES)]),
    allow(
        "TagLaunchedResources",
        &[implied("ec2:CreateTags", "ec2:RunInstances for a launch template with tags", OF_GROUPS)],
        &[
            Resource::Here("ec2", "instance/*"),
            Resource::Here("ec2", "network-interface/*"),
            Resource::Here("ec2", "volume/*"),
        ],
    )
    .when(&[Condition::CreatedBy(&["RunInstances"])]),
    allow(
        "AssociateHostedZones",
        &[implied("route53:AssociateVPCWithHostedZone", "ec2:CreateVpcEndpoint", REFERENCE)],
        &[Resource::Zone("*")],
    )
    .because("An endpoint with private DNS names needs a hosted zone of AWS, whose id is not known in advance."),
    allow(
        "ChangeOwned",
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
            call("ec2:DeleteLaunchTemplateVersions"),
            call("ec2:ReleaseAddress"),
            call("ec2:DeleteNatGateway"),
            call("ec2:DeleteVpcEndpoints"),
        ],
        OF_EC2,
    )
    .when(&[Condition::Owned]),
    allow(
        "RemoveGuardDutyResources",
        &[call("ec2:DeleteVpcEndpoints"), call("ec2:DeleteSecurityGroup")],
        &[Resource::Here("ec2", "vpc-endpoint/*"), Resource::Here("ec2", "security-group/*")],
    )
    .when(&[Condition::OfGuardDuty])
    .because("GuardDuty's endpoint and security group block the delete of an environment's VPC, and GuardDuty removes neither."),
];

const OF_INSTANCES: &[Statement] = &[
    allow("CreateGroups", &[call("autoscaling:CreateAutoScalingGroup")], GROUPS).when(&[Condition::MarkedInCall]),
    allow(
        "ChangeGroups",
        &[
            call("autoscaling:UpdateAutoScalingGroup"),
            call("autoscaling:DeleteAutoScalingGroup"),
            call("autoscaling:SetInstanceProtection"),
            call("autoscaling:SuspendProcesses"),
            call("autoscaling:ResumeProcesses"),
            call("autoscaling:DeleteWarmPool"),
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
            call("autoscaling:StartInstanceRefresh"),
            call("autoscaling:RollbackInstanceRefresh"),
            call("autoscaling:CancelInstanceRefresh"),
            implied("autoscaling:PutLifecycleHook", "autoscaling:CreateAutoScalingGroup with hooks", OF_GROUPS),
        ],
        GROUPS,
    )
    .when(&[Condition::Owned]),
    allow(
        "MonitorInstances",
        &[call("ec2:MonitorInstances"), call("ec2:UnmonitorInstances")],
        &[Resource::Here("ec2", "instance/*")],
    )
    .when(&[Condition::Owned])
    .because("A change of AlarmPeriodSeconds changes the monitoring of running instances, which have the mark of their group."),
    allow("LaunchByOwnedTemplates", LAUNCH, &[Resource::Here("ec2", "launch-template/*")])
        .when(&[Condition::Owned])
        .because(
            "Auto Scaling checks the caller's right to launch by the group's launch template, which must carry the mark.",
        ),
    // EC2 user guide, Example policies, Work with launch templates: no launch without a template is allowed, and a launch
    // overrides nothing of the template but the subnet, which is the group's, and the resources created in it.
    allow(
        "LaunchInSubnets",
        LAUNCH,
        &[
            Resource::Here("ec2", "instance/*"),
            Resource::Here("ec2", "network-interface/*"),
            Resource::Shared("ec2", "subnet/*"),
            Resource::Here("ec2", "volume/*"),
        ],
    )
    .when(&[Condition::ByTemplate])
    .because("The subnets of an existing network may be another account's."),
    allow(
        "LaunchAsTemplateSpecifies",
        LAUNCH,
        &[
            Resource::Here("ec2", "security-group/*"),
            Resource::Aws("ec2", "image/*"),
            Resource::Aws("ec2", "snapshot/*"),
        ],
    )
    .when(&[Condition::ByTemplate, Condition::AsTemplateSpecifies])
    .because("Image and security groups of the template; a launch may not override them."),
    allow(
        "PassRoleToInstances",
        &[implied("iam:PassRole", "iam:AddRoleToInstanceProfile, autoscaling:CreateAutoScalingGroup", REFERENCE)],
        ROLES,
    )
    .when(&[Condition::PassedTo(EC2)])
    .because("In China, EC2 uses either name, depending on the call."),
    allow(
        "CreateServiceLinkedRole",
        &[implied("iam:CreateServiceLinkedRole", "autoscaling:CreateAutoScalingGroup", REFERENCE)],
        &[Resource::Global("iam", "role/aws-service-role/autoscaling.amazonaws.com/*")],
    )
    .when(&[Condition::LinkedTo("autoscaling.amazonaws.com")]),
];

const OF_ROLES: &[Statement] = &[
    allow(
        "ManageRolePermissions",
        &[call("iam:CreateRole"), call("iam:PutRolePolicy"), call("iam:PutRolePermissionsBoundary")],
        ROLES,
    )
    .when(&[Condition::Bounded])
    .because("Only with the boundary: it limits every role of an environment, independent of the role's policies."),
    allow("AttachPolicies", &[call("iam:AttachRolePolicy")], ROLES).when(&[
        Condition::Bounded,
        Condition::AwsPolicy(&["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]),
    ]),
    allow(
        "ManageRoles",
        &[
            call("iam:DeleteRole"),
            call("iam:UpdateAssumeRolePolicy"),
            call("iam:DeleteRolePolicy"),
            call("iam:DetachRolePolicy"),
            call("iam:TagRole"),
            call("iam:UntagRole"),
            implied("iam:TagRole", "iam:CreateRole with tags", REFERENCE),
        ],
        ROLES,
    ),
    allow("ReadProfilesOfRoles", &[call("iam:ListInstanceProfilesForRole")], ROLES)
        .because("To name the instance profiles that block the delete of a role."),
    allow(
        "ManageInstanceProfiles",
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
        "ManageLogGroups",
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
    allow(
        "ManageSavedQueries",
        &[call("logs:PutQueryDefinition"), call("logs:DeleteQueryDefinition")],
        &[Resource::Any],
    )
    .because("Saved queries accept no resource but *."),
    allow(
        "ManageBuckets",
        &[
            call("s3:CreateBucket"),
            implied(
                "s3:TagResource",
                "s3:CreateBucket with tags",
                "Amazon S3 API Reference, CreateBucket: permissions",
            ),
            call("s3:DeleteBucket"),
            call("s3:PutBucketTagging"),
            call("s3:GetBucketAbac"),
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
        &[call("s3:DeleteObjects"), call("s3:DeleteObject"), call("s3:AbortMultipartUpload")],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}/*"),
            Resource::Bucket("${ProjectName}-logs-*-${AWS::AccountId}/*"),
        ],
    ),
    allow(
        "ManageAlarms",
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
        "ManageDashboards",
        &[call("cloudwatch:PutDashboard"), call("cloudwatch:DeleteDashboards")],
        &[Resource::Global("cloudwatch", "dashboard/${ProjectName}-*")],
    ),
];
