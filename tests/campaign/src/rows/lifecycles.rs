//! The end of an environment's lifecycle: with or without protection, with full or empty buckets, while its stack is
//! active, rolls back or is deleted; and the next environment, which finds the retained buckets.

use std::collections::BTreeSet;
use std::time::Duration;

use environment::{Fields, Key, mark};
use memory_cloud::Fault;
use request_pass::StackState;
use requests::Owner;
use serde_json::json;

use super::{Dice, Row};
use crate::fixture::{Fixture, Resource, Response, properties};
use crate::lifecycle::Verdict;

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::LostResponse, Fault::LostRequest, Fault::CrashAfter, Fault::CrashBefore];

pub(super) fn rows() -> Vec<Row> {
    let name = "seeded lifecycles: protection, full buckets, stacks that roll back or are deleted, and successors";
    vec![Row { name, cases: 2_000, short: 50, run: Box::new(run), seeded: true }]
}

/// The randomly chosen parameters of a lifecycle.
struct Lifecycle {
    on_delete: &'static str,
    protected: bool,
    /// Whether the data bucket and the log bucket contain objects.
    full: [bool; 2],
    stack: StackState,
}

impl Lifecycle {
    fn new(dice: &mut Dice) -> Lifecycle {
        let mut choose = |count: u64| usize::try_from(dice.below(count)).unwrap_or_default();
        Lifecycle {
            on_delete: ["Retain", "Empty", "FailIfNotEmpty"][choose(3)],
            protected: choose(2) == 0,
            full: [choose(2) == 0, choose(2) == 0],
            stack: [StackState::Active, StackState::RollingBack, StackState::Deleted][choose(3)],
        }
    }

    fn properties(&self) -> serde_json::Value {
        let protected = self.protected.to_string();
        properties(&json!({ "Egress": "PublicIp", "BucketOnDelete": self.on_delete, "DeletionProtection": protected }))
    }

    /// Whether the data bucket and the log bucket are retained.
    fn retained_buckets(&self) -> [bool; 2] {
        match (self.stack, self.on_delete) {
            (StackState::RollingBack, _) => self.full,
            (_, "Retain") => [true, true],
            (_, "Empty") => [false, false],
            // The operator emptied the data bucket before the second delete.
            (_, _) => [false, self.full[1]],
        }
    }
}

fn run(seed: usize) -> Verdict {
    let mut dice = Dice::new(seed);
    let mut fixture = Fixture::new();
    for call in (0..800).filter(|_| dice.percent(2)).collect::<Vec<_>>() {
        let fault = FAULTS[usize::try_from(dice.below(5)).unwrap_or_default()];
        fixture.account().faults.borrow_mut().insert(call, fault);
    }
    let mut retained = [false, false];
    let mut verdict = Verdict::default();
    for number in 1..=2 {
        let mut lifecycle = Lifecycle::new(&mut dice);
        // A retained bucket is not empty.
        lifecycle.full = [lifecycle.full[0] || retained[0], lifecycle.full[1] || retained[1]];
        let resource = Resource::of(number, "dev");
        let consent = allow_adoption(&fixture, &resource, &lifecycle, retained);
        let result = consent.and_then(|()| run_lifecycle(&mut fixture, &resource, &lifecycle));
        retained = lifecycle.retained_buckets();
        verdict.duplicated += fixture.duplicates();
        let found = fixture.account().inventory();
        let found: BTreeSet<Key> = found.iter().map(environment::Resource::key).collect();
        let [data, logs] = buckets(&fixture);
        let desired = [(data, retained[0]), (logs, retained[1])]
            .into_iter()
            .filter_map(|(key, is_retained)| is_retained.then_some(key));
        let desired: BTreeSet<Key> = desired.collect();
        verdict.leaked += found.difference(&desired).count();
        if let Err(reason) = result {
            verdict.reason = format!("lifecycle {number}: {reason}");
        } else if found != desired {
            verdict.reason = format!("lifecycle {number} left {found:?}, expected {desired:?}");
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

/// Checks that a create adopts no retained bucket without consent, and then gives the consent, as the operator request
/// `allow-adoption` does: faults of its calls are those of an operator, who repeats it.
fn allow_adoption(
    fixture: &Fixture,
    resource: &Resource,
    lifecycle: &Lifecycle,
    retained: [bool; 2],
) -> Result<(), String> {
    if retained == [false, false] {
        return Ok(());
    }
    let before = fixture.account().inventory();
    send(fixture, resource, "Create", &lifecycle.properties(), Some("no operator has allowed"))?;
    if fixture.account().inventory() != before {
        return Err(String::from("a create without consent changed a resource"));
    }
    let owner = Owner::of(&resource.stack, &resource.logical_id);
    for (key, _) in buckets(fixture).iter().zip(retained).filter(|(_, is_retained)| *is_retained) {
        fixture.account().tamper(key, |it| {
            it.tags.insert(mark::ADOPTABLE_BY.into(), owner.as_str().into());
        });
    }
    fixture.account().clock.advance(fixture.account().read_lag);
    Ok(())
}

/// Runs one lifecycle from its create to its delete, with all rejected requests between them.
fn run_lifecycle(fixture: &mut Fixture, resource: &Resource, lifecycle: &Lifecycle) -> Result<(), String> {
    let properties = lifecycle.properties();
    fixture.set_stack(StackState::Active);
    send(fixture, resource, "Create", &properties, None)?;
    let stored_resources = fixture.inventory().len();
    fill(fixture, lifecycle.full);
    fixture.set_stack(lifecycle.stack);
    let rejected = |fixture: &Fixture, reason: &str| {
        send(fixture, resource, "Delete", &properties, Some(reason))?;
        let left = fixture.inventory().len();
        if left == stored_resources {
            Ok(())
        } else {
            Err(format!("the delete was rejected, and {left} of {stored_resources} resources are left"))
        }
    };
    let rolls_back = lifecycle.stack == StackState::RollingBack;
    if lifecycle.protected && !rolls_back {
        rejected(fixture, "DeletionProtection is true")?;
        let unlocked =
            fixture.run(fixture.operator_request(&json!({ "Request": "unlock", "Environment": resource.id })));
        if unlocked.get("Error").is_some() {
            return Err(format!("unlock: {unlocked}"));
        }
    }
    if lifecycle.on_delete == "FailIfNotEmpty" && lifecycle.full[0] && !rolls_back {
        rejected(fixture, "BucketOnDelete is FailIfNotEmpty")?;
        fill(fixture, [false, lifecycle.full[1]]);
    }
    send(fixture, resource, "Delete", &properties, None)
}

/// Sends a request, and compares its response: with a rejection for this reason, else with SUCCESS.
fn send(
    fixture: &Fixture,
    resource: &Resource,
    kind: &str,
    properties: &serde_json::Value,
    rejected: Option<&str>,
) -> Result<(), String> {
    let response = fixture.run(async {
        let response = fixture.send(resource, kind, properties).await;
        fixture.wait_until_idle().await;
        // Observations may be as old as this.
        fixture.wait(Duration::from_mins(2)).await;
        response
    });
    let as_expected = match (&response, rejected) {
        (Response::Success, None) => true,
        (Response::Failed(reason), Some(rejected)) => reason.contains(rejected),
        _ => false,
    };
    if as_expected { Ok(()) } else { Err(format!("{kind}: {response:?}, expected {}", rejected.unwrap_or("SUCCESS"))) }
}

/// The keys of the data bucket and the log bucket.
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
