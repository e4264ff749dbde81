//! Messages in, outcomes out: each message has its own, and a failed one holds up nobody but its own owner.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::{Moment, Remediation};
use futures_util::future::join_all;
use requests::records::{Note, OwnerRecord, Progress};
use requests::{Line, MARGIN_MS, NotDelivered, PhysicalId, Records, Reply, ReplyAddress, Request};
use serde_json::Value;

use crate::carry_out::NOT_NOW;
use crate::remedied::Remedied;
use crate::{Clouds, Reconciler, Turn, reply, work_ends};

/// What becomes of a message.
enum Outcome {
    /// It is taken off the line.
    Done,
    /// It keeps its place, and comes again after this long; without one, when its visibility ends.
    ComesBack(Option<Duration>),
}

/// For how long the first turn of a request waits for things that take a while, 20 s: long enough for all that takes
/// seconds, and short enough that minutes are not spent in a place that others wait for (`ReconcilersAtOnce`). Later turns
/// only look whether it goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how much longer than its invocation can last a message is kept: what Lambda ends has stopped by then.
const AFTER_THE_END: Duration = Duration::from_secs(10);

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
            let Outcome::ComesBack(after) = self.one(line, message, deadline).await else { continue };
            let back: Vec<SqsMessage> = messages.into_iter().skip(at).collect();
            if let Some(after) = after {
                send_back(line, &back, after).await;
            }
            return back;
        }
        Vec::new()
    }

    async fn one(&self, line: &impl Line, message: &SqsMessage, deadline: Moment) -> Outcome {
        // Lambda may have held it back for longer than it was hidden: then somebody else works on it, or soon will.
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) = line.keep(receipt, deadline - self.clouds.now() + AFTER_THE_END).await {
            tracing::warn!(id = message.message_id, %error, "a message can't be kept, and is left alone");
            return Outcome::ComesBack(None);
        }
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            // Nobody can be told, it would say the same next time, and its group waits behind it.
            tracing::error!(id = message.message_id, body = body.len(), "a message that is no JSON is dropped");
            return Outcome::Done;
        };
        match Remediation::read(&event) {
            Some(Ok(wish)) => {
                return match self.remediate(&wish).await {
                    Remedied::NotNow { .. } => Outcome::ComesBack(Some(NOT_NOW)),
                    Remedied::Done(_)
                    | Remedied::WouldHave(_)
                    | Remedied::Nothing(_)
                    | Remedied::Failed(_)
                    | Remedied::Unknown(_) => Outcome::Done,
                };
            }
            Some(Err(why)) => {
                tracing::error!(id = message.message_id, why, "it is dropped");
                return Outcome::Done;
            }
            None => {}
        }
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let request = match Request::read(&event, sent_ms.unwrap_or(self.clouds.now().0)) {
            Ok(request) => request,
            Err(malformed) => return self.malformed(&event, &malformed.to_string(), deadline).await,
        };
        let mut patience = PATIENCE;
        match self.records.owner(&request.owner()).await {
            // Nobody waits for another answer, and what it asked for may be past.
            Ok(Some(record)) if record.has_answered(&request.hash) => return Outcome::Done,
            Ok(Some(OwnerRecord { decided: Some(answer), newest: Some(note), .. }))
                if note.request_hash == request.hash =>
            {
                let now = self.clouds.now();
                let told = self.desk().deliver(&request.owner(), &note, &answer, now.0, deadline - now).await;
                return self.is_over(&request, told).await;
            }
            Ok(Some(record)) if record.is_newest(&request.hash) && record.progress.is_some() => {
                patience = Duration::ZERO;
            }
            Err(error) if error.may_pass() => return Outcome::ComesBack(Some(NOT_NOW)),
            Ok(_) | Err(_) => {}
        }
        // What is not even begun here is begun by the next invocation.
        match self.turn(&request, work_ends(deadline), patience).await {
            Turn::Later { waiting_for, again } => {
                self.note_progress(&request, waiting_for).await;
                Outcome::ComesBack(Some(again))
            }
            Turn::Done(answer) => {
                let told = self.deliver(&request, &reply(&request, answer), deadline).await;
                self.is_over(&request, told).await
            }
        }
    }

    /// A reply that nobody took is tried again until CloudFormation no longer waits. Nobody waits for that of a request
    /// that a newer one has overtaken, while the newer one waits behind it.
    async fn is_over(&self, request: &Request, told: Result<(), NotDelivered>) -> Outcome {
        let is_overtaken = async || match self.records.owner(&request.owner()).await {
            Ok(Some(record)) => record.has_overtaken(&Note::of_request(request)),
            Ok(None) | Err(_) => false,
        };
        match told {
            Ok(()) => Outcome::Done,
            Err(_) if self.clouds.now().0 > request.event.deadline_ms + MARGIN_MS => Outcome::Done,
            Err(_) if is_overtaken().await => Outcome::Done,
            Err(_) => Outcome::ComesBack(Some(NOT_TAKEN)),
        }
    }

    /// The door lets none through; whoever else sent it is answered if there is an address.
    async fn malformed(&self, event: &Value, why: &str, deadline: Moment) -> Outcome {
        let to = ReplyAddress::of(event);
        let reply = Reply::failed(&to, PhysicalId::last_resort(event, &to), why);
        let within = deadline - self.clouds.now();
        let delivered = self.courier.answer(&reply.body(), &to, &self.settings.reply_hosts, within).await;
        tracing::error!(why, delivered = delivered.is_ok(), "a request makes no sense");
        Outcome::Done
    }

    /// For people who ask for the status, and for the answer if nobody comes back. Losing it changes nothing.
    async fn note_progress(&self, request: &Request, waiting_for: Vec<String>) {
        let owner = request.owner();
        tracing::info!(%owner, ?waiting_for, "comes back");
        let before = self.records.owner(&owner).await.ok().flatten().and_then(|record| record.progress);
        // In parentheses stands what else is known of it, such as the last of many failed launches.
        let what = |all: &[String]| all.iter().map(|it| it.split(" (").next().map(str::to_owned)).collect::<Vec<_>>();
        let same = before.filter(|before| what(&before.waiting_for) == what(&waiting_for));
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
