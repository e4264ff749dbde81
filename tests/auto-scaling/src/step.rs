//! Time passes: due transitions, terminations, and the effects that the host has to carry out.

use crate::{
    AccountState, AutoScaling, Event, Group, Instance, Latency, Launch, LifecycleState, Notification, Route, Timestamp,
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
            group.replace_unhealthy(&mut self.account, now);
            group.refresh_instances(&mut self.account, now);
            group.scale_out(&mut self.account, now);
            group.scale_in(&mut self.account, now);
            group.size_warm_pool(&mut self.account, now);
        }
        self.remove_deleted(now);
        std::mem::take(&mut self.account.outbox)
    }

    /// When the next step is due if no call changes a group: at once, later, or never.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.account.outbox.is_empty() {
            return Some(now);
        }
        self.groups.values().filter_map(|group| group.next_due(&self.account.timing.latency, now)).min()
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
        self.instances.retain(|it| !it.has_left());
    }

    /// Performs the change of an instance that is due at a time.
    fn advance_instance(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        if self.instances[index].interruption_at == Some(at) {
            return self.interrupt(index, account);
        }
        self.instances[index].until = None;
        let state = self.instances[index].state;
        match state {
            LifecycleState::Pending if self.instances[index].in_service.is_some() => {
                // It returns from Standby.
                self.instances[index].state = LifecycleState::InService;
                account.history.succeed(self.instances[index].activity, at);
            }
            LifecycleState::Pending if self.wait_for_hooks(index, account, at) => {}
            LifecycleState::Pending | LifecycleState::PendingProceed => {
                let state = self.arrived(index);
                self.instances[index].in_service = (state == LifecycleState::InService).then_some(at);
                self.instances[index].state = state;
                self.complete_activity(index, account, at);
            }
            LifecycleState::EnteringStandby => {
                self.instances[index].state = LifecycleState::Standby;
                account.history.succeed(self.instances[index].activity, at);
            }
            LifecycleState::Detaching => account.history.succeed(self.instances[index].activity, at),
            LifecycleState::PendingWait | LifecycleState::TerminatingWait => self.expire(index, account, at),
            LifecycleState::Terminating if self.instances[index].deregistered_at.take().is_some() => {
                self.wait_or_terminate(index, account, at);
            }
            LifecycleState::Terminating | LifecycleState::TerminatingProceed => {
                self.complete_activity(index, account, at);
            }
            LifecycleState::Planted(_) => self.instances[index].state = LifecycleState::Terminating,
            LifecycleState::InService | LifecycleState::Standby | LifecycleState::Ready(_) => {}
        }
    }

    /// Ends an instance's launch or termination as successful.
    fn complete_activity(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        let Instance { id, route, activity, .. } = &self.instances[index];
        account.history.succeed(*activity, at);
        account.publish_activity_ended(*route, id, *activity, at);
        self.cooldown.from = self.cooldown.from.max(at);
    }

    fn scale_in(&mut self, account: &mut AccountState, now: Timestamp) {
        if now < self.decided_at {
            return;
        }
        let selected = self.excess_instances();
        if let Some(refresh) = self.refreshes.last_mut().filter(|_| selected.is_empty()) {
            refresh.shed_unready();
        }
        if selected.is_empty() {
            return self.forget_request(account, now);
        }
        let is_kept = |(index, it): (usize, &Instance)| it.is_counted() && !selected.contains(&index);
        let to = self.instances.iter().enumerate().filter(|it| is_kept(*it)).count();
        let from = to + selected.len();
        let cause = format!(
            "{}At {now} an instance was taken out of service in response to a difference between desired and actual \
             capacity, shrinking the capacity from {from} to {to}.  ",
            std::mem::take(&mut self.pending_cause)
        );
        for index in selected {
            let id = &self.instances[index].id;
            if self.reuses_instances() {
                let cause = format!("{cause}At {now} instance {id} was selected for scale in to warm pool.");
                self.return_to_pool(index, cause, account, now);
            } else {
                let cause = format!("{cause}At {now} instance {id} was selected for termination.");
                self.terminate(index, cause, account, now);
            }
        }
    }

    /// Forgets a request that changed the desired capacity when no activity will contain it. A scale-in of which all
    /// instances are protected leaves one cancelled activity; a change that other activities have met leaves none
    /// (both recorded on AWS, September 2026: stackd 9dc356f5, lifecycle_native and
    /// `failure_boundaries_native_complete`).
    fn forget_request(&mut self, account: &mut AccountState, now: Timestamp) {
        if self.counted() == self.desired_capacity as usize {
            self.pending_cause.clear();
        } else if self.is_blocked() {
            let request = std::mem::take(&mut self.pending_cause);
            let cause = format!("{request}At {now} group reached equilibrium.");
            account.history.blocked_by_protection(self, cause, now);
        }
    }

    /// Terminates an instance once its target groups and the hooks allow it, and returns the activity.
    ///
    /// The instance waits for hooks regardless of the cause of the termination, also if a launching hook was abandoned or
    /// the group is deleted with force (both recorded on AWS, September 2026: stackd 9dc356f5, lifecycle_native), and if
    /// the instance never was in service: no source was found that excepts it.
    pub(crate) fn terminate(
        &mut self,
        index: usize,
        cause: String,
        account: &mut AccountState,
        now: Timestamp,
    ) -> usize {
        let Instance { id, subnet, route, activity: previous, terminated_by_ec2, .. } = self.instances[index].clone();
        // No source was found that names the event of this cancellation, if there is one.
        if !account.history.has_ended(previous) {
            if terminated_by_ec2 {
                account.history.cancel_unhealthy(previous, now);
            } else {
                account.history.cancel(previous, now);
            }
        }
        let (route, from) =
            if route.is_warmed() { (Route::OutOfPool, " from warm pool") } else { (Route::OutOfGroup, "") };
        let description = format!("Terminating EC2 instance{from}: {id}");
        let new = NewActivity { description, cause, status: ActivityStatus::InProgress };
        let activity = account.history.begin(self, new, Some(&subnet), now);
        self.instances[index].activity = activity;
        self.instances[index].route = route;
        self.instances[index].actions.clear();
        if !self.deregister_targets(index, account, now) {
            self.wait_or_terminate(index, account, now);
        }
        activity
    }

    fn wait_or_terminate(&mut self, index: usize, account: &mut AccountState, at: Timestamp) {
        if !self.wait_for_hooks(index, account, at) {
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
        account.history.finish_waiting(instance.activity);
        if !instance.terminated_by_ec2 {
            account.outbox.push(Effect::Terminate { group: self.name.clone(), instance_id: instance.id.clone() });
        }
    }

    fn next_due(&self, latency: &Latency, now: Timestamp) -> Option<Timestamp> {
        let scales_in = self.is_blocked() || !self.excess_instances().is_empty();
        let termination = scales_in.then(|| now.max(self.decided_at));
        let launch = (!self.launch_subnets().is_empty()).then(|| self.next_launch(now));
        let replacement = self.next_replacement(latency.health).map(|due| now.max(due));
        let removal = self.removal(latency).map(|due| now.max(due));
        let pool = self.next_pool_change(now);
        let refresh = self.next_refresh_check(now);
        let decisions = [termination, launch, replacement, removal, pool, refresh];
        self.instances.iter().filter_map(Instance::next_due).chain(decisions.into_iter().flatten()).min()
    }
}
