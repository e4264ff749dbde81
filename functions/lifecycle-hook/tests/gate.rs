//! Every combination of what can be seen of a new instance, and what becomes of it.

use std::time::Duration;

use environment::hook_settings::{Gate, OnTimeout};
use lifecycle_hook::facts::{Agent, Checks, ObservedInstance, State, Target, UserData};
use lifecycle_hook::gate::{Verdict, decide};

const NOW_MS: u64 = 1_000_000_000;
const EARLY: Duration = Duration::from_secs(100);
const LATE: Duration = Duration::from_mins(6);
const TOO_LATE: Duration = Duration::from_mins(10);

fn gate(on_timeout: OnTimeout) -> Gate {
    Gate { seconds: 600, on_timeout }
}

fn states() -> Vec<State> {
    let other = State::Other("rebooting".into());
    vec![State::Unknown, State::Pending, State::Running, State::Stopped, State::Terminated, other]
}

fn user_data() -> Vec<UserData> {
    vec![UserData::Unreported, UserData::Done, UserData::Failed("failed at line 12".into())]
}

fn checks() -> Vec<Result<Checks, String>> {
    let for_s = |seconds: u64| Ok(Checks::Impaired { since_ms: Some(NOW_MS - seconds * 1_000) });
    let undated = Ok(Checks::Impaired { since_ms: None });
    vec![Ok(Checks::Unreported), Ok(Checks::Passed), for_s(119), for_s(120), undated, throttled()]
}

fn agents() -> Vec<Result<Agent, String>> {
    vec![Ok(Agent::Unregistered), Ok(Agent::Online), Ok(Agent::Lost), throttled()]
}

fn targets() -> Vec<Result<Vec<Target>, String>> {
    let ill = Target::NotHealthy("Target.FailedHealthChecks".into());
    let known =
        [vec![], vec![Target::Absent], vec![Target::Healthy], vec![ill, Target::Healthy], vec![Target::Draining]];
    known.into_iter().map(Ok).chain([throttled()]).collect()
}

fn throttled<T>() -> Result<T, String> {
    Err(String::from("Throttling"))
}

/// All combinations but the time.
fn all() -> impl Iterator<Item = (ObservedInstance, Result<Vec<Target>, String>)> {
    states().into_iter().flat_map(move |state| {
        user_data().into_iter().flat_map(move |user_data| {
            let state = state.clone();
            checks().into_iter().flat_map(move |checks| {
                let (state, user_data) = (state.clone(), user_data.clone());
                agents().into_iter().flat_map(move |agent| {
                    let (state, user_data, checks) = (state.clone(), user_data.clone(), checks.clone());
                    let observed = ObservedInstance { state, user_data, started_ms: Some(0), checks, agent };
                    targets().into_iter().map(move |targets| (observed.clone(), targets))
                })
            })
        })
    })
}

/// The rule, told another way than the code has it.
fn is_ill(observed: &ObservedInstance, waited: Option<Duration>) -> bool {
    observed.state == State::Terminated
        || (observed.state == State::Unknown && waited >= Some(Duration::from_mins(5)))
        || matches!(observed.user_data, UserData::Failed(_))
        || matches!(observed.checks, Ok(Checks::Impaired { since_ms: Some(since_ms) }) if NOW_MS - since_ms >= 120_000)
        || (observed.checks == Ok(Checks::Impaired { since_ms: None }) && waited >= Some(Duration::from_mins(2)))
}

fn is_well(observed: &ObservedInstance, targets: &Result<Vec<Target>, String>) -> bool {
    let served = targets.as_ref().is_ok_and(|all| all.iter().all(|it| matches!(it, Target::Absent | Target::Healthy)));
    let checked = matches!(observed.checks, Ok(Checks::Unreported | Checks::Passed));
    let starts = observed.state == State::Running && observed.user_data == UserData::Done;
    starts && observed.agent == Ok(Agent::Online) && checked && served
}

#[test]
fn what_is_ill_is_abandoned_what_is_well_goes_on_and_all_else_waits_until_its_time_is_up() {
    let mut combinations = 0;
    for (observed, targets) in all() {
        for on_timeout in [OnTimeout::Abandon, OnTimeout::Continue] {
            for waited in [Some(EARLY), Some(LATE), Some(TOO_LATE), None] {
                combinations += 1;
                let verdict = decide(gate(on_timeout), &Ok(observed.clone()), &targets, waited, NOW_MS);
                let context = format!("{observed:?} {targets:?} {on_timeout:?} {waited:?}: {verdict:?}");
                let expected = match (is_ill(&observed, waited), is_well(&observed, &targets), waited == Some(TOO_LATE))
                {
                    (true, _, _) => "abandon",
                    (false, false, false) => "wait",
                    (false, false, true) if on_timeout == OnTimeout::Abandon => "abandon",
                    (false, _, _) => "continue",
                };
                let (is, reason) = match &verdict {
                    Verdict::Continue(reason) => ("continue", !reason.is_empty()),
                    Verdict::Abandon(reason) => ("abandon", !reason.is_empty()),
                    Verdict::Wait(what) => ("wait", !what.is_empty()),
                };
                assert_eq!(is, expected, "{context}");
                assert!(reason, "it says why: {context}");
            }
        }
    }
    assert_eq!(combinations, 6 * 3 * 6 * 4 * 6 * 2 * 4);
}

#[test]
fn what_cannot_be_seen_is_not_ill_for_that() {
    let unseen = Err(String::from("ec2:DescribeInstances: RequestLimitExceeded"));
    let decide = |waited| decide(gate(OnTimeout::Abandon), &unseen, &Ok(vec![]), Some(waited), NOW_MS);
    assert_eq!(decide(LATE), Verdict::Wait(vec!["ec2:DescribeInstances: RequestLimitExceeded".into()]));
    let Verdict::Abandon(reason) = decide(TOO_LATE) else { panic!("it waits for ever") };
    assert!(reason[0].contains("after 600 s it still waits for: ec2:DescribeInstances"), "{reason:?}");
}
