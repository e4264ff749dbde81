//! Performs the remediations that alarm rules request: at most once each. A transient failure requeues the remediation
//! until the remediation expires, unless a request waits behind it.

use std::time::Duration;

use environment::{
    AlarmAction, AlarmCheck, CallError, Cloud as _, ObservedAlarm, ObservedGroup, PriorAttempt, REMEDIATION_TTL_MS,
    RecordedRules, RemediationAction, RemediationRequest, Timestamp, choose_remediation, needs_instance_health,
};
use ledger::RuleResult;
use ledger::events::{AUTOMATION_PAUSED, RuleOutcome, already_executed, in_cooldown};
use request_pass::{CloudFactory, TRANSIENT_REQUEUE};
use requests::records::{ExecutionClaim, RuleExecution};
use requests::{Owner, Records};

use crate::Reconciler;
use crate::remediation_outcome::RemediationOutcome;

/// The number of attempts to record a performed action, and the pause between them: a table that failed all of the
/// SDK's own attempts may respond two seconds later.
const RECORD_ATTEMPTS: u32 = 3;
const RECORD_ATTEMPT_PAUSE: Duration = Duration::from_secs(2);

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Runs a remediation, and publishes its outcome to the ledger once the outcome is decided.
    pub async fn remediate(&self, remediation: &RemediationRequest) -> RemediationOutcome {
        let outcome = match Owner::parse(&remediation.owner) {
            Some(owner) => self.decide(&owner, remediation).await,
            None => RemediationOutcome::failed(format!(
                "its Owner is {:?}: valid is an owner of 20 hexadecimal digits",
                remediation.owner
            )),
        };
        let RemediationRequest { environment, alarm, rule, .. } = remediation;
        tracing::info!(environment, alarm, rule, ?outcome, "remediation handled");
        let RemediationOutcome::Decided(result) = &outcome else { return outcome };
        let group = self.group_of(environment);
        let at_ms = self.cloud_factory.now().0;
        let rule_outcome = RuleOutcome {
            group: &group,
            alarm,
            since_ms: remediation.since_ms,
            rule,
            result,
            instance: remediation.instance.as_deref(),
            at_ms,
        };
        if let Err(error) = self.cloud_factory.publish(&rule_outcome.event()).await {
            let (outcome, reason) = (result.name(), result.reason());
            tracing::warn!(environment, alarm, rule, outcome, reason, %error, "ledger publish failed");
        }
        outcome
    }

    async fn decide(&self, owner: &Owner, remediation: &RemediationRequest) -> RemediationOutcome {
        let mut outcome = self.attempt(owner, remediation).await.unwrap_or_else(|not_performed| not_performed);
        if matches!(outcome, RemediationOutcome::Requeue { .. }) && !self.may_requeue(owner, remediation).await {
            outcome = outcome.without_requeue();
        }
        if matches!(outcome, RemediationOutcome::Decided(RuleResult::Unknown(_))) {
            // An unnecessary cooldown is better than a second action.
            self.record_done(owner, remediation).await;
        }
        outcome
    }

    /// Whether the remediation may be requeued: until it expires, and while no request waits behind it.
    async fn may_requeue(&self, owner: &Owner, remediation: &RemediationRequest) -> bool {
        if self.cloud_factory.now() + TRANSIENT_REQUEUE > Timestamp(remediation.expires_ms) {
            return false;
        }
        // If the record can't be read, a waiting request is blocked by the same error.
        let record = self.records.owner(owner).await.ok().flatten();
        record.is_none_or(|record| record.response_due_ms.is_none())
    }

    /// Attempts the remediation once. The errors are the outcomes without a performed action.
    async fn attempt(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
    ) -> Result<RemediationOutcome, RemediationOutcome> {
        let last = self.records.rule_execution(owner, &remediation.execution_key()).await?;
        match last {
            // An invocation ended after recording the action, or a call failed. Even if the action may not run now, it
            // may have been performed then.
            Some(RuleExecution { since_ms, done: false, remediation: action, .. })
                if since_ms == remediation.since_ms =>
            {
                let action =
                    serde_json::from_value(action).map_err(|error| RemediationOutcome::unknown(error.to_string()))?;
                self.resume(owner, remediation, action).await
            }
            last => {
                let rule = self.admit_rule(owner, remediation).await?;
                if let Some(last) = last.filter(|last| last.since_ms >= remediation.since_ms) {
                    return Err(RemediationOutcome::skipped(already_executed(
                        last.at_ms,
                        last.done,
                        remediation.dry_run,
                    )));
                }
                let observed = self.observe_owned_group(remediation).await?;
                self.check_alarm_on(remediation).await?;
                let action = self.choose_action(owner, remediation, &rule, observed).await?;
                if remediation.dry_run {
                    Ok(RuleResult::DryRun(action).into())
                } else {
                    self.perform_action(owner, remediation, action).await
                }
            }
        }
    }

    /// Performs a recorded action, unless the effect is observed already, or the action is no longer allowed.
    async fn resume(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
        action: RemediationAction,
    ) -> Result<RemediationOutcome, RemediationOutcome> {
        let observed = self.observe_owned_group(remediation).await.map_err(RemediationOutcome::indeterminate)?;
        let check_allowed = async {
            self.admit_rule(owner, remediation).await?;
            self.check_alarm_on(remediation).await
        };
        match action.prior_attempt(&observed) {
            PriorAttempt::Applied => {
                self.record_done(owner, remediation).await;
                return Ok(RuleResult::Done(action).into());
            }
            PriorAttempt::Overridden(reason) => return Err(RemediationOutcome::unknown(reason)),
            PriorAttempt::NotApplied => check_allowed.await?,
            // Two notifications are better than none, while the notification is still allowed.
            PriorAttempt::Unobservable => check_allowed.await.map_err(RemediationOutcome::indeterminate)?,
        }
        self.perform_action(owner, remediation, action).await
    }

    async fn perform_action(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
        action: RemediationAction,
    ) -> Result<RemediationOutcome, RemediationOutcome> {
        let message = format!(
            "The alarm {} of the environment {} has been in ALARM since {}. Rule: {}.",
            remediation.alarm,
            remediation.environment,
            ledger::time::text(remediation.since_ms),
            remediation.rule
        );
        match self.cloud_factory.perform(&self.group_of(&remediation.environment), &action, &message).await {
            Ok(()) => {}
            Err(CallError::Indeterminate { message }) => {
                return Err(RemediationOutcome::Requeue { reason: message, attempted: true });
            }
            Err(call_error) => return Err(call_error.into()),
        }
        self.record_done(owner, remediation).await;
        Ok(RuleResult::Done(action).into())
    }

    /// Records the performed action, which starts the rule's cooldown. This function retries by itself: requeueing the
    /// message would notify a topic again.
    async fn record_done(&self, owner: &Owner, remediation: &RemediationRequest) {
        let mut attempts = 1;
        loop {
            match self.records.finish_execution(owner, &remediation.execution_key(), remediation.since_ms).await {
                Ok(()) => return,
                Err(error) if error.is_retryable() && attempts < RECORD_ATTEMPTS => {
                    tracing::warn!(%error, attempts, "performed action not recorded yet");
                    attempts += 1;
                    self.cloud_factory
                        .for_run(owner.as_str(), &remediation.execution_key(), None)
                        .pause(RECORD_ATTEMPT_PAUSE)
                        .await;
                }
                Err(error) => {
                    tracing::error!(rule = remediation.rule, %error, "performed action not recorded: the cooldown does not start");
                    return;
                }
            }
        }
    }

    /// Checks that the remediation is still allowed: by its expiry, by the deployment's pause, and by the current rules
    /// of its environment. Returns the rule.
    async fn admit_rule(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
    ) -> Result<AlarmAction, RemediationOutcome> {
        let skip = |reason: &str| Err(RemediationOutcome::skipped(reason));
        if self.settings.automation_paused {
            return skip(AUTOMATION_PAUSED);
        }
        if self.cloud_factory.now().0 > remediation.expires_ms {
            return skip(&format!("it was queued for more than {} s", REMEDIATION_TTL_MS / 1_000));
        }
        let Some(record) = self.records.owner(owner).await? else { return skip("its environment no longer exists") };
        if record.environment.as_deref() != Some(remediation.environment.as_str()) {
            return skip("its environment no longer exists");
        }
        if record.running_delete().is_some() {
            return skip("its environment is being deleted");
        }
        let RecordedRules { rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        match rules.into_iter().find(|rule| rule.id() == remediation.rule) {
            Some(rule) if rule.dry_run && !remediation.dry_run => skip("the rule is now a dry run"),
            Some(rule) if remediation.dry_run && !rule.dry_run => skip("the rule is no longer a dry run"),
            Some(rule) => Ok(rule),
            None => match unreadable.first() {
                Some(error) => {
                    Err(RemediationOutcome::failed(format!("its environment's record can't be read: {error}")))
                }
                None => skip("its environment no longer has this rule"),
            },
        }
    }

    /// Observes the environment's group, if the group carries its owner's mark.
    async fn observe_owned_group(&self, remediation: &RemediationRequest) -> Result<ObservedGroup, RemediationOutcome> {
        let group = self.group_of(&remediation.environment);
        match self.cloud_factory.observe_group(&group).await? {
            Some(observed) if observed.owner.as_deref() == Some(remediation.owner.as_str()) => Ok(observed),
            Some(_) => Err(RemediationOutcome::skipped(format!("the group {group} carries the mark of another owner"))),
            None => Err(RemediationOutcome::skipped(format!("the group {group} no longer exists"))),
        }
    }

    /// Chooses the action, and records the choice before the call. The action of a dry run is recorded as performed.
    async fn choose_action(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
        rule: &AlarmAction,
        observed: ObservedGroup,
    ) -> Result<RemediationAction, RemediationOutcome> {
        let instance = remediation.instance.as_deref();
        let observed = if needs_instance_health(rule, instance) {
            self.cloud_factory.with_status_checks(observed).await?
        } else {
            observed
        };
        let action = choose_remediation(rule, &observed, instance)
            .map_err(|none| RemediationOutcome::skipped(none.to_string()))?;
        let serialized =
            serde_json::to_value(&action).map_err(|error| RemediationOutcome::failed(error.to_string()))?;
        let at_ms = self.cloud_factory.now().0;
        let next =
            RuleExecution { since_ms: remediation.since_ms, at_ms, remediation: serialized, done: remediation.dry_run };
        let cooldown_ms = u64::from(rule.cooldown_seconds) * 1_000;
        match self.records.begin_execution(owner, &remediation.execution_key(), next, cooldown_ms).await? {
            ExecutionClaim::Granted => Ok(action),
            ExecutionClaim::Denied(last) if last.since_ms >= remediation.since_ms => {
                Err(RemediationOutcome::skipped(already_executed(last.at_ms, last.done, remediation.dry_run)))
            }
            ExecutionClaim::Denied(last) => {
                Err(RemediationOutcome::skipped(in_cooldown(rule.cooldown_seconds, last.at_ms, remediation.dry_run)))
            }
        }
    }

    /// Checks that the alarm is still in ALARM: the remediation request may be minutes old.
    async fn check_alarm_on(&self, remediation: &RemediationRequest) -> Result<(), RemediationOutcome> {
        let now = self.cloud_factory.observe_alarm(&remediation.alarm).await?;
        match ObservedAlarm::check(now.as_ref(), Some(remediation.since_ms), self.cloud_factory.now().0) {
            AlarmCheck::Actionable { .. } => Ok(()),
            AlarmCheck::NotActionable(reason) => Err(RemediationOutcome::skipped(reason)),
            AlarmCheck::Stale => Err(RemediationOutcome::Requeue {
                reason: format!("{} is not observed in ALARM yet", remediation.alarm),
                attempted: false,
            }),
        }
    }

    fn group_of(&self, environment: &str) -> String {
        let deployment = &self.settings.pass.deployment;
        deployment.names(deployment.suffix_of_environment(environment).unwrap_or_default()).group().name
    }
}
