//! Handles batches of messages. Every message has its own disposition, and the counts of a batch include every message.

use std::collections::BTreeSet;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_kit::{Failure, FailureKind};
use ledger::envelope::PoisonMessage;
use ledger::events::RolloutStep;
use ledger::read::{self, Reading};
use ledger::{Entry, Kind};
use serde_json::{Value, json};

use crate::ScalingLog;
use crate::cloud::{DeadLetterError, DeadLetters, LogApi};
use crate::write::{PendingEntry, WriteError, WriteOutcome};

/// The disposition of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Disposition {
    Accepted,
    /// The message is deleted from the queue and is not in the ledger; the reason.
    NotOwned(String),
    /// The message is in the dead-letter queue; the reason.
    DeadLettered(String),
    /// The queue keeps the message.
    Returned(ReturnReason),
}

/// Why a message remains in its queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ReturnReason {
    /// An entry of the message was not written.
    #[error(transparent)]
    NotWritten(WriteError),
    /// The message is poison, and was not dead-lettered.
    #[error("dead-lettering failed: {error}; the message is poison: {poison}")]
    NotDeadLettered { error: DeadLetterError, poison: PoisonMessage },
}

impl ReturnReason {
    /// The kind of an invocation that fails for this reason.
    fn failure_kind(&self) -> FailureKind {
        match self {
            ReturnReason::NotWritten(error) => error.failure_kind(),
            ReturnReason::NotDeadLettered { .. } => FailureKind::QueueUnavailable,
        }
    }
}

/// The number of messages with each disposition. The four dispositions add up to the received messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchCounts {
    /// All messages of the batch.
    pub received: usize,
    /// Written, or without an entry to write.
    pub accepted: usize,
    /// Not owned: of no environment, of a deleted environment or log group, or with a time that CloudWatch Logs
    /// rejects.
    pub rejected: usize,
    /// Poison messages, moved to the dead-letter queue.
    pub dead_lettered: usize,
    /// Left in the queue, to be delivered again.
    pub returned: usize,
}

/// The response to a batch, and its counts.
#[derive(Debug)]
pub struct BatchResponse {
    pub response: SqsBatchResponse,
    pub counts: BatchCounts,
}

impl<C: LogApi, D: DeadLetters> ScalingLog<C, D> {
    /// Handles a batch of the queue. A returned message is reported as failed, so that the queue keeps it.
    pub async fn batch(&self, batch: &SqsEvent) -> BatchResponse {
        let body = |message: &SqsMessage| (message.body.clone().unwrap_or_default(), self.sent_ms(message));
        let dispositions = self.dispositions(batch.records.iter().map(body)).await;
        let ids: Vec<&str> = batch.records.iter().map(|it| it.message_id.as_deref().unwrap_or_default()).collect();
        batch_response(&ids, &dispositions)
    }

    /// Handles the messages of a topic.
    ///
    /// # Errors
    /// Fails if a message could not be written: Lambda then retries the event. The kind is that of the first such
    /// message.
    pub(crate) async fn topic(&self, messages: &[&str]) -> Result<BatchCounts, Failure> {
        let now_ms = self.cloud.now_ms();
        let dispositions = self.dispositions(messages.iter().map(|message| ((*message).to_owned(), now_ms))).await;
        let ids = vec!["a message of a topic"; dispositions.len()];
        let counts = batch_response(&ids, &dispositions).counts;
        let first_returned = dispositions.iter().find_map(|it| match it {
            Disposition::Returned(reason) => Some(reason.failure_kind()),
            Disposition::Accepted | Disposition::NotOwned(_) | Disposition::DeadLettered(_) => None,
        });
        match first_returned {
            None => Ok(counts),
            Some(kind) => Err(Failure::new(kind, format!("messages of the topic not written: {counts:?}"))),
        }
    }

    /// Writes the entries of message bodies, each with its send time, and returns the dispositions.
    async fn dispositions(&self, bodies: impl Iterator<Item = (String, u64)>) -> Vec<Disposition> {
        let mut dispositions: Vec<Disposition> = Vec::new();
        let mut pending: Vec<PendingEntry> = Vec::new();
        for (text, sent_ms) in bodies {
            let index = dispositions.len();
            dispositions.push(match read::body(&self.deployment, &text, sent_ms) {
                Ok(Reading::Entries { suffix, entries }) => {
                    pending.extend(entries.into_iter().map(|entry| PendingEntry {
                        suffix: suffix.clone(),
                        entry,
                        index,
                    }));
                    Disposition::Accepted
                }
                Ok(Reading::NotOwned(reason)) => Disposition::NotOwned(reason),
                Err(poison) => self.dead_letter(&text, poison).await,
            });
        }
        self.add_versions(&mut pending).await;
        let rolled = rolled_groups(&pending);
        for (index, written) in self.write(pending).await {
            let disposition = match (&dispositions[index], written) {
                (_, WriteOutcome::Requeue(error)) => Disposition::Returned(ReturnReason::NotWritten(error)),
                (Disposition::Accepted, WriteOutcome::NotOwned(reason) | WriteOutcome::OutOfRange(reason)) => {
                    Disposition::NotOwned(reason.to_owned())
                }
                _ => continue,
            };
            dispositions[index] = disposition;
        }
        for group in rolled {
            self.observe_named(&group).await;
        }
        dispositions
    }

    /// Writes a single event, and returns the written lines, or the reason why the event was ignored.
    pub(crate) async fn single(&self, event: &Value) -> Result<Value, Failure> {
        let reading = read::event(&self.deployment, event, self.cloud.now_ms())
            .map_err(|poison| Failure::new(FailureKind::InvalidEvent, poison.to_string()))?;
        let (suffix, entries) = match reading {
            Reading::Entries { suffix, entries } => (suffix, entries),
            Reading::NotOwned(reason) => return Ok(json!({ "Ignored": reason })),
        };
        let pending = entries.into_iter().map(|entry| PendingEntry { suffix: suffix.clone(), entry, index: 0 });
        let mut pending: Vec<PendingEntry> = pending.collect();
        self.add_versions(&mut pending).await;
        let lines: Vec<String> = pending.iter().map(|it| it.entry.line()).collect();
        for (_, written) in self.write(pending).await {
            match written {
                WriteOutcome::Accepted => {}
                WriteOutcome::NotOwned(reason) | WriteOutcome::OutOfRange(reason) => {
                    return Ok(json!({ "Ignored": reason }));
                }
                WriteOutcome::Requeue(error) => return Err(Failure::new(error.failure_kind(), error.to_string())),
            }
        }
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(json!({ "Written": lines.collect::<Vec<_>>() }))
    }

    fn sent_ms(&self, message: &SqsMessage) -> u64 {
        let sent = lambda_kit::sent_ms(&message.attributes);
        sent.unwrap_or_else(|| self.cloud.now_ms())
    }

    /// Moves a poison message to the dead-letter queue. If that fails, the message remains in its queue.
    async fn dead_letter(&self, body: &str, poison: PoisonMessage) -> Disposition {
        let reason = poison.to_string();
        match self.dead_letters.dead_letter(body, &reason).await {
            Ok(()) => Disposition::DeadLettered(reason),
            Err(error) => Disposition::Returned(ReturnReason::NotDeadLettered { error, poison }),
        }
    }
}

/// The groups whose rollouts have ended.
fn rolled_groups(pending: &[PendingEntry]) -> BTreeSet<String> {
    let ends = [RolloutStep::Complete, RolloutStep::Failed].map(RolloutStep::name);
    let has_ended = |entry: &&Entry| entry.kind == Kind::Rollout && ends.contains(&entry.outcome.as_str());
    pending.iter().map(|it| &it.entry).filter(has_ended).map(|entry| entry.group.clone()).collect()
}

/// Counts the dispositions of the messages with these ids, and reports the returned messages as failed.
fn batch_response(ids: &[&str], dispositions: &[Disposition]) -> BatchResponse {
    let mut counts = BatchCounts { received: dispositions.len(), ..BatchCounts::default() };
    let mut response = SqsBatchResponse::default();
    for (id, disposition) in ids.iter().zip(dispositions) {
        match disposition {
            Disposition::Accepted => counts.accepted += 1,
            Disposition::NotOwned(reason) => {
                counts.rejected += 1;
                tracing::info!(id, reason, "message rejected");
            }
            Disposition::DeadLettered(reason) => {
                counts.dead_lettered += 1;
                tracing::error!(id, reason, "message dead-lettered");
            }
            Disposition::Returned(reason) => {
                counts.returned += 1;
                tracing::warn!(id, %reason, "message returned");
                let mut failure = BatchItemFailure::default();
                (*id).clone_into(&mut failure.item_identifier);
                response.batch_item_failures.push(failure);
            }
        }
    }
    let BatchCounts { received, accepted, rejected, dead_lettered, returned } = counts;
    tracing::info!(received, accepted, rejected, dead_lettered, returned, "batch handled");
    BatchResponse { response, counts }
}
