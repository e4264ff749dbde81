//! The requests of a stack to an environment, step by step, and the verdict on their result.

use std::time::Duration;

use memory_cloud::Fault;
use requests::Owner;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resource, Response, properties};

/// One step of a stack's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Create,
    Update,
    /// An update that is rejected halfway, and the rollback to the previous properties.
    FailedUpdate,
    Delete,
}

pub const STEPS: [Step; 4] = [Step::Create, Step::Update, Step::FailedUpdate, Step::Delete];

/// The environment of a run: the properties as created, and as updated.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub resource: Resource,
    pub created: Value,
    pub updated: Value,
}

impl Scenario {
    /// An environment with this kind of egress.
    pub fn new(egress: &str) -> Scenario {
        let created = json!({ "Egress": egress });
        let updated = json!({
            "Egress": egress, "MaxSize": "5", "InstanceType": "t3.small", "ScaleUpCpuThreshold": "60",
            "LogRetentionDays": "7", "Tags": { "team": "web" },
        });
        Scenario { resource: Resource::of(1, "dev"), created: properties(&created), updated: properties(&updated) }
    }
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub converged: bool,
    pub leaked: usize,
    pub duplicated: usize,
    pub no_response: usize,
    /// The reason of a failure, as text.
    pub reason: String,
}

impl Verdict {
    /// The verdict, with the flaws of all responses in a fixture.
    #[must_use]
    pub fn with(mut self, fixture: &Fixture) -> Verdict {
        let flaws = fixture.flaws();
        self.converged &= flaws.is_empty();
        self.reason.push_str(&flaws);
        self
    }
}

/// The environment of a run without faults; its owner is a placeholder.
#[derive(Clone, Debug)]
pub struct Baseline {
    pub created: Vec<String>,
    pub updated: Vec<String>,
    /// The number of calls of each step: to the cloud, and to the surrounding services.
    pub calls: [(usize, usize); 4],
    /// The duration of a create.
    pub create_duration: Duration,
}

const OWNER_PLACEHOLDER: &str = "<owner>";

impl Baseline {
    pub fn of(scenario: &Scenario) -> Baseline {
        let fixture = Fixture::new();
        let count = |fixture: &Fixture| (fixture.account().calls.borrow().len(), fixture.services.calls());
        let mut calls = [(0, 0); 4];
        let mut step = |fixture: &Fixture, step: Step| {
            let before = count(fixture);
            let response = run_step(fixture, scenario, step, None);
            assert_eq!(response, Response::Success, "a step without faults succeeds");
            let after = count(fixture);
            calls[step as usize] = (after.0 - before.0, after.1 - before.1);
            inventory(fixture, &scenario.resource)
        };
        let began = fixture.account().clock.now();
        let created = step(&fixture, Step::Create);
        let create_duration = fixture.account().clock.now() - began;
        let updated = step(&fixture, Step::Update);
        let back = Fixture::new();
        step(&back, Step::Create);
        step(&back, Step::FailedUpdate);
        assert_eq!(inventory(&back, &scenario.resource), created, "a rollback restores the created state");
        step(&fixture, Step::Delete);
        assert!(fixture.inventory().is_empty(), "a delete leaves no resource");
        Baseline { created, updated, calls, create_duration }
    }

    /// The expected inventory after a step.
    pub fn after(&self, step: Step) -> &[String] {
        match step {
            Step::Create | Step::FailedUpdate => &self.created,
            Step::Update => &self.updated,
            Step::Delete => &[],
        }
    }
}

/// The inventory, with a placeholder for one owner.
pub fn inventory(fixture: &Fixture, resource: &Resource) -> Vec<String> {
    let owner = Owner::of(&resource.stack, &resource.logical_id);
    fixture.inventory().iter().map(|line| line.replace(owner.as_str(), OWNER_PLACEHOLDER)).collect()
}

/// A fixture in which a step can begin.
pub fn prepare(scenario: &Scenario, step: Step) -> Fixture {
    let fixture = Fixture::new();
    if step != Step::Create {
        let response = run_step(&fixture, scenario, Step::Create, None);
        assert_eq!(response, Response::Success, "a step without faults succeeds");
    }
    fixture
}

/// Runs a step with all requests that `CloudFormation` sends for it, and returns the last response. `service_timeout`
/// is a `ServiceTimeout` in seconds.
pub fn run_step(fixture: &Fixture, scenario: &Scenario, step: Step, service_timeout: Option<u64>) -> Response {
    let resource = &scenario.resource;
    fixture.run(async {
        match step {
            Step::Create => send(fixture, resource, "Create", &scenario.created, service_timeout).await,
            Step::Update => send(fixture, resource, "Update", &scenario.updated, service_timeout).await,
            Step::FailedUpdate => {
                reject_third_call(fixture);
                send(fixture, resource, "Update", &scenario.updated, service_timeout).await;
                send(fixture, resource, "Update", &scenario.created, service_timeout).await
            }
            Step::Delete => send(fixture, resource, "Delete", &scenario.created, service_timeout).await,
        }
    })
}

/// Rejects the third call from now on, unless it has another fault.
fn reject_third_call(fixture: &Fixture) {
    let third = fixture.account().calls.borrow().len() + 2;
    fixture.account().faults.borrow_mut().entry(third).or_insert(Fault::Denied);
}

async fn send(
    fixture: &Fixture,
    resource: &Resource,
    kind: &str,
    properties: &Value,
    service_timeout: Option<u64>,
) -> Response {
    let mut event = fixture.request(resource, kind, properties);
    if let Some(seconds) = service_timeout {
        event["ServiceTimeout"] = json!(seconds.to_string());
    }
    fixture.deliver(&event).await;
    let response = fixture.wait_for_response(&event).await;
    // The message is removed from the request queue after the response.
    fixture.wait_until_idle().await;
    response
}

/// Deletes the environment, as repeated deletes of a stack do, and counts the remaining resources.
pub fn tear_down(fixture: &Fixture, scenario: &Scenario) -> (usize, usize) {
    let mut no_response = 0;
    for _ in 0..4 {
        match run_step(fixture, scenario, Step::Delete, None) {
            Response::Success => break,
            Response::Failed(_) => {}
            Response::Nothing => no_response += 1,
        }
    }
    (fixture.inventory().len(), no_response)
}

/// Returns the verdict on a run that should have ended in `expected`, and deletes the environment.
pub fn judge(fixture: &Fixture, scenario: &Scenario, response: &Response, expected: &[String]) -> Verdict {
    let found = inventory(fixture, &scenario.resource);
    let duplicated = fixture.duplicates();
    let mut reason = String::new();
    if *response != Response::Success {
        reason = format!("the response is {response:?}");
    } else if found != expected {
        reason = difference(&found, expected);
    }
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        fixture.trace();
    }
    let (leaked, no_response) = tear_down(fixture, scenario);
    let no_response = no_response + usize::from(*response == Response::Nothing);
    if leaked > 0 {
        reason = format!("{reason}; left: {}", fixture.inventory().join(" | "));
    }
    Verdict { converged: reason.is_empty() && leaked == 0, leaked, duplicated, no_response, reason }.with(fixture)
}

pub fn difference(found: &[String], expected: &[String]) -> String {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join(" | ")
    };
    format!("surplus: {}; missing: {}", only(found, expected), only(expected, found))
}
