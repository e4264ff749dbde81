//! Looks up the claims of messages: a message is a hint that an instance may wait for a hook, and may be late, repeated
//! or forged.
//!
//! All messages of a batch are looked up together: the groups and states of their instances in one call for each fifty,
//! then the hooks of each group, and the instances themselves, at the same time. Only instances whose claims hold are
//! observed. The settings are those of the group's own hook.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use environment::hook_settings::{HookSettings, HookTask};
use environment::{READ_LAG, Transition};
use futures_util::future::{join, join_all};

use crate::LifecycleHook;
use crate::action_handler::Outcome;
use crate::cloud::{GroupMember, HookApi, OwnedHook, Queue, WaitState};
use crate::error::HookError;
use crate::facts::ObservedInstance;
use crate::notification::{LifecycleAction, Notification};
use crate::pace;

/// The observed instances, or the error of observing them.
pub(crate) type Observations = Result<BTreeMap<String, ObservedInstance>, HookError>;

/// The facts about the claims of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    members: Result<BTreeMap<String, GroupMember>, HookError>,
    /// The owned hooks of each group with an instance whose claim holds.
    hooks: BTreeMap<String, Result<Vec<OwnedHook>, HookError>>,
    pub observations: Observations,
}

impl Lookup {
    fn member(&self, instance: &str) -> Result<Option<&GroupMember>, HookError> {
        let members = self.members.as_ref().map_err(Clone::clone)?;
        Ok(members.get(instance))
    }

    fn hooks_of(&self, group: &str) -> Result<&[OwnedHook], HookError> {
        let Some(hooks) = self.hooks.get(group) else { return Ok(&[]) };
        hooks.as_ref().map(Vec::as_slice).map_err(Clone::clone)
    }

    /// The state in which the instance of an action waits in the group of the action; `None` if it does not.
    fn wait_state(&self, action: &LifecycleAction) -> Result<Option<WaitState>, HookError> {
        let member = self.member(&action.instance)?.filter(|member| member.group == action.group);
        Ok(member.and_then(|member| member.waits).filter(|state| state.fits(action.on)))
    }
}

/// An action whose claims hold.
#[derive(Clone, Debug)]
pub(crate) struct Confirmed {
    pub settings: HookSettings,
    pub waits: WaitState,
}

impl<C: HookApi, Q: Queue> LifecycleHook<C, Q> {
    /// Looks up the claims of all notifications.
    pub(crate) async fn look_up<'a>(&self, notifications: impl Iterator<Item = &'a Notification> + Clone) -> Lookup {
        let mut lookup =
            Lookup { members: Ok(BTreeMap::new()), hooks: BTreeMap::new(), observations: Ok(BTreeMap::new()) };
        let named: BTreeSet<&str> = notifications.clone().filter_map(|it| self.named_instance(it)).collect();
        if named.is_empty() {
            return lookup;
        }
        lookup.members = self.cloud.members(&owned(named)).await;
        let found: Vec<(&str, &str)> = notifications.filter_map(|it| self.found_member(&lookup, it)).collect();
        let groups: BTreeSet<&str> = found.iter().map(|(group, _)| *group).collect();
        let instances: BTreeSet<&str> = found.iter().map(|(_, instance)| *instance).collect();
        if instances.is_empty() {
            return lookup;
        }
        let hooks =
            join_all(groups.into_iter().map(async |group| (group.to_owned(), self.cloud.owned_hooks(group).await)));
        let (hooks, observations) = join(hooks, self.cloud.observe_instances(&owned(instances))).await;
        Lookup { members: lookup.members.clone(), hooks: hooks.into_iter().collect(), observations }
    }

    /// The instance that a notification names, unless the notification names a group of another deployment.
    fn named_instance<'a>(&self, notification: &'a Notification) -> Option<&'a str> {
        match notification {
            Notification::LifecycleAction(action) => {
                self.deployment.suffix_of_group(&action.group).map(|_| action.instance.as_str())
            }
            Notification::Interruption { instance, .. } | Notification::ReadyMarker { instance } => Some(instance),
            Notification::Sweep | Notification::Other(_) => None,
        }
    }

    /// The group and the instance of a notification whose instance is in a group of this deployment, and waits there if
    /// the notification says so.
    fn found_member<'a>(&self, lookup: &'a Lookup, notification: &'a Notification) -> Option<(&'a str, &'a str)> {
        match notification {
            Notification::LifecycleAction(action) => {
                lookup.wait_state(action).ok()??;
                Some((&action.group, &action.instance))
            }
            Notification::Interruption { instance, .. } => {
                let group = &lookup.member(instance).ok()??.group;
                self.deployment.suffix_of_group(group).map(|_| (group.as_str(), instance.as_str()))
            }
            Notification::ReadyMarker { instance } => {
                let member = lookup.member(instance).ok()?.filter(|member| member.is_launching())?;
                self.deployment.suffix_of_group(&member.group).map(|_| (member.group.as_str(), instance.as_str()))
            }
            Notification::Sweep | Notification::Other(_) => None,
        }
    }

    /// Whether the claims of an action hold, which a message of this age reports.
    ///
    /// # Errors
    /// The outcome of the message otherwise. A read may miss a wait that has just begun, so a message that is younger
    /// than [`READ_LAG`] is looked up again; the sweep finds an instance whose state a read shows even later.
    pub(crate) fn confirm(
        &self,
        lookup: &Lookup,
        action: &LifecycleAction,
        age: Duration,
    ) -> Result<Confirmed, Outcome> {
        if self.deployment.suffix_of_group(&action.group).is_none() {
            return Err(Outcome::Ignored(String::from("the group is not of this deployment")));
        }
        if age > pace::MAX_GLOBAL_TIMEOUT {
            return Err(Outcome::Done(String::from("the message is older than the longest wait of any hook")));
        }
        let waits = match lookup.wait_state(action) {
            Ok(Some(waits)) => waits,
            Ok(None) if age < READ_LAG => {
                return Err(Outcome::Requeued {
                    after: self.poll_interval,
                    waiting_for: vec![String::from("Auto Scaling to report that the instance waits")],
                    step_started: false,
                });
            }
            Ok(None) => {
                return Err(Outcome::Done(String::from("the instance does not wait in the group of the message")));
            }
            Err(error) => return Err(requeue(&error)),
        };
        let hooks = lookup.hooks_of(&action.group).map_err(|error| requeue(&error))?;
        let hook = hooks.iter().find(|hook| hook.name == action.hook && hook.on == action.on);
        let settings = hook.and_then(|hook| self.settings(&action.group, hook));
        let settings = settings.ok_or_else(not_owned)?;
        Ok(Confirmed { settings, waits })
    }

    /// The group of this deployment that a Spot instance is in.
    ///
    /// # Errors
    /// The outcome of the message otherwise.
    pub(crate) fn spot_group<'a>(&self, lookup: &'a Lookup, instance: &str) -> Result<&'a str, Outcome> {
        let group = &member(lookup, instance)?.group;
        if self.deployment.suffix_of_group(group).is_none() {
            return Err(Outcome::Ignored(String::from("the group is not of this deployment")));
        }
        match observation_of(&lookup.observations, instance) {
            Ok(observed) if observed.is_spot => Ok(group),
            Ok(_) => Err(Outcome::Ignored(format!("EC2 does not report {instance} as a Spot instance"))),
            Err(error) => Err(requeue(&error)),
        }
    }

    /// The group of an instance that has set its ready marker and waits to enter service, and the gate's hook of the
    /// group with its settings.
    ///
    /// # Errors
    /// The outcome of the message otherwise.
    pub(crate) fn confirm_launch(
        &self,
        lookup: &Lookup,
        instance: &str,
    ) -> Result<(LifecycleAction, Confirmed), Outcome> {
        let member = member(lookup, instance)?;
        let Some(waits) = member.waits.filter(|_| member.is_launching()) else {
            return Err(Outcome::Done(format!("the instance {instance} does not wait to enter service")));
        };
        let (action, settings) = self.owned_hook(lookup, &member.group, instance, Transition::Launch)?;
        Ok((action, Confirmed { settings, waits }))
    }

    /// The action of an instance in this transition, and the settings of the owned hook of its group.
    ///
    /// # Errors
    /// The outcome of the message, if the group has no such hook, or if its hooks could not be read.
    pub(crate) fn owned_hook(
        &self,
        lookup: &Lookup,
        group: &str,
        instance: &str,
        on: Transition,
    ) -> Result<(LifecycleAction, HookSettings), Outcome> {
        let hooks = lookup.hooks_of(group).map_err(|error| requeue(&error))?;
        let mut hooks = hooks.iter().filter(|it| it.on == on);
        let owned = hooks.find_map(|hook| Some((hook, self.settings(group, hook)?)));
        let (hook, settings) =
            owned.ok_or_else(|| Outcome::Ignored(format!("the group {group} has no owned hook for the transition")))?;
        Ok((LifecycleAction::without_token(group, hook, instance), settings))
    }

    /// The settings in a hook of a group. `None` for a hook of another owner, such as another deployment in the account,
    /// which has a function of its own; and for settings of another environment than the group's.
    pub(crate) fn settings(&self, group: &str, hook: &OwnedHook) -> Option<HookSettings> {
        let names = self.deployment.names(self.deployment.suffix_of_group(group)?);
        let settings = HookSettings::read(&hook.metadata)?;
        let matches_group =
            settings.environment == names.environment_id() && settings.log_group == names.instance_log_group().name;
        let matches_transition = matches!(
            (&settings.task, hook.on),
            (HookTask::Gate(_), Transition::Launch) | (HookTask::Drain(_), Transition::Terminate)
        );
        (matches_group && matches_transition).then_some(settings)
    }
}

/// The group of an instance.
///
/// # Errors
/// The outcome of the message, if the instance is in no group, or if its group could not be read.
fn member<'a>(lookup: &'a Lookup, instance: &str) -> Result<&'a GroupMember, Outcome> {
    let member = lookup.member(instance).map_err(|error| requeue(&error))?;
    member.ok_or_else(|| Outcome::Ignored(format!("the instance {instance} is not in an Auto Scaling group")))
}

/// The observation of one instance.
pub(crate) fn observation_of(observations: &Observations, instance: &str) -> Result<ObservedInstance, HookError> {
    let observations = observations.as_ref().map_err(Clone::clone)?;
    observations.get(instance).cloned().ok_or_else(|| HookError::NotObserved { instance: instance.to_owned() })
}

pub(crate) fn requeue(waiting_for: &impl ToString) -> Outcome {
    let waiting_for = vec![waiting_for.to_string()];
    Outcome::Requeued { after: pace::INITIAL_INTERVAL, waiting_for, step_started: false }
}

fn not_owned() -> Outcome {
    Outcome::Ignored(String::from("the hook is not owned by this deployment"))
}

fn owned(texts: BTreeSet<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
