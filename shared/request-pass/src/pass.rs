//! The pass over one request: Create, Update and Delete of `CloudFormation`, Repair of an operator.
//!
//! A pass starts from the records and from an observation of the cloud. The result does not depend on where the
//! previous pass stopped. Each pass ends with a response, or requeues the request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use environment::{
    CALL_TIMEOUT, Cloud as _, Defaults, DesiredState, Key, Names, ObservedResource, Ownership, Scope, Spec, Timestamp,
    Violation, Waiting, desired, outputs, plan,
};
use requests::records::{Claim, DesiredRecord, LatestRequest, OwnerRecord, RecordedRequest};
use requests::{CfnResponse, Kind, Owner, Records, Request};

use crate::admitted_spec::{AdmittedSpec, admitted_spec};
use crate::cloud_factory::CloudFactory;
use crate::converge::{Convergence, PassLimits};
use crate::pass_error::{PassError, superseded};
use crate::preflight::Preflight;
use crate::recorded::{
    empties_buckets, proofs_to_record, recorded_image, recorded_proofs, recorded_rollout, recorded_spec, retired_tags,
    scope, to_record,
};
use crate::repair::repairable;
use crate::rollout::cancel_before_delete;
use crate::settings::Settings;

/// The part of an invocation that is reserved for the response: two attempts of the response sender and the pause
/// between them.
const RESPONSE_TIME: Duration = Duration::from_secs(12);

/// The time by which the work in an invocation that Lambda ends at `deadline` has to end.
#[must_use]
pub fn work_deadline(deadline: Timestamp) -> Timestamp {
    Timestamp::default() + (deadline - Timestamp::default()).saturating_sub(RESPONSE_TIME)
}

/// The outcome of one pass over a request.
#[derive(Debug)]
pub enum PassOutcome {
    /// The request is finished, with this response.
    Done(CfnResponse),
    /// The request continues in another pass.
    Requeue {
        /// What the request waits for.
        waiting: Waiting,
        /// The delay until the next pass.
        after: Duration,
    },
}

/// One request, with everything that a pass over it needs. The pass itself is [`RequestPass::run`].
#[derive(Debug)]
pub struct RequestPass<'a, R, C> {
    /// The settings of the deployment.
    pub settings: &'a Settings,
    /// The owners' records: the latest request, the desired spec, the settled spec.
    pub records: &'a R,
    /// The account that the pass works on.
    pub cloud_factory: &'a C,
    /// The request.
    pub request: &'a Request,
}

/// A request that passed all checks, with the record and the work that the checks determined.
#[derive(Debug)]
pub struct AdmittedRequest {
    pub(crate) owner: Owner,
    pub(crate) record: Option<OwnerRecord>,
    work: RequestedWork,
}

impl AdmittedRequest {
    /// Whether nothing remains to do. Such a request is not recorded, so no reconciler works on it.
    #[must_use]
    pub fn is_without_work(&self) -> bool {
        matches!(self.work, RequestedWork::Nothing)
    }
}

#[derive(Debug)]
pub(crate) enum RequestedWork {
    /// A Create, an Update or a Repair: all converge to the desired state.
    Apply { spec: Box<Spec>, defaults: Defaults },
    /// A Delete. `never_settled` marks a Create that never settled, whose buckets are retained.
    Delete { never_settled: bool },
    /// CloudFormation's cleanup after a rejected Create: no resource belongs to the id in the response to that Create.
    Nothing,
}

type Data = BTreeMap<String, String>;

/// The delay after a transient error: 5 s, longer than the SDK's own retries.
pub const TRANSIENT_REQUEUE: Duration = Duration::from_secs(5);

/// The delay between two passes of a waiting request: 5 s, like the longest pause within a run. A requeued request
/// therefore continues hardly later than one that waits within its invocation.
const PASS_INTERVAL: Duration = Duration::from_secs(5);

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Checks a request, and records it as its owner's latest request. The function `custom-resource` calls this before
    /// it queues a request; every pass calls it again.
    ///
    /// # Errors
    /// [`PassError::Failed`] with all violations, or because a newer request exists. The request is not recorded then.
    pub async fn admit(&self) -> Result<AdmittedRequest, PassError> {
        let (owner, event) = (self.request.owner(), &self.request.event);
        let record = self.records.owner(&owner).await?;
        let work = match event.kind {
            Kind::Delete => self.deletable(record.as_ref()).await?,
            Kind::Create | Kind::Update => {
                let admitted =
                    admitted_spec(self.settings, record.as_ref(), &event.properties, event.old_properties.as_ref());
                let AdmittedSpec { spec, defaults, .. } =
                    admitted.map_err(|violations| PassError::Failed(describe_violations(&violations).into()))?;
                RequestedWork::Apply { spec: Box::new(spec), defaults }
            }
            Kind::Repair => {
                let recorded = repairable(self.settings, record.as_ref(), Some(&self.request.hash));
                let (spec, defaults) = recorded.map_err(|refusal| PassError::Failed(refusal.to_string().into()))?;
                RequestedWork::Apply { spec: Box::new(spec), defaults }
            }
        };
        // A request that is already recorded keeps its progress and its response state. A request without work is not
        // recorded.
        let has_work = !matches!(work, RequestedWork::Nothing);
        if has_work
            && !record.as_ref().is_some_and(|it| it.is_latest(&self.request.hash))
            && let RecordedRequest::Superseded { kind, .. } =
                self.records.record_request(&owner, self.in_order(record.as_ref())).await?
        {
            return Err(superseded(kind));
        }
        Ok(AdmittedRequest { owner, record, work })
    }

    /// The request in its place in the order of requests: a Repair follows the latest request in the record.
    fn in_order(&self, record: Option<&OwnerRecord>) -> LatestRequest {
        let request = LatestRequest::of_request(self.request);
        match record.and_then(|it| it.latest_request.as_ref()).filter(|_| request.kind == Kind::Repair) {
            Some(latest) => request.following(latest),
            None => request,
        }
    }

    /// Runs one pass, which has to end by `until`. The pass ends earlier if nothing has changed for `wait_budget`.
    /// The caller catches a panic, and responds with [`Reason::internal_error`].
    pub async fn run(&self, until: Timestamp, wait_budget: Duration) -> PassOutcome {
        let deadline = Timestamp(self.request.event.deadline_ms);
        if self.cloud_factory.now() + CALL_TIMEOUT > deadline {
            return PassOutcome::Done(self.failed(None, self.timeout_reason(&[]).await));
        }
        let mut admitted = match self.admit().await {
            Ok(admitted) => admitted,
            Err(error) => return self.end_with_error(None, error, deadline).await,
        };
        if let Err(error) = Box::pin(self.follow_hold(&mut admitted)).await {
            return self.end_with_error(None, error, deadline).await;
        }
        let id = match &admitted.work {
            RequestedWork::Apply { spec, .. } => Some(spec.names(&self.settings.deployment).environment_id()),
            RequestedWork::Delete { .. } | RequestedWork::Nothing => None,
        };
        let limits = PassLimits { until: until.min(deadline), wait_budget };
        let outcome = match &admitted.work {
            RequestedWork::Apply { spec, defaults } => self.apply_desired(&admitted, spec, defaults, limits).await,
            RequestedWork::Delete { never_settled } => self.delete(&admitted, *never_settled, limits).await,
            RequestedWork::Nothing => Ok(Convergence::Settled(Data::new())),
        };
        match outcome {
            Ok(Convergence::Settled(data)) => PassOutcome::Done(self.succeeded(id.as_deref(), data)),
            Ok(Convergence::Pending(waiting)) if self.cloud_factory.now() + CALL_TIMEOUT + PASS_INTERVAL > deadline => {
                PassOutcome::Done(self.failed(id.as_deref(), self.timeout_reason(&waiting.waiting_for).await))
            }
            Ok(Convergence::Pending(waiting)) => PassOutcome::Requeue { waiting, after: PASS_INTERVAL },
            Err(error) => self.end_with_error(id.as_deref(), error, deadline).await,
        }
    }

    /// Runs passes in one invocation until the request has a response, until `until` at the latest: for a function
    /// without a request queue.
    pub async fn run_to_completion(&self, until: Timestamp) -> CfnResponse {
        loop {
            match self.run(until, Duration::MAX).await {
                PassOutcome::Done(response) => return response,
                PassOutcome::Requeue { waiting, after } => {
                    if self.cloud_factory.now() + after + CALL_TIMEOUT > until {
                        return self.failed(None, self.timeout_reason(&waiting.waiting_for).await);
                    }
                    let owner = self.request.owner();
                    self.cloud_factory.for_run(owner.as_str(), &self.request.hash, None).pause(after).await;
                }
            }
        }
    }

    async fn end_with_error(&self, id: Option<&str>, error: PassError, deadline: Timestamp) -> PassOutcome {
        match error {
            PassError::Failed(reason) => PassOutcome::Done(self.failed(id, reason)),
            PassError::Requeue(reason) | PassError::RecordsUnavailable(reason)
                if self.cloud_factory.now() + CALL_TIMEOUT + TRANSIENT_REQUEUE > deadline =>
            {
                PassOutcome::Done(self.failed(id, self.timeout_reason(&[reason.into()]).await))
            }
            PassError::Requeue(reason) | PassError::RecordsUnavailable(reason) => {
                let waiting = Waiting {
                    waiting_for: vec![reason.into()],
                    observed_at: self.cloud_factory.now(),
                    of_rollout: false,
                };
                PassOutcome::Requeue { waiting, after: TRANSIENT_REQUEUE }
            }
        }
    }

    async fn apply_desired(
        &self,
        admitted: &AdmittedRequest,
        spec: &Spec,
        defaults: &Defaults,
        limits: PassLimits,
    ) -> Result<Convergence<Data>, PassError> {
        let AdmittedRequest { owner, record, .. } = admitted;
        let record = record.as_ref();
        let names = spec.names(&self.settings.deployment);
        let scope = scope(owner.as_str(), names.clone(), record, spec.network.vpc_id.is_none());
        if self.request.event.kind == Kind::Update && record.is_none_or(|record| record.desired.is_none()) {
            self.require_owned_resource(&scope).await?;
        }
        let id = names.environment_id();
        if let Claim::Taken { .. } = self.records.claim(&id, owner).await? {
            return Err(PassError::Failed(format!(
                "EnvironmentSuffix is \"{}\": the environment {id} belongs to another stack's resource. Choose another suffix, or delete that environment.",
                spec.environment_suffix
            ).into()));
        }
        if let Some(waiting) = self.still_waiting(admitted, &scope).await {
            return Ok(Convergence::Pending(waiting));
        }
        if let Some(waiting) = Box::pin(self.still_rolling(admitted, spec, &scope, limits)).await? {
            return Ok(Convergence::Pending(waiting));
        }
        let facts = self.checked_facts(owner, record, spec, defaults).await?;
        let retired_tags = retired_tags(record, spec, self.settings);
        // Recorded before any resource uses it: later passes believe only the record.
        let first_image = || facts.image.clone().filter(|_| self.uses_image_first(record, spec));
        let image = recorded_image(record, spec).or_else(first_image);
        let keeps_unlock = self.request.event.kind == Kind::Repair;
        let recorded = to_record(&id, spec, defaults, &retired_tags, image.as_deref())?;
        self.records.save_desired(owner, DesiredRecord { keeps_unlock, ..recorded }).await?;
        let resources = desired(spec, &names, owner.as_str(), &facts);
        // Only a Create waits for instances: afterwards Auto Scaling controls their number.
        let waits_for_instances = spec.wait_for_instances && record.is_none_or(|it| it.settled_spec.is_none());
        let in_service = if waits_for_instances { spec.min_size } else { 0 };
        let desired = DesiredState {
            resources,
            retired_tags,
            in_service,
            image_is_recorded: image.is_some(),
            recorded_version: recorded_rollout(record).content,
            never_settled: false,
            retains_objects: true,
        };
        let preflight = self.is_first_pass(record).then(|| Preflight {
            spec,
            facts: &facts,
            desired: &desired.resources,
            waits_for_instances,
            settled: self.settled_spec(record),
        });
        match self.converge(admitted, &scope, &desired, preflight, limits).await? {
            Convergence::Pending(waiting) => Ok(Convergence::Pending(waiting)),
            Convergence::Settled((observed, proofs)) => {
                for drift in plan(&desired, &observed).fixed_drift {
                    tracing::warn!(%drift, "drift cannot be corrected");
                }
                let rolled =
                    Box::pin(self.roll(admitted, spec, &scope, (&desired, &observed, &proofs), limits)).await?;
                let (state, version) = match rolled {
                    Convergence::Pending(waiting) => return Ok(Convergence::Pending(waiting)),
                    Convergence::Settled(rolled) => rolled,
                };
                self.records.mark_settled(owner, proofs_to_record(&proofs)?).await?;
                let data = outputs(&observed, &names).into_iter().map(|(key, value)| (key.to_owned(), value));
                let mut data: Data = data.collect();
                data.insert(String::from("LaunchTemplateVersion"), version.number.to_string());
                data.insert(String::from("RolloutState"), state.to_string());
                Ok(Convergence::Settled(data))
            }
        }
    }

    /// Whether no earlier pass over this request can have written: it recorded neither progress nor a create that is still open.
    fn is_first_pass(&self, record: Option<&OwnerRecord>) -> bool {
        record.is_none_or(|it| {
            let has_progress = it.is_latest(&self.request.hash) && it.progress.is_some();
            !has_progress && recorded_proofs(it).intents.is_empty()
        })
    }

    /// Whether no earlier request of the environment used the source of the image. If the record was lost, the group may
    /// use it already.
    fn uses_image_first(&self, record: Option<&OwnerRecord>, spec: &Spec) -> bool {
        match self.settled_spec(record) {
            Some(settled) => settled.image_source() != spec.image_source(),
            None => self.request.event.kind == Kind::Create,
        }
    }

    /// Deletes all resources of this owner, independent of the properties in the event.
    async fn delete(
        &self,
        admitted: &AdmittedRequest,
        never_settled: bool,
        limits: PassLimits,
    ) -> Result<Convergence<Data>, PassError> {
        let AdmittedRequest { owner, record, .. } = admitted;
        let names = self.names_to_delete(record.as_ref());
        let scope = scope(owner.as_str(), names, record.as_ref(), self.network_is_managed(record.as_ref()));
        if record.as_ref().is_none_or(|it| it.desired.is_none()) {
            self.reject_protected_group(&scope).await?;
        }
        if let Some(waiting) = self.still_waiting(admitted, &scope).await {
            return Ok(Convergence::Pending(waiting));
        }
        let cloud = self.cloud_factory.for_run(owner.as_str(), &self.request.hash, None);
        if let Err(error) = Box::pin(cancel_before_delete(&cloud, &scope)).await {
            tracing::warn!(%owner, %error, "the instance refresh of the group was not cancelled");
        }
        let retains_objects = !record.as_ref().is_some_and(empties_buckets);
        let desired = DesiredState { never_settled, retains_objects, ..DesiredState::default() };
        let observed = match self.converge(admitted, &scope, &desired, None, limits).await? {
            Convergence::Pending(waiting) => return Ok(Convergence::Pending(waiting)),
            Convergence::Settled((observed, _)) => observed,
        };
        let settled = record.as_ref().is_some_and(|it| it.settled_spec.is_some());
        if let Some((hidden, reason)) = observed.iter().find_map(hidden_resource).filter(|_| settled && !never_settled)
        {
            return Err(PassError::Failed(format!(
                "{hidden} was not deleted: {reason}. All other resources of this environment are deleted. Give Envkeeper access to it, then delete the stack again."
            ).into()));
        }
        self.records.release(&scope.names.environment_id(), owner).await?;
        self.records.mark_deleted(owner, self.cloud_factory.now().0).await?;
        let retained = observed.iter().filter(|it| matches!(it.ownership, Ownership::Retained(_)));
        let retained: BTreeSet<String> = retained.map(|it| it.key().name).collect();
        let data = (!retained.is_empty()).then(|| (String::from("Retained"), Vec::from_iter(retained).join(", ")));
        Ok(Convergence::Settled(data.into_iter().collect()))
    }

    /// The spec of the latest request that was worked on, whether it settled or not.
    pub(crate) fn attempted_spec(&self, record: Option<&OwnerRecord>) -> Option<Spec> {
        recorded_spec(record, |it| it.desired.as_ref(), self.settings)
    }

    /// The spec that settled last.
    pub(crate) fn settled_spec(&self, record: Option<&OwnerRecord>) -> Option<Spec> {
        recorded_spec(record, |it| it.settled_spec.as_ref(), self.settings)
    }

    /// The names for a Delete: from the record, else from the properties, else from the physical id in the event. Each
    /// resource found by these names is checked for its ownership mark, so a wrong guess does no harm. But services
    /// reject calls with an invalid name, and the suffix may be the reason why the Create was rejected. Without any
    /// guess, an empty suffix results in names that no resource can have.
    fn names_to_delete(&self, record: Option<&OwnerRecord>) -> Names {
        let suffix = |spec: &serde_json::Value| spec.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let recorded = record.and_then(|it| suffix(it.desired.as_ref()?));
        let event = &self.request.event;
        let given = || event.properties.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let deployment = &self.settings.deployment;
        let by_id = || Some(deployment.suffix_of_environment(event.physical_id.as_ref()?)?.to_owned());
        let guessed = || given().filter(|it| deployment.admits(it)).or_else(by_id);
        deployment.names(&recorded.or_else(guessed).unwrap_or_default())
    }

    /// Whether the network of a Delete's environment is managed: neither the record nor the properties name an existing
    /// VPC.
    fn network_is_managed(&self, record: Option<&OwnerRecord>) -> bool {
        let names_vpc = |vpc: Option<&serde_json::Value>| vpc.is_some_and(|vpc| !vpc.is_null() && vpc != "");
        let recorded = record.and_then(|it| it.desired.as_ref()).and_then(|spec| spec.get("VpcId"));
        !names_vpc(recorded) && !names_vpc(self.request.event.properties.get("VpcId"))
    }

    /// Rejects an Update of an environment that was never created, so that the Update creates no resource.
    async fn require_owned_resource(&self, scope: &Scope) -> Result<(), PassError> {
        let observed = self.cloud_factory.for_run(&scope.owner, &self.request.hash, None).observe(scope).await?;
        if observed.iter().any(|it| it.ownership == Ownership::Owned) {
            return Ok(()); // The record was lost; this Update writes it again.
        }
        Err(PassError::Failed(format!(
            "There is nothing to update: the environment {} of this resource does not exist. Remove the resource from the stack, then add it again.",
            scope.names.environment_id()
        ).into()))
    }
}

/// The key of a resource that has one of the environment's names and denies read access, with the reason.
fn hidden_resource(observed: &ObservedResource) -> Option<(Key, &str)> {
    match &observed.ownership {
        Ownership::Hidden(reason) => Some((observed.key(), reason)),
        Ownership::Owned | Ownership::Unproven | Ownership::Foreign(_) | Ownership::Retained(_) => None,
    }
}

/// The most violations that one text names: a response has room for fewer, and a request can contain thousands of unknown
/// properties.
pub const MAX_NAMED_VIOLATIONS: usize = 50;

/// The first 50 violations, one per line, and the number of the others.
#[must_use]
pub fn describe_violations(violations: &[Violation]) -> String {
    let mut lines: Vec<String> = violations.iter().take(MAX_NAMED_VIOLATIONS).map(ToString::to_string).collect();
    let others = violations.len().saturating_sub(MAX_NAMED_VIOLATIONS);
    if others > 0 {
        lines.push(format!("{others} more properties are not valid."));
    }
    lines.join("\n")
}
