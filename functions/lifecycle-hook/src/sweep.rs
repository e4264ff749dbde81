//! Events are best effort: instances that wait and of which no message tells are found by looking.
//!
//! A sweep treats every instance that waits as if its message had just come, also where one did: whoever is first ends the
//! wait, and the other is told that nobody waits any more.

use std::collections::{BTreeMap, BTreeSet};

use environment::Transition;
use futures_util::stream::{StreamExt as _, iter};

use crate::LifecycleHook;
use crate::act::{Case, Outcome};
use crate::batch::{Looks, seen};
use crate::cloud::{Cloud, OurHook, Queue, Waiting};
use crate::notice::Action;

/// How many instances are handled at once: 16, so that a thousand that wait don't ask for everything in one second.
const AT_ONCE: usize = 16;

/// What a sweep came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Each instance that waits for a hook of ours.
    pub found: Vec<Swept>,
    /// The groups whose hooks could not be read, and why: the next sweep tries again.
    pub left_out: Vec<String>,
}

/// What became of an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// `i-…`
    pub instance: String,
    /// For people.
    pub told: String,
}

impl<C: Cloud, Q: Queue> LifecycleHook<C, Q> {
    /// Handles every instance of our groups that waits for a hook of ours.
    ///
    /// # Errors
    /// If the groups can't be listed: the next sweep tries again.
    pub async fn sweep(&self) -> Result<Sweep, String> {
        let mut waiting = self.cloud.waiting().await?;
        waiting.retain(|it| self.place.suffix_of_group(&it.group).is_some());
        let (hooks, left_out) = self.hooks_of(&waiting).await;
        let with_hook = |it: &Waiting| {
            let hook = hooks.get(it.group.as_str())?.iter().find(|hook| hook.on == it.on)?.clone();
            Some((Action::found(it.group.clone(), hook, it.instance.clone()), it.since_ms))
        };
        let found: Vec<(Action, Option<u64>)> = waiting.iter().filter_map(with_hook).collect();
        let instances: Vec<String> = found.iter().map(|(action, _)| action.instance.clone()).collect();
        let looks = if instances.is_empty() { Ok(BTreeMap::new()) } else { self.cloud.see(&instances).await };
        let all = found.iter().map(|(action, since_ms)| self.swept(action, *since_ms, &looks));
        let found: Vec<Option<Swept>> = iter(all).buffer_unordered(AT_ONCE).collect().await;
        Ok(Sweep { found: found.into_iter().flatten().collect(), left_out })
    }

    /// The hooks of each group, and the groups whose hooks can't be read.
    async fn hooks_of<'a>(&self, waiting: &'a [Waiting]) -> (BTreeMap<&'a str, Vec<OurHook>>, Vec<String>) {
        let (mut hooks, mut left_out) = (BTreeMap::new(), Vec::new());
        for group in waiting.iter().map(|it| it.group.as_str()).collect::<BTreeSet<_>>() {
            match self.cloud.hooks(group).await {
                Ok(of_group) => drop(hooks.insert(group, of_group)),
                Err(why) => {
                    tracing::warn!(group, why, "it is not swept");
                    left_out.push(format!("{group}: {why}"));
                }
            }
        }
        (hooks, left_out)
    }

    async fn swept(&self, action: &Action, since_ms: Option<u64>, looks: &Looks) -> Option<Swept> {
        let settings = self.settings(action)?;
        // A launch may have waited for capacity before EC2 started anything.
        let started_ms = seen(looks, &action.instance).ok().and_then(|it| it.started_ms);
        let began_ms = since_ms.max(started_ms.filter(|_| action.on == Transition::Launch));
        let case = Case { swept: true, ..self.case(action, &settings, looks, began_ms) };
        let told = match case.act(&self.cloud).await {
            Outcome::Done(how) | Outcome::Ignored(how) => how,
            Outcome::ComesBack { waiting_for, begun, .. } => {
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
    async fn look_again(&self, action: &Action) {
        if let Err(why) = self.queue.put(&action.found_again(), self.look_every).await {
            tracing::warn!(instance = action.instance, why, "the next sweep looks again");
        }
    }
}

impl Action {
    /// An instance that was found, for a hook of its group. Nobody knows the token; the instance's id stands for it.
    pub(crate) fn found(group: String, hook: OurHook, instance: String) -> Action {
        let OurHook { name, on, metadata } = hook;
        Action { group, hook: name, token: None, instance, on, metadata: Some(metadata), way: None }
    }
}
