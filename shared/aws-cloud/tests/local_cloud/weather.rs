//! Every operation goes wrong once, through the SDK's real clients with the functions' own retries: the sample of the
//! campaign that is played against services which speak their protocols.

use std::collections::BTreeSet;

use environment::Wanted;
use serde_json::{Value, json};

use crate::lifecycle::assert_is_there;
use crate::world::World;

/// A refusal that passes, a call that had its effect and whose answer never came, and an answer that breaks off.
const FAULTS: [&str; 3] = ["throttling", "lost-answer", "malformed-body"];

async fn wanted(world: &World) -> Wanted {
    world.wanted(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty" })).await
}

/// The operations of a whole life, as the local cloud saw them.
async fn operations() -> BTreeSet<String> {
    let world = World::start().await;
    let wanted = wanted(&world).await;
    world.local.forget_calls();
    world.settle(&wanted).await;
    world.settle(&Wanted::default()).await;
    world.local.calls().into_iter().collect()
}

#[tokio::test]
async fn every_operation_goes_wrong_once_and_the_environment_settles_and_goes() {
    let operations = operations().await;
    assert!(operations.len() > 60, "{operations:?}");
    for fault in FAULTS {
        let world = World::start().await;
        let wanted = wanted(&world).await;
        let rule = |call: &String| {
            let (service, operation) = call.split_once(':').expect("service:Operation");
            json!({ "service": service, "operation": operation, "nth": 1, "fault": fault })
        };
        world.local.disturb(&operations.iter().map(rule).collect::<Value>());
        world.settle(&wanted).await;
        assert_is_there(&world, &wanted).await;
        world.settle(&Wanted::default()).await;
        assert!(world.observe().await.is_empty(), "{fault}");
        assert!(world.local.faults_that_struck() > 55, "{fault}");
    }
}
