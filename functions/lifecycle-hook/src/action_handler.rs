//! Carries out what was decided for one instance, and says what becomes of its message.

mod draining;

pub(crate) use draining::SPOT_MS;

use std::time::Duration;

use environment::hook_settings::{Gate, HookSettings, HookTask};
use ledger::events::{DRAIN, GATE, HookCompletion};

use crate::cloud::{HookApi, CompletionError, HookCallOutcome, HookResult};
use crate::drain;
use crate::evidence;
use crate::facts::{ObservedInstance, State};
use crate::gate::{self, Verdict};
use crate::notification::{LifecycleAction, Location};
use crate::pace;

/// What becomes of a message, or of an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing more to do; how it ended.
    Done(String),
    /// It was none of ours, or nothing to act on; why.
    Ignored(String),
    /// It is looked at again.
    Requeued {
        /// How long it is left alone until then.
        after: Duration,
        /// What for, a sentence each.
        waiting_for: Vec<String>,
        /// Whether something was begun just now, that will soon be over.
        begun: bool,
    },
}

/// How long something that failed in passing stays away.
const NOT_NOW: Duration = Duration::from_secs(15);

/// How much longer the gate of an instance is that a sweep has found: a minute. Its wait is counted from when EC2 started it,
/// and it waits when it runs, 24 to 52 s later (ARCHITECTURE, Facts).
const STARTS_WITHIN_S: u32 = 60;

/// One instance at one end of its life.
#[derive(Clone, Debug)]
pub(crate) struct ActionHandler<'a> {
    pub action: &'a LifecycleAction,
    pub settings: &'a HookSettings,
    /// As looked up for all messages of a batch together; if that failed, why.
    pub observed: Result<ObservedInstance, String>,
    /// Since when it waits, if that is known. Of what a sweep has found, since when its activity goes on, or since when EC2 has
    /// started it; both begin before the wait.
    pub began_ms: Option<u64>,
    /// How often it is looked at at first.
    pub poll_interval: Duration,
    /// Whether a sweep looks, and no message.
    pub swept: bool,
}

impl ActionHandler<'_> {
    pub(crate) async fn act(&self, cloud: &impl HookApi) -> Outcome {
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
        let more = if self.swept { STARTS_WITHIN_S } else { 0 };
        let gate = Gate { seconds: gate.seconds.saturating_add(more), ..gate };
        let targets = cloud.target_health(&self.settings.target_groups, &self.action.instance).await;
        match gate::decide(gate, &self.observed, &targets, waited, now_ms) {
            Verdict::Continue(reason) => self.complete(cloud, HookResult::Continue, &reason).await,
            Verdict::Abandon(reason) => {
                // Nothing is told of an instance whose wait is over, such as one that ended long before a late message came.
                let too_late = match cloud.heartbeat(self.action).await {
                    Ok(told) => told == HookCallOutcome::TooLate,
                    Err(_) => self.has_left(cloud).await,
                };
                if too_late {
                    return Outcome::Done(format!("nobody waits for it any more ({})", reason.join("; ")));
                }
                // First what it can still tell: with the verdict it ends.
                let told = evidence::gather(cloud, self, &reason, now_ms).await;
                let reason = format!("{}; {told}", reason.join("; "));
                let ended = self.end(cloud, HookResult::Abandon, &reason).await;
                if ended == Ok(HookCallOutcome::TooLate) {
                    evidence::overtaken(cloud, self).await;
                }
                self.outcome(cloud, ended, HookResult::Abandon, &reason).await
            }
            Verdict::Wait(waiting_for) => {
                let left = Duration::from_secs(gate.seconds.into()).saturating_sub(waited.unwrap_or_default());
                self.wait(cloud, waiting_for, left).await
            }
        }
    }

    /// Nothing is decided yet: Auto Scaling is told if it is time to, and it comes back, at the end of its time at the latest.
    ///
    /// A wait of which nobody knows since when is not kept up, or it would never end.
    async fn wait(&self, cloud: &impl HookApi, waiting_for: Vec<String>, left: Duration) -> Outcome {
        let waited = self.waited(cloud.now_ms());
        let pause = pace::next_poll(waited.unwrap_or_default(), self.poll_interval);
        let gap = if self.swept { pace::SWEEP_INTERVAL } else { pause };
        if waited.is_some_and(|waited| pace::needs_heartbeat(waited, gap, self.heartbeat())) {
            match cloud.heartbeat(self.action).await {
                Ok(HookCallOutcome::Accepted) => {}
                Ok(HookCallOutcome::TooLate) => return Outcome::Done(String::from("nobody waits for it any more")),
                Err(reason) => tracing::warn!(instance = self.action.instance, reason, "no heartbeat"),
            }
        }
        Outcome::Requeued { after: pause.min(left).max(Duration::from_secs(1)), waiting_for, begun: false }
    }

    async fn complete(&self, cloud: &impl HookApi, result: HookResult, reason: &str) -> Outcome {
        let ended = self.end(cloud, ends, reason).await;
        self.outcome(cloud, ended, ends, reason).await
    }

    async fn outcome(
        &self,
        cloud: &impl HookApi,
        ended: Result<HookCallOutcome, String>,
        result: HookResult,
        reason: &str,
    ) -> Outcome {
        match ended {
            Ok(HookCallOutcome::Accepted) => Outcome::Done(format!("{}: {reason}", ends.told(self.to_a_pool()))),
            Ok(HookCallOutcome::TooLate) => Outcome::Done(format!("nobody waits for it any more ({reason})")),
            Err(_) if self.has_left(cloud).await => Outcome::Done(format!("it has left its group ({reason})")),
            Err(error) => Outcome::Requeued { after: NOT_NOW, waiting_for: vec![error], begun: false },
        }
    }

    /// Whether the instance is no longer in its group, so that nobody waits. IAM lets the function end the waits of groups with
    /// our tags; a group that is gone has none, and then it refuses before Auto Scaling could say that nobody waits.
    async fn has_left(&self, cloud: &impl HookApi) -> bool {
        cloud.group_of(&self.action.instance).await.is_ok_and(|group| group.as_ref() != Some(&self.action.group))
    }

    /// Ends the wait, and tells of it.
    async fn end(&self, cloud: &impl HookApi, result: HookResult, reason: &str) -> Result<HookCallOutcome, String> {
        let mut ended = cloud.complete(self.action, ends).await;
        if let Err(CompletionError { indeterminate, .. }) = ended {
            ended = cloud.complete(self.action, ends).await;
            // The answer may be lost, and not the call: if nobody waits a moment later, it was this one.
            if indeterminate && ended == Ok(HookCallOutcome::TooLate) {
                ended = Ok(HookCallOutcome::Accepted);
            }
        }
        if ended == Ok(HookCallOutcome::Accepted) {
            let (result, environment) = (ends.told(self.to_a_pool()), &self.settings.environment);
            let LifecycleAction { group, instance, .. } = self.action;
            let seconds = self.waited(cloud.now_ms()).map(|it| it.as_secs());
            tracing::info!(environment, group, instance, result, reason, seconds, "the wait is over");
            self.publish(cloud, ends, reason).await;
        }
        ended.map_err(|it| it.reason)
    }

    /// For the ledger. That the wait is over is told by Auto Scaling's own events too, so it is not held up for this.
    async fn publish(&self, cloud: &impl HookApi, result: HookResult, reason: &str) {
        if matches!(self.settings.task, HookTask::Drain(_)) && self.is_pooled() {
            return;
        }
        let (what, outcome) = match (&self.settings.task, ends) {
            (HookTask::Gate(_), HookResult::Continue) => (GATE, "continue"),
            (HookTask::Gate(_), HookResult::Abandon) => (GATE, "abandon"),
            (HookTask::Drain(_), _) if reason == drain::DRAINED => (DRAIN, "drained"),
            (HookTask::Drain(_), _) => (DRAIN, "not-drained"),
        };
        let LifecycleAction { group, instance, token, .. } = self.action;
        let (token, began_ms, ended_ms) = (token.as_deref(), self.began_ms, cloud.now_ms());
        let over = HookCompletion { group, instance, token, kind: what, outcome, reason, began_ms, ended_ms };
        if let Err(error) = cloud.publish(&over.event()).await {
            tracing::warn!(instance, what, outcome, error, "the ledger does not know");
        }
    }

    /// Whether it has nothing to drain: its services go on in a warm pool, or are stopped there.
    fn is_pooled(&self) -> bool {
        let from_a_pool = self.action.route.is_some_and(|(from, _)| from == Location::WarmPool);
        let is_stopped = self.observed.as_ref().is_ok_and(|observed| observed.state == State::Stopped);
        self.to_a_pool() || (from_a_pool && is_stopped)
    }

    fn to_a_pool(&self) -> bool {
        self.action.route.is_some_and(|(_, to)| to == Location::WarmPool)
    }
}

impl Outcome {
    fn begun(self) -> Outcome {
        match self {
            Outcome::Requeued { after, waiting_for, .. } => Outcome::Requeued { after, waiting_for, begun: true },
            over => over,
        }
    }
}

impl HookResult {
    fn told(self, to_a_pool: bool) -> &'static str {
        match self {
            HookResult::Continue if to_a_pool => "CONTINUE, into the warm pool",
            HookResult::Continue => "CONTINUE",
            HookResult::Abandon => "ABANDON",
        }
    }
}
