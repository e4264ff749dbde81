//! Carries out what was decided for one instance, and says what becomes of its message.

use std::time::Duration;

use environment::hook_settings::{Drain, Gate, HookSettings, Task};
use futures_util::future::join;
use ledger::told::{DRAIN, GATE, WaitIsOver};

use crate::cloud::{Cloud, Ends, Told};
use crate::drain::{self, Step};
use crate::evidence;
use crate::facts::Seen;
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
        after: Duration,
        /// What for, a sentence each.
        waiting_for: Vec<String>,
    },
}

/// How long something that failed in passing stays away.
const NOT_NOW: Duration = Duration::from_secs(15);

/// What a delete needs after its last instance has left: interfaces, a NAT gateway and its address take 2 to 3 minutes
/// (FACTS, section 8).
const DELETE_NEEDS_MS: u64 = 5 * 60 * 1_000;

/// How long EC2 leaves a Spot instance after its warning (the EC2 user guide).
const SPOT: Duration = Duration::from_mins(2);

/// One instance at one end of its life.
#[derive(Clone, Debug)]
pub(crate) struct Case<'a> {
    pub action: &'a Action,
    pub settings: &'a HookSettings,
    /// As looked up for all messages of a batch together; if that failed, why.
    pub seen: Result<Seen, String>,
    /// Since when it waits.
    pub began_ms: u64,
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

    fn waited(&self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.began_ms))
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.settings.heartbeat_seconds.into())
    }

    async fn gate(&self, cloud: &impl Cloud, gate: Gate) -> Outcome {
        let now_ms = cloud.now_ms();
        let waited = self.waited(now_ms);
        let targets = cloud.targets(&self.settings.target_groups, &self.action.instance).await;
        let seen = self.seen.clone().and_then(|seen| targets.clone().map(|_| seen));
        match gate::decide(gate, &seen, &targets.unwrap_or_default(), waited, now_ms) {
            Verdict::Continue(why) => self.complete(cloud, Ends::Continue, &why).await,
            Verdict::Abandon(why) => {
                // Nothing is told of an instance whose wait is over, such as one that ended long before a late message came.
                if cloud.heartbeat(self.action).await == Ok(Told::TooLate) {
                    return Outcome::Done(format!("nobody waits for it any more ({})", why.join("; ")));
                }
                // First what it can still tell: with the verdict it ends.
                let told = evidence::gather(cloud, self, &why, now_ms).await;
                self.complete(cloud, Ends::Abandon, &format!("{}; {told}", why.join("; "))).await
            }
            Verdict::Wait(waiting_for) => {
                let left = Duration::from_secs(gate.seconds.into()).saturating_sub(waited);
                self.wait(cloud, waiting_for, waited, left).await
            }
        }
    }

    async fn drain(&self, cloud: &impl Cloud, drain: Drain) -> Outcome {
        let deleted_by = match cloud.delete_ends_ms(self.settings).await {
            Ok(ends) => ends.map_or(u64::MAX, |ends| ends.saturating_sub(DELETE_NEEDS_MS)),
            Err(why) => {
                tracing::warn!(why, "whether the environment is being deleted is not known");
                u64::MAX
            }
        };
        let longest = Duration::from_secs(drain.seconds.into()).min(pace::longest(self.heartbeat()));
        let ends_ms = self.ends(longest).min(deleted_by);
        match self.step(cloud, ends_ms).await {
            Drained::Finished(how) => self.complete(cloud, Ends::Continue, &how).await,
            Drained::Waits(waiting_for) => {
                let now_ms = cloud.now_ms();
                let left = Duration::from_millis(ends_ms.saturating_sub(now_ms));
                self.wait(cloud, waiting_for, self.waited(now_ms), left).await
            }
        }
    }

    /// Drains a Spot instance with what is left of its two minutes. No hook waits, so nobody is told.
    pub(crate) async fn interrupted(&self, cloud: &impl Cloud) -> Outcome {
        match self.step(cloud, self.ends(SPOT)).await {
            Drained::Finished(how) => Outcome::Done(format!("interrupted: {how}")),
            Drained::Waits(waiting_for) => Outcome::ComesBack { after: NOT_NOW, waiting_for },
        }
    }

    fn ends(&self, longest: Duration) -> u64 {
        self.began_ms.saturating_add(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX))
    }

    /// Goes as far as it goes without waiting: at most out of its target groups, and one command.
    async fn step(&self, cloud: &impl Cloud, ends_ms: u64) -> Drained {
        let (instance, arns) = (&self.action.instance, &self.settings.target_groups);
        let (command, targets) = join(cloud.drained(instance, self.began_ms), cloud.targets(arns, instance)).await;
        let facts = drain::Facts { seen: self.seen.clone(), command, targets };
        let now_ms = cloud.now_ms();
        let left = Duration::from_millis(ends_ms.saturating_sub(now_ms));
        match drain::decide(&facts, now_ms, ends_ms) {
            Step::Finish(how) => Drained::Finished(how),
            Step::Wait(waiting_for) => Drained::Waits(waiting_for),
            Step::LeaveTargets => Drained::after("its target groups to let it go", cloud.leave(arns, instance).await),
            Step::Send => match cloud.drain(instance, left).await {
                Ok(Told::TooLate) => Drained::Finished(String::from("nobody can be asked to drain it any more")),
                sent => Drained::after("the drain command", sent.map(|_| ())),
            },
        }
    }

    /// Nothing is decided yet: Auto Scaling is told if it is time to, and it comes back, at the end of its time at the latest.
    async fn wait(&self, cloud: &impl Cloud, waiting_for: Vec<String>, waited: Duration, left: Duration) -> Outcome {
        let gap = if self.swept { pace::SWEEP } else { pace::pause(waited, self.look_every) };
        if pace::beats(waited, gap, self.heartbeat()) {
            match cloud.heartbeat(self.action).await {
                Ok(Told::Yes) => {}
                Ok(Told::TooLate) => return Outcome::Done(String::from("nobody waits for it any more")),
                Err(why) => tracing::warn!(instance = self.action.instance, why, "no heartbeat"),
            }
        }
        let after = pace::pause(waited, self.look_every).min(left).max(Duration::from_secs(1));
        Outcome::ComesBack { after, waiting_for }
    }

    async fn complete(&self, cloud: &impl Cloud, ends: Ends, why: &str) -> Outcome {
        match cloud.complete(self.action, ends).await {
            Ok(Told::Yes) => {
                let (result, environment) = (ends.told(self.to_a_pool()), &self.settings.environment);
                let Action { group, instance, .. } = self.action;
                let seconds = self.waited(cloud.now_ms()).as_secs();
                tracing::info!(environment, group, instance, result, why, seconds, "the wait is over");
                self.tell(cloud, ends, why).await;
                Outcome::Done(format!("{result}: {why}"))
            }
            Ok(Told::TooLate) => Outcome::Done(format!("nobody waits for it any more ({why})")),
            Err(error) => Outcome::ComesBack { after: NOT_NOW, waiting_for: vec![error] },
        }
    }

    /// For the ledger. That the wait is over is told by Auto Scaling's own events too, so it is not held up for this.
    async fn tell(&self, cloud: &impl Cloud, ends: Ends, why: &str) {
        let (what, outcome) = match (&self.settings.task, ends) {
            (Task::Gate(_), Ends::Continue) => (GATE, "continue"),
            (Task::Gate(_), Ends::Abandon) => (GATE, "abandon"),
            (Task::Drain(_), _) if why == drain::DRAINED => (DRAIN, "drained"),
            (Task::Drain(_), _) => (DRAIN, "not-drained"),
        };
        let Action { group, instance, .. } = self.action;
        let over =
            WaitIsOver { group, instance, what, outcome, why, began_ms: self.began_ms, ended_ms: cloud.now_ms() };
        if let Err(error) = cloud.tell(&over.event()).await {
            tracing::warn!(instance, what, outcome, error, "the ledger does not know");
        }
    }

    fn to_a_pool(&self) -> bool {
        self.action.way.is_some_and(|(_, to)| to == Place::WarmPool)
    }
}

/// Where a drain has come to.
enum Drained {
    Finished(String),
    Waits(Vec<String>),
}

impl Drained {
    fn after(what: &str, done: Result<(), String>) -> Drained {
        Drained::Waits(vec![done.map_or_else(|error| error, |()| what.to_owned())])
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
