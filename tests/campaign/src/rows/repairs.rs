//! Repairs: an operator's request that corrects drift, with every fault and crash at every call, and with a Delete at any time.

use std::time::Duration;

use environment::{Fields, Kind, Resource};
use memory_cloud::Fault;
use serde_json::json;

use super::Row;
use crate::fixture::Fixture;
use crate::lifecycle::{Baseline, Scenario, Step, Verdict, difference, inventory, judge, prepare, tear_down};
use crate::services::ServiceFault;

const FAULTS: [Fault; 8] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::CrashAfterResponse,
    Fault::Throttled,
    Fault::LostRequest,
    Fault::LostResponse,
    Fault::NotFoundLag,
    Fault::Stall,
];
const SERVICE_FAULTS: [ServiceFault; 4] =
    [ServiceFault::CrashBefore, ServiceFault::CrashAfter, ServiceFault::Throttled, ServiceFault::LostResponse];

/// The times that an operator sends a repair whose function has died or failed.
const ATTEMPTS: usize = 3;

/// The Deletes of one row are this long apart, from the beginning of the repair.
const DELETE_INTERVAL: Duration = Duration::from_millis(500);

pub(super) fn rows() -> Vec<Row> {
    vec![faults(), deletes()]
}

fn faults() -> Row {
    let scenario = Scenario::new("NatGateway");
    let created = Baseline::of(&scenario).created;
    let (calls, service_calls, _) = extent(&scenario);
    let cloud_cases = calls * FAULTS.len();
    let run = move |case: usize| {
        let fixture = drifted(&scenario);
        if case < cloud_cases {
            let call = fixture.account().calls.borrow().len() + case / FAULTS.len();
            fixture.account().faults.borrow_mut().insert(call, FAULTS[case % FAULTS.len()]);
        } else {
            let case = case - cloud_cases;
            let call = fixture.services.calls() + case / SERVICE_FAULTS.len();
            fixture.services.inject(call, SERVICE_FAULTS[case % SERVICE_FAULTS.len()]);
        }
        fixture.run(async {
            repair(&fixture, &scenario).await;
            fixture.wait_until_idle().await;
        });
        let repaired = inventory(&fixture, &scenario.resource);
        let (leaked, no_response) = tear_down(&fixture, &scenario);
        let reason = if repaired == created { String::new() } else { difference(&repaired, &created) };
        Verdict { converged: reason.is_empty() && leaked == 0, leaked, duplicated: 0, no_response, reason }
            .with(&fixture)
    };
    let name = "repairs: every fault and every crash at every call";
    let cases = cloud_cases + service_calls * SERVICE_FAULTS.len();
    Row { name, cases, short: 23, run: Box::new(run), seeded: false }
}

fn deletes() -> Row {
    let scenario = Scenario::new("NatGateway");
    let (_, _, duration) = extent(&scenario);
    let intervals = duration.as_millis() / DELETE_INTERVAL.as_millis();
    let cases = usize::try_from(intervals).expect("a repair takes minutes") + 1;
    let run = move |case: usize| {
        let fixture = drifted(&scenario);
        let response = fixture.run(async {
            fixture.operator_request(&request(&scenario)).await;
            fixture.wait(DELETE_INTERVAL * u32::try_from(case).unwrap_or(u32::MAX)).await;
            let response = fixture.send(&scenario.resource, "Delete", &scenario.created).await;
            fixture.wait_until_idle().await;
            response
        });
        judge(&fixture, &scenario, &response, &[])
    };
    Row { name: "repairs: a delete at any time", cases, short: 5, run: Box::new(run), seeded: false }
}

/// The calls of a repair without faults, to the cloud and to the surrounding services, and its duration.
fn extent(scenario: &Scenario) -> (usize, usize, Duration) {
    let fixture = drifted(scenario);
    let count = || (fixture.account().calls.borrow().len(), fixture.services.calls(), fixture.account().clock.now());
    let before = count();
    fixture.run(async {
        repair(&fixture, scenario).await;
        fixture.wait_until_idle().await;
    });
    let after = count();
    (after.0 - before.0, after.1 - before.1, after.2 - before.2)
}

fn request(scenario: &Scenario) -> serde_json::Value {
    json!({ "Request": "repair", "Environment": scenario.resource.id, "Confirm": true })
}

/// Sends the repair as an operator does: again, while there is no answer.
async fn repair(fixture: &Fixture, scenario: &Scenario) {
    for _ in 0..ATTEMPTS {
        if fixture.operator_request(&request(scenario)).await.get("Repair").is_some() {
            return;
        }
    }
}

/// A settled environment with drift: resources that are gone, and settings that someone changed.
fn drifted(scenario: &Scenario) -> Fixture {
    let fixture = prepare(scenario, Step::Update);
    let account = fixture.account();
    let all = account.inventory();
    let of = |kind: Kind| all.iter().filter(move |it| it.kind() == kind).map(Resource::key);
    for key in of(Kind::AutoScalingGroup) {
        account.tamper(&key, |it| {
            if let Fields::AutoScalingGroup(group) = &mut it.fields {
                group.max_size = 9;
            }
        });
    }
    for key in of(Kind::LogGroup) {
        account.tamper(&key, |it| {
            if let Fields::LogGroup(group) = &mut it.fields {
                group.retention_days = Some(1);
            }
        });
    }
    of(Kind::Alarm).take(1).chain(of(Kind::Dashboard)).for_each(|key| account.lose(&key));
    fixture
}
