//! Time passes: what goes on, what ends, and what the host has to do for it.

use crate::{
    AccountState, AutoScaling, Event, Group, Instance, Launch, LifecycleState, Notification, Timestamp, Transition,
    activity::{ActivityStatus, NewActivity},
};

/// What the host has to do, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an instance, and say how that went: [`AutoScaling::launched`] or [`AutoScaling::launch_failed`].
    Launch(Launch),
    /// Tell EventBridge.
    PublishEvent(Event),
    /// Tell a hook's own target.
    Notify(Notification),
    /// End an instance. The group lists it until its time to terminate is over.
    Terminate {
        /// Whose it is.
        group: String,
        /// `i-…`
        instance_id: String,
    },
}

impl AutoScaling {
    /// Does everything that is due by now, and gives what the host has to do for it. What ended by itself ended when it
    /// was due, not now. Time never goes back: `now` is no earlier than in any call before.
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

    /// When a step will next have something to do, if nobody calls by then: at once, later, or never.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.account.outbox.is_empty() {
            return Some(now);
        }
        self.groups.values().filter_map(|group| group.next_due(now)).min()
    }
}

impl Group {
    /// Ends the states that are over, each when it was due.
    pub(crate) fn advance(&mut self, account: &mut AccountState, now: Timestamp) {
        for index in 0..self.instances.len() {
            while let Some(due) = self.instances[index].next_due().filter(|due| *due <= now) {
                self.advance_instance(index, account, due);
            }
        }
        // One that ends and waits for nothing more is gone.
        self.instances.retain(|it| it.state.is_active() || it.until.is_some());
    }

    /// Does what is due for an instance at a moment.
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

    /// What an instance has begun, it has done.
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

    /// Has an instance end once its target groups and the hooks let it, and gives the activity.
    ///
    /// Hooks are waited for however the instance comes to its end, also if a launching hook was abandoned or it never was
    /// in service: no source was found that excepts these. A forced delete of the group does not wait.
    pub(crate) fn terminate(
        &mut self,
        index: usize,
        cause: String,
        account: &mut AccountState,
        now: Timestamp,
    ) -> usize {
        let Instance { id, subnet, activity: previous, .. } = self.instances[index].clone();
        if !account.history.has_ended(previous) {
            // Which event tells of this, if one does, was not found.
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

    /// Has an instance end now, unless EC2 has ended it.
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
