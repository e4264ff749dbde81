//! What the account and the region say, and no property does: zones, partition, image.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    AvailabilityZone, AvailabilityZoneOptInStatus, Filter, InstanceTypeOffering, LocationType, Subnet,
};
use environment::{CallError, Facts, Partition, Spec};

use crate::clients::Clients;
use crate::errors::{Problem, Response, UnlessMissing};

/// Finds out what `spec` needs to know of the clients' account in `region`. Whether anybody answers the hooks, the
/// deployment knows.
///
/// # Errors
/// `Rejected`, naming the property, if a subnet that was brought along is not there or not in its VPC, if a parameter holds no
/// image's id, or if the region's partition is not known; else what any call may answer. What is merely missing (zones, an image) is told by the plan, if it needs it.
pub async fn facts(clients: &Clients, spec: &Spec, region: &str, hooks_are_handled: bool) -> Result<Facts, CallError> {
    let Some(partition) = Partition::of(region) else {
        let what = format!(
            "AWS_REGION is \"{region}\", which is in no partition that Envkeeper knows: aws, aws-cn, aws-us-gov, aws-eusc"
        );
        return Err(CallError::Rejected { message: what });
    };
    let (deployment, image) = tokio::join!(deployment(clients, spec, region), image(clients, spec));
    let told = |problem: Problem| problem.call_error(&format_args!("the facts about {region}"));
    let rejected = |what: String| CallError::Rejected { message: what };
    let zones = deployment.map_err(told)?.map_err(rejected)?;
    let image = image.map_err(told)?.map_err(rejected)?;
    Ok(Facts { zones, partition: partition.id.to_owned(), image, hooks_are_handled })
}

/// The zones to build in, or a sentence that says why there is no place: for a network that was brought along there are
/// none to choose, and its subnets have to be what they are said to be.
async fn deployment(clients: &Clients, spec: &Spec, region: &str) -> Result<Result<Vec<String>, String>, Problem> {
    if let Some(vpc) = &spec.network.vpc_id {
        let found = subnets(clients, &spec.network.subnet_ids).await?;
        return Ok(brought_along(vpc, &spec.network.subnet_ids, &found, region).map(|()| vec![]));
    }
    let (zones, offered) = tokio::try_join!(zones(clients), offered_in(clients, &spec.instance_type))?;
    Ok(Ok(zones.intersection(&offered).cloned().collect()))
}

/// Those of the subnets that there are. (By a filter: by their ids, one that isn't there is an error.)
async fn subnets(clients: &Clients, ids: &[String]) -> Result<Vec<Subnet>, Problem> {
    let by_id = Filter::builder().name("subnet-id").set_values(Some(ids.to_vec())).build();
    let pages = clients.ec2.describe_subnets().filters(by_id).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.response("ec2:DescribeSubnets")
}

/// Whether all subnets are there, and in the VPC.
fn brought_along(vpc: &str, subnets: &[String], found: &[Subnet], region: &str) -> Result<(), String> {
    for id in subnets {
        let Some(subnet) = found.iter().find(|it| it.subnet_id() == Some(id)) else {
            return Err(format!("SubnetIds has \"{id}\": there is no such subnet in {region}"));
        };
        let of = subnet.vpc_id().unwrap_or_default();
        if of != vpc {
            return Err(format!("SubnetIds has \"{id}\": it is in {of}, not in VpcId, which is \"{vpc}\""));
        }
    }
    Ok(())
}

/// The zones that this account can use: no local zones, nor those that it would have to opt in to.
async fn zones(clients: &Clients) -> Result<BTreeSet<String>, Problem> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = clients.ec2.describe_availability_zones();
    let request = request.filters(filter("state", "available")).filters(filter("zone-type", "availability-zone"));
    let response = request.send().await.response("ec2:DescribeAvailabilityZones")?;
    let usable = |zone: &&AvailabilityZone| zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn);
    let zones = response.availability_zones().iter().filter(usable);
    Ok(zones.filter_map(AvailabilityZone::zone_name).map(str::to_owned).collect())
}

/// The zones whose hardware has the instance type.
async fn offered_in(clients: &Clients, instance_type: &str) -> Result<BTreeSet<String>, Problem> {
    let by_type = Filter::builder().name("instance-type").values(instance_type).build();
    let request = clients.ec2.describe_instance_type_offerings().filters(by_type);
    let pages = request.location_type(LocationType::AvailabilityZone).into_paginator().items().send();
    let offerings = pages.collect::<Result<Vec<_>, _>>().await.response("ec2:DescribeInstanceTypeOfferings")?;
    Ok(offerings.iter().filter_map(InstanceTypeOffering::location).map(str::to_owned).collect())
}

/// The image's id; nothing if the parameter that should hold it isn't there; a sentence if it holds something else.
async fn image(clients: &Clients, spec: &Spec) -> Result<Result<Option<String>, String>, Problem> {
    if let Some(id) = &spec.image_id {
        return Ok(Ok(Some(id.clone())));
    }
    let request = clients.ssm.get_parameter().name(spec.image_source());
    let response = request.send().await.response("ssm:GetParameter").unless_missing()?;
    let value = response.and_then(|response| response.parameter).and_then(|parameter| parameter.value);
    Ok(held(spec.image_source(), value))
}

/// The image's id that a parameter holds. Whatever else it holds may be a secret of somebody's: it is not repeated.
fn held(parameter: &str, value: Option<String>) -> Result<Option<String>, String> {
    match value {
        Some(value) if !is_image_id(&value) => Err(format!(
            "ImageParameter is \"{parameter}\": that parameter does not hold an image's id, which is ami- and 8 to 17 hexadecimal digits"
        )),
        value => Ok(value),
    }
}

fn is_image_id(text: &str) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix("ami-").is_some_and(|rest| (8..=17).contains(&rest.len()) && rest.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_that_was_brought_along_is_there_and_in_its_vpc() {
        let subnet = |id: &str, vpc: &str| Subnet::builder().subnet_id(id).vpc_id(vpc).build();
        let found = [subnet("subnet-1", "vpc-1"), subnet("subnet-2", "vpc-2")];
        let of = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            brought_along("vpc-1", &ids, &found, "eu-west-1")
        };
        assert_eq!(of(&["subnet-1"]), Ok(()));
        let elsewhere = "SubnetIds has \"subnet-2\": it is in vpc-2, not in VpcId, which is \"vpc-1\"";
        assert_eq!(of(&["subnet-1", "subnet-2"]), Err(elsewhere.into()));
        let missing = "SubnetIds has \"subnet-3\": there is no such subnet in eu-west-1";
        assert_eq!(of(&["subnet-3"]), Err(missing.into()));
    }

    #[test]
    fn what_a_parameter_holds_is_told_only_if_it_is_an_images_id() {
        for id in ["ami-12345678", "ami-0123456789abcdef0"] {
            assert_eq!(held("/image", Some(id.into())), Ok(Some(id.into())));
        }
        assert_eq!(held("/image", None), Ok(None));
        for other in
            ["hunter2", "ami-hunter22", "ami-1234567", "ami-0123456789abcdef01", "ami-ABCDEF01", " ami-12345678", ""]
        {
            let told = held("/db/password", Some(other.into())).unwrap_err();
            assert!(told.starts_with("ImageParameter is \"/db/password\""), "{told}");
            assert!(other.is_empty() || !told.contains(other), "{told}");
        }
    }
}
