//! Facts that the account and the region determine and no property states: zones, partition, image, and what decides
//! whether a request can succeed.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use aws_sdk_ec2::types::{
    AvailabilityZone, AvailabilityZoneOptInStatus, DeviceType, Filter, Image, ImageState, InstanceTypeInfo,
    InstanceTypeOffering, LocationType, ServiceDetail, ServiceType, Subnet, VCpuInfo, VirtualizationType,
};
use environment::{
    CallError, EndpointServiceFacts, Facts, FactsQuery, ImageFacts, ImageOwner, InstanceTypeFacts, KmsKeyFacts,
    Partition, SubnetFacts, endpoint_services, mark,
};

use crate::clients::Clients;
use crate::cloudwatch::rollout_alarm::rollout_alarms;
use crate::ec2;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};

/// Reads the facts that `query` needs about the clients' account, all at once.
///
/// # Errors
/// `Rejected`, naming the property, if a parameter does not hold an image id, or if the region's partition is unknown;
/// else every error of a call. What is merely missing is not an error: [`environment::check_facts`] names it, and the
/// plan, if it needs it.
pub async fn facts(clients: &Clients, query: &FactsQuery<'_>) -> Result<Facts, CallError> {
    let FactsQuery { spec, region, checked, .. } = *query;
    let rejected = |invalid: InvalidFact| CallError::Rejected { message: invalid.to_string() };
    let partition =
        Partition::of(region).ok_or_else(|| rejected(InvalidFact::UnknownPartition { region: region.to_owned() }))?;
    let is_managed = spec.network.vpc_id.is_none();
    let services = endpoint_services(spec, region, partition.id);
    // A request of the SDK is a future of kilobytes.
    let read = tokio::try_join!(
        Box::pin(read_if(is_managed, available_zones(clients))),
        Box::pin(read_if(is_managed || checked.instance_type, offered_in(clients, &spec.instance_type))),
        Box::pin(read_if(checked.instance_type, instance_type(clients, &spec.instance_type))),
        Box::pin(image(clients, query)),
        Box::pin(subnets(clients, query)),
        Box::pin(endpoint_service_facts(clients, services)),
        Box::pin(read_if(checked.rollout_alarms, rollout_alarms(&clients.cloudwatch, &spec.rollout.alarms))),
        Box::pin(kms_key(clients, spec.kms_key_arn.as_deref().filter(|_| checked.kms_key))),
    );
    let (available, offered, instance_type, image, subnets, endpoint_services, rollout_alarms, kms_key) =
        read.map_err(|problem| problem.call_error(&format_args!("the facts about {region}")))?;
    let (image, image_details) = image.map_err(rejected)?;
    let offered = offered.unwrap_or_default();
    Ok(Facts {
        zones: available.unwrap_or_default().intersection(&offered).cloned().collect(),
        partition: partition.id.to_owned(),
        image,
        hooks_are_handled: query.hooks_are_handled,
        subnets,
        endpoint_services,
        instance_type: instance_type.map(|it| it.facts(offered)),
        image_details,
        rollout_alarms: rollout_alarms.unwrap_or_default(),
        kms_key,
    })
}

/// Reads a fact only if it is needed.
async fn read_if<T>(needed: bool, read: impl Future<Output = Result<T, Problem>>) -> Result<Option<T>, Problem> {
    if needed { read.await.map(Some) } else { Ok(None) }
}

/// A fact of the account that contradicts the properties. The text names the property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidFact {
    #[error(
        "AWS_REGION is \"{region}\", which is not in a partition that Envkeeper knows: aws, aws-cn, aws-us-gov, aws-eusc"
    )]
    UnknownPartition { region: String },
    /// The value may be a secret and is not repeated.
    #[error(
        "ImageParameter is \"{parameter}\": that parameter does not hold an image id, which is ami- and 8 to 17 hexadecimal digits"
    )]
    NoImageId { parameter: String },
}

pub(crate) fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// The subnets of the managed VPC, or those of the existing network that exist. (The request filters: a request by ids
/// fails if one of them does not exist.)
async fn subnets(clients: &Clients, query: &FactsQuery<'_>) -> Result<Vec<SubnetFacts>, Problem> {
    let network = &query.spec.network;
    let filter = match (network.vpc_id.is_some(), query.vpc) {
        (true, _) if query.checked.existing_subnets => filter("subnet-id", &network.subnet_ids),
        (false, Some(vpc)) => filter("vpc-id", [vpc]),
        _ => return Ok(vec![]),
    };
    let pages = clients.ec2.describe_subnets().filters(filter).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classified(DESCRIBE_SUBNETS)?;
    found.iter().map(|it| subnet_facts(it, query.owner)).collect()
}

const DESCRIBE_SUBNETS: &str = "ec2:DescribeSubnets";

fn subnet_facts(found: &Subnet, owner: &str) -> Result<SubnetFacts, Problem> {
    let is_mark = |tag: &aws_sdk_ec2::types::Tag| tag.key() == Some(mark::OWNER) && tag.value() == Some(owner);
    Ok(SubnetFacts {
        id: found.subnet_id().unwrap_or_default().to_owned(),
        vpc: found.vpc_id().unwrap_or_default().to_owned(),
        cidr: ec2::network(found.cidr_block(), DESCRIBE_SUBNETS)?,
        zone: found.availability_zone().unwrap_or_default().to_owned(),
        free_addresses: found.available_ip_address_count().and_then(|it| u32::try_from(it).ok()),
        is_marked: found.tags().iter().any(is_mark),
    })
}

/// The zones that this account can use: neither local zones nor zones that need an opt-in.
async fn available_zones(clients: &Clients) -> Result<BTreeSet<String>, Problem> {
    let request = clients.ec2.describe_availability_zones();
    let request = request.filters(filter("state", ["available"])).filters(filter("zone-type", ["availability-zone"]));
    let response = request.send().await.classified("ec2:DescribeAvailabilityZones")?;
    let usable = |zone: &&AvailabilityZone| zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn);
    let zones = response.availability_zones().iter().filter(usable);
    Ok(zones.filter_map(AvailabilityZone::zone_name).map(str::to_owned).collect())
}

/// The zones that offer the instance type.
async fn offered_in(clients: &Clients, instance_type: &str) -> Result<BTreeSet<String>, Problem> {
    let by_type = filter("instance-type", [instance_type]);
    let offerings = offerings(clients, LocationType::AvailabilityZone, Some(by_type)).await?;
    Ok(offerings.iter().filter_map(InstanceTypeOffering::location).map(str::to_owned).collect())
}

async fn offerings(
    clients: &Clients,
    location: LocationType,
    filter: Option<Filter>,
) -> Result<Vec<InstanceTypeOffering>, Problem> {
    let request = clients.ec2.describe_instance_type_offerings().location_type(location);
    let pages = request.set_filters(filter.map(|it| vec![it])).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified("ec2:DescribeInstanceTypeOfferings")
}

/// An instance type as `DescribeInstanceTypes` describes it, or the types of the region if it has none of this name.
enum DescribedType {
    Known(Box<InstanceTypeInfo>),
    Unknown { known: Vec<String> },
}

impl DescribedType {
    fn facts(self, zones: BTreeSet<String>) -> InstanceTypeFacts {
        match self {
            DescribedType::Unknown { known } => InstanceTypeFacts::Unknown { known },
            DescribedType::Known(info) => InstanceTypeFacts::Known {
                architectures: names(
                    info.processor_info()
                        .map(aws_sdk_ec2::types::ProcessorInfo::supported_architectures)
                        .unwrap_or_default(),
                ),
                virtualization: names(info.supported_virtualization_types()),
                vcpus: info.v_cpu_info().and_then(VCpuInfo::default_v_cpus).and_then(|it| u32::try_from(it).ok()),
                zones,
            },
        }
    }
}

fn names<T: AsRef<str>>(all: &[T]) -> Vec<String> {
    all.iter().map(|it| it.as_ref().to_owned()).collect()
}

/// Describes the type. (The request filters: a request by name fails for an unknown type.)
async fn instance_type(clients: &Clients, name: &str) -> Result<DescribedType, Problem> {
    let request = clients.ec2.describe_instance_types().filters(filter("instance-type", [name]));
    let response = request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let found = response.classified("ec2:DescribeInstanceTypes")?.into_iter().next();
    if let Some(info) = found {
        return Ok(DescribedType::Known(Box::new(info)));
    }
    let all = offerings(clients, LocationType::Region, None).await?;
    let known = all.iter().filter_map(|it| it.instance_type()).map(|it| it.as_str().to_owned()).collect();
    Ok(DescribedType::Unknown { known })
}

/// The services of `names` that the region has. One name may be that of a gateway and of an interface service.
async fn endpoint_service_facts(
    clients: &Clients,
    names: Vec<String>,
) -> Result<BTreeMap<String, EndpointServiceFacts>, Problem> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let request = clients.ec2.describe_vpc_endpoint_services().filters(filter("service-name", names));
    let response = request.send().await.classified("ec2:DescribeVpcEndpointServices")?;
    let mut services: BTreeMap<String, EndpointServiceFacts> = BTreeMap::new();
    for detail in response.service_details() {
        let service = services.entry(detail.service_name().unwrap_or_default().to_owned()).or_default();
        let has = |wanted: &ServiceType| detail.service_type().iter().any(|it| it.service_type() == Some(wanted));
        service.has_gateway |= has(&ServiceType::Gateway);
        if has(&ServiceType::Interface) {
            service.has_interface = true;
            service.zones.extend(ServiceDetail::availability_zones(detail).iter().cloned());
        }
    }
    Ok(services)
}

type ImageAndDetails = (Option<String>, Option<ImageFacts>);

/// The image's id and its details; no id if the parameter that should hold it does not exist; an error if the parameter
/// holds something else.
async fn image(clients: &Clients, query: &FactsQuery<'_>) -> Result<Result<ImageAndDetails, InvalidFact>, Problem> {
    let id = match query.image.or(query.spec.image_id.as_deref()) {
        Some(id) => Ok(Some(id.to_owned())),
        None => parameter(clients, query.spec.image_source()).await?,
    };
    Ok(match id {
        Ok(Some(id)) if query.checked.image => {
            let details = describe_image(clients, &id).await?;
            Ok((Some(id), details))
        }
        Ok(id) => Ok((id, None)),
        Err(invalid) => Err(invalid),
    })
}

async fn parameter(clients: &Clients, name: &str) -> Result<Result<Option<String>, InvalidFact>, Problem> {
    let response = clients.ssm.get_parameter().name(name).send().await;
    let response = response.classified("ssm:GetParameter").none_if_not_found()?;
    let value = response.and_then(|response| response.parameter).and_then(|parameter| parameter.value);
    Ok(image_id_in(name, value))
}

/// The image; `None` if it does not exist, or is not shared with this account. A deprecated image still launches.
async fn describe_image(clients: &Clients, id: &str) -> Result<Option<ImageFacts>, Problem> {
    let request = clients.ec2.describe_images().image_ids(id).include_deprecated(true);
    match request.send().await.classified("ec2:DescribeImages") {
        Ok(response) => Ok(response.images().first().map(image_facts)),
        // An image that is not shared, was deregistered, or never existed.
        Err(problem) if problem.code.starts_with("InvalidAMIID") => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn image_facts(found: &Image) -> ImageFacts {
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    let root = found.block_device_mappings().iter().find(|it| it.device_name() == found.root_device_name());
    let size = root.and_then(|it| it.ebs()).and_then(aws_sdk_ec2::types::EbsBlockDevice::volume_size);
    ImageFacts {
        owner: ImageOwner { account: text(found.owner_id()), alias: found.image_owner_alias().map(str::to_owned) },
        state: text(found.state().map(ImageState::as_str)),
        architecture: text(found.architecture().map(aws_sdk_ec2::types::ArchitectureValues::as_str)),
        virtualization: text(found.virtualization_type().map(VirtualizationType::as_str)),
        root_device_type: text(found.root_device_type().map(DeviceType::as_str)),
        root_device_name: text(found.root_device_name()),
        root_snapshot_gib: size.and_then(|gib| u32::try_from(gib).ok()),
    }
}

/// A key; `None` if KMS does not describe it: a key's policy may permit the services that use it, and not Envkeeper.
async fn kms_key(clients: &Clients, arn: Option<&str>) -> Result<Option<KmsKeyFacts>, Problem> {
    let Some(arn) = arn else { return Ok(None) };
    let response = match clients.kms.describe_key().key_id(arn).send().await.classified("kms:DescribeKey") {
        Err(Problem { class: ErrorClass::Denied | ErrorClass::Rejected, .. }) => return Ok(None),
        response => response.none_if_not_found()?,
    };
    let Some(response) = response else { return Ok(Some(KmsKeyFacts::Missing)) };
    Ok(response.key_metadata().and_then(|it| {
        let (state, spec) = (it.key_state()?.as_str().to_owned(), it.key_spec()?.as_str().to_owned());
        Some(KmsKeyFacts::Known { state, spec })
    }))
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
