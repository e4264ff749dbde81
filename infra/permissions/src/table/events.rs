//! The subscribers: hooks, the ledger, alarms; and the reader of the ledger.

use super::{CONSUME, PUBLISH, allow, call, implied};
use crate::{Condition, Resource, Statement};

pub(crate) const LIFECYCLE_HOOK: &[Statement] = &[
    allow(
        "DescribeInstancesAndGroups",
        &[
            call("autoscaling:DescribeAutoScalingGroups"),
            call("autoscaling:DescribeAutoScalingInstances"),
            call("autoscaling:DescribeLifecycleHooks"),
            call("autoscaling:DescribeScalingActivities"),
            call("ec2:DescribeInstances"),
            call("ec2:DescribeInstanceStatus"),
            call("elasticloadbalancing:DescribeTargetHealth"),
            call("ssm:DescribeInstanceInformation"),
            call("ssm:GetCommandInvocation"),
            call("ssm:ListCommandInvocations"),
        ],
        &[Resource::Any],
    )
    .because("These reads accept no resource but *."),
    allow(
        "CompleteLifecycleActions",
        &[call("autoscaling:CompleteLifecycleAction"), call("autoscaling:RecordLifecycleActionHeartbeat")],
        &[Resource::Here("autoscaling", "autoScalingGroup:*:autoScalingGroupName/${ProjectName}-asg-*")],
    )
    .when(&[Condition::Owned]),
    allow("RunShellScript", &[call("ssm:SendCommand")], &[Resource::Aws("ssm", "document/AWS-RunShellScript")]),
    allow("RunOnOwnedInstances", &[call("ssm:SendCommand")], &[Resource::Here("ec2", "instance/*")])
        .when(&[Condition::OwnedBySsm]),
    allow("ReadConsoleOutput", &[call("ec2:GetConsoleOutput")], &[Resource::Here("ec2", "instance/*")])
        .when(&[Condition::Owned]),
    allow(
        "DeregisterTargets",
        &[call("elasticloadbalancing:DeregisterTargets")],
        &[Resource::Listed("AllowedTargetGroups", "elasticloadbalancing", "targetgroup/*")],
    )
    .because("The stack author names them in TargetGroupArns; AllowedTargetGroups limits them."),
    allow(
        "WriteEvidence",
        &[call("logs:CreateLogStream"), call("logs:PutLogEvents")],
        &[Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*")],
    ),
    allow("ReadRecords", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    allow("ConsumeMessages", CONSUME, &[Resource::Deployed("HookQueue", "")]),
    allow(
        "RequeueMessages",
        &[call("sqs:ChangeMessageVisibility"), call("sqs:SendMessage")],
        &[Resource::Deployed("HookQueue", "")],
    ),
    allow("RequestDuePasses", &[call("sqs:SendMessage")], &[Resource::Deployed("RequestQueue", "")]),
    PUBLISH,
    allow(
        "DeadLetterAndPublish",
        &[call("sqs:SendMessage")],
        &[Resource::Deployed("HookDeadLetters", ""), Resource::Deployed("ScalingEventQueue", "")],
    ),
];

pub(crate) const SCALING_LOG: &[Statement] = &[
    allow(
        "FindGaps",
        &[call("autoscaling:DescribeAutoScalingGroups"), call("autoscaling:DescribeScalingActivities")],
        &[Resource::Any],
    )
    .because("These reads accept no resource but *."),
    allow("ReadTemplateVersions", &[call("autoscaling:DescribeAutoScalingInstances")], &[Resource::Any]).because(
        "Auto Scaling's events do not have the template version of an instance. This read accepts no resource but *.",
    ),
    allow(
        "WriteLedger",
        &[call("logs:CreateLogStream"), call("logs:PutLogEvents"), call("logs:FilterLogEvents")],
        &[Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*")],
    )
    .because("scaling-log never creates a log group: a deleted one is not created again."),
    allow("ReadRecords", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    allow("ConsumeMessages", CONSUME, &[Resource::Deployed("ScalingEventQueue", "")]),
    allow("DeadLetter", &[call("sqs:SendMessage")], &[Resource::Deployed("ScalingEventDeadLetters", "")]),
];

pub(crate) const ALARM: &[Statement] = &[
    allow("DescribeAlarms", &[call("cloudwatch:DescribeAlarms")], &[Resource::Any]).because(
        "CloudWatch returns composite alarms only to a caller that is allowed DescribeAlarms on * (its API reference).",
    ),
    allow("ReadRecords", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    PUBLISH,
    allow(
        "RequestRemediationAndPublish",
        &[call("sqs:SendMessage")],
        &[Resource::Deployed("RequestQueue", ""), Resource::Deployed("ScalingEventQueue", "")],
    ),
    allow(
        "DeadLetterFailedInvocations",
        &[implied(
            "sqs:SendMessage",
            "the on-failure destination",
            "Lambda, Capturing records of asynchronous invocations: required permissions",
        )],
        &[Resource::Deployed("ScalingEventDeadLetters", "")],
    ),
];

/// No row writes, and none reads records: the widget shows a ledger of any environment, and nothing else.
pub(crate) const TIMELINE: &[Statement] = &[allow(
    "ReadLedgers",
    &[call("logs:FilterLogEvents")],
    &[Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*")],
)];
