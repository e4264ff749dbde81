//! Versions of the launch template, as a rollout compares them.

use serde::{Deserialize, Serialize};

use crate::model::kinds::TemplateVersion;

/// A numbered version of the environment's launch template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The number that EC2 gave the version.
    pub number: u64,
    /// [`TemplateVersion::rolling`]. `None`: the version is older than rollouts.
    pub rolling: Option<String>,
}

impl Version {
    /// The version with this number in EC2.
    #[must_use]
    pub fn of(number: u64, version: &TemplateVersion) -> Version {
        Version { number, rolling: version.rolling() }
    }

    /// Whether instances of both versions are the same: the numbers are equal, or the digests are known and equal.
    #[must_use]
    pub fn matches(&self, other: &Version) -> bool {
        self.number == other.number || self.rolling.is_some() && self.rolling == other.rolling
    }

    /// Whether both digests are known and differ. An unknown digest starts nothing: instances that are older than rollouts
    /// are drift.
    #[must_use]
    pub fn differs(&self, other: &Version) -> bool {
        !self.matches(other) && self.rolling.is_some() && other.rolling.is_some()
    }
}
