//! Carries out what was decided for one instance, and says what becomes of its message.

mod draining;

pub(crate) use draining::SPOT_MS;

use std::time::Duration;

use environment::hook_settings::{Gate, HookSettings, Task};
use ledger::told::{DRAIN, GATE, WaitIsOver};

use crate::cloud::{Cloud, Ends, NotEnded, Told};
use crate::drain;
use crate::evidence;
use crate::facts::{Seen, State};
use crate::gate::{self, Verdict};
use crate::notice::{Action, Place};
use crate::pace;

/// What becomes of a message, or of an instance that a sweep has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing more to do; how it ended.
    Done(String),
    /// It was none of ours, or nothing to act on; why.
    Ignored(String),
    /// It is looked at again.
    ComesBack {
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
pub(crate) struct Case<'a> {
    pub action: &'a Action,
    pub settings: &'a HookSettings,
    /// As looked up for all messages of a batch together; if that failed, why.
    pub seen: Result<Seen, String>,
    /// Since when it waits, if that is known. Of what a sweep has found, since when its activity goes on, or since when EC2 has
    /// started it; both begin before the wait.
    pub began_ms: Option<u64>,
    /// How often it is looked at at first.
    pub look_every: Duration,
    /// Whether a sweep looks, and no message.
    pub swept: bool,
}

impl Case<'_> {
    pub(crate) async fn act(&self, cloud: &impl Cloud) -> Outcome {
        match self.settings.task {
            Task::Gate(gate) => self.gate(cloud, gate).await,
            Task::Drain(drain) => self.drain(cloud, drain).await,
        }
    }

    pub(crate) fn waited(&self, now_ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(now_ms.saturating_sub(self.began_ms?)))
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.settings.heartbeat_seconds.into())
    }

    async fn gate(&self, cloud: &impl Cloud, gate: Gate) -> Outcome {
        let now_ms = cloud.now_ms();
        let waited = self.waited(now_ms);
        let more = if self.swept { STARTS_WITHIN_S } else { 0 };
        let gate = Gate { seconds: gate.seconds.saturating_add(more), ..gate };
        let targets = cloud.targets(&self.settings.target_groups, &self.action.instance).await;
        match gate::decide(gate, &self.seen, &targets, waited, now_ms) {
            Verdict::Continue(why) => self.complete(cloud, Ends::Continue, &why).await,
            Verdict::Abandon(why) => {
                // Nothing is told of an instance whose wait is over, such as one that ended long before a late message came.
                let too_late = match cloud.heartbeat(self.action).await {
                    Ok(told) => told == Told::TooLate,
                    Err(_) => self.has_left(cloud).await,
                };
                if too_late {
                    return Outcome::Done(format!("nobody waits for it any more ({})", why.join("; ")));
                }
                // First what it can still tell: with the verdict it ends.
                let told = evidence::gather(cloud, self, &why, now_ms).await;
                let why = format!("{}; {told}", why.join("; "));
                let ended = self.end(cloud, Ends::Abandon, &why).await;
                if ended == Ok(Told::TooLate) {
                    evidence::overtaken(cloud, self).await;
                }
                self.outcome(cloud, ended, Ends::Abandon, &why).await
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
    async fn wait(&self, cloud: &impl Cloud, waiting_for: Vec<String>, left: Duration) -> Outcome {
        let waited = self.waited(cloud.now_ms());
        let pause = pace::pause(waited.unwrap_or_default(), self.look_every);
        let gap = if self.swept { pace::SWEEP } else { pause };
        if waited.is_some_and(|waited| pace::beats(waited, gap, self.heartbeat())) {
            match cloud.heartbeat(self.action).await {
                Ok(Told::Yes) => {}
                Ok(Told::TooLate) => return Outcome::Done(String::from("nobody waits for it any more")),
                Err(why) => tracing::warn!(instance = self.action.instance, why, "no heartbeat"),
            }
        }
        Outcome::ComesBack { after: pause.min(left).max(Duration::from_secs(1)), waiting_for, begun: false }
    }

    async fn complete(&self, cloud: &impl Cloud, ends: Ends, why: &str) -> Outcome {
        let ended = self.end(cloud, ends, why).await;
        self.outcome(cloud, ended, ends, why).await
    }

    async fn outcome(&self, cloud: &impl Cloud, ended: Result<Told, String>, ends: Ends, why: &str) -> Outcome {
        match ended {
            Ok(Told::Yes) => Outcome::Done(format!("{}: {why}", ends.told(self.to_a_pool()))),
            Ok(Told::TooLate) => Outcome::Done(format!("nobody waits for it any more ({why})")),
            Err(_) if self.has_left(cloud).await => Outcome::Done(format!("it has left its group ({why})")),
            Err(error) => Outcome::ComesBack { after: NOT_NOW, waiting_for: vec![error], begun: false },
        }
    }

    /// Whether the instance is no longer in its group, so that nobody waits. IAM lets the function end the waits of groups with
    /// our tags; a group that is gone has none, and then it refuses before Auto Scaling could say that nobody waits.
    async fn has_left(&self, cloud: &impl Cloud) -> bool {
        cloud.group_of(&self.action.instance).await.is_ok_and(|group| group.as_ref() != Some(&self.action.group))
    }

    /// Ends the wait, and tells of it.
    async fn end(&self, cloud: &impl Cloud, ends: Ends, why: &str) -> Result<Told, String> {
        let mut ended = cloud.complete(self.action, ends).await;
        if let Err(NotEnded { doubtful, .. }) = ended {
            ended = cloud.complete(self.action, ends).await;
            // The answer may be lost, and not the call: if nobody waits a moment later, it was this one.
            if doubtful && ended == Ok(Told::TooLate) {
                ended = Ok(Told::Yes);
            }
        }
        if ended == Ok(Told::Yes) {
            let (result, environment) = (ends.told(self.to_a_pool()), &self.settings.environment);
            let Action { group, instance, .. } = self.action;
            let seconds = self.waited(cloud.now_ms()).map(|it| it.as_secs());
            tracing::info!(environment, group, instance, result, why, seconds, "the wait is over");
            self.tell(cloud, ends, why).await;
        }
        ended.map_err(|it| it.why)
    }

    /// For the ledger. That the wait is over is told by Auto Scaling's own events too, so it is not held up for this.
    async fn tell(&self, cloud: &impl Cloud, ends: Ends, why: &str) {
        if matches!(self.settings.task, Task::Drain(_)) && self.is_pooled() {
            return;
        }
        let (what, outcome) = match (&self.settings.task, ends) {
            (Task::Gate(_), Ends::Continue) => (GATE, "continue"),
            (Task::Gate(_), Ends::Abandon) => (GATE, "abandon"),
            (Task::Drain(_), _) if why == drain::DRAINED => (DRAIN, "drained"),
            (Task::Drain(_), _) => (DRAIN, "not-drained"),
        };
        let Action { group, instance, token, .. } = self.action;
        let (token, began_ms, ended_ms) = (token.as_deref(), self.began_ms, cloud.now_ms());
        let over = WaitIsOver { group, instance, token, what, outcome, why, began_ms, ended_ms };
        if let Err(error) = cloud.tell(&over.event()).await {
            tracing::warn!(instance, what, outcome, error, "the ledger does not know");
        }
    }

    /// Whether it has nothing to drain: its services go on in a warm pool, or are stopped there.
    fn is_pooled(&self) -> bool {
        let from_a_pool = self.action.way.is_some_and(|(from, _)| from == Place::WarmPool);
        let is_stopped = self.seen.as_ref().is_ok_and(|seen| seen.state == State::Stopped);
        self.to_a_pool() || (from_a_pool && is_stopped)
    }

    fn to_a_pool(&self) -> bool {
        self.action.way.is_some_and(|(_, to)| to == Place::WarmPool)
    }
}

impl Outcome {
    fn begun(self) -> Outcome {
        match self {
            Outcome::ComesBack { after, waiting_for, .. } => Outcome::ComesBack { after, waiting_for, begun: true },
            over => over,
        }
    }
}

impl Ends {
    fn told(self, to_a_pool: bool) -> &'static str {
        match self {
            Ends::Continue if to_a_pool => "CONTINUE, into the warm pool",
            Ends::Continue => "CONTINUE",
            Ends::Abandon => "ABANDON",
        }
    }
}
