//! Time passes: what starts, what ends, and what the host has to do for it.

use std::time::Duration;

use crate::{
    AutoScaling, Books, Event, Group, Instance, LaunchTemplate, LifecycleState, Moment, Notification, Started, Subnet,
    Transition,
    activity::{ActivityStatus, What},
    group::{Backoff, Launching},
};

/// The pause after a launch that failed is the launch time, at least this; it doubles with each further one.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How often it doubles. How AWS spaces its attempts is not documented.
const DOUBLINGS: u32 = 6;

/// Stands for one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

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

/// An instance to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Which launch it is.
    pub token: Token,
    /// For which group.
    pub group: String,
    /// From what. The version is what the group was given: a number, `$Latest` or `$Default`.
    pub launch_template: LaunchTemplate,
    /// Where.
    pub subnet: Subnet,
    /// The group's tags that propagate, and `aws:autoscaling:groupName`.
    pub tags: Vec<(String, String)>,
}

impl AutoScaling {
    /// Does everything that is due by now, and gives what the host has to do for it. What ended by itself ended when it
    /// was due, not now. Time never goes back: `now` is no earlier than in any call before.
    #[must_use]
    pub fn step(&mut self, now: Moment) -> Vec<Effect> {
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
    pub fn next_due(&self, now: Moment) -> Option<Moment> {
        if !self.books.outbox.is_empty() {
            return Some(now);
        }
        self.groups.values().filter_map(|group| group.next_due(now)).min()
    }

    /// An instance has started. A token that is not awaited does nothing.
    pub fn launched(&mut self, token: Token, started: Started, now: Moment) {
        let due = now + self.books.timing.launch;
        let Some((group, launching)) = self.answered(token) else { return };
        let Launching { launch_template, subnet, activity, .. } = launching;
        group.backoff = Backoff::default();
        group.instances.push(Instance {
            id: started.instance_id.clone(),
            instance_type: started.instance_type,
            launch_template: LaunchTemplate { version: started.version, ..launch_template },
            subnet,
            state: LifecycleState::Pending,
            protected: group.settings.new_instances_protected,
            actions: Vec::new(),
            ended_by_ec2: false,
            until: Some(due),
            interrupted: None,
            activity,
        });
        self.books.history.launched(activity, &started.instance_id);
    }

    /// An instance could not be started. It is tried again, later and later. A token that is not awaited does nothing.
    pub fn launch_failed(&mut self, token: Token, why: &str, now: Moment) {
        let pause = self.books.timing.launch.max(SHORTEST_PAUSE);
        let Some((group, launching)) = self.answered(token) else { return };
        // Launches that were asked for together fail together: that is one failure.
        if group.backoff.until.is_none_or(|until| until <= now) {
            let failures = group.backoff.failures;
            group.backoff.until = Some(now + pause * 2_u32.pow(failures.min(DOUBLINGS)));
            group.backoff.failures = failures + 1;
        }
        group.cooldown.from = now;
        self.books.history.fail(launching.activity, why, now);
        self.books.tell_ended(Transition::Launching, "", launching.activity, now);
        self.remove_deleted();
    }

    fn answered(&mut self, token: Token) -> Option<(&mut Group, Launching)> {
        let has = |group: &Group| group.launching.iter().position(|it| it.token == token);
        let (group, place) = self.groups.values_mut().find_map(|group| has(group).map(|place| (group, place)))?;
        let launching = group.launching.remove(place);
        Some((group, launching))
    }
}

impl Group {
    /// Ends the states that are over, each when it was due.
    pub(crate) fn turn(&mut self, books: &mut Books, now: Moment) {
        for place in 0..self.instances.len() {
            while let Some(due) = self.instances[place].next_due().filter(|due| *due <= now) {
                self.advance(place, books, due);
            }
        }
        // One that ends and waits for nothing more is gone.
        self.instances.retain(|it| it.state.is_active() || it.until.is_some());
    }

    /// Does what is due for an instance at a moment.
    fn advance(&mut self, place: usize, books: &mut Books, at: Moment) {
        if self.instances[place].interrupted == Some(at) {
            return self.interrupt(place, books, at);
        }
        self.instances[place].until = None;
        let state = self.instances[place].state;
        match state {
            LifecycleState::Pending if self.wait(place, Transition::Launching, books, at) => {}
            LifecycleState::Pending | LifecycleState::PendingProceed => {
                self.instances[place].state = LifecycleState::InService;
                self.is_done(place, Transition::Launching, books, at);
            }
            LifecycleState::PendingWait | LifecycleState::TerminatingWait => self.expire(place, books, at),
            LifecycleState::Terminating | LifecycleState::TerminatingProceed => {
                self.is_done(place, Transition::Terminating, books, at);
            }
            LifecycleState::InService => {}
        }
    }

    /// What an instance has begun, it has done.
    fn is_done(&mut self, place: usize, what: Transition, books: &mut Books, at: Moment) {
        let Instance { id, activity, .. } = &self.instances[place];
        books.history.succeed(*activity, at);
        books.tell_ended(what, id, *activity, at);
        self.cooldown.from = self.cooldown.from.max(at);
    }

    fn grow(&mut self, books: &mut Books, now: Moment) {
        let missing = self.missing();
        if missing.is_empty() || self.backoff.until.is_some_and(|until| now < until) {
            return;
        }
        let (from, to) = (self.active().count() + self.launching.len(), self.desired_capacity);
        let cause = format!(
            "{}At {now} an instance was started in response to a difference between desired and actual capacity, \
             increasing the capacity from {from} to {to}.",
            std::mem::take(&mut self.reason)
        );
        for subnet in missing {
            books.tokens += 1;
            let token = Token(books.tokens);
            let description = "Launching a new EC2 instance".to_owned();
            let what = What { description, cause: cause.clone(), status: ActivityStatus::PreInService };
            let activity = books.history.begin(self, what, &subnet, now);
            let (group, launch_template) = (self.name.clone(), self.settings.launch_template.clone());
            let launching =
                Launching { token, launch_template: launch_template.clone(), subnet: subnet.clone(), activity };
            self.launching.push(launching);
            let launch = Launch { token, group, launch_template, subnet, tags: self.instance_tags() };
            books.outbox.push(Effect::Launch(launch));
        }
    }

    fn shrink(&mut self, books: &mut Books, now: Moment) {
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

    /// Has an instance end once the hooks let it, and gives the activity.
    ///
    /// Hooks are waited for however the instance comes to its end, also if a launching hook was abandoned or it never was
    /// in service: no source was found that excepts these. A forced delete of the group does not wait.
    pub(crate) fn terminate(&mut self, place: usize, cause: String, books: &mut Books, now: Moment) -> usize {
        let Instance { id, subnet, activity: begun, .. } = self.instances[place].clone();
        if !books.history.is_over(begun) {
            // Which event tells of this, if one does, was not found.
            books.history.cancel(begun, now);
        }
        let description = format!("Terminating EC2 instance: {id}");
        let what = What { description, cause, status: ActivityStatus::InProgress };
        let activity = books.history.begin(self, what, &subnet, now);
        self.instances[place].activity = activity;
        self.instances[place].actions.clear();
        if self.deleting || !self.wait(place, Transition::Terminating, books, now) {
            self.end(place, LifecycleState::Terminating, books, now);
        }
        activity
    }

    /// Has an instance end now, unless EC2 has ended it.
    pub(crate) fn end(&mut self, place: usize, state: LifecycleState, books: &mut Books, at: Moment) {
        let instance = &mut self.instances[place];
        instance.state = state;
        instance.until = Some(at + books.timing.terminate);
        books.history.goes_on(instance.activity, ActivityStatus::InProgress);
        if !instance.ended_by_ec2 {
            books.outbox.push(Effect::Terminate { group: self.name.clone(), instance_id: instance.id.clone() });
        }
    }

    fn instance_tags(&self) -> Vec<(String, String)> {
        let own = self.tags.values().filter(|tag| tag.propagate_at_launch);
        let own = own.map(|tag| (tag.key.clone(), tag.value.clone()));
        own.chain([("aws:autoscaling:groupName".to_owned(), self.name.clone())]).collect()
    }

    fn next_due(&self, now: Moment) -> Option<Moment> {
        if !self.superfluous().is_empty() {
            return Some(now);
        }
        let launch = (!self.missing().is_empty()).then(|| self.backoff.until.map_or(now, |until| until.max(now)));
        self.instances.iter().filter_map(Instance::next_due).chain(launch).min()
    }
}
