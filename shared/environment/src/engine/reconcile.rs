//! The reconcile loop: observe, plan, apply, and repeat until the observed resources equal the desired state or time
//! runs out.
//!
//! Level-triggered: every iteration starts from a fresh observation and keeps no position of the previous iteration.
//! For changes that take minutes (terminating instances, a profile that Auto Scaling does not list yet) the loop polls.

use std::time::Duration;

use crate::engine::apply::{CALL_TIMEOUT, CREATE_VISIBILITY, READ_LAG, RecentWrites, Risk, StepError, apply};
use crate::engine::awaited::{Waiting, observe_awaited, open_conditions};
use crate::engine::cloud::{CallError, Cloud, ObservedResource, Ownership, Scope, State, Timestamp};
use crate::engine::condition::{Condition, OpenSince};
use crate::engine::ownership::Proofs;
use crate::engine::plan::{DesiredState, Plan, plan};
use crate::model::key::Key;
use crate::model::kind::Proof;
use crate::model::resource::Resource;

/// The bounds of the pause between two observations. The pause is a tenth of the time since the last progress, so the
/// end of a wait is detected at most a tenth too late.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The delay until the next observation for a step that waits for a condition.
const WAIT_DELAY: Duration = Duration::from_secs(2);

/// A point at which a run hands its proofs of ownership to the owner's record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Checkpoint<'a> {
    /// A wave of this plan is about to start. The intents cover its creates.
    BeforeWave(Risk, &'a Plan),
    /// The run waits on, and has nothing to record.
    Waiting,
    /// Creates have returned ids. They must be recorded also where the run's request is superseded.
    Answered,
}

/// One run towards one desired state.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The owner of the environment, and the names of its resources.
    pub scope: &'a Scope,
    /// The desired state; without resources the run is a delete.
    pub desired: &'a DesiredState,
    /// The deadline of the run.
    pub until: Timestamp,
    /// How long the run polls without progress. After that the run is unfinished, and another run continues. A run
    /// without a successor has no such limit: [`Duration::MAX`].
    pub wait_budget: Duration,
    /// Until this time a resource that an earlier run created may not be visible yet: see [`indeterminate_until`].
    pub indeterminate_until: Option<Timestamp>,
    /// Until this time an observation may miss the writes of the previous request: the end of that request plus
    /// [`READ_LAG`]. A missed write may be the very write that this run has to undo, so the run does not observe
    /// earlier. A delete, which ends with a late observation anyway, starts at once.
    pub stale_until: Option<Timestamp>,
    /// The conditions that the previous run of the same request waited for.
    pub open_since: OpenSince,
}

impl<'a> Run<'a> {
    /// A run without a predecessor and without a successor.
    #[must_use]
    pub fn standalone(scope: &'a Scope, desired: &'a DesiredState, until: Timestamp) -> Run<'a> {
        Run {
            scope,
            desired,
            until,
            wait_budget: Duration::MAX,
            indeterminate_until: None,
            stale_until: None,
            open_since: OpenSince::new(),
        }
    }
}

/// The time until which an observation may miss a resource that an earlier run created, where the last wave of that run
/// with a create that cannot be repeated started at `create_intent`. A settled run had observed nearly all its
/// resources; for an unsettled run the last call is unknown.
#[must_use]
pub fn indeterminate_until(create_intent: Timestamp, settled: bool) -> Timestamp {
    create_intent + if settled { READ_LAG } else { CREATE_VISIBILITY }
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome<E> {
    /// The observed resources equal the desired state; no work remained.
    Settled {
        /// The resources of the last observation.
        observed: Vec<ObservedResource>,
        /// The proofs of exactly these resources, and of creates that may still become visible.
        proofs: Proofs,
    },
    /// The time or the wait budget ran out.
    Unfinished(Waiting),
    /// Each open condition takes longer than its source says, so nothing under way meets it: an operator has to act.
    Obstructed {
        /// The open conditions, one for each resource.
        waiting_for: Vec<Condition>,
    },
    /// The plan is not possible: a foreign resource has one of the names, or a bucket must be empty. A retry does not help.
    Rejected {
        /// The conflicts, a sentence each.
        reasons: Vec<String>,
    },
    /// As `Rejected`; an operator can allow the adoption of the retained buckets among the conflicts.
    ConsentMissing {
        /// The conflicts, a sentence each.
        reasons: Vec<String>,
    },
    /// AWS rejected a call. A retry does not help.
    CallRejected {
        /// The rejected calls with AWS's reasons, a sentence each.
        reasons: Vec<String>,
    },
    /// The caller stopped the run, with this error of `journal`.
    Stopped(E),
}

/// Runs until the environment is settled, or the run is rejected, stopped, or out of time.
///
/// # Guarantees
///
/// - Each wave is planned from a complete observation of the same iteration. A run that waits only for states of
///   resources observes these alone until one of them has changed. For [`READ_LAG`] after this run's last call on a
///   resource, the written state takes precedence over the observed state.
/// - `journal` is called before each wave of steps, and each time that a wait goes on, and decides whether the run
///   continues, since a newer request may have arrived. A run without work, or with a rejected plan, never calls it.
/// - `journal` is called again when creates have returned ids, before anything depends on the created resources.
/// - A create of this run that cannot be repeated and may have succeeded is not sent again within
///   [`CREATE_VISIBILITY`]; one of an earlier run not before [`Run::indeterminate_until`].
/// - A plan with a rejection changes nothing.
/// - A run whose open conditions have all been open for longer than their sources say ends at once.
/// - No iteration and no call starts with less than [`CALL_TIMEOUT`] left before [`Run::until`].
///
/// # Assumptions
///
/// - No other run changes the environment of this owner at the same time.
/// - [`Run::indeterminate_until`] and [`Run::stale_until`] cover the writes of every earlier run of this owner.
///
/// # Errors
///
/// Errors are part of the [`RunOutcome`]. A [`CallError::Rejected`] ends the run; [`CallError::Retry`] and
/// [`CallError::Indeterminate`] start another iteration.
pub async fn reconcile<C: Cloud, E>(
    cloud: &C,
    run: Run<'_>,
    mut journal: impl AsyncFnMut(Checkpoint<'_>, &Proofs) -> Result<(), E>,
) -> RunOutcome<E> {
    let mut recent = RecentWrites {
        all_indeterminate_until: run.indeterminate_until,
        proofs: run.scope.proofs.clone(),
        ..RecentWrites::default()
    };
    if let Some(stale_until) = run.stale_until.filter(|_| !run.desired.resources.is_empty()) {
        cloud.pause(stale_until - cloud.now()).await;
    }
    let mut last_progress = cloud.now();
    let mut waiting =
        Waiting { waiting_for: vec!["the first observation".into()], observed_at: cloud.now(), of_rollout: false };
    let mut open_since = run.open_since.clone();
    loop {
        if cloud.now() + CALL_TIMEOUT > run.until {
            return RunOutcome::Unfinished(waiting);
        }
        let iteration = match Box::pin(still_waiting(cloud, &run, &mut recent, &waiting)).await {
            Some(waiting) => match journal(Checkpoint::Waiting, &recent.proofs).await {
                Ok(()) => waiting,
                Err(error) => return RunOutcome::Stopped(error),
            },
            None => {
                waiting.observed_at = cloud.now();
                Box::pin(iteration(cloud, &run, &mut recent, &mut journal)).await
            }
        };
        match iteration {
            Iteration::Ended(outcome) => return outcome,
            Iteration::Waiting { waiting_for, retry_after, progressed } => {
                open_since = Condition::open_since(&waiting_for, &open_since, cloud.now());
                waiting.waiting_for = waiting_for;
                if progressed {
                    last_progress = cloud.now();
                } else if Condition::all_overdue(&waiting.waiting_for, &open_since, cloud.now()) {
                    return RunOutcome::Obstructed { waiting_for: waiting.waiting_for };
                } else if cloud.now() - last_progress >= run.wait_budget {
                    return RunOutcome::Unfinished(waiting);
                }
                if retry_after != Some(Duration::ZERO) {
                    let pause = ((cloud.now() - last_progress) / 10).max(SHORTEST_PAUSE);
                    cloud.pause(retry_after.map_or(pause, |after| after.max(pause)).min(LONGEST_PAUSE)).await;
                }
            }
        }
    }
}

/// The result of one observation and, where the plan has steps, one wave.
enum Iteration<E> {
    /// The run is done.
    Ended(RunOutcome<E>),
    /// The run observes again: after `retry_after`, or after the growing pause where no error names a time.
    Waiting { waiting_for: Vec<Condition>, retry_after: Option<Duration>, progressed: bool },
}

/// The next iteration of a run whose waits only states of resources can end, as long as each of them is open.
async fn still_waiting<C: Cloud, E>(
    cloud: &C,
    run: &Run<'_>,
    recent: &mut RecentWrites,
    waiting: &Waiting,
) -> Option<Iteration<E>> {
    let scope = Scope { proofs: recent.proofs.clone(), ..run.scope.clone() };
    let awaited = waiting.awaited()?;
    let observed = observe_awaited(cloud, &scope, &awaited, waiting.observed_at).await?;
    let observed = with_recent_writes(observed, recent, cloud.now());
    let waiting_for = open_conditions(&awaited, &observed, &scope.proofs)?;
    Some(Iteration::Waiting { waiting_for, retry_after: Some(WAIT_DELAY), progressed: false })
}

async fn iteration<C: Cloud, E>(
    cloud: &C,
    run: &Run<'_>,
    recent: &mut RecentWrites,
    journal: &mut impl AsyncFnMut(Checkpoint<'_>, &Proofs) -> Result<(), E>,
) -> Iteration<E> {
    let scope = Scope { proofs: recent.proofs.clone(), ..run.scope.clone() };
    let observed = match cloud.observe(&scope).await {
        Ok(observed) => with_recent_writes(observed, recent, cloud.now()),
        Err(call_error) => return after_errors(vec![StepError::Call(call_error)], false),
    };
    let plan = plan(run.desired, &observed);
    if !plan.rejected.is_empty() {
        let reasons = plan.rejected.iter().map(ToString::to_string).collect();
        return Iteration::Ended(if plan.needs_consent() {
            RunOutcome::ConsentMissing { reasons }
        } else {
            RunOutcome::Rejected { reasons }
        });
    }
    if plan.is_settled() {
        return match unexpired_create_intent(run, recent, cloud.now()).or_else(|| created_but_unlisted(&observed)) {
            Some(open) => Iteration::Waiting { waiting_for: vec![open], retry_after: None, progressed: false },
            None => {
                let proofs = settled_proofs(recent, &observed, cloud.now());
                Iteration::Ended(RunOutcome::Settled { observed, proofs })
            }
        };
    }
    // A resource that another led to is recorded before that other one is deleted.
    recent.proofs.ids.extend(owned_ids(&observed));
    let wave = match apply(cloud, &plan, recent, run.until, journal).await {
        Ok(wave) => wave,
        Err(error) => return Iteration::Ended(RunOutcome::Stopped(error)),
    };
    if wave.errors.is_empty() {
        return Iteration::Waiting {
            waiting_for: vec!["the final observation".into()],
            retry_after: Some(Duration::ZERO),
            progressed: true,
        };
    }
    after_errors(wave.errors, wave.done > 0)
}

/// The owned resources whose ids prove the ownership. A duplicate has its id as name, and is deleted next.
fn owned_ids(observed: &[ObservedResource]) -> impl Iterator<Item = (String, Key)> {
    let owned = observed.iter().filter(|it| it.ownership == Ownership::Owned);
    let by_id = owned.filter(|it| it.key().kind.facts().proof == Proof::Id);
    by_id.filter_map(|it| Some((it.id.clone()?, it.key()))).filter(|(id, key)| *id != key.name)
}

/// The proofs of a settled environment. A create that an earlier run or this one may have sent stays covered as long as
/// its resource may become visible.
fn settled_proofs(recent: &RecentWrites, observed: &[ObservedResource], now: Timestamp) -> Proofs {
    let may_appear = |key: &Key| {
        let until = recent.indeterminate_creates.get(key).copied().max(recent.all_indeterminate_until);
        until.is_some_and(|until| now < until)
    };
    let intents = recent.proofs.intents.iter().filter(|key| may_appear(key)).cloned().collect();
    Proofs { ids: owned_ids(observed).collect(), intents }
}

/// The wait of a delete while a create that no observation has shown may still become visible.
fn unexpired_create_intent(run: &Run<'_>, recent: &RecentWrites, now: Timestamp) -> Option<Condition> {
    let deletes = run.desired.resources.is_empty();
    let until = recent.all_indeterminate_until.filter(|until| deletes && now < *until)?;
    let seconds = (until - now).as_secs() + 1;
    let sentence = "the final observation: an earlier run may have created resources that no list shows yet";
    Some(Condition { detail: Some(format!("in {seconds} s")), ..sentence.into() })
}

/// The wait of a create whose response could not yet name the id of a created resource.
fn created_but_unlisted(observed: &[ObservedResource]) -> Option<Condition> {
    let unlisted = observed.iter().find(|it| it.id.is_none())?;
    Some(format!("{}: created, not listed yet", unlisted.key()).into())
}

/// A rejection ends the run; otherwise the run observes again after the shortest time that an error names.
fn after_errors<E>(errors: Vec<StepError>, progressed: bool) -> Iteration<E> {
    let rejected: Vec<String> = errors
        .iter()
        .filter_map(|error| match error {
            StepError::Call(CallError::Rejected { message }) => Some(message.clone()),
            StepError::Call(CallError::Retry { .. } | CallError::Indeterminate { .. }) | StepError::Waits(_) => None,
        })
        .collect();
    if !rejected.is_empty() {
        return Iteration::Ended(RunOutcome::CallRejected { reasons: rejected });
    }
    let delays = errors.iter().filter_map(|error| match error {
        StepError::Waits(_) => Some(WAIT_DELAY),
        StepError::Call(CallError::Retry { after, .. }) => Some(*after),
        StepError::Call(CallError::Indeterminate { .. } | CallError::Rejected { .. }) => None,
    });
    let retry_after = delays.min();
    let condition = |error| match error {
        StepError::Waits(condition) => condition,
        StepError::Call(CallError::Retry { waiting_for, .. }) => waiting_for,
        StepError::Call(call_error) => call_error.to_string().into(),
    };
    Iteration::Waiting { waiting_for: errors.into_iter().map(condition).collect(), retry_after, progressed }
}

/// Overlays the observed resources with the writes of this run. For [`READ_LAG`] after the last call a resource has the
/// written state, and a deleted resource is in deletion. A created resource that no read shows counts as present for
/// [`CREATE_VISIBILITY`]; after that it counts as absent.
fn with_recent_writes(
    mut observed: Vec<ObservedResource>,
    recent: &mut RecentWrites,
    now: Timestamp,
) -> Vec<ObservedResource> {
    recent.written.retain(|_, (_, at)| now < *at + CREATE_VISIBILITY);
    recent.deleted.retain(|_, at| now < *at + READ_LAG);
    for it in observed.iter_mut().filter(|it| it.ownership == Ownership::Owned) {
        if it.id.as_ref().is_some_and(|id| recent.deleted.contains_key(id)) {
            it.state = State::Deleting("deleted, still listed".into());
        }
    }
    for (key, (written, at)) in &recent.written {
        match observed.iter_mut().find(|it| it.key() == *key) {
            // Also where no mark is readable yet: the create call succeeded, so the resource is owned.
            Some(found) if now < *at + READ_LAG => {
                found.ownership = Ownership::Owned;
                found.resource = written.with_observed_only_fields(&found.resource);
            }
            Some(_) => {}
            None => observed.push(unlisted_resource(written)),
        }
    }
    observed
}

fn unlisted_resource(written: &Resource) -> ObservedResource {
    let (id, references, version) = (None, vec![], None);
    let asynchronous = written.kind().facts().completes_asynchronously;
    let state = if asynchronous { State::Settling("created, not listed yet".into()) } else { State::Ready };
    ObservedResource { id, resource: written.clone(), ownership: Ownership::Owned, state, references, version }
}
