//! The door and the watchdog: what is asked, and what is answered for the dead.

use super::{TAKE, allow, call};
use crate::{Resource, Statement};

pub(crate) const CUSTOM_RESOURCE: &[Statement] = &[
    allow("Records", &[call("dynamodb:GetItem"), call("dynamodb:UpdateItem")], &[Resource::Deployed("Records", "")]),
    allow("PutInLine", &[call("sqs:SendMessage")], &[Resource::Deployed("Requests", "")]),
    allow(
        "PutAwayWhatFailed",
        &[super::implied(
            "sqs:SendMessage",
            "the on-failure destination",
            "Lambda, Capturing records of asynchronous invocations: required permissions",
        )],
        &[Resource::Deployed("FailedInvocations", "")],
    ),
];

pub(crate) const WATCHDOG: &[Statement] = &[
    allow(
        "WhatNobodyAnswered",
        &[call("dynamodb:GetItem"), call("dynamodb:UpdateItem")],
        &[Resource::Deployed("Records", "")],
    ),
    allow(
        "IndexOfWhatNobodyAnswered",
        &[call("dynamodb:Query")],
        &[Resource::Deployed("Records", "/index/pending_response")],
    ),
    allow(
        "TakeWhatFailed",
        TAKE,
        &[Resource::Deployed("DeadRequests", ""), Resource::Deployed("FailedInvocations", "")],
    ),
    allow("LookForOrphans", &[call("ec2:DescribeTags"), call("autoscaling:DescribeTags")], &[Resource::Any])
        .because("AWS knows no narrower resource for these reads."),
];
