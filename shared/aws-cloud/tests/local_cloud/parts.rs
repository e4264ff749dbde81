//! A part of an environment by itself: the look is the whole one, and so is the engine's loop.

use std::collections::BTreeSet;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use environment::{Kind, Wanted};
use local_cloud::REGION;
use serde_json::Value;

use crate::world::World;

/// What properties want of these kinds.
pub async fn wanted(world: &World, kinds: &[Kind], properties: Value) -> Wanted {
    let mut wanted = world.wanted(properties).await;
    wanted.resources.retain(|it| kinds.contains(&it.kind()));
    wanted
}

/// The calls that a run makes; a second run makes none.
pub async fn repair(world: &World, wanted: &Wanted) -> Vec<String> {
    let (_, calls) = world.settle(wanted).await;
    assert_eq!(world.settle(wanted).await.1, [""; 0], "after {calls:?}");
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
pub fn config(world: &World, access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, "nothing", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(&world.local.url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
