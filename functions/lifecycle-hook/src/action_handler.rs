//! Carries out the decision for one instance, and returns the outcome of its message.

mod draining;

use std::fmt;
use std::time::Duration;

use environment::hook_settings::{Gate, HookSettings, HookTask};
use futures_util::future::join;
use ledger::events::{HookCompletion, HookOutcome};

use crate::cloud::{HookApi, HookCallOutcome, HookResult, WaitState};
use crate::drain::DrainOutcome;
use crate::error::HookError;
use crate::evidence::{self, AbandonedInstance};
use crate::facts::{ObservedInstance, State};
use crate::gate::{self, Verdict};
use crate::notification::LifecycleAction;
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

/// The decision that completes a lifecycle action.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    /// A launching instance enters service; the reason.
    Enter(String),
    /// A launching instance is replaced; the reasons, and the location of the evidence.
    Abandon(String),
    /// A termination proceeds.
    Proceed(DrainOutcome),
}

impl Decision {
    fn result(&self) -> HookResult {
        match self {
            Decision::Enter(_) | Decision::Proceed(_) => HookResult::Continue,
            Decision::Abandon(_) => HookResult::Abandon,
        }
    }

    /// The outcome in the ledger.
    fn outcome(&self) -> HookOutcome {
        match self {
            Decision::Enter(_) => HookOutcome::Continue,
            Decision::Abandon(_) => HookOutcome::Abandon,
            Decision::Proceed(DrainOutcome::Drained) => HookOutcome::Drained,
            Decision::Proceed(_) => HookOutcome::NotDrained,
        }
    }
}

/// The reason, for the operator.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Enter(reason) | Decision::Abandon(reason) => f.write_str(reason),
            Decision::Proceed(outcome) => outcome.fmt(f),
        }
    }
}

/// The delay after a call that failed for a transient reason.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(15);

/// The extra time of the gate for an instance that a sweep has found: a minute. The wait is counted from the time at
/// which EC2 started the instance, and the instance waits when it runs, 24 to 52 s later (ARCHITECTURE, Facts).
const MAX_START_S: u32 = 60;

/// One instance in one lifecycle transition.
#[derive(Clone, Debug)]
pub(crate) struct ActionHandler<'a> {
    pub action: &'a LifecycleAction,
    pub settings: &'a HookSettings,
    /// The state in which the instance waits.
    pub waits: WaitState,
    /// The observation, made for all messages of a batch together; if the calls failed, the error.
    pub observed: Result<ObservedInstance, HookError>,
    /// Since when the instance has waited, if that is known. For an instance that a sweep has found, the start of the
    /// scaling activity, or the time at which EC2 started the instance; both precede the wait.
    pub began_ms: Option<u64>,
    /// The interval between observations at first.
    pub poll_interval: Duration,
    /// Whether the wait was found by the instance, by a sweep or by its ready marker, and not reported by a message: it began
    /// at an unknown time.
    pub found: bool,
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
        let extra = if self.found { MAX_START_S } else { 0 };
        let gate = Gate { seconds: gate.seconds.saturating_add(extra), ..gate };
        let targets = cloud.target_health(&self.settings.target_groups, &self.action.instance);
        let (targets, delete_deadline_ms) = join(targets, self.delete_deadline_ms(cloud)).await;
        let verdict = gate::decide(gate, &self.observed, &targets, waited, now_ms);
        if !matches!(verdict, Verdict::Abandon(_)) && delete_deadline_ms.is_some() {
            return self.complete(cloud, &Decision::Abandon(String::from("the environment is being deleted"))).await;
        }
        match verdict {
            Verdict::Continue(reason) => self.complete(cloud, &Decision::Enter(reason)).await,
            Verdict::Abandon(reason) => {
                // Nothing is published about an instance whose wait has ended, such as one that terminated long before a
                // late message arrived.
                if cloud.heartbeat(self.action).await == Ok(HookCallOutcome::TooLate) {
                    return Outcome::Done(format!("the lifecycle action is no longer active ({})", reason.join("; ")));
                }
                // The evidence comes first: the verdict terminates the instance.
                let abandoned = self.abandoned_instance(waited);
                let evidence = evidence::collect(cloud, &abandoned, &reason).await;
                let decision = Decision::Abandon(format!("{}; {evidence}", reason.join("; ")));
                let completed = self.complete_action(cloud, &decision).await;
                match completed {
                    Ok(HookCallOutcome::Accepted) => self.request_due_pass(cloud).await,
                    Ok(HookCallOutcome::TooLate) => evidence::record_late_verdict(cloud, &abandoned).await,
                    Err(_) => {}
                }
                self.outcome(completed, &decision)
            }
            Verdict::Wait(waiting_for) => {
                let left = Duration::from_secs(gate.seconds.into()).saturating_sub(waited.unwrap_or_default());
                self.keep_waiting(cloud, waiting_for, left).await
            }
        }
    }

    /// Requests a due pass, so that a rollout to a version whose instance is unhealthy ends at once. Without it the next
    /// due pass of the rollout finds the abandoned instance.
    async fn request_due_pass(&self, cloud: &impl HookApi) {
        let instance = &self.action.instance;
        if let Err(error) = cloud.request_due_pass(self.settings, instance).await {
            tracing::warn!(instance, reason = %error, "due pass not requested");
        }
    }

    /// The deadline of the delete of the environment, if the environment is being deleted. The record of its owner shows
    /// a Delete before the first call of the Delete, and the group only after it.
    async fn delete_deadline_ms(&self, cloud: &impl HookApi) -> Option<u64> {
        cloud.delete_deadline_ms(self.settings).await.unwrap_or_else(|error| {
            tracing::warn!(reason = %error, "delete deadline unknown");
            None
        })
    }

    /// No decision yet: sends a heartbeat to Auto Scaling if one is due, and requeues the message, until the end of the
    /// wait budget at the latest.
    ///
    /// A wait with an unknown start gets no heartbeat, or it would never end.
    async fn keep_waiting(&self, cloud: &impl HookApi, waiting_for: Vec<String>, left: Duration) -> Outcome {
        let waited = self.waited(cloud.now_ms());
        let next_poll = pace::next_poll(waited.unwrap_or_default(), self.poll_interval);
        let gap = if self.found { pace::SWEEP_INTERVAL } else { next_poll };
        if waited.is_some_and(|waited| pace::needs_heartbeat(waited, gap, self.heartbeat())) {
            match cloud.heartbeat(self.action).await {
                Ok(HookCallOutcome::Accepted) => {}
                Ok(HookCallOutcome::TooLate) => {
                    return Outcome::Done(String::from("the lifecycle action is no longer active"));
                }
                Err(error) => tracing::warn!(instance = self.action.instance, reason = %error, "heartbeat failed"),
            }
        }
        Outcome::Requeued { after: next_poll.min(left).max(Duration::from_secs(1)), waiting_for, step_started: false }
    }

    async fn complete(&self, cloud: &impl HookApi, decision: &Decision) -> Outcome {
        let completed = self.complete_action(cloud, decision).await;
        self.outcome(completed, decision)
    }

    fn outcome(&self, completed: Result<HookCallOutcome, HookError>, decision: &Decision) -> Outcome {
        match completed {
            Ok(HookCallOutcome::Accepted) => {
                Outcome::Done(format!("{}: {decision}", decision.result().summary(self.enters_warm_pool())))
            }
            Ok(HookCallOutcome::TooLate) => {
                Outcome::Done(format!("the lifecycle action is no longer active ({decision})"))
            }
            Err(error) => {
                Outcome::Requeued { after: RETRY_DELAY, waiting_for: vec![error.to_string()], step_started: false }
            }
        }
    }

    /// Completes the lifecycle action, and publishes the result.
    async fn complete_action(&self, cloud: &impl HookApi, decision: &Decision) -> Result<HookCallOutcome, HookError> {
        let result = decision.result();
        let mut completed = cloud.complete(self.action, result).await;
        if let Err(first) = &completed {
            let indeterminate = first.is_indeterminate();
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
                reason = %decision,
                seconds,
                "lifecycle action completed"
            );
            self.publish(cloud, decision).await;
        }
        completed
    }

    /// Publishes the result to the ledger. Auto Scaling's own events report the end of the wait too, so a failure does
    /// not delay the action.
    async fn publish(&self, cloud: &impl HookApi, decision: &Decision) {
        if matches!(decision, Decision::Proceed(_)) && self.has_nothing_to_drain() {
            return;
        }
        let LifecycleAction { group, instance, token, .. } = self.action;
        let (outcome, reason) = (decision.outcome(), &decision.to_string());
        let (token, began_ms, ended_ms) = (token.as_deref(), self.began_ms, cloud.now_ms());
        let completion = HookCompletion { group, instance, token, outcome, reason, began_ms, ended_ms };
        if let Err(error) = cloud.publish(&completion.event()).await {
            let (kind, outcome) = (outcome.kind(), outcome.name());
            tracing::warn!(instance, kind, outcome, %error, "ledger publish failed");
        }
    }

    fn abandoned_instance(&self, waited: Option<Duration>) -> AbandonedInstance<'_> {
        AbandonedInstance {
            instance: &self.action.instance,
            group: &self.action.group,
            log_group: &self.settings.log_group,
            observed: &self.observed,
            waited,
        }
    }

    /// Whether the instance has nothing to drain: its services continue in a warm pool, or are stopped there.
    fn has_nothing_to_drain(&self) -> bool {
        let from_warm_pool = self.waits == WaitState::WarmedTerminating;
        let is_stopped = self.observed.as_ref().is_ok_and(|observed| observed.state == State::Stopped);
        self.enters_warm_pool() || (from_warm_pool && is_stopped)
    }

    fn enters_warm_pool(&self) -> bool {
        self.waits == WaitState::WarmedPending
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
