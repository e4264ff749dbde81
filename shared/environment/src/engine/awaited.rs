//! Waits that only the awaited resources can end: while they are as before, a run observes nothing else.
//!
//! A complete observation takes more than forty reads, and EC2 and IAM limit the reads of an account, not of an
//! environment. A NAT gateway starts for two minutes, and a group drains for as long as its hooks hold instances.

use std::time::Duration;

use crate::engine::cloud::{Cloud, ObservedResource, Ownership, Scope, State, Timestamp};
use crate::engine::condition::{Awaited, Condition, OBSTACLE_LIMIT};
use crate::engine::ownership::Proofs;
use crate::engine::plan::missing_instances;
use crate::model::kind::Proof;

/// The longest time between two complete observations of a waiting request: drift of another resource may be what keeps
/// the wait from its end, and is found and corrected then.
pub const COMPLETE_OBSERVATION_INTERVAL: Duration = OBSTACLE_LIMIT;

/// The waits of a request, and when it last observed the whole environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The open conditions, one for each resource.
    pub waiting_for: Vec<Condition>,
    /// The beginning of the last complete observation.
    pub observed_at: Timestamp,
    /// Whether only the rollout is open: everything else is as desired.
    pub of_rollout: bool,
}

impl Waiting {
    /// The awaited resources, if nothing but their states can end the waits.
    #[must_use]
    pub fn awaited(&self) -> Option<Vec<Awaited>> {
        let awaited: Option<Vec<Awaited>> = self.waiting_for.iter().map(|it| it.awaited.clone()).collect();
        awaited.filter(|awaited| !awaited.is_empty())
    }
}

/// Observes the awaited resources alone. Returns their conditions if each of them is still open; `None` if one of them
/// is met, if the observation did not succeed, or if the complete observation at `observed_at` is too old or ahead of the
/// clock: then the whole environment has to be observed.
pub async fn still_open<C: Cloud>(
    cloud: &C,
    scope: &Scope,
    awaited: &[Awaited],
    observed_at: Timestamp,
) -> Option<Vec<Condition>> {
    let observed = observe_awaited(cloud, scope, awaited, observed_at).await?;
    open_conditions(awaited, &observed, &scope.proofs)
}

/// The resources of the awaited kinds; `None` if the whole environment has to be observed.
pub(crate) async fn observe_awaited<C: Cloud>(
    cloud: &C,
    scope: &Scope,
    awaited: &[Awaited],
    observed_at: Timestamp,
) -> Option<Vec<ObservedResource>> {
    let now = cloud.now();
    let is_recent = observed_at <= now && now - observed_at < COMPLETE_OBSERVATION_INTERVAL;
    if awaited.is_empty() || !is_recent {
        return None;
    }
    let kinds = awaited.iter().map(|it| it.key.kind).collect();
    cloud.observe_kinds(scope, &kinds).await.ok()
}

/// The open conditions of the awaited resources; `None` if one of them is met.
pub(crate) fn open_conditions(
    awaited: &[Awaited],
    observed: &[ObservedResource],
    proofs: &Proofs,
) -> Option<Vec<Condition>> {
    awaited.iter().map(|it| open_condition(it, observed, proofs)).collect()
}

/// The open condition of a resource; `None` if the condition is met, or if the resource is not found by its proof.
fn open_condition(awaited: &Awaited, observed: &[ObservedResource], proofs: &Proofs) -> Option<Condition> {
    let by_id = awaited.key.kind.facts().proof == Proof::Id;
    // Without an id it is a resource that this run has just created.
    let is_proven =
        |it: &&ObservedResource| !by_id || it.id.as_ref().is_none_or(|id| proofs.ids.get(id) == Some(&awaited.key));
    let mut found = observed.iter().filter(|it| it.key() == awaited.key && it.ownership == Ownership::Owned);
    let found = found.find(is_proven)?;
    let condition = match &found.state {
        State::Settling(condition) | State::Deleting(condition) => condition.clone(),
        State::Ready => missing_instances(&found.resource, awaited.in_service)?,
        State::Failed(_) => return None,
    };
    Some(condition.of(awaited.clone()))
}
