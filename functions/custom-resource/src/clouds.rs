//! Where the work is done: AWS, or the in-memory cloud of the tests.

use aws_cloud::{AwsCloud, Clients};
use environment::{Cloud, Facts, Setback, Spec};
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

    /// Whether a stack is on its way back to what it was.
    async fn is_rolling_back(&self, stack_id: &str) -> Result<bool, Setback>;
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

    async fn is_rolling_back(&self, stack_id: &str) -> Result<bool, Setback> {
        aws_cloud::is_rolling_back(&self.0, stack_id).await
    }
}
