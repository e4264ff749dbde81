//! Why a launch or a termination did not work, in a word: messages differ by ids and tokens, and failures are to be counted.

use serde::Serialize;

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The launch gate, or somebody else's hook, gave the instance up.
    Abandoned,
    /// EC2 has no room for this type in this zone.
    Capacity,
    /// The account may have no more.
    Quota,
    /// It ended, or was seen to be ill, before it was in service.
    Unhealthy,
    /// Somebody may not do something: a role, a key.
    Permission,
    /// What the launch template says is not there, or does not fit together.
    Configuration,
    /// A message that holds none of the known words.
    Other,
}

/// What a message says, if it holds these words, in lower case. The first that fits counts. The messages are those of EC2's
/// error codes and of Auto Scaling's troubleshooting pages.
const WORDS: &[(&str, Failure)] = &[
    ("lifecycle action", Failure::Abandoned),
    ("abandon", Failure::Abandoned),
    ("insufficientinstancecapacity", Failure::Capacity),
    ("unfulfillablecapacity", Failure::Capacity),
    ("invalidkmskey", Failure::Permission),
    ("sufficient", Failure::Capacity),
    ("no spot capacity", Failure::Capacity),
    ("capacity-not-available", Failure::Capacity),
    ("is no longer supported", Failure::Capacity),
    ("limit", Failure::Quota),
    ("quota", Failure::Quota),
    ("exceeded", Failure::Quota),
    ("enough free addresses", Failure::Quota),
    ("unhealthy", Failure::Unhealthy),
    ("became", Failure::Unhealthy),
    ("not authorized", Failure::Permission),
    ("authentication failure", Failure::Permission),
    ("accessdenied", Failure::Permission),
    ("access denied", Failure::Permission),
    ("internalerror: client error on launch", Failure::Permission),
    ("invalid", Failure::Configuration),
    ("does not exist", Failure::Configuration),
    ("no longer exists", Failure::Configuration),
    ("not found", Failure::Configuration),
    ("not supported", Failure::Configuration),
    ("incompatible", Failure::Configuration),
];

impl Failure {
    /// Reads an activity's status message.
    #[must_use]
    pub fn read(message: &str) -> Failure {
        let lower = message.to_lowercase();
        WORDS.iter().find(|(words, _)| lower.contains(words)).map_or(Failure::Other, |(_, failure)| *failure)
    }
}
