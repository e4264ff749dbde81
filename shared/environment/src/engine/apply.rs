//! Executes a plan. Every step starts as soon as the steps that it depends on are done; the calls of a step are sent
//! one after the other. This module makes no decisions: it records each call that does not succeed, and the next
//! observation decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::engine::cloud::{Call, CallError, CallKind, Cloud, Timestamp};
use crate::engine::condition::{Awaited, Condition};
use crate::engine::ownership::Proofs;
use crate::engine::plan::{Action, Plan, Step};
use crate::engine::reconcile::Checkpoint;
use crate::model::key::Key;
use crate::model::resource::Resource;

/// The longest time until a listing shows a resource whose create cannot be repeated and is indeterminate. A read right
/// after a create can miss the resource (ARCHITECTURE, Facts), and peers repeat the read for up to a minute before they
/// conclude that the resource is absent.
pub const CREATE_VISIBILITY: Duration = Duration::from_mins(1);

/// The time limit of a call: no call starts with less time left. `aws-cloud` aborts a call after this time, retries
/// included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The time after this run's last call on a resource for which the written state takes precedence over the state that a
/// read shows. AWS names no bound for reads that lag. The observed lag is a few seconds, and the repair of drift can
/// wait as long.
pub const READ_LAG: Duration = Duration::from_secs(10);

/// The writes of a run that reads may not show yet.
#[derive(Debug, Default)]
pub struct RecentWrites {
    /// The resources that this run created or changed, as its successful calls left them, and the time of the last
    /// call.
    pub(crate) written: BTreeMap<Key, (Resource, Timestamp)>,
    /// The ids of the resources that this run deleted, and the time.
    pub(crate) deleted: BTreeMap<String, Timestamp>,
    /// Creates that cannot be repeated and may have succeeded: until this time they are observed, and not sent again.
    pub(crate) indeterminate_creates: BTreeMap<Key, Timestamp>,
    /// The same for all such creates, where an earlier run ended at an unknown call.
    pub(crate) all_indeterminate_until: Option<Timestamp>,
    /// The proofs of ownership: those of the record, and those that this run added.
    pub(crate) proofs: Proofs,
}

impl RecentWrites {
    /// Whether the create of `key` is held back in a wave that starts at `started_at`: the create may have succeeded
    /// already.
    fn holds_back(&self, key: &Key, started_at: Timestamp) -> bool {
        let until = self.indeterminate_creates.get(key).copied().max(self.all_indeterminate_until);
        !key.kind.facts().create_can_be_repeated && until.is_some_and(|until| started_at < until)
    }

    /// The keys of the creates that a wave of this plan sends, where the record has to cover them.
    pub(crate) fn intents(&self, plan: &Plan, started_at: Timestamp) -> BTreeSet<Key> {
        let creates = plan.steps.iter().filter(|step| step.action == Action::Create);
        let uncovered = creates.filter(|step| step.key.kind.facts().needs_create_intent());
        uncovered.filter(|step| !self.holds_back(&step.key, started_at)).map(|step| step.key.clone()).collect()
    }

    /// The risk of a wave of this plan that starts at `started_at`: whether it sends a create that cannot be repeated.
    pub(crate) fn risk(&self, plan: &Plan, started_at: Timestamp) -> Risk {
        let is_unrepeatable_create =
            |step: &&Step| step.action == Action::Create && !step.key.kind.facts().create_can_be_repeated;
        let sent = plan.steps.iter().filter(is_unrepeatable_create).any(|step| !self.holds_back(&step.key, started_at));
        if sent { Risk::Duplicates } else { Risk::None }
    }
}

/// The possible damage of a lost response in a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// None: a second attempt finds everything that the first created.
    None,
    /// A second resource from a create that cannot be repeated, if the next attempt came too soon.
    Duplicates,
}

/// The outcome of a wave of steps.
#[derive(Debug, Default)]
pub struct Wave {
    /// The number of steps that are done.
    pub done: usize,
    /// The first error of each step that is not done.
    pub errors: Vec<StepError>,
}

/// Why a step is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    /// The plan has no call for the step yet: the resource, and the awaited condition.
    Waits(Condition),
    /// A call of the step did not succeed.
    Call(CallError),
}

/// Executes one wave of a plan: starts all steps in the order of their dependencies, and returns when no step can
/// proceed.
///
/// # Guarantees
///
/// - A step starts only after every step in [`Step::depends_on`] is done. A failed step holds back the steps that
///   depend on it, and no others.
/// - The calls of a step are sent one after the other; the first error ends the step.
/// - No call starts with less than [`CALL_TIMEOUT`] left before `until`.
/// - A create that cannot succeed yet is sent again for [`READ_LAG`] after the start of the wave.
/// - A create that cannot be repeated and may have succeeded is held back. `started_at`, the start of the wave, decides
///   this, as for the wave's [`Risk`].
/// - `journal` records the intents of the wave's creates before the wave, and the ids of created resources before a step
///   starts that depends on another, and at the end of the wave. So nothing is ever built in a resource whose id is not
///   recorded.
///
/// # Assumptions
///
/// `recent` holds the writes of this run's earlier waves. `apply` adds the writes of this wave.
///
/// # Errors
///
/// An error of `journal`: no step starts any more, and the running ones are completed. An error of a call does not end
/// the wave. [`Wave::errors`] has the first error of each step that is not done. A step that waits reports
/// [`StepError::Waits`]; one that is held back or has too little time left, [`CallError::Retry`].
pub async fn apply<C: Cloud, E>(
    cloud: &C,
    plan: &Plan,
    recent: &mut RecentWrites,
    until: Timestamp,
    journal: &mut impl AsyncFnMut(Checkpoint<'_>, &Proofs) -> Result<(), E>,
) -> Result<Wave, E> {
    let started_at = cloud.now();
    let limits = Limits { until, plan_valid_until: started_at + READ_LAG };
    let earlier_intents = recent.proofs.intents.clone();
    recent.proofs.intents.extend(recent.intents(plan, started_at));
    journal(Checkpoint::BeforeWave(recent.risk(plan, started_at), plan), &recent.proofs).await?;
    let mut wave = Wave::default();
    let mut waiting: Vec<usize> = (0..plan.steps.len()).collect();
    let mut done = vec![false; plan.steps.len()];
    let mut running = FuturesUnordered::new();
    let mut recorded = recent.proofs.clone();
    let mut stopped = None;
    let mut started: BTreeSet<Key> = BTreeSet::new();
    loop {
        let is_free = |at: &usize| plan.steps[*at].depends_on.iter().all(|needed| done[*needed]);
        let (free, blocked): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(is_free);
        waiting = blocked;
        if !free.is_empty() && stopped.is_none() && recent.proofs != recorded {
            stopped = journal(Checkpoint::Answered, &recent.proofs).await.err();
            recorded.clone_from(&recent.proofs);
        }
        for at in free.into_iter().filter(|_| stopped.is_none()) {
            let step = &plan.steps[at];
            started.insert(step.key.clone());
            let held_back = recent.holds_back(&step.key, started_at);
            running.push(async move { (at, execute(cloud, step, held_back, limits).await) });
        }
        let Some((at, result)) = running.next().await else { break };
        let step = &plan.steps[at];
        record(recent, step, &result, cloud.now());
        match result.error {
            None => {
                done[at] = true;
                wave.done += 1;
            }
            Some(error) => wave.errors.push(error),
        }
    }
    // A create that is sent once is open only if its response was lost. The SDK may have repeated any other one that was
    // sent: it stays open until the environment is settled.
    let is_open = |key: &Key| {
        let may_be_repeated = key.kind.facts().create_can_be_repeated && started.contains(key);
        earlier_intents.contains(key) || may_be_repeated || recent.indeterminate_creates.contains_key(key)
    };
    recent.proofs.intents.retain(is_open);
    match stopped {
        Some(error) => Err(error),
        None if recent.proofs == recorded => Ok(wave),
        None => journal(Checkpoint::Answered, &recent.proofs).await.map(|()| wave),
    }
}

/// The result of a step: the number of calls that succeeded, their result, and the error that ended the step.
struct StepResult {
    succeeded: usize,
    /// The id of the created resource.
    created: Option<String>,
    error: Option<StepError>,
}

/// The times that limit the calls of a wave.
#[derive(Clone, Copy)]
struct Limits {
    /// The deadline of the run.
    until: Timestamp,
    /// How long a create that cannot succeed yet is sent again, without another observation: what it refers to has just been
    /// created, and is not visible everywhere yet. A rejected change or delete may need other calls first.
    plan_valid_until: Timestamp,
}

async fn execute<C: Cloud>(cloud: &C, step: &Step, held_back: bool, limits: Limits) -> StepResult {
    let mut result = StepResult { succeeded: 0, created: None, error: None };
    if let Action::Wait(awaited) = &step.action {
        let condition = Condition { sentence: format!("{}: {}", step.key, awaited.sentence), ..awaited.clone() };
        result.error = Some(StepError::Waits(condition));
        return result;
    }
    for call in &step.calls {
        match send(cloud, call, held_back, limits).await {
            Ok(created) => {
                result.succeeded += 1;
                result.created = result.created.or(created);
            }
            Err(call_error) => {
                result.error = Some(StepError::Call(call_error));
                return result;
            }
        }
    }
    // The dependent steps start when an observation has shown that the resource is ready, or absent.
    let pending = match step.action {
        Action::Create => "created, not ready yet",
        Action::Delete => "deletion is in progress",
        Action::Update | Action::Retain | Action::Wait(_) => return result,
    };
    if step.key.kind.facts().completes_asynchronously {
        let waiting_for = Condition::from(pending).of(Awaited { key: step.key.clone(), in_service: 0 });
        result.error = Some(StepError::Call(CallError::Retry { waiting_for, after: Duration::from_secs(2) }));
    }
    result
}

async fn send<C: Cloud>(cloud: &C, call: &Call, held_back: bool, limits: Limits) -> Result<Option<String>, CallError> {
    if cloud.now() + CALL_TIMEOUT > limits.until {
        let waiting_for = format!("{}: {} was not started, too little time was left", call.key, call.operation());
        return Err(CallError::Retry { waiting_for: waiting_for.into(), after: CALL_TIMEOUT });
    }
    if held_back && matches!(call.kind, CallKind::Create(_)) {
        let operation = call.operation();
        let waiting_for = format!("{}: {operation} may have succeeded already; checking whether it did", call.key);
        return Err(CallError::Retry { waiting_for: waiting_for.into(), after: Duration::from_secs(2) });
    }
    loop {
        match cloud.call(call).await {
            Err(CallError::Retry { after, .. })
                if matches!(call.kind, CallKind::Create(_)) && limits.allow_attempt_at(cloud.now() + after) =>
            {
                cloud.pause(after).await;
            }
            result => return result,
        }
    }
}

impl Limits {
    fn allow_attempt_at(self, at: Timestamp) -> bool {
        at < self.plan_valid_until && at + CALL_TIMEOUT <= self.until
    }
}

/// Records the effect of the successful calls, and the create that a lost response leaves indeterminate.
fn record(recent: &mut RecentWrites, step: &Step, result: &StepResult, now: Timestamp) {
    let (succeeded, rest) = step.calls.split_at(result.succeeded);
    recent.proofs.ids.extend(result.created.clone().map(|id| (id, step.key.clone())));
    for call in succeeded {
        match (&call.kind, &mut recent.written.get_mut(&step.key)) {
            (CallKind::Create(desired), _) => {
                recent.written.insert(step.key.clone(), (desired.as_created(), now));
            }
            // Without the owner's mark the resource is not owned any more.
            (CallKind::Clear(_), _) if step.action == Action::Retain => {
                recent.written.remove(&step.key);
                recent.deleted.extend(call.id.clone().map(|id| (id, now)));
            }
            (CallKind::Set(settings), Some((written, _))) => written.set_all(settings),
            (CallKind::Clear(settings), Some((written, _))) => written.clear_all(settings),
            (CallKind::Delete, _) => {
                recent.written.remove(&step.key);
                recent.deleted.extend(call.id.clone().map(|id| (id, now)));
            }
            (CallKind::Set(_) | CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Rollout(_), _) => {}
        }
    }
    if let (None, Some(resource_after)) = (&result.error, &step.resource_after) {
        recent.written.insert(step.key.clone(), (resource_after.clone(), now));
    }
    if let (Some(StepError::Call(CallError::Indeterminate { .. })), Some(CallKind::Create(_))) =
        (&result.error, rest.first().map(|it| &it.kind))
    {
        recent.indeterminate_creates.insert(step.key.clone(), now + CREATE_VISIBILITY);
    }
}
