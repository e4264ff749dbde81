//! Which step waits for which: derived from what refers to what, forwards for what is made, backwards for what goes.

use super::{Plan, Step};
use crate::cloud::{ObservedResource, Ownership};
use crate::resource::{Key, Kind, Resource};

impl Plan {
    pub(super) fn add_create_edges(&mut self, desired: &[Resource]) {
        for resource in desired {
            let (key, needed) = (resource.key(), needs(resource));
            let behind: Vec<usize> = self.indexes(|step| !step.lets_go() && needed.has(&step.key));
            if let Some(step) = self.steps.iter_mut().find(|step| step.key == key) {
                step.needs.extend(behind);
            }
        }
    }

    pub(super) fn add_delete_edges(&mut self, observed: &[ObservedResource]) {
        let ours = observed.iter().filter(|it| it.ownership == Ownership::Owned);
        let holders: Vec<(Key, Needs)> = ours.map(|it| (it.key(), needs(&it.resource))).collect();
        for at in 0..self.steps.len() {
            if !self.steps[at].lets_go() {
                continue;
            }
            let key = self.steps[at].key.clone();
            let references =
                |step: &Step, key: &Key| holders.iter().any(|(it, needs)| *it == step.key && needs.has(key));
            let before = self.indexes(|step| {
                let other = step.key != key;
                // What is in a subnet keeps its way out to the end, and the association goes with the subnet.
                let is_served = step.lets_go() && step.key.kind == Kind::Subnet && key.kind == Kind::RouteTable;
                let serves = key.kind == Kind::Subnet && step.key.kind == Kind::RouteTable;
                other
                    && if is_served { serves_it(observed, &key, &step.key) } else { references(step, &key) && !serves }
            });
            self.steps[at].needs.extend(before);
        }
    }

    fn indexes(&self, which: impl Fn(&Step) -> bool) -> Vec<usize> {
        let matching = self.steps.iter().enumerate().filter(|(_, step)| which(step));
        matching.map(|(at, _)| at).collect()
    }
}

/// Whether a route table serves a subnet.
fn serves_it(observed: &[ObservedResource], table: &Key, subnet: &Key) -> bool {
    observed.iter().filter(|it| it.key() == *table).any(|it| it.resource.references().contains(subnet))
}

/// What a resource needs: what its fields refer to, and what its kind declares.
struct Needs {
    keys: Vec<Key>,
    kinds: Vec<Kind>,
}

impl Needs {
    fn has(&self, key: &Key) -> bool {
        self.kinds.contains(&key.kind) || self.keys.contains(key)
    }
}

fn needs(resource: &Resource) -> Needs {
    let kinds = resource.kind().declared_needs().iter().map(|(kind, _)| *kind).collect();
    Needs { keys: resource.references(), kinds }
}
