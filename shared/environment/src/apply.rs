//! Carries a plan out. Every step starts the moment the steps it needs are done; its calls are made one after the
//! other. Nothing is decided here: what does not simply succeed is noted, and the next look decides.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::cloud::{Call, CallError, CallKind, Cloud, Timestamp};
use crate::plan::{Action, Plan, Step};
use crate::resource::{Key, Resource};

/// How long a create that cannot be repeated may take to be seen, in doubt. A read right after a create can miss
/// it (ARCHITECTURE, Facts), and peers look again for up to a minute before they believe it.
pub const CREATE_VISIBILITY: Duration = Duration::from_mins(1);

/// How much time a call is given: none starts with less left. The AWS side gives up after this long, retries included.
pub const CALL_TIME: Duration = Duration::from_secs(15);

/// For how long after our own last call on a resource what we made of it is believed over what a read shows. AWS
/// names no bound for reads that lag; a few seconds is what is seen, and drift can wait as long.
pub const READ_LAG: Duration = Duration::from_secs(10);

/// What a run knows that reads don't show yet.
#[derive(Debug, Default)]
pub struct RecentCalls {
    /// What this run made or changed, as far as its calls went, and when.
    pub(crate) made: BTreeMap<Key, (Resource, Timestamp)>,
    /// The ids of what this run deleted, and when.
    pub(crate) deleted: BTreeMap<String, Timestamp>,
    /// Creates that cannot be repeated and may have happened: until when they are looked for, and not sent again.
    pub(crate) indeterminate: BTreeMap<Key, Timestamp>,
    /// The same for all of them, when an earlier run ended nobody knows where.
    pub(crate) all_indeterminate_until: Option<Timestamp>,
}

impl RecentCalls {
    /// Whether the create of `key` is held back in a wave that begins at `began`: it may have happened already.
    fn holds_back(&self, key: &Key, began: Timestamp) -> bool {
        let until = self.indeterminate.get(key).copied().max(self.all_indeterminate_until);
        !key.kind.create_can_be_repeated() && until.is_some_and(|until| began < until)
    }

    /// Whether a wave of this plan that begins at `began` makes what cannot be repeated.
    pub(crate) fn risk(&self, plan: &Plan, began: Timestamp) -> Risk {
        let made_once = |step: &&Step| step.action == Action::Create && !step.key.kind.create_can_be_repeated();
        let sent = plan.steps.iter().filter(made_once).any(|step| !self.holds_back(&step.key, began));
        if sent { Risk::Duplicates } else { Risk::None }
    }
}

/// What a lost answer in a wave could leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nothing that a second try would not find.
    None,
    /// Two of what cannot be repeated, if somebody tried again too soon.
    Duplicates,
}

/// How a wave of steps ended.
#[derive(Debug, Default)]
pub struct Wave {
    /// Steps that were done.
    pub done: usize,
    /// The first thing that went wrong in each step that was not.
    pub call_errors: Vec<(Key, CallError)>,
}

/// Starts all steps of the plan in their order and returns when none can go on. What is held back is decided by when the
/// wave `began`, as for its [`Risk`].
///
/// No call starts with less than [`CALL_TIME`] left before `until`.
pub async fn apply<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    recent: &mut RecentCalls,
    began: Timestamp,
    until: Timestamp,
) -> Wave {
    let mut wave = Wave::default();
    let mut waiting: Vec<usize> = (0..plan.steps.len()).collect();
    let mut done = vec![false; plan.steps.len()];
    let mut running = FuturesUnordered::new();
    loop {
        waiting.retain(|&at| {
            let step = &plan.steps[at];
            let free = step.needs.iter().all(|needed| done[*needed]);
            if free {
                let held = recent.holds_back(&step.key, began);
                running.push(async move { (at, execute(cloud, step, held, until).await) });
            }
            !free
        });
        let Some((at, ended)) = running.next().await else { break };
        let step = &plan.steps[at];
        remember(recent, step, &ended, cloud.now());
        match ended.call_error {
            None => {
                done[at] = true;
                wave.done += 1;
            }
            Some(call_error) => wave.call_errors.push((step.key.clone(), call_error)),
        }
    }
    wave
}

/// How a step ended: how many of its calls were answered well, and what stopped it.
struct Ended {
    answered: usize,
    call_error: Option<CallError>,
}

async fn execute<C: Cloud>(cloud: &C, step: &Step, held: bool, until: Timestamp) -> Ended {
    let mut ended = Ended { answered: 0, call_error: None };
    if let Action::Wait(what) = &step.action {
        let what = format!("{}: {what}", step.key);
        ended.call_error = Some(CallError::Retry { waiting_for: what, after: Duration::from_secs(2) });
        return ended;
    }
    for call in &step.calls {
        match make(cloud, call, held, until).await {
            Ok(()) => ended.answered += 1,
            Err(call_error) => {
                ended.call_error = Some(call_error);
                return ended;
            }
        }
    }
    // What waits for this step starts when a look has shown that it is ready, or gone.
    let goes_on = match step.action {
        Action::Create => "made, and not yet ready",
        Action::Delete => "deleted, and not yet gone",
        Action::Update | Action::Retain | Action::Wait(_) => return ended,
    };
    if step.key.kind.settles_slowly() {
        let what = format!("{}: {goes_on}", step.key);
        ended.call_error = Some(CallError::Retry { waiting_for: what, after: Duration::from_secs(2) });
    }
    ended
}

async fn make<C: Cloud>(cloud: &C, call: &Call, held: bool, until: Timestamp) -> Result<(), CallError> {
    let now = cloud.now();
    if now + CALL_TIME > until {
        let what = format!("{}: {} was not started, for want of time", call.key, call.operation());
        return Err(CallError::Retry { waiting_for: what, after: CALL_TIME });
    }
    if held && matches!(call.kind, CallKind::Create(_)) {
        let what = format!("{}: {} may have happened already; looking for it", call.key, call.operation());
        return Err(CallError::Retry { waiting_for: what, after: Duration::from_secs(2) });
    }
    cloud.call(call).await
}

/// Notes what the answered calls made, and what a lost answer leaves in doubt.
fn remember(recent: &mut RecentCalls, step: &Step, ended: &Ended, now: Timestamp) {
    let (answered, rest) = step.calls.split_at(ended.answered);
    for call in answered {
        match (&call.kind, &mut recent.made.get_mut(&step.key)) {
            (CallKind::Create(desired), _) => {
                recent.made.insert(step.key.clone(), (desired.as_created(), now));
            }
            // Without its owner's mark it is no longer ours.
            (CallKind::Clear(_), _) if step.action == Action::Retain => {
                recent.made.remove(&step.key);
                recent.deleted.extend(call.id.clone().map(|id| (id, now)));
            }
            (CallKind::Set(settings), Some((made, _))) => made.set_all(settings),
            (CallKind::Clear(settings), Some((made, _))) => made.clear_all(settings),
            (CallKind::Delete, _) => {
                recent.made.remove(&step.key);
                recent.deleted.extend(call.id.clone().map(|id| (id, now)));
            }
            (CallKind::Set(_) | CallKind::Clear(_) | CallKind::Drain | CallKind::Empty, _) => {}
        }
    }
    if let (None, Some(leaves)) = (&ended.call_error, &step.leaves) {
        recent.made.insert(step.key.clone(), (leaves.clone(), now));
    }
    if let (Some(CallError::Indeterminate { .. }), Some(CallKind::Create(_))) =
        (&ended.call_error, rest.first().map(|it| &it.kind))
    {
        recent.indeterminate.insert(step.key.clone(), now + CREATE_VISIBILITY);
    }
}
