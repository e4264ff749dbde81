//! Answers lifecycle hooks: a new instance goes into service when it is seen to be healthy, and one that ends is drained
//! first.
//!
//! There is no store. Settings travel in the hook's notification metadata, how long an instance waits is told by its
//! message's own timestamp, and each look starts anew: so messages may come twice, late, or not at all.
//!
//! The files: `notification` (what a message tells), `facts` (what can be seen of an instance), `gate` and `drain` (what to do:
//! pure), `pace` (how often), `act` (does it, with `act/draining`), `evidence` (what is kept of an instance that is given up), `batch` (messages in,
//! outcomes out), `sweep` (what no message tells of), `cloud` (the seam), `aws` (behind it), `settings`.

#![warn(missing_docs)]

mod action_handler;
pub mod aws;
mod batch;
pub mod cloud;
pub mod drain;
mod evidence;
pub mod facts;
pub mod gate;
mod notification;
pub mod pace;
mod settings;
mod sweep;

pub use action_handler::Outcome;
pub use notification::{LifecycleAction, Location, Notification};
pub use settings::Settings;
pub use sweep::{Sweep, Swept};

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use cloud::{HookApi, Queue};
use lambda_kit::Error;
use ledger::envelope;
use serde_json::{Value, json};

/// Everything that the function has.
#[derive(Debug)]
pub struct LifecycleHook<C, Q> {
    /// The account that it runs in.
    pub cloud: C,
    /// Where its messages come from, and where those go that nobody understands.
    pub queue: Q,
    /// Where the deployment's environments are: it leaves the groups of others alone.
    pub deployment: environment::Deployment,
    /// How often an instance is looked at in its first five minutes.
    pub poll_interval: Duration,
    /// How long one message of a batch, or a sweep, may take; without it, as long as it takes.
    pub message_timeout: Option<Duration>,
}

/// How long one message of a batch, or a sweep, may take: 90 s of the function's 120 (infra/template.yaml), since a service that hangs takes
/// 45 s for each call. The rest is for the queue, so that a message comes back soon.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(90);

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles one invocation: a batch of the queue, messages of a topic, the schedule, or a single event, which then has one
    /// look and is followed by the sweep.
    ///
    /// # Errors
    /// If an event that is no message makes no sense, or the sweep can't list the groups.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let messages = envelope::topic_messages(&event);
        if messages.is_none() && event.get("Records").is_some() {
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.batch(batch).await)?);
        }
        let notifications: Vec<Notification> = match messages {
            Some(all) => all.into_iter().map(|body| self.read(body)).collect::<Result<_, _>>(),
            None => self.read_event(&event).map(|notification| vec![notification]),
        }
        .map_err(|poison| poison.to_string())?;
        let observations = self.look(notifications.iter()).await;
        let mut told = Vec::new();
        for notification in &notifications {
            if *notification == Notification::Sweep {
                let Sweep { found, skipped } = self.sweep().await?;
                let found = found.iter().map(|it| json!({ "Instance": it.instance, "Outcome": it.told }));
                told.push(json!({ "Swept": found.collect::<Vec<_>>(), "Skipped": skipped }));
                continue;
            }
            told.push(match self.notification(notification, self.cloud.now_ms(), &observations).await {
                Outcome::Done(how) => json!({ "Done": how }),
                Outcome::Ignored(reason) => json!({ "Ignored": reason }),
                Outcome::Requeued { after, waiting_for, .. } => {
                    json!({ "WaitsFor": waiting_for, "PollsAgainAfterSeconds": after.as_secs() })
                }
            });
        }
        Ok(if told.len() == 1 { told.remove(0) } else { Value::Array(told) })
    }
}
