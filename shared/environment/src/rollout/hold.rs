//! The hold of an operator: the process `InstanceRefresh` of the group follows it, beside the action of the rollout.

use super::action::{Action, AlarmReason, Refusal, WaitFor};
use super::record::Hold;
use super::refresh::{ObservedRefresh, RefreshStatus};
use super::situation::{Situation, Trigger};
use crate::engine::apply::READ_LAG;
use crate::engine::cloud::Timestamp;

/// The next action of a situation whose rollout has the action `next`.
///
/// - Writes of the record that the rollout asks for go first: they touch no refresh.
/// - The group returns by a refresh, which needs the process. So a way back ends the hold, and the process is resumed before the
///   call: no source says whether `RollbackInstanceRefresh` succeeds while the process is suspended.
/// - An ended hold is forgotten when its suspension was observed, and is not observed any more; a suspension that no observation has
///   shown is resumed until [`READ_LAG`] after the end.
/// - The process is suspended and resumed only where the record says that this hold suspends it, and never under a refresh of
///   another principal.
pub(super) fn with_hold(it: &Situation<'_>, next: Action) -> Action {
    let Some(hold) = it.record.hold.filter(|_| !next.is_record()) else {
        return reported(it, next);
    };
    let is_open = hold.is_open(it.now);
    match hold.suspends {
        _ if is_open && returns(it, &next) => Action::RecordHold(Some(Hold { until: it.now, ..hold })),
        None if is_open && !is_foreign(it) => {
            Action::RecordHold(Some(Hold { suspends: Some(!it.is_suspended), ..hold }))
        }
        // The principal that had suspended the process has resumed it.
        Some(false) if is_open && !it.is_suspended && !is_foreign(it) => {
            Action::RecordHold(Some(Hold { suspends: Some(true), ..hold }))
        }
        Some(true) if it.is_suspended && !hold.is_observed => {
            Action::RecordHold(Some(Hold { is_observed: true, ..hold }))
        }
        // Another principal has resumed the process.
        Some(true) if is_open && !it.is_suspended && hold.is_observed && !is_foreign(it) => {
            Action::RecordHold(Some(Hold { is_observed: false, ..hold }))
        }
        Some(true) if is_open && !it.is_suspended && !is_foreign(it) => Action::Suspend,
        Some(true) if !is_open && it.is_suspended => Action::Resume,
        // A release has no time of its own.
        Some(true) if !is_open && !hold.is_observed && hold.until == Timestamp(0) => {
            Action::RecordHold(Some(Hold { until: it.now, ..hold }))
        }
        // A suspension of a moment ago may not be visible yet. The call is idempotent.
        Some(true) if !is_open && !hold.is_observed && it.now < hold.until + READ_LAG => Action::Resume,
        _ if !is_open => Action::RecordHold(None),
        // The due pass at the end of the hold ends it.
        _ if next == Action::None && it.trigger == Trigger::Due => Action::Wait(WaitFor::Hold(hold.until)),
        _ => next,
    }
}

/// What delays or refuses the start of a refresh. A hold that outlasts the request refuses it: the request would only end later.
pub(super) fn hold_blocks_start(it: &Situation<'_>) -> Option<Action> {
    match it.record.open_hold(it.now) {
        Some(Hold { until, .. }) => Some(match it.trigger {
            Trigger::Update(request) if until >= request.deadline => Action::Refuse(Refusal::Hold(until)),
            Trigger::Roll => Action::Refuse(Refusal::Hold(until)),
            _ => Action::Wait(WaitFor::Hold(until)),
        }),
        None => it.is_suspended.then_some(Action::Wait(WaitFor::Suspended)),
    }
}

/// Whether the group returns to a version that ran before, or begins to with this action.
fn returns(it: &Situation<'_>, action: &Action) -> bool {
    match action {
        Action::RollBack => true,
        Action::Start(call) => call.is_return(),
        Action::Alarm(AlarmReason::VerdictOnWayBack(_)) | Action::Wait(WaitFor::Refresh { .. }) => {
            it.refresh.is_some_and(ObservedRefresh::is_return)
        }
        _ => false,
    }
}

/// A return that another principal's suspension stops waits for an operator. Its calls are sent: it then goes on when the process is
/// resumed, without a pass.
fn reported(it: &Situation<'_>, next: Action) -> Action {
    let is_reported = matches!(it.trigger, Trigger::RollbackUpdate | Trigger::Due | Trigger::Rollback);
    match &next {
        // A cancel needs no process.
        Action::Wait(WaitFor::Refresh { status, .. })
            if is_reported && it.is_suspended && *status != RefreshStatus::Cancelling && returns(it, &next) =>
        {
            Action::Alarm(AlarmReason::SuspendedWayBack)
        }
        _ => next,
    }
}

fn is_foreign(it: &Situation<'_>) -> bool {
    it.refresh.is_some_and(|refresh| refresh.status.is_active() && !it.owns(refresh))
}
