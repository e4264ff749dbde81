//! An environment for tests, and functions that run requests for it in the in-memory cloud.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test panics on unexpected data, and takes JSON by value"
)]

use std::convert::Infallible;
use std::time::Duration;

use environment::{
    Checkpoint, Cloud, Defaults, Deployment, DesiredState, Facts, Fields, Names, Plan, Proofs, Resource, Run,
    RunOutcome, Scope, Spec, Timestamp, Violation, desired, indeterminate_until, plan, reconcile,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::{Value, json};

pub const OWNER: &str = "0123456789abcdef0123";

pub fn read(properties: Value) -> Result<Spec, Vec<Violation>> {
    let defaults = Defaults::from_vars(|_| None);
    let properties = properties.as_object().cloned().unwrap_or_default();
    Spec::read(&properties, &defaults, &deployment())
}

pub fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

pub fn spec(properties: Value) -> Spec {
    let mut all = json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty" });
    if let (Some(all), Some(more)) = (all.as_object_mut(), properties.as_object()) {
        all.extend(more.clone());
    }
    read(all).expect("the properties are valid")
}

pub fn names() -> Names {
    deployment().names("dev")
}

/// The scope with the proofs of ownership that the earlier runs recorded.
pub fn scope(account: &MemoryAccount) -> Scope {
    let proofs = account.proofs.borrow().clone();
    Scope { owner: OWNER.into(), names: names(), proofs, network_is_managed: true }
}

pub fn facts() -> Facts {
    Facts {
        zones: ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec(),
        partition: "aws".into(),
        image: Some("ami-0123456789abcdef0".into()),
        hooks_are_handled: true,
        ..Facts::default()
    }
}

pub fn resources(spec: &Spec) -> DesiredState {
    let resources = desired(spec, &names(), OWNER, &facts());
    DesiredState { resources, ..DesiredState::default() }
}

/// The delete that follows a create that never settled.
pub fn rollback() -> DesiredState {
    DesiredState { never_settled: true, ..DesiredState::default() }
}

pub fn standard() -> DesiredState {
    resources(&spec(json!({ "MinSize": "2", "MaxSize": "4" })))
}

/// Runs one request once, for at most ten minutes; `None` if the run was killed.
pub fn run(
    account: &MemoryAccount,
    request: &str,
    desired: &DesiredState,
    indeterminate_until: Option<Timestamp>,
) -> Option<RunOutcome<Infallible>> {
    let session = Session::new(account, request);
    let until = account.clock.now() + Duration::from_mins(10);
    let scope = scope(account);
    let run = Run { indeterminate_until, ..Run::standalone(&scope, desired, until) };
    let journal = async |_: Checkpoint<'_>, proofs: &Proofs| {
        account.proofs.borrow_mut().clone_from(proofs);
        Ok::<_, Infallible>(())
    };
    let outcome = account.clock.run(reconcile(&session, run, journal));
    if let Some(RunOutcome::Settled { proofs, .. }) = &outcome {
        account.proofs.borrow_mut().clone_from(proofs);
    }
    outcome
}

/// Runs a request repeatedly, like the retries of an asynchronous invocation, until a run ends without being killed.
pub fn run_until_done(account: &MemoryAccount, request: &str, desired: &DesiredState) -> RunOutcome<Infallible> {
    let mut indeterminate = None;
    for _ in 0..8 {
        if let Some(outcome) = run(account, request, desired, indeterminate) {
            return outcome;
        }
        indeterminate = Some(indeterminate_until(account.clock.now(), false));
        account.clock.advance(Duration::from_secs(5));
    }
    panic!("killed eight times");
}

pub fn observe(account: &MemoryAccount) -> Vec<environment::ObservedResource> {
    account.clock.advance(Duration::from_mins(1));
    account
        .clock
        .run(Session::new(account, "observe").observe(&scope(account)))
        .expect("not killed")
        .expect("an observation succeeds")
}

pub fn plan_now(account: &MemoryAccount, desired: &DesiredState) -> Plan {
    plan(desired, &observe(account))
}

/// An account in which the environment exists and is settled.
pub fn settled(desired: &DesiredState) -> MemoryAccount {
    let account = MemoryAccount::default();
    let outcome = run(&account, "create", desired, None);
    assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
    account
}

/// Asserts that the inventory equals the desired resources, without the fields that only a create call sets. The version that
/// the group launches is a rollout's work: it exists.
pub fn assert_converged(account: &MemoryAccount, desired: &DesiredState, context: &str) {
    let mut expected: Vec<Resource> = desired.resources.clone();
    expected.sort_by_key(Resource::key);
    let found = account.inventory();
    let keys = |all: &[Resource]| all.iter().map(|it| it.key().to_string()).collect::<Vec<_>>();
    assert_eq!(keys(&found), keys(&expected), "{context}");
    let compared = |it: &Resource| -> Vec<String> {
        let settings = it.settings().into_iter().filter(|it| !it.is_changed_by_rollout());
        settings.map(|it| it.to_string()).filter(|it| !it.starts_with("version")).collect()
    };
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(compared(found), compared(expected), "{context}: {}", found.key());
        if let (Fields::LaunchTemplate(found), Fields::LaunchTemplate(expected)) = (&found.fields, &expected.fields) {
            let digest = &expected.versions[0].digest;
            assert!(found.versions.iter().any(|it| it.digest == *digest), "{context}: no version {digest}");
        }
    }
}
