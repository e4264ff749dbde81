//! Messages in, outcomes out: each message has its own, and a failed one holds up nobody but its own owner.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::Moment;
use futures_util::future::join_all;
use requests::records::Progress;
use requests::{Line, MARGIN_MS, PhysicalId, Records, RecordsError, Reply, ReplyAddress, Request};
use serde_json::Value;

use crate::carry_out::NOT_NOW;
use crate::{Clouds, Reconciler, Turn, reply, work_ends};

/// What becomes of a message.
enum Outcome {
    /// It is taken off the line.
    Done,
    /// It keeps its place, and comes again after this long; without one, when its visibility ends.
    ComesBack(Option<Duration>),
}

/// How long a reply that nobody took waits for its next try.
const NOT_TAKEN: Duration = Duration::from_secs(10);

impl<R: Records, C: Clouds> Reconciler<'_, R, C> {
    /// Handles the messages of one invocation, which Lambda ends at `deadline_ms`: those of one owner one after the other,
    /// those of different owners at once, so that nobody waits while another's instances start.
    ///
    /// A message that comes back is reported as failed, and so is every later one of its group: in a FIFO queue
    /// nobody overtakes.
    pub async fn handle(&self, line: &impl Line, batch: SqsEvent, deadline_ms: u64) -> SqsBatchResponse {
        let mut groups: BTreeMap<String, Vec<SqsMessage>> = BTreeMap::new();
        for message in batch.records {
            let group = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
            groups.entry(group).or_default().push(message);
        }
        let all = groups.into_values().map(|messages| self.group(line, messages, Moment(deadline_ms)));
        let mut response = SqsBatchResponse::default();
        for message in join_all(all).await.into_iter().flatten() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        response
    }

    /// Handles the messages of one owner, and returns those that come again.
    async fn group(&self, line: &impl Line, messages: Vec<SqsMessage>, deadline: Moment) -> Vec<SqsMessage> {
        for (at, message) in messages.iter().enumerate() {
            let Outcome::ComesBack(after) = self.one(message, deadline).await else { continue };
            let back: Vec<SqsMessage> = messages.into_iter().skip(at).collect();
            if let Some(after) = after {
                send_back(line, &back, after).await;
            }
            return back;
        }
        Vec::new()
    }

    async fn one(&self, message: &SqsMessage, deadline: Moment) -> Outcome {
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            tracing::error!(id = message.message_id, "a message is no JSON, and goes to the dead letters in the end");
            return Outcome::ComesBack(None);
        };
        let sent_ms = message.attributes.get("SentTimestamp").and_then(|text| text.parse().ok());
        let request = match Request::read(&event, sent_ms.unwrap_or(self.clouds.now().0)) {
            Ok(request) => request,
            Err(malformed) => return self.malformed(&event, &malformed.to_string(), deadline).await,
        };
        match self.was_answered(&request).await {
            Ok(true) => return Outcome::Done,
            Err(error) if error.may_pass() => return Outcome::ComesBack(Some(NOT_NOW)),
            Ok(false) | Err(_) => {}
        }
        // What is not even begun here is begun by the next invocation.
        match self.turn(&request, work_ends(deadline)).await {
            Turn::Later { waiting_for, again } => {
                self.note_progress(&request, waiting_for).await;
                Outcome::ComesBack(Some(again))
            }
            Turn::Done(answer) => self.answered(&request, &reply(&request, answer), deadline).await,
        }
    }

    /// A reply that nobody took is tried again until CloudFormation no longer waits; the work is found done then.
    async fn answered(&self, request: &Request, reply: &Reply, deadline: Moment) -> Outcome {
        match self.deliver(request, reply, deadline).await {
            Ok(()) => Outcome::Done,
            Err(_) if self.clouds.now().0 > request.event.deadline_ms + MARGIN_MS => Outcome::Done,
            Err(_) => Outcome::ComesBack(Some(NOT_TAKEN)),
        }
    }

    /// The door lets none through; whoever else sent it is answered if there is an address.
    async fn malformed(&self, event: &Value, why: &str, deadline: Moment) -> Outcome {
        let to = ReplyAddress::of(event);
        let reply = Reply::failed(&to, PhysicalId::last_resort(event, &to), why);
        let within = deadline - self.clouds.now();
        let delivered = self.courier.answer(&reply, &to, &self.settings.reply_hosts, within).await;
        tracing::error!(why, delivered = delivered.is_ok(), "a request makes no sense");
        Outcome::Done
    }

    /// Whether its answer has arrived: then nobody waits for another one, and what it asked for may be past.
    async fn was_answered(&self, request: &Request) -> Result<bool, RecordsError> {
        let record = self.records.owner(&request.owner()).await?;
        Ok(record.is_some_and(|it| it.has_answered(&request.hash)))
    }

    /// For people who ask for the status, and for the answer if nobody comes back. Losing it changes nothing.
    async fn note_progress(&self, request: &Request, waiting_for: Vec<String>) {
        let owner = request.owner();
        tracing::info!(%owner, ?waiting_for, "comes back");
        let before = self.records.owner(&owner).await.ok().flatten().and_then(|record| record.progress);
        let same = before.filter(|before| before.waiting_for == waiting_for);
        let since_ms = same.map_or(self.clouds.now().0, |before| before.since_ms);
        if let Err(error) = self.records.waits(&owner, &request.hash, Progress { waiting_for, since_ms }).await {
            tracing::warn!(%owner, %error, "what it waits for is not written down");
        }
    }
}

/// Sends back all of a group that is not done: one that stayed invisible would hold the others up, since a queue gives
/// nothing of a group of which it awaits something. If it can't, they come when their visibility ends.
async fn send_back(line: &impl Line, messages: &[SqsMessage], after: Duration) {
    for receipt in messages.iter().filter_map(|it| it.receipt_handle.as_ref()) {
        if let Err(error) = line.come_back(receipt, after).await {
            tracing::warn!(%error, "a message is not sent back at once");
        }
    }
}
