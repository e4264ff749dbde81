//! Evaluates an alarm that reported its state: its environment, the environment's rules, and the outcome of each.

use environment::{
    AlarmAction, CallError, Names, ObservedAlarm, REMEDIATION_TTL_MS, RecordedRules, RemediationRequest, execution_key,
};
use lambda_kit::{Error, Failure, FailureKind};
use ledger::events::{RuleOutcome, alarm_state_event};
use ledger::{Alarm, RuleResult};
use requests::{Owner, Records, RequestQueue, request_hash};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Alarms;
use crate::cloud::AlarmApi;
use crate::decide::{Facts, Verdict, decide};

/// The outcome of a rule, or of an alarm without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    /// `-` where no rule applies.
    pub rule: String,
    /// [`RuleResult::Requested`] or [`RuleResult::Skipped`], as `Outcome` and `Reason`.
    #[serde(flatten)]
    pub result: RuleResult,
}

/// The recorded environment of an alarm, with the alarm's rules.
struct AlarmEnvironment {
    owner: Owner,
    names: Names,
    rules: Vec<AlarmAction>,
}

impl<R: Records, C: AlarmApi, L: RequestQueue> Alarms<R, C, L> {
    /// Evaluates the rules for an alarm that reported its state at `sent_ms`.
    pub(crate) async fn evaluate(&self, alarm: &Alarm, sent_ms: Option<u64>) -> Result<Vec<Outcome>, Error> {
        let outcomes = self.outcomes(alarm, sent_ms).await?;
        for Outcome { rule, result } in &outcomes {
            let (outcome, reason) = (result.name(), result.reason());
            tracing::info!(alarm = alarm.name, state = alarm.state, rule, outcome, reason, "alarm evaluated");
        }
        Ok(outcomes)
    }

    async fn outcomes(&self, alarm: &Alarm, sent_ms: Option<u64>) -> Result<Vec<Outcome>, Error> {
        let skip = |reason: &str| Ok(vec![Outcome::skipped("-", reason)]);
        let Some(suffix) = alarm.suffix(&self.deployment) else {
            return skip("the alarm belongs to no environment of this deployment, or to several");
        };
        if alarm.state != "ALARM" && self.is_published_by_event_rule(alarm) {
            return skip(NOT_ALARM);
        }
        let names = self.deployment.names(&suffix);
        let environment_id = names.environment_id();
        let owner = self.records.environment_owner(&environment_id).await?;
        let Some(owner) = owner else { return skip(&format!("the environment {environment_id} no longer exists")) };
        // One fresh observation for all that follows: the report may be minutes old. Whether the alarm exists, its
        // environment and its instance are taken from the observation too, since others may publish to a topic as well.
        let call_failed = |error: CallError| Failure::new(FailureKind::AwsCallFailed, error.to_string());
        let observed = self.cloud.observe_alarm(&alarm.name).await.map_err(call_failed)?;
        let alarm = &with_observed(alarm, observed.as_ref());
        if observed.is_some() {
            if alarm.suffix(&self.deployment).as_ref() != Some(&suffix) {
                return skip("the observed alarm does not belong to the environment in the message");
            }
            self.publish_state(alarm).await;
        }
        if alarm.state != "ALARM" {
            return skip(NOT_ALARM);
        }
        let record = self.records.owner(&owner).await?;
        let Some(record) = record else { return skip(&format!("the record of {environment_id} is missing")) };
        if record.running_delete().is_some() {
            return skip(&format!("the environment {environment_id} is being deleted"));
        }
        let RecordedRules { mut rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        if rules.is_empty() && unreadable.is_empty() {
            return skip("the environment has no rules");
        }
        rules.retain(|rule| rule.alarm_name(&names) == alarm.name);
        let environment = AlarmEnvironment { owner, names, rules };
        if environment.rules.is_empty() {
            let reason = match unreadable.first() {
                Some(fault) => &format!("no readable rule names the alarm; of the unreadable rules, {fault}"),
                None => "no rule of the environment names the alarm",
            };
            let skipped = Outcome::skipped("-", reason);
            if observed.is_some() {
                self.publish(&environment, alarm, alarm.since_ms, &skipped).await;
            }
            return Ok(vec![skipped]);
        }
        let mut outcomes = Vec::new();
        for rule in &environment.rules {
            let outcome = self.evaluate_rule(&environment, (alarm, sent_ms), rule, observed.as_ref()).await?;
            // The reconciler publishes the outcome of a requested remediation.
            if outcome.result != RuleResult::Requested {
                self.publish(&environment, alarm, observed.as_ref().map(|it| it.since_ms).or(alarm.since_ms), &outcome)
                    .await;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn evaluate_rule(
        &self,
        environment: &AlarmEnvironment,
        (alarm, sent_ms): (&Alarm, Option<u64>),
        rule: &AlarmAction,
        observed: Option<&ObservedAlarm>,
    ) -> Result<Outcome, Error> {
        let summary = rule.id();
        let last_execution =
            self.records.rule_execution(&environment.owner, &execution_key(&summary, rule.dry_run)).await?;
        let facts = Facts {
            paused: self.paused,
            sent_ms,
            reported_ms: alarm.since_ms,
            observed,
            last_execution: last_execution.as_ref(),
        };
        let now_ms = self.cloud.now_ms();
        match decide(rule, &facts, now_ms) {
            Verdict::Skip(reason) => Ok(Outcome::skipped(&summary, &reason)),
            Verdict::Retry => {
                let reason = format!("the observed state of {} is older than the reported state", alarm.name);
                Err(Failure::new(FailureKind::StaleObservation, reason).into())
            }
            Verdict::Request { since_ms } => {
                let remediation = RemediationRequest {
                    owner: environment.owner.to_string(),
                    environment: environment.names.environment_id(),
                    alarm: alarm.name.clone(),
                    since_ms,
                    rule: summary.clone(),
                    instance: alarm.instance().map(str::to_owned),
                    // Counted from the time of the report, as the age of the message is: a late message has less time.
                    expires_ms: sent_ms.or(alarm.since_ms).unwrap_or(now_ms).min(now_ms) + REMEDIATION_TTL_MS,
                    dry_run: rule.dry_run,
                };
                // The same remediation has the same name, for any sender and time of the report: the request queue
                // holds it once.
                let name = request_hash(&json!([remediation.owner, remediation.execution_key(), remediation.since_ms]));
                self.request_queue.send(&environment.owner, &name, &remediation.body()).await?;
                Ok(Outcome { rule: summary, result: RuleResult::Requested })
            }
        }
    }

    /// Whether the deployment's EventBridge rule publishes the alarm's states to the ledger: the rule matches alarms
    /// whose names begin with the project's.
    fn is_published_by_event_rule(&self, alarm: &Alarm) -> bool {
        alarm.name.strip_prefix(&self.deployment.project).is_some_and(|rest| rest.starts_with('-'))
    }

    /// Publishes the state of an alarm that the EventBridge rule does not match; no other part of Envkeeper reports
    /// that state to the ledger.
    async fn publish_state(&self, alarm: &Alarm) {
        if !self.is_published_by_event_rule(alarm) {
            self.publish_event(&alarm.name, &alarm_state_event(alarm, self.cloud.now_ms())).await;
        }
    }

    async fn publish(&self, environment: &AlarmEnvironment, alarm: &Alarm, since_ms: Option<u64>, outcome: &Outcome) {
        let at_ms = self.cloud.now_ms();
        let group = environment.names.group().name;
        let rule_outcome = RuleOutcome {
            group: &group,
            alarm: &alarm.name,
            since_ms: since_ms.unwrap_or(at_ms),
            rule: &outcome.rule,
            result: &outcome.result,
            instance: alarm.instance(),
            at_ms,
        };
        self.publish_event(&alarm.name, &rule_outcome.event()).await;
    }

    /// A failure loses only the ledger entry.
    async fn publish_event(&self, alarm: &str, event: &Value) {
        if let Err(error) = self.cloud.publish(event).await {
            tracing::warn!(alarm, %error, "ledger publish failed");
        }
    }
}

/// The reason why most reported states are skipped.
const NOT_ALARM: &str = "only the state ALARM is acted on";

impl Outcome {
    fn skipped(rule: &str, reason: &str) -> Outcome {
        Outcome { rule: rule.to_owned(), result: RuleResult::Skipped(reason.to_owned()) }
    }
}

/// The reported alarm, with the observed description and dimensions.
fn with_observed(reported: &Alarm, observed: Option<&ObservedAlarm>) -> Alarm {
    let mut alarm = reported.clone();
    if let Some(ObservedAlarm { description, dimensions, .. }) = observed {
        (alarm.description, alarm.dimensions) = (description.clone(), dimensions.clone());
    }
    alarm
}
