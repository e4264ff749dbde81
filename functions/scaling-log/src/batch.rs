//! Messages in, outcomes out: each message has its own, and all of them are accounted for.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use ledger::read::{self, Reading};
use serde_json::{Value, json};

use crate::ScalingLog;
use crate::cloud::{Cloud, DeadLetters};
use crate::write::{Owed, Written};

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    /// It is taken off the queue, and is not in the ledger; why.
    Rejected(String),
    /// It is with the dead letters; why.
    Buried(String),
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
pub struct Answer {
    pub response: SqsBatchResponse,
    pub account: Account,
}

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Handles a batch of the queue. What comes back is reported as failed, so that the queue keeps it.
    pub async fn batch(&self, batch: &SqsEvent) -> Answer {
        let body = |message: &SqsMessage| (message.body.clone().unwrap_or_default(), self.sent_ms(message));
        let fates = self.fates(batch.records.iter().map(body)).await;
        let ids: Vec<&str> = batch.records.iter().map(|it| it.message_id.as_deref().unwrap_or_default()).collect();
        answer(&ids, &fates)
    }

    /// Handles what a topic sends.
    ///
    /// # Errors
    /// If some of it could not be written: Lambda then invokes the function again.
    pub(crate) async fn topic(&self, messages: &[&str]) -> Result<Account, String> {
        let now_ms = self.cloud.now_ms();
        let fates = self.fates(messages.iter().map(|message| ((*message).to_owned(), now_ms))).await;
        let Answer { account, response } = answer(&vec!["a message of a topic"; fates.len()], &fates);
        if response.batch_item_failures.is_empty() { Ok(account) } else { Err(format!("not written: {account:?}")) }
    }

    /// What becomes of bodies, each with the time when it was sent.
    async fn fates(&self, bodies: impl Iterator<Item = (String, u64)>) -> Vec<Fate> {
        let mut fates: Vec<Fate> = Vec::new();
        let mut owed: Vec<Owed> = Vec::new();
        for (text, sent_ms) in bodies {
            let place = fates.len();
            fates.push(match read::body(&self.place, &text, sent_ms) {
                Ok(Reading::Of { suffix, entries }) => {
                    owed.extend(entries.into_iter().map(|entry| Owed { suffix: suffix.clone(), entry, place }));
                    Fate::Accepted
                }
                Ok(Reading::Nobodys(why)) => Fate::Rejected(why),
                Err(poison) => self.bury(&text, &poison.to_string()).await,
            });
        }
        for (place, written) in self.write(owed).await {
            let worse = match (&fates[place], written) {
                (_, Written::NotNow(why)) => Fate::Returned(why),
                (Fate::Accepted, Written::Rejected(why)) => Fate::Rejected(why.to_owned()),
                _ => continue,
            };
            fates[place] = worse;
        }
        fates
    }

    /// Writes a single event, and says what came of it.
    pub(crate) async fn single(&self, event: &Value) -> Result<Value, String> {
        let reading = read::event(&self.place, event, self.cloud.now_ms()).map_err(|poison| poison.to_string())?;
        let (suffix, entries) = match reading {
            Reading::Of { suffix, entries } => (suffix, entries),
            Reading::Nobodys(why) => return Ok(json!({ "Ignored": why })),
        };
        let lines: Vec<String> = entries.iter().map(ledger::Entry::line).collect();
        let owed = entries.into_iter().map(|entry| Owed { suffix: suffix.clone(), entry, place: 0 });
        for (_, written) in self.write(owed.collect()).await {
            match written {
                Written::Accepted => {}
                Written::Rejected(why) => return Ok(json!({ "Ignored": why })),
                Written::NotNow(why) => return Err(why),
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
    async fn bury(&self, body: &str, reason: &str) -> Fate {
        match self.dead_letters.bury(body, reason).await {
            Ok(()) => Fate::Buried(reason.to_owned()),
            Err(error) => Fate::Returned(format!("it makes no sense ({reason}), and can't be put away: {error}")),
        }
    }
}

/// Counts the fates of the messages with these ids, and reports those that come back.
fn answer(ids: &[&str], fates: &[Fate]) -> Answer {
    let mut account = Account { received: fates.len(), ..Account::default() };
    let mut response = SqsBatchResponse::default();
    for (id, fate) in ids.iter().zip(fates) {
        match fate {
            Fate::Accepted => account.accepted += 1,
            Fate::Rejected(why) => {
                account.rejected += 1;
                tracing::info!(id, why, "rejected");
            }
            Fate::Buried(why) => {
                account.dead_lettered += 1;
                tracing::error!(id, why, "a message makes no sense, and is with the dead letters");
            }
            Fate::Returned(why) => {
                account.returned += 1;
                tracing::warn!(id, why, "comes back");
                let mut failure = BatchItemFailure::default();
                (*id).clone_into(&mut failure.item_identifier);
                response.batch_item_failures.push(failure);
            }
        }
    }
    let Account { received, accepted, rejected, dead_lettered, returned } = account;
    tracing::info!(received, accepted, rejected, dead_lettered, returned, "a batch");
    Answer { response, account }
}
