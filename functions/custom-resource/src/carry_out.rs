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
        let id = spec.names(&self.settings.project, &self.settings.region).environment_id();
        let outcome = self.bring_about(&owner, record.as_ref(), note, &spec, &defaults).await;
        Answer { id: Some(id), outcome }
    }

    /// The spec that is asked for, with the defaults that were frozen for it.
    fn checked(&self, record: Option<&OwnerRecord>) -> Result<(Spec, Defaults), Vec<Violation>> {
        let Settings { project, region, .. } = self.settings;
        let defaults = frozen_defaults(record, &self.settings.defaults);
        let spec = Spec::read(&self.event.properties, &defaults, project, region)?;
        let settled = record.and_then(|it| known(it.settled_spec.as_ref()));
        let before = settled
            .or_else(|| record.and_then(|it| known(it.wanted.as_ref())))
            .or_else(|| Spec::read(self.event.old_properties.as_ref()?, &defaults, project, region).ok());
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
        let names = spec.names(&self.settings.project, &self.settings.region);
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
        let retired_tags = retired_tags(record, spec);
        self.records.save(owner, to_record(&id, spec, defaults, &retired_tags)?).await.map_err(sentence)?;
        let facts = self.clouds.facts(spec, &self.settings.region).await.map_err(|setback| setback.to_string())?;
        let resources = wanted(spec, &names, owner.as_str(), &facts)?;
        let live = self.reach(owner, record, &request, &scope, &Wanted { resources, retired_tags }).await?;
        self.records.settled(owner).await.map_err(sentence)?;
        Ok(outputs(&live, &names).into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// What this owner has goes, whatever id or properties came along.
    async fn delete(&self, owner: &Owner, record: Option<&OwnerRecord>, note: Note) -> Outcome {
        let names = self.names_of_what_goes(record);
        let scope = Scope { owner: owner.as_str().to_owned(), names };
        let request = note.request_hash.clone();
        self.note(owner, note).await?;
        self.reach(owner, record, &request, &scope, &Wanted::default()).await?;
        self.records.release(&scope.names.environment_id(), owner).await.map_err(sentence)?;
        self.records.gone(owner, lambda_kit::now_ms()).await.map_err(sentence)?;
        Ok(BTreeMap::new())
    }

    /// The names by the record, else by the properties. What is found by them is judged by its mark, so a wrong guess
    /// does no harm; without any guess an empty suffix makes names that nothing can have.
    fn names_of_what_goes(&self, record: Option<&OwnerRecord>) -> Names {
        let recorded = record.and_then(|it| known(it.wanted.as_ref())).map(|spec| spec.environment_suffix);
        let given = || self.event.properties.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let Settings { project, region, .. } = self.settings;
        let suffix = recorded.or_else(given).unwrap_or_default();
        Names { project: project.clone(), region: region.clone(), suffix }
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

/// A spec out of the record; one that an older version wrote and this one can't read is as good as none.
fn known(spec: Option<&serde_json::Value>) -> Option<Spec> {
    serde_json::from_value(spec?.clone()).ok()
}

/// The defaults that an environment was made with; those of today for a new one.
pub(crate) fn frozen_defaults(record: Option<&OwnerRecord>, of_today: &Defaults) -> Defaults {
    let frozen = record.and_then(|record| serde_json::from_value(record.frozen.clone()?).ok());
    frozen.unwrap_or_else(|| of_today.clone())
}

/// Tag keys that this environment had and has no more: those of the last specs, and those that were still to go.
pub(crate) fn retired_tags(record: Option<&OwnerRecord>, spec: &Spec) -> BTreeSet<String> {
    let Some(record) = record else { return BTreeSet::new() };
    let specs = [record.wanted.as_ref(), record.settled_spec.as_ref()];
    let had = specs.into_iter().filter_map(known).flat_map(|spec| spec.tags.into_keys());
    had.chain(record.retired_tags.iter().cloned()).filter(|key| !spec.tags.contains_key(key)).collect()
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
