//! The request queue: an SQS FIFO queue with one message group per owner.
//!
//! The message group is the owner, so the requests of one owner are processed one after the other, and those of different
//! owners in parallel. The body is the event as it arrived. Its hash is the deduplication id, since CloudFormation reuses a
//! `RequestId`. Requeueing a message changes its visibility timeout: the message keeps its place, and no other message of
//! the same owner overtakes it.

use crate::due::due_message;
use crate::sqs_text::escape_rejected;
use crate::{DueReason, Owner};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use serde_json::Value;
use std::future::Future;
use std::time::Duration;

/// The queue in which requests wait for a reconciler: SQS ([`SqsRequestQueue`]), or a fake in tests.
///
/// # Guarantees
///
/// - The requests of one owner are received in the order of [`RequestQueue::send`], and one at a time.
/// - A request with the same hash, sent again within five minutes, is queued only once.
/// - A requeued message keeps its place in its owner's group.
///
/// # Assumptions
///
/// - A caller that could not extend the visibility of a message does not process it: another caller may have received it.
/// - The receipt handle is of a message whose visibility timeout has not ended: a FIFO queue rejects any other.
///
/// # Errors
///
/// Every method fails with a [`QueueError`], which names the queue and contains the error with its causes.
pub trait RequestQueue: Send + Sync {
    /// Puts a request at the end of its owner's group. The same request within five minutes is queued only once.
    fn send(
        &self,
        owner: &Owner,
        request_hash: &str,
        event: &Value,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts the message for a due pass at the end of its owner's group, once within five minutes for the same reason.
    fn send_due(&self, owner: &Owner, reason: DueReason<'_>) -> impl Future<Output = Result<(), QueueError>> + Send {
        async move { self.send(owner, &reason.deduplication_id(owner), &due_message(owner)).await }
    }

    /// Hides a received message from other receivers for `span`, from now on. Fails where another receiver may have the
    /// message by now: the caller must then not process it.
    fn extend_visibility(&self, receipt: &str, span: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Makes a received message visible again after this time.
    fn requeue(&self, receipt: &str, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

impl<Q: RequestQueue> RequestQueue for &Q {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        (**self).send(owner, request_hash, event).await
    }

    async fn extend_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        (**self).extend_visibility(receipt, span).await
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        (**self).requeue(receipt, after).await
    }
}

/// A call that the queue rejected or did not complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue {queue} can't be used: {message}")]
pub struct QueueError {
    /// The URL of the queue.
    pub queue: String,
    /// The error, with its causes.
    pub message: String,
}

impl QueueError {
    /// The error of a call for this queue.
    pub(crate) fn new(queue: &str, error: impl std::error::Error) -> QueueError {
        QueueError { queue: queue.to_owned(), message: DisplayErrorContext(error).to_string() }
    }
}

/// An SQS FIFO queue.
#[derive(Clone, Debug)]
pub struct SqsRequestQueue {
    client: Client,
    queue: String,
}

impl SqsRequestQueue {
    /// The queue with this URL. Makes no call.
    pub fn new(client: Client, queue: impl Into<String>) -> SqsRequestQueue {
        SqsRequestQueue { client, queue: queue.into() }
    }

    /// A FIFO queue rejects this call for a receipt whose visibility timeout has ended (`InvalidParameterValue`: "The
    /// receipt handle has expired"), even while no other receiver has the message yet.
    async fn change_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(span.as_secs()).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(&self.queue);
        let call = call.receipt_handle(receipt).visibility_timeout(seconds);
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }
}

impl RequestQueue for SqsRequestQueue {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        let call = self.client.send_message().queue_url(&self.queue).message_body(escape_rejected(&event.to_string()));
        let call = call.message_group_id(owner.as_str()).message_deduplication_id(request_hash);
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }

    async fn extend_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        self.change_visibility(receipt, span).await
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.change_visibility(receipt, after).await
    }
}
