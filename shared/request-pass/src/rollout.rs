//! The rollout of a pass: observe, decide, and write the record or send the call, until the rollout answers the request,
//! or waits.

use std::time::Duration;

use environment::rollout::{
    Action, Answer, AskedBy, ObservedRollout, RolloutCloud, RolloutRecord, RolloutSettings, RolloutState, Situation,
    Trigger, Version, WaitFor, answer, decide,
};
use environment::{CALL_TIMEOUT, Call, CallError, CallKind, Condition, Ref, RolloutCall, Scope, Timestamp};
use ledger::events::{RolloutProgress, RolloutStep};
use requests::{Owner, Reason, Records, Runbook};

use crate::cloud_factory::CloudFactory;
use crate::pass_error::PassError;
use crate::recorded::rollout_to_record;

/// The delay between two observations of a waiting rollout, and after a call: the API shows a call's effect within seconds.
pub(crate) const OBSERVATION_INTERVAL: Duration = Duration::from_secs(2);

/// The delay until the next due pass of a rollout under way: less than the watchdog's interval of a minute, so that each of its
/// ticks finds the task due.
pub(crate) const DUE_INTERVAL: Duration = Duration::from_secs(45);

/// The version that a rollout leads to.
pub(crate) enum DesiredVersion {
    /// The version with this digest, which an observation shows.
    Content(String),
    /// The version in the record.
    Recorded(Version),
}

/// One pass over the rollout of an environment.
pub(crate) struct Rollout<'a, R, C, F> {
    pub records: &'a R,
    pub cloud: &'a C,
    /// Takes the events for the ledger.
    pub ledger: &'a F,
    pub owner: &'a Owner,
    pub scope: &'a Scope,
    pub settings: &'a RolloutSettings,
    pub trigger: Trigger,
    /// An operator's request to hold the rollout until this time, which the record does not have yet.
    pub hold_request: Option<Timestamp>,
    /// The request of CloudFormation that asks, or that the record of a due pass has.
    pub asked: Option<AskedBy>,
    pub desired: DesiredVersion,
    /// The deadline of the pass.
    pub until: Timestamp,
    /// How long the pass waits for a condition.
    pub wait_budget: Duration,
}

/// The end of a pass over a rollout.
#[derive(Debug)]
pub(crate) enum RolloutEnd {
    /// The rollout answers the request with SUCCESS.
    Succeeded(RolloutState, Version),
    /// It answers with FAILED.
    Failed(Reason),
    /// It goes on: with this action, another pass continues.
    Open(Box<Action>, Condition),
}

impl<R: Records, C: RolloutCloud, F: CloudFactory> Rollout<'_, R, C, F> {
    /// Runs the pass. `proceeds` is asked before each call and each wait, and fails where another request has to go first.
    ///
    /// # Errors
    /// Those of `proceeds`, of the records, and of an observation; [`PassError::Failed`] where AWS rejects a call.
    pub(crate) async fn run(
        &self,
        mut record: RolloutRecord,
        proceeds: impl AsyncFn() -> Result<(), PassError>,
    ) -> Result<RolloutEnd, PassError> {
        if let Some(until) = self.hold_request {
            record = self.record_hold(record, until).await?;
        }
        let started = self.cloud.now();
        let mut irreversible = false;
        loop {
            let observed = self.cloud.observe_rollout(self.scope, &self.settings.alarms).await?;
            let group = self.scope.names.group();
            let observed = match observed {
                Some(observed) => observed,
                // A Delete that failed may have deleted the group.
                None if self.trigger == Trigger::Due => {
                    let none = format!("{group}: it does not exist").into();
                    return Ok(RolloutEnd::Open(Box::new(Action::None), none));
                }
                None => return Err(PassError::Requeue(format!("{group}: it is not visible"))),
            };
            let desired = match &self.desired {
                DesiredVersion::Recorded(version) => {
                    is_recorded(&observed, version, record.content.as_ref()).then(|| version.clone())
                }
                DesiredVersion::Content(digest) => observed.version(digest),
            };
            let not_visible = || PassError::Requeue(format!("{group}: its new template version is not visible yet"));
            let desired = desired.ok_or_else(not_visible)?;
            let (action, answer) = self.decided(&mut record, &observed, &desired, irreversible).await?;
            // The version of a request that is not taken up yet may be an old one.
            if record.desired.as_ref() == Some(&desired) {
                self.prune_versions(&record, &observed, &proceeds).await;
            }
            match answer {
                Answer::Success(state) => {
                    if let Action::Alarm(reason) = &action {
                        self.needs_operator(&desired, &reason.to_string()).await;
                        // The request is answered, and the obstacle stays: due passes try again.
                        self.records.schedule(self.owner, (self.cloud.now() + DUE_INTERVAL).0).await?;
                    }
                    return Ok(RolloutEnd::Succeeded(state, desired));
                }
                // The command in a refusal needs the name, which a decision does not know.
                Answer::Failed { reason } => {
                    return Ok(RolloutEnd::Failed(reason.replace("<group>", &group.name).into()));
                }
                Answer::NotYet => {}
            }
            proceeds().await?;
            // An operator's request is done with its first call: decided again, it would be another request. The calls of a hold are
            // not its own.
            let is_done = matches!(self.trigger, Trigger::Roll | Trigger::Rollback | Trigger::Cancel)
                && !matches!(action, Action::Suspend | Action::Resume);
            let open = match self.call(&action, &observed) {
                None => condition(&action),
                Some(call) => {
                    match (self.cloud.call(&call).await, &action) {
                        (Ok(Some(id)), Action::Start(_)) => {
                            record = record.started(&id, self.cloud.now());
                            self.save(&record).await?;
                            "the instance refresh begins".into()
                        }
                        (Ok(_), _) => format!("{}: {} takes effect", call.key, call.operation()).into(),
                        (Err(error @ (CallError::Retry { .. } | CallError::Indeterminate { .. })), _) if is_done => {
                            return Err(error.into());
                        }
                        (Err(CallError::Retry { waiting_for, .. }), _) => waiting_for,
                        (Err(CallError::Indeterminate { message }), _) => message.into(),
                        // Whatever the reason is, a cancel and a refresh back are left.
                        (Err(CallError::Rejected { message }), Action::RollBack) if !irreversible => {
                            tracing::warn!(owner = %self.owner, message, "rollback rejected; the refresh is cancelled");
                            irreversible = true;
                            continue;
                        }
                        // A rollback of the stack never fails by the rollout. Due passes report what they cannot do.
                        (Err(CallError::Rejected { message }), _) if self.trigger == Trigger::RollbackUpdate => {
                            tracing::error!(owner = %self.owner, message, "call of a rollback rejected");
                            return Ok(RolloutEnd::Succeeded(RolloutState::InProgress, desired));
                        }
                        (Err(CallError::Rejected { message }), _) => {
                            return Err(PassError::Failed(Reason::with_runbook(message, Runbook::CallRejected)));
                        }
                    }
                }
            };
            let now = self.cloud.now();
            let waits = is_done || !action.is_call() && now - started >= self.wait_budget;
            if waits || now + OBSERVATION_INTERVAL + CALL_TIMEOUT > self.until {
                return Ok(RolloutEnd::Open(Box::new(action), open));
            }
            self.cloud.pause(OBSERVATION_INTERVAL).await;
        }
    }

    /// The action after all writes of the record, and the answer that holds with it.
    async fn decided(
        &self,
        record: &mut RolloutRecord,
        observed: &ObservedRollout,
        desired: &Version,
        irreversible: bool,
    ) -> Result<(Action, Answer), PassError> {
        let content = match &self.desired {
            DesiredVersion::Content(digest) => Some(digest.clone()),
            DesiredVersion::Recorded(_) => record.content.clone(),
        };
        loop {
            let asking = RolloutRecord {
                desired: Some(desired.clone()),
                content: content.clone(),
                asked: self.asked.clone(),
                ..record.clone()
            };
            let situation = Situation {
                irreversible,
                ..observed.situation(&asking, self.settings, desired, (self.trigger, self.cloud.now()))
            };
            let action = decide(&situation);
            // A refused request leaves the rollout of the one before to go on, and a longer hold may refuse one that waits. Before
            // that, facts about the rollout of the one before may be recorded.
            let is_taken_up = match &action {
                Action::Refuse(_) | Action::Wait(WaitFor::Hold(_)) => false,
                action => action == &Action::Begin || !action.is_record(),
            };
            let next = if is_taken_up { &asking } else { &*record }.clone().after(&action, situation.now);
            if !action.is_record() {
                let answer = answer(&situation, &action);
                if next != *record {
                    self.save(&next).await?;
                    *record = next;
                }
                return Ok((action, answer));
            }
            tracing::info!(owner = %self.owner, ?action, "rollout recorded");
            let reason = |preposition, version: &Version| format!("{preposition} version {}", version.number);
            self.save(&next).await?;
            *record = next;
            if matches!(action, Action::Accept(_)) && record.hold.is_none() {
                self.records.unschedule(self.owner).await?;
            }
            match &action {
                Action::Begin => self.publish(desired, RolloutStep::Begun, &reason("towards", desired)).await,
                Action::Accept(version) => self.publish(version, RolloutStep::Complete, &reason("at", version)).await,
                Action::MarkFailed(failed) => {
                    self.publish(&failed.version, RolloutStep::Failed, &failed.to_string()).await;
                }
                Action::RecordHold(None) => self.publish_released(desired).await,
                _ => {}
            }
        }
    }

    /// Takes the hold request up, and takes the hold's own actions towards `desired`, without a wait. A failed observation or call is
    /// logged: the next pass observes again.
    ///
    /// # Errors
    /// Those of the records.
    pub(crate) async fn follow_hold(&self, mut record: RolloutRecord, desired: &Version) -> Result<(), PassError> {
        if let Some(until) = self.hold_request {
            record = self.record_hold(record, until).await?;
        }
        let observed = match self.cloud.observe_rollout(self.scope, &self.settings.alarms).await {
            Ok(Some(observed)) => observed,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::warn!(owner = %self.owner, %error, "the group of a hold was not observed");
                return Ok(());
            }
        };
        loop {
            let now = self.cloud.now();
            let action = decide(&observed.situation(&record, self.settings, desired, (self.trigger, now)));
            match &action {
                Action::RecordHold(hold) => {
                    record = record.after(&action, now);
                    self.save(&record).await?;
                    if hold.is_none() {
                        self.publish_released(desired).await;
                    }
                }
                Action::Suspend | Action::Resume => {
                    if let Some(call) = self.call(&action, &observed)
                        && let Err(error) = self.cloud.call(&call).await
                    {
                        tracing::warn!(owner = %self.owner, %error, "the call of a hold failed");
                    }
                    self.cloud.pause(OBSERVATION_INTERVAL).await;
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    async fn publish_released(&self, version: &Version) {
        self.publish(version, RolloutStep::Released, "the hold of an operator has ended").await;
    }

    /// Records an operator's request to hold the rollout, which every pass of the owner then follows.
    async fn record_hold(&self, record: RolloutRecord, until: Timestamp) -> Result<RolloutRecord, PassError> {
        let is_open = until > self.cloud.now();
        // A release of a hold that no pass has recorded leaves nothing to end.
        let record = if is_open || record.hold.is_some() { record.held(until) } else { record };
        self.save(&record).await?;
        self.records.remove_hold_request(self.owner, until.0).await?;
        if let (Some(desired), true) = (&record.desired, is_open) {
            self.publish(desired, RolloutStep::Held, &WaitFor::Hold(until).to_string()).await;
        }
        Ok(record)
    }

    /// Reports that no automatic step is left.
    pub(crate) async fn needs_operator(&self, version: &Version, reason: &str) {
        tracing::error!(owner = %self.owner, reason, "rollout needs an operator");
        self.publish(version, RolloutStep::NeedsOperator, reason).await;
    }

    /// Deletes the versions of the launch template that nothing needs any more, once no rollout is under way. Nothing depends on
    /// it: a failure is logged, and the end of the next rollout deletes them.
    async fn prune_versions(
        &self,
        record: &RolloutRecord,
        observed: &ObservedRollout,
        proceeds: &impl AsyncFn() -> Result<(), PassError>,
    ) {
        let versions = observed.prunable_versions(record);
        if versions.is_empty() || proceeds().await.is_err() {
            return;
        }
        let kind = CallKind::Rollout(RolloutCall::DeleteVersions(versions.clone()));
        let call = Call { key: self.scope.names.launch_template(), id: None, kind };
        match self.cloud.call(&call).await {
            Ok(_) => tracing::info!(owner = %self.owner, ?versions, "template versions deleted"),
            Err(error) => tracing::warn!(owner = %self.owner, %error, "template versions not deleted"),
        }
    }

    /// Publishes a step to the ledger.
    async fn publish(&self, version: &Version, step: RolloutStep, reason: &str) {
        let (group, at_ms) = (self.scope.names.group().name, self.cloud.now().0);
        let progress = RolloutProgress { group: &group, version: version.number, step, reason, at_ms };
        publish(self.ledger, self.owner, &progress).await;
    }

    /// Writes the record. A begun rollout, and a hold, has a task before its first call, so a pass that dies is followed by due passes.
    async fn save(&self, record: &RolloutRecord) -> Result<(), PassError> {
        if record.begun || record.hold.is_some() {
            self.records.schedule(self.owner, (self.cloud.now() + DUE_INTERVAL).0).await?;
        }
        self.records.save_rollout(self.owner, rollout_to_record(record)?).await?;
        Ok(())
    }

    /// The call of an action, if it is one.
    fn call(&self, action: &Action, observed: &ObservedRollout) -> Option<Call> {
        let names = &self.scope.names;
        let template = || Ref::Owned(names.launch_template());
        let call = match action {
            Action::Start(call) => RolloutCall::Start {
                template: template(),
                version: call.version.number,
                preferences: Box::new(call.preferences.clone()),
            },
            Action::SetTemplate(version) => RolloutCall::SetVersion { template: template(), version: version.number },
            Action::RollBack => RolloutCall::RollBack,
            Action::Cancel(_) => RolloutCall::Cancel,
            Action::Suspend => RolloutCall::Suspend,
            Action::Resume => RolloutCall::Resume,
            _ => return None,
        };
        Some(Call { key: names.group(), id: Some(observed.group.clone()), kind: CallKind::Rollout(call) })
    }
}

/// Publishes a step to the ledger. The ledger informs: a failure is logged.
pub(crate) async fn publish<F: CloudFactory>(ledger: &F, owner: &Owner, progress: &RolloutProgress<'_>) {
    if let Err(error) = ledger.publish(&progress.event()).await {
        tracing::warn!(%owner, step = progress.step.name(), %error, "ledger publish failed");
    }
}

/// Whether the version with the recorded number still has the recorded content: another principal may have deleted the template,
/// and created another one of the same name.
fn is_recorded(observed: &ObservedRollout, version: &Version, content: Option<&String>) -> bool {
    let numbered = observed.versions.iter().find(|it| it.number == version.number);
    numbered.is_some_and(|it| content.is_none_or(|content| *content == it.version.digest))
}

/// Cancels the active refresh of a group that is deleted, also that of another principal.
///
/// # Errors
/// Those of the observation and the cancel. The delete goes on: draining replaces nothing any more.
pub(crate) async fn cancel_before_delete<C: RolloutCloud>(cloud: &C, scope: &Scope) -> Result<(), CallError> {
    let Some(observed) = cloud.observe_rollout(scope, &[]).await? else { return Ok(()) };
    let (record, settings) = (RolloutRecord::default(), RolloutSettings::default());
    let desired = Version { number: 0, rolling: None };
    let action = decide(&observed.situation(&record, &settings, &desired, (Trigger::Delete, cloud.now())));
    if !matches!(action, Action::Cancel(_)) {
        return Ok(());
    }
    let kind = CallKind::Rollout(RolloutCall::Cancel);
    cloud.call(&Call { key: scope.names.group(), id: Some(observed.group), kind }).await.map(|_| ())
}

/// What a rollout without a call waits for.
fn condition(action: &Action) -> Condition {
    match action {
        Action::Wait(wait) => format!("rollout: {wait}").into(),
        Action::Alarm(reason) => format!("rollout: {reason}").into(),
        _ => "rollout: nothing".into(),
    }
}
