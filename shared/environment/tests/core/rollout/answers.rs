//! The responses to requests.

use std::time::Duration;

use environment::rollout::{
    Action, Answer, FailureCause, RolloutAlarm, RolloutAlarmState, RolloutInstance, RolloutRecord, RolloutState,
    RolloutWait, SavedVersion, Trigger, UpdateRequest, answer, state,
};

use super::fixture::{Case, NOW, foreign, in_service, minutes_ago, return_to, rollout_of, unhealthy, update, version};

fn answer_of(case: &Case) -> Answer {
    answer(&case.situation(), &case.decide())
}

fn reason(case: &Case) -> String {
    match answer_of(case) {
        Answer::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// An Update at its deadline.
fn at_the_deadline() -> Trigger {
    Trigger::Update(UpdateRequest { sent: minutes_ago(55), deadline: NOW, changes_rolling_input: true })
}

fn launching(number: u64) -> RolloutInstance {
    RolloutInstance { in_service_since: None, ..in_service("i-3", number, 0) }
}

/// The rollout of version 7, with these instances.
fn rolling(instances: Vec<RolloutInstance>) -> Case {
    Case { instances, ..Case::default() }.with_own(rollout_of(7, "InProgress"))
}

#[test]
fn an_update_waits_for_every_instance_and_then_succeeds() {
    let case = rolling(vec![in_service("i-1", 7, 20), in_service("i-2", 6, 600)]);
    assert_eq!(answer_of(&case), Answer::NotYet);
    let mut done = Case {
        saved: SavedVersion::Numbered(version(7)),
        instances: vec![in_service("i-1", 7, 20), in_service("i-2", 7, 2)],
        ..Case::default()
    }
    .with_own(rollout_of(7, "Successful"));
    let accept = done.decide();
    assert_eq!(accept, Action::Accept(version(7)));
    assert_eq!(answer_of(&done), Answer::NotYet, "the record comes first");
    done.record = done.record.after(&accept, NOW);
    assert_eq!(answer_of(&done), Answer::Success(RolloutState::Complete));
}

#[test]
fn with_canary_an_update_succeeds_when_the_canary_is_in_service_and_baked() {
    let canary = |instances| {
        let mut case = rolling(instances);
        case.settings.wait = RolloutWait::Canary;
        case
    };
    let old = |count: usize| vec![in_service("i-1", 6, 600); count];
    let with = |new: &[RolloutInstance], count| canary([new.to_vec(), old(count)].concat());
    assert_eq!(answer_of(&with(&[launching(7)], 9)), Answer::NotYet);
    // In service, and not baked: 60 s.
    assert_eq!(answer_of(&with(&[in_service("i-2", 7, 0)], 9)), Answer::NotYet);
    assert_eq!(answer_of(&with(&[in_service("i-2", 7, 1)], 9)), Answer::Success(RolloutState::InProgress));
    // 10 % of 11 are two.
    assert_eq!(answer_of(&with(&[in_service("i-2", 7, 1)], 10)), Answer::NotYet);
    let two = [in_service("i-2", 7, 1), in_service("i-3", 7, 1)];
    assert_eq!(answer_of(&with(&two, 9)), Answer::Success(RolloutState::InProgress));
    // An ignored instance is none of them, and a pending refresh has no canary.
    let ignored = RolloutInstance { is_ignored: true, ..in_service("i-4", 6, 600) };
    assert_eq!(answer_of(&with(&[in_service("i-2", 7, 1), ignored], 9)), Answer::Success(RolloutState::InProgress));
    let mut pending = canary(vec![]).with_own(rollout_of(7, "Pending"));
    pending.settings.wait = RolloutWait::Canary;
    assert_eq!(answer_of(&pending), Answer::NotYet);
}

#[test]
fn a_bad_update_fails_with_its_evidence_when_the_rollback_is_accepted() {
    let mut case = rolling(vec![in_service("i-1", 6, 600)]);
    case.verdicts = vec![unhealthy(7)];
    let mark = case.decide();
    assert!(matches!(&mark, Action::MarkFailed(failed) if failed.cause == FailureCause::Verdict), "{mark:?}");
    assert_eq!(answer_of(&case), Answer::NotYet);
    case.record = case.record.after(&mark, NOW);
    assert_eq!((case.decide(), answer_of(&case)), (Action::RollBack, Answer::NotYet));
    let accepted = Case { refresh: Some(rollout_of(7, "RollbackInProgress")), ..case };
    assert_eq!(
        reason(&accepted),
        "version 7 failed: instance i-9 of version 7 is unhealthy: user data failed at line 3"
    );
    assert_eq!(state(&accepted.situation()), RolloutState::RolledBack);
}

#[test]
fn a_version_that_failed_before_fails_a_request_for_it_and_no_other_request() {
    let failed = || Case::default().with_failed(7, FailureCause::Verdict);
    let request = |changes_rolling_input| {
        Trigger::Update(UpdateRequest {
            sent: minutes_ago(1),
            deadline: NOW + Duration::from_mins(55),
            changes_rolling_input,
        })
    };
    let again = Case { trigger: request(true), ..failed() };
    assert_eq!(reason(&again), "version 7 failed: the evidence. It is not tried again until one of its inputs changes");
    let other = Case { trigger: request(false), ..failed() };
    assert_eq!(answer_of(&other), Answer::Success(RolloutState::RolledBack));
    let cancelled = Case { trigger: request(false), ..Case::default().with_failed(7, FailureCause::Cancelled) };
    assert_eq!(answer_of(&cancelled), Answer::Success(RolloutState::Cancelled));
}

#[test]
fn at_the_deadline_one_instance_in_service_is_a_success_and_none_is_a_rollback() {
    let one = Case { trigger: at_the_deadline(), ..rolling(vec![in_service("i-1", 7, 1), in_service("i-2", 6, 600)]) };
    assert_eq!(answer_of(&one), Answer::Success(RolloutState::InProgress));
    let with_verdict = Case { verdicts: vec![unhealthy(7)], ..one };
    assert!(matches!(with_verdict.decide(), Action::MarkFailed(_)));
    let none = Case { trigger: at_the_deadline(), ..rolling(vec![launching(7), in_service("i-2", 6, 600)]) };
    let mark = none.decide();
    assert!(matches!(&mark, Action::MarkFailed(failed) if failed.cause == FailureCause::Deadline), "{mark:?}");
    let record = none.record.clone().after(&mark, NOW);
    let refresh = Some(rollout_of(7, "RollbackInProgress"));
    let accepted = Case { refresh, record, ..none };
    assert!(reason(&accepted).starts_with("version 7 was not in service in time"), "{}", reason(&accepted));
    // Before the deadline it goes on.
    let before = Case { trigger: update(), ..rolling(vec![launching(7)]) };
    assert_eq!(answer_of(&before), Answer::NotYet);
}

#[test]
fn a_rollout_that_cannot_begin_fails_at_the_deadline_or_at_once() {
    let suspended = Case { is_suspended: true, ..Case::default() };
    assert_eq!(answer_of(&suspended), Answer::NotYet);
    let suspended = Case { trigger: at_the_deadline(), ..suspended };
    assert_eq!(
        reason(&suspended),
        "the rollout did not begin in the time of the request: another principal has suspended the process InstanceRefresh of \
         the group"
    );
    for (state, text) in [
        (RolloutAlarmState::Alarm, "is in ALARM"),
        (RolloutAlarmState::InsufficientData, "is in INSUFFICIENT_DATA"),
        (RolloutAlarmState::Missing, "does not exist"),
        (RolloutAlarmState::BreachesOnMissingData, "treats missing data as neither notBreaching nor ignore"),
    ] {
        let alarms = vec![RolloutAlarm { name: "errors".into(), state }];
        let case = Case { alarms, ..Case::default() };
        assert_eq!(
            reason(&case),
            format!("RolloutAlarms: alarm errors {text}. A rollout begins when each alarm is OK")
        );
        // It cancels no rollout that is under way either.
        let superseding = Case { desired: version(8), ..case.with_own(rollout_of(7, "InProgress")) };
        assert!(reason(&superseding).starts_with("RolloutAlarms"), "{:?}", superseding.decide());
    }
    let foreign = Case { refresh: Some(foreign("InProgress")), ..Case::default() };
    assert_eq!(
        reason(&foreign),
        "instance refresh foreign, which another principal started, is InProgress. Wait for its end, or cancel it: aws \
         autoscaling cancel-instance-refresh --auto-scaling-group-name <group>"
    );
    let unchanged = Case { desired: version(6), ..foreign };
    assert!(matches!(answer_of(&unchanged), Answer::Success(_)), "{:?}", answer_of(&unchanged));
}

#[test]
fn a_rollback_succeeds_as_soon_as_it_is_accepted() {
    let back = |case: Case| Case { trigger: Trigger::RollbackUpdate, desired: version(6), ..case };
    let rolling = back(rolling(vec![in_service("i-1", 7, 1), in_service("i-2", 6, 600)]));
    assert_eq!((rolling.decide(), answer_of(&rolling)), (Action::RollBack, Answer::NotYet));
    let accepted = [
        back(Case::default()).with_own(rollout_of(7, "RollbackInProgress")),
        back(Case::default()).with_own(return_to(6, "Pending")),
        back(Case {
            refresh: Some(foreign("InProgress")),
            saved: SavedVersion::Numbered(version(7)),
            record: RolloutRecord { begun: true, running: Some(version(7)), ..RolloutRecord::default() },
            ..Case::default()
        }),
        back(Case::default()),
    ];
    for case in accepted {
        assert!(matches!(answer_of(&case), Answer::Success(_)), "{:?} {:?}", case.decide(), answer_of(&case));
    }
}

#[test]
fn a_due_pass_and_a_delete_have_no_answer() {
    for trigger in [Trigger::Due, Trigger::Delete] {
        assert_eq!(answer_of(&Case { trigger, ..Case::default() }), Answer::NotYet);
    }
}
