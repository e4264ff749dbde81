//! The scheduled run: writes the observed state of each group, and backfills launches and terminations that no event
//! reported, from the groups' own lists of activities: events are best effort.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures_util::stream::{self, StreamExt as _};
use lambda_kit::{AwsCallError, Failure, FailureKind};
use ledger::Entry;
use ledger::batch::{LogEvent, stream_prefix};
use ledger::read::{self, Reading};
use ledger::rotation;
use serde_json::Value;

use crate::ScalingLog;
use crate::cloud::{DeadLetters, LogApi, ObservedGroup};
use crate::write::{PendingEntry, WriteOutcome};

/// The default lookback of a scheduled run: 6 hours, so that an outage of this function of a few hours is backfilled
/// without an operator.
const LOOKBACK_HOURS: u64 = 6;

/// The maximum lookback: 336 hours. Auto Scaling keeps activities for six weeks, CloudWatch accepts lines of the last
/// two.
const MAX_LOOKBACK_HOURS: u64 = 336;

/// The default time until a missing event counts as lost: 10 minutes. Most events arrive within seconds; a later event
/// writes the same line again, with the same id.
const GRACE_MINUTES: u64 = 10;

/// The maximum time for which EventBridge tries to deliver an event: a day.
const MAX_GRACE_MINUTES: u64 = 1_440;

/// The maximum duration of a launch or a termination: eight hours, the maximum of a drain. Activities are listed by
/// their start and selected by their end.
const MAX_ACTIVITY_HOURS: u64 = 8;

/// The number of groups that are read concurrently. Auto Scaling throttles reads for the whole account.
const MAX_CONCURRENT_GROUPS: usize = 4;

/// The interval of the schedule.
const SCHEDULE_INTERVAL_MS: u64 = 30 * MINUTE_MS;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Selects activities by their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackfillWindow {
    /// The maximum time since the end.
    lookback_ms: u64,
    /// The minimum time since the end.
    grace_ms: u64,
}

impl BackfillWindow {
    /// Reads `LookbackHours` and `LateMinutes` from the detail of a scheduled event.
    pub(crate) fn read(event: &Value) -> Result<BackfillWindow, Failure> {
        let number = |name: &str, default, valid: RangeInclusive<u64>| {
            let given = event.pointer(&format!("/detail/{name}")).filter(|it| !it.is_null());
            let Some(given) = given else { return Ok(default) };
            given.as_u64().filter(|it| valid.contains(it)).ok_or_else(|| {
                let (min, max) = (valid.start(), valid.end());
                let message = format!("detail.{name} is {given}: valid is a whole number from {min} to {max}");
                Failure::new(FailureKind::InvalidEvent, message)
            })
        };
        let hours = number("LookbackHours", LOOKBACK_HOURS, 1..=MAX_LOOKBACK_HOURS)?;
        let minutes = number("LateMinutes", GRACE_MINUTES, 0..=MAX_GRACE_MINUTES)?;
        Ok(BackfillWindow { lookback_ms: hours * HOUR_MS, grace_ms: minutes * MINUTE_MS })
    }
}

impl<C: LogApi, D: DeadLetters> ScalingLog<C, D> {
    /// Writes an observation of each group, then the missing entries, and returns the number of missing entries for each
    /// group that had any.
    ///
    /// # Errors
    /// Fails if the groups can't be listed, or if the activities of none of them can be read. A group that can't be read
    /// is retried by the next scheduled run; an observation that can't be written is a gap in the ledger.
    pub(crate) async fn backfill(&self, window: BackfillWindow) -> Result<BTreeMap<String, usize>, Failure> {
        let call_failed = |reason: String| Failure::new(FailureKind::AwsCallFailed, reason);
        let mut groups = self.cloud.groups().await.map_err(|error| call_failed(error.to_string()))?;
        let now_ms = self.cloud.now_ms();
        groups.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let first = rotation::start_index(groups.len(), now_ms / SCHEDULE_INTERVAL_MS);
        groups.rotate_left(first);
        let observations = stream::iter(&groups).map(|group| self.observe(group, now_ms));
        observations.buffer_unordered(MAX_CONCURRENT_GROUPS).collect::<()>().await;
        let names = groups.into_iter().map(|group| group.name);
        let all = stream::iter(names).map(async |group| (self.backfill_group(&group, window).await, group));
        let all: Vec<(Result<usize, AwsCallError>, String)> =
            all.buffer_unordered(MAX_CONCURRENT_GROUPS).collect().await;
        if let Some((Err(error), _)) = all.first()
            && all.iter().all(|(outcome, _)| outcome.is_err())
        {
            return Err(call_failed(format!("none of {} groups can be read: {error}", all.len())));
        }
        let mut backfilled = BTreeMap::new();
        for (outcome, group) in all {
            match outcome {
                Ok(0) => {}
                Ok(count) => {
                    tracing::info!(group, count, "entries backfilled");
                    backfilled.insert(group, count);
                }
                Err(error) => tracing::warn!(group, reason = %error, "backfill failed, next scheduled run retries"),
            }
        }
        Ok(backfilled)
    }

    /// Writes the state of the group with this name, after its rollout. The next scheduled run observes it in any case.
    pub(crate) async fn observe_named(&self, name: &str) {
        match self.cloud.group(name).await {
            Ok(Some(group)) => self.observe(&group, self.cloud.now_ms()).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(group = name, reason = %error, "group not observed after its rollout"),
        }
    }

    /// Writes the state of an owned group that was observed at this time.
    async fn observe(&self, group: &ObservedGroup, at_ms: u64) {
        let name = &group.name;
        let event = group.state.event(name, at_ms);
        let Ok(Reading::Entries { suffix, entries }) = read::event(&self.deployment, &event, at_ms) else { return };
        let pending = entries.into_iter().map(|entry| PendingEntry { suffix: suffix.clone(), entry, index: 0 });
        for (_, outcome) in self.write(pending.collect()).await {
            match outcome {
                WriteOutcome::Accepted => {}
                WriteOutcome::NotOwned(reason) | WriteOutcome::OutOfRange(reason) => {
                    tracing::info!(group = name, reason, "observation rejected");
                }
                WriteOutcome::Requeue(error) => tracing::warn!(group = name, reason = %error, "observation failed"),
            }
        }
    }

    async fn backfill_group(&self, group: &str, window: BackfillWindow) -> Result<usize, AwsCallError> {
        let Some(suffix) = self.deployment.suffix_of_group(group) else { return Ok(0) };
        let now_ms = self.cloud.now_ms();
        let since_ms = now_ms.saturating_sub(window.lookback_ms);
        let activities = self.cloud.activities(group, since_ms.saturating_sub(MAX_ACTIVITY_HOURS * HOUR_MS)).await?;
        let window = since_ms..=now_ms.saturating_sub(window.grace_ms);
        let ended = |it: &&ledger::Activity| it.end_ms.is_some_and(|end| window.contains(&end));
        let entries: Vec<Entry> = activities.iter().filter(ended).flat_map(|it| self.entries(it)).collect();
        let timestamps: Vec<u64> = entries.iter().map(|entry| LogEvent::of(entry, now_ms).at_ms).collect();
        let (Some(first), Some(last)) = (timestamps.iter().min(), timestamps.iter().max()) else { return Ok(0) };
        let log_group = self.deployment.names(suffix).scaling_log_group().name;
        // The times of an event and its activity may differ by seconds.
        let (first, last) = (first.saturating_sub(MINUTE_MS), last + MINUTE_MS);
        let written = self.cloud.written_ids(&log_group, &stream_prefix(group), first, last).await?;
        let missing = entries.into_iter().filter(|entry| !written.contains(&entry.id));
        let pending = missing.map(|entry| PendingEntry { suffix: suffix.to_owned(), entry, index: 0 });
        let mut pending: Vec<PendingEntry> = pending.collect();
        self.add_versions(&mut pending).await;
        let outcomes = self.write(pending).await;
        Ok(outcomes.iter().filter(|(_, outcome)| *outcome == WriteOutcome::Accepted).count())
    }

    /// The entries of an activity, marked as backfilled.
    fn entries(&self, activity: &ledger::Activity) -> Vec<Entry> {
        let Some(event) = activity.event() else { return Vec::new() };
        match read::event(&self.deployment, &event, activity.start_ms) {
            Ok(Reading::Entries { entries, .. }) => {
                entries.into_iter().map(|entry| Entry { backfilled: true, ..entry }).collect()
            }
            Ok(Reading::NotOwned(_)) | Err(_) => Vec::new(),
        }
    }
}
