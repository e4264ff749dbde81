//! Processes that are killed, and calls that happen twice.

use std::time::Duration;

use memory_cloud::Fault;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::life::{Golden, STEPS, Scenario, Step, Verdict, before, judge, leftovers, perform};
use crate::outer::OuterFault;

const CRASHES: [Fault; 3] = [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashAfterResponse];
const OUTER_CRASHES: [OuterFault; 2] = [OuterFault::CrashBefore, OuterFault::CrashAfter];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (step, name) in STEPS.into_iter().zip([
        "a crash at every call of a create; it runs again",
        "a crash at every call of an update; it runs again",
        "a crash at every call of an update and its rollback",
        "a crash at every call of a delete; it runs again",
    ]) {
        rows.push(crash_and_run_again(step, name));
    }
    rows.push(crash_and_roll_back());
    rows.push(pairs());
    rows.push(twice());
    rows.push(deleted_twice());
    rows
}

fn inner(fixture: &Fixture, call: usize, fault: Fault) {
    let done = fixture.account().calls.borrow().len();
    fixture.account().faults.borrow_mut().insert(done + call, fault);
}

/// One crash, at a call to the cloud or to what is around it.
fn crash(fixture: &Fixture, case: usize, (calls, _): (usize, usize)) {
    let of_the_cloud = calls * CRASHES.len();
    if case < of_the_cloud {
        inner(fixture, case / CRASHES.len(), CRASHES[case % CRASHES.len()]);
    } else {
        let case = case - of_the_cloud;
        let call = fixture.outer.calls() + case / OUTER_CRASHES.len();
        fixture.outer.plan(call, OUTER_CRASHES[case % OUTER_CRASHES.len()]);
    }
}

fn cases((calls, outer): (usize, usize)) -> usize {
    calls * CRASHES.len() + outer * OUTER_CRASHES.len()
}

fn crash_and_run_again(step: Step, name: &'static str) -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let calls = golden.calls[step as usize];
    let play = move |case| {
        let fixture = before(&scenario, step);
        crash(&fixture, case, calls);
        let response = perform(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, golden.after(step))
    };
    Row { name, cases: cases(calls), short: 11, play: Box::new(play), seeded: false }
}

fn crash_and_roll_back() -> Row {
    let scenario = Scenario::new("NatGateway");
    let calls = Golden::of(&scenario).calls[Step::Create as usize];
    let play = move |case| {
        let fixture = Fixture::new();
        crash(&fixture, case, calls);
        let response = fixture.play(async {
            let create = fixture.request(&scenario.of, "Create", &scenario.made);
            fixture.deliver(&create).await;
            // The create is stopped where the process was killed, or somewhere in its first minute.
            fixture.later(Duration::from_secs(1 + case as u64 % 60)).await;
            let response = fixture.ask(&scenario.of, "Delete", &scenario.made).await;
            fixture.quiet().await;
            response
        });
        judge(&fixture, &scenario, &response, &[])
    };
    let name = "a crash at every call of a create; the stack is deleted";
    Row { name, cases: cases(calls), short: 11, play: Box::new(play), seeded: false }
}

/// Two crashes on the way of a create and the delete after it.
fn pairs() -> Row {
    let scenario = Scenario::new("PublicIp");
    let golden = Golden::of(&scenario);
    // A create that was disturbed makes a few more calls.
    let calls = golden.calls[Step::Create as usize].0 + golden.calls[Step::Delete as usize].0;
    let pairs: Vec<(usize, usize)> = (0..calls).flat_map(|one| (one + 1..=calls).map(move |two| (one, two))).collect();
    let cases = pairs.len() * 2;
    let play = move |case: usize| {
        let fixture = Fixture::new();
        let (one, two) = pairs[case / 2];
        let fault = [Fault::CrashBefore, Fault::CrashAfter][case % 2];
        inner(&fixture, one, fault);
        inner(&fixture, two, fault);
        let response = perform(&fixture, &scenario, Step::Create, None);
        judge(&fixture, &scenario, &response, &golden.made)
    };
    let name = "every pair of crashes on a create and its delete";
    Row { name, cases, short: 97, play: Box::new(play), seeded: false }
}

fn twice() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let of: Vec<(Step, usize)> =
        STEPS.into_iter().flat_map(|step| (0..golden.calls[step as usize].0).map(move |call| (step, call))).collect();
    let cases = of.len();
    let play = move |case: usize| {
        let (step, call) = of[case];
        let fixture = before(&scenario, step);
        inner(&fixture, call, Fault::Twice);
        let response = perform(&fixture, &scenario, step, None);
        judge(&fixture, &scenario, &response, golden.after(step))
    };
    Row { name: "every call takes effect twice", cases, short: 11, play: Box::new(play), seeded: false }
}

fn deleted_twice() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let calls = golden.calls[Step::Delete as usize].0;
    let play = move |case| {
        let fixture = before(&scenario, Step::Delete);
        // A delete at the same time, then one more when all is over.
        let response = fixture.play(async {
            let first = fixture.request(&scenario.of, "Delete", &scenario.made);
            fixture.deliver(&first).await;
            fixture.later(Duration::from_secs(1 + case as u64)).await;
            let second = fixture.ask(&scenario.of, "Delete", &scenario.made).await;
            fixture.quiet().await;
            second
        });
        let writes = fixture.account().calls.borrow().len();
        let (leaked, unanswered) = leftovers(&fixture, &scenario);
        let wrote = fixture.account().calls.borrow().len() - writes;
        let converged = response == Response::Success && leaked == 0 && wrote == 0;
        Verdict {
            converged,
            leaked,
            duplicated: 0,
            unanswered,
            reason: format!("{response:?}, {wrote} writes at the end"),
        }
        .with(&fixture)
    };
    Row { name: "every delete twice", cases: calls, short: 7, play: Box::new(play), seeded: false }
}
