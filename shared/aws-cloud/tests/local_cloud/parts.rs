//! A part of an environment alone: the observation is the whole one, and so is the engine's loop.

use std::collections::BTreeSet;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use environment::{DesiredState, Kind};
use local_cloud::REGION;
use serde_json::Value;

use crate::harness::Harness;

/// The desired resources of these kinds.
pub async fn desired(harness: &Harness, kinds: &[Kind], properties: Value) -> DesiredState {
    let mut desired = harness.desired(properties).await;
    desired.resources.retain(|it| kinds.contains(&it.kind()));
    desired
}

/// Executes a run and returns its calls. Asserts that a second run makes no call.
pub async fn repair(harness: &Harness, desired: &DesiredState) -> Vec<String> {
    let (_, calls) = harness.settle(desired).await;
    assert_eq!(harness.settle(desired).await.1, [""; 0], "after {calls:?}");
    calls
}

/// The operations among calls, in their order.
pub fn operations(calls: &[String]) -> Vec<&str> {
    calls.iter().filter_map(|call| call.split(' ').next()).collect()
}

/// The operations among calls, as a set.
pub fn distinct(calls: &[String]) -> BTreeSet<&str> {
    operations(calls).into_iter().collect()
}

/// A client's configuration in the local cloud.
pub fn config(harness: &Harness, access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, "nothing", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(&harness.local.url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
