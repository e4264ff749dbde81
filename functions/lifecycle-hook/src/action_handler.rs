//! Carries out the decision for one instance, and returns the outcome of its message.

mod draining;

pub(crate) use draining::SPOT_NOTICE_MS;

use std::time::Duration;

use environment::hook_settings::{Gate, HookSettings, HookTask};
use ledger::events::{DRAIN, GATE, HookCompletion};

use crate::cloud::{CompletionError, HookApi, HookCallOutcome, HookResult};
use crate::drain;
use crate::evidence;
use crate::facts::{ObservedInstance, State};
use crate::gate::{self, Verdict};
use crate::notification::{LifecycleAction, Location};
use crate::pace;

/// The outcome of a message, or of an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No work remains; the result.
    Done(String),
    /// The hook is not owned, or the event needs no action; the reason.
    Ignored(String),
    /// The instance is observed again.
    Requeued {
        /// The delay until then.
        after: Duration,
        /// The conditions that are not met, a sentence each.
        waiting_for: Vec<String>,
        /// Whether a step was started just now that will soon be done.
        step_started: bool,
    },
}

/// The delay after a call that failed for a transient reason.
const RETRY_DELAY: Duration = Duration::from_secs(15);

/// The extra time of the gate for an instance that a sweep has found: a minute. The wait is counted from the time at
/// which EC2 started the instance, and the instance waits when it runs, 24 to 52 s later (ARCHITECTURE, Facts).
const MAX_START_S: u32 = 60;

/// One instance in one lifecycle transition.
#[derive(Clone, Debug)]
pub(crate) struct ActionHandler<'a> {
    pub action: &'a LifecycleAction,
    pub settings: &'a HookSettings,
    /// The observation, made for all messages of a batch together; if the calls failed, the reason.
    pub observed: Result<ObservedInstance, String>,
    /// Since when the instance has waited, if that is known. For an instance that a sweep has found, the start of the
    /// scaling activity, or the time at which EC2 started the instance; both precede the wait.
    pub began_ms: Option<u64>,
    /// The interval between observations at first.
    pub poll_interval: Duration,
    /// Whether a sweep found the instance, not a message.
    pub swept: bool,
}

impl ActionHandler<'_> {
    pub(crate) async fn handle(&self, cloud: &impl HookApi) -> Outcome {
        match self.settings.task {
            HookTask::Gate(gate) => self.gate(cloud, gate).await,
            HookTask::Drain(drain) => self.drain(cloud, drain).await,
        }
    }

    pub(crate) fn waited(&self, now_ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(now_ms.saturating_sub(self.began_ms?)))
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.settings.heartbeat_seconds.into())
    }

    async fn gate(&self, cloud: &impl HookApi, gate: Gate) -> Outcome {
        let now_ms = cloud.now_ms();
        let waited = self.waited(now_ms);
        let extra = if self.swept { MAX_START_S } else { 0 };
        let gate = Gate { seconds: gate.seconds.saturating_add(extra), ..gate };
        let targets = cloud.target_health(&self.settings.target_groups, &self.action.instance).await;
        match gate::decide(gate, &self.observed, &targets, waited, now_ms) {
            Verdict::Continue(reason) => self.complete(cloud, HookResult::Continue, &reason).await,
            Verdict::Abandon(reason) => {
                // Nothing is published about an instance whose wait has ended, such as one that terminated long before a
                // late message arrived.
                let too_late = match cloud.heartbeat(self.action).await {
                    Ok(outcome) => outcome == HookCallOutcome::TooLate,
                    Err(_) => self.has_left(cloud).await,
                };
                if too_late {
                    return Outcome::Done(format!("the lifecycle action is no longer active ({})", reason.join("; ")));
                }
                // The evidence comes first: the verdict terminates the instance.
                let evidence = evidence::collect(cloud, self, &reason, now_ms).await;
                let reason = format!("{}; {evidence}", reason.join("; "));
                let completed = self.complete_action(cloud, HookResult::Abandon, &reason).await;
                if completed == Ok(HookCallOutcome::TooLate) {
                    evidence::record_late_verdict(cloud, self).await;
                }
                self.outcome(cloud, completed, HookResult::Abandon, &reason).await
            }
            Verdict::Wait(waiting_for) => {
                let left = Duration::from_secs(gate.seconds.into()).saturating_sub(waited.unwrap_or_default());
                self.keep_waiting(cloud, waiting_for, left).await
            }
        }
    }

    /// No decision yet: sends a heartbeat to Auto Scaling if one is due, and requeues the message, until the end of the
    /// wait budget at the latest.
    ///
    /// A wait with an unknown start gets no heartbeat, or it would never end.
    async fn keep_waiting(&self, cloud: &impl HookApi, waiting_for: Vec<String>, left: Duration) -> Outcome {
        let waited = self.waited(cloud.now_ms());
        let next_poll = pace::next_poll(waited.unwrap_or_default(), self.poll_interval);
        let gap = if self.swept { pace::SWEEP_INTERVAL } else { next_poll };
        if waited.is_some_and(|waited| pace::needs_heartbeat(waited, gap, self.heartbeat())) {
            match cloud.heartbeat(self.action).await {
                Ok(HookCallOutcome::Accepted) => {}
                Ok(HookCallOutcome::TooLate) => {
                    return Outcome::Done(String::from("the lifecycle action is no longer active"));
                }
                Err(reason) => tracing::warn!(instance = self.action.instance, reason, "heartbeat failed"),
            }
        }
        Outcome::Requeued { after: next_poll.min(left).max(Duration::from_secs(1)), waiting_for, step_started: false }
    }

    async fn complete(&self, cloud: &impl HookApi, result: HookResult, reason: &str) -> Outcome {
        let completed = self.complete_action(cloud, result, reason).await;
        self.outcome(cloud, completed, result, reason).await
    }

    async fn outcome(
        &self,
        cloud: &impl HookApi,
        completed: Result<HookCallOutcome, String>,
        result: HookResult,
        reason: &str,
    ) -> Outcome {
        match completed {
            Ok(HookCallOutcome::Accepted) => {
                Outcome::Done(format!("{}: {reason}", result.summary(self.enters_warm_pool())))
            }
            Ok(HookCallOutcome::TooLate) => {
                Outcome::Done(format!("the lifecycle action is no longer active ({reason})"))
            }
            Err(_) if self.has_left(cloud).await => {
                Outcome::Done(format!("the instance has left its group ({reason})"))
            }
            Err(error) => Outcome::Requeued { after: RETRY_DELAY, waiting_for: vec![error], step_started: false },
        }
    }

    /// Whether the instance is no longer in its group, so that no lifecycle action is active. IAM lets the function
    /// complete the lifecycle actions of groups with the deployment's tags; a deleted group has none, and then IAM
    /// denies the call before Auto Scaling could answer that no action is active.
    async fn has_left(&self, cloud: &impl HookApi) -> bool {
        cloud.group_of(&self.action.instance).await.is_ok_and(|group| group.as_ref() != Some(&self.action.group))
    }

    /// Completes the lifecycle action, and publishes the result.
    async fn complete_action(
        &self,
        cloud: &impl HookApi,
        result: HookResult,
        reason: &str,
    ) -> Result<HookCallOutcome, String> {
        let mut completed = cloud.complete(self.action, result).await;
        if let Err(CompletionError { indeterminate, .. }) = completed {
            completed = cloud.complete(self.action, result).await;
            // The response may be lost although the call succeeded: if no action is active a moment later, this call
            // completed it.
            if indeterminate && completed == Ok(HookCallOutcome::TooLate) {
                completed = Ok(HookCallOutcome::Accepted);
            }
        }
        if completed == Ok(HookCallOutcome::Accepted) {
            let (summary, environment) = (result.summary(self.enters_warm_pool()), &self.settings.environment);
            let LifecycleAction { group, instance, .. } = self.action;
            let seconds = self.waited(cloud.now_ms()).map(|it| it.as_secs());
            tracing::info!(
                environment,
                group,
                instance,
                result = summary,
                reason,
                seconds,
                "lifecycle action completed"
            );
            self.publish(cloud, result, reason).await;
        }
        completed.map_err(|it| it.reason)
    }

    /// Publishes the result to the ledger. Auto Scaling's own events report the end of the wait too, so a failure does
    /// not delay the action.
    async fn publish(&self, cloud: &impl HookApi, result: HookResult, reason: &str) {
        if matches!(self.settings.task, HookTask::Drain(_)) && self.has_nothing_to_drain() {
            return;
        }
        let (kind, outcome) = match (&self.settings.task, result) {
            (HookTask::Gate(_), HookResult::Continue) => (GATE, "continue"),
            (HookTask::Gate(_), HookResult::Abandon) => (GATE, "abandon"),
            (HookTask::Drain(_), _) if reason == drain::DRAINED => (DRAIN, "drained"),
            (HookTask::Drain(_), _) => (DRAIN, "not-drained"),
        };
        let LifecycleAction { group, instance, token, .. } = self.action;
        let (token, began_ms, ended_ms) = (token.as_deref(), self.began_ms, cloud.now_ms());
        let completion = HookCompletion { group, instance, token, kind, outcome, reason, began_ms, ended_ms };
        if let Err(error) = cloud.publish(&completion.event()).await {
            tracing::warn!(instance, kind, outcome, error, "ledger publish failed");
        }
    }

    /// Whether the instance has nothing to drain: its services continue in a warm pool, or are stopped there.
    fn has_nothing_to_drain(&self) -> bool {
        let from_warm_pool = self.action.route.is_some_and(|(origin, _)| origin == Location::WarmPool);
        let is_stopped = self.observed.as_ref().is_ok_and(|observed| observed.state == State::Stopped);
        self.enters_warm_pool() || (from_warm_pool && is_stopped)
    }

    fn enters_warm_pool(&self) -> bool {
        self.action.route.is_some_and(|(_, destination)| destination == Location::WarmPool)
    }
}

impl Outcome {
    fn with_step_started(self) -> Outcome {
        match self {
            Outcome::Requeued { after, waiting_for, .. } => {
                Outcome::Requeued { after, waiting_for, step_started: true }
            }
            done => done,
        }
    }
}

impl HookResult {
    fn summary(self, enters_warm_pool: bool) -> &'static str {
        match self {
            HookResult::Continue if enters_warm_pool => "CONTINUE, into the warm pool",
            HookResult::Continue => "CONTINUE",
            HookResult::Abandon => "ABANDON",
        }
    }
}
