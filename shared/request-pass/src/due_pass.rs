//! A due pass: the rollout of an environment without a request.

use environment::rollout::{Action, RolloutCloud as _, RolloutRecord, Trigger, WaitFor, decide};
use environment::{Cloud as _, Names, Spec, Timestamp};
use ledger::events::RolloutStep;
use requests::records::OwnerRecord;
use requests::{Owner, Reason, Records, RolloutRequest};
use std::time::Duration;

use crate::cloud_factory::CloudFactory;
use crate::pass_error::PassError;
use crate::recorded::{recorded_rollout, recorded_spec, scope};
use crate::rollout::{DUE_INTERVAL, DesiredVersion, Rollout, RolloutEnd};
use crate::settings::Settings;

/// Why nothing can be rolled out or back.
const NO_ENVIRONMENT: &str = "it has no version that an update has rolled out; update its stack once";

/// The part of the runs' seed that a due pass has in place of a request's hash. Its calls create nothing, so no token
/// depends on it.
const DUE: &str = "due";

/// The delay until the next due pass of a rollout that needs an operator: 15 minutes. Each of them is an entry in the ledger.
const OPERATOR_INTERVAL: Duration = Duration::from_mins(15);

/// One due pass, with everything that it needs.
#[derive(Debug)]
pub struct DuePass<'a, R, C> {
    /// The settings of the deployment.
    pub settings: &'a Settings,
    /// The owners' records.
    pub records: &'a R,
    /// The account that the pass works on.
    pub cloud_factory: &'a C,
    /// The owner of the environment.
    pub owner: &'a Owner,
}

/// The outcome of a due pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueOutcome {
    /// When the next due pass is due; `None` if nothing remains to do.
    pub next_due_ms: Option<u64>,
}

impl<R: Records, C: CloudFactory> DuePass<'_, R, C> {
    /// Runs the pass, which has to end by `until`: one rollout, as far as it goes without a wait. A request of the owner that
    /// waits for its response has passes of its own, so this pass does nothing then.
    ///
    /// # Errors
    /// Those of the records. Every other error is logged, and the next due pass observes again.
    pub async fn run(&self, until: Timestamp) -> Result<DueOutcome, PassError> {
        let later = || Ok(DueOutcome { next_due_ms: Some((self.cloud_factory.now() + DUE_INTERVAL).0) });
        let Some(record) = self.records.owner(self.owner).await? else { return Ok(DueOutcome { next_due_ms: None }) };
        // Once at most: after a lost response the operator sees the state of the rollout, and sends the request again. The latest
        // request wins, so one that a request of CloudFormation overtakes is dropped.
        let request = record.rollout_request;
        if request.is_some() {
            self.records.request_rollout(self.owner, None).await?;
        }
        if record.response_due_ms.is_some() {
            return later();
        }
        let rollout = recorded_rollout(Some(&record));
        let spec = recorded_spec(Some(&record), |it| it.desired.as_ref(), self.settings);
        let (Some(spec), false, Some(_)) = (spec, record.deleted, &rollout.desired) else {
            return Ok(DueOutcome { next_due_ms: None });
        };
        match Box::pin(self.roll(&record, rollout, &spec, trigger(request), until)).await {
            Ok(next_due_ms) => Ok(DueOutcome { next_due_ms }),
            Err(PassError::RecordsUnavailable(reason)) => Err(PassError::RecordsUnavailable(reason)),
            Err(PassError::Requeue(reason)) => {
                tracing::info!(owner = %self.owner, reason, "due pass continues later");
                later()
            }
            Err(PassError::Failed(reason)) => {
                tracing::error!(owner = %self.owner, reason = reason.message(), "due pass failed");
                later()
            }
        }
    }

    /// Why an operator's request is refused now; `None` if a pass can begin with it. Nothing is written.
    ///
    /// # Errors
    /// Those of the records and of the observation.
    pub async fn refusal(&self, request: RolloutRequest) -> Result<Option<String>, PassError> {
        let Some(record) = self.records.owner(self.owner).await? else { return Ok(Some(NO_ENVIRONMENT.to_owned())) };
        if record.response_due_ms.is_some() {
            return Ok(Some(String::from("a request of its stack is under way; wait for its response")));
        }
        let rollout = recorded_rollout(Some(&record));
        let spec = recorded_spec(Some(&record), |it| it.desired.as_ref(), self.settings);
        let (Some(spec), false, Some(desired)) = (spec, record.deleted, &rollout.desired) else {
            return Ok(Some(NO_ENVIRONMENT.to_owned()));
        };
        let names = spec.names(&self.settings.deployment);
        let scope = scope(self.owner.as_str(), names, Some(&record), spec.network.vpc_id.is_none());
        let cloud = self.cloud_factory.for_run(self.owner.as_str(), DUE, None);
        let Some(observed) = cloud.observe_rollout(&scope, &spec.rollout.alarms).await? else {
            return Ok(Some(NO_ENVIRONMENT.to_owned()));
        };
        let situation = observed.situation(&rollout, &spec.rollout, desired, (trigger(Some(request)), cloud.now()));
        Ok(match decide(&situation) {
            Action::Refuse(refusal) => Some(refusal.to_string()),
            Action::None => Some(String::from("nothing remains to do")),
            Action::Wait(WaitFor::Hold) => Some(WaitFor::Hold.to_string()),
            _ => None,
        })
    }

    async fn roll(
        &self,
        record: &OwnerRecord,
        rollout: RolloutRecord,
        spec: &Spec,
        trigger: Trigger,
        until: Timestamp,
    ) -> Result<Option<u64>, PassError> {
        let Some(desired) = rollout.desired.clone() else { return Ok(None) };
        let names: Names = spec.names(&self.settings.deployment);
        let scope = scope(self.owner.as_str(), names, Some(record), spec.network.vpc_id.is_none());
        let cloud = self.cloud_factory.for_run(self.owner.as_str(), DUE, None);
        let proceeds = async || match self.records.owner(self.owner).await? {
            Some(record) if record.response_due_ms.is_none() && !record.deleted => Ok(()),
            _ => Err(PassError::Requeue(String::from("a request goes first"))),
        };
        let pass = Rollout {
            records: self.records,
            cloud: &cloud,
            ledger: self.cloud_factory,
            owner: self.owner,
            scope: &scope,
            settings: &spec.rollout,
            trigger,
            is_asked_before: true,
            desired: DesiredVersion::Recorded(desired.clone()),
            until,
            wait_budget: Duration::ZERO,
        };
        let later = Some((self.cloud_factory.now() + DUE_INTERVAL).0);
        let ended = match pass.run(rollout, proceeds).await {
            Err(PassError::Failed(reason)) => {
                tracing::error!(owner = %self.owner, reason = reason.message(), "call of a due pass rejected");
                pass.publish(&desired, RolloutStep::NeedsOperator, reason.message()).await;
                return Ok(Some((self.cloud_factory.now() + OPERATOR_INTERVAL).0));
            }
            ended => ended?,
        };
        match ended {
            RolloutEnd::Open(action, _) => match *action {
                Action::None => Ok(None),
                Action::Alarm(reason) => {
                    tracing::error!(owner = %self.owner, %reason, "rollout needs an operator");
                    pass.publish(&desired, RolloutStep::NeedsOperator, &reason.to_string()).await;
                    Ok(Some((self.cloud_factory.now() + OPERATOR_INTERVAL).0))
                }
                action => {
                    tracing::info!(owner = %self.owner, ?action, "rollout continues");
                    Ok(later)
                }
            },
            // An operator's request that needs no call. Whether the rollout has ended, the next due pass decides.
            RolloutEnd::Succeeded(..) => Ok(later),
            RolloutEnd::Failed(reason) => Err(PassError::Failed(Reason::from(reason.message().to_owned()))),
        }
    }
}

/// What a pass works on. The first call of an operator's request ends its pass; due passes complete the rollout.
fn trigger(request: Option<RolloutRequest>) -> Trigger {
    match request {
        None => Trigger::Due,
        Some(RolloutRequest::Roll) => Trigger::Roll,
        Some(RolloutRequest::Rollback) => Trigger::Rollback,
        Some(RolloutRequest::Cancel) => Trigger::Cancel,
    }
}
