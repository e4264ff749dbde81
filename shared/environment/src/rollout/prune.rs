//! The versions of the launch template that nothing needs any more.

use std::collections::BTreeSet;

use super::observed::{NumberedVersion, ObservedRollout};
use super::record::RolloutRecord;

/// The newest versions that are kept, so that a stack that returns to earlier properties finds its version again.
const KEPT: usize = 20;

/// The most versions that one `DeleteLaunchTemplateVersions` deletes (EC2 API reference).
const MAX_DELETED: usize = 200;

impl ObservedRollout {
    /// The numbers of the versions to delete, the oldest 200 at most: those that Envkeeper created, without the newest 20.
    ///
    /// Kept are the default version, which EC2 does not delete, the versions of the group, of its instances, of active
    /// refreshes and of the record. While the record has a rollout under way, every version is kept.
    #[must_use]
    pub fn prunable_versions(&self, record: &RolloutRecord) -> BTreeSet<u64> {
        if record.begun || record.refresh.is_some() {
            return BTreeSet::new();
        }
        let kept = self.needed_versions(record);
        // An altered version was not created by Envkeeper.
        let own: Vec<u64> = self.versions.iter().filter(|it| !it.version.is_altered()).map(|it| it.number).collect();
        let older = &own[..own.len().saturating_sub(KEPT)];
        older.iter().filter(|number| !kept.contains(number)).take(MAX_DELETED).copied().collect()
    }

    /// The versions that something refers to.
    fn needed_versions(&self, record: &RolloutRecord) -> BTreeSet<u64> {
        let RolloutRecord { desired, running, previous, failed, content, .. } = record;
        let active = self.refreshes.iter().filter(|it| it.status.is_active());
        let of_content = |it: &&NumberedVersion| content.as_ref() == Some(&it.version.digest);
        let versions = [desired, running, previous].into_iter().flatten().chain(self.saved.version());
        let versions = versions.chain(active.filter_map(|it| it.target.as_ref()));
        let versions = versions.chain(self.instances.iter().filter_map(|it| it.version.as_ref()));
        let versions = versions.chain(failed.iter().map(|it| &it.version)).map(|it| it.number);
        let of_content = self.versions.iter().filter(of_content).map(|it| it.number);
        versions.chain(of_content).chain(self.default_version).collect()
    }
}
