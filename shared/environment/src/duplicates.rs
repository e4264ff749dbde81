//! Which of several is the one: a create without a client token can happen twice, when its answer is lost or a look
//! came too early. All but one go.

use std::collections::BTreeSet;

use crate::cloud::{ObservedResource, Ownership};

/// The places in `observed` of what is there once too often, and of what hangs on it.
///
/// Of several with the same key the one stays that most others hold on to, directly or through others; among equals the
/// one with the lowest id, so that every run chooses alike.
pub(crate) fn duplicates(observed: &[ObservedResource]) -> Vec<usize> {
    let ours: Vec<usize> = (0..observed.len()).filter(|at| observed[*at].ownership == Ownership::Owned).collect();
    let mut goes: BTreeSet<usize> = BTreeSet::new();
    for &at in &ours {
        let better = |other: usize| {
            other != at && observed[other].key() == observed[at].key() && rank(observed, other) < rank(observed, at)
        };
        if ours.iter().any(|other| better(*other)) {
            goes.extend(dependents(observed, at));
            goes.insert(at);
        }
    }
    goes.into_iter().collect()
}

/// The lower, the more it is the one to keep.
fn rank(observed: &[ObservedResource], at: usize) -> (isize, Option<&str>) {
    let dependents = isize::try_from(dependents(observed, at).len()).unwrap_or(isize::MAX);
    (-dependents, observed[at].id.as_deref())
}

/// Everything that holds on to `at`, directly or through others.
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
