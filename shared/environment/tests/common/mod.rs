//! An environment to test with, and ways to run it in the in-memory cloud.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use environment::{
    Cloud, Defaults, Deployment, DesiredState, Facts, Names, Plan, Resource, Run, RunOutcome, Scope, Spec, Timestamp,
    Violation, desired, indeterminate_until, plan, reconcile,
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

pub fn scope() -> Scope {
    Scope { owner: OWNER.into(), names: names() }
}

pub fn facts() -> Facts {
    Facts {
        zones: ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec(),
        partition: "aws".into(),
        image: Some("ami-0123456789abcdef0".into()),
        hooks_are_handled: true,
    }
}

pub fn resources(spec: &Spec) -> DesiredState {
    let resources = desired(spec, &names(), OWNER, &facts());
    DesiredState { resources, ..DesiredState::default() }
}

/// The delete that follows a create which never settled.
pub fn rollback() -> DesiredState {
    DesiredState { never_settled: true, ..DesiredState::default() }
}

pub fn standard() -> DesiredState {
    resources(&spec(json!({ "MinSize": "2", "MaxSize": "4" })))
}

/// One run of one request, ten minutes long at the most; `None` if it was killed.
pub fn run(
    account: &MemoryAccount,
    request: &str,
    desired: &DesiredState,
    indeterminate_until: Option<Timestamp>,
) -> Option<RunOutcome> {
    let session = Session::new(account, request);
    let until = account.clock.now() + Duration::from_mins(10);
    let scope = scope();
    let run = Run { indeterminate_until, ..Run::alone(&scope, desired, until) };
    account.clock.run(reconcile(&session, run, async |_: environment::Risk| Ok(())))
}

/// Runs a request again and again, as an asynchronous invocation is retried, until it ends by itself.
pub fn run_to_the_end(account: &MemoryAccount, request: &str, desired: &DesiredState) -> RunOutcome {
    let mut doubt = None;
    for _ in 0..8 {
        if let Some(ending) = run(account, request, desired, doubt) {
            return ending;
        }
        doubt = Some(indeterminate_until(account.clock.now(), false));
        account.clock.advance(Duration::from_secs(5));
    }
    panic!("killed eight times");
}

pub fn look(account: &MemoryAccount) -> Vec<environment::ObservedResource> {
    account.clock.advance(Duration::from_mins(1));
    account.clock.run(Session::new(account, "look").observe(&scope())).expect("not killed").expect("a look works")
}

pub fn plan_now(account: &MemoryAccount, desired: &DesiredState) -> Plan {
    plan(desired, &look(account))
}

/// A world in which the environment exists.
pub fn settled(desired: &DesiredState) -> MemoryAccount {
    let account = MemoryAccount::default();
    let ending = run(&account, "create", desired, None);
    assert!(matches!(ending, Some(RunOutcome::Settled { .. })), "{ending:?}");
    account
}

/// What is there, without what only a creation says.
pub fn assert_is_as_desired(account: &MemoryAccount, desired: &DesiredState, context: &str) {
    let mut expected: Vec<Resource> = desired.resources.clone();
    expected.sort_by_key(Resource::key);
    let found = account.inventory();
    let keys = |all: &[Resource]| all.iter().map(|it| it.key().to_string()).collect::<Vec<_>>();
    assert_eq!(keys(&found), keys(&expected), "{context}");
    for (found, expected) in found.iter().zip(&expected) {
        let mut settings: Vec<String> = found.settings().iter().map(ToString::to_string).collect();
        settings.retain(|it| !it.starts_with("version"));
        let mut desired: Vec<String> = expected.settings().iter().map(ToString::to_string).collect();
        desired.retain(|it| !it.starts_with("version"));
        assert_eq!(settings, desired, "{context}: {}", found.key());
    }
}
