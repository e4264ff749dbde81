//! The order of the steps, derived from the references between resources: forwards for creates, backwards for deletes.

use super::{Plan, Step};
use crate::engine::cloud::{ObservedResource, Ownership};
use crate::model::resource::{Key, Kind, Resource};

impl Plan {
    pub(super) fn add_create_edges(&mut self, desired: &[Resource]) {
        for resource in desired {
            let (key, dependencies) = (resource.key(), dependencies(resource));
            let earlier: Vec<usize> = self.indexes(|step| !step.ends_ownership() && dependencies.contains(&step.key));
            if let Some(step) = self.steps.iter_mut().find(|step| step.key == key) {
                step.depends_on.extend(earlier);
            }
        }
    }

    pub(super) fn add_delete_edges(&mut self, observed: &[ObservedResource]) {
        let owned = observed.iter().filter(|it| it.ownership == Ownership::Owned);
        let dependents: Vec<(Key, Dependencies)> = owned.map(|it| (it.key(), dependencies(&it.resource))).collect();
        for at in 0..self.steps.len() {
            if !self.steps[at].ends_ownership() {
                continue;
            }
            let key = self.steps[at].key.clone();
            let references = |step: &Step, key: &Key| {
                dependents.iter().any(|(it, dependencies)| *it == step.key && dependencies.contains(key))
            };
            let earlier = self.indexes(|step| {
                let other = step.key != key;
                // The resources in a subnet keep their egress until they are deleted, and the deletion of the subnet
                // removes the association.
                let is_served = step.ends_ownership() && step.key.kind == Kind::Subnet && key.kind == Kind::RouteTable;
                let serves = key.kind == Kind::Subnet && step.key.kind == Kind::RouteTable;
                other
                    && if is_served {
                        is_associated(observed, &key, &step.key)
                    } else {
                        references(step, &key) && !serves
                    }
            });
            self.steps[at].depends_on.extend(earlier);
        }
    }

    fn indexes(&self, matches: impl Fn(&Step) -> bool) -> Vec<usize> {
        let matching = self.steps.iter().enumerate().filter(|(_, step)| matches(step));
        matching.map(|(at, _)| at).collect()
    }
}

/// Whether a route table is associated with a subnet.
fn is_associated(observed: &[ObservedResource], table: &Key, subnet: &Key) -> bool {
    observed.iter().filter(|it| it.key() == *table).any(|it| it.resource.references().contains(subnet))
}

/// The dependencies of a resource: the keys that its fields refer to, and the kinds that its kind declares.
struct Dependencies {
    keys: Vec<Key>,
    kinds: Vec<Kind>,
}

impl Dependencies {
    fn contains(&self, key: &Key) -> bool {
        self.kinds.contains(&key.kind) || self.keys.contains(key)
    }
}

fn dependencies(resource: &Resource) -> Dependencies {
    let kinds = resource.kind().declared_dependencies().iter().map(|(kind, _)| *kind).collect();
    Dependencies { keys: resource.references(), kinds }
}
