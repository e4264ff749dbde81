//! Time passes: what goes on, what ends, and what the host has to do for it.

use crate::{
    AutoScaling, Books, Event, Group, Instance, Launch, LifecycleState, Notification, Timestamp, Transition,
    activity::{ActivityStatus, ActivityText},
};

/// What the host has to do, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an instance, and say how that went: [`AutoScaling::launched`] or [`AutoScaling::launch_failed`].
    Launch(Launch),
    /// Tell EventBridge.
    Tell(Event),
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
            group.turn(&mut self.books, now);
            group.grow(&mut self.books, now);
            group.shrink(&mut self.books, now);
        }
        self.remove_deleted();
        std::mem::take(&mut self.books.outbox)
    }

    /// When a step will next have something to do, if nobody calls by then: at once, later, or never.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.books.outbox.is_empty() {
            return Some(now);
        }
        self.groups.values().filter_map(|group| group.next_due(now)).min()
    }
}

impl Group {
    /// Ends the states that are over, each when it was due.
    pub(crate) fn turn(&mut self, books: &mut Books, now: Timestamp) {
        for place in 0..self.instances.len() {
            while let Some(due) = self.instances[place].next_due().filter(|due| *due <= now) {
                self.advance(place, books, due);
            }
        }
        // One that ends and waits for nothing more is gone.
        self.instances.retain(|it| it.state.is_active() || it.until.is_some());
    }

    /// Does what is due for an instance at a moment.
    fn advance(&mut self, place: usize, books: &mut Books, at: Timestamp) {
        if self.instances[place].interrupted == Some(at) {
            return self.interrupt(place, books, at);
        }
        self.instances[place].until = None;
        let state = self.instances[place].state;
        match state {
            LifecycleState::Pending if self.wait(place, Transition::Launching, books, at) => {}
            LifecycleState::Pending | LifecycleState::PendingProceed => {
                self.instances[place].state = LifecycleState::InService;
                self.instances[place].in_service = Some(at);
                self.is_done(place, Transition::Launching, books, at);
                self.replace_unhealthy(place, books, at);
            }
            LifecycleState::PendingWait | LifecycleState::TerminatingWait => self.expire(place, books, at),
            LifecycleState::Terminating if self.instances[place].leaves_targets.take().is_some() => {
                self.wait_or_end(place, books, at);
            }
            LifecycleState::Terminating | LifecycleState::TerminatingProceed => {
                self.is_done(place, Transition::Terminating, books, at);
            }
            LifecycleState::InService => {}
        }
    }

    /// What an instance has begun, it has done.
    fn is_done(&mut self, place: usize, what: Transition, books: &mut Books, at: Timestamp) {
        let Instance { id, activity, .. } = &self.instances[place];
        books.history.succeed(*activity, at);
        books.tell_ended(what, id, *activity, at);
        self.cooldown.from = self.cooldown.from.max(at);
    }

    fn shrink(&mut self, books: &mut Books, now: Timestamp) {
        let superfluous = self.superfluous();
        if superfluous.is_empty() {
            return;
        }
        let (from, to) = (self.active().count(), self.active().count() - superfluous.len());
        let cause = format!(
            "{}At {now} an instance was taken out of service in response to a difference between desired and actual \
             capacity, shrinking the capacity from {from} to {to}.  ",
            std::mem::take(&mut self.reason)
        );
        for place in superfluous {
            let chosen = format!("At {now} instance {} was selected for termination.", self.instances[place].id);
            self.terminate(place, format!("{cause}{chosen}"), books, now);
        }
    }

    /// Has an instance end once its target groups and the hooks let it, and gives the activity.
    ///
    /// Hooks are waited for however the instance comes to its end, also if a launching hook was abandoned or it never was
    /// in service: no source was found that excepts these. A forced delete of the group does not wait.
    pub(crate) fn terminate(&mut self, place: usize, cause: String, books: &mut Books, now: Timestamp) -> usize {
        let Instance { id, subnet, activity: begun, .. } = self.instances[place].clone();
        if !books.history.is_over(begun) {
            // Which event tells of this, if one does, was not found.
            books.history.cancel(begun, now);
        }
        let description = format!("Terminating EC2 instance: {id}");
        let what = ActivityText { description, cause, status: ActivityStatus::InProgress };
        let activity = books.history.begin(self, what, &subnet, now);
        self.instances[place].activity = activity;
        self.instances[place].actions.clear();
        if self.deleting {
            self.end(place, LifecycleState::Terminating, books, now);
        } else if !self.leave_targets(place, books, now) {
            self.wait_or_end(place, books, now);
        }
        activity
    }

    fn wait_or_end(&mut self, place: usize, books: &mut Books, at: Timestamp) {
        if !self.wait(place, Transition::Terminating, books, at) {
            self.end(place, LifecycleState::Terminating, books, at);
        }
    }

    /// Has an instance end now, unless EC2 has ended it.
    pub(crate) fn end(&mut self, place: usize, state: LifecycleState, books: &mut Books, at: Timestamp) {
        let instance = &mut self.instances[place];
        instance.state = state;
        instance.leaves_targets = None;
        instance.until = Some(at + books.timing.terminate);
        books.history.goes_on(instance.activity, ActivityStatus::InProgress);
        if !instance.ended_by_ec2 {
            books.outbox.push(Effect::Terminate { group: self.name.clone(), instance_id: instance.id.clone() });
        }
    }

    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.superfluous().is_empty() {
            return Some(now);
        }
        let launch = (!self.missing().is_empty()).then(|| self.backoff.until.map_or(now, |until| until.max(now)));
        self.instances.iter().filter_map(Instance::next_due).chain(launch).min()
    }
}
