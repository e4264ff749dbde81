//! Messages in, outcomes out: each message has its own, and all of them are accounted for.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use ledger::read::{self, Reading};
use serde_json::{Value, json};

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters};
use crate::write::{PendingEntry, Written};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Disposition {
    Accepted,
    /// It is taken off the queue, and is not in the ledger; why.
    NotOwned(String),
    /// It is with the dead letters; why.
    DeadLettered(String),
    /// The queue keeps it; why.
    Returned(String),
}

/// How many messages had which fate. The four are all that were received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// All of the batch.
    pub received: usize,
    /// Written, or nothing to write.
    pub accepted: usize,
    /// Of nobody's, of an environment or a log group that is gone, or of a time that CloudWatch Logs does not take.
    pub rejected: usize,
    /// Put away because they make no sense.
    pub dead_lettered: usize,
    /// Left in the queue, to come again.
    pub returned: usize,
}

/// The answer to a batch.
#[derive(Debug)]
pub struct Response {
    pub response: SqsBatchResponse,
    pub account: Account,
}

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Handles a batch of the queue. What comes back is reported as failed, so that the queue keeps it.
    pub async fn batch(&self, batch: &SqsEvent) -> Response {
        let body = |message: &SqsMessage| (message.body.clone().unwrap_or_default(), self.sent_ms(message));
        let fates = self.fates(batch.records.iter().map(body)).await;
        let ids: Vec<&str> = batch.records.iter().map(|it| it.message_id.as_deref().unwrap_or_default()).collect();
        response(&ids, &fates)
    }

    /// Handles what a topic sends.
    ///
    /// # Errors
    /// If some of it could not be written: Lambda then invokes the function again.
    pub(crate) async fn topic(&self, messages: &[&str]) -> Result<Account, String> {
        let now_ms = self.cloud.now_ms();
        let fates = self.fates(messages.iter().map(|message| ((*message).to_owned(), now_ms))).await;
        let Response { account, response } = response(&vec!["a message of a topic"; fates.len()], &fates);
        if response.batch_item_failures.is_empty() { Ok(account) } else { Err(format!("not written: {account:?}")) }
    }

    /// What becomes of bodies, each with the time when it was sent.
    async fn fates(&self, bodies: impl Iterator<Item = (String, u64)>) -> Vec<Disposition> {
        let mut fates: Vec<Disposition> = Vec::new();
        let mut pending: Vec<PendingEntry> = Vec::new();
        for (text, sent_ms) in bodies {
            let index = fates.len();
            fates.push(match read::body(&self.deployment, &text, sent_ms) {
                Ok(Reading::Of { suffix, entries }) => {
                    pending.extend(entries.into_iter().map(|entry| PendingEntry {
                        suffix: suffix.clone(),
                        entry,
                        index,
                    }));
                    Disposition::Accepted
                }
                Ok(Reading::Nobodys(reason)) => Disposition::NotOwned(reason),
                Err(poison) => self.dead_letter(&text, &poison.to_string()).await,
            });
        }
        for (index, written) in self.write(pending).await {
            let worse = match (&fates[index], written) {
                (_, Written::Requeue(reason)) => Disposition::Returned(reason),
                (Disposition::Accepted, Written::NotOwned(reason) | Written::OutOfRange(reason)) => {
                    Disposition::NotOwned(reason.to_owned())
                }
                _ => continue,
            };
            fates[index] = worse;
        }
        fates
    }

    /// Writes a single event, and says what came of it.
    pub(crate) async fn single(&self, event: &Value) -> Result<Value, String> {
        let reading = read::event(&self.deployment, event, self.cloud.now_ms()).map_err(|poison| poison.to_string())?;
        let (suffix, entries) = match reading {
            Reading::Of { suffix, entries } => (suffix, entries),
            Reading::Nobodys(reason) => return Ok(json!({ "Ignored": reason })),
        };
        let lines: Vec<String> = entries.iter().map(ledger::Entry::line).collect();
        let pending = entries.into_iter().map(|entry| PendingEntry { suffix: suffix.clone(), entry, index: 0 });
        for (_, written) in self.write(pending.collect()).await {
            match written {
                Written::Accepted => {}
                Written::NotOwned(reason) | Written::OutOfRange(reason) => return Ok(json!({ "Ignored": reason })),
                Written::Requeue(reason) => return Err(reason),
            }
        }
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(json!({ "Written": lines.collect::<Vec<_>>() }))
    }

    fn sent_ms(&self, message: &SqsMessage) -> u64 {
        let sent = lambda_kit::sent_ms(&message.attributes);
        sent.unwrap_or_else(|| self.cloud.now_ms())
    }

    /// One that can't be put away stays where it is.
    async fn dead_letter(&self, body: &str, reason: &str) -> Disposition {
        match self.dead_letters.dead_letter(body, reason).await {
            Ok(()) => Disposition::DeadLettered(reason.to_owned()),
            Err(error) => {
                Disposition::Returned(format!("it makes no sense ({reason}), and can't be put away: {error}"))
            }
        }
    }
}

/// Counts the fates of the messages with these ids, and reports those that come back.
fn response(ids: &[&str], fates: &[Disposition]) -> Response {
    let mut account = Account { received: fates.len(), ..Account::default() };
    let mut response = SqsBatchResponse::default();
    for (id, disposition) in ids.iter().zip(fates) {
        match disposition {
            Disposition::Accepted => account.accepted += 1,
            Disposition::NotOwned(reason) => {
                account.rejected += 1;
                tracing::info!(id, reason, "rejected");
            }
            Disposition::DeadLettered(reason) => {
                account.dead_lettered += 1;
                tracing::error!(id, reason, "a message makes no sense, and is with the dead letters");
            }
            Disposition::Returned(reason) => {
                account.returned += 1;
                tracing::warn!(id, reason, "comes back");
                let mut failure = BatchItemFailure::default();
                (*id).clone_into(&mut failure.item_identifier);
                response.batch_item_failures.push(failure);
            }
        }
    }
    let Account { received, accepted, rejected, dead_lettered, returned } = account;
    tracing::info!(received, accepted, rejected, dead_lettered, returned, "a batch");
    Response { response, account }
}
