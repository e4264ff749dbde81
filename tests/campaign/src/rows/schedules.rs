//! Requests that are delivered twice, concurrently, late and out of order, with generated ids, cancelled halfway, and
//! from two stacks that request the same environment.

use std::time::Duration;

use memory_cloud::Fault;
use request_pass::StackState;
use requests::Owner;
use serde_json::{Value, json};

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response};
use crate::lifecycle::{Baseline, Scenario, Verdict, difference};

pub(super) fn rows() -> Vec<Row> {
    let scenario = Scenario::new("PublicIp");
    // The template's tags name the owner, so each stack has its own versions.
    let of_stack = |number| Baseline::of(&Scenario { resource: Resource::of(number, "dev"), ..scenario.clone() });
    let baselines = [of_stack(1), of_stack(2)];
    let run = move |seed: usize| schedule(seed, &scenario, &baselines);
    let name = "seeded schedules of duplicate, concurrent, late and reordered requests";
    vec![delete_during_create(), Row { name, cases: 10_000, short: 100, run: Box::new(run), seeded: true }]
}

/// A delete that arrives while a create waits for its NAT gateway, from its second wave on.
fn delete_during_create() -> Row {
    let scenario = Scenario::new("NatGateway");
    let run = move |case: usize| {
        let fixture = Fixture::new();
        let (create, response) = fixture.run(async {
            let create = fixture.request(&scenario.resource, "Create", &scenario.created);
            fixture.deliver(&create).await;
            fixture.wait(Duration::from_secs(15 + case as u64)).await;
            let response = fixture.send(&scenario.resource, "Delete", &scenario.created).await;
            fixture.wait_until_idle().await;
            (fixture.response_to(&create), response)
        });
        let calls = fixture.account().calls.borrow();
        let continued = calls.iter().any(|call| call.operation() == "autoscaling:CreateAutoScalingGroup");
        let superseded = matches!(&create, Some(Response::Failed(reason)) if reason.starts_with("Superseded"));
        let leaked = fixture.inventory().len();
        let reason = format!("the create: {create:?}, the delete: {response:?}, the create continued: {continued}");
        let converged = response == Response::Success && superseded && !continued && leaked == 0;
        Verdict { converged, leaked, duplicated: 0, no_response: usize::from(create.is_none()), reason }.with(&fixture)
    };
    let name = "a delete during a create supersedes it";
    Row { name, cases: 90, short: 9, run: Box::new(run), seeded: false }
}

/// The requests of a stack, and their expected result.
struct StackHistory {
    resource: Resource,
    /// The expected properties at the end; `None` if the environment was deleted.
    desired_properties: Option<Value>,
    requests: Vec<Value>,
}

fn schedule(seed: usize, scenario: &Scenario, baselines: &[Baseline; 2]) -> Verdict {
    let mut fixture = Fixture::new();
    // Each Delete goes with its stack: CloudFormation generates an id only then, or in a rollback.
    fixture.set_stack(StackState::Deleting);
    let mut dice = Dice::new(seed);
    for call in 0..400 {
        if dice.percent(2) {
            let faults =
                [Fault::Throttled, Fault::LostResponse, Fault::LostRequest, Fault::CrashAfter, Fault::CrashBefore];
            let fault = faults[usize::try_from(dice.below(5)).unwrap_or_default()];
            fixture.account().faults.borrow_mut().insert(call, fault);
        }
    }
    let two = dice.percent(25);
    let (mut first_dice, mut second_dice) = (dice.clone(), Dice::new(seed + 1_000_003));
    let histories = fixture.run(async {
        let first = run_stack(&fixture, Resource::of(1, "dev"), scenario, &mut first_dice);
        if !two {
            return vec![first.await];
        }
        let second = run_stack(&fixture, Resource::of(2, "dev"), scenario, &mut second_dice);
        <[StackHistory; 2]>::from(tokio::join!(first, second)).into()
    });
    let mut verdict = Verdict { duplicated: fixture.duplicates(), ..Verdict::default() };
    for request in histories.iter().flat_map(|history| &history.requests) {
        if fixture.response_to(request).is_none() {
            verdict.no_response += 1;
            verdict.reason =
                format!("{}no response to {} {}; ", verdict.reason, request["RequestType"], request["RequestId"]);
        }
    }
    let mut expected = Vec::new();
    for (history, baseline) in histories.iter().zip(baselines) {
        let desired = match &history.desired_properties {
            Some(desired_properties) if *desired_properties == scenario.updated => &baseline.updated,
            Some(_) => &baseline.created,
            None => continue,
        };
        let owner = Owner::of(&history.resource.stack, &history.resource.logical_id);
        expected.extend(desired.iter().map(|line| line.replace("<owner>", owner.as_str())));
    }
    let found = fixture.inventory();
    if found != expected {
        verdict.reason.push_str(&difference(&found, &expected));
    }
    fixture.run(async {
        for history in &histories {
            // An operator sends the delete again after a permanent fault.
            for _ in 0..3 {
                if fixture.send(&history.resource, "Delete", &scenario.created).await == Response::Success {
                    break;
                }
            }
        }
        fixture.wait_until_idle().await;
    });
    verdict.leaked = fixture.inventory().len();
    verdict.converged = verdict.reason.is_empty() && verdict.leaked == 0;
    verdict.with(&fixture)
}

/// The lifecycle of one stack, in the order of CloudFormation's requests. Their arrival times are random.
async fn run_stack(fixture: &Fixture, resource: Resource, scenario: &Scenario, dice: &mut Dice) -> StackHistory {
    let mut history = StackHistory { resource, desired_properties: None, requests: Vec::new() };
    let create = history.send(fixture, "Create", &scenario.created, dice).await;
    let cancelled = dice.percent(30);
    let response =
        if cancelled { history.interrupt(fixture, dice).await } else { fixture.wait_for_response(&create).await };
    if cancelled || response != Response::Success {
        history.delete(fixture, scenario, dice).await;
    } else {
        history.desired_properties = Some(scenario.created.clone());
        if dice.percent(50) {
            history.update(fixture, scenario, dice).await;
        }
        if dice.percent(50) {
            history.delete(fixture, scenario, dice).await;
        }
    }
    // The remaining messages arrive.
    fixture.wait(Duration::from_mins(30)).await;
    fixture.wait_until_idle().await;
    history
}

impl StackHistory {
    /// Sends a request: late, twice, or both.
    async fn send(&mut self, fixture: &Fixture, kind: &str, properties: &Value, dice: &mut Dice) -> Value {
        let mut event = fixture.request(&self.resource, kind, properties);
        if kind == "Delete" && dice.percent(30) {
            event["PhysicalResourceId"] = json!(format!("stack-Web-{}", dice.below(1_000_000)));
        }
        self.requests.push(event.clone());
        if dice.percent(20) {
            fixture.wait(Duration::from_secs(dice.below(40))).await;
        }
        fixture.deliver(&event).await;
        if dice.percent(30) {
            if dice.percent(50) {
                fixture.wait(Duration::from_secs(dice.below(20))).await;
            }
            fixture.deliver(&event).await;
        }
        // CloudFormation's timestamps have a resolution of one second.
        fixture.wait(Duration::from_secs(1)).await;
        event
    }

    async fn interrupt(&mut self, fixture: &Fixture, dice: &mut Dice) -> Response {
        fixture.wait(Duration::from_secs(dice.below(120))).await;
        Response::Nothing
    }

    async fn update(&mut self, fixture: &Fixture, scenario: &Scenario, dice: &mut Dice) {
        let update = self.send(fixture, "Update", &scenario.updated, dice).await;
        let cancelled = dice.percent(30);
        let response =
            if cancelled { self.interrupt(fixture, dice).await } else { fixture.wait_for_response(&update).await };
        if !cancelled && response == Response::Success {
            self.desired_properties = Some(scenario.updated.clone());
            return;
        }
        for _ in 0..3 {
            let rollback = self.send(fixture, "Update", &scenario.created, dice).await;
            if fixture.wait_for_response(&rollback).await == Response::Success {
                break;
            }
        }
        // An older request arrives twenty minutes late.
        fixture.wait(Duration::from_mins(20)).await;
        fixture.deliver(&update).await;
    }

    async fn delete(&mut self, fixture: &Fixture, scenario: &Scenario, dice: &mut Dice) {
        for _ in 0..3 {
            let delete = self.send(fixture, "Delete", &scenario.created, dice).await;
            if fixture.wait_for_response(&delete).await == Response::Success {
                self.desired_properties = None;
                break;
            }
        }
        if dice.percent(30) {
            let oldest = self.requests[0].clone();
            fixture.wait(Duration::from_secs(dice.below(1_500))).await;
            fixture.deliver(&oldest).await;
        }
    }
}
