//! The kind of a failed launch or termination. Messages differ in ids and tokens, so failures are counted by kind.

use serde::Serialize;

/// The kind of a failed scaling activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    Other,
}

/// The kind of a message that contains these words, in lower case. The first match wins. The messages are those of
/// EC2's error codes and of Auto Scaling's troubleshooting pages.
const WORDS: &[(&str, ActivityFailure)] = &[
    ("lifecycle action", ActivityFailure::Abandoned),
    ("abandon", ActivityFailure::Abandoned),
    ("insufficientinstancecapacity", ActivityFailure::Capacity),
    ("unfulfillablecapacity", ActivityFailure::Capacity),
    ("invalidkmskey", ActivityFailure::Permission),
    ("sufficient", ActivityFailure::Capacity),
    ("no spot capacity", ActivityFailure::Capacity),
    ("capacity-not-available", ActivityFailure::Capacity),
    ("is no longer supported", ActivityFailure::Capacity),
    ("limit", ActivityFailure::Quota),
    ("quota", ActivityFailure::Quota),
    ("exceeded", ActivityFailure::Quota),
    ("enough free addresses", ActivityFailure::Quota),
    ("unhealthy", ActivityFailure::Unhealthy),
    ("became", ActivityFailure::Unhealthy),
    ("not authorized", ActivityFailure::Permission),
    ("authentication failure", ActivityFailure::Permission),
    ("accessdenied", ActivityFailure::Permission),
    ("access denied", ActivityFailure::Permission),
    ("internalerror: client error on launch", ActivityFailure::Permission),
    ("invalid", ActivityFailure::Configuration),
    ("does not exist", ActivityFailure::Configuration),
    ("no longer exists", ActivityFailure::Configuration),
    ("not found", ActivityFailure::Configuration),
    ("not supported", ActivityFailure::Configuration),
    ("incompatible", ActivityFailure::Configuration),
    ("placement group has already been used", ActivityFailure::Configuration),
];

impl ActivityFailure {
    /// Classifies an activity's status message.
    #[must_use]
    pub fn read(message: &str) -> ActivityFailure {
        let lower = message.to_lowercase();
        WORDS.iter().find(|(words, _)| lower.contains(words)).map_or(ActivityFailure::Other, |(_, failure)| *failure)
    }
}
