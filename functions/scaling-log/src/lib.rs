//! Writes the ledger: one line for everything that happens to the instances of an environment, in its scaling log
//! group.
//!
//! Only this function writes to that log group. Auto Scaling's events arrive through EventBridge and a queue; the
//! events of Envkeeper's other functions arrive in the same queue. Events are best effort, so a scheduled run compares
//! the groups' own lists of activities with the written lines. It also writes the observed state of each group.
//!
//! The files: `batch` (messages and their dispositions), `write` (lines to log groups), `backfill` (the scheduled
//! run: observations, and activities without an event), `versions` (the template versions of instances), `cloud` (the seam), `aws` (its implementation), `settings`. The crate `ledger` interprets events and
//! contains the limits of CloudWatch Logs.

#![warn(missing_docs)]

pub mod aws;
mod backfill;
mod batch;
pub mod cloud;
mod settings;
mod versions;
mod write;

pub use batch::BatchCounts;
pub use settings::Settings;

use aws_lambda_events::sqs::SqsEvent;
use backfill::BackfillWindow;
use cloud::{DeadLetters, LogApi};
use environment::Deployment;
use lambda_kit::{Error, check_batch};
use ledger::envelope;
use serde_json::{Value, json};

/// The function's configuration and ports.
#[derive(Debug)]
pub struct ScalingLog<C, D> {
    /// The deployment, to which the environments belong.
    pub deployment: Deployment,
    /// The account in which the function runs.
    pub cloud: C,
    /// The dead-letter queue for poison messages.
    pub dead_letters: D,
}

impl<C: LogApi, D: DeadLetters> ScalingLog<C, D> {
    /// Handles one invocation: a batch of the queue, the schedule, or a single event.
    ///
    /// # Errors
    /// Fails if a single event is poison or can't be written, or if a scheduled run can read none of the groups.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        if let Some(messages) = envelope::topic_messages(&event) {
            return Ok(serde_json::to_value(self.topic(&messages).await?)?);
        }
        if event.get("Records").is_some() {
            check_batch(&event)?;
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.batch(&batch).await.response)?);
        }
        if event.get("detail-type").and_then(Value::as_str) == Some("Scheduled Event") {
            let backfilled = self.backfill(BackfillWindow::read(&event)?).await?;
            return Ok(json!({ "Backfilled": backfilled }));
        }
        Ok(self.single(&event).await?)
    }
}
