//! Events are best effort: a sweep finds the waiting instances that no message has reported.
//!
//! A sweep treats every waiting instance as if its message had just arrived, also where a message did arrive: the first
//! responder completes the lifecycle action, and the second learns that no action is active any more.
//!
//! A sweep may have more work than time. So it reads several groups at once, handles the instances of each group as
//! soon as the group is read, begins at another group each time, and names the groups that it skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use environment::Transition;
use environment::hook_settings::HookSettings;
use futures_util::future::join;
use futures_util::stream::{StreamExt as _, iter};
use ledger::rotation;
use tokio::time::{Instant, timeout_at};

use crate::LifecycleHook;
use crate::action_handler::{ActionHandler, Outcome};
use crate::cloud::{HookApi, OwnedHook, Queue, StartTimes, WaitingInstances};
use crate::error::HookError;
use crate::lookup::{Observations, observation_of};
use crate::notification::LifecycleAction;
use crate::pace;

/// How many groups are read at once. Auto Scaling throttles reads for the whole account.
const GROUPS_AT_ONCE: usize = 4;

/// How many instances are handled at once: 16, so that a thousand waiting instances do not send all their calls in one
/// second.
const INSTANCES_AT_ONCE: usize = 16;

/// The result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Each instance that waits for an owned hook.
    pub found: Vec<Swept>,
    /// The groups whose hooks could not be read, or whose instances could not all be handled in time, with the reason:
    /// the next sweep tries again.
    pub skipped: Vec<String>,
}

/// The outcome for an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// `i-…`
    pub instance: String,
    /// For the operator.
    pub outcome: String,
}

/// A waiting instance, by its group and its id.
type InstanceKey<'a> = (&'a str, &'a str);

/// An action that waits for an owned hook with these settings, and since when, if that is known.
type WaitingAction = (LifecycleAction, HookSettings, Option<u64>);

const TIMED_OUT: &str = "the sweep timed out";

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles every instance of the owned groups that waits for an owned hook, as far as possible within the time
    /// limit, which is that of a message.
    ///
    /// # Errors
    /// If the groups can't be listed: the next sweep tries again.
    pub async fn sweep(&self) -> Result<Sweep, HookError> {
        let deadline = self.message_timeout.map(|limit| Instant::now() + limit);
        let mut groups = self.cloud.waiting_instances().await?;
        groups.retain(|it| self.deployment.suffix_of_group(&it.group).is_some());
        groups.sort_unstable_by(|one, other| one.group.cmp(&other.group));
        let sweep_number = Duration::from_millis(self.cloud.now_ms()).as_secs() / pace::SWEEP_INTERVAL.as_secs();
        let first = rotation::start_index(groups.len(), sweep_number);
        groups.rotate_left(first);
        let mut found = Vec::new();
        let mut skipped: BTreeMap<InstanceKey<'_>, String> =
            groups.iter().flat_map(keys).map(|key| (key, TIMED_OUT.to_owned())).collect();
        let all = async {
            let observations = self.observe_all(&groups).await;
            let read = iter(&groups).map(|group| self.waiting_actions(group)).buffer_unordered(GROUPS_AT_ONCE);
            let swept = read.flat_map(iter).map(async |(key, found)| match found {
                Ok(Some((action, settings, since_ms))) => {
                    (key, Ok(Some(self.handle_swept(&action, &settings, since_ms, &observations).await)))
                }
                Ok(None) => (key, Ok(None)),
                Err(error) => (key, Err(error)),
            });
            let mut swept = pin!(swept.buffer_unordered(INSTANCES_AT_ONCE));
            while let Some((key, outcome)) = swept.next().await {
                match outcome {
                    Ok(swept) => {
                        skipped.remove(&key);
                        found.extend(swept);
                    }
                    Err(error) => drop(skipped.insert(key, error.to_string())),
                }
            }
        };
        match deadline {
            Some(deadline) => timeout_at(deadline, all).await.unwrap_or_default(),
            None => all.await,
        }
        let skipped: BTreeSet<String> =
            skipped.iter().map(|((group, _), reason)| format!("{group}: {reason}")).collect();
        if !skipped.is_empty() {
            tracing::warn!(?skipped, "groups not swept completely");
        }
        Ok(Sweep { found, skipped: skipped.into_iter().collect() })
    }

    /// Observes all instances together, which takes the fewest calls. The observations are used for as long as the
    /// sweep lasts, as in a batch of messages.
    async fn observe_all(&self, groups: &[WaitingInstances]) -> Observations {
        let instances: Vec<String> = groups.iter().flat_map(keys).map(|(_, instance)| instance.to_owned()).collect();
        if instances.is_empty() { Ok(BTreeMap::new()) } else { self.cloud.observe_instances(&instances).await }
    }

    /// The action that each instance of a group waits for, if the hook is owned; if the hooks can't be read, the
    /// error.
    async fn waiting_actions<'a>(
        &self,
        waiting: &'a WaitingInstances,
    ) -> Vec<(InstanceKey<'a>, Result<Option<WaitingAction>, HookError>)> {
        let group = &waiting.group;
        let (hooks, start_times) = join(self.cloud.owned_hooks(group), self.cloud.start_times(waiting)).await;
        let start_times = start_times.unwrap_or_else(|error| {
            tracing::warn!(group, reason = %error, "start times unknown");
            StartTimes::new()
        });
        let found = |it: &(String, Transition)| {
            let (instance, on) = it;
            let hooks = hooks.as_ref().map_err(Clone::clone)?.iter().filter(|hook| hook.on == *on);
            let action = |hook: &OwnedHook, settings| {
                let action = LifecycleAction::without_token(group, hook, instance);
                (action, settings, start_times.get(it).copied())
            };
            let mut owned = hooks.filter_map(|hook| Some(action(hook, self.settings(group, hook)?)));
            Ok(owned.next())
        };
        keys(waiting).zip(waiting.instances.iter().map(found)).collect()
    }

    async fn handle_swept(
        &self,
        action: &LifecycleAction,
        settings: &HookSettings,
        since_ms: Option<u64>,
        observations: &Observations,
    ) -> Swept {
        // A launch may have waited for capacity before EC2 started an instance.
        let started_ms = observation_of(observations, &action.instance).ok().and_then(|it| it.started_ms);
        let began_ms = since_ms.max(started_ms.filter(|_| action.on == Transition::Launch));
        let handler = ActionHandler { found: true, ..self.action_handler(action, settings, observations, began_ms) };
        let outcome = match handler.handle(&self.cloud).await {
            Outcome::Done(result) | Outcome::Ignored(result) => result,
            Outcome::Requeued { waiting_for, step_started, .. } => {
                if step_started {
                    self.enqueue_follow_up(action).await;
                }
                format!("waits for: {}", waiting_for.join("; "))
            }
        };
        tracing::info!(instance = action.instance, outcome, "waiting instance handled");
        Swept { instance: action.instance.clone(), outcome }
    }

    /// The started step is done before the next sweep, so a message makes the function check earlier.
    async fn enqueue_follow_up(&self, action: &LifecycleAction) {
        if let Err(error) = self.queue.enqueue(&action.follow_up_message(), self.poll_interval).await {
            tracing::warn!(
                instance = action.instance,
                reason = %error,
                "follow-up message not sent; the next sweep handles the instance"
            );
        }
    }
}

fn keys(waiting: &WaitingInstances) -> impl Iterator<Item = InstanceKey<'_>> {
    waiting.instances.iter().map(|(instance, _)| (waiting.group.as_str(), instance.as_str()))
}

impl LifecycleAction {
    /// The lifecycle action of a found instance, for a hook of its group. The token is unknown.
    pub(crate) fn without_token(group: &str, hook: &OwnedHook, instance: &str) -> LifecycleAction {
        LifecycleAction {
            group: group.to_owned(),
            hook: hook.name.clone(),
            token: None,
            instance: instance.to_owned(),
            on: hook.on,
        }
    }
}
