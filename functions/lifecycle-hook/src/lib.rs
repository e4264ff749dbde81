//! Completes lifecycle actions: a new instance enters service once it is observed to be healthy, and a terminating
//! instance is drained first.
//!
//! The function keeps no state. A message is a hint: its claims are looked up before any action. Settings are read from
//! the hook's notification metadata, the message's own timestamp says how long an instance has waited, and each
//! observation starts from scratch: so messages may arrive twice, late, or not at all.
//!
//! The files: `notification` (the content of a message), `lookup` (whether its claims hold), `facts` (the observed state of an instance), `gate` and
//! `drain` (the decisions: pure), `pace` (how often), `action_handler` (carries the decision out, with
//! `action_handler/draining`), `evidence` (kept of an instance that is abandoned), `interruption` (EC2's notices about Spot instances), `batch` (messages in, outcomes out),
//! `sweep` (waiting instances without a message), `cloud` (the seam), `error` (its errors), `aws` (behind the seam), `settings`.

#![warn(missing_docs)]

mod action_handler;
pub mod aws;
mod batch;
pub mod cloud;
pub mod drain;
pub mod error;
mod evidence;
pub mod facts;
pub mod gate;
mod interruption;
mod lookup;
mod notification;
pub mod pace;
mod settings;
mod sweep;

pub use action_handler::Outcome;
pub use notification::{LifecycleAction, Notification};
pub use settings::Settings;
pub use sweep::{Sweep, Swept};

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use cloud::{HookApi, Queue};
use error::HookError;
use lambda_kit::{Error, Failure, FailureKind, check_batch};
use ledger::envelope;
use serde_json::{Value, json};

/// The function with everything that an invocation uses.
#[derive(Debug)]
pub struct LifecycleHook<C, Q> {
    /// The account that the function runs in.
    pub cloud: C,
    /// The queue that delivers messages, and the queue for dead letters.
    pub queue: Q,
    /// The deployment that owns the environments: the groups of other deployments are left alone.
    pub deployment: environment::Deployment,
    /// The interval between two observations of an instance in its first five minutes.
    pub poll_interval: Duration,
    /// The time limit for one message of a batch, or for a sweep; `None` sets no limit.
    pub message_timeout: Option<Duration>,
}

/// The time limit for one message of a batch, or for a sweep: 90 s of the function's 120 (infra/template.yaml), since a
/// service that hangs takes 45 s for each call. The rest is for the queue, so that a message is requeued soon.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(90);

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles one invocation: a batch of the queue, messages of a topic, the schedule, or a single event. A single
    /// event gets one observation, and the sweep follows up.
    ///
    /// # Errors
    /// If an event that is not a queue message is not readable, or the sweep can't list the groups.
    pub async fn handle(&self, event: Value) -> Result<Value, Error> {
        let messages = envelope::topic_messages(&event);
        if messages.is_none() && event.get("Records").is_some() {
            check_batch(&event)?;
            let batch: SqsEvent = serde_json::from_value(event)?;
            return Ok(serde_json::to_value(self.batch(batch).await)?);
        }
        let notifications: Vec<Notification> = match messages {
            Some(bodies) => bodies.into_iter().map(|body| self.read(body)).collect::<Result<_, _>>(),
            None => self.read_event(&event).map(|notification| vec![notification]),
        }
        .map_err(|poison| Failure::new(FailureKind::InvalidEvent, poison.to_string()))?;
        let lookup = self.look_up(notifications.iter()).await;
        let mut results = Vec::new();
        for notification in &notifications {
            if *notification == Notification::Sweep {
                let call_failed = |error: HookError| Failure::new(FailureKind::AwsCallFailed, error.to_string());
                let Sweep { found, skipped } = self.sweep().await.map_err(call_failed)?;
                let found = found.iter().map(|it| json!({ "Instance": it.instance, "Outcome": it.outcome }));
                results.push(json!({ "Swept": found.collect::<Vec<_>>(), "Skipped": skipped }));
                continue;
            }
            results.push(match self.handle_notification(notification, self.cloud.now_ms(), &lookup).await {
                Outcome::Done(result) => json!({ "Done": result }),
                Outcome::Ignored(reason) => json!({ "Ignored": reason }),
                Outcome::Requeued { after, waiting_for, .. } => {
                    json!({ "WaitsFor": waiting_for, "PollsAgainAfterSeconds": after.as_secs() })
                }
            });
        }
        Ok(if results.len() == 1 { results.remove(0) } else { Value::Array(results) })
    }
}
