//! Look, plan, apply; again, until what is live is what is wanted or time runs out.
//!
//! Level-triggered: every turn starts from a fresh look and takes no hint of where the last one stopped. What takes
//! minutes (instances leaving, a profile that Auto Scaling does not see yet) is waited for by looking again.

use std::time::Duration;

use crate::apply::{BELIEF, CALL_TIME, DOUBT, Memory, Risk, apply};
use crate::cloud::{Cloud, Live, Moment, Scope, Setback, State, Whose};
use crate::plan::{Wanted, plan};
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
    pub wanted: &'a Wanted,
    /// When the run has to be over.
    pub until: Moment,
    /// For how long it looks again and again while nothing moves; then it is unfinished, and another run goes on. A run
    /// that nobody can follow has no end to it: [`Duration::MAX`].
    pub patience: Duration,
    /// Until when something that an earlier run made may not be visible yet: see [`in_doubt_until`].
    pub in_doubt_until: Option<Moment>,
    /// Until when a look may still miss what the request before this one did: its end and [`BELIEF`]. What a look misses
    /// may be just what has to be undone, so none is taken before; a delete, which ends with a late look anyway, begins
    /// at once.
    pub stale_until: Option<Moment>,
}

impl<'a> Run<'a> {
    /// A run with nothing before it, which nobody follows.
    #[must_use]
    pub fn alone(scope: &'a Scope, wanted: &'a Wanted, until: Moment) -> Run<'a> {
        Run { scope, wanted, until, patience: Duration::MAX, in_doubt_until: None, stale_until: None }
    }
}

/// Until when a look may miss something that an earlier run made, whose last wave with a create that cannot be repeated
/// began at `touched`: if it settled it had seen nearly all of it, if it did not nobody knows where it stopped.
#[must_use]
pub fn in_doubt_until(touched: Moment, settled: bool) -> Moment {
    touched + if settled { BELIEF } else { DOUBT }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// What is live is what is wanted; nothing was left to do.
    Settled {
        /// What the last look saw.
        live: Vec<Live>,
    },
    /// Time ran short; what was still waited for.
    Unfinished {
        /// A sentence for each resource.
        waiting_for: Vec<String>,
    },
    /// It can't be done; a sentence each.
    Refused {
        /// What was refused, and by whom.
        why: Vec<String>,
    },
    /// The caller stopped it before a wave; the text is the caller's.
    Stopped {
        /// As `before_wave` gave it.
        why: String,
    },
}

/// Runs until settled, refused, stopped, or out of time. Before each wave of steps `before_wave` is asked whether to go
/// on, since a newer request may have come; a run that finds nothing to do, or is refused, never asks.
pub async fn reconcile<C: Cloud>(
    cloud: &C,
    run: Run<'_>,
    mut before_wave: impl AsyncFnMut(Risk) -> Result<(), String>,
) -> Ending {
    let mut memory = Memory { all_in_doubt_until: run.in_doubt_until, ..Memory::default() };
    if let Some(stale_until) = run.stale_until.filter(|_| !run.wanted.resources.is_empty()) {
        cloud.pause(stale_until - cloud.now()).await;
    }
    let mut moved_at = cloud.now();
    let mut waiting_for = vec![String::from("the first look")];
    loop {
        if cloud.now() + CALL_TIME > run.until {
            return Ending::Unfinished { waiting_for };
        }
        match turn(cloud, &run, &mut memory, &mut before_wave).await {
            Turn::Ended(ending) => return ending,
            Turn::Waits { what, again, moved } => {
                waiting_for = what;
                if moved {
                    moved_at = cloud.now();
                } else if cloud.now() - moved_at >= run.patience {
                    return Ending::Unfinished { waiting_for };
                }
                if again != Some(Duration::ZERO) {
                    let pause = ((cloud.now() - moved_at) / 10).max(SHORTEST_PAUSE);
                    cloud.pause(again.map_or(pause, |again| again.max(pause)).min(LONGEST_PAUSE)).await;
                }
            }
        }
    }
}

enum Turn {
    Ended(Ending),
    Waits { what: Vec<String>, again: Option<Duration>, moved: bool },
}

async fn turn<C: Cloud>(
    cloud: &C,
    run: &Run<'_>,
    memory: &mut Memory,
    before_wave: &mut impl AsyncFnMut(Risk) -> Result<(), String>,
) -> Turn {
    let live = match cloud.observe(run.scope).await {
        Ok(live) => with_what_was_done(live, memory, cloud.now()),
        Err(setback) => return stopped_by(&[setback], false),
    };
    let plan = plan(run.wanted, &live);
    if !plan.refused.is_empty() {
        return Turn::Ended(Ending::Refused { why: plan.refused });
    }
    if plan.is_settled() {
        return match still_in_doubt(run, memory, cloud.now()).or_else(|| not_listed(&live)) {
            Some(what) => Turn::Waits { what: vec![what], again: None, moved: false },
            None => Turn::Ended(Ending::Settled { live }),
        };
    }
    let began = cloud.now();
    if let Err(why) = before_wave(memory.risk(&plan, began)).await {
        return Turn::Ended(Ending::Stopped { why });
    }
    let wave = apply(cloud, &plan, memory, began, run.until).await;
    if wave.setbacks.is_empty() {
        return Turn::Waits { what: vec![String::from("a last look")], again: Some(Duration::ZERO), moved: true };
    }
    let setbacks: Vec<Setback> = wave.setbacks.into_iter().map(|(_, setback)| setback).collect();
    stopped_by(&setbacks, wave.done > 0)
}

/// A delete is not done while a create that nobody saw may still show up.
fn still_in_doubt(run: &Run<'_>, memory: &Memory, now: Moment) -> Option<String> {
    let deletes = run.wanted.resources.is_empty();
    let ends = memory.all_in_doubt_until.filter(|ends| deletes && now < *ends)?;
    Some(format!("a last look in {} s, for what an earlier run may have made", (ends - now).as_secs() + 1))
}

/// A create is not done while its reply could not tell the id of what was made.
fn not_listed(live: &[Live]) -> Option<String> {
    let unseen = live.iter().find(|it| it.id.is_none())?;
    Some(format!("{}: made, and not listed yet", unseen.key()))
}

fn stopped_by(setbacks: &[Setback], moved: bool) -> Turn {
    let refused: Vec<String> = setbacks
        .iter()
        .filter_map(|setback| match setback {
            Setback::Refused { what } => Some(what.clone()),
            Setback::Busy { .. } | Setback::Doubtful { .. } => None,
        })
        .collect();
    if !refused.is_empty() {
        return Turn::Ended(Ending::Refused { why: refused });
    }
    let again = setbacks.iter().filter_map(|setback| match setback {
        Setback::Busy { again, .. } => Some(*again),
        Setback::Doubtful { .. } | Setback::Refused { .. } => None,
    });
    let again = again.min();
    Turn::Waits { what: setbacks.iter().map(ToString::to_string).collect(), again, moved }
}

/// Puts what this run did over what reads show of it: for [`BELIEF`] after its last call a resource is as we made it,
/// and what was deleted is on its way out. What we made and nobody sees is there for [`DOUBT`]; then it is gone.
fn with_what_was_done(mut live: Vec<Live>, memory: &mut Memory, now: Moment) -> Vec<Live> {
    memory.made.retain(|_, (_, at)| now < *at + DOUBT);
    memory.deleted.retain(|_, at| now < *at + BELIEF);
    for it in live.iter_mut().filter(|it| it.whose == Whose::Ours) {
        if it.id.as_ref().is_some_and(|id| memory.deleted.contains_key(id)) {
            it.state = State::Leaving(String::from("deleted, and still listed"));
        }
    }
    for (key, (made, at)) in &memory.made {
        match live.iter_mut().find(|it| it.key() == *key) {
            // Also where no mark is read yet: its create call was answered, so it is ours.
            Some(seen) if now < *at + BELIEF => {
                seen.whose = Whose::Ours;
                seen.resource = made.with_what_only_looks_show(&seen.resource);
            }
            Some(_) => {}
            None => live.push(not_seen_yet(made)),
        }
    }
    live
}

fn not_seen_yet(made: &Resource) -> Live {
    let (id, holds, version) = (None, vec![], None);
    let takes_a_while = made.kind().takes_a_while();
    let state = if takes_a_while { State::Settling("made, and not listed yet".into()) } else { State::Ready };
    Live { id, resource: made.clone(), whose: Whose::Ours, state, holds, version }
}
