//! Time that runs out.

use std::time::Duration;

use super::Row;
use crate::fixture::{Fixture, Response};
use crate::life::{Golden, Scenario, Step, Verdict, before, judge, leftovers, perform};

pub(super) fn rows() -> Vec<Row> {
    vec![invocations(), deadlines(), dead()]
}

/// Invocations so short that a create needs many of them, each ending somewhere else.
fn invocations() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let steps = [Step::Create, Step::Update, Step::Delete];
    let shortest = 28;
    let cases = steps.len() * 90;
    let play = move |case: usize| {
        let step = steps[case % steps.len()];
        let fixture = before(&scenario, step);
        fixture.runs.set(Duration::from_millis(shortest * 1000 + (case / steps.len()) as u64 * 137));
        let response = perform(&fixture, &scenario, step, None);
        let late = fixture.calls_out_of_time();
        let mut verdict = judge(&fixture, &scenario, &response, golden.after(step));
        if late > 0 {
            verdict.converged = false;
            verdict.reason = format!("{late} calls after the end of an invocation; {}", verdict.reason);
        }
        verdict
    };
    let name = "invocations that end anywhere: handed over, and nothing done after the end";
    Row { name, cases, short: 13, play: Box::new(play), seeded: false }
}

/// A `ServiceTimeout` that ends at every second of a create.
fn deadlines() -> Row {
    let scenario = Scenario::new("NatGateway");
    let golden = Golden::of(&scenario);
    let cases = usize::try_from(golden.takes.as_secs()).unwrap_or(usize::MAX) + 60;
    let play = move |case: usize| {
        let fixture = Fixture::new();
        let seconds = 1 + case as u64;
        let began = fixture.account().clock.now();
        let response = perform(&fixture, &scenario, Step::Create, Some(seconds));
        let in_time = fixture.account().sent.borrow().iter().all(|at| (*at - began).as_secs() <= seconds);
        let told = match &response {
            Response::Success => golden.made == crate::life::inventory(&fixture, &scenario.of),
            Response::Failed(reason) => reason.contains("Not finished") || reason.contains("Nobody answered"),
            Response::Nothing => false,
        };
        let (leaked, unanswered) = leftovers(&fixture, &scenario);
        let unanswered = unanswered + usize::from(response == Response::Nothing);
        let reason = format!("{response:?}, calls in time: {in_time}");
        Verdict {
            converged: in_time && told && leaked == 0,
            leaked,
            duplicated: fixture.duplicates(),
            unanswered,
            reason,
        }
        .with(&fixture)
    };
    let name = "a deadline at every second of a create: answered, and nothing done after it";
    Row { name, cases, short: 17, play: Box::new(play), seeded: false }
}

/// A reconciler that does not start: the watchdog answers; when it starts again, the delete leaves nothing.
fn dead() -> Row {
    let steps = [Step::Create, Step::Update, Step::Delete];
    let scenario = Scenario::new("PublicIp");
    let cases = steps.len() * 4;
    let play = move |case: usize| {
        let step = steps[case % steps.len()];
        let fixture = before(&scenario, step);
        // It dies at once, or somewhere on the way.
        let dies_after = Duration::from_secs([0, 2, 10, 30][case / steps.len()]);
        let event =
            fixture.request(&scenario.of, ["Create", "Update", "Delete"][case % steps.len()], &scenario.updated);
        let response = fixture.play(async {
            if dies_after.is_zero() {
                fixture.dead.set(true);
            }
            fixture.deliver(&event).await;
            fixture.later(dies_after).await;
            fixture.dead.set(true);
            fixture.wait_for(&event).await
        });
        fixture.dead.set(false);
        let (leaked, unanswered) = leftovers(&fixture, &scenario);
        let answered = response != Response::Nothing;
        let reason = format!("{response:?}");
        let unanswered = unanswered + usize::from(!answered);
        Verdict { converged: answered && leaked == 0, leaked, duplicated: fixture.duplicates(), unanswered, reason }
            .with(&fixture)
    };
    Row {
        name: "a reconciler that is dead: the watchdog answers",
        cases,
        short: 1,
        play: Box::new(play),
        seeded: false,
    }
}
