//! The ways out: NAT gateways, endpoints, and a network that was brought along.

use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};
use environment::{Call, Cloud, Kind, Setback, Wanted, What};
use serde_json::json;

use crate::lifecycle::assert_is_there;
use crate::parts::repair;
use crate::world::World;

/// The network alone, which is most of the time that a whole environment takes.
fn network(mut wanted: Wanted) -> Wanted {
    wanted.resources.retain(|it| it.kind() <= Kind::VpcEndpoint);
    wanted
}

#[tokio::test]
async fn nat_gateways_are_made_led_to_repaired_and_deleted() {
    let world = World::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "NatGatewayPerZone", "ZoneCount": "2" });
    let wanted = network(world.wanted(properties).await);
    let calls = repair(&world, &wanted).await;
    assert_eq!(calls.iter().filter(|it| **it == "ec2:AllocateAddress" || **it == "ec2:CreateNatGateway").count(), 4);
    assert_is_there(&world, &wanted).await;

    let names = world.names();
    let table = world.id(names.private_route_table(2)).await;
    let gateway = world.id(names.internet_gateway()).await;
    let elsewhere = world.ec2.replace_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    elsewhere.gateway_id(gateway).send().await.expect("a public way out");
    let back = format!("ec2:CreateRoute (default-route: {})", names.nat_gateway(2).name);
    assert_eq!(repair(&world, &wanted).await, [back.as_str()]);

    // It is made anew, and its route leads to another id.
    let old = world.id(names.nat_gateway(2)).await;
    delete_nat_gateway(&world, &old).await;
    assert_eq!(repair(&world, &wanted).await, ["ec2:CreateNatGateway", back.as_str()]);

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
    let left = world.ec2.describe_addresses().send().await.expect("addresses");
    assert_eq!(left.addresses(), []);
}

/// On AWS its address comes free with it; here it has to be told.
async fn delete_nat_gateway(world: &World, id: &str) {
    let gateways = world.ec2.describe_nat_gateways().nat_gateway_ids(id).send().await.expect("the gateway");
    let address = gateways.nat_gateways()[0].nat_gateway_addresses()[0].association_id().expect("its association");
    world.ec2.disassociate_address().association_id(address).send().await.expect("let go");
    world.ec2.delete_nat_gateway().nat_gateway_id(id).send().await.expect("deleted");
}

#[tokio::test]
async fn endpoints_are_made_repaired_and_deleted() {
    let world = World::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints", "ZoneCount": "2" });
    let wanted = network(world.wanted(properties).await);
    repair(&world, &wanted).await;
    assert_is_there(&world, &wanted).await;

    let names = world.names();
    let (ssm, s3) = (world.id(names.endpoint("ssm")).await, world.id(names.endpoint("s3")).await);
    let (subnet, table) = (names.private_subnet(2), names.private_route_table(1));
    let request =
        world.ec2.modify_vpc_endpoint().vpc_endpoint_id(&ssm).remove_subnet_ids(world.id(subnet.clone()).await);
    request.send().await.expect("one subnet fewer");
    let back = format!("ec2:ModifyVpcEndpoint (interface-in: {})", subnet.name);
    assert_eq!(repair(&world, &wanted).await, [back]);

    let public = world.ec2.create_route_table().vpc_id(world.id(names.vpc()).await).send().await.expect("a table");
    let public = public.route_table.and_then(|it| it.route_table_id).expect("its id");
    let request = world.ec2.modify_vpc_endpoint().vpc_endpoint_id(&s3).add_route_table_ids(&public);
    request.remove_route_table_ids(world.id(table.clone()).await).send().await.expect("another table");
    let calls = [
        format!("ec2:ModifyVpcEndpoint (routes-in: {public})"),
        format!("ec2:ModifyVpcEndpoint (routes-in: {})", table.name),
    ];
    assert_eq!(repair(&world, &wanted).await, calls);
    world.ec2.delete_route_table().route_table_id(public).send().await.expect("deleted");

    world.ec2.delete_vpc_endpoints().vpc_endpoint_ids(ssm).send().await.expect("deleted");
    assert_eq!(repair(&world, &wanted).await, ["ec2:CreateVpcEndpoint"]);

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
}

#[tokio::test]
async fn rules_of_ours_are_kept_and_those_of_others_left_alone() {
    let world = World::start().await;
    let wanted = network(world.wanted(json!({ "EnvironmentSuffix": "dev", "Egress": "VpcEndpoints" })).await);
    world.settle(&wanted).await;
    let (instances, endpoints) = (world.names().instance_security_group(), world.names().endpoint_security_group());
    let (of_instances, of_endpoints) = (world.id(instances.clone()).await, world.id(endpoints.clone()).await);
    let https = || IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let pair = |id: &str| UserIdGroupPair::builder().group_id(id).description("by hand").build();

    let request = world.ec2.revoke_security_group_ingress().group_id(&of_endpoints);
    let rule = UserIdGroupPair::builder().group_id(&of_instances).build();
    request.ip_permissions(https().user_id_group_pairs(rule).build()).send().await.expect("closed");
    let opened = format!("ec2:AuthorizeSecurityGroupIngress (https-from: {})", instances.name);
    assert_eq!(repair(&world, &wanted).await, [opened]);

    // The instances' group comes first in the list, and refers to the other one here.
    let request = world.ec2.authorize_security_group_ingress().group_id(&of_instances);
    let rule = https().user_id_group_pairs(pair(&of_endpoints)).build();
    request.ip_permissions(rule).send().await.expect("opened");
    let closed = format!("ec2:RevokeSecurityGroupIngress (https-from: {})", endpoints.name);
    assert_eq!(repair(&world, &wanted).await, [closed]);

    let anybody = https().ip_ranges(IpRange::builder().cidr_ip("192.0.2.0/24").build()).build();
    let request = world.ec2.authorize_security_group_ingress().group_id(&of_instances);
    request.ip_permissions(anybody).send().await.expect("a load balancer's rule");
    assert_eq!(world.settle(&wanted).await.1, [""; 0]);
    let groups = world.ec2.describe_security_groups().group_ids(&of_instances).send().await.expect("the group");
    assert_eq!(groups.security_groups()[0].ip_permissions().len(), 1);
}

/// A VPC with two subnets that somebody else made: its id and theirs.
async fn somebodys_network(world: &World) -> (String, [String; 2]) {
    let vpc = world.ec2.create_vpc().cidr_block("10.7.0.0/16").send().await.expect("a VPC");
    let vpc = vpc.vpc.and_then(|it| it.vpc_id).expect("its id");
    let subnet = async |cidr| {
        let subnet = world.ec2.create_subnet().vpc_id(&vpc).cidr_block(cidr).send().await.expect("a subnet");
        subnet.subnet.and_then(|it| it.subnet_id).expect("its id")
    };
    let subnets = [subnet("10.7.0.0/24").await, subnet("10.7.1.0/24").await];
    (vpc, subnets)
}

#[tokio::test]
async fn an_environment_in_a_network_that_was_brought_along_leaves_it_as_it_was() {
    let world = World::start().await;
    let (vpc, subnets) = somebodys_network(&world).await;
    let properties = json!({
        "EnvironmentSuffix": "dev", "MinSize": "1", "VpcId": vpc, "SubnetIds": subnets, "BucketOnDelete": "Empty",
    });
    let wanted = world.wanted(properties).await;
    assert_eq!(wanted.resources.iter().filter(|it| it.kind() <= Kind::VpcEndpoint).count(), 1);
    repair(&world, &wanted).await;
    assert_is_there(&world, &wanted).await;

    world.local.forget_calls();
    world.observe().await;
    let looked_up = |operation: &str| world.local.calls().iter().filter(|it| *it == operation).count();
    assert_eq!((looked_up("ec2:DescribeVpcs"), looked_up("ec2:DescribeVpcAttribute")), (2, 0));

    world.settle(&Wanted::default()).await;
    assert_eq!(world.observe().await, []);
    let left = world.ec2.describe_subnets().subnet_ids(&subnets[0]).subnet_ids(&subnets[1]).send().await;
    assert!(left.is_ok(), "{left:?}");
}

/// (Of all deletes that AWS refuses for an interface, moto refuses this one, and for the subnet.)
#[tokio::test]
async fn an_interface_that_somebody_left_in_our_network_is_named() {
    let world = World::start().await;
    let wanted = network(world.wanted(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp" })).await);
    world.settle(&wanted).await;
    let (vpc, subnet) = (world.id(world.names().vpc()).await, world.id(world.names().public_subnet(1)).await);
    let request = world.ec2.create_network_interface().subnet_id(subnet).description("ELB app/web/1");
    let answer = request.send().await.expect("an interface");
    let interface = answer.network_interface().and_then(|it| it.network_interface_id()).expect("its id");

    let call = Call { key: world.names().vpc(), id: Some(vpc), what: What::Delete };
    let answer = world.cloud().call(&call).await;
    let Err(Setback::Busy { what, .. }) = answer else { panic!("{answer:?}") };
    assert!(what.ends_with(&format!("; in the way: {interface} (ELB app/web/1)")), "{what}");
}
