//! Writes lines to log groups, with as few calls as the limits allow, and returns an outcome for each line.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use lambda_kit::{AwsCallError, FailureKind};
use ledger::Entry;
use ledger::batch::{LogEvent, batches, stream};
use requests::RecordsError;

use crate::ScalingLog;
use crate::cloud::{DeadLetters, LogApi, PutOutcome};

/// The outcome of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    Accepted,
    /// The line belongs to no existing environment of this deployment, now or later; the reason.
    NotOwned(&'static str),
    /// CloudWatch Logs rejects the timestamp of the line; the reason.
    OutOfRange(&'static str),
    /// The line can't be written now.
    Requeue(WriteError),
}

/// A failed call on the way to the log group of an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// The records did not show whether the environment exists.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// CloudWatch Logs did not accept the batch.
    #[error(transparent)]
    Logs(#[from] AwsCallError),
}

impl WriteError {
    /// The kind of an invocation that fails for this reason.
    pub(crate) fn failure_kind(&self) -> FailureKind {
        match self {
            WriteError::Records(_) => FailureKind::RecordsUnavailable,
            WriteError::Logs(_) => FailureKind::AwsCallFailed,
        }
    }
}

/// An entry of an environment, with the index of its outcome.
pub(crate) struct PendingEntry {
    pub suffix: String,
    pub entry: Entry,
    pub index: usize,
}

const NO_ENVIRONMENT: &str = "the environment does not exist";
const NO_LOG_GROUP: &str = "the log group does not exist";
const TIMESTAMP_REJECTED: &str = "CloudWatch Logs rejects the timestamp";

impl<C: LogApi, D: DeadLetters> ScalingLog<C, D> {
    /// Writes entries, each with its environment's suffix, and returns the outcome of each entry with its index.
    pub(crate) async fn write(&self, all: Vec<PendingEntry>) -> Vec<(usize, WriteOutcome)> {
        let streams: BTreeSet<(&str, String)> =
            all.iter().map(|it| (it.suffix.as_str(), stream(&it.entry.group, it.entry.at_ms))).collect();
        // Within the limits, one call for each stream is the minimum.
        tracing::info!(lines = all.len(), streams = streams.len(), "ledger lines pending");
        let mut by_environment: BTreeMap<String, Vec<PendingEntry>> = BTreeMap::new();
        for pending in all {
            by_environment.entry(pending.suffix.clone()).or_default().push(pending);
        }
        let all = by_environment.into_iter().map(|(suffix, pending)| self.write_environment(suffix, pending));
        join_all(all).await.into_iter().flatten().collect()
    }

    async fn write_environment(&self, suffix: String, pending: Vec<PendingEntry>) -> Vec<(usize, WriteOutcome)> {
        let names = self.deployment.names(&suffix);
        let all = |outcome: &WriteOutcome| pending.iter().map(|it| (it.index, outcome.clone())).collect();
        match self.cloud.environment_exists(&names.environment_id()).await {
            Ok(true) => {}
            Ok(false) => return all(&WriteOutcome::NotOwned(NO_ENVIRONMENT)),
            Err(error) => return all(&WriteOutcome::Requeue(error.into())),
        }
        let now_ms = self.cloud.now_ms();
        let mut streams: BTreeMap<String, Vec<(LogEvent, usize)>> = BTreeMap::new();
        for PendingEntry { entry, index, .. } in pending {
            let event = LogEvent::of(&entry, now_ms);
            streams.entry(stream(&entry.group, event.at_ms)).or_default().push((event, index));
        }
        let log_group = names.scaling_log_group().name;
        let batches = streams.into_iter().flat_map(|(stream, events)| {
            let all = batches(events).into_iter();
            all.map(move |batch| (stream.clone(), batch))
        });
        // The batches of a stream are written in order, one call at a time.
        let mut outcomes = Vec::new();
        for (stream, batch) in batches {
            let events: Vec<&LogEvent> = batch.iter().map(|(event, _)| event).collect();
            let put = self.cloud.put_events(&log_group, &stream, &events).await;
            outcomes.extend(batch.iter().enumerate().map(|(at, (_, index))| {
                let outcome = match &put {
                    Ok(PutOutcome::Written { rejected }) if rejected.contains(&at) => {
                        WriteOutcome::OutOfRange(TIMESTAMP_REJECTED)
                    }
                    Ok(PutOutcome::Written { .. }) => WriteOutcome::Accepted,
                    Ok(PutOutcome::LogGroupNotFound) => WriteOutcome::NotOwned(NO_LOG_GROUP),
                    Err(error) => WriteOutcome::Requeue(error.clone().into()),
                };
                (*index, outcome)
            }));
        }
        outcomes
    }
}
