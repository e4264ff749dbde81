//! Every operation fails once, through the SDK's real clients with the functions' own retries: the sample of the
//! campaign that runs against services which speak their protocols.

use std::collections::BTreeSet;

use environment::DesiredState;
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::lifecycle::assert_observed;

/// A transient rejection, a call that took effect and whose response was lost, and a truncated response.
const FAULTS: [&str; 3] = ["throttling", "lost-response", "malformed-body"];

async fn desired(harness: &Harness) -> DesiredState {
    harness.desired(json!({ "EnvironmentSuffix": "dev", "Egress": "PublicIp", "BucketOnDelete": "Empty" })).await
}

/// The operations of a whole life, as the local cloud records them.
async fn operations() -> BTreeSet<String> {
    let harness = Harness::start().await;
    let desired = desired(&harness).await;
    harness.local.forget_calls();
    harness.settle(&desired).await;
    harness.settle(&DesiredState::default()).await;
    harness.local.calls().into_iter().collect()
}

#[tokio::test]
async fn every_operation_fails_once_and_the_environment_settles_and_is_deleted() {
    let operations = operations().await;
    assert!(operations.len() > 60, "{operations:?}");
    for fault in FAULTS {
        let harness = Harness::start().await;
        let desired = desired(&harness).await;
        let rule = |call: &String| {
            let (service, operation) = call.split_once(':').expect("service:Operation");
            json!({ "service": service, "operation": operation, "nth": 1, "fault": fault })
        };
        harness.local.inject_faults(&operations.iter().map(rule).collect::<Value>());
        harness.settle(&desired).await;
        assert_observed(&harness, &desired).await;
        harness.settle(&DesiredState::default()).await;
        assert!(harness.observe().await.is_empty(), "{fault}");
        assert!(harness.local.injected_faults() > 55, "{fault}");
    }
}
