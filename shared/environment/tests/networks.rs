//! Every way out of the network, and a network that was brought along.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]

mod common;

use common::{assert_is_as_desired, names, plan_now, resources, run, settled, spec};
use environment::{DesiredState, Facts, Fields, Key, Kind, Plan, Ref, RunOutcome, Step, plan};
use memory_cloud::MemoryAccount;
use serde_json::{Value, json};

fn with(properties: Value) -> DesiredState {
    resources(&spec(properties))
}

fn count(desired: &DesiredState, kind: Kind) -> usize {
    desired.resources.iter().filter(|it| it.kind() == kind).count()
}

#[test]
fn every_way_out_is_made_settles_and_goes() {
    for egress in ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        for zones in 1..=3 {
            let desired = with(json!({ "Egress": egress, "ZoneCount": zones }));
            let account = settled(&desired);
            let context = format!("{egress} over {zones} zones");
            assert_is_as_desired(&account, &desired, &context);
            assert!(plan_now(&account, &desired).is_settled(), "{context}");
            let ending = run(&account, "delete", &DesiredState::default(), None);
            assert!(matches!(ending, Some(RunOutcome::Settled { .. })), "{context}: {ending:?}");
            assert!(account.inventory().is_empty(), "{context}: {:?}", account.inventory());
        }
    }
}

#[test]
fn private_instances_have_no_public_side_that_they_do_not_need() {
    let of = |egress: &str| with(json!({ "Egress": egress, "ZoneCount": 3 }));
    let [one, each, endpoints, public] = ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"].map(of);
    let nats = [&one, &each, &endpoints, &public].map(|it| count(it, Kind::NatGateway));
    assert_eq!(nats, [1, 3, 0, 0]);
    let addresses = [&one, &each, &endpoints, &public].map(|it| count(it, Kind::Address));
    assert_eq!(addresses, [1, 3, 0, 0]);
    let subnets = [&one, &each, &endpoints, &public].map(|it| count(it, Kind::Subnet));
    assert_eq!(subnets, [6, 6, 3, 3]);
    let tables = [&one, &each, &endpoints, &public].map(|it| count(it, Kind::RouteTable));
    assert_eq!(tables, [2, 4, 1, 1]);
    assert_eq!(count(&endpoints, Kind::InternetGateway), 0, "nothing leads to the internet");
    assert_eq!(count(&endpoints, Kind::VpcEndpoint), 7);
}

#[test]
fn no_subnet_overlaps_another_and_instances_get_public_addresses_only_where_it_is_said() {
    for egress in ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        let desired = with(json!({ "Egress": egress, "ZoneCount": 3 }));
        let subnets = desired.resources.iter().filter_map(|it| match &it.fields {
            Fields::Subnet(subnet) => Some(subnet),
            _ => None,
        });
        let subnets: Vec<_> = subnets.collect();
        for (at, one) in subnets.iter().enumerate() {
            assert_eq!(one.public_ip_on_launch, egress == "PublicIp");
            assert!(subnets[at + 1..].iter().all(|it| !it.cidr.contains(&one.cidr) && !one.cidr.contains(&it.cidr)));
        }
    }
}

#[test]
fn only_the_endpoints_let_anybody_in_and_only_the_instances() {
    let desired = with(json!({ "Egress": "VpcEndpoints" }));
    for it in &desired.resources {
        let Fields::SecurityGroup(group) = &it.fields else { continue };
        let from: Vec<&Ref> = group.https_from.iter().collect();
        if it.key() == names().endpoint_security_group() {
            assert_eq!(from, [&Ref::Owned(names().instance_security_group())]);
        } else {
            assert!(from.is_empty(), "{}", it.name);
        }
    }
}

#[test]
fn a_route_to_a_nat_gateway_waits_until_it_is_available() {
    let desired = with(json!({}));
    let account = settled(&desired);
    // The in-memory cloud refuses a route to a gateway that is pending, so one call shows that it was not tried.
    let calls = account.calls.borrow();
    let routes = calls.iter().filter(|call| call.operation() == "ec2:CreateRoute").count();
    assert_eq!(routes, 2, "one to the internet gateway and one to the NAT gateway");
}

#[test]
fn a_network_that_was_brought_along_is_used_and_never_touched() {
    let brought = json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": ["subnet-11111111", "subnet-22222222"] });
    let desired = with(brought);
    let account = settled(&desired);
    let network = [
        Kind::Vpc,
        Kind::Subnet,
        Kind::RouteTable,
        Kind::InternetGateway,
        Kind::NatGateway,
        Kind::Address,
        Kind::VpcEndpoint,
    ];
    assert!(network.iter().all(|kind| count(&desired, *kind) == 0));
    let create_intent = |id: &str| account.calls.borrow().iter().any(|call| call.id.as_deref() == Some(id));
    assert!(!create_intent("vpc-0123456789abcdef0") && !create_intent("subnet-11111111"));
    let group = desired.resources.iter().find(|it| it.key() == names().group()).expect("there is a group");
    let Fields::AutoScalingGroup(group) = &group.fields else { panic!("it is a group") };
    assert_eq!(group.subnets, [Ref::Foreign("subnet-11111111".into()), Ref::Foreign("subnet-22222222".into())]);
    run(&account, "delete", &DesiredState::default(), None);
    assert!(account.inventory().is_empty());
}

#[test]
fn plans_of_all_ways_out() {
    for egress in ["NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        let desired = with(json!({ "Egress": egress }));
        let network: Vec<_> = desired.resources.into_iter().filter(|it| it.kind() < Kind::Bucket).collect();
        let network = DesiredState { resources: network, ..DesiredState::default() };
        insta::assert_snapshot!(format!("the_network_of_{egress}"), plan(&network, &[]));
    }
}

#[test]
fn an_environment_is_settled_when_its_instances_are_in_service() {
    let mut desired = with(json!({ "MinSize": "2", "MaxSize": "4", "Egress": "PublicIp" }));
    desired.in_service = 2;
    let account = MemoryAccount::default();
    let began = account.clock.now();
    let ending = run(&account, "create", &desired, None);
    let Some(RunOutcome::Settled { observed }) = ending else { panic!("{ending:?}") };
    let group = observed.iter().find(|it| it.key() == names().group()).expect("there is a group");
    let Fields::AutoScalingGroup(group) = &group.resource.fields else { panic!("it is a group") };
    assert_eq!(group.in_service, 2);
    assert!((account.clock.now() - began).as_secs() >= 60, "a profile and an instance take their time");
}

fn step<'a>(plan: &'a Plan, key: &Key) -> (usize, &'a Step) {
    plan.steps.iter().enumerate().find(|(_, step)| step.key == *key).expect("it is planned")
}

#[test]
fn a_zone_that_is_given_up_keeps_its_way_out_until_its_instances_have_left() {
    let names = names();
    for egress in ["NatGateway", "NatGatewayPerZone", "PublicIp"] {
        let of = |zones: u32| with(json!({ "Egress": egress, "ZoneCount": zones, "MinSize": "3", "MaxSize": "3" }));
        let account = settled(&of(3));
        let plan = plan_now(&account, &of(2));
        let lets_go = plan.steps.iter().flat_map(|step| &step.calls).map(environment::Call::operation);
        assert!(!lets_go.clone().any(|it| it == "ec2:DisassociateRouteTable"), "{egress}: {plan}");
        if egress == "NatGatewayPerZone" {
            let (subnet, _) = step(&plan, &names.private_subnet(3));
            let (table, table_step) = step(&plan, &names.private_route_table(3));
            let (_, nat_step) = step(&plan, &names.nat_gateway(3));
            assert!(table_step.needs.contains(&subnet), "{plan}");
            assert!(nat_step.needs.contains(&table), "{plan}");
        }
        let ending = run(&account, "update", &of(2), None);
        assert!(matches!(ending, Some(RunOutcome::Settled { .. })), "{egress}: {ending:?}");
        assert_is_as_desired(&account, &of(2), egress);
    }
}

#[test]
fn what_the_region_no_longer_has_is_refused_only_where_something_new_would_need_it() {
    let gone = Facts { zones: vec!["us-west-2a".into()], image: None, ..common::facts() };
    let of = |properties: Value| DesiredState {
        resources: environment::desired(&spec(properties), &names(), common::OWNER, &gone),
        ..DesiredState::default()
    };
    let rejected = plan(&of(json!({})), &[]).rejected;
    assert!(rejected.iter().any(|it| it.starts_with("InstanceType and ZoneCount: there is no zone")), "{rejected:?}");
    assert!(rejected.iter().any(|it| it.starts_with("ImageParameter is \"/aws/service/")), "{rejected:?}");
    let account = settled(&with(json!({})));
    assert!(plan_now(&account, &of(json!({}))).is_settled(), "what is there stays as it is");
    assert!(plan_now(&account, &of(json!({ "MaxSize": "9" }))).rejected.is_empty());
    let more = plan_now(&account, &of(json!({ "ZoneCount": "3" }))).rejected;
    assert!(more.iter().all(|it| it.contains("no zone for subnet")) && !more.is_empty(), "{more:?}");
}
