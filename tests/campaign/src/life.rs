//! What a stack asks of an environment, step by step, and how the end is judged.

use std::time::Duration;

use memory_cloud::Fault;
use requests::Owner;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resource, Response, properties};

/// One thing that a stack does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Create,
    Update,
    /// An update that is refused half way, and the rollback to what was.
    FailedUpdate,
    Delete,
}

pub const STEPS: [Step; 4] = [Step::Create, Step::Update, Step::FailedUpdate, Step::Delete];

/// The environment of a run: its properties as created, and as updated.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub of: Resource,
    pub made: Value,
    pub updated: Value,
}

impl Scenario {
    /// An environment with a way out of this kind.
    pub fn new(egress: &str) -> Scenario {
        let made = json!({ "Egress": egress });
        let updated = json!({
            "Egress": egress, "MaxSize": "5", "InstanceType": "t3.small", "ScaleUpCpuThreshold": "60",
            "LogRetentionDays": "7", "Tags": { "team": "web" },
        });
        Scenario { of: Resource::of(1, "dev"), made: properties(&made), updated: properties(&updated) }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub converged: bool,
    pub leaked: usize,
    pub duplicated: usize,
    pub unanswered: usize,
    /// What went wrong, for people.
    pub reason: String,
}

impl Verdict {
    /// The verdict, with what else is wrong on a stage: whatever was answered there.
    #[must_use]
    pub fn with(mut self, fixture: &Fixture) -> Verdict {
        let flaws = fixture.flaws();
        self.converged &= flaws.is_empty();
        self.reason.push_str(&flaws);
        self
    }
}

/// How an environment looks when nothing disturbs it; its owner is left open.
#[derive(Clone, Debug)]
pub struct Golden {
    pub made: Vec<String>,
    pub updated: Vec<String>,
    /// How many calls each step makes: to the cloud, and to what is around it.
    pub calls: [(usize, usize); 4],
    /// How long a create takes.
    pub takes: Duration,
}

const OPEN: &str = "<owner>";

impl Golden {
    pub fn of(scenario: &Scenario) -> Golden {
        let fixture = Fixture::new();
        let count = |fixture: &Fixture| (fixture.account().calls.borrow().len(), fixture.outer.calls());
        let mut calls = [(0, 0); 4];
        let mut step = |fixture: &Fixture, step: Step| {
            let before = count(fixture);
            let response = perform(fixture, scenario, step, None);
            assert_eq!(response, Response::Success, "undisturbed, it works");
            let after = count(fixture);
            calls[step as usize] = (after.0 - before.0, after.1 - before.1);
            inventory(fixture, &scenario.of)
        };
        let began = fixture.account().clock.now();
        let made = step(&fixture, Step::Create);
        let takes = fixture.account().clock.now() - began;
        let updated = step(&fixture, Step::Update);
        let back = Fixture::new();
        step(&back, Step::Create);
        step(&back, Step::FailedUpdate);
        assert_eq!(inventory(&back, &scenario.of), made, "a rollback leads back");
        step(&fixture, Step::Delete);
        assert!(fixture.inventory().is_empty(), "a delete leaves nothing");
        Golden { made, updated, calls, takes }
    }

    /// What there should be after a step.
    pub fn after(&self, step: Step) -> &[String] {
        match step {
            Step::Create | Step::FailedUpdate => &self.made,
            Step::Update => &self.updated,
            Step::Delete => &[],
        }
    }
}

/// What is there, with one owner left open.
pub fn inventory(fixture: &Fixture, of: &Resource) -> Vec<String> {
    let owner = Owner::of(&of.stack, &of.logical_id);
    fixture.inventory().iter().map(|line| line.replace(owner.as_str(), OPEN)).collect()
}

/// A stage on which a step can begin.
pub fn before(scenario: &Scenario, step: Step) -> Fixture {
    let fixture = Fixture::new();
    if step != Step::Create {
        let response = perform(&fixture, scenario, Step::Create, None);
        assert_eq!(response, Response::Success, "undisturbed, it works");
    }
    fixture
}

/// Performs a step with all that `CloudFormation` does about it, and returns its last answer. `cut` is a `ServiceTimeout`
/// in seconds.
pub fn perform(fixture: &Fixture, scenario: &Scenario, step: Step, cut: Option<u64>) -> Response {
    let of = &scenario.of;
    fixture.play(async {
        match step {
            Step::Create => ask(fixture, of, "Create", &scenario.made, cut).await,
            Step::Update => ask(fixture, of, "Update", &scenario.updated, cut).await,
            Step::FailedUpdate => {
                refuse_half_way(fixture);
                ask(fixture, of, "Update", &scenario.updated, cut).await;
                ask(fixture, of, "Update", &scenario.made, cut).await
            }
            Step::Delete => ask(fixture, of, "Delete", &scenario.made, cut).await,
        }
    })
}

/// Lets the third call from here be refused, unless something else happens to it.
fn refuse_half_way(fixture: &Fixture) {
    let third = fixture.account().calls.borrow().len() + 2;
    fixture.account().faults.borrow_mut().entry(third).or_insert(Fault::Denied);
}

async fn ask(fixture: &Fixture, of: &Resource, kind: &str, properties: &Value, cut: Option<u64>) -> Response {
    let mut event = fixture.request(of, kind, properties);
    if let Some(seconds) = cut {
        event["ServiceTimeout"] = json!(seconds.to_string());
    }
    fixture.deliver(&event).await;
    let response = fixture.wait_for(&event).await;
    // The message is taken off the line after its answer.
    fixture.quiet().await;
    response
}

/// Deletes what there is, as a stack does that is deleted again until it is gone, and counts what stays.
pub fn leftovers(fixture: &Fixture, scenario: &Scenario) -> (usize, usize) {
    let mut unanswered = 0;
    for _ in 0..4 {
        match perform(fixture, scenario, Step::Delete, None) {
            Response::Success => break,
            Response::Failed(_) => {}
            Response::Nothing => unanswered += 1,
        }
    }
    (fixture.inventory().len(), unanswered)
}

/// Judges a run that should have ended in `expected`, and takes everything down.
pub fn judge(fixture: &Fixture, scenario: &Scenario, response: &Response, expected: &[String]) -> Verdict {
    let found = inventory(fixture, &scenario.of);
    let duplicated = fixture.duplicates();
    let mut reason = String::new();
    if *response != Response::Success {
        reason = format!("the answer is {response:?}");
    } else if found != expected {
        reason = difference(&found, expected);
    }
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        fixture.trace();
    }
    let (leaked, unanswered) = leftovers(fixture, scenario);
    let unanswered = unanswered + usize::from(*response == Response::Nothing);
    if leaked > 0 {
        reason = format!("{reason}; left: {}", fixture.inventory().join(" | "));
    }
    Verdict { converged: reason.is_empty() && leaked == 0, leaked, duplicated, unanswered, reason }.with(fixture)
}

fn difference(found: &[String], expected: &[String]) -> String {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join(" | ")
    };
    format!("too much: {}; missing: {}", only(found, expected), only(expected, found))
}
