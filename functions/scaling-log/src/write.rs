//! Lines into log groups: as few calls as the limits allow, and an outcome for each line.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use ledger::Entry;
use ledger::batch::{LogEvent, batches, stream};

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters, Put};

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Accepted,
    /// No environment of this deployment can hold it, now or later; the reason.
    NotOwned(&'static str),
    /// CloudWatch Logs accepts no time this old or this late; the reason.
    OutOfRange(&'static str),
    /// It can't be written now; why.
    Requeue(String),
}

/// An entry of an environment, with the place that its outcome goes to.
pub(crate) struct PendingEntry {
    pub suffix: String,
    pub entry: Entry,
    pub index: usize,
}

const NO_ENVIRONMENT: &str = "its environment is gone";
const NO_LOG_GROUP: &str = "its log group is gone";
const TOO_OLD: &str = "CloudWatch Logs does not take its time";

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Writes entries, each with its environment's suffix, and gives each its outcome.
    pub(crate) async fn write(&self, all: Vec<PendingEntry>) -> Vec<(usize, Written)> {
        let streams: BTreeSet<(&str, String)> =
            all.iter().map(|it| (it.suffix.as_str(), stream(&it.entry.group, it.entry.at_ms))).collect();
        // A call for each stream is the least, within the limits.
        tracing::info!(lines = all.len(), streams = streams.len(), "lines for the ledger");
        let mut by_environment: BTreeMap<String, Vec<PendingEntry>> = BTreeMap::new();
        for pending in all {
            by_environment.entry(pending.suffix.clone()).or_default().push(pending);
        }
        let all = by_environment.into_iter().map(|(suffix, pending)| self.of_one(suffix, pending));
        join_all(all).await.into_iter().flatten().collect()
    }

    async fn of_one(&self, suffix: String, pending: Vec<PendingEntry>) -> Vec<(usize, Written)> {
        let names = self.deployment.names(&suffix);
        let all = |written: &Written| pending.iter().map(|it| (it.index, written.clone())).collect();
        match self.cloud.exists(&names.environment_id()).await {
            Ok(true) => {}
            Ok(false) => return all(&Written::NotOwned(NO_ENVIRONMENT)),
            Err(reason) => return all(&Written::Requeue(reason)),
        }
        let now_ms = self.cloud.now_ms();
        let mut streams: BTreeMap<String, Vec<(LogEvent, usize)>> = BTreeMap::new();
        for PendingEntry { entry, index, .. } in pending {
            let line = LogEvent::of(&entry, now_ms);
            streams.entry(stream(&entry.group, line.at_ms)).or_default().push((line, index));
        }
        let log_group = names.scaling_log_group().name;
        let batches = streams.into_iter().flat_map(|(stream, lines)| {
            let all = batches(lines).into_iter();
            all.map(move |batch| (stream.clone(), batch))
        });
        // A stream has its lines in the order of their batches, one call at a time.
        let mut written = Vec::new();
        for (stream, batch) in batches {
            let lines: Vec<&LogEvent> = batch.iter().map(|(line, _)| line).collect();
            let put = self.cloud.put(&log_group, &stream, &lines).await;
            written.extend(batch.iter().enumerate().map(|(at, (_, index))| {
                let written = match &put {
                    Ok(Put::Taken { rejected }) if rejected.contains(&at) => Written::OutOfRange(TOO_OLD),
                    Ok(Put::Taken { .. }) => Written::Accepted,
                    Ok(Put::NoGroup) => Written::NotOwned(NO_LOG_GROUP),
                    Err(reason) => Written::Requeue(reason.clone()),
                };
                (*index, written)
            }));
        }
        written
    }
}
