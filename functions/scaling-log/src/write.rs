//! Lines into log groups: as few calls as the limits allow, and an outcome for each line.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use ledger::Entry;
use ledger::batch::{Line, batches, stream};

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters, Put};

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Accepted,
    /// It can't be written, now or later; why.
    Rejected(&'static str),
    /// It can't be written now; why.
    NotNow(String),
}

/// An entry of an environment, with the place that its outcome goes to.
pub(crate) struct Owed {
    pub suffix: String,
    pub entry: Entry,
    pub place: usize,
}

const NO_ENVIRONMENT: &str = "its environment is gone";
const NO_LOG_GROUP: &str = "its log group is gone";
const TOO_OLD: &str = "CloudWatch Logs does not take its time";

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Writes entries, each with its environment's suffix, and gives each its outcome.
    pub(crate) async fn write(&self, all: Vec<Owed>) -> Vec<(usize, Written)> {
        let streams: BTreeSet<(&str, String)> =
            all.iter().map(|it| (it.suffix.as_str(), stream(&it.entry.group, it.entry.at_ms))).collect();
        // A call for each stream is the least, within the limits.
        tracing::info!(lines = all.len(), streams = streams.len(), "lines for the ledger");
        let mut by_environment: BTreeMap<String, Vec<Owed>> = BTreeMap::new();
        for owed in all {
            by_environment.entry(owed.suffix.clone()).or_default().push(owed);
        }
        let all = by_environment.into_iter().map(|(suffix, owed)| self.of_one(suffix, owed));
        join_all(all).await.into_iter().flatten().collect()
    }

    async fn of_one(&self, suffix: String, owed: Vec<Owed>) -> Vec<(usize, Written)> {
        let names = self.place.names(&suffix);
        let all = |written: &Written| owed.iter().map(|it| (it.place, written.clone())).collect();
        match self.cloud.exists(&names.environment_id()).await {
            Ok(true) => {}
            Ok(false) => return all(&Written::Rejected(NO_ENVIRONMENT)),
            Err(why) => return all(&Written::NotNow(why)),
        }
        let now_ms = self.cloud.now_ms();
        let mut streams: BTreeMap<String, Vec<(Line, usize)>> = BTreeMap::new();
        for Owed { entry, place, .. } in owed {
            let line = Line::of(&entry, now_ms);
            streams.entry(stream(&entry.group, line.at_ms)).or_default().push((line, place));
        }
        let log_group = names.scaling_log_group().name;
        let batches = streams.into_iter().flat_map(|(stream, lines)| {
            let all = batches(lines).into_iter();
            all.map(move |batch| (stream.clone(), batch))
        });
        // A stream has its lines in the order of their batches, one call at a time.
        let mut written = Vec::new();
        for (stream, batch) in batches {
            let lines: Vec<&Line> = batch.iter().map(|(line, _)| line).collect();
            let put = self.cloud.put(&log_group, &stream, &lines).await;
            written.extend(batch.iter().enumerate().map(|(at, (_, place))| {
                let written = match &put {
                    Ok(Put::Taken { rejected }) if rejected.contains(&at) => Written::Rejected(TOO_OLD),
                    Ok(Put::Taken { .. }) => Written::Accepted,
                    Ok(Put::NoGroup) => Written::Rejected(NO_LOG_GROUP),
                    Err(why) => Written::NotNow(why.clone()),
                };
                (*place, written)
            }));
        }
        written
    }
}
