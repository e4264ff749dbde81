//! Where the work is done: AWS, or the in-memory cloud of the tests.

pub use aws_cloud::Stack;
use aws_cloud::{AwsCloud, Clients};
use environment::{Cloud, Facts, Moment, Setback, Spec};
use std::fmt;

/// Gives each run its cloud.
#[expect(async_fn_in_trait, reason = "a function runs on one thread, so no bound on the futures is wanted")]
pub trait Clouds {
    type Cloud<'a>: Cloud
    where
        Self: 'a;

    /// A cloud for one run of one request.
    fn for_run(&self, owner: &str, request: &str) -> Self::Cloud<'_>;

    /// What the account and the region say about a spec.
    async fn facts(&self, spec: &Spec, region: &str, hooks_are_answered: bool) -> Result<Facts, Setback>;

    /// How a stack stands.
    async fn stack(&self, stack_id: &str) -> Result<Stack, Setback>;

    /// The time there.
    fn now(&self) -> Moment;
}

/// The account that the function runs in.
pub struct Aws(Clients);

impl Aws {
    /// Clients are built here, once.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Aws(Clients::new(config))
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl Clouds for Aws {
    type Cloud<'a> = AwsCloud;

    fn for_run(&self, owner: &str, request: &str) -> AwsCloud {
        AwsCloud::new(&self.0, owner.to_owned(), request.to_owned())
    }

    async fn facts(&self, spec: &Spec, region: &str, hooks_are_answered: bool) -> Result<Facts, Setback> {
        aws_cloud::facts(&self.0, spec, region, hooks_are_answered).await
    }

    async fn stack(&self, stack_id: &str) -> Result<Stack, Setback> {
        aws_cloud::stack(&self.0, stack_id).await
    }

    fn now(&self) -> Moment {
        Moment(lambda_kit::now_ms())
    }
}
