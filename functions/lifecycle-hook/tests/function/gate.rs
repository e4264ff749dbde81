//! Every combination of observations of a new instance, and the verdict.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::time::Duration;

use environment::hook_settings::{Gate, OnTimeout};
use lambda_kit::AwsCallError;
use lifecycle_hook::error::HookError;
use lifecycle_hook::facts::{Agent, Checks, ObservedInstance, State, Target, UserData};
use lifecycle_hook::gate::{Verdict, decide};

const NOW_MS: u64 = 1_000_000_000;
const EARLY: Duration = Duration::from_secs(100);
const LATE: Duration = Duration::from_mins(6);
const TIMED_OUT: Duration = Duration::from_mins(10);

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

fn checks() -> Vec<Result<Checks, HookError>> {
    let for_s = |seconds: u64| Ok(Checks::Impaired { since_ms: Some(NOW_MS - seconds * 1_000) });
    let undated = Ok(Checks::Impaired { since_ms: None });
    vec![Ok(Checks::Unreported), Ok(Checks::Passed), for_s(119), for_s(120), undated, throttled()]
}

fn agents() -> Vec<Result<Agent, HookError>> {
    vec![Ok(Agent::Unregistered), Ok(Agent::Online), Ok(Agent::Lost), throttled()]
}

fn targets() -> Vec<Result<Vec<Target>, HookError>> {
    let unhealthy = Target::NotHealthy("Target.FailedHealthChecks".into());
    let reported =
        [vec![], vec![Target::Absent], vec![Target::Healthy], vec![unhealthy, Target::Healthy], vec![Target::Draining]];
    reported.into_iter().map(Ok).chain([throttled()]).collect()
}

fn throttled<T>() -> Result<T, HookError> {
    Err(AwsCallError::not_built("ec2:DescribeInstanceStatus", "Throttling").into())
}

/// All combinations except the time.
fn all() -> impl Iterator<Item = (ObservedInstance, Result<Vec<Target>, HookError>)> {
    states().into_iter().flat_map(move |state| {
        user_data().into_iter().flat_map(move |user_data| {
            let state = state.clone();
            checks().into_iter().flat_map(move |checks| {
                let (state, user_data) = (state.clone(), user_data.clone());
                agents().into_iter().flat_map(move |agent| {
                    let (state, user_data, checks) = (state.clone(), user_data.clone(), checks.clone());
                    let (state_reason, started_ms, is_spot) = (None, Some(0), false);
                    let observed =
                        ObservedInstance { state, state_reason, user_data, started_ms, is_spot, checks, agent };
                    targets().into_iter().map(move |targets| (observed.clone(), targets))
                })
            })
        })
    })
}

/// The rule, stated in another form than in the code.
fn is_unhealthy(observed: &ObservedInstance, waited: Option<Duration>) -> bool {
    observed.state == State::Terminated
        || (observed.state == State::Unknown && waited >= Some(Duration::from_mins(5)))
        || matches!(observed.user_data, UserData::Failed(_))
        || matches!(observed.checks, Ok(Checks::Impaired { since_ms: Some(since_ms) }) if NOW_MS - since_ms >= 120_000)
        || (observed.checks == Ok(Checks::Impaired { since_ms: None }) && waited >= Some(Duration::from_mins(2)))
}

fn is_healthy(observed: &ObservedInstance, targets: &Result<Vec<Target>, HookError>) -> bool {
    let served = targets.as_ref().is_ok_and(|all| all.iter().all(|it| matches!(it, Target::Absent | Target::Healthy)));
    let checked = matches!(observed.checks, Ok(Checks::Unreported | Checks::Passed));
    let starts = observed.state == State::Running && observed.user_data == UserData::Done;
    starts && observed.agent == Ok(Agent::Online) && checked && served
}

#[test]
fn unhealthy_instances_are_abandoned_healthy_ones_continue_and_all_others_wait_until_the_timeout() {
    let mut combinations = 0;
    for (observed, targets) in all() {
        for on_timeout in [OnTimeout::Abandon, OnTimeout::Continue] {
            for waited in [Some(EARLY), Some(LATE), Some(TIMED_OUT), None] {
                combinations += 1;
                let verdict = decide(gate(on_timeout), &Ok(observed.clone()), &targets, waited, NOW_MS);
                let context = format!("{observed:?} {targets:?} {on_timeout:?} {waited:?}: {verdict:?}");
                let expected =
                    match (is_unhealthy(&observed, waited), is_healthy(&observed, &targets), waited == Some(TIMED_OUT))
                    {
                        (true, _, _) => "abandon",
                        (false, false, false) => "wait",
                        (false, false, true) if on_timeout == OnTimeout::Abandon => "abandon",
                        (false, _, _) => "continue",
                    };
                let (actual, has_reason) = match &verdict {
                    Verdict::Continue(reason) => ("continue", !reason.is_empty()),
                    Verdict::Abandon(reason) => ("abandon", !reason.is_empty()),
                    Verdict::Wait(conditions) => ("wait", !conditions.is_empty()),
                };
                assert_eq!(actual, expected, "{context}");
                assert!(has_reason, "the verdict has a reason: {context}");
            }
        }
    }
    assert_eq!(combinations, 6 * 3 * 6 * 4 * 6 * 2 * 4);
}

#[test]
fn the_verdict_on_a_terminated_instance_names_ec2s_reason() {
    let (observed, targets) = all().find(|(it, _)| it.state == State::Terminated).expect("a terminated instance");
    let reason = "Client.InternalError: Client error on launch";
    let observed = ObservedInstance { state_reason: Some(reason.into()), ..observed };
    let verdict = decide(gate(OnTimeout::Abandon), &Ok(observed), &targets, None, NOW_MS);
    let Verdict::Abandon(reasons) = verdict else { panic!("{verdict:?}") };
    assert_eq!(reasons[0], format!("EC2 has terminated the instance: {reason}"));
}

#[test]
fn an_instance_that_cannot_be_observed_is_not_unhealthy_for_that_reason() {
    let unobserved = Err(AwsCallError::not_built("ec2:DescribeInstances", "RequestLimitExceeded").into());
    let decide = |waited| decide(gate(OnTimeout::Abandon), &unobserved, &Ok(vec![]), Some(waited), NOW_MS);
    assert_eq!(decide(LATE), Verdict::Wait(vec!["ec2:DescribeInstances: RequestLimitExceeded".into()]));
    let Verdict::Abandon(reason) = decide(TIMED_OUT) else { panic!("the gate waits for ever") };
    assert!(reason[0].contains("after 600 s the instance still waits for: ec2:DescribeInstances"), "{reason:?}");
}
