//! Timeouts of invocations and requests.

use std::time::Duration;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::lifecycle::{Baseline, Scenario, Step, Verdict, judge, prepare, run_step, tear_down};

pub(super) fn rows() -> Vec<Row> {
    vec![invocations(), deadlines(), stopped_reconciler()]
}

/// Short invocations: a create needs many of them, and each ends at another point.
fn invocations() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let steps = [Step::Create, Step::Update, Step::Delete];
    let shortest = 28;
    let cases = steps.len() * 90;
    let run = move |case: usize| {
        let step = steps[case % steps.len()];
        let fixture = prepare(&scenario, step);
        fixture.invocation_limit.set(Duration::from_millis(shortest * 1000 + (case / steps.len()) as u64 * 137));
        let response = run_step(&fixture, &scenario, step, None);
        let late = fixture.calls_out_of_time();
        let mut verdict = judge(&fixture, &scenario, &response, baseline.after(step));
        if late > 0 {
            verdict.converged = false;
            verdict.reason = format!("{late} calls after the end of their invocation; {}", verdict.reason);
        }
        verdict
    };
    let name = "an invocation that ends at any time: requeued, and no call after its end";
    Row { name, cases, short: 13, run: Box::new(run), seeded: false }
}

/// A `ServiceTimeout` that expires at every second of a create.
fn deadlines() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let cases = usize::try_from(baseline.create_duration.as_secs()).unwrap_or(usize::MAX) + 60;
    let run = move |case: usize| {
        let fixture = Fixture::new();
        let seconds = 1 + case as u64;
        let began = fixture.account().clock.now();
        let response = run_step(&fixture, &scenario, Step::Create, Some(seconds));
        let in_time = fixture.account().sent.borrow().iter().all(|at| (*at - began).as_secs() <= seconds);
        let is_expected = match &response {
            Response::Success => baseline.created == crate::lifecycle::inventory(&fixture, &scenario.resource),
            Response::Failed(reason) => reason.contains("Not finished") || reason.contains("No response was sent by"),
            Response::Nothing => false,
        };
        let (leaked, no_response) = tear_down(&fixture, &scenario);
        let no_response = no_response + usize::from(response == Response::Nothing);
        let reason = format!("{response:?}, calls in time: {in_time}");
        Verdict {
            converged: in_time && is_expected && leaked == 0,
            leaked,
            duplicated: fixture.duplicates(),
            no_response,
            reason,
        }
        .with(&fixture)
    };
    let name = "a deadline at every second of a create: a response, and no call after it";
    Row { name, cases, short: 17, run: Box::new(run), seeded: false }
}

/// A reconciler that does not start: the watchdog responds. After the reconciler starts again, the delete leaves no
/// resource.
fn stopped_reconciler() -> Row {
    let steps = [Step::Create, Step::Update, Step::Delete];
    let scenario = Scenario::new("PublicIp");
    let cases = steps.len() * 4;
    let run = move |case: usize| {
        let step = steps[case % steps.len()];
        let fixture = prepare(&scenario, step);
        // The reconciler stops at once, or during the step.
        let stopped_after = Duration::from_secs([0, 2, 10, 30][case / steps.len()]);
        let event =
            fixture.request(&scenario.resource, ["Create", "Update", "Delete"][case % steps.len()], &scenario.updated);
        let response = fixture.run(async {
            if stopped_after.is_zero() {
                fixture.reconcilers_stopped.set(true);
            }
            fixture.deliver(&event).await;
            fixture.wait(stopped_after).await;
            fixture.reconcilers_stopped.set(true);
            fixture.wait_for_response(&event).await
        });
        fixture.reconcilers_stopped.set(false);
        let (leaked, no_response) = tear_down(&fixture, &scenario);
        let has_response = response != Response::Nothing;
        let reason = format!("{response:?}");
        let no_response = no_response + usize::from(!has_response);
        Verdict {
            converged: has_response && leaked == 0,
            leaked,
            duplicated: fixture.duplicates(),
            no_response,
            reason,
        }
        .with(&fixture)
    };
    Row {
        name: "a reconciler that does not start: the watchdog responds",
        cases,
        short: 1,
        run: Box::new(run),
        seeded: false,
    }
}
