//! Performs the remediations that alarm rules request: at most once each. A transient failure requeues the remediation
//! until the remediation expires, unless a request waits behind it.

use std::time::Duration;

use environment::{
    AlarmAction, AlarmCheck, CallError, Cloud as _, Names, ObservedAlarm, ObservedGroup, PriorAttempt,
    REMEDIATION_TTL_MS, RecordedRules, RemediationAction, RemediationRequest, Timestamp, choose_remediation,
    needs_instance_health,
};
use ledger::events::{AUTOMATION_PAUSED, RuleOutcome, already_executed, in_cooldown};
use ledger::{Alarm, RuleResult};
use request_pass::{CloudFactory, TRANSIENT_REQUEUE};
use requests::records::{ExecutionClaim, RuleExecution};
use requests::{Owner, Records, RecordsError};

use crate::Reconciler;
use crate::remediation_outcome::RemediationOutcome;

/// The number of attempts to record a performed action, and the pause between them: a table that failed all of the
/// SDK's own attempts may respond two seconds later.
const RECORD_ATTEMPTS: u32 = 3;
const RECORD_ATTEMPT_PAUSE: Duration = Duration::from_secs(2);

/// How far ahead of the function's clock the times of a request may be: a minute, the bound of this deployment for
/// differences between the clocks of AWS's services (`ledger/src/batch.rs`).
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(1);

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Runs a remediation, and publishes its outcome to the ledger once the outcome is decided.
    ///
    /// The request is a hint. Its owner, environment, rule and alarm have to agree with the owner's record; otherwise it
    /// has no outcome, and the ledger of no environment gets a line. The state, the time and the instance of the alarm
    /// are those that CloudWatch reports.
    pub async fn remediate(&self, remediation: &RemediationRequest) -> RemediationOutcome {
        let outcome = match self.confirm(remediation).await {
            Ok(owner) => self.decide(&owner, remediation).await,
            Err(unconfirmed) => unconfirmed,
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
            // No lookup has confirmed the instance of a skipped remediation.
            instance: remediation.instance.as_deref().filter(|_| !matches!(result, RuleResult::Skipped(_))),
            at_ms,
        };
        if let Err(error) = self.cloud_factory.publish(&rule_outcome.event()).await {
            let (outcome, reason) = (result.name(), result.reason());
            tracing::warn!(environment, alarm, rule, outcome, reason, %error, "ledger publish failed");
        }
        outcome
    }

    /// Confirms the claims of a request by its owner's record, and returns the owner.
    ///
    /// # Errors
    /// The outcome of a request that the record does not confirm, or not yet.
    async fn confirm(&self, remediation: &RemediationRequest) -> Result<Owner, RemediationOutcome> {
        let unconfirmed = |reason| Err(RemediationOutcome::Unconfirmed(reason));
        let RemediationRequest { environment, alarm, rule, .. } = remediation;
        let latest = self.cloud_factory.now() + MAX_CLOCK_DIFFERENCE;
        let Some(owner) = Owner::parse(&remediation.owner) else {
            return unconfirmed("its Owner is not an owner of 20 hexadecimal digits");
        };
        if remediation.since_ms > latest.0 {
            return unconfirmed("its alarm changes in the future");
        }
        if remediation.expires_ms > latest.0.saturating_add(REMEDIATION_TTL_MS) {
            return unconfirmed("it expires later than any remediation request");
        }
        let record = self.records.owner(&owner).await.map_err(|error| self.unread(&error, remediation))?;
        let Some(record) = record else { return unconfirmed("its owner has no record") };
        if record.environment.as_ref() != Some(environment) {
            return unconfirmed("its environment is not its owner's");
        }
        let RecordedRules { rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        match rules.into_iter().find(|it| it.id() == *rule) {
            Some(rule) if rule.alarm_name(&self.names_of(environment)) != *alarm => {
                return unconfirmed("its rule does not name its alarm");
            }
            None if unreadable.is_empty() => {
                // The rule existed, if it was executed.
                let last = self.records.rule_execution(&owner, &remediation.execution_key()).await;
                if last.map_err(|error| self.unread(&error, remediation))?.is_none() {
                    return unconfirmed("its environment has no such rule");
                }
            }
            Some(_) | None => {}
        }
        Ok(owner)
    }

    /// The outcome of a request whose records can't be read: it is requeued until it expires.
    fn unread(&self, error: &RecordsError, remediation: &RemediationRequest) -> RemediationOutcome {
        if error.is_retryable() && self.cloud_factory.now() + TRANSIENT_REQUEUE <= Timestamp(remediation.expires_ms) {
            return RemediationOutcome::Requeue { reason: error.to_string(), attempted: false };
        }
        RemediationOutcome::Unconfirmed("its owner's record can't be read")
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
                let instance = self.check_alarm_on(remediation).await?;
                let action = self.choose_action(owner, remediation, &rule, observed, instance.as_deref()).await?;
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
            self.check_alarm_on(remediation).await.map(drop)
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
        instance: Option<&str>,
    ) -> Result<RemediationAction, RemediationOutcome> {
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

    /// Checks that the alarm belongs to the environment, and is still in the ALARM of the request, which may be minutes
    /// old. Returns the instance that the alarm is about.
    async fn check_alarm_on(&self, remediation: &RemediationRequest) -> Result<Option<String>, RemediationOutcome> {
        let now = self.cloud_factory.observe_alarm(&remediation.alarm).await?;
        let skip = |reason: &str| Err(RemediationOutcome::skipped(reason));
        match ObservedAlarm::check(now.as_ref(), Some(remediation.since_ms), self.cloud_factory.now().0) {
            AlarmCheck::Actionable { since_ms } if since_ms != remediation.since_ms => {
                skip("the alarm has been in ALARM since another time")
            }
            AlarmCheck::Actionable { .. } => {
                let alarm = now.map(|observed| Alarm::of_observed(&remediation.alarm, &observed));
                let deployment = &self.settings.pass.deployment;
                let suffix = alarm.as_ref().and_then(|alarm| alarm.suffix(deployment));
                if suffix.as_deref() != deployment.suffix_of_environment(&remediation.environment) {
                    return skip("the alarm does not belong to the environment");
                }
                Ok(alarm.as_ref().and_then(Alarm::instance).map(str::to_owned))
            }
            AlarmCheck::NotActionable(reason) => Err(RemediationOutcome::skipped(reason)),
            AlarmCheck::Stale => Err(RemediationOutcome::Requeue {
                reason: format!("{} is not observed in ALARM yet", remediation.alarm),
                attempted: false,
            }),
        }
    }

    fn group_of(&self, environment: &str) -> String {
        self.names_of(environment).group().name
    }

    fn names_of(&self, environment: &str) -> Names {
        let deployment = &self.settings.pass.deployment;
        deployment.names(deployment.suffix_of_environment(environment).unwrap_or_default())
    }
}
