//! Events are best effort: launches and terminations that none told of are found in the groups' own lists.

use std::collections::BTreeMap;

use ledger::Entry;
use ledger::batch::{Line, stream};
use ledger::read::{self, Reading};

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters};
use crate::write::{Owed, Written, log_group};

/// How long an event may be on its way before it counts as lost: 10 minutes. Most come within seconds; one that comes later
/// writes the same line again, with the same id.
const LATE_MS: u64 = 600_000;

const HOUR_MS: u64 = 3_600_000;

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Fills the gaps of the last hours, and says how many there were in each group that had some.
    ///
    /// # Errors
    /// If the groups can't be listed. A group whose list can't be had is for the next time.
    pub(crate) async fn fill(&self, hours: u64) -> Result<BTreeMap<String, usize>, String> {
        let mut filled = BTreeMap::new();
        for group in self.cloud.groups().await? {
            match self.fill_one(&group, hours).await {
                Ok(0) => {}
                Ok(count) => {
                    tracing::info!(group, count, "gaps are filled");
                    filled.insert(group, count);
                }
                Err(why) => tracing::warn!(group, why, "its gaps are for the next time"),
            }
        }
        Ok(filled)
    }

    async fn fill_one(&self, group: &str, hours: u64) -> Result<usize, String> {
        let Some(suffix) = self.place.suffix_of_group(group) else { return Ok(0) };
        let now_ms = self.cloud.now_ms();
        let since_ms = now_ms.saturating_sub(hours * HOUR_MS);
        let activities = self.cloud.activities(group, since_ms).await?;
        let long_over = |it: &&ledger::Activity| it.end_ms.is_some_and(|end| end + LATE_MS <= now_ms);
        let told: Vec<Entry> = activities.iter().filter(long_over).flat_map(|it| self.entries(it)).collect();
        let filed: Vec<u64> = told.iter().map(|entry| Line::of(entry, now_ms).at_ms).collect();
        let (Some(first), Some(last)) = (filed.iter().min(), filed.iter().max()) else { return Ok(0) };
        let streams = stream(group, 0);
        let streams = streams.rsplit_once('/').map_or("", |(group, _)| group);
        let written =
            self.cloud.written(&log_group(&self.place, suffix), &format!("{streams}/"), *first, *last).await?;
        let missing = told.into_iter().filter(|entry| !written.contains(&entry.id));
        let owed = missing.map(|entry| Owed { suffix: suffix.to_owned(), entry, place: 0 });
        let outcomes = self.write(owed.collect()).await;
        Ok(outcomes.iter().filter(|(_, written)| *written == Written::Accepted).count())
    }

    /// The lines of an activity, marked as found afterwards.
    fn entries(&self, activity: &ledger::Activity) -> Vec<Entry> {
        let Some(event) = activity.event() else { return Vec::new() };
        match read::event(&self.place, &event, activity.start_ms) {
            Ok(Reading::Of { entries, .. }) => {
                entries.into_iter().map(|entry| Entry { filled: true, ..entry }).collect()
            }
            Ok(Reading::Nobodys(_)) | Err(_) => Vec::new(),
        }
    }
}
