//! Foreign changes are repaired, each by the call that the plan names.

use aws_sdk_autoscaling::types::{LaunchTemplateSpecification, Tag as GroupTag};
use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use aws_sdk_s3::types::Tagging;
use environment::{Kind, Resource, Setting};
use serde_json::json;

use crate::harness::Harness;
use crate::parts::repair;

#[tokio::test]
async fn drift_of_the_network_is_repaired() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp" })).await;
    harness.settle(&desired).await;
    let names = harness.names();

    turn_off_dns(&harness, true).await;
    assert_eq!(repair(&harness, &desired).await, ["ec2:ModifyVpcAttribute (dns-hostnames: true)"]);
    turn_off_dns(&harness, false).await;
    assert_eq!(repair(&harness, &desired).await, ["ec2:ModifyVpcAttribute (dns-support: true)"]);
    turn_off_public_ips(&harness).await;
    assert_eq!(repair(&harness, &desired).await, ["ec2:ModifySubnetAttribute (public-ip-on-launch: true)"]);
    let route = format!("ec2:CreateRoute (default-route: {})", names.internet_gateway().name);
    delete_default_route(&harness).await;
    assert_eq!(repair(&harness, &desired).await, [route.as_str()]);
    // A route with another target blocks CreateRoute, and is replaced.
    redirect_default_route(&harness).await;
    assert_eq!(repair(&harness, &desired).await, [route.as_str()]);
    disassociate(&harness).await;
    let association = format!("ec2:AssociateRouteTable (serves: {})", names.public_subnet(1).name);
    assert_eq!(repair(&harness, &desired).await, [association]);
    detach_gateway(&harness).await;
    let attachment = format!("ec2:AttachInternetGateway (attached-to: {})", names.vpc().name);
    assert_eq!(repair(&harness, &desired).await, [attachment]);
}

fn off() -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(false).build()
}

async fn turn_off_dns(harness: &Harness, hostnames: bool) {
    let request = harness.ec2.modify_vpc_attribute().vpc_id(harness.id(harness.names().vpc()).await);
    let request = if hostnames { request.enable_dns_hostnames(off()) } else { request.enable_dns_support(off()) };
    request.send().await.expect("off");
}

async fn turn_off_public_ips(harness: &Harness) {
    let subnet = harness.id(harness.names().public_subnet(1)).await;
    let request = harness.ec2.modify_subnet_attribute().subnet_id(subnet).map_public_ip_on_launch(off());
    request.send().await.expect("off");
}

async fn delete_default_route(harness: &Harness) {
    let table = harness.id(harness.names().public_route_table()).await;
    let request = harness.ec2.delete_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    request.send().await.expect("no default route");
}

async fn redirect_default_route(harness: &Harness) {
    let table = harness.id(harness.names().public_route_table()).await;
    let other = harness.ec2.create_internet_gateway().send().await.expect("another gateway");
    let other = other.internet_gateway.and_then(|it| it.internet_gateway_id).expect("its id");
    let request = harness.ec2.replace_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    request.gateway_id(other).send().await.expect("elsewhere");
}

async fn disassociate(harness: &Harness) {
    let subnet = harness.id(harness.names().public_subnet(1)).await;
    let table = harness.id(harness.names().public_route_table()).await;
    let tables = harness.ec2.describe_route_tables().route_table_ids(table).send().await.expect("the table");
    let mut associations = tables.route_tables()[0].associations().iter();
    let association = associations.find(|it| it.subnet_id() == Some(&subnet)).expect("the association");
    let id = association.route_table_association_id().expect("its id");
    harness.ec2.disassociate_route_table().association_id(id).send().await.expect("let go");
}

async fn detach_gateway(harness: &Harness) {
    let gateway = harness.id(harness.names().internet_gateway()).await;
    let vpc = harness.id(harness.names().vpc()).await;
    let request = harness.ec2.detach_internet_gateway().internet_gateway_id(gateway).vpc_id(vpc);
    request.send().await.expect("detached");
}

#[tokio::test]
async fn drift_of_identity_and_logs_is_repaired() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let (iam, logs, names) = (&harness.iam, &harness.logs, harness.names());
    let (role, profile) = (names.role().name, names.instance_profile().name);
    let policy = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy";
    let foreign = "arn:aws:iam::aws:policy/AmazonSSMPatchAssociation";

    iam.detach_role_policy().role_name(&role).policy_arn(policy).send().await.expect("detached");
    let restore = format!("iam:AttachRolePolicy (managed-policy: {policy})");
    assert_eq!(repair(&harness, &desired).await, [restore]);

    // A policy of another sender is left alone until the delete of the role.
    iam.attach_role_policy().role_name(&role).policy_arn(foreign).send().await.expect("attached");
    assert_eq!(repair(&harness, &desired).await, [""; 0]);

    let request = iam.remove_role_from_instance_profile().instance_profile_name(&profile).role_name(&role);
    request.send().await.expect("removed");
    let restore = format!("iam:AddRoleToInstanceProfile (role: {role})");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);

    // Another role in its place is removed first.
    iam.create_role().role_name("other").assume_role_policy_document("{}").send().await.expect("another role");
    let request = iam.remove_role_from_instance_profile().instance_profile_name(&profile).role_name(&role);
    request.send().await.expect("removed");
    let request = iam.add_role_to_instance_profile().instance_profile_name(&profile).role_name("other");
    request.send().await.expect("added");
    let removal = "iam:RemoveRoleFromInstanceProfile (role: other)";
    assert_eq!(repair(&harness, &desired).await, [removal, restore.as_str()]);

    let group = names.scaling_log_group().name;
    logs.put_retention_policy().log_group_name(&group).retention_in_days(7).send().await.expect("a week");
    assert_eq!(repair(&harness, &desired).await, ["logs:PutRetentionPolicy (retention-days: 30)"]);

    logs.delete_log_group().log_group_name(&group).send().await.expect("deleted");
    let again = ["logs:CreateLogGroup", "logs:PutRetentionPolicy (retention-days: 30)"];
    assert_eq!(repair(&harness, &desired).await, again);
}

#[tokio::test]
async fn drift_of_the_group_is_repaired_and_its_desired_capacity_is_left_to_auto_scaling() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let (autoscaling, group) = (&harness.autoscaling, harness.names().group().name);

    let request = autoscaling.update_auto_scaling_group().auto_scaling_group_name(&group);
    request.max_size(9).desired_capacity(2).send().await.expect("a larger group");
    assert_eq!(repair(&harness, &desired).await, ["autoscaling:UpdateAutoScalingGroup (max-size: 3)"]);

    let template = harness.id(harness.names().launch_template()).await;
    let latest = LaunchTemplateSpecification::builder().launch_template_id(template).version("$Latest").build();
    let request = autoscaling.update_auto_scaling_group().auto_scaling_group_name(&group);
    request.launch_template(latest).send().await.expect("a floating version");
    assert_eq!(harness.settle(&desired).await.1, [""; 0], "a rollout sets the version");

    let subnet = harness.id(harness.names().public_subnet(1)).await;
    let request = autoscaling.update_auto_scaling_group().auto_scaling_group_name(&group);
    request.vpc_zone_identifier(subnet).send().await.expect("one zone");
    let calls = repair(&harness, &desired).await;
    assert!(calls.len() == 1 && calls[0].starts_with("autoscaling:UpdateAutoScalingGroup (subnets: "), "{calls:?}");
}

/// A security group without instances can be deleted. Its replacement has another id, which no old version contains.
#[tokio::test]
async fn a_replaced_security_group_gets_a_new_template_version() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev", "MinSize": "0" })).await;
    harness.settle(&desired).await;
    let group = harness.id(harness.names().instance_security_group()).await;
    harness.ec2.delete_security_group().group_id(group).send().await.expect("deleted");
    let calls = repair(&harness, &desired).await;
    let operations: Vec<&str> = calls.iter().filter_map(|call| call.split(' ').next()).collect();
    assert_eq!(operations, ["ec2:CreateSecurityGroup", "ec2:CreateLaunchTemplateVersion"]);
}

#[tokio::test]
async fn a_deleted_owned_tag_is_restored_on_every_kind() {
    let harness = Harness::start().await;
    let desired = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    for observed in harness.observe().await.into_iter().filter(|it| has_tags(&it.resource)) {
        let (key, id) = (observed.key(), observed.id.expect("an id"));
        untag(&harness, &key, &id).await;
        let calls = repair(&harness, &desired).await;
        assert!(calls.len() == 1 && calls[0].ends_with(" (tag Project: local-test)"), "{key}: {calls:?}");
    }
}

#[tokio::test]
async fn a_retired_tag_is_removed_from_every_kind_and_a_foreign_tag_is_retained() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Tags": { "Team": "a", "Old": "b" } });
    harness.settle(&harness.desired(properties).await).await;
    let mut desired = harness.desired(json!({ "EnvironmentSuffix": "dev", "Tags": { "Team": "c" } })).await;
    desired.retired_tags.insert("Old".into());
    let vpc = harness.id(harness.names().vpc()).await;
    let foreign = Tag::builder().key("Foreign").value("x").build();
    harness.ec2.create_tags().resources(vpc).tags(foreign).send().await.expect("tagged");

    let (_, calls) = harness.settle(&desired).await;
    // The launch template has the tags too: a new version of it.
    let of_tags = calls.iter().filter(|it| it.contains(" (tag ")).count();
    assert_eq!(of_tags, 2 * desired.resources.iter().filter(|it| has_tags(it)).count(), "{calls:#?}");
    let (_, calls) = harness.settle(&desired).await;
    assert_eq!(calls, [""; 0]);
    for observed in harness.observe().await.into_iter().filter(|it| has_tags(&it.resource)) {
        let tags = &observed.resource.tags;
        assert_eq!((tags.get("Team").map(String::as_str), tags.get("Old")), (Some("c"), None), "{}", observed.key());
        assert_eq!(tags.contains_key("Foreign"), observed.key().kind == Kind::Vpc);
    }
}

/// Whether an observation shows the resource's tags.
fn has_tags(resource: &Resource) -> bool {
    resource.settings().iter().any(|it| matches!(it, Setting::Tag(..)))
}

async fn untag(harness: &Harness, key: &environment::Key, id: &str) {
    let tag = "Project";
    let name = key.name.as_str();
    match key.kind {
        Kind::Role => {
            harness.iam.untag_role().role_name(name).tag_keys(tag).send().await.expect("untagged");
        }
        Kind::InstanceProfile => {
            let request = harness.iam.untag_instance_profile().instance_profile_name(name).tag_keys(tag);
            request.send().await.expect("untagged");
        }
        Kind::LogGroup => {
            harness.logs.untag_resource().resource_arn(id).tag_keys(tag).send().await.expect("untagged");
        }
        Kind::AutoScalingGroup => {
            let tag = GroupTag::builder().resource_id(name).resource_type("auto-scaling-group").key(tag);
            harness.autoscaling.delete_tags().tags(tag.build()).send().await.expect("untagged");
        }
        Kind::Bucket => {
            let tags = harness.s3.get_bucket_tagging().bucket(name).send().await.expect("its tags").tag_set;
            let others = tags.into_iter().filter(|it| it.key() != tag).collect();
            let others = Tagging::builder().set_tag_set(Some(others)).build().expect("tags");
            harness.s3.put_bucket_tagging().bucket(name).tagging(others).send().await.expect("untagged");
        }
        Kind::ScalingPolicy | Kind::Alarm | Kind::Dashboard | Kind::SavedQuery => {
            unreachable!("the observation of {key} has no tags")
        }
        Kind::Vpc
        | Kind::InternetGateway
        | Kind::Subnet
        | Kind::Address
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::SecurityGroup
        | Kind::VpcEndpoint
        | Kind::LaunchTemplate => {
            let tag = Tag::builder().key(tag).build();
            harness.ec2.delete_tags().resources(id).tags(tag).send().await.expect("untagged");
        }
    }
}
