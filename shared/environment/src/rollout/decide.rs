//! The table of rollouts: one situation, one action.
//!
//! [`ROLLOUTS.md`](../../ROLLOUTS.md) has the same rules for readers, with their sources.

use super::action::{Action, AlarmReason, Refusal, WaitFor};
use super::hold::{hold_blocks_start, with_hold};
use super::record::{FailedVersion, FailureCause};
use super::refresh::{ObservedRefresh, RefreshCall, RefreshStatus};
use super::situation::{Situation, Trigger};
use super::version::Version;
use crate::desired::{RolloutAlarm, RolloutAlarmState};
use crate::engine::apply::READ_LAG;
use crate::engine::cloud::Timestamp;
use crate::input::rollout_settings::RolloutMode;

/// The next action.
///
/// # Guarantees
///
/// - An action on the record changes the record, so a decision that follows it is another one.
/// - No call but a cancel by a Delete touches a refresh that the environment does not own.
/// - No refresh starts, and no template is set, while a refresh is active.
/// - The process `InstanceRefresh` is resumed only where this record suspended it.
/// - No version that failed is launched until [`Action::Forget`] or [`Action::Accept`].
/// - A version is marked as failed before its rollout is rolled back or cancelled, so a crash between the two tries nothing again.
///
/// # Assumptions
///
/// - The pass observes again after each call, or ends; it decides again at once after each write of the record.
/// - `ActiveInstanceRefreshNotFound` and `InstanceRefreshInProgress` mean that the observation is outdated: observe again.
#[must_use]
pub fn decide(it: &Situation<'_>) -> Action {
    if it.trigger == Trigger::Delete { delete(it) } else { with_hold(it, rollout(it)) }
}

/// The next action of the rollout, beside a hold.
fn rollout(it: &Situation<'_>) -> Action {
    if let Some(id) = unlisted(it) {
        return Action::Wait(WaitFor::Listing(id.to_owned()));
    }
    match it.refresh {
        Some(refresh) if refresh.status.is_active() && !it.owns(refresh) => foreign(it, refresh),
        refresh => {
            let active = refresh.filter(|refresh| refresh.status.is_active());
            if let Some(action) = operator(it, active) {
                return action;
            }
            match active {
                Some(refresh) => own(it, refresh),
                None => {
                    let ended = refresh.filter(|refresh| it.record.has(refresh));
                    ended.and_then(|refresh| after(it, refresh)).unwrap_or_else(|| idle(it, ended))
                }
            }
        }
    }
}

/// A Delete cancels every refresh, also a foreign one, and drains in the same pass: it waits for none.
fn delete(it: &Situation<'_>) -> Action {
    match it.refresh {
        Some(refresh) if refresh.status.is_active() && refresh.status != RefreshStatus::Cancelling => cancel(refresh),
        _ => Action::None,
    }
}

/// The recorded refresh that no list shows yet.
fn unlisted<'a>(it: &'a Situation<'_>) -> Option<&'a str> {
    let recorded = it.record.refresh.as_ref()?;
    let is_listed = it.refresh.is_some_and(|refresh| refresh.status.is_active() || refresh.id == recorded.id);
    (!is_listed && it.now < recorded.accepted + READ_LAG).then_some(recorded.id.as_str())
}

/// Another principal's refresh is left alone. A request that changes no template proceeds, and so does a rollback, whose
/// template is left to the due passes.
fn foreign(it: &Situation<'_>, refresh: &ObservedRefresh) -> Action {
    let (id, status) = (refresh.id.clone(), refresh.status.clone());
    let changes_template = !it.saved_is(it.desired) && it.failure().is_none();
    match it.trigger {
        Trigger::Update(_) if !changes_template => Action::None,
        Trigger::Update(_) | Trigger::Roll | Trigger::Rollback | Trigger::Cancel => {
            Action::Refuse(Refusal::ForeignRefresh { id, status })
        }
        // Due passes set the template once the refresh has ended.
        Trigger::RollbackUpdate if changes_template && !it.record.begun => Action::Begin,
        Trigger::RollbackUpdate | Trigger::Due | Trigger::Delete => Action::Wait(WaitFor::Foreign { id, status }),
    }
}

/// The first step of an operator's request, which is a write of the record; then the request goes its usual way.
fn operator(it: &Situation<'_>, active: Option<&ObservedRefresh>) -> Option<Action> {
    let mark = |cause, evidence| Some(mark_failed(it, it.desired, cause, evidence));
    let is_cancelled = it.failure().map(|failed| failed.cause == FailureCause::Cancelled);
    match (it.trigger, is_cancelled, active) {
        (Trigger::Roll, Some(_), _) => {
            Some(hold_blocks_start(it).unwrap_or_else(|| Action::Forget(it.desired.clone())))
        }
        (Trigger::Cancel, _, None) => Some(Action::Refuse(Refusal::NoRollout)),
        (Trigger::Cancel, Some(true), Some(refresh)) => Some(match refresh.status {
            RefreshStatus::Cancelling => wait(refresh),
            _ => cancel(refresh),
        }),
        (Trigger::Cancel, _, Some(_)) => mark(FailureCause::Cancelled, "an operator cancelled the rollout"),
        (Trigger::Rollback, _, Some(refresh)) if refresh.is_return() => None,
        (Trigger::Rollback, None | Some(true), _) if it.fallback().is_none() => {
            Some(Action::Refuse(Refusal::NoEarlierVersion))
        }
        (Trigger::Rollback, None | Some(true), _) => mark(FailureCause::Operator, "an operator asked for the rollback"),
        _ => None,
    }
}

/// An active refresh of the environment.
fn own(it: &Situation<'_>, refresh: &ObservedRefresh) -> Action {
    if !it.record.has(refresh) {
        return Action::Adopt(refresh.id.clone());
    }
    let Some(target) = &refresh.target else { return cancel(refresh) };
    let is_goal = it.goal().is_some_and(|goal| goal.matches(target));
    let is_replaced = !is_goal
        && it.failure().is_none()
        && !it.saved_matches(it.desired)
        && matches!(it.trigger, Trigger::Update(_) | Trigger::Roll | Trigger::Due);
    // A request that cannot start its rollout cancels none.
    if is_replaced && let Some(action) = alarm_blocks_start(it).or_else(|| hold_blocks_start(it)) {
        return action;
    }
    match &refresh.status {
        RefreshStatus::InProgress | RefreshStatus::Baking if !refresh.preferences.are_of_a_way_back() => {
            forward(it, refresh, target)
        }
        RefreshStatus::Pending | RefreshStatus::InProgress | RefreshStatus::Baking if !is_goal => cancel(refresh),
        RefreshStatus::InProgress | RefreshStatus::Baking => way_back(it, refresh, target, refresh.started),
        RefreshStatus::RollbackInProgress => rolling_back(it, refresh, target),
        _ => wait(refresh),
    }
}

/// A rollout under way.
fn forward(it: &Situation<'_>, refresh: &ObservedRefresh, target: &Version) -> Action {
    match it.failure() {
        // A newer request: the latest request wins.
        _ if !target.matches(it.desired) => match it.goal() {
            Some(goal) if it.saved_matches(goal) => roll_back(it, refresh),
            _ => cancel(refresh),
        },
        Some(failed) if failed.cause == FailureCause::Cancelled => cancel(refresh),
        Some(_) => roll_back(it, refresh),
        // A revision of the desired version that failed by its number alone.
        None if it.record.is_bad(target) => roll_back(it, refresh),
        None => failing(it, refresh, target).unwrap_or_else(|| wait(refresh)),
    }
}

/// The mark of a rollout that goes wrong.
fn failing(it: &Situation<'_>, refresh: &ObservedRefresh, target: &Version) -> Option<Action> {
    let mark = |cause, evidence: &str| Some(mark_failed(it, target, cause, evidence));
    if let Some(verdict) = it.verdict_on(target, refresh.started) {
        return mark(FailureCause::Verdict, &verdict.to_string());
    }
    let is_ringing = |alarm: &&RolloutAlarm| {
        alarm.state == RolloutAlarmState::Alarm && refresh.preferences.alarms.contains(&alarm.name)
    };
    if refresh.status.is_active()
        && let Some(alarm) = it.alarms.iter().find(is_ringing)
    {
        return mark(FailureCause::Alarm, &format!("alarm {} is in ALARM", alarm.name));
    }
    let is_due = matches!(it.trigger, Trigger::Update(request) if it.now >= request.deadline);
    let is_late = is_due && refresh.status.is_active() && it.in_service(target).next().is_none();
    let held = it.record.open_hold(it.now).map(|hold| format!("; {}", WaitFor::Hold(hold.until)));
    let evidence =
        format!("no instance of it was in service at the deadline of the request{}", held.unwrap_or_default());
    if is_late { mark(FailureCause::Deadline, &evidence) } else { None }
}

/// A refresh that Auto Scaling rolls back: by our call, by an alarm, after an hour of failed launches, or by a call of another
/// principal.
fn rolling_back(it: &Situation<'_>, refresh: &ObservedRefresh, target: &Version) -> Action {
    let details = refresh.rollback.as_ref();
    match (it.failure(), it.saved.version()) {
        (None, _)
            if target.matches(it.desired)
                && it.record.failure_of(target).is_none()
                && !refresh.preferences.are_of_a_way_back() =>
        {
            mark_failed(it, target, FailureCause::RefreshFailed, &reason(refresh))
        }
        (None, saved) if !saved.is_some_and(|saved| saved.matches(it.desired)) => cancel(refresh),
        (_, Some(saved)) => way_back(it, refresh, saved, details.and_then(|it| it.started)),
        (_, None) => wait(refresh),
    }
}

/// The group returns to a version. A verdict on the way does not change the direction: the version that it came from is worse.
fn way_back(it: &Situation<'_>, refresh: &ObservedRefresh, to: &Version, since: Option<Timestamp>) -> Action {
    match it.verdict_on(to, since) {
        Some(verdict) => Action::Alarm(AlarmReason::VerdictOnWayBack(verdict.to_string())),
        None => wait(refresh),
    }
}

/// The end of the recorded refresh, if it decides something.
fn after(it: &Situation<'_>, refresh: &ObservedRefresh) -> Option<Action> {
    let target = refresh.target.as_ref()?;
    let has_failed = it.failure().or_else(|| it.record.failure_of(target)).is_some();
    let is_rollout = !refresh.preferences.are_of_a_way_back() && target.matches(it.desired) && !has_failed;
    let ended = |cause, evidence: &str| is_rollout.then(|| mark_failed(it, target, cause, evidence));
    match refresh.status {
        RefreshStatus::Successful if it.record.is_bad(target) => None,
        RefreshStatus::Successful => {
            let failing = if is_rollout { failing(it, refresh, target) } else { None };
            failing.or_else(|| Some(Action::Accept(target.clone())))
        }
        // A cancel of ours follows a mark, or a newer request, which may itself be rolled back. This one came from another
        // principal.
        RefreshStatus::Cancelled if it.trigger == Trigger::RollbackUpdate => None,
        RefreshStatus::Cancelled => ended(FailureCause::Cancelled, &reason(refresh)),
        _ => ended(FailureCause::RefreshFailed, &reason(refresh)),
    }
}

/// No refresh is active. `ended` is the recorded one.
fn idle(it: &Situation<'_>, ended: Option<&ObservedRefresh>) -> Action {
    let way_back_failed = |to: &Version| {
        let is_failed = |refresh: &&ObservedRefresh| {
            refresh.preferences.are_of_a_way_back()
                && matches!(refresh.status, RefreshStatus::Failed | RefreshStatus::RollbackFailed)
                && refresh.target.as_ref().is_some_and(|target| target.matches(to))
        };
        ended.filter(is_failed).map(|_| Action::Alarm(AlarmReason::WayBackFailed(to.clone())))
    };
    match it.failure() {
        Some(failed) if failed.cause == FailureCause::Cancelled => match it.saved.version() {
            Some(saved) if it.has_others_than(saved) => Action::Alarm(AlarmReason::CancelledHalfway(failed.clone())),
            // Nothing is left of the rollout, such as a return, that was cancelled.
            Some(saved) if saved.matches(it.desired) => settle(it, it.desired),
            _ => Action::None,
        },
        Some(failed) => {
            let Some(back) = it.fallback() else { return Action::Alarm(AlarmReason::NoWayBack(failed.clone())) };
            // Without rollouts the running instances stay, except where an operator asks.
            let replaces = it.settings.mode == RolloutMode::Rolling || it.trigger == Trigger::Rollback;
            let has_left = !it.has_others_than(back) || !replaces;
            match it.saved.version() {
                // Every launch from now on is of the good version, also if no function runs again.
                Some(saved) if it.record.is_bad(saved) || !has_left && !saved.matches(back) => {
                    begin(it, Action::SetTemplate(back.clone()))
                }
                _ if has_left => settle(it, back),
                _ => {
                    let failed_before = way_back_failed(back).filter(|_| it.trigger != Trigger::Rollback);
                    failed_before.unwrap_or_else(|| begin(it, Action::Start(RefreshCall::back(back, it.settings))))
                }
            }
        }
        None => towards_desired(it, way_back_failed(it.desired)),
    }
}

/// No refresh is active, and the desired version did not fail.
fn towards_desired(it: &Situation<'_>, way_back_failed: Option<Action>) -> Action {
    let running = it.record.running.as_ref();
    let is_request = matches!(it.trigger, Trigger::Update(_) | Trigger::RollbackUpdate | Trigger::Roll);
    // What has begun for the desired version owes the instances of the running version, and otherwise its own.
    let owes_begun = match &it.record.begun_for {
        Some(begun) => begun.differs(it.desired) || running.is_none(),
        None => true,
    };
    let owes_rollout = it.record.begun && owes_begun || running.is_some_and(|it_ran| it_ran.differs(it.desired));
    let owes_template = it.record.begun || running.is_some_and(|it_ran| it_ran.number != it.desired.number);
    // Changes by other principals are drift, and no due pass repairs drift.
    if !is_request && !owes_rollout && !owes_template {
        return Action::None;
    }
    let differs = it.saved.version().is_some_and(|saved| saved.differs(it.desired));
    let is_rollout = differs || owes_rollout && it.has_others_than(it.desired);
    let rolls = it.trigger == Trigger::Roll || is_rollout && it.settings.mode == RolloutMode::Rolling;
    match it.trigger {
        _ if !rolls && it.saved_is(it.desired) => settle(it, it.desired),
        _ if !it.launchable.contains(&it.desired.number) => {
            Action::Alarm(AlarmReason::NotLaunchable(it.desired.clone()))
        }
        _ if !rolls => begin(it, Action::SetTemplate(it.desired.clone())),
        Trigger::Roll if it.saved_is(it.desired) => start(it, RefreshCall::again(it.desired, it.settings)),
        Trigger::Update(_) | Trigger::Roll if !it.saved_is(it.desired) => start_forward(it),
        Trigger::Due if !it.saved_is(it.desired) && !is_return(it) => start_forward(it),
        _ if !it.saved_is(it.desired) => begin(it, Action::SetTemplate(it.desired.clone())),
        _ => way_back_failed.unwrap_or_else(|| begin(it, Action::Start(RefreshCall::back(it.desired, it.settings)))),
    }
}

/// Whether the desired version is one that ran: a rollback that was accepted while another refresh was active.
fn is_return(it: &Situation<'_>) -> bool {
    let ran = [it.record.previous.as_ref(), it.record.running.as_ref()];
    ran.into_iter().flatten().any(|it_ran| it_ran.matches(it.desired))
}

fn start_forward(it: &Situation<'_>) -> Action {
    let call = RefreshCall::forward(it.desired, it.settings, it.instances.len(), it.has_way_back());
    alarm_blocks_start(it).unwrap_or_else(|| start(it, call))
}

/// An alarm that is not OK delays a due pass, and refuses a request.
fn alarm_blocks_start(it: &Situation<'_>) -> Option<Action> {
    let alarm = RolloutAlarm::first_blocking(it.alarms)?;
    Some(match it.trigger {
        Trigger::Due => Action::Wait(WaitFor::Alarm(alarm)),
        _ => Action::Refuse(Refusal::Alarm(alarm)),
    })
}

fn start(it: &Situation<'_>, call: RefreshCall) -> Action {
    hold_blocks_start(it).unwrap_or_else(|| begin(it, Action::Start(call)))
}

/// The call, or the record before it. After a lost response, a later pass then knows that a rollout has to be completed, also
/// towards another version.
fn begin(it: &Situation<'_>, call: Action) -> Action {
    if it.record.begun { call } else { Action::Begin }
}

/// The group is at this version. A settled environment writes nothing.
fn settle(it: &Situation<'_>, version: &Version) -> Action {
    let is_recorded = !it.record.begun && it.record.refresh.is_none() && it.record.running.as_ref() == Some(version);
    if is_recorded { Action::None } else { Action::Accept(version.clone()) }
}

/// The saved version is where a rollback goes; without one, a cancel leaves the instances to the next decision.
fn roll_back(it: &Situation<'_>, refresh: &ObservedRefresh) -> Action {
    if it.has_way_back() { Action::RollBack } else { cancel(refresh) }
}

fn cancel(refresh: &ObservedRefresh) -> Action {
    Action::Cancel(refresh.id.clone())
}

fn wait(refresh: &ObservedRefresh) -> Action {
    Action::Wait(WaitFor::Refresh { id: refresh.id.clone(), status: refresh.status.clone() })
}

fn mark_failed(it: &Situation<'_>, version: &Version, cause: FailureCause, evidence: &str) -> Action {
    // A newer revision fails by its number alone: the version to return to has the same rolling inputs. Auto Scaling returns to
    // the saved one, and a start to the fallback, since a refresh that is successful has saved the revision.
    let mut returned_to = it.saved.version().into_iter().chain(it.fallback_from(version));
    let is_revision = returned_to.any(|it| it.number != version.number && it.matches(version));
    let rolling = version.rolling.clone().filter(|_| !is_revision);
    let version = Version { number: version.number, rolling };
    Action::MarkFailed(FailedVersion::new(&version, cause, evidence, it.now))
}

/// Auto Scaling's own words for the end of a refresh.
fn reason(refresh: &ObservedRefresh) -> String {
    let of_rollback = refresh.rollback.as_ref().and_then(|it| it.reason.as_ref());
    let words = [of_rollback, refresh.status_reason.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
    let words = if words.is_empty() { String::from("Auto Scaling gives no reason") } else { words.join(" ") };
    format!("instance refresh {} is {}: {words}", refresh.id, refresh.status)
}
