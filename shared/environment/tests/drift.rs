//! What somebody changed behind our back, told field by field.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{look, resources, rollback, settled, spec, standard};
use environment::{Fields, Key, Kind, Ownership, drift};
use memory_cloud::MemoryAccount;
use serde_json::json;

fn told(account: &MemoryAccount, desired: &environment::DesiredState) -> Vec<String> {
    drift(desired, &look(account)).iter().map(ToString::to_string).collect()
}

fn key_of(account: &MemoryAccount, kind: Kind) -> Key {
    account.inventory().iter().map(environment::Resource::key).find(|it| it.kind == kind).expect("there is one")
}

#[test]
fn what_is_settled_has_not_drifted() {
    for properties in [json!({}), json!({ "Egress": "PublicIp" }), json!({ "Egress": "VpcEndpoints" })] {
        let desired = resources(&spec(properties));
        assert_eq!(told(&settled(&desired), &desired), [""; 0]);
    }
}

#[test]
fn a_changed_field_is_told_with_what_it_is_and_what_is_wanted() {
    let desired = standard();
    let account = settled(&desired);
    let group = key_of(&account, Kind::AutoScalingGroup);
    account.tamper(&group, |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
    assert_eq!(told(&account, &desired), [format!("{group}: max-size is 9, wanted is 4")]);
    let all = drift(&desired, &look(&account));
    assert_eq!(
        (all[0].field.as_str(), all[0].desired.as_deref(), all[0].observed.as_deref()),
        ("max-size", Some("4"), Some("9"))
    );
}

#[test]
fn what_an_update_cannot_change_is_told_too() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    let elsewhere = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "VpcCidr": "10.77.0.0/16" })));
    let all = told(&account, &elsewhere);
    assert!(
        all.iter().any(|it| it.starts_with(&format!("{vpc}: ")) && it.ends_with("wanted is 10.77.0.0/16")),
        "{all:?}"
    );
}

#[test]
fn what_is_missing_or_too_much_is_told_as_a_whole() {
    let desired = standard();
    let account = settled(&desired);
    let dashboard = key_of(&account, Kind::Dashboard);
    let mut observed = look(&account);
    observed.retain(|it| it.key() != dashboard);
    let all = drift(&desired, &observed);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].to_string(), format!("{dashboard} is missing"));

    let mut fewer = standard();
    fewer.resources.retain(|it| it.key() != dashboard);
    let all = told(&account, &fewer);
    assert_eq!(all, [format!("{dashboard} is there and not wanted, as arn:aws:dashboard:{}", dashboard.name)]);
}

#[test]
fn the_second_of_two_is_too_much() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    let twin = account.inventory().into_iter().find(|it| it.key() == vpc).expect("it is there");
    account.plant(twin);
    let all = told(&account, &desired);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].starts_with(&format!("{vpc} is there and not wanted")), "{all:?}");
}

#[test]
fn what_lost_its_mark_is_told_as_somebody_elses() {
    let desired = standard();
    let account = settled(&desired);
    let role = key_of(&account, Kind::Role);
    account.tamper(&role, |it| {
        it.tags.remove("envkeeper:owner");
    });
    let all = told(&account, &desired);
    assert!(all.contains(&format!("{role}: owner is it carries no owner's mark, wanted is ours")), "{all:?}");
}

#[test]
fn tags_of_others_are_no_drift_and_a_tag_that_was_changed_is() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    account.tamper(&vpc, |it| {
        it.tags.insert("cost-center".into(), "7".into());
    });
    assert_eq!(told(&account, &desired), [""; 0]);
    account.tamper(&vpc, |it| {
        it.tags.insert("Environment".into(), "other".into());
    });
    let all = told(&account, &desired);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].starts_with(&format!("{vpc}: tag Environment is other, wanted is ")), "{all:?}");
}

#[test]
fn what_another_owner_has_is_never_too_much() {
    let account = settled(&standard());
    let mut observed = look(&account);
    for it in &mut observed {
        it.ownership = Ownership::Foreign("somebody's".into());
    }
    assert_eq!(drift(&rollback(), &observed), []);
}
