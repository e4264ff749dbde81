//! The search for every resource that carries an owner's mark, for all owners.

mod existing;

use std::collections::BTreeMap;

use environment::{CallError, mark};

use aws_config::SdkConfig;
use lambda_kit::Lazy;

use crate::clients::limited;
use crate::errors::ClassifyErrors;

/// Searches for ownership marks. The search has only the two clients that it needs: with the clients of a whole
/// environment a program is half as large again.
#[derive(Clone, Debug)]
pub struct MarkSearch {
    autoscaling: Lazy<aws_sdk_autoscaling::Client>,
    ec2: Lazy<aws_sdk_ec2::Client>,
}

/// A resource that carries an owner's mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkedResource {
    /// The owner, from the mark.
    pub owner: String,
    /// The environment, from the mark; empty if the mark is missing.
    pub environment: String,
    /// Kind and id.
    pub resource: String,
    /// The id, if name and mark of the kind are tags, which can be copied: only the owner's record proves the ownership.
    pub copyable_id: Option<String>,
}

/// EC2's names of the kinds of [`Proof::Id`](environment::Proof).
const COPYABLE: [&str; 8] =
    ["vpc", "internet-gateway", "subnet", "elastic-ip", "natgateway", "route-table", "security-group", "vpc-endpoint"];

impl MarkSearch {
    /// A search in the account, region and endpoints of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> MarkSearch {
        let config = limited(config);
        MarkSearch {
            autoscaling: Lazy::client(&config, aws_sdk_autoscaling::Client::new),
            ec2: Lazy::client(&config, aws_sdk_ec2::Client::new),
        }
    }

    /// Returns every marked resource of EC2 and Auto Scaling in the region. Instances are left out: an instance belongs
    /// to its group, and Auto Scaling terminates it with the group.
    ///
    /// # Errors
    /// Every error of a call.
    pub async fn marked(&self) -> Result<Vec<MarkedResource>, CallError> {
        const KEYS: [&str; 2] = [mark::OWNER, mark::ENVIRONMENT];
        let keys = || Some(KEYS.map(str::to_owned).to_vec());
        let of_ec2 = async {
            let by_key = aws_sdk_ec2::types::Filter::builder().name("key").set_values(keys()).build();
            let pages = self.ec2.describe_tags().filters(by_key).into_paginator().items().send();
            pages.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeTags")
        };
        let of_groups = async {
            let by_key = aws_sdk_autoscaling::types::Filter::builder().name("key").set_values(keys()).build();
            let pages = self.autoscaling.describe_tags().filters(by_key).into_paginator().items().send();
            pages.collect::<Result<Vec<_>, _>>().await.classified("autoscaling:DescribeTags")
        };
        let (of_ec2, of_groups) =
            tokio::try_join!(of_ec2, of_groups).map_err(|problem| problem.call_error(&mark::OWNER))?;
        let of_ec2 = of_ec2.into_iter().filter_map(|tag| {
            let kind = tag.resource_type?;
            // Instances, their volumes and their network interfaces carry their group's tags.
            let has_tags_of_group = ["instance", "volume", "network-interface"].contains(&kind.as_str());
            (!has_tags_of_group).then_some((format!("{} {}", kind.as_str(), tag.resource_id?), tag.key?, tag.value?))
        });
        let of_groups = of_groups
            .into_iter()
            .filter_map(|tag| Some((format!("auto-scaling-group {}", tag.resource_id?), tag.key?, tag.value?)));
        Ok(by_resource(of_ec2.chain(of_groups)))
    }
}

/// Groups the tags (resource, key, value) by resource. Resources without an owner's mark do not belong to Envkeeper and
/// are left out.
fn by_resource(tags: impl Iterator<Item = (String, String, String)>) -> Vec<MarkedResource> {
    let mut all: BTreeMap<String, MarkedResource> = BTreeMap::new();
    for (resource, key, value) in tags {
        let copyable = resource.split_once(' ').filter(|(kind, _)| COPYABLE.contains(kind));
        let copyable_id = copyable.map(|(_, id)| id.to_owned());
        let new = || MarkedResource { resource: resource.clone(), copyable_id, ..MarkedResource::default() };
        let marked = all.entry(resource.clone()).or_insert_with(new);
        if key == mark::OWNER { marked.owner = value } else { marked.environment = value }
    }
    all.into_values().filter(|it| !it.owner.is_empty()).collect()
}
