//! How many calls a look takes: as many for three zones as for one.

use std::collections::BTreeMap;

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_look_takes_a_fixed_number_of_calls() {
    let world = World::start().await;
    let mut looks = Vec::new();
    for zones in ["1", "3"] {
        let properties = json!({ "EnvironmentSuffix": "dev", "ZoneCount": zones, "Egress": "NatGatewayPerZone" });
        let wanted = world.wanted(properties).await;
        world.settle(&wanted).await;
        world.local.forget_calls();
        world.observe().await;
        let mut counts = BTreeMap::<String, usize>::new();
        for call in world.local.calls() {
            *counts.entry(call).or_default() += 1;
        }
        looks.push(counts);
    }
    assert_eq!(looks[0], looks[1]);
    let of =
        |service: &str| looks[0].iter().filter(|(call, _)| call.starts_with(service)).map(|(_, n)| n).sum::<usize>();
    let services = ["ec2:", "autoscaling:", "iam:", "s3:", "monitoring:", "logs:"];
    assert_eq!(services.map(of), [13, 3, 5, 16, 2, 5], "{looks:#?}");
}
