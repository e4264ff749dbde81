//! Events are best effort: instances that wait and of which no message tells are found by looking.
//!
//! A sweep treats every instance that waits as if its message had just come, also where one did: whoever is first ends the
//! wait, and the other is told that nobody waits any more.

use std::collections::BTreeMap;

use futures_util::stream::{StreamExt as _, iter};

use crate::LifecycleHook;
use crate::act::{Case, Outcome};
use crate::cloud::{Cloud, OurHook, Queue, Waiting};
use crate::notice::Action;

/// How many instances are handled at once: 16, so that a thousand that wait don't ask for everything in one second.
const AT_ONCE: usize = 16;

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
    pub async fn sweep(&self) -> Result<Vec<Swept>, String> {
        let waiting = self.cloud.waiting().await?;
        let mut hooks: BTreeMap<&str, Vec<OurHook>> = BTreeMap::new();
        for Waiting { group, .. } in &waiting {
            if !hooks.contains_key(group.as_str()) {
                hooks.insert(group, self.cloud.hooks(group).await?);
            }
        }
        let with_hook = |it: &Waiting| {
            let hook = hooks.get(it.group.as_str())?.iter().find(|hook| hook.on == it.on)?.clone();
            Some((Action::found(it.group.clone(), hook, it.instance.clone()), it.since_ms))
        };
        let found: Vec<(Action, Option<u64>)> = waiting.iter().filter_map(with_hook).collect();
        let instances: Vec<String> = found.iter().map(|(action, _)| action.instance.clone()).collect();
        let looks = if instances.is_empty() { Ok(BTreeMap::new()) } else { self.cloud.see(&instances).await };
        let all = found.iter().map(async |(action, since_ms)| {
            let settings = action.settings()?;
            let began_ms = since_ms.unwrap_or_else(|| self.cloud.now_ms());
            let case = Case { swept: true, ..self.case(action, &settings, &looks, began_ms) };
            let told = match case.act(&self.cloud).await {
                Outcome::Done(how) | Outcome::Ignored(how) => how,
                Outcome::ComesBack { waiting_for, .. } => format!("waits for: {}", waiting_for.join("; ")),
            };
            tracing::info!(instance = action.instance, told, "found waiting");
            Some(Swept { instance: action.instance.clone(), told })
        });
        let swept: Vec<Option<Swept>> = iter(all).buffer_unordered(AT_ONCE).collect().await;
        Ok(swept.into_iter().flatten().collect())
    }
}

impl Action {
    /// An instance that was found, for a hook of its group. Nobody knows the token; the instance's id stands for it.
    pub(crate) fn found(group: String, hook: OurHook, instance: String) -> Action {
        let OurHook { name, on, metadata } = hook;
        Action { group, hook: name, token: None, instance, on, metadata: Some(metadata), way: None }
    }
}
