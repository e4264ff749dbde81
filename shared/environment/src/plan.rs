//! From what is wanted and what is live to what is to be done. Synchronous, pure, and printable: what a plan prints is
//! what [`apply`](crate::apply) does, which makes no decision of its own.
//!
//! Edges are derived. A resource is made or changed after the steps of what it refers to; it is deleted after the steps
//! of what refers to it, seen in what is live. Kinds add the edges that no field shows
//! ([`Kind::declared_needs`](crate::Kind::declared_needs)), which run backwards on delete: what drains keeps its way
//! out.

mod edges;

use std::collections::BTreeSet;

use crate::cloud::{Call, CallKind, ObservedResource, Ownership, State};
use crate::duplicates::duplicates;
use crate::field::{Field, Setting};
use crate::mark;
use crate::plan_text::{describe_change, describe_resource};
use crate::resource::{Fields, Key, Ref, Resource};
use crate::retain::{DeletionAction, deletion_action};

/// What is to exist, and nothing else of this owner's: with no resources at all it is a delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DesiredState {
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
    pub rejected: Vec<String>,
}

/// What is done to one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource that it is for.
    pub key: Key,
    /// What it is called in a plan; the calls say what is done.
    pub action: Action,
    /// What a person wants to read of it, a line each.
    pub summary: Vec<String>,
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

/// Plans the way from `observed` to `desired`.
///
/// Where a token-less create happened twice, the superfluous ones go first, and everything else waits for the next
/// look: until then a name could mean either.
#[must_use]
pub fn plan(desired: &DesiredState, observed: &[ObservedResource]) -> Plan {
    let duplicates = duplicates(observed);
    if !duplicates.is_empty() && !desired.resources.is_empty() {
        let mut plan = Plan::default();
        plan.steps.extend(
            duplicates.into_iter().map(|at| delete_step(&observed[at], DeletionAction::Goes, observed, desired)),
        );
        plan.add_delete_edges(observed);
        return plan;
    }
    let mut plan = Plan::default();
    for resource in &desired.resources {
        plan.add_desired(resource, observed, desired);
    }
    let desired_keys: BTreeSet<Key> = desired.resources.iter().map(Resource::key).collect();
    let unwanted = observed.iter().filter(|it| it.ownership == Ownership::Owned && !desired_keys.contains(&it.key()));
    let mut unwanted: Vec<&ObservedResource> = unwanted.collect();
    // The other way round than things are made; the order is for readers, the edges are what counts.
    unwanted.sort_by_key(|it| std::cmp::Reverse(it.key()));
    for it in unwanted {
        match deletion_action(it, desired.never_settled) {
            Ok(deletion_action) => plan.steps.push(delete_step(it, deletion_action, observed, desired)),
            Err(rejected) => plan.rejected.push(rejected),
        }
    }
    plan.add_create_edges(&desired.resources);
    plan.add_delete_edges(observed);
    plan
}

impl Plan {
    /// Whether there is nothing to do and nothing to wait for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.rejected.is_empty()
    }

    fn add_desired(&mut self, desired: &Resource, observed: &[ObservedResource], all: &DesiredState) {
        let key = desired.key();
        let Some(found) = observed.iter().find(|it| it.key() == key) else {
            self.add(create_step(desired));
            return;
        };
        if let Some(reason) = foreign(desired, found) {
            self.rejected.push(format!(
                "{key} exists and is not this environment's: {reason}. Nothing was changed. Choose another EnvironmentSuffix, or remove it."
            ));
            return;
        }
        match (change(desired, found, observed, all), &found.state) {
            (Err(rejected), _) => self.rejected.push(rejected),
            (Ok(_), State::Failed(reason)) => self
                .rejected
                .push(format!("{key} could not be made: {reason}. Delete it, or the environment, and try again.")),
            (Ok(_), State::Deleting(what) | State::Settling(what)) => self.steps.push(wait_step(key, what.clone())),
            (Ok(Some(step)), State::Ready) => self.add(step),
            (Ok(None), State::Ready) => {
                let missing = missing_instances(&found.resource, all.in_service);
                self.steps.extend(missing.map(|what| wait_step(key, what)));
            }
        }
    }

    /// Adds a step, unless it lacks what only the region could have given.
    fn add(&mut self, step: Step) {
        match step.calls.iter().find_map(|call| lacks(&call.kind)) {
            Some(lacks) => self.rejected.push(lacks),
            None => self.steps.push(step),
        }
    }
}

/// What a call would need of the region, and the region does not have: a sentence.
fn lacks(what: &CallKind) -> Option<String> {
    let no_image = |setting: &Setting| match setting {
        Setting::TemplateVersion(version) if version.image.is_empty() => {
            Some(format!("ImageParameter is \"{}\": there is no such SSM parameter", version.content.image_source))
        }
        _ => None,
    };
    match what {
        CallKind::Create(resource) => match &resource.fields {
            Fields::Subnet(subnet) if subnet.zone.is_empty() => Some(format!(
                "InstanceType and ZoneCount: there is no zone for subnet {}: the region offers that type in too few availability zones",
                resource.name
            )),
            _ => resource.settings().iter().find_map(no_image),
        },
        CallKind::Set(settings) => settings.iter().find_map(no_image),
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Delete => None,
    }
}

fn create_step(desired: &Resource) -> Step {
    let key = desired.key();
    let after = desired.all_fields().into_iter().filter_map(|field| match field {
        Field::After(setting) => Some(setting),
        _ => None,
    });
    let call = |kind| Call { key: key.clone(), id: None, kind };
    let calls = std::iter::once(CallKind::Create(Box::new(desired.clone())))
        .chain(grouped(after.collect()).into_iter().map(CallKind::Set));
    Step {
        action: Action::Create,
        summary: describe_resource(desired),
        calls: calls.map(call).collect(),
        needs: vec![],
        leaves: Some(desired.clone()),
        key: key.clone(),
    }
}

fn wait_step(key: Key, what: String) -> Step {
    Step { key, action: Action::Wait(what), summary: vec![], calls: vec![], needs: vec![], leaves: None }
}

/// Why what is there is not ours to take: whose it is. What an environment of the same id left behind is.
fn foreign(desired: &Resource, found: &ObservedResource) -> Option<String> {
    match &found.ownership {
        Ownership::Owned => None,
        Ownership::Retained(of) if desired.tags.get(mark::ENVIRONMENT) == Some(of) => None,
        Ownership::Retained(of) => Some(format!("the environment {of} left it behind")),
        Ownership::Foreign(reason) | Ownership::Hidden(reason) => Some(reason.clone()),
    }
}

fn missing_instances(observed: &Resource, desired: u32) -> Option<String> {
    match &observed.fields {
        Fields::AutoScalingGroup(group) if group.in_service < desired => {
            let failed = group.failed_launch.as_ref();
            let failed = failed.map(|reason| format!(" (the last launch that failed: {reason})")).unwrap_or_default();
            Some(format!("{} of {desired} instances are in service{failed}", group.in_service))
        }
        _ => None,
    }
}

fn delete_step(
    observed: &ObservedResource,
    deletion_action: DeletionAction,
    all_observed: &[ObservedResource],
    all: &DesiredState,
) -> Step {
    if let State::Deleting(what) = &observed.state {
        return wait_step(observed.key(), what.clone());
    }
    let (action, what) = match deletion_action {
        DeletionAction::IsRetained { environment } => (Action::Retain, retaining(observed, environment)),
        deletion_action => (Action::Delete, deleting(observed, &deletion_action, all_observed, all)),
    };
    let call = |kind| Call { key: observed.key(), id: observed.id.clone(), kind };
    let summary = observed.id.iter().map(|id| format!("id: {id}")).collect();
    let calls = what.into_iter().map(call).collect();
    Step { key: observed.key(), action, summary, calls, needs: vec![], leaves: None }
}

fn deleting(
    observed: &ObservedResource,
    deletion_action: &DeletionAction,
    all_observed: &[ObservedResource],
    all: &DesiredState,
) -> Vec<CallKind> {
    let references = |it: &Setting| match it {
        Setting::Association(subnet) => !goes_itself(subnet, all_observed, all),
        other => other.holds_back_a_delete(),
    };
    let mut held: Vec<Setting> = observed.resource.settings().into_iter().filter(references).collect();
    if *deletion_action == DeletionAction::IsEmptied {
        // Logs of its own emptying would come for hours.
        held.extend(observed.resource.settings().into_iter().filter(|it| matches!(it, Setting::AccessLogs(_))));
    }
    let mut what: Vec<CallKind> = grouped(held).into_iter().map(CallKind::Clear).collect();
    match &observed.resource.fields {
        Fields::AutoScalingGroup(group) if group.max_size > 0 || group.protected => what.push(CallKind::Drain),
        Fields::Bucket(_) if *deletion_action == DeletionAction::IsEmptied => what.push(CallKind::Empty),
        _ => {}
    }
    what.push(CallKind::Delete);
    what
}

/// First the mark of what was left behind, then the owner's mark goes: in between it is still ours.
fn retaining(observed: &ObservedResource, environment: String) -> Vec<CallKind> {
    let retained = Setting::Tag(mark::RETAINED.to_owned(), environment);
    let owner = observed.resource.tags.get(mark::OWNER).cloned().unwrap_or_default();
    vec![CallKind::Set(vec![retained]), CallKind::Clear(vec![Setting::Tag(mark::OWNER.to_owned(), owner)])]
}

/// The step that changes `observed` into `desired`; nothing if they are equal; a sentence if it can't be done.
fn change(
    desired: &Resource,
    observed: &ObservedResource,
    all_observed: &[ObservedResource],
    all: &DesiredState,
) -> Result<Option<Step>, String> {
    let mut desired = desired.clone();
    if let (Fields::LaunchTemplate(new), Fields::LaunchTemplate(old)) = (&mut desired.fields, &observed.resource.fields)
    {
        new.pin_image(old);
    }
    refuse_fixed(&desired, observed)?;
    let (new, old) = (desired.settings(), observed.resource.settings());
    let goes = |setting: &Setting| match setting {
        Setting::Tag(key, _) => all.retired_tags.contains(key),
        Setting::Association(subnet) => !goes_itself(subnet, all_observed, all),
        other => !other.is_kept_when_unwanted(),
    };
    let cleared: Vec<Setting> =
        old.iter().filter(|it| goes(it) && !new.iter().any(|other| other.slot() == it.slot())).cloned().collect();
    let set: Vec<Setting> = new.into_iter().filter(|it| !old.iter().any(|other| same(it, other))).collect();
    if set.is_empty() && cleared.is_empty() {
        return Ok(None);
    }
    let mut leaves = observed.resource.clone();
    leaves.clear_all(&cleared);
    leaves.set_all(&set);
    let summary = cleared.iter().map(|it| format!("no longer {it}"));
    let summary = summary.chain(set.iter().flat_map(|it| describe_change(it, &old))).collect();
    let what = grouped(cleared).into_iter().map(CallKind::Clear).chain(grouped(set).into_iter().map(CallKind::Set));
    let call = |kind| Call { key: desired.key(), id: observed.id.clone(), kind };
    Ok(Some(Step {
        key: desired.key(),
        action: Action::Update,
        summary,
        calls: what.map(call).collect(),
        needs: vec![],
        leaves: Some(leaves),
    }))
}

/// Whether a subnet is ours and no longer wanted.
fn goes_itself(subnet: &Ref, observed: &[ObservedResource], all: &DesiredState) -> bool {
    let is_it = |key: &Key| subnet.key() == Some(key);
    let ours = observed.iter().any(|it| it.ownership == Ownership::Owned && is_it(&it.key()));
    ours && !all.resources.iter().any(|it| is_it(&it.key()))
}

/// Two settings are the same if slot and value are: what stands outside of both, such as a version's image, is not
/// compared.
fn same(one: &Setting, other: &Setting) -> bool {
    one.slot() == other.slot() && one.value() == other.value()
}

fn refuse_fixed(desired: &Resource, observed: &ObservedResource) -> Result<(), String> {
    let old = observed.resource.all_fields();
    for field in desired.all_fields() {
        let Field::Fixed(name, value) = field else { continue };
        let found = old.iter().find_map(|it| match it {
            Field::Fixed(other, found) if *other == name => Some(found),
            _ => None,
        });
        if found.is_some_and(|found| *found != value) {
            let found = found.map(ToString::to_string).unwrap_or_default();
            return Err(format!(
                "{}: {name} is {found} and cannot become {value}. Add a second environment with another EnvironmentSuffix, then remove this one.",
                desired.key()
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
