//! Time that runs out.

use std::time::Duration;

use super::Row;
use crate::life::{Golden, Plot, Step, Verdict, before, judge, leftovers, perform};
use crate::stage::{Answer, Stage};

pub(super) fn rows() -> Vec<Row> {
    vec![invocations(), deadlines(), dead()]
}

/// Invocations so short that a create needs many of them, each ending somewhere else.
fn invocations() -> Row {
    let plot = Plot::new("NatGateway");
    let golden = Golden::of(&plot);
    let steps = [Step::Create, Step::Update, Step::Delete];
    let shortest = 28;
    let cases = steps.len() * 90;
    let play = move |case: usize| {
        let step = steps[case % steps.len()];
        let stage = before(&plot, step);
        stage.runs.set(Duration::from_millis(shortest * 1000 + (case / steps.len()) as u64 * 137));
        let answer = perform(&stage, &plot, step, None);
        let late = stage.calls_out_of_time();
        let mut verdict = judge(&stage, &plot, &answer, golden.after(step));
        if late > 0 {
            verdict.converged = false;
            verdict.why = format!("{late} calls after the end of an invocation; {}", verdict.why);
        }
        verdict
    };
    let name = "invocations that end anywhere: handed over, and nothing done after the end";
    Row { name, cases, short: 13, play: Box::new(play), seeded: false }
}

/// A `ServiceTimeout` that ends at every second of a create.
fn deadlines() -> Row {
    let plot = Plot::new("NatGateway");
    let golden = Golden::of(&plot);
    let cases = usize::try_from(golden.takes.as_secs()).unwrap_or(usize::MAX) + 60;
    let play = move |case: usize| {
        let stage = Stage::new();
        let seconds = 1 + case as u64;
        let began = stage.world().clock.now();
        let answer = perform(&stage, &plot, Step::Create, Some(seconds));
        let in_time = stage.world().sent.borrow().iter().all(|at| (*at - began).as_secs() <= seconds);
        let told = match &answer {
            Answer::Success => golden.made == crate::life::inventory(&stage, &plot.of),
            Answer::Failed(why) => why.contains("Not finished") || why.contains("Nobody answered"),
            Answer::Nothing => false,
        };
        let (leaked, unanswered) = leftovers(&stage, &plot);
        let unanswered = unanswered + usize::from(answer == Answer::Nothing);
        let why = format!("{answer:?}, calls in time: {in_time}");
        Verdict { converged: in_time && told && leaked == 0, leaked, duplicated: stage.duplicates(), unanswered, why }
            .with(&stage)
    };
    let name = "a deadline at every second of a create: answered, and nothing done after it";
    Row { name, cases, short: 17, play: Box::new(play), seeded: false }
}

/// A reconciler that does not start: the watchdog answers; when it starts again, the delete leaves nothing.
fn dead() -> Row {
    let steps = [Step::Create, Step::Update, Step::Delete];
    let plot = Plot::new("PublicIp");
    let cases = steps.len() * 4;
    let play = move |case: usize| {
        let step = steps[case % steps.len()];
        let stage = before(&plot, step);
        // It dies at once, or somewhere on the way.
        let dies_after = Duration::from_secs([0, 2, 10, 30][case / steps.len()]);
        let event = stage.request(&plot.of, ["Create", "Update", "Delete"][case % steps.len()], &plot.updated);
        let answer = stage.play(async {
            if dies_after.is_zero() {
                stage.dead.set(true);
            }
            stage.deliver(&event).await;
            stage.later(dies_after).await;
            stage.dead.set(true);
            stage.wait_for(&event).await
        });
        stage.dead.set(false);
        let (leaked, unanswered) = leftovers(&stage, &plot);
        let answered = answer != Answer::Nothing;
        let why = format!("{answer:?}");
        let unanswered = unanswered + usize::from(!answered);
        Verdict { converged: answered && leaked == 0, leaked, duplicated: stage.duplicates(), unanswered, why }
            .with(&stage)
    };
    Row {
        name: "a reconciler that is dead: the watchdog answers",
        cases,
        short: 1,
        play: Box::new(play),
        seeded: false,
    }
}
