//! Computes the steps from the observed to the desired resources. Synchronous, pure, and printable: the printed plan is
//! exactly the work of [`apply`](crate::apply), which makes no decisions.
//!
//! Edges are derived. A resource is created or changed after the steps of the resources that it refers to. It is
//! deleted after the steps of the observed resources that refer to it. Kinds add the edges that no field shows
//! ([`KindFacts::depends_on`](crate::KindFacts::depends_on)). On delete these edges run backwards: a
//! draining group keeps its egress.

mod describe;
mod display;
mod edges;
mod fixed;
mod launched;

use std::collections::BTreeSet;

use self::describe::{describe_change, describe_resource};
use self::launched::{with_launched_parts, with_monitoring};
use crate::engine::cloud::{Call, CallKind, ObservedResource, Ownership, State};
use crate::engine::condition::{Awaited, Condition};
use crate::engine::rejection::Rejection;
use crate::engine::retain::{DeletionAction, adoption, deletion_action};
use crate::model::field::Field;
use crate::model::key::{Key, Ref};
use crate::model::kind::Kind;
use crate::model::kinds::{BucketSetting, LaunchTemplateSetting, RouteTableSetting};
use crate::model::mark;
use crate::model::resource::{Fields, Resource, Setting};
pub use fixed::FixedDrift;
pub use launched::{TemplateRollout, desired_version};

/// The complete set of resources of an owner: every other resource of the owner is deleted. An empty set is
/// a delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DesiredState {
    /// The resources; each key occurs once.
    pub resources: Vec<Resource>,
    /// Keys of tags that this environment once had and does not have any more. Other tags that are observed and not
    /// desired belong to other tools, and are retained.
    pub retired_tags: BTreeSet<String>,
    /// The number of instances that must be in service before the environment is settled; 0 after it has settled once.
    pub in_service: u32,
    /// Whether the image of the launch template is recorded for its source. Otherwise the image that the group launches
    /// is kept, as long as its source is the same: the record was lost, or is older than this field.
    pub image_is_recorded: bool,
    /// The digest of the version that the record names: as a newer [revision](crate::TemplateChange::Revision) of that one, the
    /// desired version is not used. `None`: no version is recorded.
    pub recorded_version: Option<String>,
    /// Whether the deleted environment never settled. In that case no bucket is emptied, regardless of its tag.
    pub never_settled: bool,
    /// Whether no bucket is emptied, regardless of its tag, which anybody with the right to tag the bucket can set: the
    /// record of the deleted environment does not say that stored objects may be deleted.
    pub retains_objects: bool,
}

/// The steps. Within an action each step comes after the steps that it depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Empty, where the observed resources equal the desired ones, or the plan is rejected.
    pub steps: Vec<Step>,
    /// The reasons why the plan cannot be executed. A plan with a rejection changes nothing.
    pub rejected: Vec<Rejection>,
    /// The resources that are [`Ownership::Unproven`]: a key's name is the id. They are no work.
    pub unproven: Vec<Key>,
    /// The differences that no call corrects. They are no work, and reject nothing.
    pub fixed_drift: Vec<FixedDrift>,
    /// The version that the group should launch, if it launches another one. It is no step: a rollout follows the plan.
    pub rollout: Option<TemplateRollout>,
}

/// The work on one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource that the step is for.
    pub key: Key,
    /// The name of the step in a plan; the calls are the work.
    pub action: Action,
    /// The description for operators and stack authors, a line each.
    pub summary: Vec<String>,
    /// The calls, in the order in which they are sent.
    pub calls: Vec<Call>,
    /// Indexes of the steps that must be done first.
    pub depends_on: Vec<usize>,
    /// The resource after all calls have succeeded; `None` for a delete.
    pub resource_after: Option<Resource>,
}

/// The kind of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The resource is created.
    Create,
    /// The observed resource is changed in place.
    Update,
    /// The resource is deleted. First the settings that block the deletion are cleared, and a group or a bucket is
    /// emptied.
    Delete,
    /// The resource is retained, without an owner, for a later environment of the same name.
    Retain,
    /// No call is possible yet, until this condition is met.
    Wait(Condition),
}

/// Plans the steps from `observed` to `desired`.
///
/// Resources with the owner's mark that are not proven to be owned are named in [`Plan::unproven`], and no step changes
/// them. A group is drained and deleted only by a delete of the whole environment.
#[must_use]
pub fn plan(desired: &DesiredState, observed: &[ObservedResource]) -> Plan {
    let pinned = with_launched_parts(desired, observed);
    let desired = pinned.as_ref().unwrap_or(desired);
    let monitored = with_monitoring(desired, observed);
    let desired = monitored.as_ref().unwrap_or(desired);
    let unproven = observed.iter().filter(|it| it.ownership == Ownership::Unproven).map(ObservedResource::key);
    let rollout = TemplateRollout::of(desired, observed);
    let mut plan = Plan { unproven: unproven.collect(), rollout, ..Plan::default() };
    for resource in &desired.resources {
        plan.add_desired(resource, observed, desired);
    }
    let desired_keys: BTreeSet<Key> = desired.resources.iter().map(Resource::key).collect();
    let is_delete = desired.resources.is_empty();
    let not_desired = observed.iter().filter(|it| {
        it.ownership == Ownership::Owned
            && !desired_keys.contains(&it.key())
            && (is_delete || it.key().kind != Kind::AutoScalingGroup)
    });
    let mut not_desired: Vec<&ObservedResource> = not_desired.collect();
    // The reverse of the order of creation; the order is for readers, the edges determine the execution.
    not_desired.sort_by_key(|it| std::cmp::Reverse(it.key()));
    for it in not_desired {
        match deletion_action(it, desired) {
            Ok(deletion_action) => plan.steps.push(delete_step(it, deletion_action, observed, desired)),
            Err(rejected) => plan.rejected.push(rejected),
        }
    }
    plan.reject_misplaced();
    plan.add_create_edges(&desired.resources);
    plan.add_delete_edges(observed);
    plan.add_waits_for_instances(desired.in_service);
    plan
}

impl Plan {
    /// Whether the plan has no work and no wait. A rollout may follow.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.steps.is_empty() && self.rejected.is_empty()
    }

    /// Whether an operator's consent to the adoption of retained buckets is missing.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.rejected.iter().any(|it| matches!(it, Rejection::Retained { .. }))
    }

    /// Rejects the creation of a resource that others of the environment should belong to, and do not: they are in use
    /// where they are, and no call moves them.
    fn reject_misplaced(&mut self) {
        let creates = |key: &Key| self.steps.iter().any(|it| it.action == Action::Create && it.key == *key);
        let misplaced = self.fixed_drift.iter().filter_map(|it| {
            let missing = it.refers_to.clone().filter(creates)?;
            Some(Rejection::Misplaced { key: it.key.clone(), field: it.field, observed: it.observed.clone(), missing })
        });
        let misplaced: Vec<Rejection> = misplaced.collect();
        self.rejected.extend(misplaced);
    }

    fn add_desired(&mut self, desired: &Resource, observed: &[ObservedResource], all: &DesiredState) {
        let key = desired.key();
        let Some(found) = observed.iter().find(|it| it.key() == key) else {
            self.add(create_step(desired));
            return;
        };
        if let Some(rejected) = foreign_owner(desired, found) {
            self.rejected.push(rejected);
            return;
        }
        self.fixed_drift.extend(FixedDrift::of(desired, &found.resource));
        match (change(desired, found, observed, all), &found.state) {
            (_, State::Failed(reason)) => {
                self.rejected.push(Rejection::CreateFailed { key, reason: reason.clone() });
            }
            (_, State::Deleting(condition) | State::Settling(condition)) => {
                self.steps.push(wait_step(key, condition.clone(), all.in_service));
            }
            (Some(step), State::Ready) => self.add(step),
            (None, State::Ready) => {
                let missing = missing_instances(&found.resource, all.in_service);
                self.steps.extend(missing.map(|condition| wait_step(key, condition, all.in_service)));
            }
        }
    }

    /// The wait for the instances of a group that this plan creates: nothing else in the plan depends on them.
    fn add_waits_for_instances(&mut self, in_service: u32) {
        let creates = self.steps.iter().enumerate().filter(|(_, step)| step.action == Action::Create);
        let waits = creates.filter_map(|(at, step)| {
            let condition = missing_instances(step.resource_after.as_ref()?, in_service)?;
            Some(Step { depends_on: vec![at], ..wait_step(step.key.clone(), condition, in_service) })
        });
        let waits: Vec<Step> = waits.collect();
        self.steps.extend(waits);
    }

    /// Adds a step, or rejects it where the region does not provide a value that its calls need.
    fn add(&mut self, step: Step) {
        match step.calls.iter().find_map(|call| missing_in_region(&call.kind)) {
            Some(missing) => self.rejected.push(missing),
            None => self.steps.push(step),
        }
    }
}

/// The value that a call needs and the region does not provide.
fn missing_in_region(kind: &CallKind) -> Option<Rejection> {
    let no_image = |setting: &Setting| match setting {
        Setting::LaunchTemplate(LaunchTemplateSetting::Version(version)) if version.image.is_empty() => {
            Some(Rejection::NoImage { parameter: version.content.image_source.clone() })
        }
        _ => None,
    };
    match kind {
        CallKind::Create(resource) => match &resource.fields {
            Fields::Subnet(subnet) if subnet.zone.is_empty() => {
                Some(Rejection::NoZone { subnet: resource.name.clone() })
            }
            _ => resource.settings().iter().find_map(no_image),
        },
        CallKind::Set(settings) => settings.iter().find_map(no_image),
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Delete | CallKind::Rollout(_) => None,
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
        .chain(group_by_call(after.collect()).into_iter().map(CallKind::Set));
    Step {
        action: Action::Create,
        summary: describe_resource(desired),
        calls: calls.map(call).collect(),
        depends_on: vec![],
        resource_after: Some(desired.clone()),
        key: key.clone(),
    }
}

fn wait_step(key: Key, condition: Condition, in_service: u32) -> Step {
    let condition = Condition { awaited: Some(Awaited { key: key.clone(), in_service }), ..condition };
    Step {
        key,
        action: Action::Wait(condition),
        summary: vec![],
        calls: vec![],
        depends_on: vec![],
        resource_after: None,
    }
}

/// The rejection of an existing resource that this environment neither owns nor adopts.
fn foreign_owner(desired: &Resource, found: &ObservedResource) -> Option<Rejection> {
    match &found.ownership {
        Ownership::Owned => None,
        Ownership::Retained(by) => adoption(desired, found, by).err(),
        Ownership::Unproven => {
            let reason = format!("it {}", Ownership::UNPROVEN);
            Some(Rejection::NotOwned { key: desired.key(), reason })
        }
        Ownership::Foreign(reason) | Ownership::Hidden(reason) => {
            Some(Rejection::NotOwned { key: desired.key(), reason: reason.clone() })
        }
    }
}

/// The condition of a group with fewer instances in service than `desired`.
pub(crate) fn missing_instances(observed: &Resource, desired: u32) -> Option<Condition> {
    match &observed.fields {
        Fields::AutoScalingGroup(group) if group.in_service < desired => {
            let sentence = format!("{} of {desired} instances are in service", group.in_service);
            let detail = group.failed_launch.as_ref().map(|reason| format!("last failed launch: {reason}"));
            Some(Condition { detail, ..sentence.into() })
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
    if let State::Deleting(condition) = &observed.state {
        return wait_step(observed.key(), condition.clone(), all.in_service);
    }
    let (action, kinds) = match deletion_action {
        DeletionAction::Retain { environment } => (Action::Retain, retain_calls(observed, environment)),
        deletion_action => (Action::Delete, delete_calls(observed, &deletion_action, all_observed, all)),
    };
    let call = |kind| Call { key: observed.key(), id: observed.id.clone(), kind };
    let summary = observed.id.iter().map(|id| format!("id: {id}")).collect();
    let calls = kinds.into_iter().map(call).collect();
    Step { key: observed.key(), action, summary, calls, depends_on: vec![], resource_after: None }
}

fn delete_calls(
    observed: &ObservedResource,
    deletion_action: &DeletionAction,
    all_observed: &[ObservedResource],
    all: &DesiredState,
) -> Vec<CallKind> {
    let empties = *deletion_action == DeletionAction::EmptyAndDelete;
    let must_be_cleared = |it: &Setting| match it {
        Setting::RouteTable(RouteTableSetting::Association(subnet)) => !deletes_subnet(subnet, all_observed, all),
        // Otherwise the access logs of emptying the bucket would arrive for hours.
        Setting::Bucket(BucketSetting::AccessLogs(_)) => empties,
        other => other.blocks_deletion(),
    };
    let cleared: Vec<Setting> = observed.resource.settings().into_iter().filter(must_be_cleared).collect();
    let mut kinds: Vec<CallKind> = group_by_call(cleared).into_iter().map(CallKind::Clear).collect();
    match &observed.resource.fields {
        Fields::AutoScalingGroup(group) if group.max_size > 0 || group.protected => kinds.push(CallKind::Drain),
        Fields::Bucket(_) if *deletion_action == DeletionAction::EmptyAndDelete => kinds.push(CallKind::Empty),
        _ => {}
    }
    kinds.push(CallKind::Delete);
    kinds
}

/// The calls that retain a resource. The retained mark is set before the owner's mark is removed: between the two calls
/// the resource is still owned. A consent to an adoption ends with the owner's mark.
fn retain_calls(observed: &ObservedResource, environment: String) -> Vec<CallKind> {
    let retained = Setting::Tag(mark::RETAINED.to_owned(), environment);
    let ended = [mark::OWNER, mark::ADOPTABLE_BY].into_iter().filter_map(|key| {
        let value = observed.resource.tags.get(key)?;
        Some(Setting::Tag(key.to_owned(), value.clone()))
    });
    vec![CallKind::Set(vec![retained]), CallKind::Clear(ended.collect())]
}

/// The step that changes `observed` into `desired`; `None` if no call has to be sent.
fn change(
    desired: &Resource,
    observed: &ObservedResource,
    all_observed: &[ObservedResource],
    all: &DesiredState,
) -> Option<Step> {
    let (new, old) = (desired.settings(), observed.resource.settings());
    let is_cleared = |setting: &Setting| match setting {
        // An adoption uses its consent up.
        Setting::Tag(key, _) => all.retired_tags.contains(key) || key == mark::ADOPTABLE_BY,
        Setting::RouteTable(RouteTableSetting::Association(subnet)) => !deletes_subnet(subnet, all_observed, all),
        other => !other.is_retained_when_not_desired(),
    };
    let cleared: Vec<Setting> =
        old.iter().filter(|it| is_cleared(it) && !new.iter().any(|other| other.slot() == it.slot())).cloned().collect();
    let is_set = |it: &Setting| !it.is_changed_by_rollout() && !old.iter().any(|other| is_same(it, other));
    let set: Vec<Setting> = new.into_iter().filter(is_set).collect();
    if set.is_empty() && cleared.is_empty() {
        return None;
    }
    let mut resource_after = observed.resource.clone();
    resource_after.clear_all(&cleared);
    resource_after.set_all(&set);
    let summary = cleared.iter().map(|it| format!("no longer {it}"));
    let summary = summary.chain(set.iter().flat_map(|it| describe_change(it, &old))).collect();
    let kinds = group_by_call(cleared).into_iter().map(CallKind::Clear);
    let mut kinds: Vec<CallKind> = kinds.chain(group_by_call(set).into_iter().map(CallKind::Set)).collect();
    // An adoption begins with the owner's mark, so that a crash leaves the bucket unchanged or owned.
    kinds.sort_by_key(|kind| !sets_owner(kind));
    let call = |kind| Call { key: desired.key(), id: observed.id.clone(), kind };
    Some(Step {
        key: desired.key(),
        action: Action::Update,
        summary,
        calls: kinds.into_iter().map(call).collect(),
        depends_on: vec![],
        resource_after: Some(resource_after),
    })
}

fn sets_owner(kind: &CallKind) -> bool {
    let is_owner = |it: &Setting| matches!(it, Setting::Tag(key, _) if key == mark::OWNER);
    matches!(kind, CallKind::Set(settings) if settings.iter().any(is_owner))
}

/// Whether a subnet is owned and not desired any more.
fn deletes_subnet(subnet: &Ref, observed: &[ObservedResource], all: &DesiredState) -> bool {
    let is_it = |key: &Key| subnet.key() == Some(key);
    let owned = observed.iter().any(|it| it.ownership == Ownership::Owned && is_it(&it.key()));
    owned && !all.resources.iter().any(|it| is_it(&it.key()))
}

/// Whether two settings have the same slot and the same value.
fn is_same(one: &Setting, other: &Setting) -> bool {
    one.slot() == other.slot() && one.value() == other.value()
}

/// Groups the settings that one call sets together, as many as the call accepts.
fn group_by_call(settings: Vec<Setting>) -> Vec<Vec<Setting>> {
    let mut groups: Vec<Vec<Setting>> = Vec::new();
    for setting in settings {
        let has_room = |group: &Vec<Setting>| group.len() < setting.most_in_a_call();
        match groups.iter_mut().find(|group| group[0].shares_a_call_with(&setting) && has_room(group)) {
            Some(group) => group.push(setting),
            None => groups.push(vec![setting]),
        }
    }
    groups
}

impl Step {
    /// Whether the environment does not own the resource after the step.
    fn ends_ownership(&self) -> bool {
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
