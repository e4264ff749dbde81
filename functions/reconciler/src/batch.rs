//! Messages in, outcomes out: each message has its own, and a failed one holds up nobody but its own owner.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::{RemediationRequest, Timestamp};
use futures_util::future::join_all;
use requests::records::{LatestRequest, OwnerRecord, Progress};
use requests::{CfnResponse, MARGIN_MS, NotDelivered, PhysicalId, Records, Request, RequestQueue, ResponseAddress};
use serde_json::Value;

use crate::pass::TRANSIENT_REQUEUE;
use crate::remediation_outcome::RemediationOutcome;
use crate::{CloudFactory, PassOutcome, Reconciler, reply, work_deadline};

/// What becomes of a message.
enum Outcome {
    /// It is taken off the line.
    Done,
    /// It keeps its place, and comes again after this long; without one, when its visibility ends.
    Requeued(Option<Duration>),
}

/// For how long the first turn of a request waits for things that take a while, 20 s: long enough for all that takes
/// seconds, and short enough that minutes are not spent in a place that others wait for (`ReconcilersAtOnce`). Later turns
/// only look whether it goes on.
const WAIT_BUDGET: Duration = Duration::from_secs(20);

/// For how much longer than its invocation can last a message is kept: what Lambda ends has stopped by then.
const AFTER_THE_END: Duration = Duration::from_secs(10);

/// How long a reply that nobody took waits for its next try.
const NOT_TAKEN: Duration = Duration::from_secs(10);

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Handles the messages of one invocation, which Lambda ends at `deadline_ms`: those of one owner one after the other,
    /// those of different owners at once, so that nobody waits while another's instances start.
    ///
    /// A message that comes back is reported as failed, and so is every later one of its group: in a FIFO queue
    /// nobody overtakes.
    pub async fn handle(
        &self,
        request_queue: &impl RequestQueue,
        batch: SqsEvent,
        deadline_ms: u64,
    ) -> SqsBatchResponse {
        let mut groups: BTreeMap<String, Vec<SqsMessage>> = BTreeMap::new();
        for message in batch.records {
            let group = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
            groups.entry(group).or_default().push(message);
        }
        let all = groups.into_values().map(|messages| self.group(request_queue, messages, Timestamp(deadline_ms)));
        let mut response = SqsBatchResponse::default();
        for message in join_all(all).await.into_iter().flatten() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        response
    }

    /// Handles the messages of one owner, and returns those that come again.
    async fn group(
        &self,
        request_queue: &impl RequestQueue,
        messages: Vec<SqsMessage>,
        deadline: Timestamp,
    ) -> Vec<SqsMessage> {
        for (at, message) in messages.iter().enumerate() {
            let Outcome::Requeued(after) = self.one(request_queue, message, deadline).await else { continue };
            let back: Vec<SqsMessage> = messages.into_iter().skip(at).collect();
            if let Some(after) = after {
                requeue_all(request_queue, &back, after).await;
            }
            return back;
        }
        Vec::new()
    }

    async fn one(&self, request_queue: &impl RequestQueue, message: &SqsMessage, deadline: Timestamp) -> Outcome {
        // Lambda may have held it back for longer than it was hidden: then somebody else works on it, or soon will.
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) =
            request_queue.extend_visibility(receipt, deadline - self.cloud_factory.now() + AFTER_THE_END).await
        {
            tracing::warn!(id = message.message_id, %error, "a message can't be kept, and is left alone");
            return Outcome::Requeued(None);
        }
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            // Nobody can be told, it would say the same next time, and its group waits behind it.
            tracing::error!(id = message.message_id, body = body.len(), "a message that is no JSON is dropped");
            return Outcome::Done;
        };
        match RemediationRequest::read(&event) {
            Some(Ok(remediation)) => {
                return match self.remediate(&remediation).await {
                    RemediationOutcome::Requeue { .. } => Outcome::Requeued(Some(TRANSIENT_REQUEUE)),
                    RemediationOutcome::Done(_)
                    | RemediationOutcome::DryRun(_)
                    | RemediationOutcome::Skipped(_)
                    | RemediationOutcome::Failed(_)
                    | RemediationOutcome::Unknown(_) => Outcome::Done,
                };
            }
            Some(Err(reason)) => {
                tracing::error!(id = message.message_id, reason, "it is dropped");
                return Outcome::Done;
            }
            None => {}
        }
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let request = match Request::read(&event, sent_ms.unwrap_or(self.cloud_factory.now().0)) {
            Ok(request) => request,
            Err(malformed) => return self.malformed(&event, &malformed.to_string(), deadline).await,
        };
        let mut wait_budget = WAIT_BUDGET;
        match self.records.owner(&request.owner()).await {
            // Nobody waits for another answer, and what it asked for may be past.
            Ok(Some(record)) if record.has_responded(&request.hash) => return Outcome::Done,
            Ok(Some(OwnerRecord { decided: Some(response), latest: Some(latest_request), .. }))
                if latest_request.request_hash == request.hash =>
            {
                let now = self.cloud_factory.now();
                let told =
                    self.responder().deliver(&request.owner(), &latest_request, &response, now.0, deadline - now).await;
                return self.is_over(&request, told).await;
            }
            Ok(Some(record)) if record.is_latest(&request.hash) && record.progress.is_some() => {
                wait_budget = Duration::ZERO;
            }
            Err(error) if error.is_retryable() => return Outcome::Requeued(Some(TRANSIENT_REQUEUE)),
            Ok(_) | Err(_) => {}
        }
        // What is not even begun here is begun by the next invocation.
        match self.pass(&request, work_deadline(deadline), wait_budget).await {
            PassOutcome::Requeue { waiting_for, again } => {
                self.note_progress(&request, waiting_for).await;
                Outcome::Requeued(Some(again))
            }
            PassOutcome::Done(response) => {
                let told = self.deliver(&request, &reply(&request, response), deadline).await;
                self.is_over(&request, told).await
            }
        }
    }

    /// A reply that nobody took is tried again until CloudFormation no longer waits. Nobody waits for that of a request
    /// that a newer one has overtaken, while the newer one waits behind it.
    async fn is_over(&self, request: &Request, told: Result<(), NotDelivered>) -> Outcome {
        let is_overtaken = async || match self.records.owner(&request.owner()).await {
            Ok(Some(record)) => record.has_overtaken(&LatestRequest::of_request(request)),
            Ok(None) | Err(_) => false,
        };
        match told {
            Ok(()) => Outcome::Done,
            Err(_) if self.cloud_factory.now().0 > request.event.deadline_ms + MARGIN_MS => Outcome::Done,
            Err(_) if is_overtaken().await => Outcome::Done,
            Err(_) => Outcome::Requeued(Some(NOT_TAKEN)),
        }
    }

    /// The door lets none through; whoever else sent it is answered if there is an address.
    async fn malformed(&self, event: &Value, reason: &str, deadline: Timestamp) -> Outcome {
        let to = ResponseAddress::of(event);
        let reply = CfnResponse::failed(&to, PhysicalId::last_resort(event, &to), reason);
        let within = deadline - self.cloud_factory.now();
        let delivered = self.response_sender.response(&reply.body(), &to, &self.settings.response_hosts, within).await;
        tracing::error!(reason, delivered = delivered.is_ok(), "a request makes no sense");
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
        let since_ms = same.map_or(self.cloud_factory.now().0, |before| before.since_ms);
        if let Err(error) =
            self.records.record_progress(&owner, &request.hash, Progress { waiting_for, since_ms }).await
        {
            tracing::warn!(%owner, %error, "what it waits for is not written down");
        }
    }
}

/// Sends back all of a group that is not done: one that stayed invisible would hold the others up, since a queue gives
/// nothing of a group of which it awaits something. If it can't, they come when their visibility ends.
async fn requeue_all(request_queue: &impl RequestQueue, messages: &[SqsMessage], after: Duration) {
    for receipt in messages.iter().filter_map(|it| it.receipt_handle.as_ref()) {
        if let Err(error) = request_queue.requeue(receipt, after).await {
            tracing::warn!(%error, "a message is not sent back at once");
        }
    }
}
