//! Processes that are killed, and calls that happen twice.

use std::time::Duration;

use memory_cloud::Fault;

use super::Row;
use crate::life::{Golden, Plot, STEPS, Step, Verdict, before, judge, leftovers, perform};
use crate::outer::OuterFault;
use crate::stage::{Answer, Stage};

const CRASHES: [Fault; 3] = [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashAnswered];
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

fn inner(stage: &Stage, call: usize, fault: Fault) {
    let done = stage.world().calls.borrow().len();
    stage.world().faults.borrow_mut().insert(done + call, fault);
}

/// One crash, at a call to the cloud or to what is around it.
fn crash(stage: &Stage, case: usize, (calls, _): (usize, usize)) {
    let of_the_cloud = calls * CRASHES.len();
    if case < of_the_cloud {
        inner(stage, case / CRASHES.len(), CRASHES[case % CRASHES.len()]);
    } else {
        let case = case - of_the_cloud;
        let call = stage.outer.calls() + case / OUTER_CRASHES.len();
        stage.outer.plan(call, OUTER_CRASHES[case % OUTER_CRASHES.len()]);
    }
}

fn cases((calls, outer): (usize, usize)) -> usize {
    calls * CRASHES.len() + outer * OUTER_CRASHES.len()
}

fn crash_and_run_again(step: Step, name: &'static str) -> Row {
    let plot = Plot::new("NatGateway");
    let golden = Golden::of(&plot);
    let calls = golden.calls[step as usize];
    let play = move |case| {
        let stage = before(&plot, step);
        crash(&stage, case, calls);
        let answer = perform(&stage, &plot, step, None);
        judge(&stage, &plot, &answer, golden.after(step))
    };
    Row { name, cases: cases(calls), short: 11, play: Box::new(play), seeded: false }
}

fn crash_and_roll_back() -> Row {
    let plot = Plot::new("NatGateway");
    let calls = Golden::of(&plot).calls[Step::Create as usize];
    let play = move |case| {
        let stage = Stage::new();
        crash(&stage, case, calls);
        let answer = stage.play(async {
            let create = stage.request(&plot.of, "Create", &plot.made);
            stage.deliver(&create).await;
            // The create is stopped where the process was killed, or somewhere in its first minute.
            stage.later(Duration::from_secs(1 + case as u64 % 60)).await;
            let answer = stage.ask(&plot.of, "Delete", &plot.made).await;
            stage.quiet().await;
            answer
        });
        judge(&stage, &plot, &answer, &[])
    };
    let name = "a crash at every call of a create; the stack is deleted";
    Row { name, cases: cases(calls), short: 11, play: Box::new(play), seeded: false }
}

/// Two crashes on the way of a create and the delete after it.
fn pairs() -> Row {
    let plot = Plot::new("PublicIp");
    let golden = Golden::of(&plot);
    // A create that was disturbed makes a few more calls.
    let calls = golden.calls[Step::Create as usize].0 + golden.calls[Step::Delete as usize].0;
    let pairs: Vec<(usize, usize)> = (0..calls).flat_map(|one| (one + 1..=calls).map(move |two| (one, two))).collect();
    let cases = pairs.len() * 2;
    let play = move |case: usize| {
        let stage = Stage::new();
        let (one, two) = pairs[case / 2];
        let fault = [Fault::CrashBefore, Fault::CrashAfter][case % 2];
        inner(&stage, one, fault);
        inner(&stage, two, fault);
        let answer = perform(&stage, &plot, Step::Create, None);
        judge(&stage, &plot, &answer, &golden.made)
    };
    let name = "every pair of crashes on a create and its delete";
    Row { name, cases, short: 97, play: Box::new(play), seeded: false }
}

fn twice() -> Row {
    let plot = Plot::new("NatGateway");
    let golden = Golden::of(&plot);
    let of: Vec<(Step, usize)> =
        STEPS.into_iter().flat_map(|step| (0..golden.calls[step as usize].0).map(move |call| (step, call))).collect();
    let cases = of.len();
    let play = move |case: usize| {
        let (step, call) = of[case];
        let stage = before(&plot, step);
        inner(&stage, call, Fault::Twice);
        let answer = perform(&stage, &plot, step, None);
        judge(&stage, &plot, &answer, golden.after(step))
    };
    Row { name: "every call takes effect twice", cases, short: 11, play: Box::new(play), seeded: false }
}

fn deleted_twice() -> Row {
    let plot = Plot::new("NatGateway");
    let golden = Golden::of(&plot);
    let calls = golden.calls[Step::Delete as usize].0;
    let play = move |case| {
        let stage = before(&plot, Step::Delete);
        // A delete at the same time, then one more when all is over.
        let answer = stage.play(async {
            let first = stage.request(&plot.of, "Delete", &plot.made);
            stage.deliver(&first).await;
            stage.later(Duration::from_secs(1 + case as u64)).await;
            let second = stage.ask(&plot.of, "Delete", &plot.made).await;
            stage.quiet().await;
            second
        });
        let writes = stage.world().calls.borrow().len();
        let (leaked, unanswered) = leftovers(&stage, &plot);
        let wrote = stage.world().calls.borrow().len() - writes;
        let converged = answer == Answer::Success && leaked == 0 && wrote == 0;
        Verdict { converged, leaked, duplicated: 0, unanswered, why: format!("{answer:?}, {wrote} writes at the end") }
            .with(&stage)
    };
    Row { name: "every delete twice", cases: calls, short: 7, play: Box::new(play), seeded: false }
}
