//! The number of calls of an observation: the same for three zones as for one.

use std::collections::BTreeMap;

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
    let services = ["ec2:", "autoscaling:", "iam:", "s3:", "monitoring:", "logs:"];
    assert_eq!(services.map(count), [13, 3, 5, 16, 2, 5], "{observations:#?}");
}
