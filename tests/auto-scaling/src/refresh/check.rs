//! The check of an active refresh: the next step that is due.

use std::time::Duration;

use super::{
    AlarmState, InstanceRefresh, LONGEST, RefreshEvent, RefreshStatus, Wait, WaitKind,
    batch::{Batch, Capacity},
    view::View,
};
use crate::{AccountState, Group, Process, Route, Timestamp};

/// The result of a check that found nothing to end.
enum Step {
    /// The refresh waits, for the reason.
    Wait(String),
    /// The refresh waits, and its retries are limited.
    Blocked(String),
    /// Nothing remains to be replaced.
    Done,
}

impl Group {
    /// Does the step of an active refresh that is due. While `InstanceRefresh` is suspended a refresh pauses, and the hour
    /// of its retries begins again.
    pub(crate) fn refresh_instances(&mut self, account: &mut AccountState, now: Timestamp) {
        let is_paused = self.is_refresh_paused();
        let Some(refresh) = self.active_refresh_mut() else { return };
        if is_paused {
            (refresh.failing_since, refresh.blocked_since) = (None, None);
            return;
        }
        if refresh.next_check > now {
            return;
        }
        match refresh.status {
            RefreshStatus::Pending => self.begin_refresh(account, now),
            RefreshStatus::Cancelling => self.check_cancellation(account, now),
            _ => self.check_refresh(account, now),
        }
    }

    /// When an active refresh is checked next.
    pub(crate) fn next_refresh_check(&self, now: Timestamp) -> Option<Timestamp> {
        let refresh = self.active_refresh().filter(|_| !self.is_refresh_paused())?;
        Some(now.max(refresh.next_check))
    }

    /// Whether the process `InstanceRefresh` is suspended and the refresh would replace instances or bake.
    pub(crate) fn is_refresh_paused(&self) -> bool {
        let replaces = |it: &InstanceRefresh| {
            matches!(it.status, RefreshStatus::InProgress | RefreshStatus::Baking | RefreshStatus::RollbackInProgress)
        };
        !self.runs(Process::InstanceRefresh) && self.active_refresh().is_some_and(replaces)
    }

    /// Counts the instances to replace at the beginning of a direction.
    pub(crate) fn count_replacements(&mut self, account: &AccountState, now: Timestamp) {
        let Some(view) = self.view(account, now) else { return };
        let Some(refresh) = self.active_refresh_mut() else { return };
        refresh.total = view.remaining;
        if refresh.deployed.is_none() {
            refresh.begun_with = view.remaining;
            refresh.progress = Some(view.replacements(refresh.total).forward());
        }
    }

    fn view(&self, account: &AccountState, now: Timestamp) -> Option<View> {
        let refresh = self.active_refresh()?;
        Some(self.refresh_view(refresh, account.refresh_choices, &account.timing.latency, now))
    }

    /// A refresh that is cancelled without a wait ends after a while, and any other one with the last of its launches and
    /// terminations.
    fn check_cancellation(&mut self, account: &mut AccountState, now: Timestamp) {
        let Some(view) = self.view(account, now) else { return };
        let check = account.timing.latency.refresh_check;
        let Some(refresh) = self.active_refresh_mut() else { return };
        let waits_for_instances = refresh.wait.is_none() && (view.waiting.is_some() || view.terminating.is_some());
        if waits_for_instances {
            refresh.next_check = now + check;
            return;
        }
        self.end_refresh(RefreshStatus::Cancelled, None, account, now);
    }

    /// Checks a refresh that replaces instances or bakes.
    pub(crate) fn check_refresh(&mut self, account: &mut AccountState, now: Timestamp) {
        let Some(view) = self.view(account, now) else { return };
        let check = account.timing.latency.refresh_check;
        let surplus = self.counted().saturating_sub(self.desired_capacity as usize);
        let Some(refresh) = self.active_refresh_mut() else { return };
        refresh.next_check = refresh.check_after(now, check);
        refresh.surge = refresh.surge.min(surplus);
        refresh.record(&view);
        if let Some(reason) = refresh.failure(account, now) {
            return self.fail_refresh(&reason, account, now);
        }
        if refresh.status == RefreshStatus::Baking {
            return self.check_bake(account, now);
        }
        let step = match refresh.blocking_alarm(account) {
            Some(reason) => Step::Blocked(reason),
            None => self.replace_next(&view, account, now),
        };
        let Some(refresh) = self.active_refresh_mut() else { return };
        if !matches!(step, Step::Blocked(_)) {
            refresh.blocked_since = None;
        }
        match step {
            Step::Done => self.finish_direction(account, now),
            Step::Wait(reason) => refresh.status_reason = Some(reason),
            Step::Blocked(reason) => {
                refresh.status_reason = Some(reason);
                refresh.blocked_since.get_or_insert(now);
            }
        }
        self.follow_wait(now);
    }

    /// The end of a wait is the next check, if it comes first. A bake time without alarms needs no other check.
    fn follow_wait(&mut self, now: Timestamp) {
        let Some(refresh) = self.active_refresh_mut() else { return };
        let Some(wait) = refresh.wait.filter(|it| it.until > now) else { return };
        if wait.kind == WaitKind::Bake && refresh.preferences.alarms.is_empty() {
            refresh.next_check = wait.until;
        }
        if wait.kind != WaitKind::HealthCheck {
            refresh.next_check = refresh.next_check.min(wait.until);
        }
    }

    fn check_bake(&mut self, account: &mut AccountState, now: Timestamp) {
        let is_over = self.active_refresh().is_some_and(|it| it.wait.is_none_or(|wait| wait.until <= now));
        if is_over {
            return self.succeed_refresh(account, now);
        }
        self.follow_wait(now);
    }

    /// A direction that terminated an instance ends after a health check interval, which is one check on the way forward
    /// and longer in a rollback (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`).
    fn finish_direction(&mut self, account: &mut AccountState, now: Timestamp) {
        let latency = account.timing.latency;
        let Some(refresh) = self.active_refresh_mut() else { return };
        let is_forward = refresh.deployed.is_none();
        let interval = match (is_forward, refresh.terminated.is_empty()) {
            (true, true) => Duration::ZERO,
            (true, false) => latency.refresh_check,
            (false, _) => latency.refresh_settling,
        };
        let health_check = Wait { until: now + interval, kind: WaitKind::HealthCheck };
        let wait = refresh.wait.filter(|it| it.kind == WaitKind::HealthCheck).unwrap_or(health_check);
        refresh.wait = Some(wait);
        match (wait.until <= now, is_forward) {
            (true, true) => return self.finish_replacements(account, now),
            (true, false) => return self.succeed_rollback(account, now),
            (false, _) => {}
        }
        let Some(refresh) = self.active_refresh_mut() else { return };
        // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
        refresh.status_reason = Some("Waiting for a health check interval to pass before continuing.".to_owned());
    }

    /// Removes the instances that the last batch replaced, and starts the next batch.
    fn replace_next(&mut self, view: &View, account: &mut AccountState, now: Timestamp) -> Step {
        if let Some(subject) = &view.waiting {
            return Step::Wait(format!("Waiting for remaining instances to be available. For example: {subject}."));
        }
        self.remove_surplus(view, account, now);
        let view = &self.view(account, now).unwrap_or_default();
        if let Some(step) = self.wait_at_checkpoint(view, account, now) {
            return step;
        }
        if let Some(subject) = view.terminating.as_ref().filter(|_| self.waits_for(view, account)) {
            return Step::Wait(format!("Waiting for terminating instances before continuing. For example: {subject}."));
        }
        if view.remaining == 0 || self.is_at_last_checkpoint(view) {
            return Step::Done;
        }
        if view.replaceable.is_empty() && view.standby.is_empty() {
            let subject = view.blocked.as_deref().unwrap_or_default();
            return Step::Blocked(format!("Waiting for remaining instances to be available. For example: {subject}."));
        }
        self.start_batch(view, account, now)
    }

    /// Whether the refresh waits for terminations now: between batches, and always before it ends.
    fn waits_for(&self, view: &View, account: &AccountState) -> bool {
        account.refresh_choices.batches_wait_for_terminations || view.remaining == 0 || self.is_at_last_checkpoint(view)
    }

    /// Terminates the instances whose replacements were launched first and are ready now.
    fn remove_surplus(&mut self, view: &View, account: &mut AccountState, now: Timestamp) {
        let surplus = self.surge();
        let Some(capacity) = self.capacity(view, account) else { return };
        let removable = if self.runs(Process::Terminate) { capacity.terminations().min(surplus) } else { 0 };
        self.terminate_for_refresh(&view.replaceable[..removable], account, now);
        if let Some(refresh) = self.active_refresh_mut() {
            refresh.surge = surplus - removable;
        }
    }

    fn capacity(&self, view: &View, account: &AccountState) -> Option<Capacity> {
        let preferences = &self.active_refresh()?.preferences;
        let most = (!account.refresh_choices.surge_exceeds_max_size).then_some(self.settings.max_size as usize);
        Some(Capacity {
            desired: self.desired_capacity as usize,
            counted: self.counted(),
            ready: view.ready,
            replaceable: view.replaceable.len(),
            unready: view.unready,
            min_percentage: preferences.min_healthy_percentage.unwrap_or_default(),
            max_percentage: preferences.max_healthy_percentage,
            most,
        })
    }

    /// Waits after a checkpoint. Only the way forward has checkpoints, and the last one has no wait. A checkpoint that a
    /// scale-out undid is reached again, and of several only the highest counts (the user guide, "Add checkpoints").
    fn wait_at_checkpoint(&mut self, view: &View, account: &mut AccountState, now: Timestamp) -> Option<Step> {
        let (new, desired) = (view.new, self.desired_capacity as usize);
        let refresh = self.active_refresh_mut().filter(|it| it.deployed.is_none() && it.total > 0)?;
        let percentages = &refresh.preferences.checkpoint_percentages;
        let last = percentages.last().copied()?;
        let is_reached = |it: &&u32| new * 100 >= **it as usize * desired;
        let reached = percentages.iter().rev().find(is_reached).copied().unwrap_or_default();
        let is_new = reached > refresh.checkpoint;
        refresh.checkpoint = reached;
        let delay = refresh.preferences.checkpoint_delay.unwrap_or_default();
        if is_new && reached != last {
            refresh.wait = Some(Wait { until: now + delay, kind: WaitKind::Checkpoint });
        }
        let wait = refresh.wait.filter(|it| it.kind == WaitKind::Checkpoint);
        // There is none for the last percentage of 100 (the user guide).
        if is_new && reached < 100 {
            self.publish_refresh(RefreshEvent::CheckpointReached { percentage: reached, delay }, account, now);
        }
        if wait?.until > now {
            return Some(Step::Wait("Waiting for checkpoint delay to finish before continuing.".to_owned()));
        }
        self.active_refresh_mut()?.wait = None;
        None
    }

    fn is_at_last_checkpoint(&self, view: &View) -> bool {
        let Some(refresh) = self.active_refresh().filter(|it| it.deployed.is_none()) else { return false };
        let last = refresh.preferences.checkpoint_percentages.last();
        last.is_some_and(|last| view.new * 100 >= *last as usize * self.desired_capacity as usize)
    }

    /// How many instances the next checkpoint lets the refresh replace.
    fn checkpoint_quota(&self, view: &View) -> usize {
        let Some(refresh) = self.active_refresh().filter(|it| it.deployed.is_none()) else { return usize::MAX };
        let mut percentages = refresh.preferences.checkpoint_percentages.iter();
        let Some(next) = percentages.find(|it| **it > refresh.checkpoint) else { return usize::MAX };
        (*next as usize * self.desired_capacity as usize).div_ceil(100).saturating_sub(view.new)
    }

    fn start_batch(&mut self, view: &View, account: &mut AccountState, now: Timestamp) -> Step {
        if !self.runs(Process::Launch) || !self.runs(Process::Terminate) {
            // A guess; the user guide says that a refresh cannot continue without these processes.
            return Step::Blocked("Waiting for the processes Launch and Terminate to be resumed.".to_owned());
        }
        if let Some(until) = self.backoff.until.filter(|until| *until > now) {
            return Step::Wait(format!("Waiting until {until} before failed launches are retried."));
        }
        let quota = self.checkpoint_quota(view);
        let chosen = &view.replaceable[..view.replaceable.len().min(quota)];
        let unready = view.unready.min(chosen.len());
        let Some(mut capacity) = self.capacity(view, account) else { return Step::Done };
        (capacity.replaceable, capacity.unready) = (chosen.len(), unready);
        let Batch { launches, terminations } = capacity.batch();
        let removed: Vec<usize> = view.standby.iter().chain(&chosen[..terminations]).copied().collect();
        if launches == 0 && removed.is_empty() {
            return Step::Blocked(
                "Waiting for capacity: the group can neither launch nor terminate an instance within its bounds."
                    .to_owned(),
            );
        }
        self.terminate_for_refresh(&removed, account, now);
        let placed = self.active().map(|it| it.subnet.clone()).collect();
        for subnet in self.spread(placed, launches) {
            let cause = format!("At {now} an instance was launched in response to an instance refresh.");
            self.request_launch(subnet, Route::IntoGroup, cause, account, now);
        }
        let surge = self.counted().saturating_sub(self.desired_capacity as usize);
        if let Some(refresh) = self.active_refresh_mut() {
            refresh.surge = surge;
        }
        Step::Wait("Waiting for remaining instances to be available.".to_owned())
    }

    /// The text of the cause is recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
    fn terminate_for_refresh(&mut self, indexes: &[usize], account: &mut AccountState, now: Timestamp) {
        for index in indexes {
            let cause = format!("At {now} an instance was taken out of service in response to an instance refresh.");
            let id = self.instances[*index].id.clone();
            self.terminate(*index, cause, account, now);
            if let Some(refresh) = self.active_refresh_mut() {
                refresh.terminated.push(id);
            }
        }
    }
}

impl InstanceRefresh {
    /// The first check after a time: checks have a fixed interval from the start on, also in a rollback.
    pub(super) fn check_after(&self, now: Timestamp, interval: Duration) -> Timestamp {
        let start = self.start.unwrap_or(now);
        let checks = now.since(start).as_nanos() / interval.as_nanos().max(1) + 1;
        start + interval * u32::try_from(checks).unwrap_or(u32::MAX)
    }

    /// Records the progress, and that a new instance is ready: the hour of retries begins again with the next failure.
    fn record(&mut self, view: &View) {
        let replacements = view.replacements(self.total);
        let shown = match &self.rollback {
            Some(rollback) => replacements.backward(rollback.progress, self.begun_with),
            None => replacements.forward(),
        };
        if self.status != RefreshStatus::Baking {
            self.progress = Some(shown);
        }
        if view.new_ready > self.ready {
            self.failing_since = None;
        }
        self.ready = view.new_ready;
    }

    /// Why the current direction ends with a failure. An alarm fails the way forward at once; replacements that fail or
    /// cannot continue, after an hour; any refresh, after 14 days (the user guide; the texts are guesses).
    fn failure(&self, account: &AccountState, now: Timestamp) -> Option<String> {
        let is_forward = self.deployed.is_none();
        let state = |name: &String| account.alarms.get(name).copied();
        let alarm = self.preferences.alarms.iter().find(|name| is_forward && state(name) == Some(AlarmState::Alarm));
        if let Some(name) = alarm {
            return Some(format!("The CloudWatch alarm {name} is in the ALARM state."));
        }
        let has_passed = |since: Option<Timestamp>, span: Duration| since.is_some_and(|since| since + span <= now);
        let retries = account.timing.latency.refresh_retries;
        if has_passed(self.failing_since, retries) || has_passed(self.blocked_since, retries) {
            let reason = self.status_reason.as_deref().unwrap_or_default();
            return Some(
                format!("The instance refresh could not continue for an hour. {reason}").trim_end().to_owned(),
            );
        }
        has_passed(self.start, LONGEST).then(|| "The instance refresh took longer than 14 days.".to_owned())
    }

    /// The alarm that stops replacements on the way forward: one that is not `OK`.
    fn blocking_alarm(&self, account: &AccountState) -> Option<String> {
        let is_ok = |name: &&String| account.alarms.get(*name) == Some(&AlarmState::Ok);
        let name = self.preferences.alarms.iter().find(|name| self.deployed.is_none() && !is_ok(name))?;
        // A guess of the text.
        Some(format!("Waiting for the CloudWatch alarm {name} to be in the OK state."))
    }
}
