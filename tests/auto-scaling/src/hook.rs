//! Lifecycle hooks and their rules. How instances wait for them is in `lifecycle.rs`.

use std::{collections::BTreeMap, time::Duration};

use crate::{AutoScaling, Fault, Timestamp};

/// As many hooks a group may have (AWS's quota).
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
    /// At which turn of an instance's life.
    pub transition: Transition,
    /// How long a wait lasts without a heartbeat: 30 s to 2 h.
    pub heartbeat: Duration,
    /// What follows a wait that nobody ends.
    pub default_result: LifecycleActionResult,
    /// Up to 4,000 printable ASCII characters for whoever is told.
    pub metadata: Option<String>,
    /// The topic or queue that is told.
    pub target_arn: Option<String>,
    /// The role with which it is told.
    pub role_arn: Option<String>,
}

/// What a put call says. What it leaves out stays as it is, or gets AWS's default in a new hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutHook {
    /// The hook's name.
    pub name: String,
    /// A new hook must have it.
    pub transition: Option<Transition>,
    /// 1 h.
    pub heartbeat: Option<Duration>,
    /// `ABANDON`.
    pub default_result: Option<LifecycleActionResult>,
    /// None.
    pub metadata: Option<String>,
    /// None. An empty one takes away what is there.
    pub target_arn: Option<String>,
    /// None.
    pub role_arn: Option<String>,
}

/// A turn of an instance's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Before it is in service.
    Launching,
    /// Before it ends.
    Terminating,
}

/// What becomes of an instance that waited: what somebody says, or the hook if nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifecycleActionResult {
    /// Go on.
    Continue,
    /// End the instance.
    Abandon,
}

impl Transition {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Self::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }

    /// Origin and destination, as AWS writes them, of an instance that goes this way.
    pub(crate) fn origin_and_destination(self) -> (&'static str, &'static str) {
        match self {
            Self::Launching => ("EC2", "AutoScalingGroup"),
            Self::Terminating => ("AutoScalingGroup", "EC2"),
        }
    }

    /// The transition that AWS writes so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Launching, Self::Terminating].into_iter().find(|it| it.as_str() == text)
    }
}

impl LifecycleActionResult {
    /// As AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }

    /// The result that AWS writes so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Continue, Self::Abandon].into_iter().find(|it| it.as_str() == text)
    }
}

impl Hook {
    /// The longest that an instance can be kept waiting: 100 heartbeats, and at most 48 h.
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
    /// Adds a hook to a group, or changes one. Its target, if it has one, is sent a test notification.
    ///
    /// # Errors
    /// `ValidationError`: no such group, or what is wrong with the hook. `LimitExceeded`: more than 50.
    pub fn put_hook(&mut self, group: &str, hook: PutHook, now: Timestamp) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(group)?;
        let hook = Hook::put(&mut group.hooks, hook)?;
        account.send_test_notification(&group.name, &group.arn, &hook, now);
        Ok(())
    }

    /// Removes a hook. Instances that wait for it go on: those that start are abandoned, those that end continue.
    ///
    /// # Errors
    /// `ValidationError`: no such group, or no such hook.
    pub fn delete_hook(&mut self, group: &str, name: &str, now: Timestamp) -> Result<(), Fault> {
        let unknown = || Fault::validation(format!("No Lifecycle Hook found with name: {name}"));
        let (group, account) = self.modifiable_in_account(group)?;
        group.advance(account, now);
        let hook = group.hooks.remove(name).ok_or_else(unknown)?;
        group.complete_actions_of(&hook, account, now);
        Ok(())
    }
}
