//! Look, plan, apply; again, until what is live is what is wanted or time runs out.
//!
//! Level-triggered: every turn starts from a fresh look and takes no hint of where the last one stopped. What takes
//! minutes (instances leaving, a profile that Auto Scaling does not see yet) is waited for by looking again.

use std::time::Duration;

use crate::apply::{CALL_TIME, CREATE_VISIBILITY, READ_LAG, RecentCalls, Risk, apply};
use crate::cloud::{CallError, Cloud, ObservedResource, Ownership, Scope, State, Timestamp};
use crate::plan::{DesiredState, plan};
use crate::resource::Resource;

/// The pause between two looks is a tenth of the time that nothing has moved for, so that no wait is noticed more than a
/// tenth too late; within these bounds.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One run towards one goal.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Whose environment it is.
    pub scope: &'a Scope,
    /// The goal; with no resources it is a delete.
    pub desired: &'a DesiredState,
    /// When the run has to be over.
    pub until: Timestamp,
    /// For how long it looks again and again while nothing moves; then it is unfinished, and another run goes on. A run
    /// that nobody can follow has no end to it: [`Duration::MAX`].
    pub wait_budget: Duration,
    /// Until when something that an earlier run made may not be visible yet: see [`indeterminate_until`].
    pub indeterminate_until: Option<Timestamp>,
    /// Until when a look may still miss what the request before this one did: its end and [`READ_LAG`]. What a look misses
    /// may be just what has to be undone, so none is taken before; a delete, which ends with a late look anyway, begins
    /// at once.
    pub stale_until: Option<Timestamp>,
}

impl<'a> Run<'a> {
    /// A run with nothing before it, which nobody follows.
    #[must_use]
    pub fn alone(scope: &'a Scope, desired: &'a DesiredState, until: Timestamp) -> Run<'a> {
        Run { scope, desired, until, wait_budget: Duration::MAX, indeterminate_until: None, stale_until: None }
    }
}

/// Until when a look may miss something that an earlier run made, whose last wave with a create that cannot be repeated
/// began at `create_intent`: if it settled it had seen nearly all of it, if it did not nobody knows where it stopped.
#[must_use]
pub fn indeterminate_until(create_intent: Timestamp, settled: bool) -> Timestamp {
    create_intent + if settled { READ_LAG } else { CREATE_VISIBILITY }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    /// What is live is what is wanted; nothing was left to do.
    Settled {
        /// What the last look saw.
        observed: Vec<ObservedResource>,
    },
    /// Time ran short; what was still waited for.
    Unfinished {
        /// A sentence for each resource.
        waiting_for: Vec<String>,
    },
    /// It can't be done; a sentence each.
    Rejected {
        /// What was refused, and by whom.
        reason: Vec<String>,
    },
    /// The caller stopped it before a wave; the text is the caller's.
    Stopped {
        /// As `before_wave` gave it.
        reason: String,
    },
}

/// Runs until settled, refused, stopped, or out of time. Before each wave of steps `before_wave` is asked whether to go
/// on, since a newer request may have come; a run that finds nothing to do, or is refused, never asks.
pub async fn reconcile<C: Cloud>(
    cloud: &C,
    run: Run<'_>,
    mut before_wave: impl AsyncFnMut(Risk) -> Result<(), String>,
) -> RunOutcome {
    let mut recent = RecentCalls { all_indeterminate_until: run.indeterminate_until, ..RecentCalls::default() };
    if let Some(stale_until) = run.stale_until.filter(|_| !run.desired.resources.is_empty()) {
        cloud.pause(stale_until - cloud.now()).await;
    }
    let mut moved_at = cloud.now();
    let mut waiting_for = vec![String::from("the first look")];
    loop {
        if cloud.now() + CALL_TIME > run.until {
            return RunOutcome::Unfinished { waiting_for };
        }
        match iteration(cloud, &run, &mut recent, &mut before_wave).await {
            Iteration::Ended(ending) => return ending,
            Iteration::Waiting { what, again, moved } => {
                waiting_for = what;
                if moved {
                    moved_at = cloud.now();
                } else if cloud.now() - moved_at >= run.wait_budget {
                    return RunOutcome::Unfinished { waiting_for };
                }
                if again != Some(Duration::ZERO) {
                    let pause = ((cloud.now() - moved_at) / 10).max(SHORTEST_PAUSE);
                    cloud.pause(again.map_or(pause, |again| again.max(pause)).min(LONGEST_PAUSE)).await;
                }
            }
        }
    }
}

enum Iteration {
    Ended(RunOutcome),
    Waiting { what: Vec<String>, again: Option<Duration>, moved: bool },
}

async fn iteration<C: Cloud>(
    cloud: &C,
    run: &Run<'_>,
    recent: &mut RecentCalls,
    before_wave: &mut impl AsyncFnMut(Risk) -> Result<(), String>,
) -> Iteration {
    let observed = match cloud.observe(run.scope).await {
        Ok(observed) => with_what_was_done(observed, recent, cloud.now()),
        Err(call_error) => return stopped_by(&[call_error], false),
    };
    let plan = plan(run.desired, &observed);
    if !plan.rejected.is_empty() {
        return Iteration::Ended(RunOutcome::Rejected { reason: plan.rejected });
    }
    if plan.is_settled() {
        return match still_indeterminate(run, recent, cloud.now()).or_else(|| not_listed(&observed)) {
            Some(what) => Iteration::Waiting { what: vec![what], again: None, moved: false },
            None => Iteration::Ended(RunOutcome::Settled { observed }),
        };
    }
    let began = cloud.now();
    if let Err(reason) = before_wave(recent.risk(&plan, began)).await {
        return Iteration::Ended(RunOutcome::Stopped { reason });
    }
    let wave = apply(cloud, &plan, recent, began, run.until).await;
    if wave.call_errors.is_empty() {
        return Iteration::Waiting {
            what: vec![String::from("a last look")],
            again: Some(Duration::ZERO),
            moved: true,
        };
    }
    let call_errors: Vec<CallError> = wave.call_errors.into_iter().map(|(_, call_error)| call_error).collect();
    stopped_by(&call_errors, wave.done > 0)
}

/// A delete is not done while a create that nobody saw may still show up.
fn still_indeterminate(run: &Run<'_>, recent: &RecentCalls, now: Timestamp) -> Option<String> {
    let deletes = run.desired.resources.is_empty();
    let ends = recent.all_indeterminate_until.filter(|ends| deletes && now < *ends)?;
    Some(format!("a last look in {} s, for what an earlier run may have made", (ends - now).as_secs() + 1))
}

/// A create is not done while its reply could not tell the id of what was made.
fn not_listed(observed: &[ObservedResource]) -> Option<String> {
    let unseen = observed.iter().find(|it| it.id.is_none())?;
    Some(format!("{}: made, and not listed yet", unseen.key()))
}

fn stopped_by(call_errors: &[CallError], moved: bool) -> Iteration {
    let rejected: Vec<String> = call_errors
        .iter()
        .filter_map(|call_error| match call_error {
            CallError::Rejected { message: what } => Some(what.clone()),
            CallError::Retry { .. } | CallError::Indeterminate { .. } => None,
        })
        .collect();
    if !rejected.is_empty() {
        return Iteration::Ended(RunOutcome::Rejected { reason: rejected });
    }
    let again = call_errors.iter().filter_map(|call_error| match call_error {
        CallError::Retry { after: again, .. } => Some(*again),
        CallError::Indeterminate { .. } | CallError::Rejected { .. } => None,
    });
    let again = again.min();
    Iteration::Waiting { what: call_errors.iter().map(ToString::to_string).collect(), again, moved }
}

/// Puts what this run did over what reads show of it: for [`READ_LAG`] after its last call a resource is as we made it,
/// and what was deleted is on its way out. What we made and nobody sees is there for [`CREATE_VISIBILITY`]; then it is gone.
fn with_what_was_done(
    mut observed: Vec<ObservedResource>,
    recent: &mut RecentCalls,
    now: Timestamp,
) -> Vec<ObservedResource> {
    recent.made.retain(|_, (_, at)| now < *at + CREATE_VISIBILITY);
    recent.deleted.retain(|_, at| now < *at + READ_LAG);
    for it in observed.iter_mut().filter(|it| it.ownership == Ownership::Owned) {
        if it.id.as_ref().is_some_and(|id| recent.deleted.contains_key(id)) {
            it.state = State::Deleting(String::from("deleted, and still listed"));
        }
    }
    for (key, (made, at)) in &recent.made {
        match observed.iter_mut().find(|it| it.key() == *key) {
            // Also where no mark is read yet: its create call was answered, so it is ours.
            Some(seen) if now < *at + READ_LAG => {
                seen.ownership = Ownership::Owned;
                seen.resource = made.with_what_only_looks_show(&seen.resource);
            }
            Some(_) => {}
            None => observed.push(not_seen_yet(made)),
        }
    }
    observed
}

fn not_seen_yet(made: &Resource) -> ObservedResource {
    let (id, references, version) = (None, vec![], None);
    let settles_slowly = made.kind().settles_slowly();
    let state = if settles_slowly { State::Settling("made, and not listed yet".into()) } else { State::Ready };
    ObservedResource { id, resource: made.clone(), ownership: Ownership::Owned, state, references, version }
}
