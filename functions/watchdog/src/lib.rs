//! Responds to requests whose reconciler cannot: a reconciler that does not start, was killed, or exhausted the receives of
//! its messages.
//!
//! Every minute the watchdog searches for requests that are overdue without a response, and requests the due passes that
//! are due. It also consumes the dead-letter queue of the request queue and the queue of custom-resource's failed
//! invocations. It returns the requests that got a response, the number of requested due passes, the orphaned resources, and
//! the resources with copied marks that it found; it never changes an environment.
//!
//! The files: `responses` (FAILED responses to overdue requests), `dead_letters` (messages of both queues), `orphans`
//! (resources whose owner has no record, or does not know them), `settings`. The crate `requests` requests the due passes.

#![warn(missing_docs)]

mod dead_letters;
mod orphans;
mod responses;
mod settings;

pub use aws_cloud::MarkedResource;
pub use orphans::{MarkedByOwner, OwnershipMarks, UncoveredResources};
pub use settings::Settings;

use aws_lambda_events::sqs::SqsEvent;
use lambda_kit::{Error, check_batch};
use requests::{DueError, DueSender, Records, RequestQueue, ResponseSender, due_passes_at_once, send_oldest_due};
use serde_json::{Value, json};

/// The function with its configuration and its dependencies.
#[derive(Debug)]
pub struct Watchdog<R, M, Q> {
    /// The configuration.
    pub settings: Settings,
    /// The requests of each owner and their responses.
    pub records: R,
    /// Finds the resources with an ownership mark.
    pub marks: M,
    /// The request queue, for due passes; `None` in a deployment without it.
    pub request_queue: Option<Q>,
    /// Delivers the responses.
    pub response_sender: ResponseSender,
}

impl<R: Records, M: OwnershipMarks, Q: RequestQueue> Watchdog<R, M, Q> {
    /// Handles one invocation at `now_ms`, which Lambda ends at `deadline_ms`: messages, or the schedule.
    ///
    /// # Errors
    /// If the records can't be read, or a due pass could not be requested: the schedule retries in the next minute. An error
    /// of one part of the work does not stop the others.
    pub async fn handle(&self, event: Value, now_ms: u64, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Records").is_some() {
            check_batch(&event)?;
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.dead_letters(batch, now_ms, deadline_ms).await)?);
        }
        let responded = self.overdue(now_ms, deadline_ms).await;
        let due_passes = self.due_passes(now_ms).await;
        let uncovered = self.uncovered().await;
        let (responded, due_passes, UncoveredResources { orphans, copies }) = (responded?, due_passes?, uncovered?);
        let summaries = |all: &[MarkedByOwner]| -> Vec<Value> { all.iter().map(MarkedByOwner::summary).collect() };
        Ok(json!({
            "Responded": responded, "DuePasses": due_passes, "Orphans": summaries(&orphans),
            "CopiedMarks": summaries(&copies),
        }))
    }

    /// Requests the oldest due passes, and returns their number: it starts the chain of due passes, of which each requests
    /// the next ones.
    async fn due_passes(&self, now_ms: u64) -> Result<usize, DueError> {
        let Some(queue) = &self.request_queue else { return Ok(0) };
        let at_once = due_passes_at_once(self.settings.reconcilers_at_once);
        let sent = send_oldest_due(DueSender::Watchdog, &self.records, queue, at_once, now_ms).await;
        sent.inspect_err(|error| tracing::error!(%error, "due passes not requested"))
    }
}
