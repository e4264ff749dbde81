//! What the account and the region say, and no property does: zones, partition, image.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AvailabilityZone, AvailabilityZoneOptInStatus, Filter, InstanceTypeOffering, LocationType};
use environment::{Facts, Setback, Spec};

use crate::clients::Clients;
use crate::errors::{Answer, Problem, UnlessMissing};

/// Finds out what `spec` needs to know of the clients' account in `region`.
///
/// # Errors
/// `Refused`, naming the property, if the region offers the instance type nowhere or there is no such image parameter;
/// else what any call may answer.
pub async fn facts(clients: &Clients, spec: &Spec, region: &str) -> Result<Facts, Setback> {
    let told = |problem: Problem| problem.setback(&format_args!("the facts about {region}"));
    let (zones, offered, image) =
        tokio::try_join!(zones(clients), offered_in(clients, &spec.instance_type), image(clients, spec))
            .map_err(told)?;
    let zones: Vec<String> = zones.intersection(&offered).cloned().collect();
    if zones.is_empty() {
        return Err(Setback::Refused {
            what: format!(
                "InstanceType is \"{}\": {region} offers it in no availability zone of this account",
                spec.instance_type
            ),
        });
    }
    let Some(image) = image else {
        return Err(Setback::Refused {
            what: format!("ImageParameter is \"{}\": there is no such SSM parameter in {region}", spec.image_source()),
        });
    };
    Ok(Facts { zones, partition: partition(region).to_owned(), image })
}

/// The zones that this account can use: no local zones, nor those that it would have to opt in to.
async fn zones(clients: &Clients) -> Result<BTreeSet<String>, Problem> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = clients.ec2.describe_availability_zones();
    let request = request.filters(filter("state", "available")).filters(filter("zone-type", "availability-zone"));
    let answer = request.send().await.answer("ec2:DescribeAvailabilityZones")?;
    let usable = |zone: &&AvailabilityZone| zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn);
    let zones = answer.availability_zones().iter().filter(usable);
    Ok(zones.filter_map(AvailabilityZone::zone_name).map(str::to_owned).collect())
}

/// The zones whose hardware has the instance type.
async fn offered_in(clients: &Clients, instance_type: &str) -> Result<BTreeSet<String>, Problem> {
    let by_type = Filter::builder().name("instance-type").values(instance_type).build();
    let request = clients.ec2.describe_instance_type_offerings().filters(by_type);
    let pages = request.location_type(LocationType::AvailabilityZone).into_paginator().items().send();
    let offerings = pages.collect::<Result<Vec<_>, _>>().await.answer("ec2:DescribeInstanceTypeOfferings")?;
    Ok(offerings.iter().filter_map(InstanceTypeOffering::location).map(str::to_owned).collect())
}

/// The image's id; nothing if the parameter that should hold it isn't there.
async fn image(clients: &Clients, spec: &Spec) -> Result<Option<String>, Problem> {
    if let Some(id) = &spec.image_id {
        return Ok(Some(id.clone()));
    }
    let request = clients.ssm.get_parameter().name(spec.image_source());
    let answer = request.send().await.answer("ssm:GetParameter").unless_missing()?;
    Ok(answer.and_then(|answer| answer.parameter).and_then(|parameter| parameter.value))
}

/// The second part of every ARN (AWS's list of partitions).
fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::partition;

    #[test]
    fn the_region_tells_the_partition() {
        let regions = ["eu-west-1", "us-west-2", "cn-north-1", "us-gov-west-1"];
        assert_eq!(regions.map(partition), ["aws", "aws", "aws-cn", "aws-us-gov"]);
    }
}
