//! The tags of unhealthy instances: the version that each was launched with, and the result of its user data.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, TagDescription};
use environment::hook_settings::{FAILED, USER_DATA};

use super::versions::Versions;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

/// The tags that EC2 sets on an instance that a launch template started.
const TEMPLATE: &str = "aws:ec2launchtemplate:id";
const VERSION: &str = "aws:ec2launchtemplate:version";

/// The most instances that are looked up, the newest first: the most values of a filter (the EC2 user guide, "Filter resources").
/// One unhealthy instance ends a rollout.
const MAX_INSTANCES: usize = 200;

/// The tags of one instance.
#[derive(Debug, Default)]
pub(super) struct InstanceTags {
    template: Option<String>,
    version: Option<String>,
    /// How the user data failed, such as `failed at line 12`.
    pub(super) failure: Option<String>,
}

impl InstanceTags {
    /// The number of the version that the instance was launched with, if that is one of these.
    pub(super) fn version(&self, versions: &Versions) -> Option<u64> {
        versions.version(self.template.as_deref()?, self.version.as_deref()?).map(|it| it.number)
    }
}

/// Reads the tags of these instances. EC2 keeps the tags of a terminated instance for a while. Without the read a verdict still
/// holds, so an observation does not fail with it.
pub(super) async fn read_tags(clients: &Clients, instances: &[String]) -> BTreeMap<String, InstanceTags> {
    if instances.is_empty() {
        return BTreeMap::new();
    }
    match described(clients, instances).await {
        Ok(found) => by_instance(found),
        Err(problem) => {
            tracing::debug!(problem = problem.message, "tags of unhealthy instances not read");
            BTreeMap::new()
        }
    }
}

async fn described(clients: &Clients, instances: &[String]) -> Result<Vec<TagDescription>, Problem> {
    let filter = |name: &str, values: Vec<String>| Filter::builder().name(name).set_values(Some(values)).build();
    let ids = instances.iter().take(MAX_INSTANCES).cloned().collect();
    let keys = [TEMPLATE, VERSION, USER_DATA].map(str::to_owned).to_vec();
    let request = clients.ec2.describe_tags().filters(filter("resource-id", ids)).filters(filter("key", keys));
    request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeTags")
}

fn by_instance(found: Vec<TagDescription>) -> BTreeMap<String, InstanceTags> {
    let mut all = BTreeMap::<String, InstanceTags>::new();
    for tag in found {
        let (Some(id), Some(key), Some(value)) = (tag.resource_id, tag.key, tag.value) else { continue };
        let tags = all.entry(id).or_default();
        match key.as_str() {
            TEMPLATE => tags.template = Some(value),
            VERSION => tags.version = Some(value),
            // An instance writes this tag itself: any other value proves nothing.
            USER_DATA if value.starts_with(FAILED) => tags.failure = Some(value),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::versions::tests::versions;
    use super::*;

    pub(in crate::rollout) fn tags(found: &[(&str, &str, &str)]) -> BTreeMap<String, InstanceTags> {
        let tag = |(id, key, value): &(&str, &str, &str)| {
            TagDescription::builder().resource_id(*id).key(*key).value(*value).build()
        };
        by_instance(found.iter().map(tag).collect())
    }

    #[test]
    fn only_a_failure_of_the_user_data_is_evidence() {
        let found = tags(&[
            ("i-1", USER_DATA, "failed at line 12"),
            ("i-1", TEMPLATE, "lt-1"),
            ("i-1", VERSION, "2"),
            ("i-2", USER_DATA, "done"),
            ("i-3", USER_DATA, "anything"),
        ]);
        let failure = |id: &str| found[id].failure.as_deref();
        assert_eq!([failure("i-1"), failure("i-2"), failure("i-3")], [Some("failed at line 12"), None, None]);
        assert_eq!([found["i-1"].version(&versions()), found["i-2"].version(&versions())], [Some(2), None]);
    }
}
