//! Where the work is done: AWS, or the in-memory cloud of the tests.

pub use aws_cloud::Stack;
use aws_cloud::{AwsCloud, Clients};
use environment::{AlarmNow, Cloud, Facts, GroupNow, Moment, Remedy, Setback, Spec};
use requests::LedgerQueue;
use serde_json::Value;
use std::fmt;

/// Gives each run its cloud.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Clouds {
    /// What one run works on: it remembers what that run made.
    type Cloud<'a>: Cloud
    where
        Self: 'a;

    /// A cloud for one run of one request; an earlier run of it, if there was one, last made something at `made_at`.
    fn for_run(&self, owner: &str, request: &str, made_at: Option<Moment>) -> Self::Cloud<'_>;

    /// What the account and the region say about a spec.
    async fn facts(&self, spec: &Spec, region: &str, hooks_are_answered: bool) -> Result<Facts, Setback>;

    /// How a stack stands.
    async fn stack(&self, stack_id: &str) -> Result<Stack, Setback>;

    /// An alarm as it is; nothing, if there is none of this name.
    async fn alarm_now(&self, name: &str) -> Result<Option<AlarmNow>, Setback>;

    /// A group as it stands; nothing, if there is none of this name.
    async fn group_now(&self, name: &str) -> Result<Option<GroupNow>, Setback>;

    /// The same group, with what EC2's status checks say of its instances.
    async fn checked(&self, group: GroupNow) -> Result<GroupNow, Setback>;

    /// Makes the change that a remedy is; `message` is for whoever is told.
    async fn make(&self, group: &str, remedy: &Remedy, message: &str) -> Result<(), Setback>;

    /// Tells the ledger something, as an event.
    async fn tell(&self, event: &Value) -> Result<(), String>;

    /// The time there.
    fn now(&self) -> Moment;
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

impl Clouds for Aws {
    type Cloud<'a> = AwsCloud;

    fn for_run(&self, owner: &str, request: &str, made_at: Option<Moment>) -> AwsCloud {
        let cloud = AwsCloud::new(&self.clients, owner.to_owned(), request.to_owned());
        match made_at {
            Some(at) => cloud.after(self.now() - at),
            None => cloud,
        }
    }

    async fn facts(&self, spec: &Spec, region: &str, hooks_are_answered: bool) -> Result<Facts, Setback> {
        aws_cloud::facts(&self.clients, spec, region, hooks_are_answered).await
    }

    async fn stack(&self, stack_id: &str) -> Result<Stack, Setback> {
        aws_cloud::stack(&self.clients, stack_id).await
    }

    async fn alarm_now(&self, name: &str) -> Result<Option<AlarmNow>, Setback> {
        aws_cloud::remedy::alarm_now(&self.clients, name).await
    }

    async fn group_now(&self, name: &str) -> Result<Option<GroupNow>, Setback> {
        aws_cloud::remedy::group_now(&self.clients, name).await
    }

    async fn checked(&self, group: GroupNow) -> Result<GroupNow, Setback> {
        aws_cloud::remedy::checked(&self.clients, group).await
    }

    async fn make(&self, group: &str, remedy: &Remedy, message: &str) -> Result<(), Setback> {
        aws_cloud::remedy::make(&self.clients, group, remedy, message).await
    }

    async fn tell(&self, event: &Value) -> Result<(), String> {
        self.ledger.tell(event).await
    }

    fn now(&self) -> Moment {
        Moment(lambda_kit::now_ms())
    }
}
