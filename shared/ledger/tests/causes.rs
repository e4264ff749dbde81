//! Parsing of Auto Scaling's sentences. The samples are from AWS's user guide and knowledge center, from activities that
//! users have published, and (September 2026) from activities recorded on AWS: stackd 9dc356f5.

use ledger::{ActivityFailure, Cause, CauseKind};

const DIFFERENCE: &str = "At 2021-04-01T17:12:05Z an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 1 to 2.";

/// A sentence, its actor, and the desired capacity before and after.
type Row<'a> = (&'a str, CauseKind, Option<(u32, u32)>);

const CAUSES: &[Row<'_>] = &[
    (
        "At 2012-04-12T17:31:30Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 1.",
        CauseKind::Request,
        Some((0, 1)),
    ),
    (
        "At 2016-05-13T15:03:47Z a user request update of AutoScalingGroup constraints to min: 12, max: 20, desired: 13 changing the desired capacity from 14 to 13.",
        CauseKind::Request,
        Some((14, 13)),
    ),
    (
        "At 2024-10-09T14:59:26Z a user request explicitly set group desired capacity changing the desired capacity from 0 to 1.",
        CauseKind::Request,
        Some((0, 1)),
    ),
    (
        "At 2024-10-09T14:59:26Z a user request executed policy scale-out changing the desired capacity from 2 to 3.",
        CauseKind::Policy,
        Some((2, 3)),
    ),
    (
        "At 2016-05-08T13:55:14Z a monitor alarm My-Scale-Down-Alarm in state ALARM triggered policy Decrease Group Size changing the desired capacity from 4 to 3.",
        CauseKind::Alarm,
        Some((4, 3)),
    ),
    (
        "At 2016-02-12T16:01:25Z a scheduled action update of AutoScalingGroup constraints to min: 1, max: 5, desired: 2 changing the desired capacity from 3 to 2.",
        CauseKind::Schedule,
        Some((3, 2)),
    ),
    (
        "At 2022-12-24T22:03:59Z an instance was taken out of service in response to an instance refresh.",
        CauseKind::Refresh,
        None,
    ),
    (
        "At 2026-03-01T10:00:00Z an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
        CauseKind::HealthCheck,
        None,
    ),
    (
        "At 2025-05-27T15:30:25Z an instance was taken out of service in response to an ELB system health check failure.",
        CauseKind::HealthCheck,
        None,
    ),
    (
        "At 2025-05-27T15:30:25Z an instance was taken out of service in response to a user health-check.",
        CauseKind::HealthCheck,
        None,
    ),
    (
        "At 2025-05-27T15:42:24Z an instance was launched in response to an unhealthy instance needing to be replaced.",
        CauseKind::HealthCheck,
        None,
    ),
    (
        "At 2025-05-27T15:42:24Z instances were launched to balance instances in zones us-west-2a with other zones resulting in more than desired number of instances in the group.",
        CauseKind::Balance,
        None,
    ),
    (
        "At 2023-07-09T00:46:17Z availability zones had 4 1 instances respectively. An instance was launched to aid in balancing the group's zones.",
        CauseKind::Balance,
        None,
    ),
    (
        "At 2009-05-28 09:31:21Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 1.",
        CauseKind::Request,
        Some((0, 1)),
    ),
    (
        "At 2018-07-11T00:29:35Z an instance was added in response to user request. Keeping the capacity at the new 1.",
        CauseKind::Request,
        None,
    ),
    (
        "At 2025-05-27T15:42:24Z an instance was taken out of service in response to an EC2 Spot Instance interruption.",
        CauseKind::Spot,
        None,
    ),
    (
        "At 2025-05-27T15:42:24Z an instance was launched in response to a rebalance recommendation.",
        CauseKind::Spot,
        None,
    ),
    (
        "At 2025-05-27T15:42:24Z instance i-1 was taken out of service in response to a user request.",
        CauseKind::Request,
        None,
    ),
    (
        "At 2026-09-27T10:25:02Z a user request force deleted AutoScaling group changing the desired capacity from 1 to 0.",
        CauseKind::Request,
        Some((1, 0)),
    ),
    (
        "At 2026-09-27T12:47:01Z a user request put a new WarmPool with MinSize: 0 and MaxGroupPreparedCapacity: null changing the capacity of WarmPool from 0 to 1.",
        CauseKind::Request,
        None,
    ),
    (
        "At 2026-09-27T07:12:39Z instance i-1 was detached in response to a user request, shrinking the capacity from 1 to 0.",
        CauseKind::Request,
        None,
    ),
    (
        "At 2026-09-27T07:12:53Z instance i-1 was moved to standby in response to a user request, shrinking the capacity from 1 to 0.",
        CauseKind::Request,
        None,
    ),
    (
        "At 2026-09-27T07:13:01Z instance i-1 was moved out of standby in response to a user request, increasing the capacity from 0 to 1.",
        CauseKind::Request,
        None,
    ),
    (DIFFERENCE, CauseKind::Difference, None),
    ("At 2025-05-27T15:42:24Z something that this version does not know.", CauseKind::Other, None),
    ("", CauseKind::Other, None),
    ("At the end of the day", CauseKind::Other, None),
];

#[test]
fn the_trigger_is_distinguished_from_its_consequence() {
    for (first, actor, change) in CAUSES {
        for text in [(*first).to_owned(), format!("{first}  {DIFFERENCE}")] {
            let cause = Cause::read(&text);
            // Without another actor, the actor is the difference.
            let expected =
                if *actor == CauseKind::Other && text.len() > first.len() { CauseKind::Difference } else { *actor };
            assert_eq!(cause.actor, expected, "{text}");
            assert_eq!(cause.desired_before.zip(cause.desired_after), *change, "{text}");
            assert_eq!(cause.text, text);
        }
    }
}

#[test]
fn alarms_policies_and_schedules_have_their_names() {
    let alarm = Cause::read(
        "At 2016-05-08T13:55:14Z a monitor alarm My-Scale-Down-Alarm in state ALARM triggered policy Decrease Group Size changing the desired capacity from 4 to 3.",
    );
    assert_eq!(
        (alarm.alarm.as_deref(), alarm.policy.as_deref()),
        (Some("My-Scale-Down-Alarm"), Some("Decrease Group Size"))
    );
    let policy = Cause::read(
        "At 2024-10-09T14:59:26Z a user request executed policy scale-out changing the desired capacity from 2 to 3.",
    );
    assert_eq!(policy.policy.as_deref(), Some("scale-out"));
    let schedule = Cause::read(
        "At 2016-02-12T16:01:25Z a scheduled action update of AutoScalingGroup constraints to min: 1, max: 5, desired: 2 changing the desired capacity from 3 to 2.  At 2016-02-12T16:01:25Z the scheduled action At night executed. Setting desired capacity from 3 to 2.",
    );
    assert_eq!((schedule.actor, schedule.schedule.as_deref()), (CauseKind::Schedule, Some("At night")));
}

/// The causes of the capacity changes in a launch with this cause.
fn changes(text: &str) -> Vec<Cause> {
    let deployment =
        environment::Deployment { project: "p".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let detail = serde_json::json!({ "AutoScalingGroupName": "p-asg-uswest2-dev", "ActivityId": "a", "Cause": text });
    let event = serde_json::json!({ "detail-type": "EC2 Instance Launch Successful", "detail": detail });
    let Ok(ledger::read::Reading::Entries { entries, .. }) = ledger::read::event(&deployment, &event, 0) else {
        panic!("the group is owned")
    };
    let changes = entries.into_iter().filter(|it| it.kind == ledger::Kind::Capacity);
    changes.filter_map(|it| it.cause).collect()
}

#[test]
fn only_a_scheduled_change_has_the_scheduled_action_of_the_next_sentence() {
    let schedule = "At 2016-02-12T16:01:25Z a scheduled action update of AutoScalingGroup constraints to min: 1, max: 5, desired: 2 changing the desired capacity from 3 to 2.  At 2016-02-12T16:01:25Z the scheduled action At night executed. Setting desired capacity from 3 to 2.";
    let operator = "At 2016-02-12T16:02:00Z a user request explicitly set group desired capacity changing the desired capacity from 2 to 4.";
    let changes = changes(&format!("{schedule}  {operator}"));
    let changes: Vec<_> = changes.iter().map(|it| (it.actor, it.schedule.as_deref(), it.desired_after)).collect();
    assert_eq!(changes, [(CauseKind::Schedule, Some("At night"), Some(2)), (CauseKind::Request, None, Some(4))]);
}

#[test]
fn each_of_two_changes_in_one_cause_has_its_own_alarm() {
    let text = "At 2017-10-26T07:53:21Z a monitor alarm CPU Too Low in state ALARM triggered policy CPU Too Low changing the desired capacity from 2 to 1. At 2017-10-26T07:54:04Z a monitor alarm CPU Credit Too Low in state ALARM triggered policy CPU Credit Too Low changing the desired capacity from 1 to 2.";
    let both = Cause::read(text);
    assert_eq!((both.desired_before, both.desired_after), (Some(2), Some(2)));
    let changes = changes(text).into_iter();
    let changes: Vec<_> = changes.map(|it| (it.alarm.unwrap_or_default(), it.desired_after)).collect();
    assert_eq!(changes, [("CPU Too Low".into(), Some(1)), ("CPU Credit Too Low".into(), Some(2))]);
}

/// The message says only that the instance became unhealthy, before the reason that EC2 itself gives (the EC2 user guide,
/// "Troubleshoot instance launch issues", lists these reasons).
#[test]
fn a_launch_that_ec2_terminated_has_the_kind_of_ec2s_reason() {
    for (reason, kind) in [
        ("Client.InternalError: Client error on launch", ActivityFailure::Permission),
        (
            "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
            ActivityFailure::Permission,
        ),
        (
            "Client.VolumeLimitExceeded: Volume limit exceeded. You have exceeded the maximum gp3 storage limit of 50 TiB in this region.",
            ActivityFailure::Quota,
        ),
        (
            "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request",
            ActivityFailure::Capacity,
        ),
        ("Server.InternalError: Internal error on launch", ActivityFailure::Other),
        ("Client.UserInitiatedShutdown: User initiated shutdown", ActivityFailure::Unhealthy),
        ("Client.InstanceInitiatedShutdown: Instance initiated shutdown", ActivityFailure::Unhealthy),
    ] {
        let message = format!(
            "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: {reason}"
        );
        assert_eq!(ActivityFailure::read(&message), kind, "{message}");
    }
}

/// Messages that other projects reported (kubernetes/autoscaler #1263, #3241; buildkite/elastic-ci-stack-for-aws #851;
/// redhat-developer/mapt #567; the Auto Scaling user guide, "Troubleshoot").
#[test]
fn a_launch_that_was_rejected_has_the_kind_of_its_cause() {
    for (message, kind) in [
        (
            "You have requested more instances (7) than your current instance limit of 6 allows for the specified instance type. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.",
            ActivityFailure::Quota,
        ),
        (
            "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again. Launching EC2 instance failed.",
            ActivityFailure::Capacity,
        ),
        (
            "Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of 0.24156 is lower than the minimum required Spot request fulfillment price of 0.6034. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        (
            "You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe. Launching EC2 instance failed.",
            ActivityFailure::Permission,
        ),
        (
            "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=abc. Launching EC2 instance failed.",
            ActivityFailure::Permission,
        ),
        ("AMI ami-0123 is pending, and cannot be run. Launching EC2 instance failed.", ActivityFailure::Configuration),
        (
            "The requested configuration is currently not supported. Please check the documentation for supported configurations. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        (
            "Your requested instance type (t3.micro) is not supported in your requested Availability Zone (us-west-2d). Please retry your request by not specifying an Availability Zone or choosing us-west-2a, us-west-2b, us-west-2c. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        (
            "Failed to launch instance: You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling is not authorized to perform: ec2:RunInstances with an explicit deny in a service control policy",
            ActivityFailure::Permission,
        ),
        (
            "The security group sg-1 does not exist in VPC vpc-1. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        ("Invalid device name upload. Launching EC2 instance failed.", ActivityFailure::Configuration),
        (
            "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
            ActivityFailure::Capacity,
        ),
        (
            "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.",
            ActivityFailure::Quota,
        ),
        (
            "Failed to launch instance: You are not authorized to perform this operation. Encoded authorization failure message: Kx1. User: arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling is not authorized to perform: ec2:RunInstances with an explicit deny in a service control policy",
            ActivityFailure::Permission,
        ),
        (
            "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (us-west-2a). Our system will be working on provisioning additional capacity. You can currently get t3.micro capacity by not specifying an Availability Zone in your request or choosing us-west-2b. Launching EC2 instance failed.",
            ActivityFailure::Capacity,
        ),
        ("The image id [ami-0123] does not exist. Launching EC2 instance failed.", ActivityFailure::Configuration),
    ] {
        assert_eq!(ActivityFailure::read(message), kind, "{message}");
    }
}

#[test]
fn failures_have_a_kind_that_does_not_depend_on_their_ids() {
    for (message, kind) in [
        (
            "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token e85eb647-4fe0-4909-b341-a6c42EXAMPLE was abandoned: Heartbeat Timeout",
            ActivityFailure::Abandoned,
        ),
        (
            "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (us-west-2a). Launching EC2 instance failed.",
            ActivityFailure::Capacity,
        ),
        (
            "InsufficientInstanceCapacity: There is no Spot capacity available that matches your request.",
            ActivityFailure::Capacity,
        ),
        (
            "You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed.",
            ActivityFailure::Quota,
        ),
        ("Max spot instance count exceeded. Launching EC2 instance failed.", ActivityFailure::Quota),
        (
            "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.UserInitiatedShutdown",
            ActivityFailure::Unhealthy,
        ),
        (
            "You are not authorized to perform this operation. Launching EC2 instance failed.",
            ActivityFailure::Permission,
        ),
        ("Authentication Failure. Launching EC2 instance failed.", ActivityFailure::Permission),
        (
            "You've reached your quota for maximum Fleet Requests for this account. Launching EC2 instance failed.",
            ActivityFailure::Quota,
        ),
        (
            "The web Placement Group has already been used in another Availability Zone. Specify the correct Availability Zone and try again. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        ("Client.InternalError: Client error on launch", ActivityFailure::Permission),
        ("The image id '[ami-0123]' does not exist. Launching EC2 instance failed.", ActivityFailure::Configuration),
        ("Invalid IAM Instance Profile name. Launching EC2 instance failed.", ActivityFailure::Configuration),
        (
            "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available that matches your request. Launching EC2 instance failed.",
            ActivityFailure::Capacity,
        ),
        (
            "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
            ActivityFailure::Permission,
        ),
        (
            "insufficient free addresses in subnet subnet-1: There are not enough free addresses in subnet subnet-1 to satisfy the requested number of instances.",
            ActivityFailure::Quota,
        ),
        (
            "The web Placement Group has already been used in another Availability Zone. Specify the correct Availability Zone and try again. Launching EC2 instance failed.",
            ActivityFailure::Configuration,
        ),
        ("", ActivityFailure::Other),
    ] {
        assert_eq!(ActivityFailure::read(message), kind, "{message}");
    }
}
