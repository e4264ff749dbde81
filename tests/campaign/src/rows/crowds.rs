//! Many: lives of one environment after each other, and environments at once.

use memory_cloud::Fault;
use serde_json::json;

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response, properties};
use crate::life::{Golden, Scenario, Verdict};

pub(super) fn rows() -> Vec<Row> {
    vec![cycles(), owners()]
}

const FAULTS: [Fault; 9] = [
    Fault::Throttled,
    Fault::LostResponse,
    Fault::LostRequest,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::CrashAfterResponse,
    Fault::NotFoundLag,
    Fault::Stall,
    Fault::Denied,
];

/// A create, an update and a delete, with something wrong at every twentieth call.
fn cycles() -> Row {
    let scenario = Scenario::new("PublicIp");
    let play = move |seed: usize| {
        let fixture = Fixture::new();
        let mut dice = Dice::new(seed);
        for call in (0..1_000).filter(|_| dice.percent(5)).collect::<Vec<_>>() {
            let fault = FAULTS[usize::try_from(dice.below(FAULTS.len() as u64)).unwrap_or_default()];
            fixture.account().faults.borrow_mut().insert(call, fault);
        }
        let responses = fixture.play(async {
            let mut responses = vec![fixture.ask(&scenario.of, "Create", &scenario.made).await];
            if responses[0] == Response::Success {
                responses.push(fixture.ask(&scenario.of, "Update", &scenario.updated).await);
            }
            for _ in 0..6 {
                let response = fixture.ask(&scenario.of, "Delete", &scenario.made).await;
                responses.push(response.clone());
                if response == Response::Success {
                    break;
                }
            }
            fixture.quiet().await;
            responses
        });
        let leaked = fixture.inventory().len();
        let unanswered = responses.iter().filter(|it| **it == Response::Nothing).count();
        let converged = responses.last() == Some(&Response::Success) && leaked == 0;
        Verdict { converged, leaked, duplicated: fixture.duplicates(), unanswered, reason: format!("{responses:?}") }
            .with(&fixture)
    };
    let name = "create, update and delete with a fault at one call in twenty";
    Row { name, cases: 1_000, short: 10, play: Box::new(play), seeded: true }
}

/// Two hundred stacks create at once; the line serves five at a time, and nobody waits for a neighbour's waiting: of those
/// that wait minutes for a gateway, two hundred would not be done within an hour otherwise.
fn owners() -> Row {
    let play = |case: usize| {
        let (count, egress) = [(20, "PublicIp"), (200, "PublicIp"), (200, "NatGateway")][case];
        let golden = Golden::of(&Scenario::new(egress));
        let fixture = Fixture::new();
        let stacks: Vec<(Resource, serde_json::Value)> = (0..count)
            .map(|number| {
                let suffix = format!("e{number}");
                let own = properties(&json!({ "Egress": egress, "EnvironmentSuffix": suffix }));
                (Resource::of(number, &suffix), own)
            })
            .collect();
        let all = |kind: &'static str| {
            let (fixture, stacks) = (&fixture, &stacks);
            fixture.play(async move {
                let asked: Vec<_> = stacks.iter().map(|(of, own)| fixture.request(of, kind, own)).collect();
                for event in &asked {
                    fixture.deliver(event).await;
                }
                let mut failed = 0;
                for event in &asked {
                    failed += usize::from(fixture.wait_for(event).await != Response::Success);
                }
                fixture.quiet().await;
                failed
            })
        };
        let began = fixture.account().clock.now();
        let mut failed = all("Create");
        let took = fixture.account().clock.now() - began;
        let stored_resources = fixture.inventory().len();
        failed += all("Delete");
        let leaked = fixture.inventory().len();
        let reason = format!("{failed} failed, {stored_resources} things after {took:?}");
        let converged = failed == 0 && leaked == 0 && stored_resources == golden.made.len() * count;
        Verdict { converged, leaked, duplicated: fixture.duplicates(), unanswered: failed, reason }.with(&fixture)
    };
    let name = "two hundred owners at once: all settle within the hour";
    Row { name, cases: 3, short: 3, play: Box::new(play), seeded: false }
}
