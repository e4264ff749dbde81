//! Subnets. `CreateSubnet` has no client token, but a subnet's addresses are unique within the VPC.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Subnet as Found, SubnetState};
use environment::{
    Call, CallKind, Condition, Fields, Kind, OBSTACLE_LIMIT, ObservedResource, Resource, Setting, State, Subnet,
    SubnetSetting,
};

use super::{guardduty, interfaces, network, owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

const DESCRIBE: &str = "ec2:DescribeSubnets";

/// Lists the owner's subnets.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_subnets().filters(owned_by(owner)).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

/// The subnet in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.subnet_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let vpc = found.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "VPC"))?;
    let tags = tags::read(found.tags());
    let state = match found.state() {
        Some(SubnetState::Pending) => {
            State::Settling(Condition::from("the subnet is being created").within(OBSTACLE_LIMIT))
        }
        _ => State::Ready,
    };
    let subnet = Subnet {
        vpc: observation.reference(vpc),
        cidr: network(found.cidr_block(), DESCRIBE)?,
        zone: found.availability_zone().unwrap_or_default().to_owned(),
        public_ip_on_launch: found.map_public_ip_on_launch().unwrap_or_default(),
    };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::Subnet, &tags, id),
            tags,
            fields: Fields::Subnet(subnet),
        },
        state,
        references: vec![vpc.to_owned()],
        version: None,
    })
}

/// Executes one call on a subnet.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Subnet(SubnetSetting::PublicIpOnLaunch(on))] => set_public_ip(aws, call, *on).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => tags::clear(aws, call, settings).await,
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Subnet(subnet) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let vpc = aws.ids.of_ref(call.operation(), &subnet.vpc)?;
    let request = aws.clients.ec2.create_subnet().vpc_id(vpc).cidr_block(subnet.cidr.to_string());
    let request = request.availability_zone(&subnet.zone);
    let request = request.tag_specifications(tags::at_creation(ResourceType::Subnet, &resource.tags));
    let response = request.send().await.classified(call.operation())?;
    let id = response.subnet().and_then(Found::subnet_id);
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn set_public_ip(aws: &AwsCloud, call: &Call, on: bool) -> Result<(), Problem> {
    let value = AttributeBooleanValue::builder().value(on).build();
    let request = aws.clients.ec2.modify_subnet_attribute().subnet_id(aws.ids.of_call(call)?);
    request.map_public_ip_on_launch(value).send().await.classified(call.operation())?;
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response = aws.clients.ec2.delete_subnet().subnet_id(&id).send().await.classified(call.operation());
    if let Err(problem) = response.none_if_not_found() {
        if guardduty::may_block(&problem)
            && let Some(vpc) = vpc_of(aws, &id).await
        {
            guardduty::remove(aws, &vpc).await?;
        }
        return Err(interfaces::with_blocking_interfaces(aws, problem, "subnet-id", &id).await);
    }
    aws.ids.record_deleted(&id);
    Ok(())
}

/// The VPC of a subnet whose delete is blocked. A failed read only postpones the removal of obstacles.
async fn vpc_of(aws: &AwsCloud, subnet: &str) -> Option<String> {
    let response = aws.clients.ec2.describe_subnets().subnet_ids(subnet).send().await.classified(DESCRIBE).ok()?;
    response.subnets().first()?.vpc_id().map(str::to_owned)
}
