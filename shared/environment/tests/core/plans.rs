//! Plans as text, for reviewers: a change of a field appears in these snapshots.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test panics on unexpected data, and takes JSON by value"
)]

use std::collections::BTreeSet;

use crate::common::{names, observe, plan_now, resources, run, settled, spec, standard};
use environment::{
    Call, DesiredState, Fields, LogGroup, Ownership, Resource, RoleSetting, RunOutcome, Script, Setting, State, Tags,
    TemplateChange, TemplateVersion, desired_version, plan,
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
fn a_settled_environment_has_an_empty_plan() {
    let account = settled(&standard());
    assert!(plan_now(&account, &standard()).is_settled());
}

#[test]
fn two_creates_with_the_same_input_make_equal_plans() {
    assert_eq!(plan(&standard(), &[]), plan(&standard(), &[]));
}

#[test]
fn a_foreign_resource_with_an_environments_name_is_rejected_by_name_and_unchanged() {
    let account = MemoryAccount::default();
    let name = names().instance_log_group().name;
    let foreign = Resource {
        name: name.clone(),
        tags: Tags::new(),
        fields: Fields::LogGroup(LogGroup { retention_days: None, kms_key: None }),
    };
    account.plant(foreign.clone());
    account.clock.advance(account.read_lag);
    let Some(RunOutcome::Rejected { reasons }) = run(&account, "create", &standard(), None) else {
        panic!("not rejected")
    };
    assert!(reasons[0].contains(&format!("log-group {name} exists and is not this environment's")), "{reasons:?}");
    assert_eq!(account.inventory(), std::slice::from_ref(&foreign), "no resource was created or changed");
    run(&account, "delete", &DesiredState::default(), None);
    assert_eq!(account.inventory(), [foreign], "a delete leaves it unchanged");
}

#[test]
fn a_foreign_tag_is_retained_and_a_retired_tag_is_removed() {
    let tagged = resources(&spec(json!({ "Tags": { "cost": "42" } })));
    let account = settled(&tagged);
    account.tamper(&names().vpc(), |vpc| {
        vpc.tags.insert("scanner".into(), "scanned".into());
    });
    account.clock.advance(account.read_lag);
    let mut untagged = resources(&spec(json!({})));
    untagged.retired_tags = BTreeSet::from([String::from("cost")]);
    run(&account, "update", &untagged, None);
    let vpc = account.inventory().into_iter().find(|it| it.key() == names().vpc()).expect("there is a VPC");
    assert_eq!(vpc.tags.get("scanner").map(String::as_str), Some("scanned"));
    assert_eq!(vpc.tags.get("cost"), None);
}

#[test]
fn drift_is_repaired() {
    let account = settled(&standard());
    account.tamper(&names().vpc(), |vpc| {
        vpc.set(&Setting::Vpc(environment::VpcSetting::DnsHostnames(false)));
    });
    account.tamper(&names().role(), |role| {
        let policy = role.settings().into_iter().find(Setting::blocks_deletion).expect("a policy");
        role.clear(&policy);
        role.set(&Setting::Role(RoleSetting::Trust("ec2.amazonaws.com, lambda.amazonaws.com".into())));
    });
    account.tamper(&names().public_route_table(), |table| {
        table.set(&Setting::RouteTable(environment::RouteTableSetting::DefaultRoute(foreign_route_target())));
    });
    let plan = plan_now(&account, &standard());
    assert_eq!(plan.steps.len(), 3);
    let calls: Vec<&str> = plan.steps.iter().flat_map(|it| &it.calls).map(Call::operation).collect();
    assert!(calls.contains(&"iam:UpdateAssumeRolePolicy"), "{calls:?}");
    run(&account, "update", &standard(), None);
    assert!(plan_now(&account, &standard()).is_settled());
}

/// No property asked for the difference: another actor did, or an earlier version.
#[test]
fn drift_that_no_call_corrects_is_reported_and_fails_neither_an_update_nor_its_rollback() {
    let (before, account) = (standard(), settled(&standard()));
    account.tamper(&names().instance_security_group(), |group| {
        let Fields::SecurityGroup(group) = &mut group.fields else { panic!("another kind") };
        group.description = "reworded".into();
    });
    let after = resources(&spec(json!({ "MinSize": "2", "MaxSize": "6" })));
    for (request, desired) in [("update", &after), ("rollback", &before)] {
        let outcome = run(&account, request, desired, None);
        assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{request}: {outcome:?}");
        let plan = plan_now(&account, desired);
        assert!(plan.is_settled() && plan.fixed_drift.len() == 1, "{request}: {plan}");
        assert!(plan.to_string().contains(": description is reworded, desired is "), "{request}: {plan}");
    }
}

fn foreign_route_target() -> environment::Ref {
    environment::Ref::Foreign("eni-0001".into())
}

#[test]
fn a_rollback_reuses_the_old_template_version() {
    let old = standard();
    let account = settled(&old);
    let new = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" })));
    run(&account, "update", &new, None);
    let back = plan_now(&account, &old);
    let operations: Vec<&str> = back.steps.iter().flat_map(|it| &it.calls).map(Call::operation).collect();
    assert_eq!(operations, [""; 0], "no third version is created");
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
    let recorded = DesiredState { image_is_recorded: true, ..resources_with_image("ami-fffffffffffffffff") };
    assert!(!plan_now(&account, &recorded).is_settled(), "a recorded image is the desired one");
}

fn resources_with_image(image: &str) -> DesiredState {
    let facts = environment::Facts { image: Some(image.into()), ..crate::common::facts() };
    let spec = spec(json!({ "MinSize": "2", "MaxSize": "4" }));
    let resources = environment::desired(&spec, &names(), crate::common::OWNER, &facts);
    DesiredState { resources, ..DesiredState::default() }
}

/// Adds versions to the observed launch template, as a principal can that may create versions and nothing else.
fn plant(observed: &mut [environment::ObservedResource], planted: &[environment::TemplateVersion]) {
    for it in observed {
        if let Fields::LaunchTemplate(template) = &mut it.resource.fields {
            template.versions.extend_from_slice(planted);
        }
    }
}

#[test]
fn a_planted_version_is_not_used_and_its_image_is_not_believed() {
    let account = settled(&standard());
    let content = |properties| {
        let fields = resources(&spec(properties)).resources.into_iter().find_map(|it| match it.fields {
            Fields::LaunchTemplate(template) => Some(template.versions[0].content.clone()),
            _ => None,
        });
        fields.expect("a template")
    };
    let current = content(json!({ "MinSize": "2", "MaxSize": "4" }));
    let next = json!({ "MinSize": "2", "MaxSize": "4", "ImageParameter": "/team/image" });
    let evil = || String::from("ami-eeeeeeeeeeeeeeeee");
    let mut observed = observe(&account);
    plant(
        &mut observed,
        &[
            environment::TemplateVersion::of(current.clone(), evil()),
            environment::TemplateVersion::altered(current, "ami-0123456789abcdef0".into()),
            environment::TemplateVersion::of(content(next.clone()), evil()),
        ],
    );
    assert!(plan(&standard(), &observed).is_settled());
    assert!(environment::drift(&standard(), &observed).is_empty());
    let calls = plan(&resources(&spec(next)), &observed);
    assert!(!calls.to_string().contains("ami-eeeeeeeeeeeeeeeee"), "{calls}");
    let operations: Vec<&str> = calls.steps.iter().flat_map(|it| &it.calls).map(Call::operation).collect();
    assert_eq!(operations, ["ec2:CreateLaunchTemplateVersion"]);
}

/// The version that the launch template of a desired state has.
fn desired_template(desired: &DesiredState) -> TemplateVersion {
    let template = desired.resources.iter().find_map(|it| match &it.fields {
        Fields::LaunchTemplate(template) => template.versions.first().cloned(),
        _ => None,
    });
    template.expect("a version")
}

/// Lets the observed group launch this version, in place of every other one.
fn launch(observed: &mut [environment::ObservedResource], version: &TemplateVersion) {
    for it in observed {
        match &mut it.resource.fields {
            Fields::LaunchTemplate(template) => template.versions = vec![version.clone()],
            Fields::AutoScalingGroup(group) => group.digest.clone_from(&version.digest),
            _ => {}
        }
    }
}

#[test]
fn a_group_that_launches_an_altered_version_is_named_as_drift() {
    let account = settled(&standard());
    let mut observed = observe(&account);
    let current = desired_template(&standard());
    let altered = TemplateVersion::altered(current.content.clone(), current.image.clone());
    plant(&mut observed, std::slice::from_ref(&altered));
    for it in &mut observed {
        if let Fields::AutoScalingGroup(group) = &mut it.resource.fields {
            group.digest.clone_from(&altered.digest);
        }
    }
    let drift: Vec<String> = environment::drift(&standard(), &observed).iter().map(ToString::to_string).collect();
    assert!(drift.len() == 1 && drift[0].contains("altered-"), "{drift:?}");
    let plan = plan(&standard(), &observed);
    assert!(plan.is_settled(), "the group is left to a rollout: {plan}");
    assert_eq!(plan.rollout.map(|it| it.change), Some(TemplateChange::Rolling));
}

#[test]
fn a_changed_version_of_the_group_is_no_step_of_a_plan() {
    let account = settled(&standard());
    let changes = [
        (json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" }), TemplateChange::Rolling),
        (json!({ "MinSize": "2", "MaxSize": "4", "Tags": { "team": "web" } }), TemplateChange::NewInstances),
    ];
    for (properties, change) in changes {
        let desired = resources(&spec(properties));
        let plan = plan_now(&account, &desired);
        let operations: Vec<&str> = plan.steps.iter().flat_map(|it| &it.calls).map(Call::operation).collect();
        assert!(operations.contains(&"ec2:CreateLaunchTemplateVersion"), "{plan}");
        assert!(!operations.contains(&"autoscaling:UpdateAutoScalingGroup"), "{plan}");
        assert_eq!(plan.rollout.as_ref().map(|it| it.change), Some(change), "{plan}");
        // The version exists; the rollout remains.
        assert!(matches!(run(&account, "update", &desired, None), Some(RunOutcome::Settled { .. })));
        let plan = plan_now(&account, &desired);
        assert!(plan.is_settled(), "{plan}");
        assert_eq!(plan.rollout.map(|it| it.change), Some(change));
    }
}

/// A new release of Envkeeper changes no instance: its own part of the user data comes with the next version.
#[test]
fn a_newer_revision_of_the_launched_version_is_no_work() {
    let account = settled(&standard());
    let mut observed = observe(&account);
    let current = desired_template(&standard());
    let mut content = current.content.clone();
    content.user_data = Script::from(format!("{}\n# an earlier release", &*content.user_data));
    let launched = TemplateVersion::of(content, current.image.clone());
    launch(&mut observed, &launched);
    let known = DesiredState { recorded_version: Some(launched.digest.clone()), ..standard() };
    let settled = plan(&known, &observed);
    assert!(settled.is_settled() && settled.rollout.is_none(), "{settled}");
    assert_eq!(desired_version(&known, &observed), Some(launched.clone()));
    assert!(environment::drift(&known, &observed).is_empty());
    // Any principal that may change template and group can launch other user data: the record does not name that version.
    let planted = plan(&standard(), &observed);
    assert_eq!(planted.rollout.map(|it| it.change), Some(TemplateChange::Revision));
    assert_eq!(desired_version(&standard(), &observed), Some(current));
    // With another input, the version is the new release's.
    let changed = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" })));
    let rolling = plan(&changed, &observed);
    assert!(rolling.to_string().contains("ec2:CreateLaunchTemplateVersion"), "{rolling}");
    assert_eq!(desired_version(&changed, &observed), Some(desired_template(&changed)));
    assert_eq!(rolling.rollout.map(|it| it.change), Some(TemplateChange::Rolling));
}

/// Instances of a release without rollouts are drift: their version's digest is unknown, and starts nothing.
#[test]
fn a_version_that_is_older_than_rollouts_reaches_new_instances_only() {
    let account = settled(&standard());
    let mut observed = observe(&account);
    let current = desired_template(&standard());
    let content = environment::TemplateContent { rolling_inputs: None, ..current.content.clone() };
    launch(&mut observed, &TemplateVersion::of(content, current.image.clone()));
    let plan = plan(&standard(), &observed);
    assert_eq!(plan.rollout.map(|it| it.change), Some(TemplateChange::NewInstances));
}

#[test]
fn the_delete_of_an_absent_environment_is_settled_at_once() {
    let account = MemoryAccount::default();
    assert!(matches!(run(&account, "delete", &DesiredState::default(), None), Some(RunOutcome::Settled { .. })));
    assert!(account.calls.borrow().is_empty());
}

#[test]
fn a_resource_in_deletion_is_waited_for() {
    let account = settled(&standard());
    let mut observed = observe(&account);
    for it in observed.iter_mut().filter(|it| it.key() == names().group()) {
        it.state = State::Deleting("2 instances are terminating".into());
        assert_eq!(it.ownership, Ownership::Owned);
    }
    let text = plan(&DesiredState::default(), &observed).to_string();
    assert!(text.contains(". auto-scaling-group scalable-ec2-asg-uswest2-dev: 2 instances are terminating"), "{text}");
}
