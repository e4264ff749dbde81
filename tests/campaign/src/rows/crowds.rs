//! Large numbers: lifecycles of one environment in sequence, and concurrent environments.

use memory_cloud::Fault;
use serde_json::json;

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response, properties};
use crate::lifecycle::{Baseline, Scenario, Verdict};

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

/// A create, an update and a delete, with a fault at one call in twenty.
fn cycles() -> Row {
    let scenario = Scenario::new("PublicIp");
    let run = move |seed: usize| {
        let fixture = Fixture::new();
        let mut dice = Dice::new(seed);
        for call in (0..1_000).filter(|_| dice.percent(5)).collect::<Vec<_>>() {
            let fault = FAULTS[usize::try_from(dice.below(FAULTS.len() as u64)).unwrap_or_default()];
            fixture.account().faults.borrow_mut().insert(call, fault);
        }
        let responses = fixture.run(async {
            let mut responses = vec![fixture.send(&scenario.resource, "Create", &scenario.created).await];
            if responses[0] == Response::Success {
                responses.push(fixture.send(&scenario.resource, "Update", &scenario.updated).await);
            }
            for _ in 0..6 {
                let response = fixture.send(&scenario.resource, "Delete", &scenario.created).await;
                responses.push(response.clone());
                if response == Response::Success {
                    break;
                }
            }
            fixture.wait_until_idle().await;
            responses
        });
        let leaked = fixture.inventory().len();
        let no_response = responses.iter().filter(|it| **it == Response::Nothing).count();
        let converged = responses.last() == Some(&Response::Success) && leaked == 0;
        Verdict { converged, leaked, duplicated: fixture.duplicates(), no_response, reason: format!("{responses:?}") }
            .with(&fixture)
    };
    let name = "create, update and delete with a fault at one call in twenty";
    Row { name, cases: 1_000, short: 10, run: Box::new(run), seeded: true }
}

/// Two hundred stacks create concurrently, and five reconcilers serve the request queue. A waiting request does not
/// occupy a reconciler: otherwise two hundred requests that wait minutes for a gateway would not be done within an
/// hour.
fn owners() -> Row {
    let run = |case: usize| {
        let (count, egress) = [(20, "PublicIp"), (200, "PublicIp"), (200, "NatGateway")][case];
        let baseline = Baseline::of(&Scenario::new(egress));
        let fixture = Fixture::new();
        let stacks: Vec<(Resource, serde_json::Value)> = (0..count)
            .map(|number| {
                let suffix = format!("e{number}");
                let resource_properties = properties(&json!({ "Egress": egress, "EnvironmentSuffix": suffix }));
                (Resource::of(number, &suffix), resource_properties)
            })
            .collect();
        let all = |kind: &'static str| {
            let (fixture, stacks) = (&fixture, &stacks);
            fixture.run(async move {
                let requests: Vec<_> =
                    stacks.iter().map(|(resource, properties)| fixture.request(resource, kind, properties)).collect();
                for event in &requests {
                    fixture.deliver(event).await;
                }
                let mut failed = 0;
                for event in &requests {
                    failed += usize::from(fixture.wait_for_response(event).await != Response::Success);
                }
                fixture.wait_until_idle().await;
                failed
            })
        };
        let began = fixture.account().clock.now();
        let mut failed = all("Create");
        let took = fixture.account().clock.now() - began;
        let stored_resources = fixture.inventory().len();
        failed += all("Delete");
        let leaked = fixture.inventory().len();
        let reason = format!("{failed} failed, {stored_resources} resources after {took:?}");
        let converged = failed == 0 && leaked == 0 && stored_resources == baseline.created.len() * count;
        Verdict { converged, leaked, duplicated: fixture.duplicates(), no_response: failed, reason }.with(&fixture)
    };
    let name = "two hundred owners at once: all settle within the hour";
    Row { name, cases: 3, short: 3, run: Box::new(run), seeded: false }
}
