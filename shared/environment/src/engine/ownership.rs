//! The proof of ownership: which of the resources with the owner's mark may be changed and deleted.
//!
//! For most kinds the name is unique in its service, and the mark on the one resource of that name suffices. For the
//! kinds of [`Proof::Id`] name and mark are tags, which everybody with the right to tag can copy. Such a resource is
//! owned only if
//!
//! - its id is in the owner's record, or
//! - a create intent of the record covers its key, and it is as a lost create leaves it: nothing refers to it, and it
//!   refers to nothing foreign, or
//! - the record has no ids (it was lost), and an owned resource leads to it: the group to its subnets, they to their VPC
//!   and their routes, a route to its NAT gateway, the gateway to its address.
//!
//! Everything else with the mark is unproven: it is reported and never changed.
//!
//! One resource is owned without the mark: a bucket whose create call took no tags ([`is_unmarked_create`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::cloud::{ObservedResource, Ownership, Scope};
use crate::model::key::Key;
use crate::model::kind::{Kind, Proof};
use crate::model::kinds::Bucket;
use crate::model::resource::{Fields, Resource};

/// The proofs of ownership in an owner's record. They prove ownership only: every pass observes the progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Resources of the kinds of [`Proof::Id`], by id: a create call returned the id, or an owned resource led to it.
    /// At most some 50, with some 100 bytes each.
    pub ids: BTreeMap<String, Key>,
    /// Resources of these kinds whose create may have succeeded without a response.
    pub intents: BTreeSet<Key>,
}

impl Proofs {
    /// The key of a resource, by its id. The recorded name holds also where the name's tag was changed.
    #[must_use]
    pub fn name(&self, kind: Kind, id: &str) -> Option<&str> {
        self.ids.get(id).filter(|key| key.kind == kind).map(|key| key.name.as_str())
    }
}

/// Why a marked resource is not known by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A duplicate: owned, and another owned resource has the name.
    Surplus,
    /// Not owned, as far as the record and the owned resources show.
    Unproven,
}

/// The marked resources that are not known by their names, by id.
#[must_use]
pub fn standings(observed: &[ObservedResource], scope: &Scope) -> BTreeMap<String, Standing> {
    let marked: Vec<&ObservedResource> = observed.iter().filter(|it| it.ownership == Ownership::Owned).collect();
    let mut owned = recorded(&marked, scope);
    if scope.proofs.ids.is_empty() {
        add_reached(&marked, scope, &mut owned);
    }
    let lost = lost_creates(&marked, observed, scope, &owned);
    let mut standings = BTreeMap::new();
    for it in &lost {
        let (Some(id), key) = (it.id.as_deref(), it.key()) else { continue };
        let has_name = marked.iter().any(|other| other.key() == key && has_id_in(other, &owned));
        if has_name {
            standings.insert(id.to_owned(), Standing::Surplus);
        } else {
            owned.insert(id);
        }
    }
    for id in marked.iter().filter_map(|it| it.id.as_deref()).filter(|id| !owned.contains(id)) {
        standings.entry(id.to_owned()).or_insert(Standing::Unproven);
    }
    let owned: Vec<&ObservedResource> = marked.into_iter().filter(|it| has_id_in(it, &owned)).collect();
    standings.extend(surplus(&owned).into_iter().map(|id| (id, Standing::Surplus)));
    standings
}

/// Whether a resource without the mark was created by this environment, and the call that marks it did not follow yet: the
/// create intent of the record covers it, and it is as the create call leaves it. Its name is unique in its service and ends
/// with the account, and the reads accept a bucket of this account only; if another principal of the account took the name
/// after the intent was recorded, the environment takes an empty bucket without a configuration.
#[must_use]
pub fn is_unmarked_create(resource: &Resource, proofs: &Proofs) -> bool {
    let Fields::Bucket(bucket) = &resource.fields else { return false };
    // New buckets block public access; older partitions and emulators may differ.
    let new = Bucket { public_access_blocked: bucket.public_access_blocked, ..Bucket::default() };
    resource.tags.is_empty() && *bucket == new && proofs.intents.contains(&resource.key())
}

/// Applies standings: a resource that is not known by its name gets its id as name, so that no key stands for two
/// resources.
pub fn apply_standings(observed: &mut [ObservedResource], standings: &BTreeMap<String, Standing>) {
    for it in observed {
        let Some(id) = it.id.clone() else { continue };
        let Some(standing) = standings.get(&id) else { continue };
        it.resource.name = id;
        if *standing == Standing::Unproven {
            it.ownership = Ownership::Unproven;
        }
    }
}

/// The ids of the marked resources that their names or the record prove.
fn recorded<'a>(marked: &[&'a ObservedResource], scope: &Scope) -> BTreeSet<&'a str> {
    let is_proven = |it: &&&ObservedResource| match it.key().kind.facts().proof {
        Proof::Mark => true,
        Proof::Id => it.id.as_ref().is_some_and(|id| scope.proofs.ids.contains_key(id)),
    };
    marked.iter().filter(is_proven).filter_map(|it| it.id.as_deref()).collect()
}

/// Adds the ids of the marked resources that an owned resource leads to.
fn add_reached<'a>(marked: &[&'a ObservedResource], scope: &Scope, owned: &mut BTreeSet<&'a str>) {
    loop {
        let is_reached = |it: &&&ObservedResource| {
            !has_id_in(it, owned) && marked.iter().any(|from| has_id_in(from, owned) && leads_to(from, it, scope))
        };
        let next: Vec<&str> = marked.iter().filter(is_reached).filter_map(|it| it.id.as_deref()).collect();
        if next.is_empty() {
            return;
        }
        owned.extend(next);
    }
}

/// Whether an owned resource uses another as its own, or serves it. In an existing network the subnets and the VPC are
/// the stack author's, also where they carry the mark.
fn leads_to(from: &ObservedResource, to: &ObservedResource, scope: &Scope) -> bool {
    match (from.key().kind, to.key().kind) {
        (Kind::AutoScalingGroup, Kind::Subnet) | (Kind::Subnet | Kind::SecurityGroup, Kind::Vpc) => {
            scope.network_is_managed && refers(from, to)
        }
        (Kind::LaunchTemplate | Kind::VpcEndpoint, Kind::SecurityGroup)
        | (Kind::RouteTable, Kind::Subnet | Kind::NatGateway | Kind::InternetGateway)
        | (Kind::NatGateway, Kind::Subnet | Kind::Address) => refers(from, to),
        (Kind::Subnet, Kind::RouteTable | Kind::VpcEndpoint) | (Kind::RouteTable, Kind::VpcEndpoint) => {
            refers(to, from)
        }
        _ => false,
    }
}

/// The marked resources that are as a lost create leaves them: a create intent covers the key, nothing refers to them,
/// and they refer to owned resources only. The lowest id comes first, so that every run makes the same choice.
fn lost_creates<'a>(
    marked: &[&'a ObservedResource],
    observed: &[ObservedResource],
    scope: &Scope,
    owned: &BTreeSet<&str>,
) -> Vec<&'a ObservedResource> {
    let is_lost = |it: &&&ObservedResource| {
        // A security group's VPC may be an existing one.
        let is_in_place = it.key().kind == Kind::SecurityGroup && !scope.network_is_managed
            || it.references.iter().all(|id| owned.contains(id.as_str()));
        let is_covered = !has_id_in(it, owned) && scope.proofs.intents.contains(&it.key());
        is_covered && is_in_place && !observed.iter().any(|other| refers(other, it))
    };
    let mut lost: Vec<&ObservedResource> = marked.iter().filter(is_lost).copied().collect();
    lost.sort_by_key(|it| it.id.as_deref());
    lost
}

/// The ids of the duplicates among owned resources, and of everything that depends on them. The duplicate on which the
/// group or the template depends is retained, else the one with the most dependents, else the one with the lowest id.
fn surplus(owned: &[&ObservedResource]) -> BTreeSet<String> {
    let mut surplus: BTreeSet<String> = BTreeSet::new();
    for it in owned {
        let rank = rank(it, owned);
        let is_better = |other: &&ObservedResource| other.key() == it.key() && self::rank(other, owned) < rank;
        if owned.iter().any(is_better) {
            let dependents = dependents(it, owned).into_iter().filter(|it| it.key().kind.facts().proof == Proof::Id);
            surplus.extend(dependents.chain([*it]).filter_map(|it| it.id.clone()));
        }
    }
    surplus
}

fn rank<'a>(it: &'a ObservedResource, owned: &[&'a ObservedResource]) -> (bool, isize, Option<&'a str>) {
    let dependents = dependents(it, owned);
    let is_in_use = dependents.iter().any(|it| it.key().kind.facts().proof == Proof::Mark);
    (!is_in_use, -isize::try_from(dependents.len()).unwrap_or(isize::MAX), it.id.as_deref())
}

/// The resources that refer to `it`, directly or through other resources.
fn dependents<'a>(it: &ObservedResource, owned: &[&'a ObservedResource]) -> Vec<&'a ObservedResource> {
    let mut found: Vec<&ObservedResource> = Vec::new();
    let mut next = vec![it];
    while let Some(here) = next.pop() {
        for other in owned {
            if refers(other, here) && other.id != it.id && !found.iter().any(|known| known.id == other.id) {
                found.push(other);
                next.push(other);
            }
        }
    }
    found
}

fn refers(from: &ObservedResource, to: &ObservedResource) -> bool {
    to.id.as_ref().is_some_and(|id| from.references.contains(id))
}

fn has_id_in(it: &ObservedResource, ids: &BTreeSet<&str>) -> bool {
    it.id.as_deref().is_some_and(|id| ids.contains(id))
}
