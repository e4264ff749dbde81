//! The harness of the tests: an emulated account, an environment in it, and runs with their calls.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use aws_cloud::{AwsCloud, Clients, facts};
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use environment::{
    Call, CallError, CheckedFacts, Cloud, Defaults, Deployment, DesiredState, FactsQuery, Kind, Names,
    ObservedResource, Proofs, Run, RunOutcome, Scope, Spec, Timestamp, desired, reconcile,
};
use local_cloud::REGION;
use local_cloud::emulators::ACCOUNT;
use local_cloud::exchange::ADAPTER_TESTS;
use serde_json::Value;

use crate::cloud::LocalCloud;

pub const OWNER: &str = "owner-of-the-tests";
const PROJECT: &str = "local-test";

/// An emulated account, with the clients under test and plain clients for foreign changes.
pub struct Harness {
    pub local: LocalCloud,
    pub clients: Clients,
    /// The configuration of the clients under test.
    pub config: SdkConfig,
    pub ec2: aws_sdk_ec2::Client,
    pub iam: aws_sdk_iam::Client,
    pub s3: aws_sdk_s3::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub autoscaling: aws_sdk_autoscaling::Client,
    deployment: Deployment,
    names: Names,
    /// The proofs of ownership, as the owner's record would hold them.
    pub proofs: RefCell<Proofs>,
}

impl Harness {
    pub async fn start() -> Harness {
        Harness::start_in(deployment(), "dev").await
    }

    /// The environment with this suffix, in the region of its deployment.
    pub async fn start_in(deployment: Deployment, suffix: &str) -> Harness {
        let local = LocalCloud::start().await;
        let credentials = Credentials::new("tests", "nothing", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(deployment.region.clone()))
            .endpoint_url(&local.url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        // The local cloud records the whole calls of the clients under test.
        let of_adapters = config.to_builder().app_name(AppName::new(ADAPTER_TESTS).expect("a valid name")).build();
        let names = deployment.names(suffix);
        let harness = Harness {
            local,
            clients: Clients::new(&of_adapters),
            config: of_adapters,
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            autoscaling: aws_sdk_autoscaling::Client::new(&config),
            deployment,
            names,
            proofs: RefCell::default(),
        };
        harness.warm_up().await;
        harness
    }

    /// Observes until the observation succeeds: the first call to each service loads it, which can exceed the time
    /// limit of a call.
    async fn warm_up(&self) {
        let mut last_error = String::new();
        for _ in 0..10 {
            match self.cloud().observe(&self.scope()).await {
                Ok(_) => return,
                Err(call_error) => last_error = call_error.to_string(),
            }
        }
        panic!("the local cloud does not respond: {last_error}");
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The scope of a run, with the proofs that earlier runs recorded.
    pub fn scope(&self) -> Scope {
        let proofs = self.proofs.borrow().clone();
        Scope { owner: OWNER.into(), names: self.names.clone(), proofs, network_is_managed: true }
    }

    pub fn cloud(&self) -> AwsCloud {
        AwsCloud::new(&self.clients, OWNER.into(), "the tests' request".into())
    }

    /// The desired state of properties in this account, without a function for hooks.
    pub async fn desired(&self, properties: Value) -> DesiredState {
        self.desired_with_hooks(&properties, false).await
    }

    /// The desired state in a deployment with or without a function for hooks.
    pub async fn desired_with_hooks(&self, properties: &Value, hooks_are_handled: bool) -> DesiredState {
        let spec = spec_in(&self.deployment, properties);
        let query = FactsQuery { hooks_are_handled, ..query(&spec) };
        let facts = facts(&self.clients, &query).await.expect("facts");
        let resources = desired(&spec, self.names(), OWNER, &facts);
        DesiredState { resources, ..DesiredState::default() }
    }

    /// Executes one run. Returns its outcome and its calls.
    pub async fn run(&self, desired: &DesiredState) -> (RunOutcome<Infallible>, Vec<String>) {
        let cloud = RecordingCloud { cloud: self.cloud(), calls: RefCell::default() };
        let until = cloud.now() + Duration::from_mins(2);
        let scope = self.scope();
        let run = Run::standalone(&scope, desired, until);
        let outcome = reconcile(&cloud, run, async |_, proofs: &Proofs| {
            self.record(proofs);
            Ok::<_, Infallible>(())
        })
        .await;
        if let RunOutcome::Settled { proofs, .. } = &outcome {
            self.proofs.borrow_mut().clone_from(proofs);
        }
        (outcome, cloud.calls.into_inner())
    }

    /// Records proofs of ownership.
    pub fn record(&self, proofs: &Proofs) {
        self.proofs.borrow_mut().clone_from(proofs);
    }

    /// Executes a run that has to settle. Returns the observed resources and the calls.
    pub async fn settle(&self, desired: &DesiredState) -> (Vec<ObservedResource>, Vec<String>) {
        match self.run(desired).await {
            (RunOutcome::Settled { observed, .. }, calls) => (observed, calls),
            (outcome, calls) => panic!("{outcome:?} after {calls:#?}"),
        }
    }

    pub async fn observe(&self) -> Vec<ObservedResource> {
        self.cloud().observe(&self.scope()).await.expect("an observation")
    }

    /// The id of the resource with this name.
    pub async fn id(&self, key: environment::Key) -> String {
        let observed = self.observe().await;
        let found = observed.into_iter().find(|it| it.key() == key);
        found.and_then(|it| it.id).unwrap_or_else(|| panic!("no {key}"))
    }
}

pub fn deployment() -> Deployment {
    Deployment { project: PROJECT.into(), region: REGION.into(), account: ACCOUNT.into() }
}

pub fn spec(properties: &Value) -> Spec {
    spec_in(&deployment(), properties)
}

pub fn spec_in(deployment: &Deployment, properties: &Value) -> Spec {
    let defaults = Defaults::from_vars(|_| None);
    let properties = properties.as_object().expect("an object");
    Spec::read(properties, &defaults, deployment).expect("valid properties")
}

/// The query for the facts that the desired resources need, without a function for hooks.
pub fn query(spec: &Spec) -> FactsQuery<'_> {
    let checked = CheckedFacts::default();
    FactsQuery { spec, region: REGION, hooks_are_handled: false, owner: OWNER, image: None, vpc: None, checked }
}

/// A cloud that records its calls.
struct RecordingCloud {
    cloud: AwsCloud,
    calls: RefCell<Vec<String>>,
}

impl Cloud for RecordingCloud {
    fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    async fn pause(&self, span: Duration) {
        self.cloud.pause(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError> {
        self.cloud.observe(scope).await
    }

    async fn observe_kinds(&self, scope: &Scope, kinds: &BTreeSet<Kind>) -> Result<Vec<ObservedResource>, CallError> {
        self.cloud.observe_kinds(scope, kinds).await
    }

    async fn call(&self, call: &Call) -> Result<Option<String>, CallError> {
        self.calls.borrow_mut().push(call.to_string());
        self.cloud.call(call).await
    }
}
