//! The choice between duplicates: a create without a client token can happen twice, when its response is lost or an
//! observation came too early. All duplicates but one are deleted.

use std::collections::BTreeSet;

use crate::engine::cloud::{ObservedResource, Ownership};

/// The indexes in `observed` of the duplicates to delete, and of the resources that depend on them.
///
/// Among resources with the same key, the one with the most dependents, direct and indirect, is retained. Among equals
/// the one with the lowest id is retained, so that every run makes the same choice.
pub(crate) fn duplicates(observed: &[ObservedResource]) -> Vec<usize> {
    let owned: Vec<usize> = (0..observed.len()).filter(|at| observed[*at].ownership == Ownership::Owned).collect();
    let mut surplus: BTreeSet<usize> = BTreeSet::new();
    for &at in &owned {
        let better = |other: usize| {
            other != at && observed[other].key() == observed[at].key() && rank(observed, other) < rank(observed, at)
        };
        if owned.iter().any(|other| better(*other)) {
            surplus.extend(dependents(observed, at));
            surplus.insert(at);
        }
    }
    surplus.into_iter().collect()
}

/// The sort key for the choice: the resource with the lowest rank is retained.
fn rank(observed: &[ObservedResource], at: usize) -> (isize, Option<&str>) {
    let dependents = isize::try_from(dependents(observed, at).len()).unwrap_or(isize::MAX);
    (-dependents, observed[at].id.as_deref())
}

/// All resources that refer to `at`, directly or through other resources.
fn dependents(observed: &[ObservedResource], at: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = vec![at];
    while let Some(here) = next.pop() {
        let Some(id) = observed[here].id.as_ref() else { continue };
        for (other, it) in observed.iter().enumerate() {
            if other != at && it.references.contains(id) && found.insert(other) {
                next.push(other);
            }
        }
    }
    found
}
