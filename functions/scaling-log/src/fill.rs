//! Events are best effort: launches and terminations that none told of are found in the groups' own lists.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures_util::stream::{self, StreamExt as _};
use ledger::Entry;
use ledger::batch::{LogEvent, streams};
use ledger::read::{self, Reading};
use ledger::rotation;
use serde_json::Value;

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters};
use crate::write::{PendingEntry, Written};

/// How far back the schedule looks, if its event does not say: 6 hours, so that an outage of this function of a morning is
/// made good without anybody.
const LOOKBACK_HOURS: u64 = 6;

/// Auto Scaling keeps activities for six weeks, and CloudWatch takes lines of the last two: 336 hours.
const LONGEST_LOOKBACK_HOURS: u64 = 336;

/// How long an event may be on its way before it counts as lost, if the schedule's event does not say: 10 minutes. Most come
/// within seconds; one that comes later writes the same line again, with the same id.
const LATE_MINUTES: u64 = 10;

/// The longest that EventBridge tries to deliver an event: a day.
const LONGEST_LATE_MINUTES: u64 = 1_440;

/// The longest that a launch or a termination takes: eight hours, which a drain may. They are listed by their start, and
/// wanted by their end.
const LONGEST_HOURS: u64 = 8;

/// How many groups are looked at at once. Auto Scaling's reads are throttled for the whole account.
const AT_ONCE: usize = 4;

/// How often the schedule comes.
const SCHEDULE_MS: u64 = 30 * MINUTE_MS;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Which activities are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// None that ended longer ago.
    lookback_ms: u64,
    /// None that ended less than so long ago.
    late_ms: u64,
}

impl Span {
    /// As a scheduled event says in its detail, by `LookbackHours` and `LateMinutes`.
    pub(crate) fn of(event: &Value) -> Result<Span, String> {
        let number = |name: &str, default, valid: RangeInclusive<u64>| {
            let given = event.pointer(&format!("/detail/{name}")).filter(|it| !it.is_null());
            let Some(given) = given else { return Ok(default) };
            given.as_u64().filter(|it| valid.contains(it)).ok_or_else(|| {
                let (least, most) = (valid.start(), valid.end());
                format!("detail.{name} is {given}: valid is a whole number from {least} to {most}")
            })
        };
        let hours = number("LookbackHours", LOOKBACK_HOURS, 1..=LONGEST_LOOKBACK_HOURS)?;
        let minutes = number("LateMinutes", LATE_MINUTES, 0..=LONGEST_LATE_MINUTES)?;
        Ok(Span { lookback_ms: hours * HOUR_MS, late_ms: minutes * MINUTE_MS })
    }
}

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Fills the gaps, and says how many there were in each group that had some.
    ///
    /// # Errors
    /// If the groups can't be listed, or none of them be looked at. A group whose list can't be had is for the next time.
    pub(crate) async fn fill(&self, span: Span) -> Result<BTreeMap<String, usize>, String> {
        let mut groups = self.cloud.groups().await?;
        groups.sort_unstable();
        let first = rotation::first(groups.len(), self.cloud.now_ms() / SCHEDULE_MS);
        groups.rotate_left(first);
        let all = stream::iter(groups).map(async |group| (self.fill_one(&group, span).await, group));
        let all: Vec<(Result<usize, String>, String)> = all.buffer_unordered(AT_ONCE).collect().await;
        if let Some((Err(reason), _)) = all.first()
            && all.iter().all(|(outcome, _)| outcome.is_err())
        {
            return Err(format!("none of {} groups could be looked at: {reason}", all.len()));
        }
        let mut filled = BTreeMap::new();
        for (outcome, group) in all {
            match outcome {
                Ok(0) => {}
                Ok(count) => {
                    tracing::info!(group, count, "gaps are filled");
                    filled.insert(group, count);
                }
                Err(reason) => tracing::warn!(group, reason, "its gaps are for the next time"),
            }
        }
        Ok(filled)
    }

    async fn fill_one(&self, group: &str, span: Span) -> Result<usize, String> {
        let Some(suffix) = self.deployment.suffix_of_group(group) else { return Ok(0) };
        let now_ms = self.cloud.now_ms();
        let since_ms = now_ms.saturating_sub(span.lookback_ms);
        let activities = self.cloud.activities(group, since_ms.saturating_sub(LONGEST_HOURS * HOUR_MS)).await?;
        let desired = since_ms..=now_ms.saturating_sub(span.late_ms);
        let ended = |it: &&ledger::Activity| it.end_ms.is_some_and(|end| desired.contains(&end));
        let told: Vec<Entry> = activities.iter().filter(ended).flat_map(|it| self.entries(it)).collect();
        let filed: Vec<u64> = told.iter().map(|entry| LogEvent::of(entry, now_ms).at_ms).collect();
        let (Some(first), Some(last)) = (filed.iter().min(), filed.iter().max()) else { return Ok(0) };
        let log_group = self.deployment.names(suffix).scaling_log_group().name;
        // An event may tell another time than the activity, by seconds.
        let (first, last) = (first.saturating_sub(MINUTE_MS), last + MINUTE_MS);
        let written = self.cloud.written(&log_group, &streams(group), first, last).await?;
        let missing = told.into_iter().filter(|entry| !written.contains(&entry.id));
        let pending = missing.map(|entry| PendingEntry { suffix: suffix.to_owned(), entry, index: 0 });
        let outcomes = self.write(pending.collect()).await;
        Ok(outcomes.iter().filter(|(_, written)| *written == Written::Accepted).count())
    }

    /// The lines of an activity, marked as found afterwards.
    fn entries(&self, activity: &ledger::Activity) -> Vec<Entry> {
        let Some(event) = activity.event() else { return Vec::new() };
        match read::event(&self.deployment, &event, activity.start_ms) {
            Ok(Reading::Of { entries, .. }) => {
                entries.into_iter().map(|entry| Entry { backfilled: true, ..entry }).collect()
            }
            Ok(Reading::Nobodys(_)) | Err(_) => Vec::new(),
        }
    }
}
