//! The response to a request, as far as the rollout decides it.

use std::fmt;

use super::action::Action;
use super::record::FailureCause;
use super::refresh::RefreshStatus;
use super::situation::{Situation, Trigger, UpdateRequest};
use crate::input::rollout_settings::RolloutWait;

/// The response, as far as the rollout decides it: the other work of the request has to be done too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The rollout goes on.
    NotYet,
    /// SUCCESS, with the output `RolloutState`.
    Success(RolloutState),
    /// FAILED; the reason begins with the evidence.
    Failed {
        /// The reason, a sentence.
        reason: String,
    },
}

/// The output `RolloutState`, as of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// `complete`: every instance that a rollout replaces runs the desired version.
    Complete,
    /// `held`: an operator holds the rollout; the rest follows in due passes after the hold.
    Held,
    /// `in-progress`: the rest follows in due passes.
    InProgress,
    /// `rolled-back`: the desired version failed, and the group is at, or returns to, the version that ran before.
    RolledBack,
    /// `cancelled`: an operator cancelled the rollout.
    Cancelled,
}

impl fmt::Display for RolloutState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RolloutState::Complete => "complete",
            RolloutState::Held => "held",
            RolloutState::InProgress => "in-progress",
            RolloutState::RolledBack => "rolled-back",
            RolloutState::Cancelled => "cancelled",
        })
    }
}

/// The answer that holds in a situation whose next action is `action`. A Delete and a due pass have none: `NotYet`.
///
/// - As long as a call or a write of the record comes next, there is no answer.
/// - An Update whose version fails is FAILED when the rollback is accepted: the stack need not wait for its end. An Update that
///   changes no rolling input does its other work and succeeds, although the version failed before.
/// - At the deadline of an Update, one instance of the new version in service without a verdict is enough for SUCCESS.
/// - A rollback by CloudFormation succeeds as soon as it is accepted. It never fails for lack of time.
#[must_use]
pub fn answer(it: &Situation<'_>, action: &Action) -> Answer {
    if action.is_call() || action.is_record() {
        return Answer::NotYet;
    }
    match (it.trigger, action) {
        (Trigger::Due | Trigger::Delete, _) => Answer::NotYet,
        (_, Action::Refuse(refusal)) => Answer::Failed { reason: refusal.to_string() },
        (Trigger::Update(request), _) => update(it, action, request),
        _ => Answer::Success(state(it)),
    }
}

fn update(it: &Situation<'_>, action: &Action, request: UpdateRequest) -> Answer {
    if let Some(failed) = it.failure() {
        let is_new = failed.at >= request.sent;
        if !is_new && !request.changes_rolling_input {
            return Answer::Success(state(it));
        }
        let advice = if is_new { "" } else { ". It is not tried again until one of its inputs changes" };
        return Answer::Failed { reason: format!("{failed}{advice}") };
    }
    match action {
        Action::None => Answer::Success(state(it)),
        Action::Alarm(reason) => Answer::Failed { reason: reason.to_string() },
        Action::Wait(_) if it.settings.wait == RolloutWait::Canary && is_rolling(it) && it.canary_has_passed() => {
            Answer::Success(under_way(it))
        }
        Action::Wait(_) if it.now >= request.deadline && it.in_service(it.desired).next().is_some() => {
            Answer::Success(under_way(it))
        }
        Action::Wait(condition) if it.now >= request.deadline => {
            let reason = format!("the rollout did not begin in the time of the request: {condition}");
            Answer::Failed { reason }
        }
        _ => Answer::NotYet,
    }
}

/// Whether the environment's refresh replaces instances by the desired version, and has begun.
fn is_rolling(it: &Situation<'_>) -> bool {
    it.refresh.is_some_and(|refresh| {
        matches!(refresh.status, RefreshStatus::InProgress | RefreshStatus::Baking)
            && refresh.target.as_ref().is_some_and(|target| target.matches(it.desired))
    })
}

/// The state of the rollout of the desired version.
#[must_use]
pub fn state(it: &Situation<'_>) -> RolloutState {
    let is_active = it.refresh.is_some_and(|refresh| refresh.status.is_active());
    match it.failure() {
        Some(failed) if failed.cause == FailureCause::Cancelled => RolloutState::Cancelled,
        Some(_) => RolloutState::RolledBack,
        None if is_active || !it.saved_matches(it.desired) => under_way(it),
        None => RolloutState::Complete,
    }
}

/// The state of a rollout that is not complete.
fn under_way(it: &Situation<'_>) -> RolloutState {
    if it.record.open_hold(it.now).is_some() { RolloutState::Held } else { RolloutState::InProgress }
}
