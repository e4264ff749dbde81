//! Responds to requests whose reconciler cannot: a reconciler that does not start, was killed, or exhausted the receives of
//! its messages.
//!
//! Every minute the watchdog searches for requests that are overdue without a response. It also consumes the dead-letter
//! queue of the request queue and the queue of custom-resource's failed invocations. It returns the requests that
//! got a response, the orphaned resources, and the resources with copied marks that it found; it never changes an
//! environment.
//!
//! The files: `responses` (FAILED responses to overdue requests), `dead_letters` (messages of both queues), `orphans`
//! (resources whose owner has no record, or does not know them), `settings`.

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
use requests::{Records, ResponseSender};
use serde_json::{Value, json};

/// The function with its configuration and its dependencies.
#[derive(Debug)]
pub struct Watchdog<R, M> {
    /// The configuration.
    pub settings: Settings,
    /// The requests of each owner and their responses.
    pub records: R,
    /// Finds the resources with an ownership mark.
    pub marks: M,
    /// Delivers the responses.
    pub response_sender: ResponseSender,
}

impl<R: Records, M: OwnershipMarks> Watchdog<R, M> {
    /// Handles one invocation at `now_ms`, which Lambda ends at `deadline_ms`: messages, or the schedule.
    ///
    /// # Errors
    /// If the records can't be read: the schedule retries in the next minute.
    pub async fn handle(&self, event: Value, now_ms: u64, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Records").is_some() {
            check_batch(&event)?;
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.dead_letters(batch, now_ms, deadline_ms).await)?);
        }
        let responded = self.overdue(now_ms, deadline_ms).await?;
        let UncoveredResources { orphans, copies } = self.uncovered().await?;
        let summaries = |all: &[MarkedByOwner]| -> Vec<Value> { all.iter().map(MarkedByOwner::summary).collect() };
        Ok(json!({ "Responded": responded, "Orphans": summaries(&orphans), "CopiedMarks": summaries(&copies) }))
    }
}
