//! Carries out what the rules of an alarm come to: once, or not at all. What fails in passing comes back for as long as it is
//! good, unless a request waits behind it.

use environment::{
    AlarmAction, AlarmNow, Begun, Fresh, GroupNow, Moment, Remediation, Remedy, Setback, asks_for_health, remedy,
};
use ledger::told::{PAUSED, RuleOutcome, acted, rests};
use requests::records::{Fire, Fired};
use requests::{Owner, Records, RecordsError};

use crate::carry_out::NOT_NOW;
use crate::clouds::Clouds;
use crate::{Reconciler, known};

/// What became of a remediation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedied {
    /// It was done.
    Done(Remedy),
    /// Nothing was done; why.
    Nothing(String),
    /// It could not be done; why.
    Failed(String),
    /// It could not be done now, and comes back; why.
    NotNow(String),
}

impl From<Setback> for Remedied {
    fn from(setback: Setback) -> Remedied {
        match setback {
            Setback::Refused { what } => Remedied::Failed(what),
            Setback::Busy { what, .. } | Setback::Doubtful { what } => Remedied::NotNow(what),
        }
    }
}

impl From<RecordsError> for Remedied {
    fn from(error: RecordsError) -> Remedied {
        let make = if error.may_pass() { Remedied::NotNow } else { Remedied::Failed };
        make(error.to_string())
    }
}

impl<R: Records, C: Clouds> Reconciler<'_, R, C> {
    /// Carries a remediation out, and tells the ledger what became of it once that is decided.
    pub async fn remediate(&self, wish: &Remediation) -> Remedied {
        let remedied = match self.remedied(wish).await.unwrap_or_else(|why| why) {
            Remedied::NotNow(why) if !self.may_wait(wish).await => Remedied::Failed(why),
            remedied => remedied,
        };
        let Remediation { environment, alarm, rule, .. } = wish;
        tracing::info!(environment, alarm, rule, ?remedied, "an alarm's action");
        let (outcome, why) = match &remedied {
            Remedied::Done(remedy) => ("done", remedy.told()),
            Remedied::Nothing(why) => ("nothing", why.clone()),
            Remedied::Failed(why) => ("failed", why.clone()),
            Remedied::NotNow(_) => return remedied,
        };
        let (desired, instance) = match &remedied {
            Remedied::Done(Remedy::Scale { from, to }) => (Some((*from, *to)), None),
            Remedied::Done(Remedy::Replace { instance }) => (None, Some(instance.as_str())),
            _ => (None, wish.instance.as_deref()),
        };
        let group = self.group_of(environment);
        let at_ms = self.clouds.now().0;
        let told = RuleOutcome {
            group: &group,
            alarm,
            since_ms: wish.since_ms,
            rule,
            outcome,
            why: &why,
            desired,
            instance,
            at_ms,
        };
        if let Err(error) = self.clouds.tell(&told.event()).await {
            tracing::warn!(environment, alarm, rule, outcome, why, error, "the ledger does not know");
        }
        remedied
    }

    /// Whether it may come back: while it is good, and nobody's request waits behind it.
    async fn may_wait(&self, wish: &Remediation) -> bool {
        if self.clouds.now() + NOT_NOW > Moment(wish.expires_ms) {
            return false;
        }
        let Some(owner) = Owner::parse(&wish.owner) else { return false };
        // What can't be read holds up whoever waits as well.
        let record = self.records.owner(&owner).await.ok().flatten();
        record.is_none_or(|record| record.answer_due_ms.is_none())
    }

    /// The errors are what it comes to without being done.
    async fn remedied(&self, wish: &Remediation) -> Result<Remedied, Remedied> {
        let (owner, rule) = self.admitted(wish).await?;
        let group = self.group_of(&wish.environment);
        let live = match self.clouds.group_now(&group).await? {
            Some(live) if live.owner.as_deref() == Some(owner.as_str()) => live,
            Some(_) => return Ok(Remedied::Nothing(format!("the group {group} carries another owner's mark"))),
            None => return Ok(Remedied::Nothing(format!("the group {group} is gone"))),
        };
        let (remedy, begun) = self.chosen(&owner, wish, &rule, &live).await?;
        let message = format!(
            "The alarm {} of the environment {} has been in ALARM since {}. Rule: {}.",
            wish.alarm,
            wish.environment,
            ledger::time::text(wish.since_ms),
            wish.rule
        );
        match begun {
            Begun::ToDo => self.clouds.make(&group, &remedy, &message).await?,
            Begun::Made => {}
            Begun::Overtaken(why) => return Ok(Remedied::Nothing(why)),
        }
        // If this is lost, the rule does not rest.
        if let Err(error) = self.records.fire_done(&owner, &wish.rule, wish.since_ms).await {
            tracing::warn!(%error, "that it is done is not written down");
        }
        Ok(Remedied::Done(remedy))
    }

    /// Whether it may still be done: by its time, by the deployment's pause, by what its environment says now.
    async fn admitted(&self, wish: &Remediation) -> Result<(Owner, AlarmAction), Remedied> {
        let nothing = |why: &str| Err(Remedied::Nothing(why.to_owned()));
        if self.settings.automation_paused {
            return nothing(PAUSED);
        }
        if self.clouds.now().0 > wish.expires_ms {
            return nothing("it stood in line for longer than five minutes");
        }
        let Some(owner) = Owner::parse(&wish.owner) else { return nothing("its owner is none") };
        let Some(record) = self.records.owner(&owner).await? else { return nothing("its environment is gone") };
        if record.environment.as_deref() != Some(wish.environment.as_str()) {
            return nothing("its environment is gone");
        }
        if record.running_delete().is_some() {
            return nothing("its environment is being deleted");
        }
        let rules = known(Some(&record), |it| it.settled_spec.as_ref(), self.settings).map(|it| it.alarm_actions);
        match rules.unwrap_or_default().into_iter().find(|rule| rule.told() == wish.rule) {
            Some(rule) if rule.dry_run => nothing("the rule is a dry run by now"),
            Some(rule) => Ok((owner, rule)),
            None => nothing("its environment no longer has this rule"),
        }
    }

    /// What is to be done, written down before it is. What was written down for the same wish, and is not known to be done
    /// since an invocation ended in between or a call failed, is gone on with.
    async fn chosen(
        &self,
        owner: &Owner,
        wish: &Remediation,
        rule: &AlarmAction,
        live: &GroupNow,
    ) -> Result<(Remedy, Begun), Remedied> {
        match self.records.fired(owner, &wish.rule).await? {
            Some(Fired { since_ms, done: false, remedy, .. }) if since_ms == wish.since_ms => {
                let remedy: Remedy =
                    serde_json::from_value(remedy).map_err(|error| Remedied::Failed(error.to_string()))?;
                let begun = remedy.begun(live);
                if begun == Begun::ToDo {
                    self.still_on(wish).await?;
                }
                return Ok((remedy, begun));
            }
            Some(last) if last.since_ms >= wish.since_ms => {
                return Err(Remedied::Nothing(acted(last.at_ms, last.done)));
            }
            Some(_) | None => {}
        }
        self.still_on(wish).await?;
        let instance = wish.instance.as_deref();
        let remedy = if asks_for_health(rule, instance) {
            remedy(rule, &self.clouds.checked(live.clone()).await?, instance)
        } else {
            remedy(rule, live, instance)
        };
        let remedy = remedy.map_err(Remedied::Nothing)?;
        let written = serde_json::to_value(&remedy).map_err(|error| Remedied::Failed(error.to_string()))?;
        let at_ms = self.clouds.now().0;
        let next = Fired { since_ms: wish.since_ms, at_ms, remedy: written, done: false };
        let rest_ms = u64::from(rule.cooldown_seconds) * 1_000;
        match self.records.fire(owner, &wish.rule, next, rest_ms).await? {
            Fire::Yes => Ok((remedy, Begun::ToDo)),
            Fire::No(last) if last.since_ms >= wish.since_ms => Err(Remedied::Nothing(acted(last.at_ms, last.done))),
            Fire::No(last) => Err(Remedied::Nothing(rests(rule.cooldown_seconds, last.at_ms))),
        }
    }

    /// A wish may be minutes old, and the alarm over.
    async fn still_on(&self, wish: &Remediation) -> Result<(), Remedied> {
        let now = self.clouds.alarm_now(&wish.alarm).await?;
        match AlarmNow::fresh(now.as_ref(), Some(wish.since_ms)) {
            Fresh::On { .. } => Ok(()),
            Fresh::Off(why) => Err(Remedied::Nothing(why)),
            Fresh::Stale => Err(Remedied::NotNow(format!("{} is not seen in ALARM yet", wish.alarm))),
        }
    }

    fn group_of(&self, environment: &str) -> String {
        let place = &self.settings.place;
        place.names(place.suffix_of_environment(environment).unwrap_or_default()).group().name
    }
}
