//! Lifecycle hooks and their rules. The waits of instances for hooks are in `lifecycle.rs`.

use std::{collections::BTreeMap, time::Duration};

use crate::{AutoScaling, Fault, Timestamp};

/// The number of hooks that a group may have (AWS's quota).
const MAX_HOOKS: usize = 50;
const DEFAULT_HEARTBEAT: Duration = Duration::from_hours(1);
const MIN_HEARTBEAT: Duration = Duration::from_secs(30);
const MAX_HEARTBEAT: Duration = Duration::from_hours(2);
const MAX_WAIT: Duration = Duration::from_hours(48);
const MAX_METADATA: usize = 4000;

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// 1 to 255 letters, digits, `-`, `_` and `/`.
    pub name: String,
    /// The transition of an instance at which the hook acts.
    pub transition: Transition,
    /// How long a wait lasts without a heartbeat: 30 s to 2 h.
    pub heartbeat: Duration,
    /// The result of a wait that times out.
    pub default_result: LifecycleActionResult,
    /// Up to 4,000 printable ASCII characters for the receiver of the notification.
    pub metadata: Option<String>,
    /// The topic or queue that receives the notification.
    pub target_arn: Option<String>,
    /// The role with which Auto Scaling sends the notification.
    pub role_arn: Option<String>,
}

/// The parameters of a put call. An absent parameter keeps its value, or gets AWS's default in a new hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutHook {
    /// The hook's name.
    pub name: String,
    /// Required for a new hook.
    pub transition: Option<Transition>,
    /// Default: 1 h.
    pub heartbeat: Option<Duration>,
    /// Default: `ABANDON`.
    pub default_result: Option<LifecycleActionResult>,
    /// Default: none.
    pub metadata: Option<String>,
    /// Default: none. An empty one removes the target.
    pub target_arn: Option<String>,
    /// Default: none.
    pub role_arn: Option<String>,
}

/// A transition of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Before the instance is in service.
    Launching,
    /// Before the instance terminates.
    Terminating,
}

/// The result of a wait: the result of the call that completes the action, or the hook's default after a time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleActionResult {
    /// The transition continues.
    Continue,
    /// The instance terminates.
    Abandon,
}

impl Transition {
    /// AWS's name of the transition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Self::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }

    /// The transition with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Launching, Self::Terminating].into_iter().find(|it| it.as_str() == text)
    }
}

impl LifecycleActionResult {
    /// AWS's name of the result.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }

    /// The result with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Continue, Self::Abandon].into_iter().find(|it| it.as_str() == text)
    }
}

impl Hook {
    /// The longest that an instance can wait: 100 heartbeats, and at most 48 h.
    #[must_use]
    pub fn global_timeout(&self) -> Duration {
        MAX_WAIT.min(self.heartbeat * 100)
    }

    pub(crate) fn put(hooks: &mut BTreeMap<String, Hook>, put: PutHook) -> Result<Hook, Fault> {
        let old = hooks.get(&put.name).cloned();
        if old.is_none() && hooks.len() >= MAX_HOOKS {
            return Err(Fault::limit(format!("a group has at most {MAX_HOOKS} lifecycle hooks")));
        }
        let transition = put.transition.or_else(|| Some(old.as_ref()?.transition));
        let hook = Hook {
            transition: transition.ok_or_else(|| {
                Fault::validation(format!("LifecycleTransition is missing: the hook {} is new", put.name))
            })?,
            heartbeat: put.heartbeat.or_else(|| Some(old.as_ref()?.heartbeat)).unwrap_or(DEFAULT_HEARTBEAT),
            default_result: put
                .default_result
                .or_else(|| Some(old.as_ref()?.default_result))
                .unwrap_or(LifecycleActionResult::Abandon),
            metadata: put.metadata.or_else(|| old.as_ref()?.metadata.clone()),
            target_arn: put.target_arn.or_else(|| old.as_ref()?.target_arn.clone()).filter(|arn| !arn.is_empty()),
            role_arn: put.role_arn.or_else(|| old.as_ref()?.role_arn.clone()),
            name: put.name,
        };
        hook.check()?;
        hooks.insert(hook.name.clone(), hook.clone());
        Ok(hook)
    }

    fn check(&self) -> Result<(), Fault> {
        let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_/".contains(character);
        if !(1..=255).contains(&self.name.len()) || !self.name.chars().all(is_allowed) {
            let valid = "1 to 255 letters, digits, -, _ and /";
            return Err(Fault::validation(format!("LifecycleHookName is '{}': {valid}", self.name)));
        }
        if !(MIN_HEARTBEAT..=MAX_HEARTBEAT).contains(&self.heartbeat) {
            let seconds = self.heartbeat.as_secs();
            return Err(Fault::validation(format!("HeartbeatTimeout is {seconds}: 30 to 7200 seconds")));
        }
        let printable = |character: char| (' '..='~').contains(&character) || "\t\n\r".contains(character);
        let fits = |text: &String| (1..=MAX_METADATA).contains(&text.len()) && text.chars().all(printable);
        if self.metadata.as_ref().is_some_and(|text| !fits(text)) {
            return Err(Fault::validation("NotificationMetadata: 1 to 4000 printable ASCII characters"));
        }
        Ok(())
    }
}

impl AutoScaling {
    /// Makes a target of hooks unreachable, as a queue that was deleted or a topic whose policy denies the access, or
    /// reachable again. No instance waits for a hook with an unreachable target, and no call can put such a hook (recorded
    /// on AWS, September 2026: stackd 9dc356f5, `failure_boundaries_native_complete`, with the default result CONTINUE).
    pub fn set_target_reachable(&mut self, arn: &str, reachable: bool) {
        if reachable {
            self.account.unreachable_targets.remove(arn);
        } else {
            self.account.unreachable_targets.insert(arn.to_owned());
        }
    }

    /// Adds a hook to a group, or changes one. The hook's target, if it has one, receives a test notification.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, the hook is not valid, or its target is not reachable.
    /// `LimitExceeded`: the group would have more than 50 hooks.
    pub fn put_hook(&mut self, group: &str, hook: PutHook, now: Timestamp) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        if let Some(target) = hook.target_arn.as_ref().filter(|arn| account.unreachable_targets.contains(*arn)) {
            let role = hook.role_arn.as_deref().unwrap_or("null");
            return Err(Fault::validation(format!(
                "Unable to publish test message to notification target {target} using IAM role {role}. Please check your \
                 target and role configuration and try to put lifecycle hook again."
            )));
        }
        let hook = Hook::put(&mut group.hooks, hook)?;
        account.send_test_notification(&group.name, &group.arn, &hook, now);
        Ok(())
    }

    /// Removes a hook and ends the waits for the hook: launching instances are abandoned, terminating instances continue.
    ///
    /// # Errors
    /// `ValidationError`: the group or the hook does not exist.
    pub fn delete_hook(&mut self, group: &str, name: &str, now: Timestamp) -> Result<(), Fault> {
        let unknown = || Fault::validation(format!("No Lifecycle Hook found with name: {name}"));
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        let hook = group.hooks.remove(name).ok_or_else(unknown)?;
        group.complete_actions_of(&hook, account, now);
        Ok(())
    }
}
