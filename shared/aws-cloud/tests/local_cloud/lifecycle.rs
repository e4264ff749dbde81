//! The life of an environment, from its creation to the proof that no resource is left.

use std::collections::BTreeSet;

use aws_cloud::MarkSearch;
use aws_sdk_ec2::types::{NatGateway, NatGatewayState, Tag};
use environment::{
    CheckedFacts, DesiredState, FactsQuery, Fields, Kind, ObservedResource, Resource, check_facts, mark,
};
use serde_json::json;

use crate::harness::{Harness, query, spec};

/// Asserts that a new observation shows every field of every desired resource.
pub async fn assert_observed(harness: &Harness, desired: &DesiredState) {
    let observed = harness.observe().await;
    assert_eq!(observed.len(), desired.resources.len());
    for desired in &desired.resources {
        let found = observed.iter().find(|it| it.key() == desired.key());
        let mut desired = desired.clone();
        if desired.kind() == Kind::Alarm {
            // No observation shows the tags of an alarm.
            desired.tags.clear();
        }
        assert_eq!(found.map(|it| as_desired(it.resource.clone())), Some(desired.clone()));
        assert!(found.is_some_and(|it| it.id.is_some()), "{}", desired.key());
    }
}

/// The resource without the fields that are never desired and that only an observation has.
fn as_desired(mut observed: Resource) -> Resource {
    match &mut observed.fields {
        Fields::AutoScalingGroup(group) => {
            group.in_service = 0;
            group.instances.clear();
        }
        Fields::Bucket(bucket) => bucket.contains_objects = false,
        _ => {}
    }
    observed
}

fn group_version(observed: &[ObservedResource]) -> Option<u64> {
    observed.iter().find(|it| it.key().kind == Kind::AutoScalingGroup).and_then(|it| it.version)
}

#[tokio::test]
async fn every_field_of_a_created_environment_is_observed_and_a_second_run_makes_no_call() {
    let harness = Harness::start().await;
    let desired = harness
        .desired(json!({
            "EnvironmentSuffix": "dev",
            "ZoneCount": "3",
            "UserDataScript": "echo \"grüße\"\n",
            "Tags": { "Cost Centre": "42" },
        }))
        .await;
    let (_, calls) = harness.settle(&desired).await;
    // The call that creates a resource has no setting.
    assert_eq!(calls.iter().filter(|call| !call.contains('(')).count(), desired.resources.len(), "{calls:#?}");
    assert_observed(&harness, &desired).await;
    let (_, calls) = harness.settle(&desired).await;
    assert_eq!(calls, [""; 0]);
}

#[tokio::test]
async fn an_update_makes_its_calls_and_no_others_and_leaves_the_groups_version_to_a_rollout() {
    let harness = Harness::start().await;
    let first = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    let (observed, _) = harness.settle(&first).await;
    assert_eq!(group_version(&observed), Some(1));

    let properties = json!({ "EnvironmentSuffix": "dev", "MaxSize": "4", "InstanceType": "t3.small" });
    let second = harness.desired(properties).await;
    let digest = |desired: &DesiredState| {
        let settings = desired.resources.iter().flat_map(environment::Resource::settings);
        let mut digests = settings.filter_map(|it| match it {
            environment::Setting::AutoScalingGroup(environment::AutoScalingGroupSetting::Template {
                digest, ..
            }) => Some(digest),
            _ => None,
        });
        digests.next_back().expect("a group")
    };
    let (_, calls) = harness.settle(&second).await;
    let expected = [
        format!("ec2:CreateLaunchTemplateVersion (version: {})", digest(&second)),
        String::from("autoscaling:UpdateAutoScalingGroup (max-size: 4)"),
    ];
    assert_eq!(calls, expected);
    assert_eq!(group_version(&harness.observe().await), Some(1), "a rollout sets the version");
    assert_eq!(harness.settle(&second).await.1, [""; 0]);

    let (_, calls) = harness.settle(&first).await;
    assert_eq!(calls, ["autoscaling:UpdateAutoScalingGroup (max-size: 3)"]);
    assert_eq!(harness.settle(&first).await.1, [""; 0]);
}

#[tokio::test]
async fn a_delete_leaves_nothing_and_deleting_again_is_settled_at_once() {
    let harness = Harness::start().await;
    let desired =
        harness.desired(json!({ "EnvironmentSuffix": "dev", "MinSize": "2", "BucketOnDelete": "Empty" })).await;
    harness.settle(&desired).await;
    assert_eq!(raw_leftovers(&harness).await.len(), desired.resources.len());
    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    assert_eq!(raw_leftovers(&harness).await, [""; 0]);
    let (observed, calls) = harness.settle(&DesiredState::default()).await;
    assert_eq!((observed, calls), (vec![], vec![]));
}

#[tokio::test]
async fn marked_resources_exist_until_they_are_deleted() {
    let harness = Harness::start().await;
    let search = MarkSearch::new(&harness.config);
    let existing = async || search.existing(search.marked().await.expect("a list")).await.expect("the lists");
    harness.settle(&harness.desired(json!({ "EnvironmentSuffix": "dev" })).await).await;
    let all = search.marked().await.expect("a list");
    assert_eq!(existing().await, all);
    let kinds: BTreeSet<&str> = all.iter().filter_map(|it| it.resource.split_once(' ')).map(|(kind, _)| kind).collect();
    let expected = ["auto-scaling-group", "elastic-ip", "internet-gateway", "launch-template", "natgateway"];
    let expected = expected.into_iter().chain(["route-table", "security-group", "subnet", "vpc"]);
    assert_eq!(kinds, expected.collect());
    harness.settle(&DesiredState::default()).await;
    assert!(!search.marked().await.expect("a list").is_empty(), "tags outlive their resources");
    assert_eq!(existing().await, []);
}

/// The resources that still have the ownership mark or a computed name, by whole lists, which the code under test does
/// not read.
async fn raw_leftovers(harness: &Harness) -> Vec<String> {
    let mut left = marked_in_ec2(harness).await;
    let roles = harness.iam.list_roles().send().await.expect("roles");
    left.extend(roles.roles().iter().map(|it| it.role_name().to_owned()));
    let profiles = harness.iam.list_instance_profiles().send().await.expect("profiles");
    left.extend(profiles.instance_profiles().iter().map(|it| it.instance_profile_name().to_owned()));
    let groups = harness.autoscaling.describe_auto_scaling_groups().send().await.expect("groups");
    left.extend(groups.auto_scaling_groups().iter().filter_map(|it| it.auto_scaling_group_name()).map(str::to_owned));
    let logs = harness.logs.describe_log_groups().send().await.expect("log groups");
    left.extend(logs.log_groups().iter().filter_map(|it| it.log_group_name()).map(str::to_owned));
    let queries = harness.logs.describe_query_definitions().send().await.expect("queries");
    left.extend(queries.query_definitions().iter().filter_map(|it| it.name()).map(str::to_owned));
    let policies = harness.autoscaling.describe_policies().send().await.expect("policies");
    left.extend(policies.scaling_policies().iter().filter_map(|it| it.policy_name()).map(str::to_owned));
    let buckets = harness.s3.list_buckets().send().await.expect("buckets");
    left.extend(buckets.buckets().iter().filter_map(|it| it.name()).map(str::to_owned));
    let alarms = harness.cloudwatch.describe_alarms().send().await.expect("alarms");
    left.extend(alarms.metric_alarms().iter().filter_map(|it| it.alarm_name()).map(str::to_owned));
    // Read by name: the SDK can't parse moto's list of dashboards.
    let dashboard = harness.names().dashboard().name;
    let found = harness.cloudwatch.get_dashboard().dashboard_name(&dashboard).send().await;
    left.extend(found.is_ok().then_some(dashboard));
    left
}

/// (Not by `DescribeTags`: moto lists the tags of deleted resources. And terminated instances, which had the group's
/// tags, are listed for a while on AWS too.)
async fn marked_in_ec2(harness: &Harness) -> Vec<String> {
    let ec2 = &harness.ec2;
    let vpcs = ec2.describe_vpcs().send().await.expect("VPCs");
    let gateways = ec2.describe_internet_gateways().send().await.expect("gateways");
    let subnets = ec2.describe_subnets().send().await.expect("subnets");
    let addresses = ec2.describe_addresses().send().await.expect("addresses");
    let nats = ec2.describe_nat_gateways().send().await.expect("NAT gateways");
    let tables = ec2.describe_route_tables().send().await.expect("route tables");
    let groups = ec2.describe_security_groups().send().await.expect("security groups");
    let templates = ec2.describe_launch_templates().send().await.expect("templates");
    // A deleted gateway is still listed for a while, as on AWS.
    let listed = |it: &NatGateway| it.state() != Some(&NatGatewayState::Deleted);
    let all = [
        vpcs.vpcs().iter().map(|it| (it.vpc_id(), it.tags())).collect::<Vec<_>>(),
        gateways.internet_gateways().iter().map(|it| (it.internet_gateway_id(), it.tags())).collect(),
        subnets.subnets().iter().map(|it| (it.subnet_id(), it.tags())).collect(),
        addresses.addresses().iter().map(|it| (it.allocation_id(), it.tags())).collect(),
        nats.nat_gateways().iter().filter(|it| listed(it)).map(|it| (it.nat_gateway_id(), it.tags())).collect(),
        tables.route_tables().iter().map(|it| (it.route_table_id(), it.tags())).collect(),
        groups.security_groups().iter().map(|it| (it.group_id(), it.tags())).collect(),
        templates.launch_templates().iter().map(|it| (it.launch_template_id(), it.tags())).collect(),
    ];
    let marked = |tags: &[Tag]| tags.iter().any(|tag| tag.key() == Some(mark::OWNER));
    let left = all.into_iter().flatten().filter(|(_, tags)| marked(tags));
    left.map(|(id, _)| id.unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn unavailable_facts_are_missing_and_named_by_the_check() {
    let harness = Harness::start().await;
    let read = async |properties| {
        let spec = spec(&properties);
        let query = FactsQuery { checked: CheckedFacts::of(None, &spec), ..query(&spec) };
        let facts = aws_cloud::facts(&harness.clients, &query).await.expect("facts");
        let violations = check_facts(None, &spec, harness.names(), &facts);
        (facts, violations.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (facts, named) = read(json!({ "EnvironmentSuffix": "dev" })).await;
    assert_eq!(named, <[&str; 0]>::default());
    assert!(facts.zones.iter().all(|zone| zone.starts_with("us-west-2")) && facts.zones.is_sorted());
    let image = facts.image_details.expect("moto has the image");
    assert_eq!((image.architecture.as_str(), image.root_snapshot_gib), ("x86_64", Some(8)));

    let (facts, named) = read(json!({ "EnvironmentSuffix": "dev", "InstanceType": "t3.mirco" })).await;
    assert!(facts.zones.is_empty());
    let unknown =
        "InstanceType is \"t3.mirco\": the region us-west-2 has no such instance type; did you mean t3.micro?";
    assert_eq!(named, [unknown]);
    let (_, named) = read(json!({ "EnvironmentSuffix": "dev", "ImageParameter": "/no/such" })).await;
    assert_eq!(named, ["ImageParameter is \"/no/such\": the SSM parameter does not exist"]);
    let (facts, named) = read(json!({ "EnvironmentSuffix": "dev", "ImageId": "ami-12345678" })).await;
    assert_eq!((facts.image.as_deref(), facts.partition.as_str()), (Some("ami-12345678"), "aws"));
    let missing = "ImageId is \"ami-12345678\": ami-12345678 does not exist, or is not shared with this account";
    assert_eq!(named, [missing]);
    let (_, named) = read(json!({ "EnvironmentSuffix": "dev", "InstanceType": "t4g.micro" })).await;
    let [text] = &named[..] else { panic!("{named:?}") };
    assert!(text.contains("its architecture is arm64") && text.ends_with("al2023-ami-kernel-default-arm64"), "{text}");
    let (facts, named) = read(json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints" })).await;
    assert_eq!((facts.endpoint_services.len(), named.len()), (6, 0), "{named:?}");
}
