//! Every call meets every fault: what passes ends in SUCCESS, what stays ends in a FAILED that names the call.

use memory_cloud::Fault;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::life::{Golden, STEPS, Scenario, Step, Verdict, before, judge, leftovers, perform};
use crate::outer::OuterFault;

/// A 500, a 503 and a time-out before the effect are a lost request to the caller; after it, like a malformed body, a
/// lost answer. A 200 that holds a failure is the AWS side's to read, and comes as what that failure is.
const PASSING: [Fault; 5] = [Fault::Throttled, Fault::LostRequest, Fault::LostResponse, Fault::NotFoundLag, Fault::Stall];
const STAYING: [Fault; 2] = [Fault::Denied, Fault::Quota];
const OUTER: [OuterFault; 2] = [OuterFault::Throttled, OuterFault::LostResponse];

pub(super) fn rows() -> Vec<Row> {
    vec![passing(), outer(), staying()]
}

fn calls(golden: &Golden, count: impl Fn((usize, usize)) -> usize) -> Vec<(Step, usize)> {
    let of = |step: Step| (0..count(golden.calls[step as usize])).map(move |call| (step, call));
    STEPS.into_iter().flat_map(of).collect()
}

fn disturb(fixture: &Fixture, call: usize, fault: Fault) {
    let done = fixture.account().calls.borrow().len();
    fixture.account().faults.borrow_mut().insert(done + call, fault);
}

fn passing() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let of = calls(&golden, |(inner, _)| inner);
    let cases = of.len() * PASSING.len();
    let play = move |case: usize| {
        let (step, call) = of[case / PASSING.len()];
        let fixture = before(&scenario, step);
        disturb(&fixture, call, PASSING[case % PASSING.len()]);
        let response = perform(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, golden.after(step))
    };
    let name = "every call meets every fault that passes: SUCCESS";
    Row { name, cases, short: 23, play: Box::new(play), seeded: false }
}

fn outer() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let of = calls(&golden, |(_, outer)| outer);
    let cases = of.len() * OUTER.len();
    let play = move |case: usize| {
        let (step, call) = of[case / OUTER.len()];
        let fixture = before(&scenario, step);
        fixture.outer.plan(fixture.outer.calls() + call, OUTER[case % OUTER.len()]);
        let response = perform(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, golden.after(step))
    };
    let name = "every call to records, line and reply address meets a fault that passes: SUCCESS";
    Row { name, cases, short: 11, play: Box::new(play), seeded: false }
}

fn staying() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let mut of = calls(&golden, |(inner, _)| inner);
    // Its answer is the rollback's.
    of.retain(|(step, _)| *step != Step::FailedUpdate);
    let cases = of.len() * STAYING.len();
    let play = move |case: usize| {
        let (step, call) = of[case / STAYING.len()];
        let fixture = before(&scenario, step);
        let number = fixture.account().calls.borrow().len() + call;
        disturb(&fixture, call, STAYING[case % STAYING.len()]);
        let response = perform(&fixture, &scenario, step, None);
        let operation = fixture.account().calls.borrow()[number].operation();
        let named = matches!(&response, Response::Failed(reason) if reason.contains(operation));
        let (leaked, unanswered) = leftovers(&fixture, &scenario);
        let unanswered = unanswered + usize::from(response == Response::Nothing);
        let reason = format!("{operation}: {response:?}; left: {}", fixture.inventory().join(" | "));
        Verdict { converged: named && leaked == 0, leaked, duplicated: fixture.duplicates(), unanswered, reason }
            .with(&fixture)
    };
    let name = "every call meets every fault that stays: FAILED names it, and the delete leaves nothing";
    Row { name, cases, short: 17, play: Box::new(play), seeded: false }
}
