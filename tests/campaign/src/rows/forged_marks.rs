//! Forged ownership marks: strangers' resources with copied, mutated tags. A forger may tag every resource; the next
//! Update and the Delete of the victim leave all of them alone, and the victim's group in service.
//!
//! Each thread keeps a victim. A case plants up to eight resources, mostly with the tags of one of the victim's own and
//! at most two of them changed, runs an Update or (one case in 16) a Delete, and removes the planted ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use environment::{
    Call, CallKind, Defaults, Deployment, DesiredState, Facts, Key, Kind, Names, Proof, Proofs, Resource, Run,
    RunOutcome, Scope, Spec, desired, mark, reconcile,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::json;

use super::{Dice, Row};
use crate::lifecycle::Verdict;

const OWNER: &str = "0123456789abcdef0123";
const CASES: usize = 4_000;

pub(super) fn rows() -> Vec<Row> {
    let name = "forged marks on resources";
    vec![Row { name, cases: CASES, short: 40, run: Box::new(verdict), seeded: true }]
}

thread_local! {
    static VICTIM: RefCell<Option<Victim>> = const { RefCell::new(None) };
}

fn verdict(case: usize) -> Verdict {
    let effects = catch_unwind(AssertUnwindSafe(|| {
        VICTIM.with_borrow_mut(|victim| {
            let (effects, is_left) = victim.get_or_insert_with(Victim::new).effects(case);
            if !is_left || !effects.is_empty() {
                *victim = None;
            }
            effects
        })
    }));
    let effects = effects.unwrap_or_else(|_| vec![String::from("a panic")]);
    Verdict { converged: effects.is_empty(), reason: format!("{effects:?}"), ..Verdict::default() }
}

/// An environment in service, with its record.
struct Victim {
    account: MemoryAccount,
    desired: DesiredState,
    proofs: Proofs,
}

impl Victim {
    fn new() -> Victim {
        let properties = json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty", "MinSize": 1, "MaxSize": 2 });
        let properties = properties.as_object().cloned().unwrap_or_default();
        let spec = Spec::read(&properties, &Defaults::from_vars(|_| None), &deployment()).expect("valid properties");
        let facts = Facts {
            zones: ["us-west-2a", "us-west-2b"].map(String::from).to_vec(),
            partition: "aws".into(),
            image: Some("ami-0123456789abcdef0".into()),
            hooks_are_handled: true,
            ..Facts::default()
        };
        let resources = desired(&spec, &names(), OWNER, &facts);
        let desired = DesiredState { resources, ..DesiredState::default() };
        let mut victim = Victim { account: MemoryAccount::default(), desired, proofs: Proofs::default() };
        let desired = victim.desired.clone();
        assert!(victim.run("create", &desired), "the create settles");
        victim
    }

    /// Runs a request. Returns whether it settled.
    fn run(&mut self, request: &str, desired: &DesiredState) -> bool {
        self.account.clock.advance(Duration::from_mins(1));
        let session = Session::new(&self.account, request);
        let scope =
            Scope { owner: OWNER.into(), names: names(), proofs: self.proofs.clone(), network_is_managed: true };
        let run = Run::standalone(&scope, desired, self.account.clock.now() + Duration::from_hours(1));
        let outcome = reconcile(&session, run, async |_, _: &Proofs| Ok::<_, Infallible>(()));
        match self.account.clock.run(outcome) {
            Some(RunOutcome::Settled { proofs, .. }) => {
                self.proofs = proofs;
                true
            }
            _ => false,
        }
    }

    /// Plants the resources of a case, and returns their ids.
    fn plant(&self, case: usize) -> Vec<(Kind, String)> {
        let is_delete = is_delete(case);
        let mut dice = Dice::new(case);
        let own: Vec<&Resource> =
            self.desired.resources.iter().filter(|it| it.kind().facts().proof == Proof::Id).collect();
        let own_ids: Vec<(Key, String)> = self.proofs.ids.iter().map(|(id, key)| (key.clone(), id.clone())).collect();
        let mut planted: Vec<(Key, String)> = Vec::new();
        for _ in 0..=dice.below(8) {
            let mut resource = own[pick(&mut dice, own.len())].clone();
            mutate(&mut resource, &mut dice);
            // A stranger's resources refer to each other, and an operator may have put them into the victim's network,
            // where they would block the network's deletion.
            let mut links: BTreeMap<Key, String> = BTreeMap::new();
            for key in resource.references() {
                let of_key = |all: &[(Key, String)]| all.iter().rev().find(|(it, _)| *it == key).cloned();
                let link =
                    of_key(&planted).filter(|_| dice.percent(70)).or_else(|| of_key(&own_ids).filter(|_| !is_delete));
                links.extend(link.filter(|_| dice.percent(90)));
            }
            let key = resource.key();
            planted.push((key, self.account.plant_linked(resource, links)));
        }
        planted.into_iter().map(|(key, id)| (key.kind, id)).collect()
    }

    /// The effects of a case that may not happen, and whether the victim still exists.
    fn effects(&mut self, case: usize) -> (Vec<String>, bool) {
        let planted = self.plant(case);
        let calls = self.account.calls.borrow().len();
        let is_delete = is_delete(case);
        let desired = if is_delete { DesiredState::default() } else { self.desired.clone() };
        let mut effects = Vec::new();
        if !self.run(&format!("case {case}"), &desired) {
            effects.push(String::from("the run does not settle"));
        }
        let sent: Vec<Call> = self.account.calls.borrow()[calls..].to_vec();
        let forged: BTreeSet<&String> = planted.iter().map(|(_, id)| id).collect();
        effects.extend(sent.iter().filter(|it| it.id.as_ref().is_some_and(|id| forged.contains(id))).map(describe));
        if !is_delete {
            effects.extend(sent.iter().map(describe));
        }
        for (kind, id) in &planted {
            if !self.account.uproot(id) {
                effects.push(format!("{} {id} is gone", kind.facts().name));
            }
        }
        if is_delete && !self.account.inventory().is_empty() {
            effects.push(String::from("the delete leaves resources of the victim"));
        }
        (effects, !is_delete)
    }
}

fn is_delete(case: usize) -> bool {
    case.is_multiple_of(16)
}

/// Mostly changes at most two tags; sometimes another name or none.
fn mutate(resource: &mut Resource, dice: &mut Dice) {
    for _ in 0..dice.below(3) {
        let value = |dice: &mut Dice| {
            let values = ["", "other", OWNER, "0123456789abcdef0124", "scalable-ec2-us-west-2-dev"];
            values[pick(dice, values.len())].to_owned()
        };
        let key = [mark::NAME, mark::ENVIRONMENT, mark::RETAINED, "Name", "Project"][pick(dice, 5)];
        if dice.percent(20) {
            resource.tags.remove(key);
        } else {
            let value = value(dice);
            resource.tags.insert(key.to_owned(), value);
        }
    }
    if dice.percent(10) {
        resource.name = String::from("planted");
    }
}

fn describe(call: &Call) -> String {
    let verb = match &call.kind {
        CallKind::Delete => "deletes",
        CallKind::Drain => "drains",
        _ => "changes",
    };
    format!("{verb} {} {:?}", call.key, call.id)
}

fn pick(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.below(length as u64)).unwrap_or_default()
}

fn deployment() -> Deployment {
    Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

fn names() -> Names {
    deployment().names("dev")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first case with an effect, for a victim whose proofs are as the forger wants them.
    fn has_effect(claim: impl Fn(&mut Victim, &[(Kind, String)])) -> bool {
        (0..CASES).filter(|case| !is_delete(*case)).take(200).any(|case| {
            let mut victim = Victim::new();
            let planted = victim.plant(case);
            claim(&mut victim, &planted);
            let calls = victim.account.calls.borrow().len();
            let desired = victim.desired.clone();
            victim.run("update", &desired);
            victim.account.calls.borrow().len() > calls
        })
    }

    /// The record answers as the forger claims: it has the ids of the planted resources.
    #[test]
    fn without_the_ids_of_the_record_a_forged_mark_removes_a_resource() {
        assert!(has_effect(|victim, planted| {
            let ids = planted.iter().map(|(kind, id)| (id.clone(), Key::new(*kind, "planted")));
            victim.proofs.ids.extend(ids);
        }));
    }

    /// The record answers as the forger claims: a create was lost.
    #[test]
    fn without_the_intents_of_the_record_a_forged_mark_removes_a_resource() {
        assert!(has_effect(|victim, _| {
            let by_id = victim.desired.resources.iter().filter(|it| it.kind().facts().proof == Proof::Id);
            victim.proofs.intents.extend(by_id.map(Resource::key));
        }));
    }

    #[test]
    fn an_untouched_record_removes_none() {
        assert!(!has_effect(|_, _| {}));
    }
}
