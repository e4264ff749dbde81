//! Auto Scaling: the owned groups with their instances, and their activities.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{self, AutoScalingGroup, Filter};
use environment::mark;
use lambda_kit::AwsCallError;
use ledger::{Activity, GroupState, InstanceState};

use crate::cloud::ObservedGroup;

const DESCRIBE_GROUPS: &str = "autoscaling:DescribeAutoScalingGroups";
pub(super) const DESCRIBE_INSTANCES: &str = "autoscaling:DescribeAutoScalingInstances";

pub(super) async fn owned(client: &Client) -> Result<Vec<ObservedGroup>, AwsCallError> {
    let owned = Filter::builder().name("tag-key").values(mark::OWNER).build();
    let pages = client.describe_auto_scaling_groups().filters(owned);
    let groups: Result<Vec<AutoScalingGroup>, _> = pages.into_paginator().items().send().collect().await;
    let groups = groups.map_err(|error| AwsCallError::of(DESCRIBE_GROUPS, &error))?;
    Ok(groups.into_iter().filter_map(observed).collect())
}

pub(super) async fn named(client: &Client, name: &str) -> Result<Option<ObservedGroup>, AwsCallError> {
    let response = client.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await;
    let groups = response.map_err(|error| AwsCallError::of(DESCRIBE_GROUPS, &error))?.auto_scaling_groups;
    Ok(groups.unwrap_or_default().into_iter().find_map(observed))
}

/// The number of instances is at most that of one page.
pub(super) async fn template_versions(
    client: &Client,
    instances: &[String],
) -> Result<BTreeMap<String, u64>, AwsCallError> {
    let response = client.describe_auto_scaling_instances().set_instance_ids(Some(instances.to_vec())).send().await;
    let response = response.map_err(|error| AwsCallError::of(DESCRIBE_INSTANCES, &error))?;
    let version = |it: &types::AutoScalingInstanceDetails| {
        Some((it.instance_id()?.to_owned(), it.launch_template()?.version()?.parse().ok()?))
    };
    Ok(response.auto_scaling_instances().iter().filter_map(version).collect())
}

/// `None` without a name. The API reference marks name and sizes as always present.
fn observed(found: AutoScalingGroup) -> Option<ObservedGroup> {
    let size = |found: Option<i32>| found.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let instances = found.instances.unwrap_or_default();
    let state = GroupState {
        min: size(found.min_size),
        max: size(found.max_size),
        desired: size(found.desired_capacity),
        instances: instances.into_iter().filter_map(observed_instance).collect(),
    };
    Some(ObservedGroup { name: found.auto_scaling_group_name?, state })
}

fn observed_instance(found: types::Instance) -> Option<(String, InstanceState)> {
    let state = found.lifecycle_state.map(|it| it.as_str().to_owned()).unwrap_or_default();
    // An instance that was attached to the group may have no template.
    let template_version = found.launch_template.and_then(|it| it.version?.parse().ok());
    Some((found.instance_id?, InstanceState { state, template_version }))
}

/// Auto Scaling lists the activities in progress first, then the newest. Reading stops after the page that contains the
/// first activity before `since_ms`.
pub(super) async fn activities(client: &Client, group: &str, since_ms: u64) -> Result<Vec<Activity>, AwsCallError> {
    let mut pages = client.describe_scaling_activities().auto_scaling_group_name(group).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsCallError::of("autoscaling:DescribeScalingActivities", &error))?;
        for found in page.activities.unwrap_or_default() {
            let activity = convert(found);
            if activity.start_ms < since_ms && activity.end_ms.is_some() {
                return Ok(all);
            }
            all.push(activity);
        }
    }
    Ok(all)
}

fn convert(found: types::Activity) -> Activity {
    let ms = |time: &DateTime| time.to_millis().ok().and_then(|ms| u64::try_from(ms).ok());
    Activity {
        start_ms: found.start_time.as_ref().and_then(ms).unwrap_or_default(),
        end_ms: found.end_time.as_ref().and_then(ms),
        id: found.activity_id.unwrap_or_default(),
        group: found.auto_scaling_group_name.unwrap_or_default(),
        description: found.description.unwrap_or_default(),
        cause: found.cause.unwrap_or_default(),
        status: found.status_code.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        status_message: found.status_message,
        details: found.details.unwrap_or_default(),
    }
}
