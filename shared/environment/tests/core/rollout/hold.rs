//! Holds: what an operator's hold delays, what it does not, and how it ends.

use std::time::Duration;

use environment::rollout::{
    Action, AlarmReason, Answer, FailureCause, Hold, RefreshCall, Refusal, RolloutState, SavedVersion, Trigger,
    UpdateRequest, WaitFor, answer, state,
};
use environment::{READ_LAG, Timestamp};

use super::fixture::{
    Case, NOW, TRIGGERS, foreign, in_service, minutes_ago, refresh, return_to, rollout_of, unhealthy, update, version,
};

/// Within the time of the Update of the fixture.
const SOON: Timestamp = Timestamp(NOW.0 + 60_000);

/// The case with a hold that lasts until a time, and has suspended the process.
fn held(case: Case, until: Timestamp) -> Case {
    let mut case = Case { is_suspended: true, ..case };
    case.record.hold = Some(Hold { until, suspends: Some(true), is_observed: true });
    case
}

fn tomorrow() -> Timestamp {
    NOW + Duration::from_hours(24)
}

fn due(case: Case) -> Case {
    Case { trigger: Trigger::Due, ..case }
}

/// The actions of one pass: each write of the record, and each suspension, has its effect; the last action has none.
fn actions(mut case: Case) -> Vec<Action> {
    let mut actions = vec![];
    loop {
        let action = case.decide();
        actions.push(action.clone());
        match action {
            Action::Suspend => case.is_suspended = true,
            Action::Resume => case.is_suspended = false,
            action if action.is_record() => case.record = case.record.after(&action, case.now),
            _ => return actions,
        }
        assert!(actions.len() < 10, "{actions:?}");
    }
}

/// A settled environment: all is version 7.
fn settled() -> Case {
    let mut case = Case {
        saved: SavedVersion::Numbered(version(7)),
        instances: vec![in_service("i-1", 7, 60), in_service("i-2", 7, 60)],
        ..Case::default()
    };
    case.record.running = Some(version(7));
    due(case)
}

#[test]
fn a_hold_suspends_the_process_after_the_record_and_a_later_pass_resumes_it_once() {
    let mut case = settled();
    case.record = case.record.held(SOON);
    let open = Hold { until: SOON, suspends: Some(true), is_observed: true };
    let wait = Action::Wait(WaitFor::Hold(SOON));
    let sent = Hold { is_observed: false, ..open };
    let writes = [sent, open].map(|it| Action::RecordHold(Some(it)));
    let [sent, observed] = writes;
    assert_eq!(actions(case.clone()), [sent, Action::Suspend, observed, wait.clone()]);

    let mut case = held(case, SOON);
    assert_eq!(actions(case.clone()), [wait]);
    case.now = SOON;
    assert_eq!(actions(case.clone()), [Action::Resume, Action::RecordHold(None), Action::None]);
    // A pass that died after the call.
    case.is_suspended = false;
    assert_eq!(actions(case), [Action::RecordHold(None), Action::None]);
}

/// The call of a moment ago takes effect after the observation.
#[test]
fn a_hold_whose_suspension_is_not_visible_yet_is_resumed_until_it_would_be() {
    let mut case = Case { is_suspended: false, ..held(settled(), SOON) };
    case.record.hold = case.record.hold.map(|it| Hold { is_observed: false, ..it });
    // A release.
    case.record = case.record.held(Timestamp(0));
    let ends = case.decide();
    assert!(matches!(ends, Action::RecordHold(Some(Hold { until: NOW, .. }))), "{ends:?}");
    case.record = case.record.after(&ends, NOW);
    assert_eq!(case.decide(), Action::Resume);
    case.now = NOW + READ_LAG;
    assert_eq!(case.decide(), Action::RecordHold(None));
    // It has taken effect.
    case.is_suspended = true;
    let seen = actions(case);
    assert!(
        matches!(seen[..], [Action::RecordHold(Some(_)), Action::Resume, Action::RecordHold(None), Action::None]),
        "{seen:?}"
    );
}

#[test]
fn a_process_that_another_principal_suspended_is_not_resumed() {
    let mut case = Case { is_suspended: true, ..settled() };
    case.record = case.record.held(SOON);
    let theirs = Hold { until: SOON, suspends: Some(false), is_observed: false };
    assert_eq!(actions(case.clone()), [Action::RecordHold(Some(theirs)), Action::Wait(WaitFor::Hold(SOON))]);
    case.record.hold = Some(theirs);
    // The hold lasts longer than their suspension.
    let resumed = Case { is_suspended: false, ..case.clone() };
    let ours = Hold { suspends: Some(true), ..theirs };
    assert_eq!(actions(resumed)[..2], [Action::RecordHold(Some(ours)), Action::Suspend]);
    case.now = SOON;
    assert_eq!(actions(case), [Action::RecordHold(None), Action::None]);
}

#[test]
fn a_later_request_moves_the_end_of_a_hold_and_a_release_ends_it() {
    let mut case = held(settled(), SOON);
    case.record = case.record.held(tomorrow());
    assert_eq!(case.record.hold, Some(Hold { until: tomorrow(), suspends: Some(true), is_observed: true }));
    assert_eq!(actions(case.clone()), [Action::Wait(WaitFor::Hold(tomorrow()))]);
    case.record = case.record.held(Timestamp(0));
    assert_eq!(actions(case), [Action::Resume, Action::RecordHold(None), Action::None]);
}

#[test]
fn a_rollout_begins_after_the_hold_and_a_request_that_ends_before_it_is_refused() {
    let wait = Action::Wait(WaitFor::Hold(SOON));
    assert_eq!(actions(held(due(Case::default()), SOON)), std::slice::from_ref(&wait));
    let update = held(Case::default(), SOON);
    assert_eq!(actions(update.clone()), [wait]);
    assert_eq!(answer(&update.situation(), &update.decide()), Answer::NotYet);
    // A rollout of an older version stands still, and is not cancelled meanwhile.
    let superseding = held(Case::default().with_own(rollout_of(8, "InProgress")), tomorrow());
    for case in [held(Case::default(), tomorrow()), superseding] {
        assert_eq!(actions(case.clone()), [Action::Refuse(Refusal::Hold(tomorrow()))]);
        let Answer::Failed { reason } = answer(&case.situation(), &case.decide()) else { panic!("{case:?}") };
        assert!(reason.starts_with("an operator holds the rollout until 1970-01-03T03:46:40Z. "), "{reason}");
    }
    let failed = Case { trigger: Trigger::Roll, ..Case::default().with_failed(7, FailureCause::Verdict) };
    assert_eq!(actions(held(failed, SOON)), [Action::Refuse(Refusal::Hold(SOON))], "nothing is forgotten");
}

#[test]
fn a_hold_delays_no_change_that_replaces_nothing() {
    let mut tags = Case { desired: environment::rollout::Version { number: 8, ..version(6) }, ..Case::default() };
    tags.record.running = Some(version(6));
    tags.record.begun = true;
    assert_eq!(actions(held(tags.clone(), tomorrow())), [Action::SetTemplate(tags.desired)]);
}

#[test]
fn a_held_rollout_stands_still_and_its_update_ends_at_the_deadline() {
    let rolling = |instances| {
        let case = Case { instances, ..Case::default() }.with_own(rollout_of(7, "InProgress"));
        held(case, tomorrow())
    };
    let one = rolling(vec![in_service("i-1", 7, 1), in_service("i-2", 6, 600)]);
    assert!(matches!(actions(one.clone())[..], [Action::Wait(WaitFor::Refresh { .. })]));
    assert_eq!(state(&one.situation()), RolloutState::Held);
    let request = UpdateRequest { sent: minutes_ago(55), deadline: NOW, changes_rolling_input: true };
    let one = Case { trigger: Trigger::Update(request), ..one };
    assert_eq!(answer(&one.situation(), &one.decide()), Answer::Success(RolloutState::Held));

    let none = Case { trigger: Trigger::Update(request), ..rolling(vec![in_service("i-2", 6, 600)]) };
    let all = actions(none);
    let [Action::MarkFailed(failed), Action::RecordHold(Some(ended)), Action::Resume, Action::RecordHold(None), back] =
        &all[..]
    else {
        panic!("{all:?}")
    };
    assert!(failed.evidence.ends_with("an operator holds the rollout until 1970-01-03T03:46:40Z"), "{failed}");
    assert_eq!((ended.until, back), (NOW, &Action::RollBack));
}

#[test]
fn a_way_back_ends_the_hold_and_the_process_is_resumed_before_the_call() {
    let rolling = || Case::default().with_own(rollout_of(7, "InProgress"));
    let bad = due(Case { verdicts: vec![unhealthy(7)], ..rolling() });
    let sibling = Case { trigger: Trigger::RollbackUpdate, desired: version(6), ..rolling() };
    let operator = Case { trigger: Trigger::Rollback, ..rolling() };
    for case in [bad, sibling, operator] {
        let all = actions(held(case, tomorrow()));
        let end = &all[all.len() - 3..];
        assert_eq!(end, [Action::Resume, Action::RecordHold(None), Action::RollBack], "{all:?}");
    }
    // One that Auto Scaling has begun, and one that a hold of a moment ago paused.
    for refresh in [rollout_of(7, "RollbackInProgress"), return_to(6, "InProgress")] {
        let case = due(Case::default()).with_failed(7, FailureCause::Alarm).with_own(refresh);
        let all = actions(held(case, tomorrow()));
        assert_eq!(all[1..3], [Action::Resume, Action::RecordHold(None)], "{all:?}");
    }
}

/// It has the preferences of a way back, and replaces all.
#[test]
fn a_bad_roll_of_the_running_version_is_held_and_can_be_rolled_back() {
    let again = RefreshCall::again(&version(7), &Case::default().settings);
    let mut case = Case { verdicts: vec![unhealthy(7)], ..settled() }.with_own(refresh(&again, "InProgress"));
    case.record.previous = Some(version(6));
    let all = actions(held(case.clone(), tomorrow()));
    assert!(matches!(all[..], [Action::Alarm(AlarmReason::VerdictOnWayBack(_))]), "{all:?}");
    let all = actions(Case { trigger: Trigger::Rollback, ..case });
    assert!(matches!(all[..], [Action::MarkFailed(_), Action::Cancel(_)]), "{all:?}");
}

#[test]
fn a_way_back_that_another_principal_suspends_needs_an_operator() {
    for refresh in [rollout_of(7, "RollbackInProgress"), return_to(6, "Pending"), return_to(6, "InProgress")] {
        let case =
            Case { is_suspended: true, ..Case::default() }.with_failed(7, FailureCause::Verdict).with_own(refresh);
        for trigger in [Trigger::Due, Trigger::Rollback, Trigger::RollbackUpdate] {
            let desired = if trigger == Trigger::RollbackUpdate { version(6) } else { version(7) };
            let case = Case { trigger, desired, ..case.clone() };
            let action = case.decide();
            assert_eq!(action, Action::Alarm(AlarmReason::SuspendedWayBack), "{trigger:?}");
            let is_answered = matches!(answer(&case.situation(), &action), Answer::Success(_));
            assert_eq!(is_answered, trigger != Trigger::Due, "{trigger:?}");
        }
    }
    let text = AlarmReason::SuspendedWayBack.to_string();
    let command =
        "aws autoscaling resume-processes --auto-scaling-group-name <group> --scaling-processes InstanceRefresh";
    assert!(text.ends_with(command), "{text}");
}

#[test]
fn a_cancel_keeps_the_hold() {
    let case = Case { trigger: Trigger::Cancel, ..Case::default() }.with_own(rollout_of(7, "InProgress"));
    let all = actions(held(case, tomorrow()));
    assert!(matches!(all[..], [Action::MarkFailed(_), Action::Cancel(_)]), "{all:?}");
}

#[test]
fn a_delete_has_no_use_for_the_hold() {
    let delete = || Case { trigger: Trigger::Delete, ..Case::default() };
    assert_eq!(actions(held(delete(), tomorrow())), [Action::None]);
    let rolling = delete().with_own(rollout_of(7, "InProgress"));
    assert!(matches!(actions(held(rolling, tomorrow()))[..], [Action::Cancel(_)]));
}

#[test]
fn a_hold_pauses_no_refresh_of_another_principal() {
    for (name, trigger) in TRIGGERS.into_iter().filter(|(name, _)| *name != "Delete") {
        let mut case = Case { trigger: trigger(), refresh: Some(foreign("InProgress")), ..Case::default() };
        case.record.hold = Some(Hold { until: tomorrow(), suspends: Some(true), is_observed: true });
        assert!(!actions(case).contains(&Action::Suspend), "{name}");
    }
}

#[test]
fn an_update_without_a_hold_is_not_delayed_by_one_that_has_ended() {
    let mut case = Case { trigger: update(), ..Case::default() };
    case.record.hold = Some(Hold { until: minutes_ago(1), suspends: Some(true), is_observed: true });
    case.is_suspended = true;
    let all = actions(case);
    assert!(matches!(all[..], [Action::Resume, Action::Begin, Action::RecordHold(None), Action::Start(_)]), "{all:?}");
}

#[test]
fn a_time_is_its_second_in_utc() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399_999, "2000-02-28T23:59:59Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_709_251_199_000, "2024-02-29T23:59:59Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00Z"),
        (1_798_761_599_000, "2026-12-31T23:59:59Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(Timestamp(ms).to_string(), text);
    }
}
