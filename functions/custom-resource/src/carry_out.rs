//! Carries out what `CloudFormation` asks: create, update, delete.

use std::collections::{BTreeMap, BTreeSet};

use environment::{
    Cloud as _, Defaults, Ending, Live, Moment, Names, Run, Scope, Spec, Violation, Wanted, Whose, check_change,
    in_doubt_until, outputs, reconcile, wanted,
};
use requests::records::{Claim, Note, Noted, OwnerRecord, Touched};
use requests::{Event, Kind, Owner, Records, RecordsError, ReplyAddress, records};

use crate::clouds::Clouds;
use crate::settings::Settings;

/// What a request comes to: the environment's id where there is one, and the reply's data or the reason for a FAILED.
#[derive(Debug)]
pub(crate) struct Answer {
    pub id: Option<String>,
    pub outcome: Result<BTreeMap<String, String>, String>,
}

/// One request, with all that it takes to carry it out.
pub(crate) struct CarryOut<'a, R, C> {
    pub settings: &'a Settings,
    pub records: &'a R,
    pub clouds: &'a C,
    pub event: &'a Event,
    /// When the work has to be over.
    pub until: Moment,
}

type Outcome = Result<BTreeMap<String, String>, String>;

impl<R: Records, C: Clouds> CarryOut<'_, R, C> {
    pub async fn run(&self, request: String, to: ReplyAddress) -> Answer {
        let owner = self.event.owner();
        let record = match self.records.owner(&owner).await {
            Ok(record) => record,
            Err(error) => return Answer { id: None, outcome: Err(error.to_string()) },
        };
        let note = Note::of(self.event, request, to);
        if self.event.kind == Kind::Delete {
            return Answer { id: None, outcome: self.delete(&owner, record.as_ref(), note).await };
        }
        let (spec, defaults) = match self.checked(record.as_ref()) {
            Ok(checked) => checked,
            Err(violations) => return Answer { id: None, outcome: Err(told(&violations)) },
        };
        let id = spec.names(&self.settings.place).environment_id();
        let outcome = self.bring_about(&owner, record.as_ref(), note, &spec, &defaults).await;
        Answer { id: Some(id), outcome }
    }

    /// The spec that is asked for, with the defaults that were frozen for it.
    fn checked(&self, record: Option<&OwnerRecord>) -> Result<(Spec, Defaults), Vec<Violation>> {
        let place = &self.settings.place;
        let defaults = frozen_defaults(record, &self.settings.defaults);
        let spec = Spec::read(&self.event.properties, &defaults, place)?;
        let before = self
            .settled(record)
            .or_else(|| known(record, |it| it.wanted.as_ref(), self.settings))
            .or_else(|| Spec::read(self.event.old_properties.as_ref()?, &defaults, place).ok());
        // Going back to what was settled last is a rollback, and equal to it, so nothing about it is refused.
        let violations = before.map(|before| check_change(&before, &spec)).unwrap_or_default();
        if violations.is_empty() { Ok((spec, defaults)) } else { Err(violations) }
    }

    /// Create and update are one: what is wanted comes to be.
    async fn bring_about(
        &self,
        owner: &Owner,
        record: Option<&OwnerRecord>,
        note: Note,
        spec: &Spec,
        defaults: &Defaults,
    ) -> Outcome {
        let names = spec.names(&self.settings.place);
        let scope = Scope { owner: owner.as_str().to_owned(), names: names.clone() };
        let request = note.request_hash.clone();
        if self.event.kind == Kind::Update && record.is_none_or(|record| record.wanted.is_none()) {
            self.is_something_there(&scope, &request).await?;
        }
        self.note(owner, note).await?;
        let id = names.environment_id();
        if let Claim::Taken { .. } = self.records.claim(&id, owner).await.map_err(sentence)? {
            return Err(format!(
                "EnvironmentSuffix is \"{}\": the environment {id} belongs to another stack's resource. Choose another suffix, or remove that one.",
                spec.environment_suffix
            ));
        }
        let retired_tags = retired_tags(record, spec, self.settings);
        self.records.save(owner, to_record(&id, spec, defaults, &retired_tags)?).await.map_err(sentence)?;
        let Settings { place, hooks_are_answered, .. } = self.settings;
        let facts = self.clouds.facts(spec, &place.region, *hooks_are_answered).await;
        let facts = facts.map_err(|setback| setback.to_string())?;
        let resources = wanted(spec, &names, owner.as_str(), &facts)?;
        // Only a create waits: later the number of instances is Auto Scaling's business.
        let waits = spec.wait_for_instances && self.settled(record).is_none();
        let in_service = if waits { spec.min_size } else { 0 };
        let wanted = Wanted { resources, retired_tags, in_service, never_settled: false };
        let live = self.reach(owner, record, &request, &scope, &wanted).await?;
        self.records.settled(owner).await.map_err(sentence)?;
        Ok(outputs(&live, &names).into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// What this owner has goes, whatever id or properties came along.
    async fn delete(&self, owner: &Owner, record: Option<&OwnerRecord>, note: Note) -> Outcome {
        self.is_not_protected(record).await?;
        let names = self.names_of_what_goes(record);
        let scope = Scope { owner: owner.as_str().to_owned(), names };
        let request = note.request_hash.clone();
        self.note(owner, note).await?;
        let never_settled = self.settled(record).is_none();
        let wanted = Wanted { never_settled, ..Wanted::default() };
        let live = self.reach(owner, record, &request, &scope, &wanted).await?;
        self.records.release(&scope.names.environment_id(), owner).await.map_err(sentence)?;
        self.records.gone(owner, lambda_kit::now_ms()).await.map_err(sentence)?;
        let retained = live.iter().filter(|it| matches!(it.whose, Whose::Retained(_)));
        let retained: BTreeSet<String> = retained.map(|it| it.key().name).collect();
        let told = (!retained.is_empty()).then(|| (String::from("Retained"), Vec::from_iter(retained).join(", ")));
        Ok(told.into_iter().collect())
    }

    /// Protection counts for what has settled, unless somebody lifted it; and a stack that rolls back is never held up.
    async fn is_not_protected(&self, record: Option<&OwnerRecord>) -> Result<(), String> {
        let is_protected = self.settled(record).is_some_and(|spec| spec.deletion_protection);
        let Some(record) = record.filter(|record| is_protected && !record.unlocked) else { return Ok(()) };
        // Where the stack can't be asked, nothing is deleted on a guess.
        let rolls_back = self.clouds.is_rolling_back(&self.event.stack_id).await;
        if matches!(rolls_back, Ok(true)) {
            return Ok(());
        }
        let environment = record.environment.clone().unwrap_or_default();
        let unasked =
            rolls_back.err().map(|setback| format!(" (Whether the stack rolls back is not known: {setback})"));
        Err(format!(
            "DeletionProtection is true for {environment}: nothing was deleted. Set it to false by an update of the stack; or, since a stack in DELETE_FAILED cannot be updated, run: aws lambda invoke --function-name {} --cli-binary-format raw-in-base64-out --payload '{{\"Request\":\"unlock\",\"Environment\":\"{environment}\"}}' /dev/stdout and delete the stack again.{}",
            self.settings.function,
            unasked.unwrap_or_default()
        ))
    }

    /// The spec that was settled last.
    fn settled(&self, record: Option<&OwnerRecord>) -> Option<Spec> {
        known(record, |it| it.settled_spec.as_ref(), self.settings)
    }

    /// The names by the record, else by the properties. What is found by them is judged by its mark, so a wrong guess
    /// does no harm; without any guess an empty suffix makes names that nothing can have.
    fn names_of_what_goes(&self, record: Option<&OwnerRecord>) -> Names {
        let suffix = |spec: &serde_json::Value| spec.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let recorded = record.and_then(|it| suffix(it.wanted.as_ref()?));
        let given = || self.event.properties.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        self.settings.place.names(&recorded.or_else(given).unwrap_or_default())
    }

    /// An update of what was never made creates nothing.
    async fn is_something_there(&self, scope: &Scope, request: &str) -> Result<(), String> {
        let cloud = self.clouds.for_run(&scope.owner, request);
        let live = cloud.observe(scope).await.map_err(|setback| setback.to_string())?;
        if live.iter().any(|it| it.whose == Whose::Ours) {
            return Ok(()); // The record was lost; this update writes it anew.
        }
        Err(format!(
            "There is nothing to update: this resource has no environment {}. Remove the resource from the stack and add it again.",
            scope.names.environment_id()
        ))
    }

    async fn note(&self, owner: &Owner, note: Note) -> Result<(), String> {
        match self.records.note(owner, note).await.map_err(sentence)? {
            Noted::Newest => Ok(()),
            Noted::Older { kind, .. } => Err(superseded(kind)),
        }
    }

    async fn reach(
        &self,
        owner: &Owner,
        record: Option<&OwnerRecord>,
        request: &str,
        scope: &Scope,
        wanted: &Wanted,
    ) -> Result<Vec<Live>, String> {
        let cloud = self.clouds.for_run(owner.as_str(), request);
        // What is gone was seen to be gone, so nothing of it can show up any more.
        let touched = record.filter(|it| !it.gone).and_then(|it| Some((Moment(it.touched_ms?), it.settled)));
        let in_doubt_until = touched.map(|(touched, settled)| in_doubt_until(touched, settled));
        let run = Run { scope, wanted, until: self.until, in_doubt_until };
        let began = cloud.now();
        let still_newest = async || match self.records.touch(owner, request, cloud.now().0).await {
            Ok(Touched::Newest) => Ok(()),
            Ok(Touched::Superseded { kind, .. }) => Err(superseded(kind)),
            Ok(Touched::NoNote) => Err(String::from("the record of this request is gone; nothing more was done")),
            Err(error) => Err(error.to_string()),
        };
        match reconcile(&cloud, run, still_newest).await {
            Ending::Settled { live } => Ok(live),
            Ending::Refused { why } => Err(why.join("\n")),
            Ending::Stopped { why } => Err(why),
            Ending::Unfinished { waiting_for } => Err(format!(
                "Not finished within {} s. It waited for: {}. What exists carries the tag {}={}; the same request again goes on from there.",
                (cloud.now() - began).as_secs(),
                waiting_for.join("; "),
                environment::mark::OWNER,
                scope.owner
            )),
        }
    }
}

/// A spec out of the record, also one that an older version wrote.
fn known<'a>(
    record: Option<&'a OwnerRecord>,
    which: impl Fn(&'a OwnerRecord) -> Option<&'a serde_json::Value>,
    settings: &Settings,
) -> Option<Spec> {
    let spec = which(record?)?;
    Spec::recorded(spec, &frozen_defaults(record, &settings.defaults), &settings.place)
}

/// The defaults that an environment was made with; those of today for a new one.
pub(crate) fn frozen_defaults(record: Option<&OwnerRecord>, of_today: &Defaults) -> Defaults {
    let frozen = record.and_then(|record| serde_json::from_value(record.frozen.clone()?).ok());
    frozen.unwrap_or_else(|| of_today.clone())
}

/// Tag keys that this environment had and has no more: those of the last specs, and those that were still to go.
pub(crate) fn retired_tags(record: Option<&OwnerRecord>, spec: &Spec, settings: &Settings) -> BTreeSet<String> {
    let specs =
        [known(record, |it| it.wanted.as_ref(), settings), known(record, |it| it.settled_spec.as_ref(), settings)];
    let had = specs.into_iter().flatten().flat_map(|spec| spec.tags.into_keys());
    let still_to_go = record.map(|it| it.retired_tags.clone()).unwrap_or_default();
    had.chain(still_to_go).filter(|key| !spec.tags.contains_key(key)).collect()
}

fn to_record(
    id: &str,
    spec: &Spec,
    defaults: &Defaults,
    retired_tags: &BTreeSet<String>,
) -> Result<records::Wanted, String> {
    let unwritable = |error: serde_json::Error| format!("the record of {id} can't be written: {error}");
    Ok(records::Wanted {
        environment: id.to_owned(),
        spec: serde_json::to_value(spec).map_err(unwritable)?,
        frozen: serde_json::to_value(defaults).map_err(unwritable)?,
        retired_tags: retired_tags.iter().cloned().collect(),
    })
}

fn told(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn superseded(kind: Kind) -> String {
    format!("Superseded: a newer {kind} has come for this resource. Nothing more was done.")
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn sentence(error: RecordsError) -> String {
    error.to_string()
}
