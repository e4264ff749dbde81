//! The AWS side of the seam: what [`environment`] decides is done here, and what is there is seen from here.
//!
//! One folder per service, one file per kind of resource: how it is read, and how each of its calls is made. Nothing is
//! decided here that a plan could have decided; what is looked up on the way is what only AWS knows (ids, the numbers
//! of versions and associations, what something is already connected to). Errors are classified in one file, `errors`.

#![warn(missing_docs)]

mod autoscaling;
mod clients;
mod cloudwatch;
mod document;
mod ec2;
mod errors;
mod facts;
mod iam;
mod ids;
mod logs;
mod marked;
mod observe;
mod pace;
pub mod remediation;
mod s3;
mod stack;
mod token;

use std::time::Duration;

use environment::{CALL_TIME, Call, CallError, Cloud, Kind, ObservedResource, Scope, Timestamp};
use tokio::time::timeout;
use tracing::Instrument as _;

pub use clients::Clients;
pub use cloudwatch::observed_alarm::observe_alarm;
pub use facts::facts;
pub use marked::{MarkSearch, Marked};
pub use stack::{Stack, stack};

use errors::Problem;
use ids::Ids;

/// AWS, for one run on one environment: it remembers the ids of what the run made, so a run needs a new one.
#[derive(Debug)]
pub struct AwsCloud {
    clients: Clients,
    owner: String,
    token_seed: String,
    ids: Ids,
}

impl AwsCloud {
    /// The cloud of one run.
    ///
    /// `owner` is the mark of the resource that owns the environment, and the only one in whose scope it looks.
    /// `token_seed` stands for the request: attempts at the same request have the same, so that what an earlier attempt
    /// created is not created again, and another request has another.
    #[must_use]
    pub fn new(clients: &Clients, owner: String, token_seed: String) -> Self {
        AwsCloud { clients: clients.clone(), owner, token_seed, ids: Ids::default() }
    }

    /// The same, after an earlier run that made something this long ago: IAM may not know its tags yet.
    #[must_use]
    pub fn after(self, ago: Duration) -> Self {
        self.ids.made_before(ago);
        self
    }

    async fn dispatch(&self, call: &Call) -> Result<(), Problem> {
        match call.key.kind {
            Kind::Vpc => ec2::vpc::call(self, call).await,
            Kind::InternetGateway => ec2::internet_gateway::call(self, call).await,
            Kind::Subnet => ec2::subnet::call(self, call).await,
            Kind::Address => ec2::address::call(self, call).await,
            Kind::NatGateway => ec2::nat_gateway::call(self, call).await,
            Kind::RouteTable => ec2::route_table::call(self, call).await,
            Kind::SecurityGroup => ec2::security_group::call(self, call).await,
            Kind::VpcEndpoint => ec2::vpc_endpoint::call(self, call).await,
            Kind::Bucket => s3::bucket::call(self, call).await,
            Kind::Role => iam::role::call(self, call).await,
            Kind::InstanceProfile => iam::instance_profile::call(self, call).await,
            Kind::LogGroup => logs::log_group::call(self, call).await,
            Kind::LaunchTemplate => ec2::launch_template::call(self, call).await,
            Kind::AutoScalingGroup => autoscaling::group::call(self, call).await,
            Kind::ScalingPolicy => autoscaling::scaling_policy::call(self, call).await,
            Kind::Alarm => cloudwatch::alarm::call(self, call).await,
            Kind::Dashboard => cloudwatch::dashboard::call(self, call).await,
            Kind::SavedQuery => logs::saved_query::call(self, call).await,
        }
    }
}

impl Cloud for AwsCloud {
    fn now(&self) -> Timestamp {
        Timestamp::default() + Duration::from_millis(lambda_kit::now_ms())
    }

    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError> {
        let subject = scope.names.environment_id();
        if scope.owner != self.owner {
            let what = format!("{subject}: looked for as {}, by a run for {}", scope.owner, self.owner);
            return Err(CallError::Rejected { message: what });
        }
        let span = tracing::debug_span!("observe", environment = subject);
        let looked = timeout(CALL_TIME, observe::observe(self, scope).instrument(span)).await;
        looked.unwrap_or_else(|_| Err(Problem::out_of_time("the look"))).map_err(|problem| problem.call_error(&subject))
    }

    /// Some calls take two of AWS's: a look-up first, or a look at what refused. [`CALL_TIME`] is for all of them.
    async fn call(&self, call: &Call) -> Result<(), CallError> {
        let span = tracing::debug_span!("call", key = %call.key);
        let done = timeout(CALL_TIME, Box::pin(self.dispatch(call)).instrument(span)).await;
        let done = done.unwrap_or_else(|_| Err(Problem::out_of_time(call.operation())));
        // Our role may change what has our mark, and IAM may not see the mark yet.
        let passes = |problem: Problem| if self.ids.tags_may_lag() { problem.in_passing() } else { problem };
        done.map_err(|problem| passes(problem).call_error(&call.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use environment::Names;

    #[tokio::test]
    async fn a_run_for_one_owner_does_not_look_for_another() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1"));
        let aws = AwsCloud::new(&Clients::new(&config.build()), "owner".into(), "request".into());
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let rejected = aws.observe(&Scope { owner: "another".into(), names }).await.unwrap_err();
        let what = "p-eu-west-1-dev: looked for as another, by a run for owner";
        assert_eq!(rejected, CallError::Rejected { message: what.into() });
    }
}
