//! Carries out what the rules of an alarm come to: once, or not at all. What fails in passing comes back for as long as it is
//! good, unless a request waits behind it.

use std::time::Duration;

use environment::{
    AlarmAction, CallError, Cloud as _, Freshness, ObservedAlarm, ObservedGroup, PriorAttempt, REMEDIATION_TTL_MS,
    RecordedRules, RemediationAction, RemediationRequest, Timestamp, choose_remediation, needs_instance_health,
};
use ledger::published::{PAUSED, RuleOutcome, acted, rests};
use requests::records::{ExecutionClaim, RuleExecution};
use requests::{Owner, Records};

use crate::Reconciler;
use crate::cloud_factory::CloudFactory;
use crate::pass::TRANSIENT_REQUEUE;
use crate::remediation_outcome::RemediationOutcome;

/// How often it is tried to write down that something is done, and what lies between: what the SDK's own tries did not bring
/// may be there a moment later.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

impl<R: Records, C: CloudFactory> Reconciler<'_, R, C> {
    /// Carries a remediation out, and tells the ledger what became of it once that is decided.
    pub async fn remediate(&self, remediation: &RemediationRequest) -> RemediationOutcome {
        let outcome = match Owner::parse(&remediation.owner) {
            Some(owner) => self.decided(&owner, remediation).await,
            None => RemediationOutcome::Failed(format!(
                "its Owner is {:?}: 20 hexadecimal digits would be one",
                remediation.owner
            )),
        };
        let RemediationRequest { environment, alarm, rule, .. } = remediation;
        tracing::info!(environment, alarm, rule, ?outcome, "an alarm's action");
        let Some((outcome_name, reason)) = outcome.summary() else { return outcome };
        let (desired_capacity, instance) = match &outcome {
            RemediationOutcome::Done(RemediationAction::Scale { from, to }) => (Some((*from, *to)), None),
            RemediationOutcome::Done(RemediationAction::Replace { instance }) => (None, Some(instance.as_str())),
            _ => (None, remediation.instance.as_deref()),
        };
        let group = self.group_of(environment);
        let at_ms = self.cloud_factory.now().0;
        let told = RuleOutcome {
            group: &group,
            alarm,
            since_ms: remediation.since_ms,
            rule,
            outcome: outcome_name,
            reason: &reason,
            desired_capacity,
            instance,
            at_ms,
        };
        if let Err(error) = self.cloud_factory.publish(&told.event()).await {
            tracing::warn!(environment, alarm, rule, outcome = outcome_name, reason, error, "the ledger does not know");
        }
        outcome
    }

    async fn decided(&self, owner: &Owner, remediation: &RemediationRequest) -> RemediationOutcome {
        let mut outcome = self.outcome(owner, remediation).await.unwrap_or_else(|reason| reason);
        if matches!(outcome, RemediationOutcome::Requeue { .. }) && !self.may_wait(owner, remediation).await {
            outcome = outcome.at_last();
        }
        if matches!(outcome, RemediationOutcome::Unknown(_)) {
            // A rest too many is better than acting twice.
            self.is_done(owner, remediation).await;
        }
        outcome
    }

    /// Whether it may come back: while it is good, and nobody's request waits behind it.
    async fn may_wait(&self, owner: &Owner, remediation: &RemediationRequest) -> bool {
        if self.cloud_factory.now() + TRANSIENT_REQUEUE > Timestamp(remediation.expires_ms) {
            return false;
        }
        // What can't be read holds up whoever waits as well.
        let record = self.records.owner(owner).await.ok().flatten();
        record.is_none_or(|record| record.response_due_ms.is_none())
    }

    /// The errors are what it comes to without being done.
    async fn outcome(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
    ) -> Result<RemediationOutcome, RemediationOutcome> {
        let last = self.records.rule_execution(owner, &remediation.execution_key()).await?;
        match last {
            // An invocation ended in between, or a call failed: whatever keeps it from being made now, it may have been.
            Some(RuleExecution { since_ms, done: false, remediation: action, .. })
                if since_ms == remediation.since_ms =>
            {
                let action =
                    serde_json::from_value(action).map_err(|error| RemediationOutcome::Unknown(error.to_string()))?;
                self.resume(owner, remediation, action).await
            }
            last => {
                let rule = self.admitted(owner, remediation).await?;
                if let Some(last) = last.filter(|last| last.since_ms >= remediation.since_ms) {
                    return Err(RemediationOutcome::Skipped(acted(last.at_ms, last.done, remediation.dry_run)));
                }
                let observed = self.observed(remediation).await?;
                self.still_on(remediation).await?;
                let action = self.chosen(owner, remediation, &rule, observed).await?;
                if remediation.dry_run {
                    Ok(RemediationOutcome::DryRun(action))
                } else {
                    self.made(owner, remediation, action).await
                }
            }
        }
    }

    /// What was written down to be made is made, unless it is seen that it was, or it may no longer be.
    async fn resume(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
        action: RemediationAction,
    ) -> Result<RemediationOutcome, RemediationOutcome> {
        let observed = self.observed(remediation).await.map_err(RemediationOutcome::indeterminate)?;
        let may_be_made = async {
            self.admitted(owner, remediation).await?;
            self.still_on(remediation).await
        };
        match action.begun(&observed) {
            PriorAttempt::Made => {
                self.is_done(owner, remediation).await;
                return Ok(RemediationOutcome::Done(action));
            }
            PriorAttempt::Overtaken(reason) => return Err(RemediationOutcome::Unknown(reason)),
            PriorAttempt::ToDo => may_be_made.await?,
            // Told twice is better than not at all, while it may be told.
            PriorAttempt::Unseen => may_be_made.await.map_err(RemediationOutcome::indeterminate)?,
        }
        self.made(owner, remediation, action).await
    }

    async fn made(
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
        match self.cloud_factory.make(&self.group_of(&remediation.environment), &action, &message).await {
            Ok(()) => {}
            Err(CallError::Indeterminate { message: what }) => {
                return Err(RemediationOutcome::Requeue { reason: what, asked: true });
            }
            Err(call_error) => return Err(call_error.into()),
        }
        self.is_done(owner, remediation).await;
        Ok(RemediationOutcome::Done(action))
    }

    /// Writes down that it is done, so that the rule rests. It is tried here, since coming back would tell a topic again.
    async fn is_done(&self, owner: &Owner, remediation: &RemediationRequest) {
        let mut tries = 1;
        loop {
            match self.records.finish_execution(owner, &remediation.execution_key(), remediation.since_ms).await {
                Ok(()) => return,
                Err(error) if error.is_retryable() && tries < TRIES => {
                    tracing::warn!(%error, tries, "that it is done is not written down yet");
                    tries += 1;
                    self.cloud_factory
                        .for_run(owner.as_str(), &remediation.execution_key(), None)
                        .pause(BETWEEN_TRIES)
                        .await;
                }
                Err(error) => {
                    tracing::error!(rule = remediation.rule, %error, "that it is done is not written down: the rule does not rest");
                    return;
                }
            }
        }
    }

    /// Whether it may still be done: by its time, by the deployment's pause, by what its environment says now.
    async fn admitted(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
    ) -> Result<AlarmAction, RemediationOutcome> {
        let nothing = |reason: &str| Err(RemediationOutcome::Skipped(reason.to_owned()));
        if self.settings.automation_paused {
            return nothing(PAUSED);
        }
        if self.cloud_factory.now().0 > remediation.expires_ms {
            return nothing(&format!("it stood in line for longer than {} s", REMEDIATION_TTL_MS / 1_000));
        }
        let Some(record) = self.records.owner(owner).await? else { return nothing("its environment is gone") };
        if record.environment.as_deref() != Some(remediation.environment.as_str()) {
            return nothing("its environment is gone");
        }
        if record.running_delete().is_some() {
            return nothing("its environment is being deleted");
        }
        let RecordedRules { rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        match rules.into_iter().find(|rule| rule.summary() == remediation.rule) {
            Some(rule) if rule.dry_run && !remediation.dry_run => nothing("the rule is a dry run by now"),
            Some(rule) if remediation.dry_run && !rule.dry_run => nothing("the rule is no dry run any more"),
            Some(rule) => Ok(rule),
            None => match unreadable.first() {
                Some(what) => {
                    Err(RemediationOutcome::Failed(format!("its environment's record can't be read: {what}")))
                }
                None => nothing("its environment no longer has this rule"),
            },
        }
    }

    /// The group, if it is its owner's.
    async fn observed(&self, remediation: &RemediationRequest) -> Result<ObservedGroup, RemediationOutcome> {
        let group = self.group_of(&remediation.environment);
        match self.cloud_factory.observe_group(&group).await? {
            Some(observed) if observed.owner.as_deref() == Some(remediation.owner.as_str()) => Ok(observed),
            Some(_) => Err(RemediationOutcome::Skipped(format!("the group {group} carries another owner's mark"))),
            None => Err(RemediationOutcome::Skipped(format!("the group {group} is gone"))),
        }
    }

    /// What is to be done, written down before it is; of a dry run as if it were done.
    async fn chosen(
        &self,
        owner: &Owner,
        remediation: &RemediationRequest,
        rule: &AlarmAction,
        observed: ObservedGroup,
    ) -> Result<RemediationAction, RemediationOutcome> {
        let instance = remediation.instance.as_deref();
        let observed =
            if needs_instance_health(rule, instance) { self.cloud_factory.checked(observed).await? } else { observed };
        let action = choose_remediation(rule, &observed, instance).map_err(RemediationOutcome::Skipped)?;
        let written = serde_json::to_value(&action).map_err(|error| RemediationOutcome::Failed(error.to_string()))?;
        let at_ms = self.cloud_factory.now().0;
        let next =
            RuleExecution { since_ms: remediation.since_ms, at_ms, remediation: written, done: remediation.dry_run };
        let cooldown_ms = u64::from(rule.cooldown_seconds) * 1_000;
        match self.records.begin_execution(owner, &remediation.execution_key(), next, cooldown_ms).await? {
            ExecutionClaim::Yes => Ok(action),
            ExecutionClaim::No(last) if last.since_ms >= remediation.since_ms => {
                Err(RemediationOutcome::Skipped(acted(last.at_ms, last.done, remediation.dry_run)))
            }
            ExecutionClaim::No(last) => {
                Err(RemediationOutcome::Skipped(rests(rule.cooldown_seconds, last.at_ms, remediation.dry_run)))
            }
        }
    }

    /// A wish may be minutes old, and the alarm over.
    async fn still_on(&self, remediation: &RemediationRequest) -> Result<(), RemediationOutcome> {
        let now = self.cloud_factory.observe_alarm(&remediation.alarm).await?;
        match ObservedAlarm::fresh(now.as_ref(), Some(remediation.since_ms), self.cloud_factory.now().0) {
            Freshness::On { .. } => Ok(()),
            Freshness::Off(reason) => Err(RemediationOutcome::Skipped(reason)),
            Freshness::Stale => Err(RemediationOutcome::Requeue {
                reason: format!("{} is not seen in ALARM yet", remediation.alarm),
                asked: false,
            }),
        }
    }

    fn group_of(&self, environment: &str) -> String {
        let deployment = &self.settings.deployment;
        deployment.names(deployment.suffix_of_environment(environment).unwrap_or_default()).group().name
    }
}
