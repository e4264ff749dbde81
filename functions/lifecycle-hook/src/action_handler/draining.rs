//! The drain of one instance: for its hook, or because EC2 interrupts the instance.

use std::time::Duration;

use environment::hook_settings::Drain;
use futures_util::future::join;

use super::{ActionHandler, Decision, Outcome, RETRY_DELAY};
use crate::cloud::{HookApi, HookCallOutcome};
use crate::drain::{self, Deadlines, DrainOutcome, SPOT_NOTICE_MS, Step};
use crate::error::HookError;
use crate::pace;

/// The time that a delete needs after its last instance is terminated: network interfaces, a NAT gateway and its
/// address take 2 to 3 minutes (ARCHITECTURE, Facts).
const DELETE_RESERVE_MS: u64 = 5 * 60 * 1_000;

/// How long target groups may take to deregister an instance, before the instance waits for its hooks: an hour, the
/// longest deregistration delay (the Elastic Load Balancing user guide). The delay is part of the scaling activity, so
/// it is part of the time that a sweep knows.
const MAX_DEREGISTRATION_MS: u64 = 60 * 60 * 1_000;

impl ActionHandler<'_> {
    pub(super) async fn drain(&self, cloud: &impl HookApi, drain: Drain) -> Outcome {
        if self.enters_warm_pool() {
            return self.complete(cloud, &Decision::Proceed(DrainOutcome::EntersWarmPool)).await;
        }
        let delete_deadline_ms = self.delete_deadline_ms(cloud).await;
        let delete_deadline_ms = delete_deadline_ms.map_or(u64::MAX, |it| it.saturating_sub(DELETE_RESERVE_MS));
        let longest = Duration::from_secs(drain.seconds.into()).min(pace::global_timeout(self.heartbeat()));
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let deadlines = self.deadlines(longest_ms, delete_deadline_ms, cloud.now_ms());
        match self.step(cloud, deadlines, longest_ms).await {
            DrainProgress::Finished(outcome) => self.complete(cloud, &Decision::Proceed(outcome)).await,
            DrainProgress::Started(step) => {
                self.keep_waiting(cloud, vec![step], deadlines.left(longest_ms)).await.with_step_started()
            }
            DrainProgress::Waiting(waiting_for) => {
                self.keep_waiting(cloud, waiting_for, deadlines.left(longest_ms)).await
            }
        }
    }

    /// Drains a Spot instance in the rest of its two minutes. No hook waits, so no lifecycle action is completed.
    pub(crate) async fn drain_interrupted(&self, cloud: &impl HookApi) -> Outcome {
        let deadlines = self.deadlines(SPOT_NOTICE_MS, u64::MAX, cloud.now_ms());
        let waiting_for = match self.step(cloud, deadlines, SPOT_NOTICE_MS).await {
            DrainProgress::Finished(outcome) => return Outcome::Done(format!("interrupted: {outcome}")),
            DrainProgress::Started(step) => vec![step],
            DrainProgress::Waiting(waiting_for) => waiting_for,
        };
        Outcome::Requeued { after: RETRY_DELAY, waiting_for, step_started: false }
    }

    /// The deadlines of a drain that may take `longest_ms`. A sweep knows when the scaling activity began, but neither
    /// when the instance began to wait, nor when a command was started, which has its own time limit: so an instance
    /// that a sweep has found gets the full time for each of them.
    fn deadlines(&self, longest_ms: u64, latest_ms: u64, now_ms: u64) -> Deadlines {
        let Some(began_ms) = self.began_ms else {
            return Deadlines { now_ms, targets_deadline_ms: now_ms, drain_deadline_ms: latest_ms };
        };
        let budget_ms = if self.found { MAX_DEREGISTRATION_MS + 2 * longest_ms } else { longest_ms };
        let drain_deadline_ms = began_ms.saturating_add(budget_ms).min(latest_ms);
        let targets_deadline_ms = began_ms + longest_ms.min(drain_deadline_ms.saturating_sub(began_ms)) / 2;
        Deadlines { now_ms, targets_deadline_ms, drain_deadline_ms }
    }

    /// Takes the next step that needs no waiting: at most the deregistration from the target groups, and one command.
    async fn step(&self, cloud: &impl HookApi, deadlines: Deadlines, longest_ms: u64) -> DrainProgress {
        let (instance, arns) = (&self.action.instance, &self.settings.target_groups);
        let (command, targets) =
            join(cloud.drain_status(instance, self.began_ms), cloud.target_health(arns, instance)).await;
        let facts = drain::Facts { observed: self.observed.clone(), command, targets };
        match drain::decide(&facts, deadlines) {
            Step::Finish(outcome) => DrainProgress::Finished(outcome),
            Step::Wait(waiting_for) => DrainProgress::Waiting(waiting_for),
            Step::DeregisterTargets => {
                DrainProgress::of_step("deregistration from its target groups", cloud.deregister(arns, instance).await)
            }
            Step::SendCommand => match cloud.send_drain_command(instance, deadlines.left(longest_ms)).await {
                Ok(HookCallOutcome::TooLate) => DrainProgress::Finished(DrainOutcome::AgentLost),
                sent => DrainProgress::of_step("the drain command", sent.map(|_| ())),
            },
        }
    }
}

/// The progress of a drain.
enum DrainProgress {
    Finished(DrainOutcome),
    /// A step was started, and is not done.
    Started(String),
    Waiting(Vec<String>),
}

impl DrainProgress {
    fn of_step(step: &str, done: Result<(), HookError>) -> DrainProgress {
        match done {
            Ok(()) => DrainProgress::Started(step.to_owned()),
            Err(error) => DrainProgress::Waiting(vec![error.to_string()]),
        }
    }
}

impl Deadlines {
    fn left(self, longest_ms: u64) -> Duration {
        Duration::from_millis(longest_ms.min(self.drain_deadline_ms.saturating_sub(self.now_ms)))
    }
}
