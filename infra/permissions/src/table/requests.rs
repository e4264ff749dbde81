//! custom-resource, both functions for operators, and watchdog: requests are queued, and responses are sent for requests that no
//! other function responds to.

use super::{CONSUME, PUBLISH, allow, call};
use crate::{Condition, Resource, Statement};

/// The requests, responses and protection of owners, and neither the claims of environments nor the executions of rules.
const WRITE_OWNERS: Statement =
    allow("WriteOwners", &[call("dynamodb:UpdateItem")], &[Resource::Deployed("Records", "")])
        .when(&[Condition::Items(&["owner#"])]);

const READ_RECORDS: Statement = allow("ReadRecords", &[call("dynamodb:GetItem")], &[Resource::Deployed("Records", "")]);

const QUERY_PENDING: Statement = allow(
    "QueryPendingResponsesAndTasks",
    &[call("dynamodb:Query")],
    &[Resource::Deployed("Records", "/index/pending_response")],
);

const LIST_ENVIRONMENTS: Statement =
    allow("ListEnvironments", &[call("dynamodb:Query")], &[Resource::Deployed("Records", "/index/environments")])
        .because("The requests list, status and inventory find environments, and deleted ones, by this index.");

/// For Deletes and rollbacks: the reconciler has the row too.
pub(super) const DESCRIBE_STACKS: Statement = allow(
    "DescribeStacks",
    &[call("cloudformation:DescribeStacks"), call("cloudformation:DescribeStackEvents")],
    &[Resource::Here("cloudformation", "stack/*")],
)
.because("Deletion protection never blocks the rollback of a stack, and an operator may delete the environment of a deleted stack.");

const QUEUE_REQUESTS: Statement =
    allow("QueueRequests", &[call("sqs:SendMessage")], &[Resource::Deployed("RequestQueue", "")]);

pub(crate) const CUSTOM_RESOURCE: &[Statement] = &[
    READ_RECORDS,
    WRITE_OWNERS,
    DESCRIBE_STACKS,
    QUEUE_REQUESTS,
    allow(
        "DeadLetterFailedInvocations",
        &[super::implied(
            "sqs:SendMessage",
            "the on-failure destination",
            "Lambda, Capturing records of asynchronous invocations: required permissions",
        )],
        &[Resource::Deployed("FailedInvocations", "")],
    ),
];

/// Beside the reads of environments. No row writes.
pub(crate) const OPERATOR_READ: &[Statement] = &[READ_RECORDS, QUERY_PENDING, LIST_ENVIRONMENTS];

/// Beside the reads of environments.
pub(crate) const OPERATOR: &[Statement] = &[
    READ_RECORDS,
    QUERY_PENDING,
    LIST_ENVIRONMENTS,
    WRITE_OWNERS,
    allow(
        "AllowAdoption",
        &[call("s3:PutBucketTagging")],
        &[
            Resource::Bucket("${ProjectName}-data-*-${AWS::AccountId}"),
            Resource::Bucket("${ProjectName}-logs-*-${AWS::AccountId}"),
        ],
    )
    .because("The request allow-adoption writes its consent on retained buckets, which no environment owns."),
    DESCRIBE_STACKS,
    PUBLISH,
    allow(
        "QueueRequestsAndPublish",
        &[call("sqs:SendMessage")],
        &[Resource::Deployed("RequestQueue", ""), Resource::Deployed("ScalingEventQueue", "")],
    ),
];

pub(crate) const WATCHDOG: &[Statement] = &[
    READ_RECORDS,
    WRITE_OWNERS,
    QUERY_PENDING,
    allow("RequestDuePasses", &[call("sqs:SendMessage")], &[Resource::Deployed("RequestQueue", "")]),
    allow(
        "ConsumeDeadLetters",
        CONSUME,
        &[Resource::Deployed("RequestDeadLetters", ""), Resource::Deployed("FailedInvocations", "")],
    ),
    allow("FindOrphans", &[call("ec2:DescribeTags"), call("autoscaling:DescribeTags")], &[Resource::Any])
        .because("These reads accept no resource but *."),
    allow(
        "CheckOrphans",
        &[
            call("ec2:DescribeAddresses"),
            call("ec2:DescribeInternetGateways"),
            call("ec2:DescribeLaunchTemplates"),
            call("ec2:DescribeNatGateways"),
            call("ec2:DescribeRouteTables"),
            call("ec2:DescribeSecurityGroups"),
            call("ec2:DescribeSubnets"),
            call("ec2:DescribeVpcEndpoints"),
            call("ec2:DescribeVpcs"),
        ],
        &[Resource::Any],
    )
    .because("A tag alone does not show that its resource exists. These reads accept no resource but *."),
];
