//! The rollout of a request: what it leads to, and when it answers.

use std::time::Duration;

use environment::rollout::{Action, AskedBy, RolloutRecord, RolloutState, Trigger, UpdateRequest, Version, WaitFor};
use environment::{
    COMPLETE_OBSERVATION_INTERVAL, CallError, DesiredState, Fields, ObservedResource, Proofs, Scope, Spec, Timestamp,
    Waiting, desired_version, rolling_inputs,
};
use requests::records::OwnerRecord;
use requests::{Kind, Records};

use crate::cloud_factory::{CloudFactory, StackState};
use crate::converge::{Convergence, PassLimits};
use crate::due_pass::DuePass;
use crate::pass::{AdmittedRequest, RequestPass};
use crate::pass_error::{PassError, superseded};
use crate::recorded::{proofs_to_record, recorded_rollout, recorded_wait, rollout_to_record};
use crate::rollout::{DesiredVersion, Rollout, RolloutEnd};

/// The time before a request's deadline at which its rollout is decided: two observations, the call of a rollback and the
/// response, with the time limits of their calls.
const DECISION_TIME: Duration = Duration::from_secs(90);

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Follows an operator's hold before anything that the request may wait for, also outside its rollout: a due pass yields to
    /// the request. Reads the record again after it.
    ///
    /// # Errors
    /// Those of the records.
    pub(crate) async fn follow_hold(&self, admitted: &mut AdmittedRequest) -> Result<(), PassError> {
        let AdmittedRequest { owner, record, .. } = admitted;
        // A Delete waits for no hold.
        let Some(record) = record.as_ref().filter(|_| self.request.event.kind != Kind::Delete) else { return Ok(()) };
        let (settings, records, cloud_factory) = (self.settings, self.records, self.cloud_factory);
        if (DuePass { settings, records, cloud_factory, owner }).follow_hold(record).await? {
            admitted.record = self.records.owner(&admitted.owner).await?;
        }
        Ok(())
    }

    /// The wait of a request whose other work was done in an earlier pass, as long as its rollout goes on. Such a pass observes
    /// the rollout alone. Once the rollout answers with SUCCESS, the whole environment is observed again.
    ///
    /// # Errors
    /// The FAILED of the rollout.
    pub(crate) async fn still_rolling(
        &self,
        admitted: &AdmittedRequest,
        spec: &Spec,
        scope: &Scope,
        limits: PassLimits,
    ) -> Result<Option<Waiting>, PassError> {
        let record = admitted.record.as_ref().filter(|it| !it.deleted && it.is_latest(&self.request.hash));
        let progress = record.and_then(|it| it.progress.as_ref());
        let Some(wait) = progress.and_then(recorded_wait).filter(|it| it.awaited.is_empty()) else { return Ok(None) };
        let observed_at = Timestamp(wait.observed_ms);
        let rollout = recorded_rollout(record);
        let now = self.cloud_factory.now();
        let is_recent = observed_at <= now && now - observed_at < COMPLETE_OBSERVATION_INTERVAL;
        let Some(desired) = rollout.desired.clone().filter(|_| is_recent) else { return Ok(None) };
        // A request that waits for a hold is not in the rollout's record: a longer hold may refuse it.
        if rollout.asked.as_ref().is_none_or(|it| it.request != self.request.hash) {
            let hold = rollout.open_hold(now).filter(|it| it.until < self.rollout_deadline());
            let hold = hold.filter(|_| hold_request(record).is_none());
            return Ok(hold.map(|hold| {
                let waiting_for = vec![format!("rollout: {}", WaitFor::Hold(hold.until)).into()];
                Waiting { waiting_for, observed_at, of_rollout: true }
            }));
        }
        let desired = DesiredVersion::Recorded(desired);
        let hold_request = hold_request(record);
        match self.run_rollout(admitted, spec, scope, (rollout, hold_request, desired), limits).await? {
            RolloutEnd::Succeeded(..) => Ok(None),
            RolloutEnd::Failed(reason) => Err(PassError::Failed(reason)),
            RolloutEnd::Open(_, condition) => {
                Ok(Some(Waiting { waiting_for: vec![condition], observed_at, of_rollout: true }))
            }
        }
    }

    /// Rolls the desired version out, after everything else has settled. An environment that runs its desired version
    /// already is not observed again.
    pub(crate) async fn roll(
        &self,
        admitted: &AdmittedRequest,
        spec: &Spec,
        scope: &Scope,
        (desired, observed, proofs): (&DesiredState, &[ObservedResource], &Proofs),
        limits: PassLimits,
    ) -> Result<Convergence<(RolloutState, Version)>, PassError> {
        let observed_at = self.cloud_factory.now();
        // This pass may have written the rollout's record, and taken up an operator's hold, already: see `still_rolling`.
        let waited = admitted.record.as_ref().is_some_and(|it| it.progress.is_some());
        let reread = if waited { self.records.owner(&admitted.owner).await? } else { None };
        let record = reread.as_ref().or(admitted.record.as_ref()).filter(|it| !it.deleted);
        let (rollout, hold_request) = (recorded_rollout(record), hold_request(record));
        let version = desired_version(desired, observed);
        let missing =
            || PassError::Requeue(String::from("the launch template: its desired version is not visible yet"));
        let version = version.ok_or_else(missing)?;
        let launched = observed.iter().find_map(|it| match &it.resource.fields {
            Fields::AutoScalingGroup(group) if group.digest == version.digest => it.version,
            _ => None,
        });
        // After a lost record, a refresh may lead to another version.
        let is_known = rollout.running.is_some() || self.request.event.kind == Kind::Create;
        if let Some(number) = launched.filter(|_| is_known && !rollout.begun && rollout.refresh.is_none()) {
            let launched = Version::of(number, &version);
            self.accept(admitted, rollout, &launched, version.digest).await?;
            return Ok(Convergence::Settled((RolloutState::Complete, launched)));
        }
        // The content of a version names other resources, and an observation of the rollout alone knows their ids by the record,
        // which may have been lost.
        if proofs.ids != scope.proofs.ids {
            self.records.record_proofs(&admitted.owner, proofs_to_record(proofs)?).await?;
        }
        let scope = &Scope { proofs: proofs.clone(), ..scope.clone() };
        let desired = DesiredVersion::Content(version.digest);
        match self.run_rollout(admitted, spec, scope, (rollout, hold_request, desired), limits).await? {
            RolloutEnd::Succeeded(state, version) => Ok(Convergence::Settled((state, version))),
            RolloutEnd::Failed(reason) => Err(PassError::Failed(reason)),
            RolloutEnd::Open(_, condition) => {
                let waiting_for = vec![condition];
                Ok(Convergence::Pending(Waiting { waiting_for, observed_at, of_rollout: true }))
            }
        }
    }

    /// Records that the group launches its desired version, and that no rollout is under way, if the record says otherwise.
    async fn accept(
        &self,
        admitted: &AdmittedRequest,
        rollout: RolloutRecord,
        version: &Version,
        content: String,
    ) -> Result<(), PassError> {
        let recorded = [rollout.desired.as_ref(), rollout.running.as_ref()];
        if recorded == [Some(version); 2] && rollout.content.as_ref() == Some(&content) {
            return Ok(());
        }
        let mut accepted = rollout.after(&Action::Accept(version.clone()), self.cloud_factory.now());
        accepted.desired = Some(version.clone());
        accepted.content = Some(content);
        self.records.save_rollout(&admitted.owner, rollout_to_record(&accepted)?).await?;
        Ok(())
    }

    async fn run_rollout(
        &self,
        admitted: &AdmittedRequest,
        spec: &Spec,
        scope: &Scope,
        (rollout, hold_request, desired): (RolloutRecord, Option<Timestamp>, DesiredVersion),
        PassLimits { until, wait_budget }: PassLimits,
    ) -> Result<RolloutEnd, PassError> {
        let owner = &admitted.owner;
        let cloud = self.cloud_factory.for_run(owner.as_str(), &self.request.hash, None);
        let (trigger, asked) = self.trigger(admitted.record.as_ref(), spec, &rollout).await?;
        let pass = Rollout {
            records: self.records,
            cloud: &cloud,
            ledger: self.cloud_factory,
            owner,
            scope,
            settings: &spec.rollout,
            trigger,
            hold_request,
            asked: Some(asked),
            desired,
            until,
            wait_budget,
        };
        let proceeds = async || match self.records.owner(owner).await? {
            Some(OwnerRecord { latest_request: Some(latest), .. }) if latest.request_hash != self.request.hash => {
                Err(superseded(latest.kind))
            }
            Some(OwnerRecord { hold_request_ms: Some(_), .. }) => {
                Err(PassError::Requeue(String::from("an operator's hold or release goes first")))
            }
            _ => Ok(()),
        };
        pass.run(rollout, proceeds).await
    }

    /// What the request asks of the rollout. An Update by which CloudFormation rolls the stack back returns to the spec
    /// that settled last; if this resource had settled already when a sibling failed, the status of the stack shows it.
    /// Each request is asked about once: its rollout's record has the result for the later passes.
    async fn trigger(
        &self,
        record: Option<&OwnerRecord>,
        spec: &Spec,
        rollout: &RolloutRecord,
    ) -> Result<(Trigger, AskedBy), PassError> {
        let event = &self.request.event;
        let settled = self.settled_spec(record);
        let returns = settled.as_ref() == Some(spec) && record.is_some_and(|it| !it.settled);
        let rolls = |before: &Spec| {
            rolling_inputs(before) != rolling_inputs(spec) || before.image_source() != spec.image_source()
        };
        let changes_rolling_input = settled.as_ref().is_none_or(rolls);
        let asked = rollout.asked.as_ref().filter(|it| it.request == self.request.hash).map(|it| it.rolls_back);
        let rolls_back = match asked {
            Some(rolls_back) => rolls_back,
            None if event.kind != Kind::Update => false,
            None => returns || changes_rolling_input && self.stack_rolls_back().await?,
        };
        let asked = AskedBy { request: self.request.hash.clone(), rolls_back };
        if rolls_back {
            return Ok((Trigger::RollbackUpdate, asked));
        }
        let (sent, deadline) = (Timestamp(event.sent_ms), self.rollout_deadline());
        Ok((Trigger::Update(UpdateRequest { sent, deadline, changes_rolling_input }), asked))
    }

    /// When the rollout is decided.
    fn rollout_deadline(&self) -> Timestamp {
        let time = u64::try_from(DECISION_TIME.as_millis()).unwrap_or(0);
        Timestamp(self.request.event.deadline_ms.saturating_sub(time))
    }

    /// Whether CloudFormation rolls the stack of the request back.
    ///
    /// # Errors
    /// Transient errors of the call. Without the right to read the stack, nothing is known of a rollback.
    pub(crate) async fn stack_rolls_back(&self) -> Result<bool, PassError> {
        match self.cloud_factory.stack(&self.request.event.stack_id).await {
            Ok(state) => Ok(state == StackState::RollingBack),
            Err(CallError::Rejected { .. }) => Ok(false),
            Err(transient) => Err(transient.into()),
        }
    }
}

/// An operator's request to hold the rollout, which no pass has taken up yet.
fn hold_request(record: Option<&OwnerRecord>) -> Option<Timestamp> {
    record.and_then(|it| it.hold_request_ms).map(Timestamp)
}
