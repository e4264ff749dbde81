//! The drain of one instance: by its hook, or because EC2 interrupts it.

use std::time::Duration;

use environment::hook_settings::Drain;
use futures_util::future::join;

use super::{ActionHandler, NOT_NOW, Outcome};
use crate::cloud::{HookApi, HookCallOutcome, HookResult};
use crate::drain::{self, Step, Time};
use crate::pace;

/// What a delete needs after its last instance has left: interfaces, a NAT gateway and its address take 2 to 3 minutes
/// (ARCHITECTURE, Facts).
const DELETE_NEEDS_MS: u64 = 5 * 60 * 1_000;

/// How long EC2 leaves a Spot instance after its warning: two minutes (the EC2 user guide).
pub(crate) const SPOT_MS: u64 = 2 * 60 * 1_000;

/// How long target groups may take to let an instance go, before it waits for its hooks: an hour, the longest deregistration
/// delay (the Elastic Load Balancing user guide). It is part of the activity, so of all that a sweep knows.
const TARGETS_MS: u64 = 60 * 60 * 1_000;

impl ActionHandler<'_> {
    pub(super) async fn drain(&self, cloud: &impl HookApi, drain: Drain) -> Outcome {
        if self.to_a_pool() {
            return self.complete(cloud, HookResult::Continue, "it is kept ready, so its services go on").await;
        }
        let deleted_by = match cloud.delete_deadline_ms(self.settings).await {
            Ok(ends) => ends.map_or(u64::MAX, |ends| ends.saturating_sub(DELETE_NEEDS_MS)),
            Err(reason) => {
                tracing::warn!(reason, "whether the environment is being deleted is not known");
                u64::MAX
            }
        };
        let longest = Duration::from_secs(drain.seconds.into()).min(pace::global_timeout(self.heartbeat()));
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let time = self.time(longest_ms, deleted_by, cloud.now_ms());
        match self.step(cloud, time, longest_ms).await {
            Drained::Finished(how) => self.complete(cloud, HookResult::Continue, &how).await,
            Drained::Begun(what) => self.wait(cloud, vec![what], time.left(longest_ms)).await.begun(),
            Drained::Waiting(waiting_for) => self.wait(cloud, waiting_for, time.left(longest_ms)).await,
        }
    }

    /// Drains a Spot instance with what is left of its two minutes. No hook waits, so nobody is told.
    pub(crate) async fn interrupted(&self, cloud: &impl HookApi) -> Outcome {
        let time = self.time(SPOT_MS, u64::MAX, cloud.now_ms());
        let waiting_for = match self.step(cloud, time, SPOT_MS).await {
            Drained::Finished(how) => return Outcome::Done(format!("interrupted: {how}")),
            Drained::Begun(what) => vec![what],
            Drained::Waiting(waiting_for) => waiting_for,
        };
        Outcome::Requeued { after: NOT_NOW, waiting_for, begun: false }
    }

    /// The time of a drain that may take so long. A sweep knows since when the activity goes on, but not since when the instance
    /// waits, nor since when a command runs, which has its own time: so what it finds has all the time that it may need for each.
    fn time(&self, longest_ms: u64, no_later_ms: u64, now_ms: u64) -> Time {
        let Some(began_ms) = self.began_ms else {
            return Time { now_ms, targets_ms: now_ms, ends_ms: no_later_ms };
        };
        let most_ms = if self.swept { TARGETS_MS + 2 * longest_ms } else { longest_ms };
        let ends_ms = began_ms.saturating_add(most_ms).min(no_later_ms);
        let targets_ms = began_ms + longest_ms.min(ends_ms.saturating_sub(began_ms)) / 2;
        Time { now_ms, targets_ms, ends_ms }
    }

    /// Goes as far as it goes without waiting: at most out of its target groups, and one command.
    async fn step(&self, cloud: &impl HookApi, time: Time, longest_ms: u64) -> Drained {
        let (instance, arns) = (&self.action.instance, &self.settings.target_groups);
        let (command, targets) = join(cloud.drain_status(instance, self.began_ms), cloud.target_health(arns, instance)).await;
        let facts = drain::Facts { observed: self.observed.clone(), command, targets };
        match drain::decide(&facts, time) {
            Step::Finish(how) => Drained::Finished(how),
            Step::Wait(waiting_for) => Drained::Waiting(waiting_for),
            Step::LeaveTargets => Drained::after("its target groups to let it go", cloud.deregister(arns, instance).await),
            Step::Send => match cloud.send_drain_command(instance, time.left(longest_ms)).await {
                Ok(HookCallOutcome::TooLate) => {
                    Drained::Finished(String::from("nobody can be asked to drain it any more"))
                }
                sent => Drained::after("the drain command", sent.map(|_| ())),
            },
        }
    }
}

/// Where a drain has come to.
enum Drained {
    Finished(String),
    /// Something was begun, and is waited for.
    Begun(String),
    Waiting(Vec<String>),
}

impl Drained {
    fn after(what: &str, done: Result<(), String>) -> Drained {
        done.map_or_else(|error| Drained::Waiting(vec![error]), |()| Drained::Begun(what.to_owned()))
    }
}

impl Time {
    fn left(self, longest_ms: u64) -> Duration {
        Duration::from_millis(longest_ms.min(self.ends_ms.saturating_sub(self.now_ms)))
    }
}
