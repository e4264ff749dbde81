//! From what is wanted and what is live to what is to be done. Synchronous, pure, and printable: what a plan prints is
//! what [`apply`](crate::apply) does, which makes no decision of its own.
//!
//! Edges are derived. A resource is made or changed after the steps of what it refers to; it is deleted after the steps
//! of what refers to it, seen in what is live. Kinds add the edges that no field shows
//! ([`Kind::declared_needs`](crate::Kind::declared_needs)), which run backwards on delete: what drains keeps its way
//! out.

mod edges;

use std::collections::BTreeSet;

use crate::cloud::{Call, Live, State, What, Whose};
use crate::field::{Field, Setting};
use crate::mark;
use crate::plan_text::{tell_change, told};
use crate::resource::{Fields, Key, Ref, Resource};
use crate::retain::{Fate, fate};
use crate::twins::superfluous;

/// What is to exist, and nothing else of this owner's: with no resources at all it is a delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Each key once.
    pub resources: Vec<Resource>,
    /// Keys of tags that this environment once had and has no more. Other tags that are live and not wanted are
    /// somebody else's, and stay.
    pub retired_tags: BTreeSet<String>,
    /// How many instances have to be in service before it is settled; none, for what was settled once.
    pub in_service: u32,
    /// Whether what is deleted was never settled: then no bucket is emptied, whatever its tag says.
    pub never_settled: bool,
}

/// The steps, in an order in which each stands behind those that it needs within its action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// None, where what is live is what is wanted, or the plan is refused.
    pub steps: Vec<Step>,
    /// Why the plan cannot be carried out, a sentence each. If there is one, nothing is done.
    pub refused: Vec<String>,
}

/// What is done to one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource that it is for.
    pub key: Key,
    /// What it is called in a plan; the calls say what is done.
    pub action: Action,
    /// What a person wants to read of it, a line each.
    pub told: Vec<String>,
    /// One after the other.
    pub calls: Vec<Call>,
    /// Indexes of the steps that have to be done before.
    pub needs: Vec<usize>,
    /// The resource as it is when all calls are answered; nothing for a delete.
    pub leaves: Option<Resource>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The resource is made.
    Create,
    /// What is live is changed in place.
    Update,
    /// The resource goes; what holds it back is cleared, and a group or a bucket emptied, before.
    Delete,
    /// It stays, without an owner, for a later environment of the same name.
    Retain,
    /// Nothing can be done yet; the text says what for.
    Wait(String),
}

/// Plans the way from `live` to `wanted`.
///
/// Where a token-less create happened twice, the superfluous ones go first, and everything else waits for the next
/// look: until then a name could mean either.
#[must_use]
pub fn plan(wanted: &Wanted, live: &[Live]) -> Plan {
    let twins = superfluous(live);
    if !twins.is_empty() && !wanted.resources.is_empty() {
        let mut plan = Plan::default();
        plan.steps.extend(twins.into_iter().map(|at| delete_step(&live[at], Fate::Goes, live, wanted)));
        plan.add_delete_edges(live);
        return plan;
    }
    let mut plan = Plan::default();
    for resource in &wanted.resources {
        plan.add_wanted(resource, live, wanted);
    }
    let wanted_keys: BTreeSet<Key> = wanted.resources.iter().map(Resource::key).collect();
    let unwanted = live.iter().filter(|it| it.whose == Whose::Ours && !wanted_keys.contains(&it.key()));
    let mut unwanted: Vec<&Live> = unwanted.collect();
    // The other way round than things are made; the order is for readers, the edges are what counts.
    unwanted.sort_by_key(|it| std::cmp::Reverse(it.key()));
    for it in unwanted {
        match fate(it, wanted.never_settled) {
            Ok(fate) => plan.steps.push(delete_step(it, fate, live, wanted)),
            Err(refused) => plan.refused.push(refused),
        }
    }
    plan.add_create_edges(&wanted.resources);
    plan.add_delete_edges(live);
    plan
}

impl Plan {
    /// Whether there is nothing to do and nothing to wait for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty()
    }

    fn add_wanted(&mut self, wanted: &Resource, live: &[Live], all: &Wanted) {
        let key = wanted.key();
        let Some(found) = live.iter().find(|it| it.key() == key) else {
            self.add(create_step(wanted));
            return;
        };
        if let Some(why) = foreign(wanted, found) {
            self.refused.push(format!(
                "{key} exists and is not this environment's: {why}. Nothing was changed. Choose another EnvironmentSuffix, or remove it."
            ));
            return;
        }
        match (change(wanted, found, live, all), &found.state) {
            (Err(refused), _) => self.refused.push(refused),
            (Ok(_), State::Failed(why)) => self
                .refused
                .push(format!("{key} could not be made: {why}. Delete it, or the environment, and try again.")),
            (Ok(_), State::Leaving(what) | State::Settling(what)) => self.steps.push(wait_step(key, what.clone())),
            (Ok(Some(step)), State::Ready) => self.add(step),
            (Ok(None), State::Ready) => {
                let missing = missing_instances(&found.resource, all.in_service);
                self.steps.extend(missing.map(|what| wait_step(key, what)));
            }
        }
    }

    /// Adds a step, unless it lacks what only the region could have given.
    fn add(&mut self, step: Step) {
        match step.calls.iter().find_map(|call| lacks(&call.what)) {
            Some(lacks) => self.refused.push(lacks),
            None => self.steps.push(step),
        }
    }
}

/// What a call would need of the region, and the region does not have: a sentence.
fn lacks(what: &What) -> Option<String> {
    let no_image = |setting: &Setting| match setting {
        Setting::TemplateVersion(version) if version.image.is_empty() => {
            Some(format!("ImageParameter is \"{}\": there is no such SSM parameter", version.content.image_source))
        }
        _ => None,
    };
    match what {
        What::Create(resource) => match &resource.fields {
            Fields::Subnet(subnet) if subnet.zone.is_empty() => Some(format!(
                "InstanceType and ZoneCount: there is no zone for subnet {}: the region offers that type in too few availability zones",
                resource.name
            )),
            _ => resource.settings().iter().find_map(no_image),
        },
        What::Set(settings) => settings.iter().find_map(no_image),
        What::Clear(_) | What::Drain | What::Empty | What::Delete => None,
    }
}

fn create_step(wanted: &Resource) -> Step {
    let key = wanted.key();
    let after = wanted.all_fields().into_iter().filter_map(|field| match field {
        Field::After(setting) => Some(setting),
        _ => None,
    });
    let call = |what| Call { key: key.clone(), id: None, what };
    let calls = std::iter::once(What::Create(Box::new(wanted.clone())))
        .chain(grouped(after.collect()).into_iter().map(What::Set));
    Step {
        action: Action::Create,
        told: told(wanted),
        calls: calls.map(call).collect(),
        needs: vec![],
        leaves: Some(wanted.clone()),
        key: key.clone(),
    }
}

fn wait_step(key: Key, what: String) -> Step {
    Step { key, action: Action::Wait(what), told: vec![], calls: vec![], needs: vec![], leaves: None }
}

/// Why what is there is not ours to take: whose it is. What an environment of the same id left behind is.
fn foreign(wanted: &Resource, found: &Live) -> Option<String> {
    match &found.whose {
        Whose::Ours => None,
        Whose::Retained(of) if wanted.tags.get(mark::ENVIRONMENT) == Some(of) => None,
        Whose::Retained(of) => Some(format!("the environment {of} left it behind")),
        Whose::Foreign(why) | Whose::Hidden(why) => Some(why.clone()),
    }
}

fn missing_instances(live: &Resource, wanted: u32) -> Option<String> {
    match &live.fields {
        Fields::AutoScalingGroup(group) if group.in_service < wanted => {
            let failed = group.failed_launch.as_ref();
            let failed = failed.map(|why| format!(" (the last launch that failed: {why})")).unwrap_or_default();
            Some(format!("{} of {wanted} instances are in service{failed}", group.in_service))
        }
        _ => None,
    }
}

fn delete_step(live: &Live, fate: Fate, all_live: &[Live], all: &Wanted) -> Step {
    if let State::Leaving(what) = &live.state {
        return wait_step(live.key(), what.clone());
    }
    let (action, what) = match fate {
        Fate::IsRetained { environment } => (Action::Retain, retaining(live, environment)),
        fate => (Action::Delete, deleting(live, &fate, all_live, all)),
    };
    let call = |what| Call { key: live.key(), id: live.id.clone(), what };
    let told = live.id.iter().map(|id| format!("id: {id}")).collect();
    let calls = what.into_iter().map(call).collect();
    Step { key: live.key(), action, told, calls, needs: vec![], leaves: None }
}

fn deleting(live: &Live, fate: &Fate, all_live: &[Live], all: &Wanted) -> Vec<What> {
    let holds = |it: &Setting| match it {
        Setting::Association(subnet) => !goes_itself(subnet, all_live, all),
        other => other.holds_back_a_delete(),
    };
    let mut held: Vec<Setting> = live.resource.settings().into_iter().filter(holds).collect();
    if *fate == Fate::IsEmptied {
        // Logs of its own emptying would come for hours.
        held.extend(live.resource.settings().into_iter().filter(|it| matches!(it, Setting::AccessLogs(_))));
    }
    let mut what: Vec<What> = grouped(held).into_iter().map(What::Clear).collect();
    match &live.resource.fields {
        Fields::AutoScalingGroup(group) if group.max_size > 0 || group.protected => what.push(What::Drain),
        Fields::Bucket(_) if *fate == Fate::IsEmptied => what.push(What::Empty),
        _ => {}
    }
    what.push(What::Delete);
    what
}

/// First the mark of what was left behind, then the owner's mark goes: in between it is still ours.
fn retaining(live: &Live, environment: String) -> Vec<What> {
    let retained = Setting::Tag(mark::RETAINED.to_owned(), environment);
    let owner = live.resource.tags.get(mark::OWNER).cloned().unwrap_or_default();
    vec![What::Set(vec![retained]), What::Clear(vec![Setting::Tag(mark::OWNER.to_owned(), owner)])]
}

/// The step that changes `live` into `wanted`; nothing if they are equal; a sentence if it can't be done.
fn change(wanted: &Resource, live: &Live, all_live: &[Live], all: &Wanted) -> Result<Option<Step>, String> {
    let mut wanted = wanted.clone();
    if let (Fields::LaunchTemplate(new), Fields::LaunchTemplate(old)) = (&mut wanted.fields, &live.resource.fields) {
        new.pin_image(old);
    }
    refuse_fixed(&wanted, live)?;
    let (new, old) = (wanted.settings(), live.resource.settings());
    let goes = |setting: &Setting| match setting {
        Setting::Tag(key, _) => all.retired_tags.contains(key),
        Setting::Association(subnet) => !goes_itself(subnet, all_live, all),
        other => !other.is_kept_when_unwanted(),
    };
    let cleared: Vec<Setting> =
        old.iter().filter(|it| goes(it) && !new.iter().any(|other| other.slot() == it.slot())).cloned().collect();
    let set: Vec<Setting> = new.into_iter().filter(|it| !old.iter().any(|other| same(it, other))).collect();
    if set.is_empty() && cleared.is_empty() {
        return Ok(None);
    }
    let mut leaves = live.resource.clone();
    leaves.clear_all(&cleared);
    leaves.set_all(&set);
    let told = cleared.iter().map(|it| format!("no longer {it}"));
    let told = told.chain(set.iter().flat_map(|it| tell_change(it, &old))).collect();
    let what = grouped(cleared).into_iter().map(What::Clear).chain(grouped(set).into_iter().map(What::Set));
    let call = |what| Call { key: wanted.key(), id: live.id.clone(), what };
    Ok(Some(Step {
        key: wanted.key(),
        action: Action::Update,
        told,
        calls: what.map(call).collect(),
        needs: vec![],
        leaves: Some(leaves),
    }))
}

/// Whether a subnet is ours and no longer wanted.
fn goes_itself(subnet: &Ref, live: &[Live], all: &Wanted) -> bool {
    let is_it = |key: &Key| subnet.key() == Some(key);
    let ours = live.iter().any(|it| it.whose == Whose::Ours && is_it(&it.key()));
    ours && !all.resources.iter().any(|it| is_it(&it.key()))
}

/// Two settings are the same if slot and value are: what stands outside of both, such as a version's image, is not
/// compared.
fn same(one: &Setting, other: &Setting) -> bool {
    one.slot() == other.slot() && one.value() == other.value()
}

fn refuse_fixed(wanted: &Resource, live: &Live) -> Result<(), String> {
    let old = live.resource.all_fields();
    for field in wanted.all_fields() {
        let Field::Fixed(name, value) = field else { continue };
        let found = old.iter().find_map(|it| match it {
            Field::Fixed(other, found) if *other == name => Some(found),
            _ => None,
        });
        if found.is_some_and(|found| *found != value) {
            let found = found.map(ToString::to_string).unwrap_or_default();
            return Err(format!(
                "{}: {name} is {found} and cannot become {value}. Add a second environment with another EnvironmentSuffix, then remove this one.",
                wanted.key()
            ));
        }
    }
    Ok(())
}

/// Puts together what one call sets.
fn grouped(settings: Vec<Setting>) -> Vec<Vec<Setting>> {
    let mut groups: Vec<Vec<Setting>> = Vec::new();
    for setting in settings {
        match groups.iter_mut().find(|group| group[0].shares_a_call_with(&setting)) {
            Some(group) => group.push(setting),
            None => groups.push(vec![setting]),
        }
    }
    groups
}

impl Step {
    /// Whether the resource is no longer this environment's afterwards.
    fn lets_go(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Retain)
    }

    /// `+` create, `~` update, `-` delete, `=` retain, `.` wait.
    #[must_use]
    pub fn sign(&self) -> char {
        match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Retain => '=',
            Action::Wait(_) => '.',
        }
    }
}
