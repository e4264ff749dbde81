//! The limits of an account and their use, by the calls of each service.

use environment::preflight::{Account, Limit, Need, VcpuFamily};
use local_cloud::emulators::ACCOUNT;
use serde_json::json;

use crate::harness::Harness;

fn need(limit: Limit, within: Option<&str>) -> Need {
    Need { limit, within: within.map(str::to_owned), least: 1, most: 1 }
}

fn used(account: &Account, need: &Need) -> u32 {
    let allowance = account.allowance(need).expect("it was read");
    assert!(allowance.limit.as_ref().is_ok_and(|limit| *limit > 0), "{need:?}: {allowance:?}");
    *allowance.used.as_ref().expect("a number")
}

#[tokio::test]
async fn the_use_of_each_limit_grows_by_what_an_environment_creates() {
    let harness = Harness::start().await;
    let needs = [
        need(Limit::Vpcs, None),
        need(Limit::InternetGateways, None),
        need(Limit::NatGateways, Some("us-west-2a")),
        need(Limit::NatGateways, Some("us-west-2b")),
        need(Limit::Addresses, None),
        need(Limit::GatewayEndpoints, None),
        need(Limit::SecurityGroups, None),
        need(Limit::AutoScalingGroups, None),
        need(Limit::Roles, None),
        need(Limit::InstanceProfiles, None),
        need(Limit::Vcpus(VcpuFamily::Standard), None),
    ];
    let read = async || {
        let account = aws_cloud::account(&harness.clients, ACCOUNT, &needs).await;
        needs.iter().map(|need| used(&account, need)).collect::<Vec<u32>>()
    };
    let before = read().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "ZoneCount": "2", "Egress": "NatGateway" });
    let desired = harness.desired(properties).await;
    harness.settle(&desired).await;
    harness.local.forget_calls();
    let grown: Vec<u32> = read().await.into_iter().zip(before).map(|(after, before)| after - before).collect();
    // The addresses and the instances of moto lack the mark of Amazon's pool, and the cores.
    assert_eq!(grown, [1, 1, 1, 0, 0, 0, 1 + 1, 1, 1, 1, 0]);
    let calls = harness.local.calls();
    let count = |call: &str| calls.iter().filter(|it| it.ends_with(call)).count();
    assert_eq!((count("GetAccountSummary"), count("DescribeAccountLimits"), count("DescribeNatGateways")), (1, 1, 1));
    assert_eq!(count("GetServiceQuota"), 7, "{calls:?}");
}
