//! The AWS side of the seam: this crate sends the calls that [`environment`] decides on, and observes the resources
//! that exist.
//!
//! One folder per service, one file per kind of resource: how the kind is read, and how each of its calls is sent.
//! `kinds` lists all of them. This crate decides nothing that a plan could have decided. On the way it looks up only facts that AWS alone knows (ids,
//! the numbers of versions and associations, the resource that another is already connected to). One file, `errors`,
//! classifies errors.

#![warn(missing_docs)]

mod account;
mod advice;
mod autoscaling;
mod clients;
mod cloudwatch;
mod document;
mod ec2;
#[cfg(test)]
mod error_table;
mod errors;
mod facts;
mod iam;
mod ids;
mod kinds;
mod logs;
mod marked;
mod pace;
pub mod remediation;
mod rollout;
mod s3;
mod stack;
mod token;

use std::collections::BTreeSet;
use std::time::Duration;

use environment::rollout::{ObservedRollout, RolloutCloud};
use environment::{CALL_TIMEOUT, Call, CallError, CallKind, Cloud, Kind, ObservedResource, Proof, Scope, Timestamp};
use tokio::time::timeout;
use tracing::Instrument as _;

pub use account::account;
pub use clients::Clients;
pub use cloudwatch::observed_alarm::observe_alarm;
pub use facts::facts;
pub use marked::{MarkSearch, MarkedResource};
pub use stack::{StackState, stack};

use errors::Problem;
use ids::Ids;

/// AWS, for one run on one environment. It remembers the ids of the resources that the run created, so each run needs a
/// new one.
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
    /// `owner` is the mark of the resource that owns the environment, and the only scope that the cloud observes.
    /// `token_seed` identifies the request: attempts at the same request have the same seed, so that AWS does not
    /// create again the resources that an earlier attempt created, and another request has another seed.
    #[must_use]
    pub fn new(clients: &Clients, owner: String, token_seed: String) -> Self {
        AwsCloud { clients: clients.clone(), owner, token_seed, ids: Ids::default() }
    }

    /// The same cloud, after an earlier run that created a resource `ago`: IAM may not know the tags of that resource
    /// yet.
    #[must_use]
    pub fn after(self, ago: Duration) -> Self {
        self.ids.record_earlier_create(ago);
        self
    }
}

impl AwsCloud {
    /// The result of an observation of this run's owner, within [`CALL_TIMEOUT`].
    async fn observed<T>(
        &self,
        scope: &Scope,
        observation: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, CallError> {
        let subject = scope.names.environment_id();
        if scope.owner != self.owner {
            let message = format!("{subject}: observed for the owner {}, by a run for {}", scope.owner, self.owner);
            return Err(CallError::Rejected { message });
        }
        let span = tracing::debug_span!("observe", environment = subject);
        let observed = timeout(CALL_TIMEOUT, observation.instrument(span)).await;
        observed
            .unwrap_or_else(|_| Err(Problem::timed_out("the observation")))
            .map_err(|problem| problem.call_error(&subject))
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
        self.observed(scope, kinds::observe(self, scope)).await
    }

    async fn observe_kinds(&self, scope: &Scope, kinds: &BTreeSet<Kind>) -> Result<Vec<ObservedResource>, CallError> {
        self.observed(scope, kinds::observe_kinds(self, scope, kinds)).await
    }

    /// Some calls take two requests to AWS: a look-up first, or a read of the resources that block the call.
    /// [`CALL_TIMEOUT`] limits all of them together.
    async fn call(&self, call: &Call) -> Result<Option<String>, CallError> {
        let span = tracing::debug_span!("call", key = %call.key);
        let done = timeout(CALL_TIMEOUT, Box::pin(kinds::call(self, call)).instrument(span)).await;
        let done = done.unwrap_or_else(|_| Err(Problem::timed_out(call.operation())));
        // Envkeeper's role may change the resources that carry its mark, and IAM may not see the mark yet. Auto Scaling may
        // not see a new template, subnet or group yet.
        let retryable = |problem: Problem| {
            let problem = if self.ids.tags_may_lag() { problem.with_retryable_denial() } else { problem };
            if self.ids.creates_may_lag() { problem.with_retryable_absence() } else { problem }
        };
        let refresh = done.map_err(|problem| retryable(problem).call_error(&call.key))?;
        let is_create = matches!(call.kind, CallKind::Create(_)) && call.key.kind.facts().proof == Proof::Id;
        Ok(if is_create { self.ids.id(&call.key) } else { refresh })
    }
}

impl RolloutCloud for AwsCloud {
    async fn observe_rollout(&self, scope: &Scope, alarms: &[String]) -> Result<Option<ObservedRollout>, CallError> {
        self.observed(scope, Box::pin(rollout::observe(self, scope, alarms))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use environment::{Names, Proofs};

    #[tokio::test]
    async fn a_run_for_one_owner_does_not_observe_another_owner() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1"));
        let aws = AwsCloud::new(&Clients::new(&config.build()), "owner".into(), "request".into());
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let scope = Scope { owner: "another".into(), names, proofs: Proofs::default(), network_is_managed: true };
        let rejected = aws.observe(&scope).await.unwrap_err();
        let message = "p-eu-west-1-dev: observed for the owner another, by a run for owner";
        assert_eq!(rejected, CallError::Rejected { message: message.into() });
    }
}
