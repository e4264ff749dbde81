//! The kind of a failed launch or termination. Messages differ in ids and tokens, so failures are counted by kind.

use serde::{Deserialize, Serialize};

/// The kind of a failed scaling activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivityFailure {
    /// The launch gate, or a foreign hook, abandoned the instance.
    Abandoned,
    /// EC2 has no capacity for this instance type in this zone.
    Capacity,
    /// A quota of the account is exhausted.
    Quota,
    /// The instance terminated, or became unhealthy, before it was in service.
    Unhealthy,
    /// A permission is missing, of a role or a key.
    Permission,
    /// A value of the launch template does not exist, or is incompatible with another value.
    Configuration,
    /// The message contains none of the known words.
    #[serde(other)]
    Other,
}

/// The text before EC2's own reason in the message about an instance that EC2 terminated before it was in service:
/// "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: …" (the Auto
/// Scaling user guide, "Troubleshoot unhealthy instances").
const TERMINATION_REASON: &str = "termination reason:";

/// The kind of a message that contains these words, in lower case. The first match wins. The messages are those of
/// EC2's error codes and of Auto Scaling's troubleshooting pages.
const WORDS: &[(&str, ActivityFailure)] = &[
    ("lifecycle action", ActivityFailure::Abandoned),
    ("abandon", ActivityFailure::Abandoned),
    ("insufficientinstancecapacity", ActivityFailure::Capacity),
    ("unfulfillablecapacity", ActivityFailure::Capacity),
    ("invalidkmskey", ActivityFailure::Permission),
    ("free addresses", ActivityFailure::Quota),
    ("sufficient", ActivityFailure::Capacity),
    ("no spot capacity", ActivityFailure::Capacity),
    ("capacity-not-available", ActivityFailure::Capacity),
    ("is no longer supported", ActivityFailure::Capacity),
    ("spotmaxpricetoolow", ActivityFailure::Configuration),
    ("limit", ActivityFailure::Quota),
    ("quota", ActivityFailure::Quota),
    ("exceeded", ActivityFailure::Quota),
    ("unhealthy", ActivityFailure::Unhealthy),
    ("became", ActivityFailure::Unhealthy),
    ("initiatedshutdown", ActivityFailure::Unhealthy),
    ("not authorized", ActivityFailure::Permission),
    ("authentication failure", ActivityFailure::Permission),
    ("accessdenied", ActivityFailure::Permission),
    ("access denied", ActivityFailure::Permission),
    // The key policy denies the service-linked role of Auto Scaling (the Auto Scaling user guide, "Required AWS KMS key
    // policy").
    ("client.internalerror", ActivityFailure::Permission),
    // The account has not accepted the terms of the image: EC2's `OptInRequired`.
    ("not subscribed to this service", ActivityFailure::Permission),
    ("accept terms and subscribe", ActivityFailure::Permission),
    ("is pending, and cannot be run", ActivityFailure::Configuration),
    ("invalid", ActivityFailure::Configuration),
    ("does not exist", ActivityFailure::Configuration),
    ("no longer exists", ActivityFailure::Configuration),
    ("not found", ActivityFailure::Configuration),
    ("not supported", ActivityFailure::Configuration),
    ("incompatible", ActivityFailure::Configuration),
    ("already been used in another availability zone", ActivityFailure::Configuration),
];

impl ActivityFailure {
    /// Classifies an activity's status message, by EC2's own reason if the message has one: the text before it says only
    /// that the instance became unhealthy.
    #[must_use]
    pub fn read(message: &str) -> ActivityFailure {
        let text = reason(message);
        WORDS.iter().find(|(words, _)| text.contains(words)).map_or(ActivityFailure::Other, |(_, failure)| *failure)
    }
}

/// EC2's own reason in a status message, or the message if it has none; in lower case.
pub(crate) fn reason(message: &str) -> String {
    let lower = message.to_lowercase();
    lower.split_once(TERMINATION_REASON).map_or(lower.clone(), |(_, reason)| reason.to_owned())
}
