//! Which versions can be launched: those whose image exists.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, Image};

use super::versions::Versions;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

/// The most values of a filter (the EC2 user guide, "Filter resources").
const MAX_FILTER_VALUES: usize = 200;

/// The numbers of the versions whose image is available to this account. A deprecated image still launches, a disabled one does
/// not. (The request filters: a request by ids fails if one of the images does not exist.)
pub(super) async fn launchable(clients: &Clients, versions: &Versions) -> Result<BTreeSet<u64>, Problem> {
    let images: BTreeSet<&str> = versions.images.values().map(String::as_str).collect();
    let images: Vec<String> = images.into_iter().map(str::to_owned).collect();
    let mut available = BTreeSet::new();
    for ids in images.chunks(MAX_FILTER_VALUES) {
        let by_id = Filter::builder().name("image-id").set_values(Some(ids.to_vec())).build();
        let by_state = Filter::builder().name("state").values("available").build();
        let request = clients.ec2.describe_images().include_deprecated(true).filters(by_id).filters(by_state);
        let found = request.into_paginator().items().send().collect::<Result<Vec<Image>, _>>().await;
        available.extend(found.classified("ec2:DescribeImages")?.into_iter().filter_map(|it| it.image_id));
    }
    let is_available = |(number, image): (&u64, &String)| available.contains(image).then_some(*number);
    Ok(versions.images.iter().filter_map(is_available).collect())
}
