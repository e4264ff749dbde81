//! Processes that are killed, and calls that take effect twice.

use std::time::Duration;

use memory_cloud::Fault;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::lifecycle::{Baseline, STEPS, Scenario, Step, Verdict, judge, prepare, run_step, tear_down};
use crate::services::ServiceFault;

const CRASHES: [Fault; 3] = [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashAfterResponse];
const SERVICE_CRASHES: [ServiceFault; 2] = [ServiceFault::CrashBefore, ServiceFault::CrashAfter];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (step, name) in STEPS.into_iter().zip([
        "a crash at every call of a create; the message is redelivered",
        "a crash at every call of an update; the message is redelivered",
        "a crash at every call of an update and its rollback",
        "a crash at every call of a delete; the message is redelivered",
    ]) {
        rows.push(crash_and_run_again(step, name));
    }
    rows.push(crash_and_roll_back());
    rows.push(pairs());
    rows.push(twice());
    rows.push(deleted_twice());
    rows
}

fn inject(fixture: &Fixture, call: usize, fault: Fault) {
    let done = fixture.account().calls.borrow().len();
    fixture.account().faults.borrow_mut().insert(done + call, fault);
}

/// One crash, at a call to the cloud or to a surrounding service.
fn crash(fixture: &Fixture, case: usize, (calls, _): (usize, usize)) {
    let cloud_cases = calls * CRASHES.len();
    if case < cloud_cases {
        inject(fixture, case / CRASHES.len(), CRASHES[case % CRASHES.len()]);
    } else {
        let case = case - cloud_cases;
        let call = fixture.services.calls() + case / SERVICE_CRASHES.len();
        fixture.services.inject(call, SERVICE_CRASHES[case % SERVICE_CRASHES.len()]);
    }
}

fn cases((calls, service_calls): (usize, usize)) -> usize {
    calls * CRASHES.len() + service_calls * SERVICE_CRASHES.len()
}

fn crash_and_run_again(step: Step, name: &'static str) -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let calls = baseline.calls[step as usize];
    let run = move |case| {
        let fixture = prepare(&scenario, step);
        crash(&fixture, case, calls);
        let response = run_step(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, baseline.after(step))
    };
    Row { name, cases: cases(calls), short: 11, run: Box::new(run), seeded: false }
}

fn crash_and_roll_back() -> Row {
    let scenario = Scenario::new("NatGateway");
    let calls = Baseline::of(&scenario).calls[Step::Create as usize];
    let run = move |case| {
        let fixture = Fixture::new();
        crash(&fixture, case, calls);
        let response = fixture.run(async {
            let create = fixture.request(&scenario.resource, "Create", &scenario.created);
            fixture.deliver(&create).await;
            // The create stops where the process was killed, or at some time in its first minute.
            fixture.wait(Duration::from_secs(1 + case as u64 % 60)).await;
            let response = fixture.send(&scenario.resource, "Delete", &scenario.created).await;
            fixture.wait_until_idle().await;
            response
        });
        judge(&fixture, &scenario, &response, &[])
    };
    let name = "a crash at every call of a create; the stack is deleted";
    Row { name, cases: cases(calls), short: 11, run: Box::new(run), seeded: false }
}

/// Two crashes during a create and the following delete.
fn pairs() -> Row {
    let scenario = Scenario::new("PublicIp");
    let baseline = Baseline::of(&scenario);
    // A create with a fault makes a few more calls.
    let calls = baseline.calls[Step::Create as usize].0 + baseline.calls[Step::Delete as usize].0;
    let pairs: Vec<(usize, usize)> = (0..calls).flat_map(|one| (one + 1..=calls).map(move |two| (one, two))).collect();
    let cases = pairs.len() * 2;
    let run = move |case: usize| {
        let fixture = Fixture::new();
        let (one, two) = pairs[case / 2];
        let fault = [Fault::CrashBefore, Fault::CrashAfter][case % 2];
        inject(&fixture, one, fault);
        inject(&fixture, two, fault);
        let response = run_step(&fixture, &scenario, Step::Create, None);
        judge(&fixture, &scenario, &response, &baseline.created)
    };
    let name = "every pair of crashes on a create and its delete";
    Row { name, cases, short: 97, run: Box::new(run), seeded: false }
}

fn twice() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let of: Vec<(Step, usize)> =
        STEPS.into_iter().flat_map(|step| (0..baseline.calls[step as usize].0).map(move |call| (step, call))).collect();
    let cases = of.len();
    let run = move |case: usize| {
        let (step, call) = of[case];
        let fixture = prepare(&scenario, step);
        inject(&fixture, call, Fault::Twice);
        let response = run_step(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, baseline.after(step))
    };
    Row { name: "every call takes effect twice", cases, short: 11, run: Box::new(run), seeded: false }
}

fn deleted_twice() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let calls = baseline.calls[Step::Delete as usize].0;
    let run = move |case| {
        let fixture = prepare(&scenario, Step::Delete);
        // A concurrent delete, then one more after both are done.
        let response = fixture.run(async {
            let first = fixture.request(&scenario.resource, "Delete", &scenario.created);
            fixture.deliver(&first).await;
            fixture.wait(Duration::from_secs(1 + case as u64)).await;
            let second = fixture.send(&scenario.resource, "Delete", &scenario.created).await;
            fixture.wait_until_idle().await;
            second
        });
        let writes = fixture.account().calls.borrow().len();
        let (leaked, no_response) = tear_down(&fixture, &scenario);
        let wrote = fixture.account().calls.borrow().len() - writes;
        let converged = response == Response::Success && leaked == 0 && wrote == 0;
        Verdict {
            converged,
            leaked,
            duplicated: 0,
            no_response,
            reason: format!("{response:?}, {wrote} writes at the end"),
        }
        .with(&fixture)
    };
    Row { name: "every delete is sent twice", cases: calls, short: 7, run: Box::new(run), seeded: false }
}
