//! Messages in, outcomes out: each message has its own, and none holds up or takes down another.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use environment::Transition;
use environment::hook_settings::{HookSettings, HookTask};
use futures_util::future::{FutureExt as _, Shared, join_all};
use ledger::envelope::{PoisonMessage, open, foreign_account};
use serde_json::Value;
use tokio::time::timeout;

use crate::LifecycleHook;
use crate::action_handler::{self, ActionHandler, Outcome};
use crate::cloud::{HookApi, Queue};
use crate::facts::ObservedInstance;
use crate::notification::{LifecycleAction, Notification};
use crate::pace;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    /// There was something to do, and it is done.
    Done,
    /// There was nothing to do: a test, a hook of somebody else's, a kind that is not acted on.
    Ignored,
    Requeued,
    DeadLettered,
    /// It made no sense, and stays because it could not be put away.
    Stuck,
}

/// What instances look like, or why that is not known.
pub(crate) type Observations = Result<BTreeMap<String, ObservedInstance>, String>;

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles a batch of the queue. What comes back is reported as failed, so that the queue keeps it.
    pub(crate) async fn batch(&self, batch: SqsEvent) -> SqsBatchResponse {
        let read = |message: &SqsMessage| self.read(message.body.as_deref().unwrap_or_default());
        let notifications: Vec<_> = batch.records.iter().map(read).collect();
        // One look for all of them, in the time of each.
        let observations = self.look(notifications.iter().filter_map(|it| it.as_ref().ok())).shared();
        let all = batch.records.iter().zip(&notifications).map(async |(message, notification)| {
            let disposition = self.message(message, notification, &observations).await;
            (message, disposition)
        });
        let fates = join_all(all).await;
        let count = |disposition| fates.iter().filter(|(_, it)| *it == disposition).count();
        tracing::info!(
            received = fates.len(),
            done = count(Disposition::Done),
            ignored = count(Disposition::Ignored),
            comes_back = count(Disposition::Requeued),
            dead_lettered = count(Disposition::DeadLettered),
            stuck = count(Disposition::Stuck),
            "a batch"
        );
        let mut response = SqsBatchResponse::default();
        for (message, disposition) in fates {
            if matches!(disposition, Disposition::Requeued | Disposition::Stuck) {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.clone().unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// What a message's body tells us.
    pub(crate) fn read(&self, body: &str) -> Result<Notification, PoisonMessage> {
        self.read_event(&open(body)?)
    }

    /// What an event tells us; nothing to act on, if it is of another account.
    pub(crate) fn read_event(&self, event: &Value) -> Result<Notification, PoisonMessage> {
        match foreign_account(event, &self.deployment) {
            Some(account) => Ok(Notification::Other(format!("an event of the account {account}"))),
            None => Notification::of(event),
        }
    }

    async fn message(
        &self,
        message: &SqsMessage,
        notification: &Result<Notification, PoisonMessage>,
        observations: &Shared<impl Future<Output = Observations>>,
    ) -> Disposition {
        let id = message.message_id.as_deref();
        let notification = match notification {
            Ok(notification) => notification,
            Err(poison) => return self.dead_letter(message, poison).await,
        };
        let sent_ms = lambda_kit::sent_ms(&message.attributes);
        let sent_ms = sent_ms.unwrap_or_else(|| self.cloud.now_ms());
        match self.in_time(async { self.notification(notification, sent_ms, &observations.clone().await).await }).await {
            Outcome::Done(how) => {
                tracing::info!(id, how, "done");
                Disposition::Done
            }
            Outcome::Ignored(reason) => {
                tracing::info!(id, reason, "ignored");
                Disposition::Ignored
            }
            Outcome::Requeued { after, waiting_for, .. } => {
                tracing::info!(id, after = after.as_secs(), ?waiting_for, "comes back");
                let receipt = message.receipt_handle.as_deref().unwrap_or_default();
                if let Err(error) = self.queue.requeue(receipt, after).await {
                    tracing::warn!(id, error, "it comes back when its visibility ends");
                }
                Disposition::Requeued
            }
        }
    }

    /// What becomes of a message, unless that takes too long: an invocation that ends with its own time has no outcome for any
    /// message of its batch.
    async fn in_time(&self, outcome: impl Future<Output = Outcome>) -> Outcome {
        let Some(most) = self.message_timeout else { return outcome.await };
        let too_long = |_| failed(format!("services that did not answer within {} s", most.as_secs()));
        timeout(most, outcome).await.unwrap_or_else(too_long)
    }

    /// Puts a message away for people; one that can't be put away stays where it is.
    async fn dead_letter(&self, message: &SqsMessage, poison: &PoisonMessage) -> Disposition {
        let (id, reason) = (message.message_id.as_deref(), poison.to_string());
        match self.queue.dead_letter(message.body.as_deref().unwrap_or_default(), &reason).await {
            Ok(()) => {
                tracing::error!(id, reason, "a message makes no sense, and is with the dead letters");
                Disposition::DeadLettered
            }
            Err(error) => {
                tracing::error!(id, reason, error, "a message makes no sense, and could not be put away");
                Disposition::Stuck
            }
        }
    }

    /// Looks at the instances of all notices that may need it.
    pub(crate) async fn look<'a>(&self, notifications: impl Iterator<Item = &'a Notification>) -> Observations {
        let instance = |notification: &'a Notification| match notification {
            Notification::LifecycleAction(action) => self.settings(action).is_some().then_some(&action.instance),
            Notification::Interruption { instance, .. } => Some(instance),
            Notification::Sweep | Notification::Other(_) => None,
        };
        let instances: BTreeSet<String> = notifications.filter_map(instance).cloned().collect();
        if instances.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.cloud.observe_instances(&Vec::from_iter(instances)).await
    }

    /// Acts on one notice that was sent at `sent_ms`.
    pub(crate) async fn notification(&self, notification: &Notification, sent_ms: u64, observations: &Observations) -> Outcome {
        match notification {
            Notification::LifecycleAction(action) => {
                let Some(settings) = self.settings(action) else {
                    return Outcome::Ignored(format!("the hook {} is not ours", action.hook));
                };
                self.case(action, &settings, observations, Some(sent_ms)).act(&self.cloud).await
            }
            Notification::Interruption { instance, at_ms } => {
                self.interruption(instance, warned(*at_ms, sent_ms), observations).await
            }
            Notification::Sweep => {
                self.sweep().await.map_or_else(failed, |swept| Outcome::Done(format!("{} waited", swept.found.len())))
            }
            Notification::Other(what) => Outcome::Ignored(format!("nothing to do for {what}")),
        }
    }

    /// The instance's group says how it is drained.
    async fn interruption(&self, instance: &str, warned_ms: u64, observations: &Observations) -> Outcome {
        if self.cloud.now_ms() >= warned_ms.saturating_add(action_handler::SPOT_MS) {
            return Outcome::Done(format!("the two minutes of the Spot instance {instance} are over"));
        }
        let group = match self.cloud.group_of(instance).await {
            Ok(Some(group)) => group,
            Ok(None) => return Outcome::Ignored(format!("the Spot instance {instance} is in no group")),
            Err(error) => return failed(error),
        };
        let hooks = match self.cloud.owned_hooks(&group).await {
            Ok(hooks) => hooks,
            Err(error) => return failed(error),
        };
        let Some(hook) = hooks.into_iter().find(|it| it.on == Transition::Terminate) else {
            return Outcome::Ignored(format!("the group {group} has no drain of ours"));
        };
        let action = LifecycleAction::found(group, hook, instance.to_owned());
        let Some(settings) = self.settings(&action) else {
            return Outcome::Ignored(format!("the hook {} is not ours", action.hook));
        };
        self.case(&action, &settings, observations, Some(warned_ms)).interrupted(&self.cloud).await
    }

    /// What our own hook says of what there is to do; nothing for a hook of somebody else's, such as of another deployment in
    /// the account, which has a function of its own.
    pub(crate) fn settings(&self, action: &LifecycleAction) -> Option<HookSettings> {
        self.deployment.suffix_of_group(&action.group)?;
        let settings = HookSettings::read(action.metadata.as_deref()?)?;
        let fits = matches!(
            (&settings.task, action.on),
            (HookTask::Gate(_), Transition::Launch) | (HookTask::Drain(_), Transition::Terminate)
        );
        fits.then_some(settings)
    }

    /// One instance, with what was seen of it, that waits since `began_ms`, if that is known.
    pub(crate) fn case<'a>(
        &self,
        action: &'a LifecycleAction,
        settings: &'a HookSettings,
        observations: &Observations,
        began_ms: Option<u64>,
    ) -> ActionHandler<'a> {
        ActionHandler {
            action,
            settings,
            observed: observed(observations, &action.instance),
            began_ms,
            poll_interval: self.poll_interval,
            swept: false,
        }
    }
}

/// What one instance looks like.
pub(crate) fn observed(observations: &Observations, instance: &str) -> Result<ObservedInstance, String> {
    let observations = observations.as_ref().map_err(Clone::clone)?;
    observations.get(instance).cloned().ok_or_else(|| format!("{instance} was not looked at"))
}

fn failed(error: String) -> Outcome {
    Outcome::Requeued { after: pace::INITIAL_INTERVAL, waiting_for: vec![error], begun: false }
}

/// When EC2 warned of an interruption: as the event says, unless that can't be, since the warning comes two minutes before
/// the end and some events say 1970; then when its message was sent.
fn warned(at_ms: Option<u64>, sent_ms: u64) -> u64 {
    let can_be = |at_ms: &u64| sent_ms.checked_sub(*at_ms).is_some_and(|before| before <= action_handler::SPOT_MS);
    at_ms.filter(can_be).unwrap_or(sent_ms)
}
