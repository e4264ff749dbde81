//! Converging: one run of the engine for a pass, or the check that the wait of the previous pass is still open.

use std::time::Duration;

use environment::{
    Checkpoint, Condition, DesiredState, ObservedResource, Proofs, READ_LAG, Run, RunOutcome, Scope, Timestamp,
    Waiting, indeterminate_until, reconcile, still_open,
};
use requests::{Reason, Records, Runbook};

use crate::cloud_factory::CloudFactory;
use crate::journal::Journal;
use crate::pass::{AdmittedRequest, RequestPass};
use crate::pass_error::PassError;
use crate::preflight::Preflight;
use crate::recorded::{open_since, recorded_wait};
use crate::response::obstructed_reason;

/// The time limits of a pass.
#[derive(Clone, Copy)]
pub(crate) struct PassLimits {
    pub until: Timestamp,
    pub wait_budget: Duration,
}

/// The result of converging to a desired state.
pub(crate) enum Convergence<T> {
    /// The environment is settled.
    Settled(T),
    /// The time of the pass is used up.
    Pending(Waiting),
}

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// The wait of the previous pass over this request, as long as the awaited resources alone show that it is still
    /// open. Such a pass observes nothing else, and looks up no facts.
    pub(crate) async fn still_waiting(&self, admitted: &AdmittedRequest, scope: &Scope) -> Option<Waiting> {
        let record = admitted.record.as_ref().filter(|it| !it.deleted && it.is_latest(&self.request.hash))?;
        let progress = record.progress.as_ref()?;
        let wait = recorded_wait(progress).filter(|wait| !wait.awaited.is_empty())?;
        let observed_at = Timestamp(wait.observed_ms);
        let cloud = self.cloud_factory.for_run(&scope.owner, &self.request.hash, None);
        let waiting_for = still_open(&cloud, scope, &wait.awaited, observed_at).await?;
        let is_overdue = Condition::all_overdue(&waiting_for, &open_since(Some(progress)), self.cloud_factory.now());
        (!is_overdue).then_some(Waiting { waiting_for, observed_at, of_rollout: false })
    }

    pub(crate) async fn converge(
        &self,
        admitted: &AdmittedRequest,
        scope: &Scope,
        desired: &DesiredState,
        preflight: Option<Preflight<'_>>,
        PassLimits { until, wait_budget }: PassLimits,
    ) -> Result<Convergence<(Vec<ObservedResource>, Proofs)>, PassError> {
        let (owner, request) = (&admitted.owner, &self.request.hash);
        // An earlier pass observed that a deleted environment is absent, so no resource of it can appear later.
        let record = admitted.record.as_ref().filter(|it| !it.deleted);
        // Only creates that can result in duplicates are recorded: the first resources of a network.
        let last_create_at = record.and_then(|it| it.create_intent_ms).map(Timestamp);
        let cloud = self.cloud_factory.for_run(owner.as_str(), request, last_create_at);
        let create_intent = record.and_then(|it| Some((Timestamp(it.create_intent_ms?), it.settled)));
        let indeterminate_until =
            create_intent.map(|(create_intent, settled)| indeterminate_until(create_intent, settled));
        let before = admitted.record.as_ref().and_then(|it| it.history.last());
        let before = before.filter(|it| it.request_hash != *request);
        let stale_until = before.map(|it| Timestamp(it.responded_ms) + READ_LAG);
        let open_since = open_since(record.filter(|it| it.is_latest(request)).and_then(|it| it.progress.as_ref()));
        let run = Run { scope, desired, until, wait_budget, indeterminate_until, stale_until, open_since };
        let mut journal = Journal::new(self, owner, scope.proofs.clone(), preflight);
        let journal = async |checkpoint: Checkpoint<'_>, proofs: &Proofs| journal.checkpoint(checkpoint, proofs).await;
        match reconcile(&cloud, run, journal).await {
            RunOutcome::Settled { observed, proofs } => Ok(Convergence::Settled((observed, proofs))),
            RunOutcome::Rejected { reasons } => Err(PassError::Failed(reasons.join("\n").into())),
            RunOutcome::ConsentMissing { mut reasons } => {
                reasons.push(self.settings.adoption_guidance(&scope.names.environment_id(), owner));
                Err(PassError::Failed(reasons.join("\n").into()))
            }
            RunOutcome::CallRejected { reasons } => {
                Err(PassError::Failed(Reason::with_runbook(reasons.join("\n"), Runbook::CallRejected)))
            }
            RunOutcome::Obstructed { waiting_for } => Err(PassError::Failed(obstructed_reason(&waiting_for))),
            RunOutcome::Stopped(error) => Err(error),
            RunOutcome::Unfinished(waiting) => Ok(Convergence::Pending(waiting)),
        }
    }
}
