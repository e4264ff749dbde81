//! The line of requests: an SQS FIFO queue in which each owner has a line of its own.
//!
//! The message group is the owner, so the requests of one owner come one after the other, and those of different owners
//! at once. The body is the event as it came; its hash tells duplicates apart, since CloudFormation uses a `RequestId`
//! again. Coming back later is a change of the message's visibility: it keeps its place, and nobody of the same owner
//! overtakes it.

use crate::Owner;
use crate::sendable::sendable;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use serde_json::Value;
use std::future::Future;
use std::time::Duration;

/// Where requests wait for their turn: SQS, or what a test puts in its place.
pub trait RequestQueue: Send + Sync {
    /// Puts a request at the end of its owner's line. The same request within five minutes is there only once.
    fn send(
        &self,
        owner: &Owner,
        request_hash: &str,
        event: &Value,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Keeps a message that was received for this long from now on. It fails where somebody else may have it by now: who
    /// can't keep a message must not work on it.
    fn extend_visibility(&self, receipt: &str, span: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Lets a message that was received come again, after this long.
    fn requeue(&self, receipt: &str, after: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// What the queue answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue {queue} can't be used: {what}")]
pub struct QueueError {
    /// Its URL.
    pub queue: String,
    /// The error, with its causes.
    pub what: String,
}

impl QueueError {
    /// This error of a call for this queue.
    pub(crate) fn new(queue: &str, error: impl std::error::Error) -> QueueError {
        QueueError { queue: queue.to_owned(), what: DisplayErrorContext(error).to_string() }
    }
}

/// An SQS FIFO queue.
#[derive(Clone, Debug)]
pub struct SqsRequestQueue {
    client: Client,
    queue: String,
}

impl SqsRequestQueue {
    /// The queue with this URL. Nothing is called yet.
    pub fn new(client: Client, queue: impl Into<String>) -> SqsRequestQueue {
        SqsRequestQueue { client, queue: queue.into() }
    }

    /// A FIFO queue refuses this to a receipt whose visibility has ended (`InvalidParameterValue`: "The receipt handle has
    /// expired"), also while nobody else has received the message yet.
    async fn hide(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(span.as_secs()).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(&self.queue);
        let call = call.receipt_handle(receipt).visibility_timeout(seconds);
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }
}

impl RequestQueue for SqsRequestQueue {
    async fn send(&self, owner: &Owner, request_hash: &str, event: &Value) -> Result<(), QueueError> {
        let call = self.client.send_message().queue_url(&self.queue).message_body(sendable(&event.to_string()));
        let call = call.message_group_id(owner.as_str()).message_deduplication_id(request_hash);
        call.send().await.map(|_| ()).map_err(|error| QueueError::new(&self.queue, error))
    }

    async fn extend_visibility(&self, receipt: &str, span: Duration) -> Result<(), QueueError> {
        self.hide(receipt, span).await
    }

    async fn requeue(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.hide(receipt, after).await
    }
}
