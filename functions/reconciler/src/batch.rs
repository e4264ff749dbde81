//! Handles batches of messages. Each message has its own outcome, and a failed message delays only the messages of its
//! owner.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::{RemediationRequest, Timestamp, Waiting};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use request_pass::{
    CloudFactory, PassOutcome, RequestPass, TRANSIENT_REQUEUE, next_progress, superseded_reason, work_deadline,
};
use requests::records::{LatestRequest, OwnerRecord};
use requests::{CfnResponse, MARGIN_MS, Reason, Records, Request, RequestQueue, Responder, read_due_message};
use serde_json::Value;

use crate::Reconciler;
use crate::remediation_outcome::RemediationOutcome;

/// The outcome of a message.
enum MessageOutcome {
    /// The message is removed from the request queue.
    Done,
    /// The message keeps its position, and is delivered again after this delay; without a delay, after its visibility
    /// timeout.
    Requeue(Option<Duration>),
}

/// The wait budget of the first pass of a request: 20 s. This is long enough for all waits of seconds, and short
/// enough that waits of minutes do not occupy one of the concurrent reconcilers (`ReconcilersAtOnce`). Later passes
/// only check whether the request can continue.
const WAIT_BUDGET: Duration = Duration::from_secs(20);

/// The visibility timeout extends past the end of the invocation by this span: an invocation that Lambda ended has
/// stopped by then.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);

/// The delay before the next attempt to deliver a response.
const DELIVERY_RETRY: Duration = Duration::from_secs(10);

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Handles the messages of one invocation, which Lambda ends at `deadline_ms`. Messages of one owner are handled in
    /// sequence, messages of different owners concurrently: no owner waits while the instances of another owner start.
    ///
    /// A requeued message is reported as failed, and so is every later message of its group: a FIFO queue keeps the
    /// order within a group.
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
        let all =
            groups.into_values().map(|messages| self.handle_group(request_queue, messages, Timestamp(deadline_ms)));
        let mut response = SqsBatchResponse::default();
        for message in join_all(all).await.into_iter().flatten() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        response
    }

    /// Handles the messages of one owner, and returns the messages to deliver again.
    async fn handle_group(
        &self,
        request_queue: &impl RequestQueue,
        messages: Vec<SqsMessage>,
        deadline: Timestamp,
    ) -> Vec<SqsMessage> {
        for (at, message) in messages.iter().enumerate() {
            let MessageOutcome::Requeue(after) = self.handle_message(request_queue, message, deadline).await else {
                continue;
            };
            let requeued: Vec<SqsMessage> = messages.into_iter().skip(at).collect();
            if let Some(after) = after {
                requeue_all(request_queue, &requeued, after).await;
            }
            return requeued;
        }
        Vec::new()
    }

    async fn handle_message(
        &self,
        request_queue: &impl RequestQueue,
        message: &SqsMessage,
        deadline: Timestamp,
    ) -> MessageOutcome {
        // Lambda may have held the message back past its visibility timeout. Then another invocation handles it, or
        // will.
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(error) =
            request_queue.extend_visibility(receipt, deadline - self.cloud_factory.now() + VISIBILITY_MARGIN).await
        {
            tracing::warn!(id = message.message_id, %error, "message skipped: visibility timeout not extended");
            return MessageOutcome::Requeue(None);
        }
        let body = message.body.as_deref().unwrap_or_default();
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            // The message has no response address, a retry has the same result, and the rest of the group waits.
            tracing::error!(id = message.message_id, body = body.len(), "message dropped: body is not JSON");
            return MessageOutcome::Done;
        };
        let group = message.attributes.get("MessageGroupId").map(String::as_str).unwrap_or_default();
        match RemediationRequest::read(&event) {
            Some(Ok(remediation)) if remediation.owner == group => return self.handle_remediation(&remediation).await,
            Some(Ok(_)) => return foreign_group(message),
            Some(Err(error)) => return invalid(message, &error),
            None => {}
        }
        match read_due_message(&event) {
            Some(Ok(owner)) if owner.as_str() == group => {
                self.handle_due(request_queue, &owner, receives(message), deadline).await;
                return MessageOutcome::Done;
            }
            Some(Ok(_)) => return foreign_group(message),
            Some(Err(error)) => return invalid(message, &error),
            None => {}
        }
        let now_ms = self.cloud_factory.now().0;
        let sent_ms = lambda_kit::sent_ms(&message.attributes).map_or(now_ms, |sent_ms| sent_ms.min(now_ms));
        let Ok(request) = Request::read_recorded(&event, sent_ms) else {
            // No function queues a malformed request.
            tracing::error!(id = message.message_id, "message dropped: request is malformed");
            return MessageOutcome::Done;
        };
        let owner = request.owner();
        if owner.as_str() != group {
            return foreign_group(message);
        }
        let pass = RequestPass {
            settings: &self.settings.pass,
            records: self.records,
            cloud_factory: self.cloud_factory,
            request: &request,
        };
        let mut is_first_pass = true;
        match self.records.owner(&owner).await {
            // CloudFormation does not wait for a second response, and the requested state may be outdated.
            Ok(Some(record)) if record.has_responded(&request.hash) => return MessageOutcome::Done,
            Ok(Some(record)) if record.is_latest(&request.hash) => match record.recorded_response {
                Some(response) => {
                    let ended = self.respond(&request, &response, deadline).await;
                    pass.publish_responded().await;
                    return ended;
                }
                None => is_first_pass = record.progress.is_none(),
            },
            Ok(record) => {
                let response = pass.failed(None, unrecorded_reason(record.as_ref(), &request));
                return self.respond_unrecorded(&request, &response, deadline).await;
            }
            Err(error) if error.is_retryable() => return MessageOutcome::Requeue(Some(TRANSIENT_REQUEUE)),
            Err(_) => {}
        }
        let began = self.cloud_factory.now();
        let wait_budget = if is_first_pass { WAIT_BUDGET } else { Duration::ZERO };
        // If the time of this invocation is used up, the next invocation starts the pass.
        let outcome = AssertUnwindSafe(pass.run(work_deadline(deadline), wait_budget)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| PassOutcome::Done(pass.failed(None, Reason::internal_error())));
        let (ended, has_response) = match outcome {
            PassOutcome::Requeue { waiting, after } => {
                self.save_progress(&request, &waiting).await;
                (MessageOutcome::Requeue(Some(after)), false)
            }
            PassOutcome::Done(response) => (self.respond(&request, &response, deadline).await, true),
        };
        // Nothing waits for the ledger: the response is sent, or the progress recorded.
        if is_first_pass {
            pass.publish_started(began).await;
        }
        if has_response {
            pass.publish_responded().await;
        }
        ended
    }

    async fn handle_remediation(&self, remediation: &RemediationRequest) -> MessageOutcome {
        match self.remediate(remediation).await {
            RemediationOutcome::Requeue { .. } => MessageOutcome::Requeue(Some(TRANSIENT_REQUEUE)),
            RemediationOutcome::Decided(_) | RemediationOutcome::Unconfirmed(_) => MessageOutcome::Done,
        }
    }

    /// Records the response and sends it. A response that was not delivered is tried again until CloudFormation no longer
    /// waits for it. CloudFormation does not wait for the response to a superseded request, and the newer request waits
    /// behind it.
    async fn respond(&self, request: &Request, response: &CfnResponse, deadline: Timestamp) -> MessageOutcome {
        let responder = Responder {
            response_sender: self.response_sender,
            records: self.records,
            hosts: &self.settings.pass.response_hosts,
        };
        let (owner, latest, now) = (request.owner(), LatestRequest::of_request(request), self.cloud_factory.now());
        let is_superseded = async || match self.records.owner(&owner).await {
            Ok(Some(record)) => record.supersedes(&latest),
            Ok(None) | Err(_) => false,
        };
        match responder.respond(&owner, &latest, response, now.0, deadline - now).await {
            Ok(()) => MessageOutcome::Done,
            Err(_) if self.cloud_factory.now().0 > request.event.deadline_ms + MARGIN_MS => MessageOutcome::Done,
            Err(_) if is_superseded().await => MessageOutcome::Done,
            Err(_) => MessageOutcome::Requeue(Some(DELIVERY_RETRY)),
        }
    }

    /// Sends the response to a request that its owner's record does not name as the latest, and records nothing: the
    /// sender of the message may be anyone. The response goes to the address in the message, on one of CloudFormation's
    /// own hosts, so it reaches no other request.
    async fn respond_unrecorded(
        &self,
        request: &Request,
        response: &CfnResponse,
        deadline: Timestamp,
    ) -> MessageOutcome {
        let within = deadline - self.cloud_factory.now();
        let (to, hosts) = (&request.response_address, &self.settings.pass.response_hosts);
        let delivered = self.response_sender.send(response, to, hosts, within).await.is_ok();
        tracing::warn!(owner = %request.owner(), delivered, "message dropped: request is not its owner's latest");
        MessageOutcome::Done
    }

    /// Records the progress, for the operator request `status` and for the response if no later pass runs. Losing it
    /// has no other effect.
    async fn save_progress(&self, request: &Request, waiting: &Waiting) {
        let owner = request.owner();
        let before = self.records.owner(&owner).await.ok().flatten().and_then(|record| record.progress);
        let progress = next_progress(before.as_ref(), waiting, self.cloud_factory.now());
        tracing::info!(%owner, waiting_for = ?progress.waiting_for, "request requeued");
        if let Err(error) = self.records.record_progress(&owner, &request.hash, progress).await {
            tracing::warn!(%owner, %error, "progress not recorded");
        }
    }
}

/// Drops a message that is not valid: a retry has the same result.
fn invalid(message: &SqsMessage, error: &dyn std::error::Error) -> MessageOutcome {
    tracing::error!(id = message.message_id, %error, "message dropped: not valid");
    MessageOutcome::Done
}

/// How often SQS has delivered a message, with this delivery.
fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    count.unwrap_or(1)
}

/// Drops a message whose group is not the owner in its body: its sender is none of Envkeeper's functions.
fn foreign_group(message: &SqsMessage) -> MessageOutcome {
    tracing::error!(id = message.message_id, "message dropped: its group is not the owner in its body");
    MessageOutcome::Done
}

/// Why nothing is done for a request that is not the latest in its owner's record. The function custom-resource records
/// a request before it queues it, so either a newer request was recorded since, or the record was lost, or another
/// sender wrote the message.
fn unrecorded_reason(record: Option<&OwnerRecord>, request: &Request) -> Reason {
    let newer = record.filter(|record| record.supersedes(&LatestRequest::of_request(request)));
    match newer.and_then(|record| record.latest_request.as_ref()) {
        Some(latest) => superseded_reason(latest.kind),
        None => Reason::from(
            "The record of this request does not exist; Envkeeper did not work on it. Send the same request again.",
        ),
    }
}

/// Requeues all unfinished messages of a group. A message that remained invisible would delay the others, because a
/// FIFO queue delivers no message of a group while another one is in flight. If the call fails, the messages become
/// visible after their visibility timeout.
async fn requeue_all(request_queue: &impl RequestQueue, messages: &[SqsMessage], after: Duration) {
    for receipt in messages.iter().filter_map(|it| it.receipt_handle.as_ref()) {
        if let Err(error) = request_queue.requeue(receipt, after).await {
            tracing::warn!(%error, "message visibility not changed");
        }
    }
}
