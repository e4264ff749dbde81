//! What a plan takes of the limits of its account, and whether the account has room for it.
#![allow(clippy::needless_pass_by_value, reason = "a test takes JSON by value")]

use std::fmt::Write as _;

use crate::common::{observe, plan_now, resources, settled, spec};
use environment::preflight::{
    Account, Allowance, Finding, Limit, Need, NeedInputs, Unread, Verdict, free_addresses, needs, preflight,
};
use environment::{DesiredState, Facts, InstanceTypeFacts, Plan, Spec, SubnetFacts, plan};
use serde_json::{Value, json};

fn facts() -> Facts {
    let known = InstanceTypeFacts::Known {
        architectures: vec![],
        virtualization: vec![],
        zones: ["us-west-2a".to_owned()].into(),
        vcpus: Some(2),
    };
    Facts { instance_type: Some(known), ..crate::common::facts() }
}

fn needs_of(plan: &Plan, spec: &Spec, running: u32) -> Vec<Need> {
    let (facts, desired) = (facts(), resources(spec).resources);
    needs(plan, &NeedInputs { spec, facts: &facts, desired: &desired, waits_for_instances: true, running })
}

fn create(properties: Value) -> Vec<Need> {
    let spec = spec(properties);
    needs_of(&plan(&resources(&spec), &[]), &spec, 0)
}

/// The needs of an update of a settled environment with two instances in service.
fn update(before: Value, after: Value) -> Vec<Need> {
    let account = settled(&DesiredState { in_service: 1, ..resources(&spec(before)) });
    let spec = spec(after);
    needs_of(&plan_now(&account, &resources(&spec)), &spec, 2)
}

fn lines(needs: &[Need]) -> String {
    let mut text = String::new();
    for Need { limit, within, least, most } in needs {
        let within = within.as_deref().map(|it| format!(" in {it}")).unwrap_or_default();
        let _ = writeln!(text, "{limit:?}{within}: {least} to {most}");
    }
    text
}

#[test]
fn needs_of_a_create_with_each_egress() {
    let mut text = String::new();
    for egress in ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        let needs = create(json!({ "Egress": egress, "ZoneCount": "3", "MinSize": "2", "MaxSize": "6" }));
        let _ = writeln!(text, "{egress}\n{}", lines(&needs));
    }
    let existing = json!({
        "VpcId": "vpc-0123456789abcdef0", "SubnetIds": ["subnet-11111111", "subnet-22222222"], "MinSize": "2", "MaxSize": "6",
    });
    let _ = writeln!(text, "an existing network\n{}", lines(&create(existing)));
    insta::assert_snapshot!(text);
}

#[test]
fn findings_for_each_limit() {
    let known = |limit: u32, used: u32| Allowance { limit: Ok(limit), used: Ok(used) };
    let denied = || Err("servicequotas:GetServiceQuota: AccessDeniedException".into());
    let mut text = String::new();
    for limit in Limit::all() {
        let within = (limit == Limit::NatGateways).then(|| String::from("us-west-2a"));
        let need = Need { limit, within, least: 2, most: 4 };
        let allowances = [
            known(9, 5),
            known(6, 5),
            known(5, 2),
            Allowance { limit: denied(), used: Ok(5) },
            Allowance { limit: Ok(9), used: Err("no response within 10 s".into()) },
        ];
        for allowance in allowances {
            let mut account = Account::default();
            account.insert(&need, allowance);
            for finding in preflight(std::slice::from_ref(&need), &account) {
                let _ = writeln!(text, "[{}] {finding}", finding.verdict.name());
            }
        }
    }
    insta::assert_snapshot!(text);
}

/// The codes of the rejections by which AWS enforces quotas, with the sentences of a refusal.
#[test]
fn next_steps_after_each_rejection() {
    let operations = [
        "ec2:CreateVpc",
        "ec2:CreateInternetGateway",
        "ec2:CreateNatGateway",
        "ec2:AllocateAddress",
        "ec2:CreateSubnet",
        "ec2:CreateRouteTable",
        "ec2:CreateVpcEndpoint",
        "ec2:CreateSecurityGroup",
        "autoscaling:CreateAutoScalingGroup",
        "iam:CreateRole",
        "iam:CreateInstanceProfile",
        "iam:PutRolePolicy",
        "s3:CreateBucket",
        "cloudwatch:PutMetricAlarm",
    ];
    let codes = [
        "VpcLimitExceeded",
        "InternetGatewayLimitExceeded",
        "NatGatewayLimitExceeded",
        "AddressLimitExceeded",
        "SubnetLimitExceeded",
        "RouteTableLimitExceeded",
        "VpcEndpointLimitExceeded",
        "SecurityGroupLimitExceeded",
        "LimitExceeded",
        "LimitExceededFault",
        "LimitExceededException",
        "TooManyBuckets",
        "RequestLimitExceeded",
    ];
    let mut text = String::new();
    for operation in operations {
        for code in codes {
            for limit in Limit::of_rejection(operation, code) {
                let _ = writeln!(text, "{operation} {code}: {}", limit.next_step());
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_update_that_creates_nothing_needs_nothing() {
    let before = || json!({ "MinSize": "1", "MaxSize": "4" });
    for change in [json!({}), json!({ "LogRetentionDays": "7" }), json!({ "Tags": { "team": "web" } })] {
        let mut after = before();
        if let (Some(after), Some(change)) = (after.as_object_mut(), change.as_object()) {
            after.extend(change.clone());
        }
        assert_eq!(update(before(), after), [], "{change}");
    }
    let account = settled(&resources(&spec(before())));
    assert_eq!(needs_of(&plan_now(&account, &DesiredState::default()), &spec(before()), 2), [], "a delete");
}

#[test]
fn a_new_zone_needs_its_own_gateway_and_address_alone() {
    let of = |zones: &str| json!({ "Egress": "NatGatewayPerZone", "ZoneCount": zones });
    let one = |limit, within: Option<&str>| Need { limit, within: within.map(str::to_owned), least: 1, most: 1 };
    let needs = update(of("2"), of("3"));
    assert_eq!(needs, [one(Limit::NatGateways, Some("us-west-2c")), one(Limit::Addresses, None)]);
    assert_eq!(update(of("3"), of("2")), []);
}

/// A lost gateway is created again while its zone is removed: whichever comes first, one of the two may still count.
#[test]
fn the_least_is_reduced_by_what_the_same_plan_removes() {
    let of = |zones: &str| spec(json!({ "Egress": "NatGatewayPerZone", "ZoneCount": zones }));
    let account = settled(&resources(&of("2")));
    let gateway = of("2").names(&crate::common::deployment()).nat_gateway(1);
    let observed: Vec<_> = observe(&account).into_iter().filter(|it| it.key() != gateway).collect();
    let needs = needs_of(&plan(&resources(&of("1")), &observed), &of("1"), 2);
    let expected = Need { limit: Limit::NatGateways, within: Some("us-west-2a".into()), least: 0, most: 1 };
    assert_eq!(needs, [expected]);
}

#[test]
fn instances_are_needed_for_certain_only_where_the_request_waits_for_them() {
    let limit = Limit::Vcpus(environment::preflight::VcpuFamily::Standard);
    let vcpus = |needs: Vec<Need>| needs.into_iter().find(|it| it.limit == limit).map(|it| (it.least, it.most));
    assert_eq!(vcpus(create(json!({ "MinSize": "3", "MaxSize": "5" }))), Some((6, 10)));
    let spec = spec(json!({ "MinSize": "3", "MaxSize": "5" }));
    let (facts, desired) = (facts(), resources(&spec));
    let inputs =
        NeedInputs { spec: &spec, facts: &facts, desired: &desired.resources, waits_for_instances: false, running: 0 };
    assert_eq!(vcpus(needs(&plan(&desired, &[]), &inputs)), Some((0, 10)));
    // Auto Scaling works towards a higher minimum; the update does not wait for it.
    assert_eq!(vcpus(update(json!({ "MaxSize": "4" }), json!({ "MinSize": "4", "MaxSize": "8" }))), Some((0, 12)));
    assert_eq!(vcpus(update(json!({ "MaxSize": "4" }), json!({ "MaxSize": "4" }))), None);
}

/// With `MinHealthyPercentage` 100, an instance is launched before another is terminated.
#[test]
fn a_rollout_needs_room_for_its_first_instance() {
    let of = |more: Value| {
        let mut all = json!({ "MinSize": "2", "MaxSize": "4" });
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        all
    };
    let limit = Limit::Vcpus(environment::preflight::VcpuFamily::Standard);
    let rolls = |more: Value| {
        let needs = update(of(json!({})), of(more));
        needs.into_iter().find(|it| it.limit == limit).map(|it| (it.least, it.most))
    };
    assert_eq!(rolls(json!({ "UserDataScript": "#!/bin/sh\ntrue" })), Some((2, 2)));
    let replaces =
        json!({ "UserDataScript": "#!/bin/sh\ntrue", "MinHealthyPercentage": "50", "MaxHealthyPercentage": "100" });
    assert_eq!(rolls(replaces), None);
    assert_eq!(rolls(json!({ "UserDataScript": "#!/bin/sh\ntrue", "Rollout": "None" })), None);
}

#[test]
fn addresses_count_only_in_zones_that_offer_the_type() {
    let spec = spec(json!({ "VpcId": "vpc-0123456789abcdef0", "SubnetIds": ["subnet-11111111", "subnet-22222222"] }));
    let subnet = |id: &str, zone: &str, free_addresses| SubnetFacts {
        id: id.into(),
        vpc: "vpc-0123456789abcdef0".into(),
        cidr: spec.network.vpc_cidr,
        zone: zone.into(),
        free_addresses,
        is_marked: false,
    };
    let free = |subnets: Vec<SubnetFacts>| free_addresses(&spec, &Facts { subnets, ..facts() });
    let first = || subnet("subnet-11111111", "us-west-2a", Some(7));
    assert_eq!(free(vec![first(), subnet("subnet-22222222", "us-west-2b", Some(9))]), Some(7));
    assert_eq!(free(vec![first(), subnet("subnet-22222222", "us-west-2a", Some(9))]), Some(16));
    assert_eq!(free(vec![first(), subnet("subnet-22222222", "us-west-2a", None)]), None, "EC2 does not state it");
    assert_eq!(free(vec![first()]), None, "a subnet was not read");
}

#[test]
fn only_what_certainly_does_not_fit_refuses() {
    let need = Need { limit: Limit::Vpcs, within: None, least: 1, most: 1 };
    let finding = |account: &Account| preflight(std::slice::from_ref(&need), account).remove(0);
    let with = |limit: Result<u32, Unread>, used: Result<u32, Unread>| {
        let mut account = Account::default();
        account.insert(&need, Allowance { limit, used });
        account
    };
    let unknown = || Err("ec2:DescribeVpcs: RequestLimitExceeded".into());
    for unknown in [Account::default(), with(unknown(), Ok(5)), with(Ok(5), unknown())] {
        let finding = finding(&unknown);
        assert!(matches!(finding.verdict, Verdict::Unknown(_)), "{finding}");
        assert_eq!(finding.refusal(), None);
    }
    assert_eq!(finding(&with(Ok(5), Ok(4))).refusal(), None);
    let refusal: Option<String> = Finding::refusal(&finding(&with(Ok(5), Ok(5))));
    let expected = "VPCs per Region: 1 needed, 5 of 5 in use. Remove VPCs that are no longer needed, or request a higher quota in Service Quotas: VPCs per Region, service vpc, code L-F678F1CE. Then try again.";
    assert_eq!(refusal.as_deref(), Some(expected));
}
