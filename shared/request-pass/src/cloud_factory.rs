//! The account that the passes work on: AWS, or the in-memory cloud of the tests.

pub use aws_cloud::StackState;
use aws_cloud::{AwsCloud, Clients};
use environment::preflight::{Account, Need};
use environment::rollout::RolloutCloud;
use environment::{CallError, Facts, FactsQuery, ObservedAlarm, ObservedGroup, RemediationAction, Timestamp};
use requests::{EventPublisher, QueueError};
use serde_json::Value;
use std::fmt;

/// Builds a cloud for each run, reads the state that rules and plans depend on, and performs the actions of remediations.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so the futures need no bounds")]
pub trait CloudFactory {
    /// The cloud of one run, with the resources that this run created.
    type Cloud<'a>: RolloutCloud
    where
        Self: 'a;

    /// Builds the cloud for one run of one request. An earlier run of the same request, if there was one, last created
    /// a resource at `last_create_at`.
    fn for_run(&self, owner: &str, request: &str, last_create_at: Option<Timestamp>) -> Self::Cloud<'_>;

    /// The facts of the account and the region about a spec.
    async fn facts(&self, query: &FactsQuery<'_>) -> Result<Facts, CallError>;

    /// What the account with this id states about the limits that are needed. A value that cannot be read is unknown.
    async fn account(&self, id: &str, needs: &[Need]) -> Account;

    /// The status of a stack.
    async fn stack(&self, stack_id: &str) -> Result<StackState, CallError>;

    /// The observed state of an alarm; `None` if no alarm has this name.
    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError>;

    /// The observed state of a group; `None` if no group has this name.
    async fn observe_group(&self, name: &str) -> Result<Option<ObservedGroup>, CallError>;

    /// The same group, with the results of EC2's status checks of the instances.
    async fn with_status_checks(&self, group: ObservedGroup) -> Result<ObservedGroup, CallError>;

    /// Performs a remediation action; `message` is the text of a notification.
    async fn perform(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError>;

    /// Publishes an event to the ledger.
    async fn publish(&self, event: &Value) -> Result<(), QueueError>;

    /// The current time of this account's clock.
    fn now(&self) -> Timestamp;
}

/// The account that the function runs in.
pub struct Aws {
    clients: Clients,
    publisher: EventPublisher,
}

impl Aws {
    /// Builds the clients, once per function instance.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, publisher: EventPublisher) -> Self {
        Aws { clients: Clients::new(config), publisher }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl CloudFactory for Aws {
    type Cloud<'a> = AwsCloud;

    fn for_run(&self, owner: &str, request: &str, last_create_at: Option<Timestamp>) -> AwsCloud {
        let cloud = AwsCloud::new(&self.clients, owner.to_owned(), request.to_owned());
        match last_create_at {
            Some(at) => cloud.after(self.now() - at),
            None => cloud,
        }
    }

    async fn facts(&self, query: &FactsQuery<'_>) -> Result<Facts, CallError> {
        aws_cloud::facts(&self.clients, query).await
    }

    async fn account(&self, id: &str, needs: &[Need]) -> Account {
        aws_cloud::account(&self.clients, id, needs).await
    }

    async fn stack(&self, stack_id: &str) -> Result<StackState, CallError> {
        aws_cloud::stack(&self.clients, stack_id).await
    }

    async fn observe_alarm(&self, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        aws_cloud::remediation::observe_alarm(&self.clients, name).await
    }

    async fn observe_group(&self, name: &str) -> Result<Option<ObservedGroup>, CallError> {
        aws_cloud::remediation::observe_group(&self.clients, name).await
    }

    async fn with_status_checks(&self, group: ObservedGroup) -> Result<ObservedGroup, CallError> {
        aws_cloud::remediation::with_status_checks(&self.clients, group).await
    }

    async fn perform(&self, group: &str, action: &RemediationAction, message: &str) -> Result<(), CallError> {
        aws_cloud::remediation::execute(&self.clients, group, action, message).await
    }

    async fn publish(&self, event: &Value) -> Result<(), QueueError> {
        self.publisher.publish(event).await
    }

    fn now(&self) -> Timestamp {
        Timestamp(lambda_kit::now_ms())
    }
}
