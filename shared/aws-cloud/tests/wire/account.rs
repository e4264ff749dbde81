//! The limits of an account, by responses that no emulator returns.

use environment::preflight::{Allowance, Limit, Need, VcpuFamily};

use crate::service;

const OWNER: &str = "123456789012";

/// The allowance for a need, from a service with these results; a result that begins with `error` is that code.
async fn allowance(
    limit: Limit,
    within: Option<&str>,
    results: &'static [(&'static str, &'static str)],
) -> Option<Allowance> {
    let clients = service::start(move |request| {
        let action = request.body.split("Action=").nth(1).and_then(|it| it.split('&').next());
        let action = action.map_or(request.target.clone(), str::to_owned);
        let result = results.iter().find(|(name, _)| *name == action).map_or("", |(_, result)| result);
        let is_json = action == "GetServiceQuota";
        if let Some(code) = result.strip_prefix("error ") {
            let xml = format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
            );
            return Some((400, if is_json { format!(r#"{{"__type":"{code}","Message":"no"}}"#) } else { xml }));
        }
        let xml = format!("<{action}Response>{result}</{action}Response>");
        Some((200, if is_json { result.to_owned() } else { xml }))
    });
    let need = Need { limit, within: within.map(str::to_owned), least: 1, most: 1 };
    aws_cloud::account(&clients, OWNER, std::slice::from_ref(&need)).await.allowance(&need).cloned()
}

const FIVE: &str = r#"{"Quota":{"ServiceCode":"vpc","QuotaCode":"L-1","Value":5.0}}"#;

#[tokio::test]
async fn a_denied_read_is_unknown_and_the_other_value_is_kept() {
    const DENIED: &[(&str, &str)] = &[
        ("GetServiceQuota", "error AccessDeniedException"),
        ("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>"),
    ];
    const UNKNOWN: &[(&str, &str)] = &[("GetServiceQuota", FIVE), ("DescribeVpcs", "error UnauthorizedOperation")];
    const RAISED_NEVER: &[(&str, &str)] = &[("GetServiceQuota", "error NoSuchResourceException")];
    let found = allowance(Limit::Vpcs, None, DENIED).await.expect("an allowance");
    assert_eq!(found.limit, Err("servicequotas:GetServiceQuota: AccessDeniedException".into()));
    assert_eq!(found.used, Ok(1));
    let found = allowance(Limit::Vpcs, None, UNKNOWN).await.expect("an allowance");
    assert_eq!((found.limit, found.used), (Ok(5), Err("ec2:DescribeVpcs: UnauthorizedOperation".into())));
    let found = allowance(Limit::Vpcs, None, RAISED_NEVER).await.expect("an allowance");
    assert_eq!(found.limit, Err("servicequotas:GetServiceQuota: NoSuchResourceException".into()));
}

#[tokio::test]
async fn resources_of_other_accounts_do_not_count() {
    const SHARED: &[(&str, &str)] = &[
        ("GetServiceQuota", FIVE),
        (
            "DescribeVpcs",
            "<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>123456789012</ownerId></item>\
             <item><vpcId>vpc-2</vpcId><ownerId>210987654321</ownerId></item></vpcSet>",
        ),
    ];
    assert_eq!(allowance(Limit::Vpcs, None, SHARED).await.expect("an allowance").used, Ok(1));
}

#[tokio::test]
async fn addresses_of_an_own_range_do_not_count() {
    const POOLS: &[(&str, &str)] = &[
        ("GetServiceQuota", FIVE),
        (
            "DescribeAddresses",
            "<addressesSet><item><domain>vpc</domain><publicIpv4Pool>amazon</publicIpv4Pool></item>\
             <item><domain>vpc</domain><publicIpv4Pool>ipv4pool-ec2-012345</publicIpv4Pool></item></addressesSet>",
        ),
    ];
    assert_eq!(allowance(Limit::Addresses, None, POOLS).await.expect("an allowance").used, Ok(1));
}

#[tokio::test]
async fn nat_gateways_count_in_the_zone_of_their_subnet() {
    const GATEWAYS: &[(&str, &str)] = &[
        ("GetServiceQuota", FIVE),
        (
            "DescribeNatGateways",
            "<natGatewaySet><item><natGatewayId>nat-1</natGatewayId><subnetId>subnet-1</subnetId></item>\
             <item><natGatewayId>nat-2</natGatewayId><subnetId>subnet-1</subnetId></item>\
             <item><natGatewayId>nat-3</natGatewayId><subnetId>subnet-2</subnetId></item></natGatewaySet>",
        ),
        (
            "DescribeSubnets",
            "<subnetSet><item><subnetId>subnet-1</subnetId><availabilityZone>eu-west-1a</availabilityZone></item>\
             <item><subnetId>subnet-2</subnetId><availabilityZone>eu-west-1b</availabilityZone></item></subnetSet>",
        ),
    ];
    for (zone, expected) in [("eu-west-1a", 2), ("eu-west-1b", 1), ("eu-west-1c", 0)] {
        let found = allowance(Limit::NatGateways, Some(zone), GATEWAYS).await.expect("an allowance");
        assert_eq!((found.limit, found.used), (Ok(5), Ok(expected)), "{zone}");
    }
}

/// EC2 user guide, "On-Demand Instance quotas": Spot instances and dedicated hosts have quotas of their own.
#[tokio::test]
async fn only_on_demand_instances_of_the_family_count_with_their_cores() {
    const INSTANCES: &[(&str, &str)] = &[
        ("GetServiceQuota", FIVE),
        (
            "DescribeInstances",
            "<reservationSet><item><instancesSet>\
             <item><instanceType>t3.micro</instanceType><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions></item>\
             <item><instanceType>m5.xlarge</instanceType><cpuOptions><coreCount>2</coreCount><threadsPerCore>1</threadsPerCore></cpuOptions></item>\
             <item><instanceType>t3.micro</instanceType><instanceLifecycle>spot</instanceLifecycle><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions></item>\
             <item><instanceType>t3.micro</instanceType><placement><tenancy>host</tenancy></placement><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions></item>\
             <item><instanceType>g5.xlarge</instanceType><cpuOptions><coreCount>2</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions></item>\
             </instancesSet></item></reservationSet>",
        ),
    ];
    for (family, expected) in [(VcpuFamily::Standard, 4), (VcpuFamily::Graphics, 4), (VcpuFamily::Accelerated, 0)] {
        let found = allowance(Limit::Vcpus(family), None, INSTANCES).await.expect("an allowance");
        assert_eq!(found.used, Ok(expected), "{family:?}");
    }
}

#[tokio::test]
async fn buckets_and_alarms_are_not_counted() {
    for limit in [Limit::Buckets, Limit::Alarms] {
        let found = allowance(limit, None, &[]).await.expect("an allowance");
        assert!(found.limit.is_err() && found.used.is_err(), "{found:?}");
    }
    let addresses = allowance(Limit::SubnetAddresses, None, &[]).await.expect("an allowance");
    assert!(addresses.limit.is_err(), "the facts have them");
}
