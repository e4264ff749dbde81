//! Many: lives of one environment after each other, and environments at once.

use memory_cloud::Fault;
use serde_json::json;

use super::{Dice, Row};
use crate::life::{Golden, Plot, Verdict};
use crate::stage::{Answer, Resource, Stage, properties};

pub(super) fn rows() -> Vec<Row> {
    vec![cycles(), owners()]
}

const FAULTS: [Fault; 9] = [
    Fault::Throttled,
    Fault::LostAnswer,
    Fault::LostRequest,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::CrashAnswered,
    Fault::NotFoundLag,
    Fault::Stall,
    Fault::Denied,
];

/// A create, an update and a delete, with something wrong at every twentieth call.
fn cycles() -> Row {
    let plot = Plot::new("PublicIp");
    let play = move |seed: usize| {
        let stage = Stage::new();
        let mut dice = Dice::new(seed);
        for call in (0..1_000).filter(|_| dice.percent(5)).collect::<Vec<_>>() {
            let fault = FAULTS[usize::try_from(dice.below(FAULTS.len() as u64)).unwrap_or_default()];
            stage.world().faults.borrow_mut().insert(call, fault);
        }
        let answers = stage.play(async {
            let mut answers = vec![stage.ask(&plot.of, "Create", &plot.made).await];
            if answers[0] == Answer::Success {
                answers.push(stage.ask(&plot.of, "Update", &plot.updated).await);
            }
            for _ in 0..6 {
                let answer = stage.ask(&plot.of, "Delete", &plot.made).await;
                answers.push(answer.clone());
                if answer == Answer::Success {
                    break;
                }
            }
            stage.quiet().await;
            answers
        });
        let leaked = stage.inventory().len();
        let unanswered = answers.iter().filter(|it| **it == Answer::Nothing).count();
        let converged = answers.last() == Some(&Answer::Success) && leaked == 0;
        Verdict { converged, leaked, duplicated: stage.duplicates(), unanswered, why: format!("{answers:?}") }
            .with(&stage)
    };
    let name = "create, update and delete with a fault at one call in twenty";
    Row { name, cases: 1_000, short: 10, play: Box::new(play), seeded: true }
}

/// Two hundred stacks create at once; the line serves five at a time, and nobody waits for a neighbour's waiting: of those
/// that wait minutes for a gateway, two hundred would not be done within an hour otherwise.
fn owners() -> Row {
    let play = |case: usize| {
        let (count, egress) = [(20, "PublicIp"), (200, "PublicIp"), (200, "NatGateway")][case];
        let golden = Golden::of(&Plot::new(egress));
        let stage = Stage::new();
        let stacks: Vec<(Resource, serde_json::Value)> = (0..count)
            .map(|number| {
                let suffix = format!("e{number}");
                let own = properties(&json!({ "Egress": egress, "EnvironmentSuffix": suffix }));
                (Resource::of(number, &suffix), own)
            })
            .collect();
        let all = |kind: &'static str| {
            let (stage, stacks) = (&stage, &stacks);
            stage.play(async move {
                let asked: Vec<_> = stacks.iter().map(|(of, own)| stage.request(of, kind, own)).collect();
                for event in &asked {
                    stage.deliver(event).await;
                }
                let mut failed = 0;
                for event in &asked {
                    failed += usize::from(stage.wait_for(event).await != Answer::Success);
                }
                stage.quiet().await;
                failed
            })
        };
        let began = stage.world().clock.now();
        let mut failed = all("Create");
        let took = stage.world().clock.now() - began;
        let things = stage.inventory().len();
        failed += all("Delete");
        let leaked = stage.inventory().len();
        let why = format!("{failed} failed, {things} things after {took:?}");
        let converged = failed == 0 && leaked == 0 && things == golden.made.len() * count;
        Verdict { converged, leaked, duplicated: stage.duplicates(), unanswered: failed, why }.with(&stage)
    };
    let name = "two hundred owners at once: all settle within the hour";
    Row { name, cases: 3, short: 3, play: Box::new(play), seeded: false }
}
