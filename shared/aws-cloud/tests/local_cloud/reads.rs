//! The number of calls of an observation: the same for three zones as for one.

use std::collections::{BTreeMap, BTreeSet};

use environment::{Cloud as _, Kind};
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn an_observation_takes_a_fixed_number_of_calls() {
    let harness = Harness::start().await;
    let mut observations = Vec::new();
    for zones in ["1", "3"] {
        let properties = json!({ "EnvironmentSuffix": "dev", "ZoneCount": zones, "Egress": "NatGatewayPerZone" });
        let desired = harness.desired(properties).await;
        harness.settle(&desired).await;
        harness.local.forget_calls();
        harness.observe().await;
        let mut counts = BTreeMap::<String, usize>::new();
        for call in harness.local.calls() {
            *counts.entry(call).or_default() += 1;
        }
        observations.push(counts);
    }
    assert_eq!(observations[0], observations[1]);
    let count = |service: &str| {
        observations[0].iter().filter(|(call, _)| call.starts_with(service)).map(|(_, n)| n).sum::<usize>()
    };
    // Of an awaited resource only its own list is read.
    for (kind, calls) in [
        (Kind::NatGateway, vec!["ec2:DescribeNatGateways"]),
        (Kind::VpcEndpoint, vec!["ec2:DescribeVpcEndpoints"]),
        (Kind::AutoScalingGroup, vec!["autoscaling:DescribeAutoScalingGroups"]),
    ] {
        harness.local.forget_calls();
        let observed = harness.cloud().observe_kinds(&harness.scope(), &BTreeSet::from([kind])).await.expect("reads");
        assert!(observed.iter().all(|it| it.key().kind == kind), "{observed:?}");
        let mut sent = harness.local.calls();
        sent.sort();
        assert_eq!(sent, calls, "{kind:?}");
    }
    let services = ["ec2:", "autoscaling:", "iam:", "s3:", "monitoring:", "logs:"];
    assert_eq!(services.map(count), [14, 3, 5, 16, 2, 5], "{observations:#?}");
}
