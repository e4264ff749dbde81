//! Everything that carries an owner's mark, whoever that owner is.

use environment::{Setback, mark};

use crate::clients::Clients;
use crate::errors::Answer;

/// The owner's mark of every resource of EC2 and Auto Scaling in the region, with the resource's kind and id. An
/// instance is its group's, and goes with it.
///
/// # Errors
/// What any call may answer.
pub async fn marked(clients: &Clients) -> Result<Vec<(String, String)>, Setback> {
    let of_ec2 = async {
        let by_key = aws_sdk_ec2::types::Filter::builder().name("key").values(mark::OWNER).build();
        let pages = clients.ec2.describe_tags().filters(by_key).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.answer("ec2:DescribeTags")
    };
    let of_groups = async {
        let by_key = aws_sdk_autoscaling::types::Filter::builder().name("key").values(mark::OWNER).build();
        let pages = clients.autoscaling.describe_tags().filters(by_key).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.answer("autoscaling:DescribeTags")
    };
    let (of_ec2, of_groups) = tokio::try_join!(of_ec2, of_groups).map_err(|problem| problem.setback(&mark::OWNER))?;
    let of_ec2 = of_ec2.into_iter().filter_map(|tag| {
        let kind = tag.resource_type?;
        // Instances and what they are made of carry their group's tags.
        let of_a_group = ["instance", "volume", "network-interface"].contains(&kind.as_str());
        (!of_a_group).then_some((tag.value?, format!("{} {}", kind.as_str(), tag.resource_id?)))
    });
    let of_groups =
        of_groups.into_iter().filter_map(|tag| Some((tag.value?, format!("auto-scaling-group {}", tag.resource_id?))));
    Ok(of_ec2.chain(of_groups).collect())
}
