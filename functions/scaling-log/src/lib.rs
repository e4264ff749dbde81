//! Writes the ledger: a line for everything that happens to the instances of an environment, in its scaling log group.
//!
//! It is the only one who writes there. Auto Scaling's events come by EventBridge and a queue, what Envkeeper's other
//! functions have to tell comes by the same queue; and since events are best effort, the groups' own lists of activities
//! are compared with what was written, on a schedule.
//!
//! The files: `batch` (messages in, outcomes out), `write` (lines into log groups), `fill` (what no event told), `cloud`
//! (the seam), `aws` (behind it), `settings`. What an event means, and the limits of CloudWatch Logs, are in the crate
//! `ledger`.

#![warn(missing_docs)]

pub mod aws;
mod batch;
pub mod cloud;
mod fill;
mod settings;
mod write;

pub use batch::Account;
pub use settings::Settings;

use aws_lambda_events::sqs::SqsEvent;
use cloud::{Cloud, DeadLetters};
use environment::Deployment;
use fill::Span;
use lambda_kit::Error;
use ledger::envelope;
use serde_json::{Value, json};

/// Everything that the function has.
#[derive(Debug)]
pub struct ScalingLog<C, D> {
    /// Where the environments are.
    pub deployment: Deployment,
    /// The account that it runs in.
    pub cloud: C,
    /// Where messages go that nobody understands.
    pub dead_letters: D,
}

impl<C: Cloud, D: DeadLetters> ScalingLog<C, D> {
    /// Handles one invocation: a batch of the queue, the schedule, or a single event.
    ///
    /// # Errors
    /// If a single event makes no sense or can't be written, or the schedule can look at no group.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        if let Some(messages) = envelope::of_topic(&event) {
            return Ok(serde_json::to_value(self.topic(&messages).await?)?);
        }
        if event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.batch(&batch).await.response)?);
        }
        if event.get("detail-type").and_then(Value::as_str) == Some("Scheduled Event") {
            let filled = self.fill(Span::of(&event)?).await?;
            return Ok(json!({ "Backfilled": filled }));
        }
        Ok(self.single(&event).await?)
    }
}
