//! The record of a run's proofs of ownership, and the check that its request is still the latest.

use environment::{Checkpoint, Proofs, Risk};
use requests::records::CreateIntent;
use requests::{Owner, Reason, Records};

use crate::cloud_factory::CloudFactory;
use crate::pass::RequestPass;
use crate::pass_error::{PassError, superseded};
use crate::preflight::Preflight;
use crate::recorded::proofs_to_record;

/// The journal of one run of a pass.
pub(crate) struct Journal<'a, R, C> {
    pass: &'a RequestPass<'a, R, C>,
    owner: &'a Owner,
    /// The proofs in the record.
    recorded: Proofs,
    /// The check before the first wave; `None` if there is none, or it is done.
    preflight: Option<Preflight<'a>>,
}

impl<'a, R: Records, C: CloudFactory> Journal<'a, R, C> {
    /// The journal of a run that starts with these proofs from the record.
    pub(crate) fn new(
        pass: &'a RequestPass<'a, R, C>,
        owner: &'a Owner,
        recorded: Proofs,
        preflight: Option<Preflight<'a>>,
    ) -> Self {
        Journal { pass, owner, recorded, preflight }
    }

    /// Records the proofs of a checkpoint. Before the first wave, checks whether the account has room for the plan.
    ///
    /// # Errors
    /// Before the first wave: the account certainly has no room. Before a wave and during a wait: a newer request exists, and the run has to stop. Ids are recorded in any case: the newer request's
    /// passes need them.
    pub(crate) async fn checkpoint(&mut self, checkpoint: Checkpoint<'_>, proofs: &Proofs) -> Result<(), PassError> {
        if let Checkpoint::BeforeWave(_, plan) = checkpoint
            && let Some(preflight) = self.preflight.take()
        {
            preflight.check(self.pass, self.owner, plan).await?;
        }
        match checkpoint {
            Checkpoint::Waiting => return self.ensure_latest().await,
            Checkpoint::BeforeWave(Risk::None, _) if *proofs == self.recorded => self.ensure_latest().await?,
            Checkpoint::BeforeWave(risk, _) => self.record_create_intent(risk, proofs).await?,
            Checkpoint::Answered => self.pass.records.record_proofs(self.owner, proofs_to_record(proofs)?).await?,
        }
        self.recorded.clone_from(proofs);
        Ok(())
    }

    async fn ensure_latest(&self) -> Result<(), PassError> {
        let record = self.pass.records.owner(self.owner).await?;
        let latest = record.and_then(|record| record.latest_request).ok_or_else(no_record)?;
        if latest.request_hash == self.pass.request.hash { Ok(()) } else { Err(superseded(latest.kind)) }
    }

    /// Records the creates of a wave, if the request is still the latest. Only a wave that can create duplicates is
    /// recorded with its time: a pass that only checks for an indeterminate create must not restart that wait.
    async fn record_create_intent(&self, risk: Risk, proofs: &Proofs) -> Result<(), PassError> {
        let now_ms = (risk == Risk::Duplicates).then(|| self.pass.cloud_factory.now().0);
        let (request, proofs) = (&self.pass.request.hash, proofs_to_record(proofs)?);
        match self.pass.records.record_create_intent(self.owner, request, now_ms, proofs).await? {
            CreateIntent::Recorded => Ok(()),
            CreateIntent::Superseded { kind, .. } => Err(superseded(kind)),
            CreateIntent::NoRequest => Err(no_record()),
        }
    }
}

fn no_record() -> PassError {
    PassError::Failed(Reason::from(
        "The record of this request no longer exists; Envkeeper stopped working on it. Send the same request again.",
    ))
}
