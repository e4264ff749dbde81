//! Every fault at every call: a transient fault ends in SUCCESS, a permanent fault ends in a FAILED that names the
//! call.

use memory_cloud::Fault;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::lifecycle::{Baseline, STEPS, Scenario, Step, Verdict, judge, prepare, run_step, tear_down};
use crate::services::ServiceFault;

/// To the caller, a 500, a 503 and a timeout before the effect are a lost request. After the effect they are a lost
/// response, like a malformed body. The AWS side reads a 200 that contains a failure, and returns that failure.
const TRANSIENT: [Fault; 5] =
    [Fault::Throttled, Fault::LostRequest, Fault::LostResponse, Fault::NotFoundLag, Fault::Stall];
const PERMANENT: [Fault; 2] = [Fault::Denied, Fault::Quota];
const SERVICE_FAULTS: [ServiceFault; 2] = [ServiceFault::Throttled, ServiceFault::LostResponse];

pub(super) fn rows() -> Vec<Row> {
    vec![transient(), services(), permanent()]
}

fn calls(baseline: &Baseline, count: impl Fn((usize, usize)) -> usize) -> Vec<(Step, usize)> {
    let of = |step: Step| (0..count(baseline.calls[step as usize])).map(move |call| (step, call));
    STEPS.into_iter().flat_map(of).collect()
}

fn inject(fixture: &Fixture, call: usize, fault: Fault) {
    let done = fixture.account().calls.borrow().len();
    fixture.account().faults.borrow_mut().insert(done + call, fault);
}

fn transient() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let of = calls(&baseline, |(cloud, _)| cloud);
    let cases = of.len() * TRANSIENT.len();
    let run = move |case: usize| {
        let (step, call) = of[case / TRANSIENT.len()];
        let fixture = prepare(&scenario, step);
        inject(&fixture, call, TRANSIENT[case % TRANSIENT.len()]);
        let response = run_step(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, baseline.after(step))
    };
    let name = "every transient fault at every call: SUCCESS";
    Row { name, cases, short: 23, run: Box::new(run), seeded: false }
}

fn services() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let of = calls(&baseline, |(_, services)| services);
    let cases = of.len() * SERVICE_FAULTS.len();
    let run = move |case: usize| {
        let (step, call) = of[case / SERVICE_FAULTS.len()];
        let fixture = prepare(&scenario, step);
        fixture.services.inject(fixture.services.calls() + call, SERVICE_FAULTS[case % SERVICE_FAULTS.len()]);
        let response = run_step(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, baseline.after(step))
    };
    let name = "every transient fault at every call to records, request queue and response URL: SUCCESS";
    Row { name, cases, short: 11, run: Box::new(run), seeded: false }
}

fn permanent() -> Row {
    let scenario = Scenario::new("NatGateway");
    let baseline = Baseline::of(&scenario);
    let mut of = calls(&baseline, |(cloud, _)| cloud);
    // The response of such a step is the rollback's.
    of.retain(|(step, _)| *step != Step::FailedUpdate);
    let cases = of.len() * PERMANENT.len();
    let run = move |case: usize| {
        let (step, call) = of[case / PERMANENT.len()];
        let fixture = prepare(&scenario, step);
        let number = fixture.account().calls.borrow().len() + call;
        inject(&fixture, call, PERMANENT[case % PERMANENT.len()]);
        let response = run_step(&fixture, &scenario, step, None);
        let operation = fixture.account().calls.borrow()[number].operation();
        let named = matches!(&response, Response::Failed(reason) if reason.contains(operation));
        let (leaked, no_response) = tear_down(&fixture, &scenario);
        let no_response = no_response + usize::from(response == Response::Nothing);
        let reason = format!("{operation}: {response:?}; left: {}", fixture.inventory().join(" | "));
        Verdict { converged: named && leaked == 0, leaked, duplicated: fixture.duplicates(), no_response, reason }
            .with(&fixture)
    };
    let name = "every permanent fault at every call: FAILED names the call, and the delete leaves nothing";
    Row { name, cases, short: 17, run: Box::new(run), seeded: false }
}
