//! Foreign and unproven resources are never changed, and duplicates of a lost create are reduced to one resource.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use environment::{DesiredState, Key, Kind, ObservedResource, Ownership, RunOutcome, Tags, mark};
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn a_create_rejects_a_foreign_role_with_a_computed_name_and_a_delete_ignores_it() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    let role = harness.names().role().name;
    let request = harness.iam.create_role().role_name(&role).assume_role_policy_document("{}");
    request.send().await.expect("a foreign role");

    let (outcome, calls) = harness.run(&desired).await;
    let RunOutcome::Rejected { reasons } = outcome else { panic!("{outcome:?}") };
    assert!(
        reasons.len() == 1 && reasons[0].starts_with(&format!("role {role} exists and is not this environment's")),
        "{reasons:?}"
    );
    assert_eq!(calls, [""; 0]);

    let (_, calls) = harness.settle(&DesiredState::default()).await;
    assert_eq!(calls, [""; 0]);
    harness.iam.get_role().role_name(role).send().await.expect("the role still exists");
}

#[tokio::test]
async fn names_in_foreign_use_are_observed_for_every_kind_that_is_found_by_name() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    let names = harness.names();
    let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder().image_id("ami-12345678").build();
    let template = harness.ec2.create_launch_template().launch_template_name(names.launch_template().name);
    template.launch_template_data(data).send().await.expect("a template");
    let profile = harness.iam.create_instance_profile().instance_profile_name(names.instance_profile().name);
    profile.send().await.expect("a profile");
    let logs = harness.logs.create_log_group().log_group_name(names.instance_log_group().name);
    logs.send().await.expect("a log group");
    // The list by prefix contains this group, and its name does not match.
    let logs = harness.logs.create_log_group().log_group_name(names.scaling_log_group().name + "2");
    logs.send().await.expect("a log group of dev2");

    let (outcome, calls) = harness.run(&desired).await;
    let RunOutcome::Rejected { reasons } = outcome else { panic!("{outcome:?}") };
    let keys: Vec<&str> = reasons.iter().filter_map(|it| it.split(" exists").next()).collect();
    let expected = [names.instance_profile(), names.instance_log_group(), names.launch_template()];
    assert_eq!(keys, expected.map(|key| key.to_string()));
    assert_eq!(calls, [""; 0]);
}

/// Creates a VPC with these tags, as anybody who may tag can.
async fn copied_vpc(harness: &Harness, tags: &Tags) -> String {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let tags = TagSpecification::builder().resource_type(ResourceType::Vpc).set_tags(Some(tags)).build();
    let request = harness.ec2.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tags);
    request.send().await.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id).expect("its id")
}

fn vpc_tags(desired: &DesiredState) -> &Tags {
    &desired.resources.iter().find(|it| it.kind() == Kind::Vpc).expect("a VPC").tags
}

#[tokio::test]
async fn a_vpc_with_copied_tags_and_thirty_subnets_changes_nothing() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let own = harness.id(harness.names().vpc()).await;
    let copy = copied_vpc(&harness, vpc_tags(&desired)).await;
    for number in 0..30 {
        let tags = vpc_tags(&desired).iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let tags = TagSpecification::builder().resource_type(ResourceType::Subnet).set_tags(Some(tags)).build();
        let request = harness.ec2.create_subnet().vpc_id(&copy).cidr_block(format!("10.0.{number}.0/24"));
        request.tag_specifications(tags).send().await.expect("a subnet");
    }
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
    assert_eq!(harness.id(harness.names().vpc()).await, own);
    let observed = harness.observe().await;
    let unproven: Vec<&ObservedResource> = observed.iter().filter(|it| it.ownership == Ownership::Unproven).collect();
    assert_eq!(unproven.len(), 31);
    assert!(
        unproven.iter().any(|it| it.key() == Key::new(Kind::Vpc, copy.clone())),
        "an unproven VPC is named by its id"
    );

    let (observed, _) = harness.settle(&DesiredState::default()).await;
    let unproven = observed.iter().filter(|it| it.ownership == Ownership::Unproven);
    assert_eq!(unproven.count(), 31, "a delete leaves everything unproven");
}

#[tokio::test]
async fn a_duplicate_that_a_create_intent_covers_is_removed_while_it_is_empty() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let own = harness.id(harness.names().vpc()).await;
    harness.proofs.borrow_mut().intents.insert(harness.names().vpc());
    copied_vpc(&harness, vpc_tags(&desired)).await;

    let (_, calls) = harness.settle(&desired).await;
    assert_eq!(calls, ["ec2:DeleteVpc"]);
    assert_eq!(harness.id(harness.names().vpc()).await, own);
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
}

#[tokio::test]
async fn a_resource_keeps_its_recorded_name_when_its_tag_is_changed() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let subnet = harness.observe().await.into_iter().find(|it| it.key().kind == Kind::Subnet).expect("a subnet");
    let renamed = Tag::builder().key(mark::NAME).value("renamed").build();
    let id = subnet.id.clone().expect("its id");
    harness.ec2.create_tags().resources(&id).tags(renamed).send().await.expect("tagged");

    let (_, calls) = harness.settle(&desired).await;
    assert_eq!(calls, [format!("ec2:CreateTags (tag {}: {})", mark::NAME, subnet.key().name)]);
    assert_eq!(harness.id(subnet.key()).await, id);
}

#[tokio::test]
async fn a_vpc_that_lost_its_ownership_mark_is_named_and_not_created_again() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let vpc = harness.id(harness.names().vpc()).await;
    let mark = Tag::builder().key(environment::mark::OWNER).build();
    harness.ec2.delete_tags().resources(vpc).tags(mark).send().await.expect("untagged");

    let (outcome, calls) = harness.run(&desired).await;
    let RunOutcome::Rejected { reasons } = outcome else { panic!("{outcome:?}") };
    let named = format!("{} exists and is not this environment's: it carries no owner's mark", harness.names().vpc());
    assert!(reasons.iter().any(|it| it.starts_with(&named)), "{reasons:?}");
    assert_eq!(calls, [""; 0]);
}
