//! Lifecycle actions: a launching or terminating instance waits for its group's hooks, one action for each.
//!
//! An instance waits for all hooks of a transition at the same time. A wait ends when all actions are completed, or one
//! of them is abandoned, by a call or by a time-out.

use crate::{
    AccountState, AutoScaling, Fault, Group, Hook, Instance, LifecycleActionResult, LifecycleState, Route, Timestamp,
    Transition, activity::ActivityStatus, arn::uuid, event::Detail, groups::not_found,
};

/// The API's fixed length of tokens.
const TOKEN_LENGTH: usize = 36;
/// The reason of an abandoned action in an activity: a call abandoned it, or no call completed it in time (AWS's words;
/// its text at the global time-out was not found).
const ABANDONED_BY_RESULT: &str = "Lifecycle Action Completed with ABANDON Result";
const ABANDONED_BY_TIMEOUT: &str = "Heartbeat Timeout";

/// An instance's wait for one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleAction {
    /// 36 characters in the form of a UUID, never used twice.
    pub token: String,
    /// The hook at the start of the wait: a change of the hook applies from the next wait on.
    pub hook: Hook,
    /// The route of the instance.
    pub route: Route,
    /// The start of the wait.
    pub started: Timestamp,
    /// When the wait ends without a heartbeat.
    pub heartbeat_deadline: Timestamp,
    /// When the wait ends in spite of heartbeats: after 100 heartbeats' time, at most 48 h.
    pub global_deadline: Timestamp,
}

/// The key of an action: token, instance, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionKey<'a> {
    /// The action's own token.
    pub token: Option<&'a str>,
    /// The instance that waits.
    pub instance_id: Option<&'a str>,
}

impl LifecycleAction {
    /// When the wait ends without a call.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.heartbeat_deadline.min(self.global_deadline)
    }
}

impl<'a> ActionKey<'a> {
    /// An action by its token.
    #[must_use]
    pub fn token(token: &'a str) -> Self {
        Self { token: Some(token), instance_id: None }
    }

    /// An action by its instance.
    #[must_use]
    pub fn instance(id: &'a str) -> Self {
        Self { token: None, instance_id: Some(id) }
    }

    fn check(self) -> Result<(), Fault> {
        let problem = match self.token {
            None if self.instance_id.is_none() => "neither LifecycleActionToken nor InstanceId is given".to_owned(),
            Some(token) if token.len() < TOKEN_LENGTH => length_error(token, "greater"),
            Some(token) if token.len() > TOKEN_LENGTH => length_error(token, "less"),
            _ => return Ok(()),
        };
        Err(Fault::validation(problem))
    }
}

fn length_error(token: &str, than: &str) -> String {
    format!(
        "1 validation error detected: Value '{token}' at 'lifecycleActionToken' failed to satisfy constraint: Member \
         must have length {than} than or equal to {TOKEN_LENGTH}"
    )
}

impl AutoScaling {
    /// Completes an instance's wait for a hook. A launching instance goes into service once all its hooks are completed
    /// with CONTINUE, and is terminated and replaced at the first ABANDON. A terminating instance continues to
    /// terminate, with ABANDON without waiting for its other hooks.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, the token is not 36 characters long, or the action is unknown,
    /// completed or expired.
    pub fn complete_lifecycle_action(
        &mut self,
        group: &str,
        hook: &str,
        key: ActionKey<'_>,
        result: LifecycleActionResult,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, account, (index, action)) = self.waiting(group, hook, key, now)?;
        group.complete_action(index, action, result, ABANDONED_BY_RESULT, account, now);
        Ok(())
    }

    /// Extends an instance's wait for a hook by one heartbeat's time from now on, but never beyond the global time-out.
    ///
    /// # Errors
    /// `ValidationError`: the same as for completing the action.
    pub fn record_lifecycle_action_heartbeat(
        &mut self,
        group: &str,
        hook: &str,
        key: ActionKey<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, _, (index, action)) = self.waiting(group, hook, key, now)?;
        let instance = &mut group.instances[index];
        let action = &mut instance.actions[action];
        action.heartbeat_deadline = now + action.hook.heartbeat;
        instance.until = instance.next_deadline();
        Ok(())
    }

    /// The group, the shared state, and the indexes of the instance and of its action that still waits at `now`.
    fn waiting(
        &mut self,
        group: &str,
        hook: &str,
        key: ActionKey<'_>,
        now: Timestamp,
    ) -> Result<(&mut Group, &mut AccountState, (usize, usize)), Fault> {
        key.check()?;
        let group = self.groups.get_mut(group).ok_or_else(|| not_found(group))?;
        group.advance(&mut self.account, now);
        let indexes = group.find_action(hook, key)?;
        Ok((group, &mut self.account, indexes))
    }
}

impl Group {
    /// Starts an instance's wait for the hooks of its route. Returns whether the group has such hooks. A hook whose target
    /// is not reachable is not waited for.
    pub(crate) fn wait_for_hooks(&mut self, index: usize, account: &mut AccountState, at: Timestamp) -> bool {
        let route = self.instances[index].route;
        let is_reachable = |arn: &String| !account.unreachable_targets.contains(arn);
        let is_due =
            |hook: &&Hook| hook.transition == route.transition() && hook.target_arn.as_ref().is_none_or(is_reachable);
        let hooks: Vec<Hook> = self.hooks.values().filter(is_due).cloned().collect();
        let actions: Vec<LifecycleAction> =
            hooks.into_iter().map(|hook| account.start_action(hook, route, at)).collect();
        if actions.is_empty() {
            return false;
        }
        let instance = &mut self.instances[index];
        for action in &actions {
            let (group, instance_id) = (self.name.clone(), instance.id.clone());
            account.notify(&group, &instance_id, action);
            let detail = Detail::LifecycleAction { group, instance_id, action: action.clone() };
            account.publish(vec![self.arn.clone()], detail, at);
        }
        instance.state = match route {
            Route::OutOfGroup | Route::OutOfPool => LifecycleState::TerminatingWait,
            _ => LifecycleState::PendingWait,
        };
        instance.actions = actions;
        instance.until = instance.next_deadline();
        let status = match route.transition() {
            Transition::Launching => ActivityStatus::MidLifecycleAction,
            Transition::Terminating => ActivityStatus::MidTerminatingLifecycleAction,
        };
        account.history.set_status(instance.activity, status);
        true
    }

    /// Ends the waits that have timed out, with the default results of their hooks. An instance without further waits
    /// proceeds.
    pub(crate) fn expire(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        let due = |group: &Self| group.instances[index].actions.iter().position(|it| it.deadline() <= at);
        while let Some(action) = due(self) {
            let result = self.instances[index].actions[action].hook.default_result;
            self.complete_action(index, action, result, ABANDONED_BY_TIMEOUT, account, at);
        }
    }

    /// Completes the waits for a deleted hook: with ABANDON for launching instances, with CONTINUE for terminating ones
    /// (the API reference of DeleteLifecycleHook).
    pub(crate) fn complete_actions_of(&mut self, hook: &Hook, account: &mut AccountState, now: Timestamp) {
        let result = match hook.transition {
            Transition::Launching => LifecycleActionResult::Abandon,
            Transition::Terminating => LifecycleActionResult::Continue,
        };
        for index in 0..self.instances.len() {
            if let Some(action) = self.instances[index].actions.iter().position(|it| it.hook.name == hook.name) {
                self.complete_action(index, action, result, ABANDONED_BY_RESULT, account, now);
            }
        }
    }

    /// Terminates at once the terminating instances among these that wait for target groups or hooks.
    pub(crate) fn terminate_waiting_instances(
        &mut self,
        among: impl Fn(&Instance) -> bool,
        account: &mut AccountState,
        now: Timestamp,
    ) {
        for index in 0..self.instances.len() {
            let instance = &self.instances[index];
            let waits = instance.state == LifecycleState::TerminatingWait || instance.deregistered_at.is_some();
            if waits && among(instance) {
                self.instances[index].actions.clear();
                self.terminate_now(index, LifecycleState::TerminatingProceed, account, now);
            }
        }
    }

    fn complete_action(
        &mut self,
        index: usize,
        action: usize,
        result: LifecycleActionResult,
        reason: &str,
        account: &mut AccountState,
        at: Timestamp,
    ) {
        let instance = &mut self.instances[index];
        let action = instance.actions.remove(action);
        let continues = result == LifecycleActionResult::Continue;
        if continues && !instance.actions.is_empty() {
            instance.until = instance.next_deadline();
            return;
        }
        instance.actions.clear();
        let phase = instance.phase;
        match action.route.transition() {
            _ if action.route == Route::GroupToPool => self.proceed(index, account, at),
            Transition::Launching if continues => self.proceed(index, account, at),
            Transition::Launching => {
                account.history.abandon(instance.activity, &action.token, reason, at);
                account.publish_activity_ended(action.route, &instance.id, instance.activity, at);
                let cause = format!("At {at} an instance was taken out of service in response to a launch failure.");
                self.terminate(index, cause, account, at);
                self.note_failed_replacement(phase, at);
            }
            Transition::Terminating => self.terminate_now(index, LifecycleState::TerminatingProceed, account, at),
        }
    }

    /// Lets an instance go into service, or into the warm pool.
    pub(crate) fn proceed(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        let instance = &mut self.instances[index];
        instance.state = LifecycleState::PendingProceed;
        instance.until = Some(at);
        if instance.route.transition() == Transition::Launching {
            account.history.set_status(instance.activity, ActivityStatus::PreInService);
        }
    }

    fn find_action(&self, hook: &str, key: ActionKey<'_>) -> Result<(usize, usize), Fault> {
        let matches = |id: &str, action: &LifecycleAction| {
            action.hook.name == hook
                && key.token.is_none_or(|token| token == action.token)
                && key.instance_id.is_none_or(|it| it == id)
        };
        let found = self.instances.iter().enumerate().find_map(|(index, instance)| {
            Some((index, instance.actions.iter().position(|action| matches(&instance.id, action))?))
        });
        found.ok_or_else(|| {
            let by_token = key.token.map(|token| format!("token {token}"));
            let key = by_token.unwrap_or_else(|| format!("instance ID {}", key.instance_id.unwrap_or_default()));
            Fault::validation(format!("No active Lifecycle Action found with {key}"))
        })
    }
}

impl AccountState {
    fn start_action(&mut self, hook: Hook, route: Route, at: Timestamp) -> LifecycleAction {
        self.actions += 1;
        LifecycleAction {
            token: uuid(&["lifecycle-action", &self.actions.to_string()]),
            route,
            started: at,
            heartbeat_deadline: at + hook.heartbeat,
            global_deadline: at + hook.global_timeout(),
            hook,
        }
    }
}
