//! Plans as text, for reviewers: a change of a field shows in these files.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use std::collections::BTreeSet;

use common::{OWNER, look, names, plan_now, resources, run, settled, spec, standard};
use environment::{
    DesiredState, Fields, LogGroup, ObservedResource, Ownership, Resource, RunOutcome, State, Tags, mark, plan,
};
use memory_cloud::MemoryAccount;
use serde_json::json;

#[test]
fn a_create() {
    insta::assert_snapshot!(plan(&standard(), &[]));
}

#[test]
fn an_update_of_two_properties_is_exactly_their_steps() {
    let account = settled(&standard());
    let changed = resources(&spec(json!({ "MinSize": "2", "MaxSize": "6", "InstanceType": "t3.small" })));
    insta::assert_snapshot!(plan_now(&account, &changed));
}

#[test]
fn an_update_of_all_that_can_change() {
    let account = settled(&standard());
    let mut changed = resources(&spec(json!({
        "MinSize": "0", "MaxSize": "6", "ZoneCount": "1", "LogRetentionDays": "7", "Environment": "staging",
        "UserDataScript": "echo hello", "ImageId": "ami-00000000000000001", "Tags": { "team": "web" }
    })));
    changed.retired_tags = BTreeSet::from([String::from("cost")]);
    insta::assert_snapshot!(plan_now(&account, &changed));
}

#[test]
fn a_delete() {
    let account = settled(&standard());
    insta::assert_snapshot!(plan_now(&account, &DesiredState::default()));
}

#[test]
fn what_is_settled_needs_no_plan() {
    let account = settled(&standard());
    assert!(plan_now(&account, &standard()).is_settled());
}

#[test]
fn two_creates_with_the_same_input_make_equal_plans() {
    assert_eq!(plan(&standard(), &[]), plan(&standard(), &[]));
}

#[test]
fn something_foreign_under_one_of_our_names_is_refused_by_name_and_untouched() {
    let account = MemoryAccount::default();
    let name = names().instance_log_group().name;
    let foreign = Resource {
        name: name.clone(),
        tags: Tags::new(),
        fields: Fields::LogGroup(LogGroup { retention_days: None, kms_key: None }),
    };
    account.plant(foreign.clone());
    account.clock.advance(account.read_lag);
    let Some(RunOutcome::Rejected { reason }) = run(&account, "create", &standard(), None) else {
        panic!("not refused")
    };
    assert!(reason[0].contains(&format!("log-group {name} exists and is not this environment's")), "{reason:?}");
    assert_eq!(account.inventory(), std::slice::from_ref(&foreign), "nothing was made or changed");
    run(&account, "delete", &DesiredState::default(), None);
    assert_eq!(account.inventory(), [foreign], "and a delete passes it by");
}

#[test]
fn a_tag_that_somebody_else_set_stays_and_a_retired_one_goes() {
    let tagged = resources(&spec(json!({ "Tags": { "cost": "42" } })));
    let account = settled(&tagged);
    account.tamper(&names().vpc(), |vpc| {
        vpc.tags.insert("scanner".into(), "seen".into());
    });
    account.clock.advance(account.read_lag);
    let mut untagged = resources(&spec(json!({})));
    untagged.retired_tags = BTreeSet::from([String::from("cost")]);
    run(&account, "update", &untagged, None);
    let vpc = account.inventory().into_iter().find(|it| it.key() == names().vpc()).expect("there is a VPC");
    assert_eq!(vpc.tags.get("scanner").map(String::as_str), Some("seen"));
    assert_eq!(vpc.tags.get("cost"), None);
}

#[test]
fn drift_is_repaired() {
    let account = settled(&standard());
    account.tamper(&names().vpc(), |vpc| vpc.set(&environment::Setting::DnsHostnames(false)));
    account.tamper(&names().role(), |role| {
        let policies = role.settings();
        role.clear(&policies[0]);
    });
    account.tamper(&names().public_route_table(), |table| {
        table.set(&environment::Setting::DefaultRoute(foreign_way_out()));
    });
    assert_eq!(plan_now(&account, &standard()).steps.len(), 3);
    run(&account, "update", &standard(), None);
    assert!(plan_now(&account, &standard()).is_settled());
}

fn foreign_way_out() -> environment::Ref {
    environment::Ref::Foreign("eni-0001".into())
}

#[test]
fn of_two_with_the_same_mark_the_one_stays_that_others_hold_on_to() {
    let account = settled(&standard());
    let mut twin = account.inventory().into_iter().find(|it| it.key() == names().vpc()).expect("there is a VPC");
    twin.tags = mark::tags(&Tags::new(), OWNER, &names(), "dev", &twin.name);
    account.plant(twin);
    let observed = look(&account);
    let vpcs: Vec<&ObservedResource> = observed.iter().filter(|it| it.key() == names().vpc()).collect();
    let held =
        vpcs.iter().find(|vpc| observed.iter().any(|it| it.references.contains(vpc.id.as_ref().expect("an id"))));
    let kept = held.expect("one is in use").id.clone();
    let plan = plan(&standard(), &observed);
    assert_eq!(plan.steps.len(), 1, "only the twin goes: {plan}");
    assert_ne!(plan.steps[0].calls[0].id, kept);
    run(&account, "update", &standard(), None);
    assert!(plan_now(&account, &standard()).is_settled());
}

#[test]
fn a_rollback_finds_the_old_template_version_again() {
    let old = standard();
    let account = settled(&old);
    let new = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" })));
    run(&account, "update", &new, None);
    let back = plan_now(&account, &old);
    let operations: Vec<&str> = back.steps.iter().flat_map(|it| &it.calls).map(environment::Call::operation).collect();
    assert_eq!(operations, ["autoscaling:UpdateAutoScalingGroup"], "no third version is made");
}

#[test]
fn a_newer_image_behind_the_same_parameter_changes_nothing() {
    let account = settled(&standard());
    let mut later = standard();
    for resource in &mut later.resources {
        if let Fields::LaunchTemplate(template) = &mut resource.fields {
            template.versions[0].image = "ami-fffffffffffffffff".into();
        }
    }
    assert!(plan_now(&account, &later).is_settled());
}

#[test]
fn deleting_what_is_not_there_is_settled_at_once() {
    let account = MemoryAccount::default();
    assert!(matches!(run(&account, "delete", &DesiredState::default(), None), Some(RunOutcome::Settled { .. })));
    assert!(account.calls.borrow().is_empty());
}

#[test]
fn what_is_leaving_is_waited_for() {
    let account = settled(&standard());
    let mut observed = look(&account);
    for it in observed.iter_mut().filter(|it| it.key() == names().group()) {
        it.state = State::Deleting("2 instances are leaving".into());
        assert_eq!(it.ownership, Ownership::Owned);
    }
    let text = plan(&DesiredState::default(), &observed).to_string();
    assert!(text.contains(". auto-scaling-group scalable-ec2-asg-uswest2-dev: 2 instances are leaving"), "{text}");
}
