//! Drift: changes by other actors than Envkeeper, reported field by field.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

use crate::common::{names, observe, resources, rollback, scope, settled, spec, standard};
use environment::{
    Call, CallKind, Cloud, Fields, ForeignIngress, IngressSource, Key, Kind, Ownership, Ref, drift, foreign_ingress,
    plan,
};
use memory_cloud::{MemoryAccount, Session};
use serde_json::json;
use std::collections::BTreeSet;

fn drift_lines(account: &MemoryAccount, desired: &environment::DesiredState) -> Vec<String> {
    drift(desired, &observe(account)).iter().map(ToString::to_string).collect()
}

fn key_of(account: &MemoryAccount, kind: Kind) -> Key {
    account.inventory().iter().map(environment::Resource::key).find(|it| it.kind == kind).expect("there is one")
}

#[test]
fn a_settled_environment_has_no_drift() {
    for properties in [json!({}), json!({ "Egress": "PublicIp" }), json!({ "Egress": "VpcEndpoints" })] {
        let desired = resources(&spec(properties));
        assert_eq!(drift_lines(&settled(&desired), &desired), [""; 0]);
    }
}

/// PutMetricAlarm on an existing alarm ignores tags (recorded on AWS, September 2026: stackd 9dc356f5,
/// `alarm_controls:update-tagged-with-new-tags`), so an alarm keeps the tags of its creation.
#[test]
fn a_put_of_an_existing_alarm_leaves_its_tags() {
    let desired = standard();
    let account = settled(&desired);
    let alarm = names().cpu_high_alarm();
    let mut put = desired.resources.iter().find(|it| it.key() == alarm).expect("the alarm").clone();
    put.tags.clear();
    let create = Call { key: alarm, id: None, kind: CallKind::Create(Box::new(put)) };
    let session = Session::new(&account, "another request");
    account.clock.run(session.observe(&scope(&account))).expect("not killed").expect("readable");
    let tags = || account.inventory().into_iter().find(|it| it.key() == create.key).expect("the alarm").tags;
    let before = tags();
    account.clock.run(session.call(&create)).expect("not killed").expect("accepted");
    assert_eq!((tags() == before, before.is_empty()), (true, false));
}

#[test]
fn public_foreign_ingress_is_drift_and_comes_first_and_no_foreign_rule_is_changed() {
    let desired = standard();
    let account = settled(&desired);
    let group = names().instance_security_group();
    let rule = |from, traffic: &str| ForeignIngress { from, traffic: traffic.to_owned() };
    account.tamper(&group, |it| {
        let Fields::SecurityGroup(found) = &mut it.fields else { panic!("{it:?}") };
        found.foreign_ingress = BTreeSet::from([
            rule(IngressSource::Other("sg-0123456789abcdef0".into()), "tcp 8080"),
            rule(IngressSource::Public("0.0.0.0/0".into()), "tcp 22"),
        ]);
    });
    account.tamper(&key_of(&account, Kind::AutoScalingGroup), |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
    let lines = drift_lines(&account, &desired);
    let foreign = |rule: &str| {
        format!(
            "{group} has the foreign ingress {rule}: another sender added it, and only the delete of the environment removes it"
        )
    };
    assert_eq!(lines.first(), Some(&foreign("tcp 22 from 0.0.0.0/0 (public)")), "{lines:?}");
    assert_eq!(lines.len(), 2, "the rule of a load balancer is no drift: {lines:?}");
    let listed: Vec<String> =
        foreign_ingress(&desired, &observe(&account)).iter().map(|(_, rule)| rule.to_string()).collect();
    assert_eq!(listed, ["tcp 22 from 0.0.0.0/0 (public)", "tcp 8080 from sg-0123456789abcdef0"]);
    let steps = plan(&desired, &observe(&account)).steps;
    assert!(!steps.iter().any(|it| it.key == group), "no call changes the security group: {steps:?}");
}

#[test]
fn a_changed_field_is_reported_with_its_observed_and_desired_value() {
    let desired = standard();
    let account = settled(&desired);
    let group = key_of(&account, Kind::AutoScalingGroup);
    account.tamper(&group, |it| {
        if let Fields::AutoScalingGroup(group) = &mut it.fields {
            group.max_size = 9;
        }
    });
    assert_eq!(drift_lines(&account, &desired), [format!("{group}: max-size is 9, desired is 4")]);
    let all = drift(&desired, &observe(&account));
    assert_eq!(
        (all[0].field.as_str(), all[0].desired.as_deref(), all[0].observed.as_deref()),
        ("max-size", Some("4"), Some("9"))
    );
}

#[test]
fn a_difference_in_a_fixed_field_is_reported() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    let elsewhere = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "VpcCidr": "10.77.0.0/16" })));
    let all = drift_lines(&account, &elsewhere);
    assert!(
        all.iter().any(|it| it.starts_with(&format!("{vpc}: ")) && it.ends_with("desired is 10.77.0.0/16")),
        "{all:?}"
    );
}

/// SSM Quick Setup attaches its policies to the roles of instances.
#[test]
fn a_policy_that_another_sender_added_to_the_role_is_reported_and_left_alone() {
    let desired = standard();
    let account = settled(&desired);
    let role = key_of(&account, Kind::Role);
    account.tamper(&role, |it| {
        if let Fields::Role(role) = &mut it.fields {
            role.managed_policies.insert("arn:aws:iam::aws:policy/AmazonSSMPatchAssociation".into());
            role.inline_policies.insert("quick-setup".into(), "{}".into());
        }
    });
    let is_left = "another sender added it, and only the delete of the environment removes it";
    let lines = [
        format!("{role} has the foreign managed-policy arn:aws:iam::aws:policy/AmazonSSMPatchAssociation: {is_left}"),
        format!("{role} has the foreign inline-policy quick-setup: {is_left}"),
    ];
    assert_eq!(drift_lines(&account, &desired), lines);
    assert!(plan(&desired, &observe(&account)).is_settled());

    let deletes = plan(&rollback(), &observe(&account));
    let step = deletes.steps.iter().find(|it| it.key == role).expect("the role is deleted");
    assert_eq!(step.calls.len(), 6, "the delete removes five policies, and then the role: {:?}", step.calls);
}

#[test]
fn a_missing_or_surplus_resource_is_reported_as_a_whole() {
    let desired = standard();
    let account = settled(&desired);
    let dashboard = key_of(&account, Kind::Dashboard);
    let mut observed = observe(&account);
    observed.retain(|it| it.key() != dashboard);
    let all = drift(&desired, &observed);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].to_string(), format!("{dashboard} is missing"));

    let mut fewer = standard();
    fewer.resources.retain(|it| it.key() != dashboard);
    let all = drift_lines(&account, &fewer);
    assert_eq!(all, [format!("{dashboard} exists and is not desired: arn:aws:dashboard:{}", dashboard.name)]);
}

#[test]
fn a_copy_and_a_duplicate_are_drift() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    let duplicate = account.inventory().into_iter().find(|it| it.key() == vpc).expect("it exists");
    let id = account.plant(duplicate);
    let all = drift_lines(&account, &desired);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].starts_with(&format!("vpc {id} carries this environment's mark, but the record")), "{all:?}");

    account.proofs.borrow_mut().intents.insert(vpc);
    assert_eq!(drift_lines(&account, &desired), [format!("vpc {id} exists and is not desired: {id}")]);
}

#[test]
fn a_resource_without_its_mark_is_reported_as_foreign() {
    let desired = standard();
    let account = settled(&desired);
    let role = key_of(&account, Kind::Role);
    account.tamper(&role, |it| {
        it.tags.remove("envkeeper:owner");
    });
    let all = drift_lines(&account, &desired);
    assert!(
        all.contains(&format!("{role}: owner is it carries no owner's mark, desired is this environment")),
        "{all:?}"
    );
}

#[test]
fn a_foreign_tag_is_not_drift_and_a_changed_tag_is() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    account.tamper(&vpc, |it| {
        it.tags.insert("cost-center".into(), "7".into());
    });
    assert_eq!(drift_lines(&account, &desired), [""; 0]);
    account.tamper(&vpc, |it| {
        it.tags.insert("Environment".into(), "other".into());
    });
    let all = drift_lines(&account, &desired);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].starts_with(&format!("{vpc}: tag Environment is other, desired is ")), "{all:?}");
}

#[test]
fn resources_of_another_owner_are_never_drift() {
    let account = settled(&standard());
    let mut observed = observe(&account);
    for it in &mut observed {
        it.ownership = Ownership::Foreign("another owner".into());
    }
    assert_eq!(drift(&rollback(), &observed), []);
}

/// The marks of the VPC were moved to another one: the environment stays where it is, and nothing is built beside it.
#[test]
fn a_network_whose_vpc_lost_its_tags_is_not_built_a_second_time() {
    let desired = standard();
    let account = settled(&desired);
    let vpc = key_of(&account, Kind::Vpc);
    // An observation finds VPCs by their tags: the others then refer to a foreign one.
    let mut observed = observe(&account);
    observed.retain(|it| it.key() != vpc);
    for it in &mut observed {
        let refers_to = match &mut it.resource.fields {
            Fields::Subnet(subnet) => &mut subnet.vpc,
            Fields::RouteTable(table) => &mut table.vpc,
            Fields::SecurityGroup(group) => &mut group.vpc,
            _ => continue,
        };
        *refers_to = Ref::Foreign("vpc-1".into());
    }
    let plan = plan(&desired, &observed);
    assert!(!plan.rejected.is_empty(), "{plan}");
    for rejected in &plan.rejected {
        let text = rejected.to_string();
        assert!(
            text.contains(&format!("vpc is vpc-1, and {vpc} of this environment is missing or has lost its tags")),
            "{text}"
        );
    }
}
