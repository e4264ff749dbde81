//! Facts that the account and the region determine and no property states: zones, partition, image.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    AvailabilityZone, AvailabilityZoneOptInStatus, Filter, InstanceTypeOffering, LocationType, Subnet,
};
use environment::{CallError, Facts, ImageOwner, Partition, Spec};

use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};

/// Reads the facts about the clients' account in `region` that `spec` needs. The deployment knows whether a function
/// handles the hooks.
///
/// # Errors
/// `Rejected`, naming the property, if a subnet of the existing network does not exist or is not in its VPC, if a
/// parameter does not hold an image id, or if the region's partition is unknown; else every error of a call. Zones or
/// an image that are merely missing are not an error: the plan reports them, if it needs them.
pub async fn facts(clients: &Clients, spec: &Spec, region: &str, hooks_are_handled: bool) -> Result<Facts, CallError> {
    let rejected = |invalid: InvalidFact| CallError::Rejected { message: invalid.to_string() };
    let partition =
        Partition::of(region).ok_or_else(|| rejected(InvalidFact::UnknownPartition { region: region.to_owned() }))?;
    let (zones, image) = tokio::join!(zones_for(clients, spec, region), image(clients, spec));
    let call_error = |problem: Problem| problem.call_error(&format_args!("the facts about {region}"));
    let zones = zones.map_err(call_error)?.map_err(rejected)?;
    let image = image.map_err(call_error)?.map_err(rejected)?;
    Ok(Facts { zones, partition: partition.id.to_owned(), image, hooks_are_handled })
}

/// The owner of the image that `spec` names; `None` if the image, or the parameter that should name it, does not exist
/// or is not shared with this account.
///
/// # Errors
/// `Rejected`, naming the property, if the parameter does not hold an image id; else every error of a call.
pub async fn image_owner(clients: &Clients, spec: &Spec) -> Result<Option<ImageOwner>, CallError> {
    let call_error = |problem: Problem| problem.call_error(&format_args!("the owner of {}", spec.image_source()));
    let image = image(clients, spec).await.map_err(call_error)?;
    let image = image.map_err(|invalid| CallError::Rejected { message: invalid.to_string() })?;
    let Some(id) = image else { return Ok(None) };
    let response = clients.ec2.describe_images().image_ids(id).send().await.classified("ec2:DescribeImages");
    let images = match response {
        Ok(response) => response.images.unwrap_or_default(),
        // An image that is not shared, was deregistered, or never existed.
        Err(problem) if problem.code.starts_with("InvalidAMIID") => vec![],
        Err(problem) => return Err(call_error(problem)),
    };
    let owner = images.into_iter().next();
    Ok(owner.map(|it| ImageOwner { account: it.owner_id.unwrap_or_default(), alias: it.image_owner_alias }))
}

/// A fact of the account that contradicts the properties. The text names the property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidFact {
    #[error(
        "AWS_REGION is \"{region}\", which is not in a partition that Envkeeper knows: aws, aws-cn, aws-us-gov, aws-eusc"
    )]
    UnknownPartition { region: String },
    #[error("SubnetIds has \"{id}\": there is no such subnet in {region}")]
    NoSubnet { id: String, region: String },
    #[error("SubnetIds has \"{id}\": it is in {actual}, not in VpcId, which is \"{vpc}\"")]
    OtherVpc { id: String, actual: String, vpc: String },
    /// The value may be a secret and is not repeated.
    #[error(
        "ImageParameter is \"{parameter}\": that parameter does not hold an image id, which is ami- and 8 to 17 hexadecimal digits"
    )]
    NoImageId { parameter: String },
}

/// The zones to build in, or the fact that rejects the network. An existing network leaves no zones to choose, and
/// its subnets have to match the properties.
async fn zones_for(clients: &Clients, spec: &Spec, region: &str) -> Result<Result<Vec<String>, InvalidFact>, Problem> {
    if let Some(vpc) = &spec.network.vpc_id {
        let found = subnets(clients, &spec.network.subnet_ids).await?;
        return Ok(check_existing_network(vpc, &spec.network.subnet_ids, &found, region).map(|()| vec![]));
    }
    let (available, offered) = tokio::try_join!(available_zones(clients), offered_in(clients, &spec.instance_type))?;
    Ok(Ok(available.intersection(&offered).cloned().collect()))
}

/// The subnets that exist. (The request filters: a request by ids fails if one of them does not exist.)
async fn subnets(clients: &Clients, ids: &[String]) -> Result<Vec<Subnet>, Problem> {
    let by_id = Filter::builder().name("subnet-id").set_values(Some(ids.to_vec())).build();
    let pages = clients.ec2.describe_subnets().filters(by_id).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified("ec2:DescribeSubnets")
}

/// Checks that all subnets exist, and are in the VPC.
fn check_existing_network(vpc: &str, subnets: &[String], found: &[Subnet], region: &str) -> Result<(), InvalidFact> {
    for id in subnets {
        let Some(subnet) = found.iter().find(|it| it.subnet_id() == Some(id)) else {
            return Err(InvalidFact::NoSubnet { id: id.clone(), region: region.to_owned() });
        };
        let actual = subnet.vpc_id().unwrap_or_default();
        if actual != vpc {
            return Err(InvalidFact::OtherVpc { id: id.clone(), actual: actual.to_owned(), vpc: vpc.to_owned() });
        }
    }
    Ok(())
}

/// The zones that this account can use: neither local zones nor zones that need an opt-in.
async fn available_zones(clients: &Clients) -> Result<BTreeSet<String>, Problem> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = clients.ec2.describe_availability_zones();
    let request = request.filters(filter("state", "available")).filters(filter("zone-type", "availability-zone"));
    let response = request.send().await.classified("ec2:DescribeAvailabilityZones")?;
    let usable = |zone: &&AvailabilityZone| zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn);
    let zones = response.availability_zones().iter().filter(usable);
    Ok(zones.filter_map(AvailabilityZone::zone_name).map(str::to_owned).collect())
}

/// The zones that offer the instance type.
async fn offered_in(clients: &Clients, instance_type: &str) -> Result<BTreeSet<String>, Problem> {
    let by_type = Filter::builder().name("instance-type").values(instance_type).build();
    let request = clients.ec2.describe_instance_type_offerings().filters(by_type);
    let pages = request.location_type(LocationType::AvailabilityZone).into_paginator().items().send();
    let offerings = pages.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeInstanceTypeOfferings")?;
    Ok(offerings.iter().filter_map(InstanceTypeOffering::location).map(str::to_owned).collect())
}

/// The image's id; `None` if the parameter that should hold it does not exist; an error if the parameter
/// holds something else.
async fn image(clients: &Clients, spec: &Spec) -> Result<Result<Option<String>, InvalidFact>, Problem> {
    if let Some(id) = &spec.image_id {
        return Ok(Ok(Some(id.clone())));
    }
    let request = clients.ssm.get_parameter().name(spec.image_source());
    let response = request.send().await.classified("ssm:GetParameter").none_if_not_found()?;
    let value = response.and_then(|response| response.parameter).and_then(|parameter| parameter.value);
    Ok(image_id_in(spec.image_source(), value))
}

/// The image's id that a parameter holds.
fn image_id_in(parameter: &str, value: Option<String>) -> Result<Option<String>, InvalidFact> {
    match value {
        Some(value) if !is_image_id(&value) => Err(InvalidFact::NoImageId { parameter: parameter.to_owned() }),
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
    fn a_subnet_of_an_existing_network_exists_and_is_in_its_vpc() {
        let subnet = |id: &str, vpc: &str| Subnet::builder().subnet_id(id).vpc_id(vpc).build();
        let found = [subnet("subnet-1", "vpc-1"), subnet("subnet-2", "vpc-2")];
        let check = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            check_existing_network("vpc-1", &ids, &found, "eu-west-1").map_err(|invalid| invalid.to_string())
        };
        assert_eq!(check(&["subnet-1"]), Ok(()));
        let elsewhere = "SubnetIds has \"subnet-2\": it is in vpc-2, not in VpcId, which is \"vpc-1\"";
        assert_eq!(check(&["subnet-1", "subnet-2"]), Err(elsewhere.into()));
        let missing = "SubnetIds has \"subnet-3\": there is no such subnet in eu-west-1";
        assert_eq!(check(&["subnet-3"]), Err(missing.into()));
    }

    #[test]
    fn the_value_of_a_parameter_is_repeated_only_if_it_is_an_image_id() {
        for id in ["ami-12345678", "ami-0123456789abcdef0"] {
            assert_eq!(image_id_in("/image", Some(id.into())), Ok(Some(id.into())));
        }
        assert_eq!(image_id_in("/image", None), Ok(None));
        for other in
            ["hunter2", "ami-hunter22", "ami-1234567", "ami-0123456789abcdef01", "ami-ABCDEF01", " ami-12345678", ""]
        {
            let message = image_id_in("/db/password", Some(other.into())).unwrap_err().to_string();
            assert!(message.starts_with("ImageParameter is \"/db/password\""), "{message}");
            assert!(other.is_empty() || !message.contains(other), "{message}");
        }
    }
}
