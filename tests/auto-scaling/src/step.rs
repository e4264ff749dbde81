//! Time passes: due transitions, terminations, and the effects that the host has to carry out.

use crate::{
    AccountState, AutoScaling, Event, Group, Instance, Launch, LifecycleState, Notification, Timestamp, Transition,
    activity::{ActivityStatus, NewActivity},
};

/// An action for the host, to be executed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an instance, and report the result: [`AutoScaling::launched`] or [`AutoScaling::launch_failed`].
    Launch(Launch),
    /// Publish an event to EventBridge.
    PublishEvent(Event),
    /// Notify a hook's own target.
    Notify(Notification),
    /// Terminate an instance. The group lists it until its time to terminate has passed.
    Terminate {
        /// The group of the instance.
        group: String,
        /// `i-…`
        instance_id: String,
    },
}

impl AutoScaling {
    /// Performs everything that is due by `now`, and returns the effects for the host. A state that ended without a
    /// call ended when it was due, not at `now`. Time never decreases: `now` is no earlier than in any call before.
    #[must_use]
    pub fn step(&mut self, now: Timestamp) -> Vec<Effect> {
        for group in self.groups.values_mut() {
            group.advance(&mut self.account, now);
            group.scale_out(&mut self.account, now);
            group.scale_in(&mut self.account, now);
        }
        self.remove_deleted();
        std::mem::take(&mut self.account.outbox)
    }

    /// When the next step is due if no call changes a group: at once, later, or never.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.account.outbox.is_empty() {
            return Some(now);
        }
        self.groups.values().filter_map(|group| group.next_due(now)).min()
    }
}

impl Group {
    /// Ends the states that are due, each at its due time.
    pub(crate) fn advance(&mut self, account: &mut AccountState, now: Timestamp) {
        for index in 0..self.instances.len() {
            while let Some(due) = self.instances[index].next_due().filter(|due| *due <= now) {
                self.advance_instance(index, account, due);
            }
        }
        // A terminating instance without a further wait is terminated.
        self.instances.retain(|it| it.state.is_active() || it.until.is_some());
    }

    /// Performs the change of an instance that is due at a time.
    fn advance_instance(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        if self.instances[index].interruption_at == Some(at) {
            return self.interrupt(index, account, at);
        }
        self.instances[index].until = None;
        let state = self.instances[index].state;
        match state {
            LifecycleState::Pending if self.wait_for_hooks(index, Transition::Launching, account, at) => {}
            LifecycleState::Pending | LifecycleState::PendingProceed => {
                self.instances[index].state = LifecycleState::InService;
                self.instances[index].in_service = Some(at);
                self.complete_activity(index, Transition::Launching, account, at);
                self.replace_unhealthy(index, account, at);
            }
            LifecycleState::PendingWait | LifecycleState::TerminatingWait => self.expire(index, account, at),
            LifecycleState::Terminating if self.instances[index].deregistered_at.take().is_some() => {
                self.wait_or_terminate(index, account, at);
            }
            LifecycleState::Terminating | LifecycleState::TerminatingProceed => {
                self.complete_activity(index, Transition::Terminating, account, at);
            }
            LifecycleState::InService => {}
        }
    }

    /// Ends an instance's launch or termination as successful.
    fn complete_activity(&mut self, index: usize, transition: Transition, account: &mut AccountState, at: Timestamp) {
        let Instance { id, activity, .. } = &self.instances[index];
        account.history.succeed(*activity, at);
        account.publish_activity_ended(transition, id, *activity, at);
        self.cooldown.from = self.cooldown.from.max(at);
    }

    fn scale_in(&mut self, account: &mut AccountState, now: Timestamp) {
        let selected = self.excess_instances();
        if selected.is_empty() {
            return;
        }
        let (from, to) = (self.active().count(), self.active().count() - selected.len());
        let cause = format!(
            "{}At {now} an instance was taken out of service in response to a difference between desired and actual \
             capacity, shrinking the capacity from {from} to {to}.  ",
            std::mem::take(&mut self.pending_cause)
        );
        for index in selected {
            let selection = format!("At {now} instance {} was selected for termination.", self.instances[index].id);
            self.terminate(index, format!("{cause}{selection}"), account, now);
        }
    }

    /// Terminates an instance once its target groups and the hooks allow it, and returns the activity.
    ///
    /// The instance waits for hooks regardless of the cause of the termination, also if a launching hook was abandoned or
    /// the instance never was in service: no source was found that excepts these. A forced delete of the group does not
    /// wait.
    pub(crate) fn terminate(
        &mut self,
        index: usize,
        cause: String,
        account: &mut AccountState,
        now: Timestamp,
    ) -> usize {
        let Instance { id, subnet, activity: previous, .. } = self.instances[index].clone();
        if !account.history.has_ended(previous) {
            // No source was found that names the event of this cancellation, if there is one.
            account.history.cancel(previous, now);
        }
        let description = format!("Terminating EC2 instance: {id}");
        let new = NewActivity { description, cause, status: ActivityStatus::InProgress };
        let activity = account.history.begin(self, new, &subnet, now);
        self.instances[index].activity = activity;
        self.instances[index].actions.clear();
        if self.deleting {
            self.terminate_now(index, LifecycleState::Terminating, account, now);
        } else if !self.deregister_targets(index, account, now) {
            self.wait_or_terminate(index, account, now);
        }
        activity
    }

    fn wait_or_terminate(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        if !self.wait_for_hooks(index, Transition::Terminating, account, at) {
            self.terminate_now(index, LifecycleState::Terminating, account, at);
        }
    }

    /// Terminates an instance now, unless EC2 has terminated it.
    pub(crate) fn terminate_now(
        &mut self,
        index: usize,
        state: LifecycleState,
        account: &mut AccountState,
        at: Timestamp,
    ) {
        let instance = &mut self.instances[index];
        instance.state = state;
        instance.deregistered_at = None;
        instance.until = Some(at + account.timing.terminate);
        account.history.set_status(instance.activity, ActivityStatus::InProgress);
        if !instance.terminated_by_ec2 {
            account.outbox.push(Effect::Terminate { group: self.name.clone(), instance_id: instance.id.clone() });
        }
    }

    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.excess_instances().is_empty() {
            return Some(now);
        }
        let launch =
            (!self.launch_subnets().is_empty()).then(|| self.backoff.until.map_or(now, |until| until.max(now)));
        self.instances.iter().filter_map(Instance::next_due).chain(launch).min()
    }
}
