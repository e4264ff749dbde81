//! Requests that come twice, at once, late and in another order, with ids that somebody made up, cancelled half way, and
//! from two stacks that want the same environment.

use std::time::Duration;

use memory_cloud::Fault;
use requests::Owner;
use serde_json::{Value, json};

use super::{Dice, Row};
use crate::life::{Golden, Plot, Verdict};
use crate::stage::{Answer, Resource, Stage};

pub(super) fn rows() -> Vec<Row> {
    let plot = Plot::new("PublicIp");
    let golden = Golden::of(&plot);
    let play = move |seed: usize| schedule(seed, &plot, &golden);
    let name = "seeded schedules of duplicate, concurrent, late and reordered requests";
    vec![stopped(), Row { name, cases: 10_000, short: 100, play: Box::new(play), seeded: true }]
}

/// A delete that comes while a create waits for its NAT gateway, from its second wave on.
fn stopped() -> Row {
    let plot = Plot::new("NatGateway");
    let play = move |case: usize| {
        let stage = Stage::new();
        let (create, answer) = stage.play(async {
            let create = stage.request(&plot.of, "Create", &plot.made);
            stage.deliver(&create).await;
            stage.later(Duration::from_secs(15 + case as u64)).await;
            let answer = stage.ask(&plot.of, "Delete", &plot.made).await;
            stage.quiet().await;
            (stage.answer_to(&create), answer)
        });
        let calls = stage.world().calls.borrow();
        let went_on = calls.iter().any(|call| call.operation() == "autoscaling:CreateAutoScalingGroup");
        let superseded = matches!(&create, Some(Answer::Failed(why)) if why.starts_with("Superseded"));
        let leaked = stage.inventory().len();
        let why = format!("the create: {create:?}, the delete: {answer:?}, the create went on: {went_on}");
        let converged = answer == Answer::Success && superseded && !went_on && leaked == 0;
        Verdict { converged, leaked, duplicated: 0, unanswered: usize::from(create.is_none()), why }.with(&stage)
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

fn schedule(seed: usize, plot: &Plot, golden: &Golden) -> Verdict {
    let stage = Stage::new();
    let mut dice = Dice::new(seed);
    for call in 0..400 {
        if dice.percent(2) {
            let faults =
                [Fault::Throttled, Fault::LostAnswer, Fault::LostRequest, Fault::CrashAfter, Fault::CrashBefore];
            let fault = faults[usize::try_from(dice.below(5)).unwrap_or_default()];
            stage.world().faults.borrow_mut().insert(call, fault);
        }
    }
    let two = dice.percent(25);
    let (mut mine, mut theirs) = (dice.clone(), Dice::new(seed + 1_000_003));
    let lives = stage.play(async {
        let first = story(&stage, Resource::of(1, "dev"), plot, &mut mine);
        if !two {
            return vec![first.await];
        }
        let second = story(&stage, Resource::of(2, "dev"), plot, &mut theirs);
        <[Story; 2]>::from(tokio::join!(first, second)).into()
    });
    let mut verdict = Verdict { duplicated: stage.duplicates(), ..Verdict::default() };
    for asked in lives.iter().flat_map(|story| &story.asked) {
        if stage.answer_to(asked).is_none() {
            verdict.unanswered += 1;
            verdict.why = format!("{}no answer to {} {}; ", verdict.why, asked["RequestType"], asked["RequestId"]);
        }
    }
    let mut expected = Vec::new();
    for story in &lives {
        let wanted = match &story.wants {
            Some(wants) if *wants == plot.updated => &golden.updated,
            Some(_) => &golden.made,
            None => continue,
        };
        let owner = Owner::of(&story.of.stack, &story.of.logical_id);
        expected.extend(wanted.iter().map(|line| line.replace("<owner>", owner.as_str())));
    }
    let found = stage.inventory();
    if found != expected {
        verdict.why = format!("{}found {} things, expected {}", verdict.why, found.len(), expected.len());
    }
    stage.play(async {
        for story in &lives {
            // A second try is what a person does whose first one met a fault that stays.
            for _ in 0..3 {
                if stage.ask(&story.of, "Delete", &plot.made).await == Answer::Success {
                    break;
                }
            }
        }
        stage.quiet().await;
    });
    verdict.leaked = stage.inventory().len();
    verdict.converged = verdict.why.is_empty() && verdict.leaked == 0;
    verdict.with(&stage)
}

/// One stack's life, in the order in which CloudFormation asks; what arrives when is up to the dice.
async fn story(stage: &Stage, of: Resource, plot: &Plot, dice: &mut Dice) -> Story {
    let mut story = Story { of, wants: None, asked: Vec::new() };
    let create = story.send(stage, "Create", &plot.made, dice).await;
    let cancelled = dice.percent(30);
    let answer = if cancelled { story.interrupt(stage, dice).await } else { stage.wait_for(&create).await };
    if cancelled || answer != Answer::Success {
        story.delete(stage, plot, dice).await;
    } else {
        story.wants = Some(plot.made.clone());
        if dice.percent(50) {
            story.update(stage, plot, dice).await;
        }
        if dice.percent(50) {
            story.delete(stage, plot, dice).await;
        }
    }
    // Whatever is still on its way arrives.
    stage.later(Duration::from_mins(30)).await;
    stage.quiet().await;
    story
}

impl Story {
    /// Sends a request: late, or twice, or both.
    async fn send(&mut self, stage: &Stage, kind: &str, properties: &Value, dice: &mut Dice) -> Value {
        let mut event = stage.request(&self.of, kind, properties);
        if kind == "Delete" && dice.percent(30) {
            event["PhysicalResourceId"] = json!(format!("stack-Web-{}", dice.below(1_000_000)));
        }
        self.asked.push(event.clone());
        if dice.percent(20) {
            stage.later(Duration::from_secs(dice.below(40))).await;
        }
        stage.deliver(&event).await;
        if dice.percent(30) {
            if dice.percent(50) {
                stage.later(Duration::from_secs(dice.below(20))).await;
            }
            stage.deliver(&event).await;
        }
        // CloudFormation's times have whole seconds.
        stage.later(Duration::from_secs(1)).await;
        event
    }

    async fn interrupt(&mut self, stage: &Stage, dice: &mut Dice) -> Answer {
        stage.later(Duration::from_secs(dice.below(120))).await;
        Answer::Nothing
    }

    async fn update(&mut self, stage: &Stage, plot: &Plot, dice: &mut Dice) {
        let update = self.send(stage, "Update", &plot.updated, dice).await;
        let cancelled = dice.percent(30);
        let answer = if cancelled { self.interrupt(stage, dice).await } else { stage.wait_for(&update).await };
        if !cancelled && answer == Answer::Success {
            self.wants = Some(plot.updated.clone());
            return;
        }
        for _ in 0..3 {
            let back = self.send(stage, "Update", &plot.made, dice).await;
            if stage.wait_for(&back).await == Answer::Success {
                break;
            }
        }
        // An older request, twenty minutes late.
        stage.later(Duration::from_mins(20)).await;
        stage.deliver(&update).await;
    }

    async fn delete(&mut self, stage: &Stage, plot: &Plot, dice: &mut Dice) {
        for _ in 0..3 {
            let delete = self.send(stage, "Delete", &plot.made, dice).await;
            if stage.wait_for(&delete).await == Answer::Success {
                self.wants = None;
                break;
            }
        }
        if dice.percent(30) {
            let oldest = self.asked[0].clone();
            stage.later(Duration::from_secs(dice.below(1_500))).await;
            stage.deliver(&oldest).await;
        }
    }
}
