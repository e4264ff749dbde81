//! The invariants of the table, over the product of all classes of inputs.

use std::time::Duration;

use environment::rollout::{
    Action, FailureCause, Hold, ObservedRefresh, RefreshCall, RefreshStatus, RolloutAlarm, RolloutAlarmState,
    RolloutMode, RolloutRecord, SavedVersion, Trigger, Version,
};

use super::fixture::{
    Case, NOW, OWN, STATUSES, TRIGGERS, foreign, in_service, refresh, return_to, rollout_of, unhealthy, version,
};

/// The classes of refreshes: none, and each status of a rollout, a return, a replacement of all and a foreign refresh.
fn refreshes() -> Vec<Option<ObservedRefresh>> {
    let again = |status| refresh(&RefreshCall::again(&version(7), &Case::default().settings), status);
    let of = |status: &'static str| {
        let own = [6, 7, 8].into_iter().flat_map(move |it| [rollout_of(it, status), return_to(it, status)]);
        own.chain([again(status), foreign(status)]).map(Some)
    };
    std::iter::once(None).chain(STATUSES.into_iter().flat_map(of)).collect()
}

/// The circumstances that are usual in most cases.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Circumstance {
    Usual,
    Suspended,
    /// An operator's hold lasts, and has suspended the process.
    Held,
    /// The same, and its request has a pass of its own first.
    HoldRequested,
    /// The hold has ended, and the process is suspended.
    HoldEnded,
    AlarmInAlarm,
    AlarmWithoutData,
    Irreversible,
    Unhealthy(u64),
    RolloutIsNone,
}

const CIRCUMSTANCES: [Circumstance; 11] = [
    Circumstance::Usual,
    Circumstance::Suspended,
    Circumstance::Held,
    Circumstance::HoldRequested,
    Circumstance::HoldEnded,
    Circumstance::AlarmInAlarm,
    Circumstance::AlarmWithoutData,
    Circumstance::Irreversible,
    Circumstance::Unhealthy(6),
    Circumstance::Unhealthy(7),
    Circumstance::RolloutIsNone,
];

fn apply(circumstance: Circumstance, case: &mut Case) {
    let alarm = |state| vec![RolloutAlarm { name: "errors".into(), state }];
    match circumstance {
        Circumstance::Usual => {}
        Circumstance::Suspended => case.is_suspended = true,
        Circumstance::Held => {
            case.record.hold =
                Some(Hold { until: NOW + Duration::from_hours(8), suspends: Some(true), is_observed: true });
            case.is_suspended = true;
        }
        Circumstance::HoldRequested => {
            case.record.hold = Some(Hold { until: NOW + Duration::from_hours(8), suspends: None, is_observed: false });
        }
        Circumstance::HoldEnded => {
            case.record.hold = Some(Hold { until: NOW, suspends: Some(true), is_observed: true });
            case.is_suspended = true;
        }
        Circumstance::AlarmInAlarm => case.alarms = alarm(RolloutAlarmState::Alarm),
        Circumstance::AlarmWithoutData => case.alarms = alarm(RolloutAlarmState::InsufficientData),
        Circumstance::Irreversible => case.irreversible = true,
        Circumstance::Unhealthy(number) => case.verdicts = vec![unhealthy(number)],
        Circumstance::RolloutIsNone => case.settings.mode = RolloutMode::None,
    }
    case.settings.alarms = case.alarms.iter().map(|it| it.name.clone()).collect();
    if let Some(refresh) = case.refresh.as_mut().filter(|it| !it.preferences.are_of_a_way_back()) {
        refresh.preferences.alarms.clone_from(&case.settings.alarms);
    }
}

/// Calls `check` with every case of the product.
fn for_each(mut check: impl FnMut(&Case, Circumstance)) {
    let numbered = |number| SavedVersion::Numbered(version(number));
    let saved = [numbered(6), numbered(7), numbered(5), SavedVersion::Other("$Latest".into())];
    let old = [6, 6].map(|it| in_service("i-1", it, 600)).to_vec();
    let mixed = [6, 7].map(|it| in_service("i-1", it, 600)).to_vec();
    let new = [7, 7].map(|it| in_service("i-1", it, 600)).to_vec();
    let instances = [old, mixed, new, vec![]];
    let records: [(Option<u64>, Option<u64>); 4] =
        [(Some(6), None), (Some(7), Some(6)), (Some(6), Some(7)), (None, None)];
    let failures: [&[(u64, FailureCause)]; 5] = [
        &[],
        &[(7, FailureCause::Verdict)],
        &[(7, FailureCause::Cancelled)],
        &[(6, FailureCause::Verdict)],
        &[(6, FailureCause::Verdict), (7, FailureCause::Verdict)],
    ];
    for refresh in refreshes() {
        // An ended refresh that is not recorded is history: as none.
        let recorded: &[bool] = match &refresh {
            Some(own) if own.id == OWN && own.status.is_active() => &[true, false],
            Some(own) if own.id == OWN => &[true],
            // Whether a rollout has begun.
            _ => &[true, false],
        };
        for is_recorded in recorded.iter().copied() {
            for saved in &saved {
                for instances in &instances {
                    for (running, previous) in records {
                        for failures in failures {
                            for gone in [None, Some(6), Some(7)] {
                                let mut case =
                                    Case { saved: saved.clone(), instances: instances.clone(), ..Case::default() };
                                case.record.running = running.map(version);
                                case.record.previous = previous.map(version);
                                case = match refresh.clone() {
                                    Some(refresh) if is_recorded && refresh.id == OWN => case.with_own(refresh),
                                    refresh => Case { refresh, ..case },
                                };
                                case.record.begun = is_recorded;
                                for (number, cause) in failures {
                                    case = case.with_failed(*number, *cause);
                                }
                                case.launchable.retain(|it| Some(*it) != gone);
                                // A version that is gone and another circumstance are independent.
                                let circumstances =
                                    if gone.is_none() { &CIRCUMSTANCES[..] } else { &CIRCUMSTANCES[..1] };
                                for circumstance in circumstances.iter().copied() {
                                    let mut case = case.clone();
                                    apply(circumstance, &mut case);
                                    for (_, trigger) in TRIGGERS {
                                        case.trigger = trigger();
                                        check(&case, circumstance);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The version that an action launches from now on.
fn launched(action: &Action) -> Option<&Version> {
    match action {
        Action::Start(call) => Some(&call.version),
        Action::SetTemplate(version) => Some(version),
        _ => None,
    }
}

#[test]
fn the_invariants_hold_for_every_combination_of_inputs() {
    let mut count = 0_u64;
    for_each(|case, circumstance| {
        count += 1;
        let action = case.decide();
        let situation = case.situation();
        let active = case.refresh.as_ref().filter(|it| it.status.is_active());
        let owned = active.filter(|it| situation.owns(it));
        let context = || format!("{action:?} of {case:#?}");
        // One refresh at a time, and no change of the template meanwhile.
        if let Some(version) = launched(&action) {
            assert!(case.record.begun, "a call without a record: {}", context());
            assert!(active.is_none(), "{}", context());
            assert!(case.record.failure_of(version).is_none(), "a failed version: {}", context());
            assert!(case.launchable.contains(&version.number), "{}", context());
        }
        match &action {
            Action::RollBack => {
                let refresh = owned.expect("an owned refresh");
                assert!(matches!(refresh.status, RefreshStatus::InProgress | RefreshStatus::Baking), "{}", context());
                let saved = case.saved.version().expect("a numbered version");
                assert!(case.launchable.contains(&saved.number) && !case.record.is_bad(saved), "{}", context());
                assert!(!case.irreversible && !refresh.preferences.are_of_a_way_back(), "{}", context());
            }
            Action::Cancel(_) => {
                assert!(owned.is_some() || case.trigger == Trigger::Delete, "another's refresh: {}", context());
            }
            Action::Start(call) if call.preferences.are_of_a_way_back() => {
                assert_eq!(call.preferences.alarms, [""; 0], "{}", context());
            }
            Action::Start(call) => {
                assert!(!case.is_suspended, "{}", context());
                assert!(case.alarms.iter().all(|it| it.state == RolloutAlarmState::Ok), "{}", context());
                let asked = case.trigger == Trigger::Roll;
                assert!(circumstance != Circumstance::RolloutIsNone || asked, "{}", context());
                let saved = case.saved.version().filter(|it| case.launchable.contains(&it.number));
                let returns = call.preferences.auto_rollback == Some(true);
                assert!(saved.is_some() || !returns, "{}", context());
                assert!(returns || call.preferences.bake_time > Some(0), "{}", context());
                assert_eq!(
                    call.preferences.checkpoint_percentages.is_empty(),
                    case.instances.len() < 2,
                    "{}",
                    context()
                );
            }
            Action::Wait(_) => {
                let is_held = case.is_suspended || case.record.hold.is_some();
                assert!(active.is_some() || is_held || !case.alarms.is_empty(), "{}", context());
            }
            Action::Suspend => {
                assert!(!case.is_suspended && case.record.open_hold(case.now).is_some(), "{}", context());
                assert_eq!(case.record.hold.and_then(|it| it.suspends), Some(true), "{}", context());
            }
            Action::Resume => {
                assert!(case.record.open_hold(case.now).is_none(), "{}", context());
                let hold = case.record.hold.expect("a hold");
                assert!(case.is_suspended || !hold.is_observed, "{}", context());
                assert_eq!(hold.suspends, Some(true), "{}", context());
            }
            Action::Refuse(_) => {
                assert!(
                    !matches!(case.trigger, Trigger::RollbackUpdate | Trigger::Due | Trigger::Delete),
                    "{}",
                    context()
                );
            }
            _ => {}
        }
        // A write of the record changes it, so the next decision is another one.
        if action.is_record() {
            let record: RolloutRecord = case.record.clone().after(&action, case.now);
            assert_ne!(record, case.record, "{}", context());
        }
        // A Delete cancels, and does nothing else.
        if case.trigger == Trigger::Delete {
            assert!(matches!(action, Action::Cancel(_) | Action::None), "{}", context());
        }
        // Another principal's refresh: no call, and no write but the begin of a rollback that due passes complete.
        if active.is_some() && owned.is_none() && case.trigger != Trigger::Delete {
            let begins = action == Action::Begin && case.trigger == Trigger::RollbackUpdate;
            let of_hold = matches!(action, Action::Resume | Action::RecordHold(_));
            assert!(of_hold || !action.is_call() && (!action.is_record() || begins), "{}", context());
        }
        // A due pass repairs no drift: nothing is owed, so nothing is called.
        let owes = case.record.begun || case.record.running.as_ref().is_some_and(|it| it.number != 7);
        if case.trigger == Trigger::Due && !owes && case.record.failed.is_empty() && active.is_none() {
            assert!(!action.is_call() || action == Action::Resume, "{}", context());
        }
        // A way back is not held.
        if let Action::RollBack = &action {
            assert!(!case.is_suspended || case.record.hold.is_none(), "{}", context());
        }
    });
    assert!(count > 1_000_000, "{count} cases");
}
