//! Messages in, outcomes out: each message has its own outcome, and no message delays or fails another.

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::Transition;
use environment::hook_settings::HookSettings;
use futures_util::future::{FutureExt as _, Shared, join_all};
use ledger::envelope::{PoisonMessage, foreign_account, open};
use serde_json::Value;
use tokio::time::timeout;

use crate::LifecycleHook;
use crate::action_handler::{ActionHandler, Outcome};
use crate::cloud::{HookApi, Queue, WaitState};
use crate::interruption::notice_ms;
use crate::lookup::{Confirmed, Lookup, Observations, observation_of, requeue};
use crate::notification::{LifecycleAction, Notification};

/// The result of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    /// The work of the message is done.
    Done,
    /// The message needs no work: a test, a hook of another owner, a kind of event that needs no action.
    Ignored,
    Requeued,
    DeadLettered,
    /// The message is not readable, and remains in its queue because it could not be dead-lettered.
    DeadLetterFailed,
}

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles a batch of the queue. Requeued messages are reported as failed, so that the queue keeps them.
    pub(crate) async fn batch(&self, batch: SqsEvent) -> SqsBatchResponse {
        let read = |message: &SqsMessage| self.read(message.body.as_deref().unwrap_or_default());
        let notifications: Vec<_> = batch.records.iter().map(read).collect();
        // One lookup for all messages, awaited within the time limit of each.
        let lookup = self.look_up(notifications.iter().filter_map(|it| it.as_ref().ok())).shared();
        let handled = batch.records.iter().zip(&notifications).map(async |(message, notification)| {
            let disposition = self.message(message, notification, &lookup).await;
            (message, disposition)
        });
        let dispositions = join_all(handled).await;
        let count = |disposition| dispositions.iter().filter(|(_, it)| *it == disposition).count();
        tracing::info!(
            received = dispositions.len(),
            done = count(Disposition::Done),
            ignored = count(Disposition::Ignored),
            requeued = count(Disposition::Requeued),
            dead_lettered = count(Disposition::DeadLettered),
            dead_letter_failed = count(Disposition::DeadLetterFailed),
            "batch handled"
        );
        let mut response = SqsBatchResponse::default();
        for (message, disposition) in dispositions {
            if matches!(disposition, Disposition::Requeued | Disposition::DeadLetterFailed) {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.clone().unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// Reads the notification in the body of a message.
    pub(crate) fn read(&self, body: &str) -> Result<Notification, PoisonMessage> {
        self.read_event(&open(body)?)
    }

    /// Reads the notification in an event; `Other` without an action if the event is from another account.
    pub(crate) fn read_event(&self, event: &Value) -> Result<Notification, PoisonMessage> {
        match foreign_account(event, &self.deployment) {
            Some(account) => Ok(Notification::Other(format!("an event of the account {account}"))),
            None => Notification::read(event),
        }
    }

    async fn message(
        &self,
        message: &SqsMessage,
        notification: &Result<Notification, PoisonMessage>,
        lookup: &Shared<impl Future<Output = Lookup>>,
    ) -> Disposition {
        let id = message.message_id.as_deref();
        let notification = match notification {
            Ok(notification) => notification,
            Err(poison) => return self.dead_letter(message, poison).await,
        };
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let sent_ms = sent_ms.unwrap_or_else(|| self.cloud.now_ms());
        match self
            .within_time_limit(async { self.handle_notification(notification, sent_ms, &lookup.clone().await).await })
            .await
        {
            Outcome::Done(result) => {
                tracing::info!(id, result, "message handled");
                Disposition::Done
            }
            Outcome::Ignored(reason) => {
                tracing::info!(id, reason, "message ignored");
                Disposition::Ignored
            }
            Outcome::Requeued { after, waiting_for, .. } => {
                tracing::info!(id, after = after.as_secs(), ?waiting_for, "message requeued");
                let receipt = message.receipt_handle.as_deref().unwrap_or_default();
                if let Err(error) = self.queue.requeue(receipt, after).await {
                    tracing::warn!(
                        id,
                        %error,
                        "visibility change failed; the message returns after its visibility timeout"
                    );
                }
                Disposition::Requeued
            }
        }
    }

    /// Awaits the outcome of a message, up to the time limit: an invocation that reaches its own timeout has no outcome
    /// for any message of its batch.
    async fn within_time_limit(&self, outcome: impl Future<Output = Outcome>) -> Outcome {
        let Some(limit) = self.message_timeout else { return outcome.await };
        let timed_out = |_| requeue(&format_args!("services that did not respond within {} s", limit.as_secs()));
        timeout(limit, outcome).await.unwrap_or_else(timed_out)
    }

    /// Dead-letters a message for the operator; a message that cannot be dead-lettered remains in its queue.
    async fn dead_letter(&self, message: &SqsMessage, poison: &PoisonMessage) -> Disposition {
        let (id, reason) = (message.message_id.as_deref(), poison.to_string());
        match self.queue.dead_letter(message.body.as_deref().unwrap_or_default(), &reason).await {
            Ok(()) => {
                tracing::error!(id, reason, "message dead-lettered");
                Disposition::DeadLettered
            }
            Err(error) => {
                tracing::error!(id, reason, %error, "dead-lettering failed");
                Disposition::DeadLetterFailed
            }
        }
    }

    /// Handles one notification that was sent at `sent_ms`. A time after now counts as now.
    pub(crate) async fn handle_notification(
        &self,
        notification: &Notification,
        sent_ms: u64,
        lookup: &Lookup,
    ) -> Outcome {
        let now_ms = self.cloud.now_ms();
        let sent_ms = sent_ms.min(now_ms);
        match notification {
            Notification::LifecycleAction(action) => {
                let age = Duration::from_millis(now_ms - sent_ms);
                match self.confirm(lookup, action, age) {
                    Ok(confirmed) => self.handle_action(action, &confirmed, sent_ms, lookup).await,
                    Err(outcome) => outcome,
                }
            }
            Notification::Interruption { instance, notice, at_ms } => {
                self.handle_interruption(instance, *notice, notice_ms(*at_ms, sent_ms), lookup).await
            }
            Notification::ReadyMarker { instance } => self.handle_ready_marker(instance, lookup).await,
            Notification::Sweep => Outcome::Ignored(String::from("the schedule invokes the function directly")),
            Notification::Other(event) => Outcome::Ignored(format!("no action for {event}")),
        }
    }

    async fn handle_action(
        &self,
        action: &LifecycleAction,
        confirmed: &Confirmed,
        sent_ms: u64,
        lookup: &Lookup,
    ) -> Outcome {
        let handler = self.action_handler(action, &confirmed.settings, &lookup.observations, Some(sent_ms));
        // An instance does not wait to enter service for longer than it has run.
        let started_ms = handler.observed.as_ref().ok().and_then(|it| it.started_ms);
        let began_ms = started_ms.filter(|_| action.on == Transition::Launch).max(handler.began_ms);
        ActionHandler { waits: confirmed.waits, began_ms, ..handler }.handle(&self.cloud).await
    }

    /// Checks a launching instance at once. An instance that is not ready yet is checked again by the message of its launch.
    async fn handle_ready_marker(&self, instance: &str, lookup: &Lookup) -> Outcome {
        let (action, confirmed) = match self.confirm_launch(lookup, instance) {
            Ok(confirmed) => confirmed,
            Err(outcome) => return outcome,
        };
        let started_ms = observation_of(&lookup.observations, instance).ok().and_then(|it| it.started_ms);
        let handler = self.action_handler(&action, &confirmed.settings, &lookup.observations, started_ms);
        match (ActionHandler { waits: confirmed.waits, found: true, ..handler }).handle(&self.cloud).await {
            Outcome::Requeued { waiting_for, .. } => {
                Outcome::Done(format!("the instance is not ready yet: {}", waiting_for.join("; ")))
            }
            ended => ended,
        }
    }

    /// The handler of one instance with its observation. The instance has waited since `began_ms`, if that is known.
    pub(crate) fn action_handler<'a>(
        &self,
        action: &'a LifecycleAction,
        settings: &'a HookSettings,
        observations: &Observations,
        began_ms: Option<u64>,
    ) -> ActionHandler<'a> {
        ActionHandler {
            action,
            settings,
            waits: WaitState::in_group(action.on),
            observed: observation_of(observations, &action.instance),
            began_ms,
            poll_interval: self.poll_interval,
            found: false,
        }
    }
}
