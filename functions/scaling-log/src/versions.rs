//! The template versions of launched and terminated instances, which the events of Auto Scaling do not have.
//!
//! Auto Scaling shows the versions of its instances, also of those that are about to end. An instance that it shows no longer is in
//! the group's own ledger: in an observation, or as a launch. A look-up that fails leaves the field out: no entry is lost or waits
//! for it.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use ledger::batch::stream_prefix;
use ledger::{Entry, Kind};

use crate::ScalingLog;
use crate::cloud::{DeadLetters, LogApi};
use crate::write::PendingEntry;

/// How many instances one call describes (the API reference of `DescribeAutoScalingInstances`).
pub(crate) const INSTANCES_PER_CALL: usize = 50;

/// An instance of a group is in the ledger of this time: an observation of each group comes each 30 minutes, with five minutes to
/// spare; a younger instance has its launch there.
const OBSERVED_WITHIN_MS: u64 = 35 * 60_000;

/// The maximum length of an instance id (the API reference of `DescribeAutoScalingInstances`).
const MAX_INSTANCE_ID: usize = 19;

impl<C: LogApi, D: DeadLetters> ScalingLog<C, D> {
    /// Adds the versions to launches and terminations, as far as a read shows them.
    pub(crate) async fn add_versions(&self, pending: &mut [PendingEntry]) {
        let unknown: Vec<String> = without_version(pending).map(|(_, instance)| instance.to_owned()).collect();
        let calls = unknown.chunks(INSTANCES_PER_CALL).map(|instances| self.cloud.template_versions(instances));
        for found in join_all(calls).await {
            match found {
                Ok(versions) => fill(pending, &versions),
                Err(error) => tracing::warn!(reason = %error, "template versions not read"),
            }
        }
        let ended = without_version(pending).filter(|(it, _)| it.entry.kind == Kind::Terminate);
        let mut groups: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for (PendingEntry { suffix, entry, .. }, _) in ended {
            let key = (suffix.clone(), entry.group.clone());
            let (first, last) = groups.entry(key).or_insert((entry.at_ms, entry.at_ms));
            (*first, *last) = ((*first).min(entry.at_ms), (*last).max(entry.at_ms));
        }
        let reads = groups.iter().map(async |((suffix, group), (first, last))| {
            let log_group = self.deployment.names(suffix).scaling_log_group().name;
            let from = first.saturating_sub(OBSERVED_WITHIN_MS);
            self.cloud.lines_with_versions(&log_group, &stream_prefix(group), from, *last).await
        });
        for lines in join_all(reads).await {
            match lines {
                Ok(lines) => fill(pending, &versions_in(&lines)),
                Err(error) => tracing::warn!(reason = %error, "template versions not read from the ledger"),
            }
        }
    }
}

/// The launches and terminations of an instance whose version is not known, each with the instance.
fn without_version(pending: &[PendingEntry]) -> impl Iterator<Item = (&PendingEntry, &str)> {
    pending.iter().filter_map(|it| Some((it, unknown_instance(&it.entry)?)))
}

/// The instance of a launch or a termination whose version is not known.
fn unknown_instance(entry: &Entry) -> Option<&str> {
    let is_unknown = matches!(entry.kind, Kind::Launch | Kind::Terminate) && entry.template_version.is_none();
    entry.instance.as_deref().filter(|id| is_unknown && is_instance_id(id))
}

/// Whether a text has the form of an instance id. One id of another form fails the whole call.
fn is_instance_id(text: &str) -> bool {
    let is_hexadecimal = |id: &str| !id.is_empty() && id.bytes().all(|it| it.is_ascii_hexdigit());
    text.len() <= MAX_INSTANCE_ID && text.strip_prefix("i-").is_some_and(is_hexadecimal)
}

fn fill(pending: &mut [PendingEntry], versions: &BTreeMap<String, u64>) {
    for PendingEntry { entry, .. } in pending {
        if let Some(version) = unknown_instance(entry).and_then(|instance| versions.get(instance)) {
            entry.template_version = Some(*version);
        }
    }
}

/// The versions of the instances in lines of the ledger. A line that is not an entry has none.
fn versions_in(lines: &[String]) -> BTreeMap<String, u64> {
    let entries = lines.iter().filter_map(|line| Entry::of_line(line));
    let mut versions = BTreeMap::new();
    for entry in entries {
        let state = entry.state.unwrap_or_default().instances;
        versions.extend(state.into_iter().filter_map(|(id, it)| Some((id, it.template_version?))));
        versions.extend(entry.instance.zip(entry.template_version));
    }
    versions
}
