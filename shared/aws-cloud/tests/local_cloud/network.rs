//! Egress: NAT gateways, endpoints, and an existing network.

use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};
use environment::{Call, CallError, CallKind, Cloud, DesiredState, Kind};
use serde_json::json;

use crate::harness::Harness;
use crate::lifecycle::assert_observed;
use crate::parts::repair;

/// The network alone, which takes most of the time of a whole environment.
fn network(mut desired: DesiredState) -> DesiredState {
    desired.resources.retain(|it| it.kind() <= Kind::VpcEndpoint);
    desired
}

#[tokio::test]
async fn nat_gateways_are_created_routed_to_repaired_and_deleted() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "NatGatewayPerZone", "ZoneCount": "2" });
    let desired = network(harness.desired(properties).await);
    let calls = repair(&harness, &desired).await;
    assert_eq!(calls.iter().filter(|it| **it == "ec2:AllocateAddress" || **it == "ec2:CreateNatGateway").count(), 4);
    assert_observed(&harness, &desired).await;

    let names = harness.names();
    let table = harness.id(names.private_route_table(2)).await;
    let gateway = harness.id(names.internet_gateway()).await;
    let elsewhere = harness.ec2.replace_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    elsewhere.gateway_id(gateway).send().await.expect("a public route");
    let restore = format!("ec2:CreateRoute (default-route: {})", names.nat_gateway(2).name);
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);

    // The gateway is created again, and its route gets another id.
    let old = harness.id(names.nat_gateway(2)).await;
    delete_nat_gateway(&harness, &old).await;
    assert_eq!(repair(&harness, &desired).await, ["ec2:CreateNatGateway", restore.as_str()]);

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    let left = harness.ec2.describe_addresses().send().await.expect("addresses");
    assert_eq!(left.addresses(), []);
}

/// Deletes a NAT gateway. AWS releases its address with the gateway; the emulator needs a call for that.
async fn delete_nat_gateway(harness: &Harness, id: &str) {
    let gateways = harness.ec2.describe_nat_gateways().nat_gateway_ids(id).send().await.expect("the gateway");
    let address = gateways.nat_gateways()[0].nat_gateway_addresses()[0].association_id().expect("its association");
    harness.ec2.disassociate_address().association_id(address).send().await.expect("disassociated");
    harness.ec2.delete_nat_gateway().nat_gateway_id(id).send().await.expect("deleted");
}

#[tokio::test]
async fn endpoints_are_created_repaired_and_deleted() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints", "ZoneCount": "2" });
    let desired = network(harness.desired(properties).await);
    repair(&harness, &desired).await;
    assert_observed(&harness, &desired).await;

    let names = harness.names();
    let (ssm, s3) = (harness.id(names.endpoint("ssm")).await, harness.id(names.endpoint("s3")).await);
    let (subnet, table) = (names.private_subnet(2), names.private_route_table(1));
    let request =
        harness.ec2.modify_vpc_endpoint().vpc_endpoint_id(&ssm).remove_subnet_ids(harness.id(subnet.clone()).await);
    request.send().await.expect("one subnet fewer");
    let restore = format!("ec2:ModifyVpcEndpoint (interface-in: {})", subnet.name);
    assert_eq!(repair(&harness, &desired).await, [restore]);

    let public = harness.ec2.create_route_table().vpc_id(harness.id(names.vpc()).await).send().await.expect("a table");
    let public = public.route_table.and_then(|it| it.route_table_id).expect("its id");
    let group = names.endpoint_security_group();
    let request = harness.ec2.modify_vpc_endpoint().vpc_endpoint_id(&ssm);
    request.remove_security_group_ids(harness.id(group.clone()).await).send().await.expect("without its group");
    let restore = format!("ec2:ModifyVpcEndpoint (security-group: {})", group.name);
    assert_eq!(repair(&harness, &desired).await, [restore]);

    let request = harness.ec2.modify_vpc_endpoint().vpc_endpoint_id(&s3).add_route_table_ids(&public);
    request.remove_route_table_ids(harness.id(table.clone()).await).send().await.expect("another table");
    let calls = [
        format!("ec2:ModifyVpcEndpoint (routes-in: {public})"),
        format!("ec2:ModifyVpcEndpoint (routes-in: {})", table.name),
    ];
    assert_eq!(repair(&harness, &desired).await, calls);
    harness.ec2.delete_route_table().route_table_id(public).send().await.expect("deleted");

    harness.ec2.delete_vpc_endpoints().vpc_endpoint_ids(ssm).send().await.expect("deleted");
    assert_eq!(repair(&harness, &desired).await, ["ec2:CreateVpcEndpoint"]);

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
}

#[tokio::test]
async fn owned_rules_are_repaired_and_foreign_rules_are_never_changed() {
    let harness = Harness::start().await;
    let desired = network(harness.desired(json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints" })).await);
    harness.settle(&desired).await;
    let (instances, endpoints) = (harness.names().instance_security_group(), harness.names().endpoint_security_group());
    let (of_instances, of_endpoints) = (harness.id(instances.clone()).await, harness.id(endpoints.clone()).await);
    let https = || IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let pair = |id: &str| UserIdGroupPair::builder().group_id(id).description("created manually").build();

    let request = harness.ec2.revoke_security_group_ingress().group_id(&of_endpoints);
    let rule = UserIdGroupPair::builder().group_id(&of_instances).build();
    request.ip_permissions(https().user_id_group_pairs(rule).build()).send().await.expect("closed");
    let opened = format!("ec2:AuthorizeSecurityGroupIngress (https-from: {})", instances.name);
    assert_eq!(repair(&harness, &desired).await, [opened]);

    // The instances' group comes first in the list, and refers to the endpoints' group here.
    let request = harness.ec2.authorize_security_group_ingress().group_id(&of_instances);
    let rule = https().user_id_group_pairs(pair(&of_endpoints)).build();
    request.ip_permissions(rule).send().await.expect("opened");
    let closed = format!("ec2:RevokeSecurityGroupIngress (https-from: {})", endpoints.name);
    assert_eq!(repair(&harness, &desired).await, [closed]);

    let range = https().ip_ranges(IpRange::builder().cidr_ip("192.0.2.0/24").build()).build();
    let request = harness.ec2.authorize_security_group_ingress().group_id(&of_instances);
    request.ip_permissions(range).send().await.expect("a load balancer's rule");
    assert_eq!(harness.settle(&desired).await.1, [""; 0]);
    let groups = harness.ec2.describe_security_groups().group_ids(&of_instances).send().await.expect("the group");
    assert_eq!(groups.security_groups()[0].ip_permissions().len(), 1);
}

/// A foreign VPC with two subnets: the ids of the VPC and of the subnets.
async fn existing_network(harness: &Harness) -> (String, [String; 2]) {
    let vpc = harness.ec2.create_vpc().cidr_block("10.7.0.0/16").send().await.expect("a VPC");
    let vpc = vpc.vpc.and_then(|it| it.vpc_id).expect("its id");
    let subnet = async |cidr| {
        let subnet = harness.ec2.create_subnet().vpc_id(&vpc).cidr_block(cidr).send().await.expect("a subnet");
        subnet.subnet.and_then(|it| it.subnet_id).expect("its id")
    };
    let subnets = [subnet("10.7.0.0/24").await, subnet("10.7.1.0/24").await];
    (vpc, subnets)
}

#[tokio::test]
async fn an_environment_in_an_existing_network_never_changes_the_network() {
    let harness = Harness::start().await;
    let (vpc, subnets) = existing_network(&harness).await;
    let properties = json!({
        "EnvironmentSuffix": "dev", "MinSize": "1", "VpcId": vpc, "SubnetIds": subnets, "BucketOnDelete": "Empty",
    });
    let desired = harness.desired(properties).await;
    assert_eq!(desired.resources.iter().filter(|it| it.kind() <= Kind::VpcEndpoint).count(), 1);
    repair(&harness, &desired).await;
    assert_observed(&harness, &desired).await;

    harness.local.forget_calls();
    harness.observe().await;
    let count = |operation: &str| harness.local.calls().iter().filter(|it| *it == operation).count();
    assert_eq!((count("ec2:DescribeVpcs"), count("ec2:DescribeVpcAttribute")), (2, 0));

    harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    let left = harness.ec2.describe_subnets().subnet_ids(&subnets[0]).subnet_ids(&subnets[1]).send().await;
    assert!(left.is_ok(), "{left:?}");
}

/// (Of all deletes that AWS rejects for an interface, moto rejects this one, and because of the subnet.)
#[tokio::test]
async fn a_foreign_interface_in_an_owned_network_is_named() {
    let harness = Harness::start().await;
    let desired = network(harness.desired(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp" })).await);
    harness.settle(&desired).await;
    let (vpc, subnet) = (harness.id(harness.names().vpc()).await, harness.id(harness.names().public_subnet(1)).await);
    let request = harness.ec2.create_network_interface().subnet_id(subnet).description("ELB app/web/1");
    let response = request.send().await.expect("an interface");
    let interface = response.network_interface().and_then(|it| it.network_interface_id()).expect("its id");

    let call = Call { key: harness.names().vpc(), id: Some(vpc), kind: CallKind::Delete };
    let response = harness.cloud().call(&call).await;
    let Err(CallError::Retry { waiting_for, .. }) = response else { panic!("{response:?}") };
    let named = format!("; blocking network interfaces: {interface} (ELB app/web/1)");
    assert!(waiting_for.to_string().ends_with(&named), "{waiting_for}");
}
