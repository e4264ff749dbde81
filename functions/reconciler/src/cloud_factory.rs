//! Where the work is done: AWS, or the in-memory cloud of the tests.

pub use aws_cloud::Stack;
use aws_cloud::{AwsCloud, Clients};
use environment::{CallError, Cloud, Facts, ObservedAlarm, ObservedGroup, RemediationAction, Spec, Timestamp};
use requests::LedgerQueue;
use serde_json::Value;
use std::fmt;

/// Gives each run its cloud.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait CloudFactory {
    /// What one run works on: it remembers what that run made.
    type Cloud<'a>: Cloud
    where
        Self: 'a;

    /// A cloud for one run of one request; an earlier run of it, if there was one, last made something at `made_at`.
    fn for_run(&self, owner: &str, request: &str, made_at: Option<Timestamp>) -> Self::Cloud<'_>;

    /// What the account and the region say about a spec.
    async fn facts(&self, spec: &Spec, region: &str, hooks_are_handled: bool) -> Result<Facts, CallError>;

    /// How a stack stands.
    async fn stack(&self, stack_id: &str) -> Result<Stack, CallError>;

    /// An alarm as it is; nothing, if there is none of this name.
    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError>;

    /// A group as it stands; nothing, if there is none of this name.
    async fn observe_group(&self, name: &str) -> Result<Option<ObservedGroup>, CallError>;

    /// The same group, with what EC2's status checks say of its instances.
    async fn checked(&self, group: ObservedGroup) -> Result<ObservedGroup, CallError>;

    /// Makes the change that a remedy is; `message` is for whoever is told.
    async fn make(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError>;

    /// Tells the ledger something, as an event.
    async fn publish(&self, event: &Value) -> Result<(), String>;

    /// The time there.
    fn now(&self) -> Timestamp;
}

/// The account that the function runs in.
pub struct Aws {
    clients: Clients,
    ledger: LedgerQueue,
}

impl Aws {
    /// Clients are built here, once.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, ledger: LedgerQueue) -> Self {
        Aws { clients: Clients::new(config), ledger }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl CloudFactory for Aws {
    type Cloud<'a> = AwsCloud;

    fn for_run(&self, owner: &str, request: &str, made_at: Option<Timestamp>) -> AwsCloud {
        let cloud = AwsCloud::new(&self.clients, owner.to_owned(), request.to_owned());
        match made_at {
            Some(at) => cloud.after(self.now() - at),
            None => cloud,
        }
    }

    async fn facts(&self, spec: &Spec, region: &str, hooks_are_handled: bool) -> Result<Facts, CallError> {
        aws_cloud::facts(&self.clients, spec, region, hooks_are_handled).await
    }

    async fn stack(&self, stack_id: &str) -> Result<Stack, CallError> {
        aws_cloud::stack(&self.clients, stack_id).await
    }

    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        aws_cloud::remediation::observe_alarm(&self.clients, name).await
    }

    async fn observe_group(&self, name: &str) -> Result<Option<ObservedGroup>, CallError> {
        aws_cloud::remediation::observe_group(&self.clients, name).await
    }

    async fn checked(&self, group: ObservedGroup) -> Result<ObservedGroup, CallError> {
        aws_cloud::remediation::checked(&self.clients, group).await
    }

    async fn make(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError> {
        aws_cloud::remediation::make(&self.clients, group, action, message).await
    }

    async fn publish(&self, event: &Value) -> Result<(), String> {
        self.ledger.publish(event).await
    }

    fn now(&self) -> Timestamp {
        Timestamp(lambda_kit::now_ms())
    }
}
