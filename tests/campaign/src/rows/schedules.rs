//! Requests that come twice, at once, late and in another order, with ids that somebody made up, cancelled half way, and
//! from two stacks that want the same environment.

use std::time::Duration;

use memory_cloud::Fault;
use requests::Owner;
use serde_json::{Value, json};

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response};
use crate::life::{Golden, Scenario, Verdict};

pub(super) fn rows() -> Vec<Row> {
    let scenario = Scenario::new("PublicIp");
    let golden = Golden::of(&scenario);
    let play = move |seed: usize| schedule(seed, &scenario, &golden);
    let name = "seeded schedules of duplicate, concurrent, late and reordered requests";
    vec![stopped(), Row { name, cases: 10_000, short: 100, play: Box::new(play), seeded: true }]
}

/// A delete that comes while a create waits for its NAT gateway, from its second wave on.
fn stopped() -> Row {
    let scenario = Scenario::new("NatGateway");
    let play = move |case: usize| {
        let fixture = Fixture::new();
        let (create, response) = fixture.play(async {
            let create = fixture.request(&scenario.of, "Create", &scenario.made);
            fixture.deliver(&create).await;
            fixture.later(Duration::from_secs(15 + case as u64)).await;
            let response = fixture.ask(&scenario.of, "Delete", &scenario.made).await;
            fixture.quiet().await;
            (fixture.answer_to(&create), response)
        });
        let calls = fixture.account().calls.borrow();
        let went_on = calls.iter().any(|call| call.operation() == "autoscaling:CreateAutoScalingGroup");
        let superseded = matches!(&create, Some(Response::Failed(reason)) if reason.starts_with("Superseded"));
        let leaked = fixture.inventory().len();
        let reason = format!("the create: {create:?}, the delete: {response:?}, the create went on: {went_on}");
        let converged = response == Response::Success && superseded && !went_on && leaked == 0;
        Verdict { converged, leaked, duplicated: 0, unanswered: usize::from(create.is_none()), reason }.with(&fixture)
    };
    let name = "a delete in the middle of a create stops it";
    Row { name, cases: 90, short: 9, play: Box::new(play), seeded: false }
}

/// What a stack did last.
struct Story {
    of: Resource,
    /// The properties that it should have in the end; none if it was deleted.
    wants: Option<Value>,
    asked: Vec<Value>,
}

fn schedule(seed: usize, scenario: &Scenario, golden: &Golden) -> Verdict {
    let fixture = Fixture::new();
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
    let (mut mine, mut theirs) = (dice.clone(), Dice::new(seed + 1_000_003));
    let lives = fixture.play(async {
        let first = story(&fixture, Resource::of(1, "dev"), scenario, &mut mine);
        if !two {
            return vec![first.await];
        }
        let second = story(&fixture, Resource::of(2, "dev"), scenario, &mut theirs);
        <[Story; 2]>::from(tokio::join!(first, second)).into()
    });
    let mut verdict = Verdict { duplicated: fixture.duplicates(), ..Verdict::default() };
    for asked in lives.iter().flat_map(|story| &story.asked) {
        if fixture.answer_to(asked).is_none() {
            verdict.unanswered += 1;
            verdict.reason =
                format!("{}no answer to {} {}; ", verdict.reason, asked["RequestType"], asked["RequestId"]);
        }
    }
    let mut expected = Vec::new();
    for story in &lives {
        let desired = match &story.wants {
            Some(wants) if *wants == scenario.updated => &golden.updated,
            Some(_) => &golden.made,
            None => continue,
        };
        let owner = Owner::of(&story.of.stack, &story.of.logical_id);
        expected.extend(desired.iter().map(|line| line.replace("<owner>", owner.as_str())));
    }
    let found = fixture.inventory();
    if found != expected {
        verdict.reason = format!("{}found {} things, expected {}", verdict.reason, found.len(), expected.len());
    }
    fixture.play(async {
        for story in &lives {
            // A second try is what a person does whose first one met a fault that stays.
            for _ in 0..3 {
                if fixture.ask(&story.of, "Delete", &scenario.made).await == Response::Success {
                    break;
                }
            }
        }
        fixture.quiet().await;
    });
    verdict.leaked = fixture.inventory().len();
    verdict.converged = verdict.reason.is_empty() && verdict.leaked == 0;
    verdict.with(&fixture)
}

/// One stack's life, in the order in which CloudFormation asks; what arrives when is up to the dice.
async fn story(fixture: &Fixture, of: Resource, scenario: &Scenario, dice: &mut Dice) -> Story {
    let mut story = Story { of, wants: None, asked: Vec::new() };
    let create = story.send(fixture, "Create", &scenario.made, dice).await;
    let cancelled = dice.percent(30);
    let response = if cancelled { story.interrupt(fixture, dice).await } else { fixture.wait_for(&create).await };
    if cancelled || response != Response::Success {
        story.delete(fixture, scenario, dice).await;
    } else {
        story.wants = Some(scenario.made.clone());
        if dice.percent(50) {
            story.update(fixture, scenario, dice).await;
        }
        if dice.percent(50) {
            story.delete(fixture, scenario, dice).await;
        }
    }
    // Whatever is still on its way arrives.
    fixture.later(Duration::from_mins(30)).await;
    fixture.quiet().await;
    story
}

impl Story {
    /// Sends a request: late, or twice, or both.
    async fn send(&mut self, fixture: &Fixture, kind: &str, properties: &Value, dice: &mut Dice) -> Value {
        let mut event = fixture.request(&self.of, kind, properties);
        if kind == "Delete" && dice.percent(30) {
            event["PhysicalResourceId"] = json!(format!("stack-Web-{}", dice.below(1_000_000)));
        }
        self.asked.push(event.clone());
        if dice.percent(20) {
            fixture.later(Duration::from_secs(dice.below(40))).await;
        }
        fixture.deliver(&event).await;
        if dice.percent(30) {
            if dice.percent(50) {
                fixture.later(Duration::from_secs(dice.below(20))).await;
            }
            fixture.deliver(&event).await;
        }
        // CloudFormation's times have whole seconds.
        fixture.later(Duration::from_secs(1)).await;
        event
    }

    async fn interrupt(&mut self, fixture: &Fixture, dice: &mut Dice) -> Response {
        fixture.later(Duration::from_secs(dice.below(120))).await;
        Response::Nothing
    }

    async fn update(&mut self, fixture: &Fixture, scenario: &Scenario, dice: &mut Dice) {
        let update = self.send(fixture, "Update", &scenario.updated, dice).await;
        let cancelled = dice.percent(30);
        let response = if cancelled { self.interrupt(fixture, dice).await } else { fixture.wait_for(&update).await };
        if !cancelled && response == Response::Success {
            self.wants = Some(scenario.updated.clone());
            return;
        }
        for _ in 0..3 {
            let back = self.send(fixture, "Update", &scenario.made, dice).await;
            if fixture.wait_for(&back).await == Response::Success {
                break;
            }
        }
        // An older request, twenty minutes late.
        fixture.later(Duration::from_mins(20)).await;
        fixture.deliver(&update).await;
    }

    async fn delete(&mut self, fixture: &Fixture, scenario: &Scenario, dice: &mut Dice) {
        for _ in 0..3 {
            let delete = self.send(fixture, "Delete", &scenario.made, dice).await;
            if fixture.wait_for(&delete).await == Response::Success {
                self.wants = None;
                break;
            }
        }
        if dice.percent(30) {
            let oldest = self.asked[0].clone();
            fixture.later(Duration::from_secs(dice.below(1_500))).await;
            fixture.deliver(&oldest).await;
        }
    }
}
