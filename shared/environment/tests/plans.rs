//! Plans as text, for reviewers: a change of a field shows in these files.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use std::collections::BTreeSet;

use common::{OWNER, look, names, plan_now, resources, run, settled, spec, standard};
use environment::{Ending, Fields, Live, LogGroup, Resource, State, Tags, Wanted, Whose, mark, plan};
use memory_cloud::World;
use serde_json::json;

#[test]
fn a_create() {
    insta::assert_snapshot!(plan(&standard(), &[]));
}

#[test]
fn an_update_of_two_properties_is_exactly_their_steps() {
    let world = settled(&standard());
    let changed = resources(&spec(json!({ "MinSize": "2", "MaxSize": "6", "InstanceType": "t3.small" })));
    insta::assert_snapshot!(plan_now(&world, &changed));
}

#[test]
fn an_update_of_all_that_can_change() {
    let world = settled(&standard());
    let mut changed = resources(&spec(json!({
        "MinSize": "0", "MaxSize": "6", "ZoneCount": "1", "LogRetentionDays": "7", "Environment": "staging",
        "UserDataScript": "echo hello", "ImageId": "ami-00000000000000001", "Tags": { "team": "web" }
    })));
    changed.retired_tags = BTreeSet::from([String::from("cost")]);
    insta::assert_snapshot!(plan_now(&world, &changed));
}

#[test]
fn a_delete() {
    let world = settled(&standard());
    insta::assert_snapshot!(plan_now(&world, &Wanted::default()));
}

#[test]
fn what_is_settled_needs_no_plan() {
    let world = settled(&standard());
    assert!(plan_now(&world, &standard()).is_settled());
}

#[test]
fn two_creates_with_the_same_input_make_equal_plans() {
    assert_eq!(plan(&standard(), &[]), plan(&standard(), &[]));
}

#[test]
fn something_foreign_under_one_of_our_names_is_refused_by_name_and_untouched() {
    let world = World::default();
    let name = names().instance_log_group().name;
    let foreign = Resource {
        name: name.clone(),
        tags: Tags::new(),
        fields: Fields::LogGroup(LogGroup { retention_days: None, kms_key: None }),
    };
    world.plant(foreign.clone());
    world.clock.advance(world.read_lag);
    let Some(Ending::Refused { why }) = run(&world, "create", &standard(), None) else { panic!("not refused") };
    assert!(why[0].contains(&format!("log-group {name} exists and is not this environment's")), "{why:?}");
    assert_eq!(world.inventory(), std::slice::from_ref(&foreign), "nothing was made or changed");
    run(&world, "delete", &Wanted::default(), None);
    assert_eq!(world.inventory(), [foreign], "and a delete passes it by");
}

#[test]
fn a_tag_that_somebody_else_set_stays_and_a_retired_one_goes() {
    let tagged = resources(&spec(json!({ "Tags": { "cost": "42" } })));
    let world = settled(&tagged);
    world.tamper(&names().vpc(), |vpc| {
        vpc.tags.insert("scanner".into(), "seen".into());
    });
    world.clock.advance(world.read_lag);
    let mut untagged = resources(&spec(json!({})));
    untagged.retired_tags = BTreeSet::from([String::from("cost")]);
    run(&world, "update", &untagged, None);
    let vpc = world.inventory().into_iter().find(|it| it.key() == names().vpc()).expect("there is a VPC");
    assert_eq!(vpc.tags.get("scanner").map(String::as_str), Some("seen"));
    assert_eq!(vpc.tags.get("cost"), None);
}

#[test]
fn drift_is_repaired() {
    let world = settled(&standard());
    world.tamper(&names().vpc(), |vpc| vpc.set(&environment::Setting::DnsHostnames(false)));
    world.tamper(&names().role(), |role| {
        let policies = role.settings();
        role.clear(&policies[0]);
    });
    world.tamper(&names().public_route_table(), |table| {
        table.set(&environment::Setting::DefaultRoute(foreign_way_out()));
    });
    assert_eq!(plan_now(&world, &standard()).steps.len(), 3);
    run(&world, "update", &standard(), None);
    assert!(plan_now(&world, &standard()).is_settled());
}

fn foreign_way_out() -> environment::Ref {
    environment::Ref::Foreign("eni-0001".into())
}

#[test]
fn of_two_with_the_same_mark_the_one_stays_that_others_hold_on_to() {
    let world = settled(&standard());
    let mut twin = world.inventory().into_iter().find(|it| it.key() == names().vpc()).expect("there is a VPC");
    twin.tags = mark::tags(&Tags::new(), OWNER, &names(), "dev", &twin.name);
    world.plant(twin);
    let live = look(&world);
    let vpcs: Vec<&Live> = live.iter().filter(|it| it.key() == names().vpc()).collect();
    let held = vpcs.iter().find(|vpc| live.iter().any(|it| it.holds.contains(vpc.id.as_ref().expect("an id"))));
    let kept = held.expect("one is in use").id.clone();
    let plan = plan(&standard(), &live);
    assert_eq!(plan.steps.len(), 1, "only the twin goes: {plan}");
    assert_ne!(plan.steps[0].calls[0].id, kept);
    run(&world, "update", &standard(), None);
    assert!(plan_now(&world, &standard()).is_settled());
}

#[test]
fn a_rollback_finds_the_old_template_version_again() {
    let old = standard();
    let world = settled(&old);
    let new = resources(&spec(json!({ "MinSize": "2", "MaxSize": "4", "InstanceType": "t3.small" })));
    run(&world, "update", &new, None);
    let back = plan_now(&world, &old);
    let operations: Vec<&str> = back.steps.iter().flat_map(|it| &it.calls).map(environment::Call::operation).collect();
    assert_eq!(operations, ["autoscaling:UpdateAutoScalingGroup"], "no third version is made");
}

#[test]
fn a_newer_image_behind_the_same_parameter_changes_nothing() {
    let world = settled(&standard());
    let mut later = standard();
    for resource in &mut later.resources {
        if let Fields::LaunchTemplate(template) = &mut resource.fields {
            template.versions[0].image = "ami-fffffffffffffffff".into();
        }
    }
    assert!(plan_now(&world, &later).is_settled());
}

#[test]
fn deleting_what_is_not_there_is_settled_at_once() {
    let world = World::default();
    assert!(matches!(run(&world, "delete", &Wanted::default(), None), Some(Ending::Settled { .. })));
    assert!(world.calls.borrow().is_empty());
}

#[test]
fn what_is_leaving_is_waited_for() {
    let world = settled(&standard());
    let mut live = look(&world);
    for it in live.iter_mut().filter(|it| it.key() == names().group()) {
        it.state = State::Leaving("2 instances are leaving".into());
        assert_eq!(it.whose, Whose::Ours);
    }
    let text = plan(&Wanted::default(), &live).to_string();
    assert!(text.contains(". auto-scaling-group scalable-ec2-asg-uswest2-dev: 2 instances are leaving"), "{text}");
}
