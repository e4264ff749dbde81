//! Answers for requests whose reconciler cannot: one that does not start, was killed, or gave its messages up.
//!
//! It looks each minute for requests that are due and unanswered, and takes what ends in the dead-letter queue of the
//! line and in the queue of the door's failed invocations. It tells what it finds and what belongs to nobody any more; it
//! never touches an environment.
//!
//! The files: `responses` (a FAILED for who still waits), `dead_letters` (messages of both queues), `orphans` (what is owned by
//! nobody that is known), `settings`.

#![warn(missing_docs)]

mod dead_letters;
mod orphans;
mod responses;
mod settings;

pub use aws_cloud::Marked;
pub use orphans::{Marks, Orphan};
pub use settings::Settings;

use aws_lambda_events::sqs::SqsEvent;
use lambda_kit::Error;
use requests::{Records, ResponseSender};
use serde_json::{Value, json};

/// Everything that the function has.
#[derive(Debug)]
pub struct Watchdog<R, M> {
    /// Its configuration.
    pub settings: Settings,
    /// Who asked what, and whether it was answered.
    pub records: R,
    /// Who looks for marks of ownership.
    pub marks: M,
    /// Who carries the answers.
    pub response_sender: ResponseSender,
}

impl<R: Records, M: Marks> Watchdog<R, M> {
    /// Handles one invocation at `now_ms`, which Lambda ends at `deadline_ms`: messages, or the schedule.
    ///
    /// # Errors
    /// If the records can't be read: the next minute tries again.
    pub async fn handle(&self, event: Value, now_ms: u64, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.dead_letters(batch, now_ms, deadline_ms).await)?);
        }
        let answered = self.overdue(now_ms, deadline_ms).await?;
        let orphans: Vec<Value> = self.orphans().await?.iter().map(Orphan::summary).collect();
        Ok(json!({ "Answered": answered, "Orphans": orphans }))
    }
}
