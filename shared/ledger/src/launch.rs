//! The verdicts of launches that failed, as rollouts count them.

use environment::Transition;
use environment::rollout::{LaunchFailure, VerdictKind};

use crate::activity::{Activity, instance_of, transition_of};
use crate::failure::{ActivityFailure, reason};

/// EC2's words for throttling, in lower case: the code `RequestLimitExceeded` with its message (EC2 API reference, "Error
/// codes"), and the codes of the SDKs' lists. The ledger counts them as a quota.
const THROTTLING: [&str; 4] = ["requestlimitexceeded", "request limit exceeded", "throttl", "rate exceeded"];

/// Words about the key of a volume, in lower case. Of these, `Client.InternalError` is what EC2 says where the policy of the key
/// denies the use (the Auto Scaling user guide, "Required AWS KMS key policy").
const KEY: [&str; 2] = ["kms", "client.internalerror"];

/// The reason of an instance that a caller of EC2 terminated (the EC2 API reference, `StateReason`).
const BY_USER: &str = "userinitiatedshutdown";

/// The verdict of a launch activity. `None` for every other activity, for a launch that is in progress or succeeded, and for one
/// that Auto Scaling cancelled without a reason: a scale-in, or the end of a refresh.
///
/// An instance is unhealthy if a hook abandoned it, or if it became unhealthy or shut itself down before it was in service.
/// Where EC2 terminated it for a reason of its own, such as capacity or a key, the launch failed by that reason. An instance
/// that a caller of EC2 terminated proves nothing about its version: the launch failed by another cause.
#[must_use]
pub fn launch_verdict(activity: &Activity) -> Option<VerdictKind> {
    let is_launch = transition_of(&activity.description) == Some(Transition::Launch);
    let message = activity.status_message.as_deref().unwrap_or_default();
    match activity.status.as_str() {
        "Failed" if is_launch => {}
        "Cancelled" if is_launch && !message.is_empty() => {}
        _ => return None,
    }
    let text = reason(message);
    let is_unhealthy =
        matches!(ActivityFailure::read(message), ActivityFailure::Abandoned | ActivityFailure::Unhealthy);
    let instance = instance_of(&activity.description).filter(|_| is_unhealthy && !text.contains(BY_USER));
    Some(match instance {
        Some(id) => VerdictKind::Unhealthy(id.to_owned()),
        None => VerdictKind::LaunchFailed(launch_failure(&text, ActivityFailure::read(message))),
    })
}

/// The class by EC2's reason in lower case, and by the kind that the ledger gives to it.
fn launch_failure(text: &str, kind: ActivityFailure) -> LaunchFailure {
    let contains = |words: &[&str]| words.iter().any(|words| text.contains(words));
    if contains(&THROTTLING) {
        return LaunchFailure::Throttling;
    }
    match kind {
        ActivityFailure::Capacity => LaunchFailure::Capacity,
        ActivityFailure::Quota => LaunchFailure::Quota,
        ActivityFailure::Configuration => LaunchFailure::Image,
        ActivityFailure::Permission if contains(&KEY) => LaunchFailure::Key,
        ActivityFailure::Permission => LaunchFailure::Permission,
        ActivityFailure::Abandoned | ActivityFailure::Unhealthy | ActivityFailure::Other => LaunchFailure::Other,
    }
}
