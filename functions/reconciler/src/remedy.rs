//! Carries out what the rules of an alarm come to: once, or not at all. What fails in passing comes back for as long as it is
//! good, unless a request waits behind it.

use std::time::Duration;

use environment::{
    AlarmAction, AlarmNow, Begun, Cloud as _, Fresh, GroupNow, Moment, REMEDY_MS, RecordedRules, Remediation, Remedy,
    Setback, asks_for_health, remedy,
};
use ledger::told::{PAUSED, RuleOutcome, acted, rests};
use requests::records::{Fire, Fired};
use requests::{Owner, Records};

use crate::Reconciler;
use crate::carry_out::NOT_NOW;
use crate::clouds::Clouds;
use crate::remedied::Remedied;

/// How often it is tried to write down that something is done, and what lies between: what the SDK's own tries did not bring
/// may be there a moment later.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

impl<R: Records, C: Clouds> Reconciler<'_, R, C> {
    /// Carries a remediation out, and tells the ledger what became of it once that is decided.
    pub async fn remediate(&self, wish: &Remediation) -> Remedied {
        let remedied = match Owner::parse(&wish.owner) {
            Some(owner) => self.decided(&owner, wish).await,
            None => Remedied::Failed(format!("its Owner is {:?}: 20 hexadecimal digits would be one", wish.owner)),
        };
        let Remediation { environment, alarm, rule, .. } = wish;
        tracing::info!(environment, alarm, rule, ?remedied, "an alarm's action");
        let Some((outcome, why)) = remedied.told() else { return remedied };
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

    async fn decided(&self, owner: &Owner, wish: &Remediation) -> Remedied {
        let mut remedied = self.remedied(owner, wish).await.unwrap_or_else(|why| why);
        if matches!(remedied, Remedied::NotNow { .. }) && !self.may_wait(owner, wish).await {
            remedied = remedied.at_last();
        }
        if matches!(remedied, Remedied::Unknown(_)) {
            // A rest too many is better than acting twice.
            self.is_done(owner, wish).await;
        }
        remedied
    }

    /// Whether it may come back: while it is good, and nobody's request waits behind it.
    async fn may_wait(&self, owner: &Owner, wish: &Remediation) -> bool {
        if self.clouds.now() + NOT_NOW > Moment(wish.expires_ms) {
            return false;
        }
        // What can't be read holds up whoever waits as well.
        let record = self.records.owner(owner).await.ok().flatten();
        record.is_none_or(|record| record.answer_due_ms.is_none())
    }

    /// The errors are what it comes to without being done.
    async fn remedied(&self, owner: &Owner, wish: &Remediation) -> Result<Remedied, Remedied> {
        let last = self.records.fired(owner, &wish.fires_as()).await?;
        match last {
            // An invocation ended in between, or a call failed: whatever keeps it from being made now, it may have been.
            Some(Fired { since_ms, done: false, remedy, .. }) if since_ms == wish.since_ms => {
                let remedy = serde_json::from_value(remedy).map_err(|error| Remedied::Unknown(error.to_string()))?;
                self.gone_on_with(owner, wish, remedy).await
            }
            last => {
                let rule = self.admitted(owner, wish).await?;
                if let Some(last) = last.filter(|last| last.since_ms >= wish.since_ms) {
                    return Err(Remedied::Nothing(acted(last.at_ms, last.done, wish.dry_run)));
                }
                let live = self.live(wish).await?;
                self.still_on(wish).await?;
                let remedy = self.chosen(owner, wish, &rule, live).await?;
                if wish.dry_run { Ok(Remedied::WouldHave(remedy)) } else { self.made(owner, wish, remedy).await }
            }
        }
    }

    /// What was written down to be made is made, unless it is seen that it was, or it may no longer be.
    async fn gone_on_with(&self, owner: &Owner, wish: &Remediation, remedy: Remedy) -> Result<Remedied, Remedied> {
        let live = self.live(wish).await.map_err(Remedied::in_doubt)?;
        let may_be_made = async {
            self.admitted(owner, wish).await?;
            self.still_on(wish).await
        };
        match remedy.begun(&live) {
            Begun::Made => {
                self.is_done(owner, wish).await;
                return Ok(Remedied::Done(remedy));
            }
            Begun::Overtaken(why) => return Err(Remedied::Unknown(why)),
            Begun::ToDo => may_be_made.await?,
            // Told twice is better than not at all, while it may be told.
            Begun::Unseen => may_be_made.await.map_err(Remedied::in_doubt)?,
        }
        self.made(owner, wish, remedy).await
    }

    async fn made(&self, owner: &Owner, wish: &Remediation, remedy: Remedy) -> Result<Remedied, Remedied> {
        let message = format!(
            "The alarm {} of the environment {} has been in ALARM since {}. Rule: {}.",
            wish.alarm,
            wish.environment,
            ledger::time::text(wish.since_ms),
            wish.rule
        );
        match self.clouds.make(&self.group_of(&wish.environment), &remedy, &message).await {
            Ok(()) => {}
            Err(Setback::Doubtful { what }) => return Err(Remedied::NotNow { why: what, asked: true }),
            Err(setback) => return Err(setback.into()),
        }
        self.is_done(owner, wish).await;
        Ok(Remedied::Done(remedy))
    }

    /// Writes down that it is done, so that the rule rests. It is tried here, since coming back would tell a topic again.
    async fn is_done(&self, owner: &Owner, wish: &Remediation) {
        let mut tries = 1;
        loop {
            match self.records.fire_done(owner, &wish.fires_as(), wish.since_ms).await {
                Ok(()) => return,
                Err(error) if error.may_pass() && tries < TRIES => {
                    tracing::warn!(%error, tries, "that it is done is not written down yet");
                    tries += 1;
                    self.clouds.for_run(owner.as_str(), &wish.fires_as(), None).pause(BETWEEN_TRIES).await;
                }
                Err(error) => {
                    tracing::error!(rule = wish.rule, %error, "that it is done is not written down: the rule does not rest");
                    return;
                }
            }
        }
    }

    /// Whether it may still be done: by its time, by the deployment's pause, by what its environment says now.
    async fn admitted(&self, owner: &Owner, wish: &Remediation) -> Result<AlarmAction, Remedied> {
        let nothing = |why: &str| Err(Remedied::Nothing(why.to_owned()));
        if self.settings.automation_paused {
            return nothing(PAUSED);
        }
        if self.clouds.now().0 > wish.expires_ms {
            return nothing(&format!("it stood in line for longer than {} s", REMEDY_MS / 1_000));
        }
        let Some(record) = self.records.owner(owner).await? else { return nothing("its environment is gone") };
        if record.environment.as_deref() != Some(wish.environment.as_str()) {
            return nothing("its environment is gone");
        }
        if record.running_delete().is_some() {
            return nothing("its environment is being deleted");
        }
        let RecordedRules { rules, unreadable } = RecordedRules::of(record.settled_spec.as_ref());
        match rules.into_iter().find(|rule| rule.told() == wish.rule) {
            Some(rule) if rule.dry_run && !wish.dry_run => nothing("the rule is a dry run by now"),
            Some(rule) if wish.dry_run && !rule.dry_run => nothing("the rule is no dry run any more"),
            Some(rule) => Ok(rule),
            None => match unreadable.first() {
                Some(what) => Err(Remedied::Failed(format!("its environment's record can't be read: {what}"))),
                None => nothing("its environment no longer has this rule"),
            },
        }
    }

    /// The group, if it is its owner's.
    async fn live(&self, wish: &Remediation) -> Result<GroupNow, Remedied> {
        let group = self.group_of(&wish.environment);
        match self.clouds.group_now(&group).await? {
            Some(live) if live.owner.as_deref() == Some(wish.owner.as_str()) => Ok(live),
            Some(_) => Err(Remedied::Nothing(format!("the group {group} carries another owner's mark"))),
            None => Err(Remedied::Nothing(format!("the group {group} is gone"))),
        }
    }

    /// What is to be done, written down before it is; of a dry run as if it were done.
    async fn chosen(
        &self,
        owner: &Owner,
        wish: &Remediation,
        rule: &AlarmAction,
        live: GroupNow,
    ) -> Result<Remedy, Remedied> {
        let instance = wish.instance.as_deref();
        let live = if asks_for_health(rule, instance) { self.clouds.checked(live).await? } else { live };
        let remedy = remedy(rule, &live, instance).map_err(Remedied::Nothing)?;
        let written = serde_json::to_value(&remedy).map_err(|error| Remedied::Failed(error.to_string()))?;
        let at_ms = self.clouds.now().0;
        let next = Fired { since_ms: wish.since_ms, at_ms, remedy: written, done: wish.dry_run };
        let rest_ms = u64::from(rule.cooldown_seconds) * 1_000;
        match self.records.fire(owner, &wish.fires_as(), next, rest_ms).await? {
            Fire::Yes => Ok(remedy),
            Fire::No(last) if last.since_ms >= wish.since_ms => {
                Err(Remedied::Nothing(acted(last.at_ms, last.done, wish.dry_run)))
            }
            Fire::No(last) => Err(Remedied::Nothing(rests(rule.cooldown_seconds, last.at_ms, wish.dry_run))),
        }
    }

    /// A wish may be minutes old, and the alarm over.
    async fn still_on(&self, wish: &Remediation) -> Result<(), Remedied> {
        let now = self.clouds.alarm_now(&wish.alarm).await?;
        match AlarmNow::fresh(now.as_ref(), Some(wish.since_ms), self.clouds.now().0) {
            Fresh::On { .. } => Ok(()),
            Fresh::Off(why) => Err(Remedied::Nothing(why)),
            Fresh::Stale => {
                Err(Remedied::NotNow { why: format!("{} is not seen in ALARM yet", wish.alarm), asked: false })
            }
        }
    }

    fn group_of(&self, environment: &str) -> String {
        let place = &self.settings.place;
        place.names(place.suffix_of_environment(environment).unwrap_or_default()).group().name
    }
}
