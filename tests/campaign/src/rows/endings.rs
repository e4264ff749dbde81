//! How a life ends: protected or not, with something in its buckets or not, while its stack stands, rolls back or is
//! gone; and who comes after it, and finds what was left.

use std::collections::BTreeSet;
use std::time::Duration;

use environment::{Fields, Key};
use memory_cloud::Fault;
use reconciler::Stack;
use serde_json::json;

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response, properties};
use crate::life::Verdict;

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::LostResponse, Fault::LostRequest, Fault::CrashAfter, Fault::CrashBefore];

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
    let mut fixture = Fixture::new();
    for call in (0..800).filter(|_| dice.percent(2)).collect::<Vec<_>>() {
        let fault = FAULTS[usize::try_from(dice.below(5)).unwrap_or_default()];
        fixture.account().faults.borrow_mut().insert(call, fault);
    }
    let mut remain = [false, false];
    let mut verdict = Verdict::default();
    for number in 1..=2 {
        let mut life = Life::new(&mut dice);
        // What was left behind is not empty.
        life.full = [life.full[0] || remain[0], life.full[1] || remain[1]];
        let ended = observed(&mut fixture, &Resource::of(number, "dev"), &life);
        remain = life.remains();
        verdict.duplicated += fixture.duplicates();
        let found = fixture.account().inventory();
        let found: BTreeSet<Key> = found.iter().map(environment::Resource::key).collect();
        let [data, logs] = buckets(&fixture);
        let desired =
            [(data, remain[0]), (logs, remain[1])].into_iter().filter_map(|(key, stays)| stays.then_some(key));
        let desired: BTreeSet<Key> = desired.collect();
        verdict.leaked += found.difference(&desired).count();
        if let Err(reason) = ended {
            verdict.reason = format!("life {number}: {reason}");
        } else if found != desired {
            verdict.reason = format!("life {number} left {found:?}, and not {desired:?}");
        }
        if !verdict.reason.is_empty() {
            break;
        }
    }
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        fixture.trace();
    }
    verdict.converged = verdict.reason.is_empty();
    verdict.with(&fixture)
}

/// One life from its create to its delete, and all that is refused between.
fn observed(fixture: &mut Fixture, of: &Resource, life: &Life) -> Result<(), String> {
    let own = life.properties();
    fixture.stands(Stack::Stands);
    ask(fixture, of, "Create", &own, None)?;
    let stored_resources = fixture.inventory().len();
    fill(fixture, life.full);
    fixture.stands(life.ends);
    let rejected = |fixture: &Fixture, reason: &str| {
        ask(fixture, of, "Delete", &own, Some(reason))?;
        let left = fixture.inventory().len();
        if left == stored_resources {
            Ok(())
        } else {
            Err(format!("refused, and {left} things are left of {stored_resources}"))
        }
    };
    let rolls_back = life.ends == Stack::RollsBack;
    if life.protected && !rolls_back {
        rejected(fixture, "DeletionProtection is true")?;
        let unlocked = fixture.person(&json!({ "Request": "unlock", "Environment": of.id }));
        if unlocked.get("Error").is_some() {
            return Err(format!("unlock: {unlocked}"));
        }
    }
    if life.on_delete == "FailIfNotEmpty" && life.full[0] && !rolls_back {
        rejected(fixture, "BucketOnDelete is FailIfNotEmpty")?;
        fill(fixture, [false, life.full[1]]);
    }
    ask(fixture, of, "Delete", &own, None)
}

/// Asks, and compares: with a refusal for this reason, else with SUCCESS.
fn ask(
    fixture: &Fixture,
    of: &Resource,
    kind: &str,
    own: &serde_json::Value,
    rejected: Option<&str>,
) -> Result<(), String> {
    let response = fixture.play(async {
        let response = fixture.ask(of, kind, own).await;
        fixture.quiet().await;
        // What is read may be as old as this.
        fixture.later(Duration::from_mins(2)).await;
        response
    });
    let as_expected = match (&response, rejected) {
        (Response::Success, None) => true,
        (Response::Failed(reason), Some(rejected)) => reason.contains(rejected),
        _ => false,
    };
    if as_expected { Ok(()) } else { Err(format!("{kind}: {response:?}, and not {}", rejected.unwrap_or("SUCCESS"))) }
}

/// The buckets' keys: for data, and for logs.
fn buckets(fixture: &Fixture) -> [Key; 2] {
    let names = fixture.names("dev");
    [names.data_bucket(), names.log_bucket()]
}

fn fill(fixture: &Fixture, full: [bool; 2]) {
    for (key, full) in buckets(fixture).iter().zip(full) {
        fixture.account().tamper(key, |it| {
            if let Fields::Bucket(bucket) = &mut it.fields {
                bucket.contains_objects = full;
            }
        });
    }
    fixture.account().clock.advance(fixture.account().read_lag);
}
