//! The subscribers: hooks, the ledger, alarms.

use super::{TAKE, allow, call, implied};
use crate::{Condition, Resource, Statement};

pub(crate) const LIFECYCLE_HOOK: &[Statement] = &[
    allow(
        "Look",
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
    .because("AWS knows no narrower resource for these reads."),
    allow(
        "EndTheWait",
        &[call("autoscaling:CompleteLifecycleAction"), call("autoscaling:RecordLifecycleActionHeartbeat")],
        &[Resource::Here("autoscaling", "autoScalingGroup:*:autoScalingGroupName/${ProjectName}-asg-*")],
    )
    .when(&[Condition::Owned]),
    allow("RunShellScript", &[call("ssm:SendCommand")], &[Resource::Aws("ssm", "document/AWS-RunShellScript")]),
    allow("OnOurInstances", &[call("ssm:SendCommand")], &[Resource::Here("ec2", "instance/*")])
        .when(&[Condition::OursBySsm]),
    allow("ConsoleOfOurInstances", &[call("ec2:GetConsoleOutput")], &[Resource::Here("ec2", "instance/*")])
        .when(&[Condition::Owned]),
    allow(
        "LeaveTargetGroups",
        &[call("elasticloadbalancing:DeregisterTargets")],
        &[Resource::Here("elasticloadbalancing", "targetgroup/*")],
    )
    .because("They are brought along by TargetGroupArns, so they have no name and no tag of ours."),
    allow(
        "Evidence",
        &[call("logs:CreateLogStream"), call("logs:PutLogEvents")],
        &[Resource::Here("logs", "log-group:/aws/ec2/${ProjectName}-*")],
    ),
    allow("WhetherItIsDeleted", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    allow("Take", TAKE, &[Resource::Deployed("Hooks", "")]),
    allow(
        "KeepAndLookAgain",
        &[call("sqs:ChangeMessageVisibility"), call("sqs:SendMessage")],
        &[Resource::Deployed("Hooks", "")],
    ),
    allow(
        "PutAwayAndTell",
        &[call("sqs:SendMessage")],
        &[Resource::Deployed("DeadHooks", ""), Resource::Deployed("ScalingEvents", "")],
    ),
];

pub(crate) const SCALING_LOG: &[Statement] = &[
    allow(
        "LookForGaps",
        &[call("autoscaling:DescribeAutoScalingGroups"), call("autoscaling:DescribeScalingActivities")],
        &[Resource::Any],
    )
    .because("AWS knows no narrower resource for these reads."),
    allow(
        "Write",
        &[call("logs:CreateLogStream"), call("logs:PutLogEvents"), call("logs:FilterLogEvents")],
        &[Resource::Here("logs", "log-group:/aws/autoscaling/${ProjectName}-*")],
    )
    .because("It never makes a log group: one that is gone stays gone."),
    allow("WhetherItIsThere", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    allow("Take", TAKE, &[Resource::Deployed("ScalingEvents", "")]),
    allow("PutAway", &[call("sqs:SendMessage")], &[Resource::Deployed("DeadEvents", "")]),
];

pub(crate) const ALARM: &[Statement] = &[
    allow("LookAgain", &[call("cloudwatch:DescribeAlarms")], &[Resource::Any]).because(
        "CloudWatch tells of composite alarms only to whom this is allowed on everything (its API reference).",
    ),
    allow("WhatItsEnvironmentSays", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]),
    allow(
        "AskAndTell",
        &[call("sqs:SendMessage")],
        &[Resource::Deployed("Requests", ""), Resource::Deployed("ScalingEvents", "")],
    ),
    allow(
        "PutAwayWhatFailed",
        &[implied(
            "sqs:SendMessage",
            "the on-failure destination",
            "Lambda, Capturing records of asynchronous invocations: required permissions",
        )],
        &[Resource::Deployed("DeadEvents", "")],
    ),
];
