//! Events are best effort: instances that wait and of which no message tells are found by looking.
//!
//! A sweep treats every instance that waits as if its message had just come, also where one did: whoever is first ends the
//! wait, and the other is told that nobody waits any more.
//!
//! A sweep may have more to do than it has time for. So it reads some groups at once, handles the instances of each as soon as
//! it is read, begins at another group each time, and names those that it did not come to.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use environment::Transition;
use futures_util::future::join;
use futures_util::stream::{StreamExt as _, iter};
use ledger::rotation;
use tokio::time::{Instant, timeout_at};

use crate::LifecycleHook;
use crate::action_handler::{ActionHandler, Outcome};
use crate::batch::{Observations, observed};
use crate::cloud::{HookApi, OwnedHook, Queue, StartTimes, WaitingInstances};
use crate::notification::LifecycleAction;
use crate::pace;

/// How many groups are read at once. Auto Scaling's reads are throttled for the whole account.
const GROUPS_AT_ONCE: usize = 4;

/// How many instances are handled at once: 16, so that a thousand that wait don't ask for everything in one second.
const AT_ONCE: usize = 16;

/// What a sweep came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Each instance that waits for a hook of ours.
    pub found: Vec<Swept>,
    /// The groups whose hooks could not be read, or for all of whose instances there was no time, and why: the next sweep tries
    /// again.
    pub skipped: Vec<String>,
}

/// What became of an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// `i-…`
    pub instance: String,
    /// For people.
    pub told: String,
}

/// An instance that waits, by its group and its id.
type Key<'a> = (&'a str, &'a str);

/// What waits for a hook of ours, and since when, if that is known.
type Found = (LifecycleAction, Option<u64>);

const TIME_WAS_UP: &str = "the sweep's time was up";

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Handles every instance of our groups that waits for a hook of ours, as far as it comes in its time, which is that of a
    /// message.
    ///
    /// # Errors
    /// If the groups can't be listed: the next sweep tries again.
    pub async fn sweep(&self) -> Result<Sweep, String> {
        let ends = self.message_timeout.map(|most| Instant::now() + most);
        let mut groups = self.cloud.waiting_instances().await?;
        groups.retain(|it| self.deployment.suffix_of_group(&it.group).is_some());
        groups.sort_unstable_by(|one, other| one.group.cmp(&other.group));
        let turn = Duration::from_millis(self.cloud.now_ms()).as_secs() / pace::SWEEP_INTERVAL.as_secs();
        let first = rotation::start_index(groups.len(), turn);
        groups.rotate_left(first);
        let mut found = Vec::new();
        let mut skipped: BTreeMap<Key<'_>, String> =
            groups.iter().flat_map(keys).map(|key| (key, TIME_WAS_UP.to_owned())).collect();
        let all = async {
            let observations = self.look_at(&groups).await;
            let read = iter(&groups).map(|group| self.found_in(group)).buffer_unordered(GROUPS_AT_ONCE);
            let swept = read.flat_map(iter).map(async |(key, found)| match found {
                Ok(Some((action, since_ms))) => (key, Ok(self.swept(&action, since_ms, &observations).await)),
                Ok(None) => (key, Ok(None)),
                Err(reason) => (key, Err(reason)),
            });
            let mut swept = pin!(swept.buffer_unordered(AT_ONCE));
            while let Some((key, outcome)) = swept.next().await {
                match outcome {
                    Ok(swept) => {
                        skipped.remove(&key);
                        found.extend(swept);
                    }
                    Err(reason) => drop(skipped.insert(key, reason)),
                }
            }
        };
        match ends {
            Some(ends) => timeout_at(ends, all).await.unwrap_or_default(),
            None => all.await,
        }
        let skipped: BTreeSet<String> =
            skipped.iter().map(|((group, _), reason)| format!("{group}: {reason}")).collect();
        if !skipped.is_empty() {
            tracing::warn!(?skipped, "groups that are not swept, or not to the end");
        }
        Ok(Sweep { found, skipped: skipped.into_iter().collect() })
    }

    /// Looks at all instances together, which takes the fewest calls. What is seen is decided on while the sweep lasts, as in a
    /// batch of messages.
    async fn look_at(&self, groups: &[WaitingInstances]) -> Observations {
        let instances: Vec<String> = groups.iter().flat_map(keys).map(|(_, instance)| instance.to_owned()).collect();
        if instances.is_empty() { Ok(BTreeMap::new()) } else { self.cloud.observe_instances(&instances).await }
    }

    /// What each instance of a group waits for, if that is ours; if the hooks can't be read, why.
    async fn found_in<'a>(&self, waiting: &'a WaitingInstances) -> Vec<(Key<'a>, Result<Option<Found>, String>)> {
        let group = &waiting.group;
        let (hooks, since) = join(self.cloud.owned_hooks(group), self.cloud.start_times(waiting)).await;
        let since = since.unwrap_or_else(|reason| {
            tracing::warn!(group, reason, "since when its instances wait is not known");
            StartTimes::new()
        });
        let found = |it: &(String, Transition)| {
            let (instance, on) = it;
            let hook = hooks.as_ref().map_err(Clone::clone)?.iter().find(|hook| hook.on == *on);
            let action = |hook: &OwnedHook| LifecycleAction::found(group.clone(), hook.clone(), instance.clone());
            Ok(hook.map(|hook| (action(hook), since.get(it).copied())))
        };
        keys(waiting).zip(waiting.instances.iter().map(found)).collect()
    }

    async fn swept(&self, action: &LifecycleAction, since_ms: Option<u64>, observations: &Observations) -> Option<Swept> {
        let settings = self.settings(action)?;
        // A launch may have waited for capacity before EC2 started anything.
        let started_ms = observed(observations, &action.instance).ok().and_then(|it| it.started_ms);
        let began_ms = since_ms.max(started_ms.filter(|_| action.on == Transition::Launch));
        let case = ActionHandler { swept: true, ..self.case(action, &settings, observations, began_ms) };
        let told = match case.act(&self.cloud).await {
            Outcome::Done(how) | Outcome::Ignored(how) => how,
            Outcome::Requeued { waiting_for, begun, .. } => {
                if begun {
                    self.look_again(action).await;
                }
                format!("waits for: {}", waiting_for.join("; "))
            }
        };
        tracing::info!(instance = action.instance, told, "found waiting");
        Some(Swept { instance: action.instance.clone(), told })
    }

    /// What was begun is over before the next sweep, so a message is to look at it.
    async fn look_again(&self, action: &LifecycleAction) {
        if let Err(reason) = self.queue.enqueue(&action.follow_up_message(), self.poll_interval).await {
            tracing::warn!(instance = action.instance, reason, "the next sweep looks again");
        }
    }
}

fn keys(waiting: &WaitingInstances) -> impl Iterator<Item = Key<'_>> {
    waiting.instances.iter().map(|(instance, _)| (waiting.group.as_str(), instance.as_str()))
}

impl LifecycleAction {
    /// An instance that was found, for a hook of its group. Nobody knows the token; the instance's id stands for it.
    pub(crate) fn found(group: String, hook: OwnedHook, instance: String) -> LifecycleAction {
        let OwnedHook { name, on, metadata } = hook;
        LifecycleAction { group, hook: name, token: None, instance, on, metadata: Some(metadata), route: None }
    }
}
