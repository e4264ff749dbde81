//! Versions of the launch template, as a rollout compares them.

use serde::{Deserialize, Serialize};

use crate::model::kinds::TemplateVersion;

/// A numbered version of the environment's launch template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The number that EC2 gave the version.
    pub number: u64,
    /// The digest of the version's [rolling inputs](crate::RollingInputs), from its description; for a version whose data
    /// Envkeeper did not send, the digest of the [altered](TemplateVersion::altered) version. `None`: the version is older
    /// than rollouts.
    pub rolling: Option<String>,
}

impl Version {
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

/// The effect of a desired version, compared with the version that the group launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    /// The same version.
    None,
    /// Another release of Envkeeper wrote its own part of the user data. The running version is kept: it is the desired
    /// version of the rollout, and `status` names the newer revision.
    Revision,
    /// Tags, metadata options or detailed monitoring: new instances only.
    NewInstances,
    /// A rolling input: running instances follow.
    Rolling,
}

impl TemplateChange {
    /// Compares a desired version with an observed one, each with the digest of its rolling inputs.
    ///
    /// `LaunchGateSeconds` also limits the retries of Envkeeper's own part of the user data. That limit alone is a
    /// [revision](TemplateChange::Revision): the gate itself follows the property at once.
    #[must_use]
    pub fn of(desired: (&TemplateVersion, &str), observed: (&TemplateVersion, Option<&str>)) -> TemplateChange {
        let ((new, new_rolling), (old, old_rolling)) = (desired, observed);
        let is_same_content = old.image == new.image && !old.is_altered();
        match old_rolling {
            _ if old.digest == new.digest => TemplateChange::None,
            Some(rolling) if rolling != new_rolling => TemplateChange::Rolling,
            Some(_) if is_same_content && new.content.differs_in_user_data_alone(&old.content) => {
                TemplateChange::Revision
            }
            _ => TemplateChange::NewInstances,
        }
    }
}
