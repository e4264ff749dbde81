//! Every egress of a managed network, and an existing network.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use crate::common::{assert_converged, names, plan_now, resources, run, settled, spec};
use environment::{DesiredState, Facts, Fields, Key, Kind, Plan, Ref, Rejection, RunOutcome, Step, plan};
use memory_cloud::MemoryAccount;
use serde_json::{Value, json};

fn with(properties: Value) -> DesiredState {
    resources(&spec(properties))
}

fn count(desired: &DesiredState, kind: Kind) -> usize {
    desired.resources.iter().filter(|it| it.kind() == kind).count()
}

#[test]
fn every_egress_is_created_settles_and_is_deleted() {
    for egress in ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        for zones in 1..=3 {
            let desired = with(json!({ "Egress": egress, "ZoneCount": zones }));
            let account = settled(&desired);
            let context = format!("{egress} over {zones} zones");
            assert_converged(&account, &desired, &context);
            assert!(plan_now(&account, &desired).is_settled(), "{context}");
            let outcome = run(&account, "delete", &DesiredState::default(), None);
            assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{context}: {outcome:?}");
            assert!(account.inventory().is_empty(), "{context}: {:?}", account.inventory());
        }
    }
}

#[test]
fn an_egress_creates_only_the_network_resources_that_it_needs() {
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
    assert_eq!(count(&endpoints, Kind::InternetGateway), 0, "no route to the internet");
    assert_eq!(count(&endpoints, Kind::VpcEndpoint), 6);
}

#[test]
fn subnets_do_not_overlap_and_only_public_ip_assigns_public_addresses() {
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
fn only_the_endpoints_allow_ingress_and_only_from_the_instances() {
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
    // The in-memory cloud rejects a route to a pending gateway, so a single call proves that the route was not tried earlier.
    let calls = account.calls.borrow();
    let routes = calls.iter().filter(|call| call.operation() == "ec2:CreateRoute").count();
    assert_eq!(routes, 2, "one to the internet gateway and one to the NAT gateway");
}

#[test]
fn an_existing_network_is_used_and_never_changed() {
    let existing = json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": ["subnet-11111111", "subnet-22222222"] });
    let desired = with(existing);
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
    let is_called = |id: &str| account.calls.borrow().iter().any(|call| call.id.as_deref() == Some(id));
    assert!(!is_called("vpc-0123456789abcdef0") && !is_called("subnet-11111111"));
    let group = desired.resources.iter().find(|it| it.key() == names().group()).expect("an Auto Scaling group");
    let Fields::AutoScalingGroup(group) = &group.fields else { panic!("not an Auto Scaling group") };
    assert_eq!(group.subnets, [Ref::Foreign("subnet-11111111".into()), Ref::Foreign("subnet-22222222".into())]);
    run(&account, "delete", &DesiredState::default(), None);
    assert!(account.inventory().is_empty());
}

#[test]
fn plans_of_every_egress() {
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
    let started_at = account.clock.now();
    let outcome = run(&account, "create", &desired, None);
    let Some(RunOutcome::Settled { observed, .. }) = outcome else { panic!("{outcome:?}") };
    let group = observed.iter().find(|it| it.key() == names().group()).expect("an Auto Scaling group");
    let Fields::AutoScalingGroup(group) = &group.resource.fields else { panic!("not an Auto Scaling group") };
    assert_eq!(group.in_service, 2);
    assert!((account.clock.now() - started_at).as_secs() >= 60, "an instance profile and an instance need a minute");
}

fn step<'a>(plan: &'a Plan, key: &Key) -> (usize, &'a Step) {
    plan.steps.iter().enumerate().find(|(_, step)| step.key == *key).expect("a planned step")
}

#[test]
fn a_removed_zone_keeps_its_egress_until_its_instances_have_terminated() {
    let names = names();
    for egress in ["NatGateway", "NatGatewayPerZone", "PublicIp"] {
        let of = |zones: u32| with(json!({ "Egress": egress, "ZoneCount": zones, "MinSize": "3", "MaxSize": "3" }));
        let account = settled(&of(3));
        let plan = plan_now(&account, &of(2));
        let operations = plan.steps.iter().flat_map(|step| &step.calls).map(environment::Call::operation);
        assert!(!operations.clone().any(|it| it == "ec2:DisassociateRouteTable"), "{egress}: {plan}");
        if egress == "NatGatewayPerZone" {
            let (subnet, _) = step(&plan, &names.private_subnet(3));
            let (table, table_step) = step(&plan, &names.private_route_table(3));
            let (_, nat_step) = step(&plan, &names.nat_gateway(3));
            assert!(table_step.depends_on.contains(&subnet), "{plan}");
            assert!(nat_step.depends_on.contains(&table), "{plan}");
        }
        let outcome = run(&account, "update", &of(2), None);
        assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{egress}: {outcome:?}");
        assert_converged(&account, &of(2), egress);
    }
}

#[test]
fn a_missing_zone_or_image_is_rejected_only_if_a_new_resource_needs_it() {
    let facts = Facts { zones: vec!["us-west-2a".into()], image: None, ..crate::common::facts() };
    let of = |properties: Value| DesiredState {
        resources: environment::desired(&spec(properties), &names(), crate::common::OWNER, &facts),
        ..DesiredState::default()
    };
    let rejected = plan(&of(json!({})), &[]).rejected;
    let texts: Vec<String> = rejected.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|it| it.starts_with("InstanceType and ZoneCount: no zone is available")), "{texts:?}");
    assert!(texts.iter().any(|it| it.starts_with("ImageParameter is \"/aws/service/")), "{texts:?}");
    let account = settled(&with(json!({})));
    assert!(plan_now(&account, &of(json!({}))).is_settled(), "existing resources are retained");
    assert!(plan_now(&account, &of(json!({ "MaxSize": "9" }))).rejected.is_empty());
    let more = plan_now(&account, &of(json!({ "ZoneCount": "3" }))).rejected;
    assert!(more.iter().all(|it| matches!(it, Rejection::NoZone { .. })) && !more.is_empty(), "{more:?}");
}
