//! How a life ends: protected or not, with something in its buckets or not, while its stack stands, rolls back or is
//! gone; and who comes after it, and finds what was left.

use std::collections::BTreeSet;
use std::time::Duration;

use environment::{Fields, Key};
use memory_cloud::Fault;
use reconciler::Stack;
use serde_json::json;

use super::{Dice, Row};
use crate::life::Verdict;
use crate::stage::{Answer, Resource, Stage, properties};

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::LostAnswer, Fault::LostRequest, Fault::CrashAfter, Fault::CrashBefore];

pub(super) fn rows() -> Vec<Row> {
    let name = "seeded endings: protection, full buckets, stacks that roll back or are gone, and who comes after";
    vec![Row { name, cases: 2_000, short: 50, play: Box::new(play), seeded: true }]
}

/// What the dice say of a life.
struct Life {
    on_delete: &'static str,
    protected: bool,
    /// Whether something is in the bucket for data, and in that for logs.
    full: [bool; 2],
    ends: Stack,
}

impl Life {
    fn new(dice: &mut Dice) -> Life {
        let mut one_of = |count: u64| usize::try_from(dice.below(count)).unwrap_or_default();
        Life {
            on_delete: ["Retain", "Empty", "FailIfNotEmpty"][one_of(3)],
            protected: one_of(2) == 0,
            full: [one_of(2) == 0, one_of(2) == 0],
            ends: [Stack::Stands, Stack::RollsBack, Stack::Gone][one_of(3)],
        }
    }

    fn properties(&self) -> serde_json::Value {
        let protected = self.protected.to_string();
        properties(&json!({ "Egress": "PublicIp", "BucketOnDelete": self.on_delete, "DeletionProtection": protected }))
    }

    /// Which buckets remain, of data and of logs.
    fn remains(&self) -> [bool; 2] {
        match (self.ends, self.on_delete) {
            (Stack::RollsBack, _) => self.full,
            (_, "Retain") => [true, true],
            (_, "Empty") => [false, false],
            // Whoever asked for the delete emptied the one that had to be.
            (_, _) => [false, self.full[1]],
        }
    }
}

fn play(seed: usize) -> Verdict {
    let mut dice = Dice::new(seed);
    let mut stage = Stage::new();
    for call in (0..800).filter(|_| dice.percent(2)).collect::<Vec<_>>() {
        let fault = FAULTS[usize::try_from(dice.below(5)).unwrap_or_default()];
        stage.world().faults.borrow_mut().insert(call, fault);
    }
    let mut remain = [false, false];
    let mut verdict = Verdict::default();
    for number in 1..=2 {
        let mut life = Life::new(&mut dice);
        // What was left behind is not empty.
        life.full = [life.full[0] || remain[0], life.full[1] || remain[1]];
        let ended = live(&mut stage, &Resource::of(number, "dev"), &life);
        remain = life.remains();
        verdict.duplicated += stage.duplicates();
        let found = stage.world().inventory();
        let found: BTreeSet<Key> = found.iter().map(environment::Resource::key).collect();
        let [data, logs] = buckets(&stage);
        let wanted = [(data, remain[0]), (logs, remain[1])].into_iter().filter_map(|(key, stays)| stays.then_some(key));
        let wanted: BTreeSet<Key> = wanted.collect();
        verdict.leaked += found.difference(&wanted).count();
        if let Err(why) = ended {
            verdict.why = format!("life {number}: {why}");
        } else if found != wanted {
            verdict.why = format!("life {number} left {found:?}, and not {wanted:?}");
        }
        if !verdict.why.is_empty() {
            break;
        }
    }
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        stage.trace();
    }
    verdict.converged = verdict.why.is_empty();
    verdict.with(&stage)
}

/// One life from its create to its delete, and all that is refused between.
fn live(stage: &mut Stage, of: &Resource, life: &Life) -> Result<(), String> {
    let own = life.properties();
    stage.stands(Stack::Stands);
    ask(stage, of, "Create", &own, None)?;
    let things = stage.inventory().len();
    fill(stage, life.full);
    stage.stands(life.ends);
    let refused = |stage: &Stage, why: &str| {
        ask(stage, of, "Delete", &own, Some(why))?;
        let left = stage.inventory().len();
        if left == things { Ok(()) } else { Err(format!("refused, and {left} things are left of {things}")) }
    };
    let rolls_back = life.ends == Stack::RollsBack;
    if life.protected && !rolls_back {
        refused(stage, "DeletionProtection is true")?;
        let unlocked = stage.person(&json!({ "Request": "unlock", "Environment": of.id }));
        if unlocked.get("Error").is_some() {
            return Err(format!("unlock: {unlocked}"));
        }
    }
    if life.on_delete == "FailIfNotEmpty" && life.full[0] && !rolls_back {
        refused(stage, "BucketOnDelete is FailIfNotEmpty")?;
        fill(stage, [false, life.full[1]]);
    }
    ask(stage, of, "Delete", &own, None)
}

/// Asks, and compares: with a refusal for this reason, else with SUCCESS.
fn ask(stage: &Stage, of: &Resource, kind: &str, own: &serde_json::Value, refused: Option<&str>) -> Result<(), String> {
    let answer = stage.play(async {
        let answer = stage.ask(of, kind, own).await;
        stage.quiet().await;
        // What is read may be as old as this.
        stage.later(Duration::from_mins(2)).await;
        answer
    });
    let as_expected = match (&answer, refused) {
        (Answer::Success, None) => true,
        (Answer::Failed(why), Some(refused)) => why.contains(refused),
        _ => false,
    };
    if as_expected { Ok(()) } else { Err(format!("{kind}: {answer:?}, and not {}", refused.unwrap_or("SUCCESS"))) }
}

/// The buckets' keys: for data, and for logs.
fn buckets(stage: &Stage) -> [Key; 2] {
    let names = stage.names("dev");
    [names.data_bucket(), names.log_bucket()]
}

fn fill(stage: &Stage, full: [bool; 2]) {
    for (key, full) in buckets(stage).iter().zip(full) {
        stage.world().tamper(key, |it| {
            if let Fields::Bucket(bucket) = &mut it.fields {
                bucket.holds_objects = full;
            }
        });
    }
    stage.world().clock.advance(stage.world().read_lag);
}
