//! Launches: requests to the host, and their results.

use std::time::Duration;

use crate::{
    AccountState, AutoScaling, Effect, Group, Instance, LaunchTemplate, LifecycleState, Process, Route,
    StartedInstance, Subnet, Timestamp,
    activity::{ActivityStatus, NewActivity},
    group::{Backoff, PendingLaunch},
};

/// The pause after a failed launch is the launch time, at least this; each further failure doubles the pause.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// How often the pause doubles. AWS does not document the intervals between its attempts.
const MAX_DOUBLINGS: u32 = 6;

/// The id of one launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// An instance to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The id of the launch.
    pub token: Token,
    /// The name of the group.
    pub group: String,
    /// The launch template. The version is the group's: a number, `$Latest` or `$Default`.
    pub launch_template: LaunchTemplate,
    /// The subnet of the new instance.
    pub subnet: Subnet,
    /// The group's tags that propagate, and `aws:autoscaling:groupName`.
    pub tags: Vec<(String, String)>,
}

impl AutoScaling {
    /// Records that the host has started an instance. An unknown token has no effect.
    pub fn launched(&mut self, token: Token, started: StartedInstance, now: Timestamp) {
        let due = now + self.account.timing.launch;
        let Some((group, launching)) = self.take_pending_launch(token) else { return };
        let PendingLaunch { launch_template, subnet, route, phase, activity, .. } = launching;
        group.backoff = Backoff::default();
        group.instances.push(Instance {
            id: started.instance_id.clone(),
            instance_type: started.instance_type,
            launch_template: LaunchTemplate { version: started.version, ..launch_template },
            subnet,
            state: LifecycleState::Pending,
            route,
            protected: group.settings.new_instances_protected,
            actions: Vec::new(),
            termination_protected: false,
            terminated_by_ec2: false,
            unhealthy_since: None,
            in_service: None,
            until: Some(due),
            interruption_at: None,
            deregistered_at: None,
            phase,
            activity,
        });
        self.account.history.launched(activity, &started.instance_id);
    }

    /// Records that the host could not start an instance. The launch is retried, after longer and longer pauses. An
    /// unknown token has no effect.
    pub fn launch_failed(&mut self, token: Token, reason: &str, now: Timestamp) {
        let pause = self.account.timing.launch.max(MIN_PAUSE);
        let Some((group, launching)) = self.take_pending_launch(token) else { return };
        // Launches that were requested together fail together and count as one failure.
        if group.backoff.until.is_none_or(|until| until <= now) {
            let failures = group.backoff.failures;
            group.backoff.until = Some(now + pause * 2_u32.pow(failures.min(MAX_DOUBLINGS)));
            group.backoff.failures = failures + 1;
        }
        group.cooldown.from = now;
        group.note_failed_replacement(launching.phase, now);
        self.account.history.fail(launching.activity, reason, now);
        self.account.publish_activity_ended(launching.route, "", launching.activity, now);
        self.remove_deleted(now);
    }

    fn take_pending_launch(&mut self, token: Token) -> Option<(&mut Group, PendingLaunch)> {
        let position = |group: &Group| group.launching.iter().position(|it| it.token == token);
        let (group, index) = self.groups.values_mut().find_map(|group| position(group).map(|index| (group, index)))?;
        let launching = group.launching.remove(index);
        Some((group, launching))
    }
}

impl Group {
    /// Requests the missing instances from the host.
    pub(crate) fn scale_out(&mut self, account: &mut AccountState, now: Timestamp) {
        if !self.runs(Process::Launch) {
            return;
        }
        let subnets = self.launch_subnets();
        if subnets.is_empty() {
            self.unhealthy_replacements = 0;
        }
        if subnets.is_empty() || self.next_launch(now) > now {
            return;
        }
        let causes = self.launch_causes(subnets.len(), now);
        let from_pool = self.take_from_pool(&causes, account, now);
        for (subnet, cause) in subnets.into_iter().zip(causes).skip(from_pool) {
            self.request_launch(subnet, Route::IntoGroup, cause, account, now);
        }
    }

    /// Requests an instance from the host.
    pub(crate) fn request_launch(
        &mut self,
        subnet: Subnet,
        route: Route,
        cause: String,
        account: &mut AccountState,
        now: Timestamp,
    ) {
        account.tokens += 1;
        let token = Token(account.tokens);
        let description = match route {
            Route::IntoPool => "Launching a new EC2 instance into warm pool",
            _ => "Launching a new EC2 instance",
        };
        let new = NewActivity { description: description.to_owned(), cause, status: ActivityStatus::PreInService };
        let activity = account.history.begin(self, new, Some(&subnet), now);
        let (group, launch_template) = (self.name.clone(), self.launch_template().clone());
        self.launching.push(PendingLaunch {
            token,
            launch_template: launch_template.clone(),
            subnet: subnet.clone(),
            route,
            phase: self.refresh_phase(),
            activity,
        });
        let launch = Launch { token, group, launch_template, subnet, tags: self.instance_tags() };
        account.outbox.push(Effect::Launch(launch));
    }

    /// When missing instances are launched.
    pub(crate) fn next_launch(&self, now: Timestamp) -> Timestamp {
        now.max(self.decided_at).max(self.backoff.until.unwrap_or(now))
    }

    /// The causes of a number of launches: first the replacements of Unhealthy instances, then the difference between
    /// the capacities.
    fn launch_causes(&mut self, count: usize, now: Timestamp) -> Vec<String> {
        let replacements = std::mem::take(&mut self.unhealthy_replacements).min(count);
        // Recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native).
        let replacement =
            format!("At {now} an instance was launched in response to an unhealthy instance needing to be replaced.");
        let mut causes = vec![replacement; replacements];
        if count > replacements {
            let from = self.counted() + replacements;
            let difference = format!(
                "{}At {now} an instance was started in response to a difference between desired and actual capacity, \
                 increasing the capacity from {from} to {}.",
                std::mem::take(&mut self.pending_cause),
                self.desired_capacity
            );
            causes.resize(count, difference);
        }
        causes
    }

    fn instance_tags(&self) -> Vec<(String, String)> {
        let propagated = self.tags.values().filter(|tag| tag.propagate_at_launch);
        let propagated = propagated.map(|tag| (tag.key.clone(), tag.value.clone()));
        propagated.chain([("aws:autoscaling:groupName".to_owned(), self.name.clone())]).collect()
    }
}
