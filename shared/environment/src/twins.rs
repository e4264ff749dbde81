//! Which of several is the one: a create without a client token can happen twice, when its answer is lost or a look
//! came too early. All but one go.

use std::collections::BTreeSet;

use crate::cloud::{Live, Whose};

/// The places in `live` of what is there once too often, and of what hangs on it.
///
/// Of several with the same key the one stays that most others hold on to, directly or through others; among equals the
/// one with the lowest id, so that every run chooses alike.
pub(crate) fn superfluous(live: &[Live]) -> Vec<usize> {
    let ours: Vec<usize> = (0..live.len()).filter(|at| live[*at].whose == Whose::Ours).collect();
    let mut goes: BTreeSet<usize> = BTreeSet::new();
    for &at in &ours {
        let better =
            |other: usize| other != at && live[other].key() == live[at].key() && rank(live, other) < rank(live, at);
        if ours.iter().any(|other| better(*other)) {
            goes.extend(dependents(live, at));
            goes.insert(at);
        }
    }
    goes.into_iter().collect()
}

/// The lower, the more it is the one to keep.
fn rank(live: &[Live], at: usize) -> (isize, Option<&str>) {
    let dependents = isize::try_from(dependents(live, at).len()).unwrap_or(isize::MAX);
    (-dependents, live[at].id.as_deref())
}

/// Everything that holds on to `at`, directly or through others.
fn dependents(live: &[Live], at: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = vec![at];
    while let Some(here) = next.pop() {
        let Some(id) = live[here].id.as_ref() else { continue };
        for (other, it) in live.iter().enumerate() {
            if other != at && it.holds.contains(id) && found.insert(other) {
                next.push(other);
            }
        }
    }
    found
}
