//! An alarm that told of its state: whose it is, what its environment's rules say, and what becomes of each.

use environment::{
    AlarmAction, Names, ObservedAlarm, REMEDIATION_TTL_MS, RecordedRules, RemediationRequest, execution_key,
};
use ledger::Alarm;
use ledger::published::{RuleOutcome, state_change};
use requests::{Owner, Records, RequestQueue, request_hash};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Alarms;
use crate::cloud::Cloud;
use crate::decide::{Facts, Verdict, decide};

/// What became of a rule, or of an alarm without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    /// `-` where none was come to.
    pub rule: String,
    /// `requested` or `nothing`.
    pub outcome: &'static str,
    /// Why.
    pub reason: String,
}

/// An alarm's environment, as it is recorded.
struct Known {
    owner: Owner,
    names: Names,
    rules: Vec<AlarmAction>,
}

impl<R: Records, C: Cloud, L: RequestQueue> Alarms<R, C, L> {
    /// What becomes of an alarm that told of its state at `sent_ms`.
    pub(crate) async fn evaluate(&self, alarm: &Alarm, sent_ms: Option<u64>) -> Result<Vec<Outcome>, String> {
        let outcomes = self.outcomes(alarm, sent_ms).await?;
        for Outcome { rule, outcome, reason } in &outcomes {
            tracing::info!(alarm = alarm.name, state = alarm.state, rule, outcome, reason, "an alarm");
        }
        Ok(outcomes)
    }

    async fn outcomes(&self, alarm: &Alarm, sent_ms: Option<u64>) -> Result<Vec<Outcome>, String> {
        let nothing = |reason: &str| Ok(vec![Outcome::nothing("-", reason)]);
        let Some(suffix) = alarm.suffix(&self.deployment) else {
            return nothing("it is of no environment of this deployment, or of several");
        };
        if alarm.state != "ALARM" && self.is_told_by_a_rule(alarm) {
            return nothing(NOT_ACTED_ON);
        }
        let names = self.deployment.names(&suffix);
        let environment = names.environment_id();
        let owner = self.records.environment_owner(&environment).await.map_err(|error| error.to_string())?;
        let Some(owner) = owner else { return nothing(&format!("the environment {environment} is gone")) };
        // One fresh look for all that follows: what is told may be minutes old. Whether there is such an alarm, whose it is and
        // which instance it is about is taken from there too, since others may publish to a topic as well.
        let now = self.cloud.alarm(&alarm.name).await?;
        let alarm = &seen(alarm, now.as_ref());
        if now.is_some() {
            if alarm.suffix(&self.deployment).as_ref() != Some(&suffix) {
                return nothing("the alarm itself is not of this environment, whatever told of it");
            }
            self.tell_state(alarm).await;
        }
        if alarm.state != "ALARM" {
            return nothing(NOT_ACTED_ON);
        }
        let record = self.records.owner(&owner).await.map_err(|error| error.to_string())?;
        let Some(record) = record else { return nothing(&format!("the record of {environment} is lost")) };
        if record.running_delete().is_some() {
            return nothing(&format!("the environment {environment} is being deleted"));
        }
        let RecordedRules { mut rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        if rules.is_empty() && unreadable.is_empty() {
            return nothing("its environment has no rules");
        }
        rules.retain(|rule| rule.alarm_name(&names) == alarm.name);
        let known = Known { owner, names, rules };
        if known.rules.is_empty() {
            let none = match unreadable.first() {
                Some(what) => &format!("no rule that can be read is about it; of the others, {what}"),
                None => "no rule of its environment is about it",
            };
            let none = Outcome::nothing("-", none);
            if now.is_some() {
                self.publish(&known, alarm, alarm.since_ms, &none).await;
            }
            return Ok(vec![none]);
        }
        let mut outcomes = Vec::new();
        for rule in &known.rules {
            let outcome = self.of_rule(&known, (alarm, sent_ms), rule, now.as_ref()).await?;
            // What is requested is told by whoever carries it out.
            if outcome.outcome != REQUESTED {
                self.publish(&known, alarm, now.as_ref().map(|it| it.since_ms).or(alarm.since_ms), &outcome).await;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn of_rule(
        &self,
        known: &Known,
        (alarm, sent_ms): (&Alarm, Option<u64>),
        rule: &AlarmAction,
        now: Option<&ObservedAlarm>,
    ) -> Result<Outcome, String> {
        let told = rule.summary();
        let last = self
            .records
            .rule_execution(&known.owner, &execution_key(&told, rule.dry_run))
            .await
            .map_err(|error| error.to_string())?;
        let facts = Facts { paused: self.paused, sent_ms, reported_ms: alarm.since_ms, now, last: last.as_ref() };
        let now_ms = self.cloud.now_ms();
        match decide(rule, &facts, now_ms) {
            Verdict::Skipped(reason) => Ok(Outcome::nothing(&told, &reason)),
            Verdict::LookAgain => Err(format!("what CloudWatch says of {} is older than what it told", alarm.name)),
            Verdict::Ask { since_ms } => {
                let remediation = RemediationRequest {
                    owner: known.owner.to_string(),
                    environment: known.names.environment_id(),
                    alarm: alarm.name.clone(),
                    since_ms,
                    rule: told.clone(),
                    instance: alarm.instance().map(str::to_owned),
                    // From when it was told on, as its age is counted: what comes late has less time.
                    expires_ms: sent_ms.or(alarm.since_ms).unwrap_or(now_ms).min(now_ms) + REMEDIATION_TTL_MS,
                    dry_run: rule.dry_run,
                };
                // The same wish has the same name, whoever tells of it and whenever: the line has it once.
                let name = request_hash(&json!([remediation.owner, remediation.execution_key(), remediation.since_ms]));
                self.request_queue
                    .send(&known.owner, &name, &remediation.body())
                    .await
                    .map_err(|error| error.to_string())?;
                Ok(Outcome { rule: told, outcome: REQUESTED, reason: String::from("it stands in its owner's line") })
            }
        }
    }

    /// Whether the deployment's rule tells the ledger of its states: that of alarms whose names begin with the project's.
    fn is_told_by_a_rule(&self, alarm: &Alarm) -> bool {
        alarm.name.strip_prefix(&self.deployment.project).is_some_and(|rest| rest.starts_with('-'))
    }

    /// Of other alarms nobody else tells the ledger.
    async fn tell_state(&self, alarm: &Alarm) {
        if !self.is_told_by_a_rule(alarm) {
            self.pass_on(&alarm.name, &state_change(alarm, self.cloud.now_ms())).await;
        }
    }

    async fn publish(&self, known: &Known, alarm: &Alarm, since_ms: Option<u64>, outcome: &Outcome) {
        let at_ms = self.cloud.now_ms();
        let group = known.names.group().name;
        let told = RuleOutcome {
            group: &group,
            alarm: &alarm.name,
            since_ms: since_ms.unwrap_or(at_ms),
            rule: &outcome.rule,
            outcome: outcome.outcome,
            reason: &outcome.reason,
            desired_capacity: None,
            instance: alarm.instance(),
            at_ms,
        };
        self.pass_on(&alarm.name, &told.event()).await;
    }

    /// Losing it changes nothing but the story.
    async fn pass_on(&self, alarm: &str, event: &Value) {
        if let Err(error) = self.cloud.publish(event).await {
            tracing::warn!(alarm, error, "the ledger does not know");
        }
    }
}

const REQUESTED: &str = "requested";
/// Why nothing comes of most states that are told.
const NOT_ACTED_ON: &str = "only ALARM is acted on";

impl Outcome {
    fn nothing(rule: &str, reason: &str) -> Outcome {
        Outcome { rule: rule.to_owned(), outcome: "skipped", reason: reason.to_owned() }
    }
}

/// An alarm that told, as it is described.
fn seen(told: &Alarm, now: Option<&ObservedAlarm>) -> Alarm {
    let mut alarm = told.clone();
    if let Some(ObservedAlarm { description, dimensions, .. }) = now {
        (alarm.description, alarm.dimensions) = (description.clone(), dimensions.clone());
    }
    alarm
}
