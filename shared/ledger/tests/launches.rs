//! The verdicts of failed launches.

use environment::rollout::LaunchFailure::{Capacity, Image, Key, Other, Permission, Quota, Throttling};
use environment::rollout::VerdictKind;
use ledger::{Activity, launch_verdict};

const TERMINATED: &str =
    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: ";

fn activity(description: &str, status: &str, message: &str) -> Activity {
    Activity {
        description: description.into(),
        status: status.into(),
        status_message: (!message.is_empty()).then(|| message.into()),
        ..Activity::default()
    }
}

/// The text is recorded on AWS, September 2026 (stackd 9dc356f5, `lifecycle_native`).
#[test]
fn an_abandoned_instance_is_unhealthy() {
    for result in ["Lifecycle Action Completed with ABANDON Result", "Heartbeat Timeout"] {
        let message = format!(
            "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token 1 was abandoned: {result}"
        );
        let description = format!("Launching a new EC2 instance: i-0a1.  Status Reason: {message}");
        let verdict = launch_verdict(&activity(&description, "Cancelled", &message));
        assert_eq!(verdict, Some(VerdictKind::Unhealthy("i-0a1".into())));
    }
}

#[test]
fn an_instance_that_ec2_terminated_is_judged_by_ec2s_reason() {
    let unhealthy = VerdictKind::Unhealthy("i-1".into());
    for (reason, verdict) in [
        ("Client.InstanceInitiatedShutdown: Instance initiated shutdown", unhealthy),
        ("Client.UserInitiatedShutdown: User initiated shutdown", VerdictKind::LaunchFailed(Other)),
        ("Server.InternalError: Internal error on launch", VerdictKind::LaunchFailed(Other)),
        ("Server.InsufficientInstanceCapacity: Insufficient capacity", VerdictKind::LaunchFailed(Capacity)),
        ("Client.VolumeLimitExceeded: Volume limit exceeded", VerdictKind::LaunchFailed(Quota)),
        ("Client.InternalError: Client error on launch", VerdictKind::LaunchFailed(Key)),
        ("Client.InvalidKMSKey.InvalidState: The KMS key is disabled", VerdictKind::LaunchFailed(Key)),
    ] {
        let description = "Launching a new EC2 instance: i-1";
        let found = launch_verdict(&activity(description, "Failed", &format!("{TERMINATED}{reason}")));
        assert_eq!(found, Some(verdict), "{reason}");
    }
    // Without EC2's reason, the instance is what is known.
    let message = "Instance became unhealthy while waiting for instance to be in InService state.";
    let found = launch_verdict(&activity("Launching a new EC2 instance: i-1", "Failed", message));
    assert_eq!(found, Some(VerdictKind::Unhealthy("i-1".into())));
}

#[test]
fn a_launch_without_an_instance_has_the_class_of_its_message() {
    for (message, failure) in [
        ("We currently do not have sufficient t3.micro capacity in the Availability Zone you requested", Capacity),
        ("Request limit exceeded. Launching EC2 instance failed.", Throttling),
        ("RequestLimitExceeded: Request limit exceeded.", Throttling),
        ("You have requested more vCPU capacity than your current vCPU limit of 32 allows", Quota),
        ("The image id '[ami-12345678]' does not exist. Launching EC2 instance failed.", Image),
        ("AMI ami-0123 is pending, and cannot be run. Launching EC2 instance failed.", Image),
        ("You are not authorized to perform this operation. Launching EC2 instance failed.", Permission),
        ("The KMS key is not authorized for this use: AccessDenied", Key),
        ("Something new. Launching EC2 instance failed.", Other),
        ("", Other),
    ] {
        let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
        let found = launch_verdict(&activity(&description, "Failed", message));
        assert_eq!(found, Some(VerdictKind::LaunchFailed(failure)), "{message}");
    }
}

#[test]
fn only_a_launch_that_failed_has_a_verdict() {
    for (description, status, message) in [
        ("Launching a new EC2 instance: i-1", "Successful", ""),
        ("Launching a new EC2 instance: i-1", "MidLifecycleAction", ""),
        // A scale-in, or the end of a refresh, takes an instance that is still launching.
        ("Launching a new EC2 instance: i-1", "Cancelled", ""),
        ("Terminating EC2 instance: i-1", "Cancelled", "Lifecycle Action with token 1 was abandoned"),
        ("Could not scale to desired capacity because all remaining instances are protected", "Cancelled", "protected"),
    ] {
        assert_eq!(launch_verdict(&activity(description, status, message)), None, "{description} {status}");
    }
}
