//! Marks are tags, and tags can be copied: only what the record or an owned resource proves is changed or deleted.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test panics on unexpected data, and takes JSON by value"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::{
    OWNER, assert_converged, names, observe, plan_now, resources, rollback, run, run_until_done, settled, spec,
    standard,
};
use environment::{
    Action, CallKind, DesiredState, Kind, ObservedResource, Ownership, Proofs, Resource, RunOutcome, Scope, State,
    standings,
};
use memory_cloud::{Fault, MemoryAccount};
use serde_json::json;

fn of_kind(desired: &DesiredState, kind: Kind) -> Resource {
    desired.resources.iter().find(|it| it.kind() == kind).cloned().expect("a resource of this kind")
}

fn ids(account: &MemoryAccount) -> Vec<String> {
    let mut ids: Vec<String> = observe(account).into_iter().filter_map(|it| it.id).collect();
    ids.sort();
    ids
}

/// Plants a network with the tags of the environment's own: a VPC with subnets, and everything in it.
fn copied_network(account: &MemoryAccount, desired: &DesiredState, subnets: usize) -> Vec<String> {
    let vpc = account.plant(of_kind(desired, Kind::Vpc));
    let in_vpc = BTreeMap::from([(names().vpc(), vpc.clone())]);
    let mut planted = vec![vpc];
    for _ in 0..subnets {
        planted.push(account.plant_linked(of_kind(desired, Kind::Subnet), in_vpc.clone()));
    }
    planted.push(account.plant_linked(of_kind(desired, Kind::RouteTable), in_vpc.clone()));
    planted.push(account.plant_linked(of_kind(desired, Kind::InternetGateway), in_vpc.clone()));
    planted.push(account.plant_linked(of_kind(desired, Kind::SecurityGroup), in_vpc));
    let address = of_kind(desired, Kind::Address);
    let address_id = account.plant(address.clone());
    let links = BTreeMap::from([
        (of_kind(desired, Kind::Subnet).key(), planted[1].clone()),
        (address.key(), address_id.clone()),
    ]);
    planted.push(address_id);
    planted.push(account.plant_linked(of_kind(desired, Kind::NatGateway), links));
    planted
}

fn assert_present(account: &MemoryAccount, planted: &[String]) {
    let found = ids(account);
    assert!(planted.iter().all(|id| found.contains(id)), "{planted:?} in {found:?}");
}

#[test]
fn copied_tags_change_nothing_and_are_never_removed() {
    let desired = standard();
    let account = settled(&desired);
    let before = ids(&account);
    let planted = copied_network(&account, &desired, 30);
    let plan = plan_now(&account, &desired);
    assert!(plan.is_settled(), "{plan}");
    assert_eq!(plan.unproven.len(), planted.len(), "{plan}");

    let calls = account.calls.borrow().len();
    assert!(matches!(run(&account, "update", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_eq!(account.calls.borrow().len(), calls, "an update makes no call");
    let mut all: Vec<String> = before.into_iter().chain(planted.clone()).collect();
    all.sort();
    assert_eq!(ids(&account), all);

    assert!(matches!(run(&account, "delete", &DesiredState::default(), None), Some(RunOutcome::Settled { .. })));
    assert_eq!(ids(&account).len(), planted.len(), "a delete removes everything else");
    assert_present(&account, &planted);
}

/// A subnet that an operator adds to the environment's VPC is the operator's, whatever tags it carries.
#[test]
fn copied_tags_within_the_own_network_remove_nothing() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = observe(&account).into_iter().find(|it| it.key() == names().vpc()).and_then(|it| it.id).expect("its id");
    let in_vpc = BTreeMap::from([(names().vpc(), vpc)]);
    let kinds = [Kind::Subnet, Kind::RouteTable, Kind::SecurityGroup];
    let planted = kinds.map(|kind| account.plant_linked(of_kind(&desired, kind), in_vpc.clone()));
    assert!(matches!(run(&account, "update", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_present(&account, &planted);
}

#[test]
fn no_update_drains_the_group() {
    let account = settled(&standard());
    let mut without_group = standard();
    without_group.resources.retain(|it| it.kind() != Kind::AutoScalingGroup);
    let plan = plan_now(&account, &without_group);
    let drains = plan.steps.iter().flat_map(|step| &step.calls).filter(|call| call.kind == CallKind::Drain);
    assert_eq!(drains.count(), 0, "{plan}");
    assert!(plan.steps.iter().all(|it| it.key != names().group()), "{plan}");
}

#[test]
fn an_empty_duplicate_is_removed_if_a_create_intent_covers_it() {
    let desired = standard();
    let account = settled(&desired);
    let duplicate = account.plant(of_kind(&desired, Kind::Vpc));
    let address = account.plant(of_kind(&desired, Kind::Address));
    assert!(plan_now(&account, &desired).is_settled(), "no intent covers them");
    let intents = [names().vpc(), of_kind(&desired, Kind::Address).key()];
    account.proofs.borrow_mut().intents.extend(intents);
    let plan = plan_now(&account, &desired);
    let deleted: Vec<&str> = plan.steps.iter().map(|step| step.key.name.as_str()).collect();
    assert_eq!(deleted, [address.as_str(), duplicate.as_str()], "{plan}");
    assert!(plan.steps.iter().all(|step| step.action == Action::Delete), "{plan}");
    assert!(matches!(run(&account, "update", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_converged(&account, &desired, "after the clean-up");
    assert_eq!(account.proofs.borrow().intents.len(), 0, "a settled run closes the intents");
}

#[test]
fn a_duplicate_that_is_in_use_stays_although_a_create_intent_covers_it() {
    let desired = standard();
    let account = settled(&desired);
    let planted = copied_network(&account, &desired, 1);
    let intents =
        desired.resources.iter().filter(|it| [Kind::Vpc, Kind::InternetGateway, Kind::Address].contains(&it.kind()));
    account.proofs.borrow_mut().intents.extend(intents.map(Resource::key));
    assert!(matches!(run(&account, "update", &desired, None), Some(RunOutcome::Settled { .. })));
    assert_present(&account, &planted);
}

#[test]
fn a_lost_create_is_used_only_while_it_is_empty() {
    let desired = standard();
    for subnets in [0, 2] {
        let account = MemoryAccount::default();
        let vpc = account.plant(of_kind(&desired, Kind::Vpc));
        for _ in 0..subnets {
            let links = BTreeMap::from([(names().vpc(), vpc.clone())]);
            account.plant_linked(of_kind(&desired, Kind::Subnet), links);
        }
        account.proofs.borrow_mut().intents.insert(names().vpc());
        account.clock.advance(Duration::from_mins(1));
        assert!(matches!(run(&account, "create", &desired, None), Some(RunOutcome::Settled { .. })));
        let own = observe(&account).into_iter().find(|it| it.key() == names().vpc()).and_then(|it| it.id);
        assert_eq!(own == Some(vpc), subnets == 0, "with {subnets} subnets in it");
    }
}

#[test]
fn without_a_record_the_group_leads_to_its_network() {
    for properties in
        [json!({}), json!({ "Egress": "VpcEndpoints" }), json!({ "Egress": "NatGatewayPerZone", "ZoneCount": "3" })]
    {
        let desired = resources(&spec(properties));
        let account = settled(&desired);
        *account.proofs.borrow_mut() = Proofs::default();
        let plan = plan_now(&account, &desired);
        assert!(plan.is_settled() && plan.unproven.is_empty(), "{plan}");
        run_until_done(&account, "delete", &DesiredState::default());
        assert!(account.inventory().is_empty(), "{:#?}", account.inventory());
    }
}

/// The group, which leads to the network, is deleted first.
#[test]
fn a_delete_without_a_record_that_is_killed_at_any_call_leaves_no_resources_after_its_next_run() {
    let desired = standard();
    let before = settled(&desired).calls.borrow().len();
    let whole = settled(&desired);
    run_until_done(&whole, "delete", &DesiredState::default());
    for call in before..whole.calls.borrow().len() {
        let account = settled(&desired);
        *account.proofs.borrow_mut() = Proofs::default();
        account.faults.borrow_mut().insert(call, Fault::CrashAfter);
        run_until_done(&account, "delete", &rollback());
        let left = account.inventory();
        assert!(left.is_empty(), "killed at call {call}: {left:#?}");
    }
}

#[test]
fn the_stack_authors_network_stays_although_it_carries_copied_tags() {
    let desired =
        resources(&spec(json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": ["subnet-0123456789abcdef0"] })));
    let not_owned = |observed: &[ObservedResource], network_is_managed| {
        let scope = Scope { owner: OWNER.into(), names: names(), proofs: Proofs::default(), network_is_managed };
        standings(observed, &scope).len()
    };
    let observed = |id: &str, resource, references: &[&str]| ObservedResource {
        id: Some(id.into()),
        resource,
        ownership: Ownership::Owned,
        state: State::Ready,
        references: references.iter().map(|it| (*it).to_owned()).collect(),
        version: None,
    };
    let managed = standard();
    let vpc = observed("vpc-0001", of_kind(&managed, Kind::Vpc), &[]);
    let subnet = observed("subnet-0002", of_kind(&managed, Kind::Subnet), &["vpc-0001"]);
    let group = observed("the-group", of_kind(&desired, Kind::AutoScalingGroup), &["subnet-0002"]);
    let all = [vpc, subnet, group];
    assert_eq!(
        (not_owned(&all, false), not_owned(&all, true)),
        (2, 0),
        "unproven in an existing network, owned in a managed one"
    );
}
