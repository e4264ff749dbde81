//! Drift: changes by other actors than Envkeeper. The desired and the observed resources, compared field by field.

use std::fmt;

use crate::engine::cloud::{ObservedResource, Ownership};
use crate::engine::plan::{DesiredState, FixedDrift, TemplateRollout, plan};
use crate::model::key::Key;
use crate::model::key::Ref;
use crate::model::kinds::{AutoScalingGroup, ForeignIngress, IngressSource, RoleSetting};
use crate::model::resource::{Fields, Resource, Setting};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The resource that differs.
    pub key: Key,
    /// The field; empty where the whole resource is missing, or is not desired.
    pub field: String,
    /// The desired value; `None` where the field or the resource is not desired.
    pub desired: Option<String>,
    /// The observed value; `None` where the field or the resource is absent.
    pub observed: Option<String>,
}

/// The field of a resource with this environment's mark that is not proven to be this environment's.
const UNPROVEN: &str = "ownership";

/// The desired subnet of an instance.
const ONE_OF_GROUP: &str =
    "a subnet of the group; the operator request roll replaces an instance that Auto Scaling does not move";

/// The beginning of the field of a policy or an ingress rule that another sender added.
const FOREIGN: &str = "foreign ";

/// Compares the desired with the observed resources: the fields that an update would change, those that no update can
/// change, the policies and the public ingress that other senders added, which an update leaves alone, and the instances in
/// subnets that the group does not have. Public ingress comes first.
#[must_use]
pub fn drift(desired: &DesiredState, observed: &[ObservedResource]) -> Vec<Drift> {
    let plan = plan(desired, observed);
    let ingress = foreign_ingress(desired, observed).into_iter();
    let public = ingress.filter(|(_, rule)| matches!(rule.from, IngressSource::Public(_)));
    let mut all: Vec<Drift> = public
        .map(|(key, rule)| Drift {
            key,
            field: format!("{FOREIGN}ingress {rule}"),
            desired: None,
            observed: Some(String::from("present")),
        })
        .collect();
    for resource in &desired.resources {
        let key = resource.key();
        let Some(found) = observed.iter().find(|it| it.key() == key) else {
            all.push(Drift { key, field: String::new(), desired: Some("present".into()), observed: None });
            continue;
        };
        let foreign_owner = match &found.ownership {
            // An unproven resource has its id as name, so it is none of the desired ones.
            Ownership::Owned | Ownership::Unproven => None,
            Ownership::Foreign(reason) | Ownership::Hidden(reason) => Some(reason.clone()),
            Ownership::Retained(by) => Some(format!("none: the deleted environment {by} retained it")),
        };
        all.extend(foreign_owner.map(|owner| Drift {
            key: key.clone(),
            field: String::from("owner"),
            desired: Some("this environment".into()),
            observed: Some(owner),
        }));
        let after = plan.steps.iter().find(|step| step.key == key).and_then(|step| step.resource_after.as_ref());
        all.extend(after.map(|after| changed_settings(after, &found.resource)).unwrap_or_default());
        all.extend(foreign_policies(resource, &found.resource));
    }
    all.extend(plan.fixed_drift.iter().map(Drift::from));
    all.extend(plan.rollout.iter().map(Drift::from));
    all.extend(misplaced_instances(observed));
    let desired_keys: Vec<Key> = desired.resources.iter().map(Resource::key).collect();
    let not_desired = observed.iter().filter(|it| !desired_keys.contains(&it.key()));
    all.extend(not_desired.filter_map(|it| {
        let field = match it.ownership {
            Ownership::Owned => String::new(),
            Ownership::Unproven => String::from(UNPROVEN),
            Ownership::Foreign(_) | Ownership::Hidden(_) | Ownership::Retained(_) => return None,
        };
        Some(Drift { key: it.key(), field, desired: None, observed: it.id.clone() })
    }));
    all
}

fn changed_settings(after: &Resource, observed: &Resource) -> Vec<Drift> {
    let (new, old) = (after.settings(), observed.settings());
    let drift = |setting: &Setting, desired: Option<String>, observed: Option<String>| {
        let (name, element) = setting.slot();
        Drift { key: after.key(), field: format!("{name} {element}").trim_end().to_owned(), desired, observed }
    };
    let value = |setting: &Setting| match setting.value() {
        value if value.is_empty() => String::from("present"),
        value => value,
    };
    let missing = new.iter().filter_map(|it| {
        let found = old.iter().find(|other| other.slot() == it.slot());
        let is_same = found.is_some_and(|other| other.value() == it.value());
        (!is_same).then(|| drift(it, Some(value(it)), found.map(value)))
    });
    let surplus = old.iter().filter(|it| !new.iter().any(|other| other.slot() == it.slot()));
    missing.chain(surplus.map(|it| drift(it, None, Some(value(it))))).collect()
}

impl From<&FixedDrift> for Drift {
    fn from(drift: &FixedDrift) -> Drift {
        let FixedDrift { key, field, observed, desired, .. } = drift.clone();
        Drift { key, field: field.to_owned(), desired: Some(desired), observed: Some(observed) }
    }
}

impl From<&TemplateRollout> for Drift {
    fn from(rollout: &TemplateRollout) -> Drift {
        let TemplateRollout { key, observed, desired, .. } = rollout.clone();
        Drift { key, field: String::from("launches"), desired: Some(desired), observed: Some(observed) }
    }
}

/// The instances of the owned group in subnets that the group does not have. Auto Scaling moves instances between zones only.
fn misplaced_instances(observed: &[ObservedResource]) -> Vec<Drift> {
    let id = |subnet: &Ref| match subnet {
        Ref::Owned(key) => observed.iter().find(|it| it.key() == *key).and_then(|it| it.id.clone()),
        Ref::Foreign(id) => Some(id.clone()),
    };
    let misplaced = |key: Key, group: &AutoScalingGroup| {
        let subnets: Vec<String> = group.subnets.iter().filter_map(id).collect();
        let outside = group.instances.iter().filter(move |(_, it)| !subnets.contains(&it.subnet));
        let drift = move |(id, subnet): (&String, &String)| Drift {
            key: key.clone(),
            field: format!("the subnet of instance {id}"),
            desired: Some(ONE_OF_GROUP.to_owned()),
            observed: Some(subnet.clone()),
        };
        outside.map(|(id, it)| (id, &it.subnet)).map(drift).collect::<Vec<_>>()
    };
    let owned = observed.iter().filter(|it| it.ownership == Ownership::Owned);
    let of_group = owned.filter_map(|it| match &it.resource.fields {
        Fields::AutoScalingGroup(group) => Some(misplaced(it.key(), group)),
        _ => None,
    });
    of_group.flatten().collect()
}

/// The ingress that other senders added to the security groups of the environment. Only public ingress is drift: the rule of a
/// load balancer, for example, is the stack author's own.
#[must_use]
pub fn foreign_ingress(desired: &DesiredState, observed: &[ObservedResource]) -> Vec<(Key, ForeignIngress)> {
    let is_desired = |it: &&ObservedResource| desired.resources.iter().any(|desired| desired.key() == it.key());
    let owned = observed.iter().filter(|it| it.ownership == Ownership::Owned).filter(is_desired);
    let of_group = |it: &ObservedResource| match &it.resource.fields {
        Fields::SecurityGroup(group) => group.foreign_ingress.iter().map(|rule| (it.key(), rule.clone())).collect(),
        _ => vec![],
    };
    owned.flat_map(of_group).collect()
}

/// The policies of an observed role that are not desired.
fn foreign_policies(desired: &Resource, observed: &Resource) -> Vec<Drift> {
    let of_desired = desired.settings();
    let is_foreign = |it: &Setting| {
        matches!(it, Setting::Role(RoleSetting::ManagedPolicy(_) | RoleSetting::InlinePolicy { .. }))
            && !of_desired.iter().any(|other| other.slot() == it.slot())
    };
    let drift = |it: Setting| {
        let (name, element) = it.slot();
        let field = format!("{FOREIGN}{name} {element}");
        Drift { key: desired.key(), field, desired: None, observed: Some(String::from("present")) }
    };
    observed.settings().into_iter().filter(is_foreign).map(drift).collect()
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drift { key, field, desired, observed } = self;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| String::from("absent"));
        match (field.as_str(), observed) {
            ("", None) => write!(f, "{key} is missing"),
            ("", Some(id)) => write!(f, "{key} exists and is not desired: {id}"),
            (UNPROVEN, Some(_)) => write!(f, "{key} {}", Ownership::UNPROVEN),
            (field, Some(_)) if field.starts_with(FOREIGN) => {
                write!(
                    f,
                    "{key} has the {field}: another sender added it, and only the delete of the environment removes it"
                )
            }
            (field, _) => write!(f, "{key}: {field} is {}, desired is {}", text(observed), text(desired)),
        }
    }
}
