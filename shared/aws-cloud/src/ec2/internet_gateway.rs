//! The internet gateway. `CreateInternetGateway` has no client token, so the request is sent once.

use aws_sdk_ec2::operation::describe_internet_gateways::DescribeInternetGatewaysOutput as Described;
use aws_sdk_ec2::types::{AttachmentStatus, InternetGateway as Found, InternetGatewayAttachment, ResourceType};
use environment::{
    Call, CallKind, Fields, InternetGateway, InternetGatewaySetting, Kind, ObservedResource, Ref, Resource, Setting,
    State,
};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::{Clients, one_attempt};
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;

const DESCRIBE: &str = "ec2:DescribeInternetGateways";

/// Lists the owner's gateways: one, unless a create succeeded twice.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_internet_gateways().filters(owned_by(owner)).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

/// The gateway in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.internet_gateway_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = tags::read(found.tags());
    let vpc = attached_to(found).next();
    let gateway = InternetGateway { attached_to: vpc.map(|vpc| observation.reference(vpc)) };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::InternetGateway, &tags, id),
            tags,
            fields: Fields::InternetGateway(gateway),
        },
        state: State::Ready,
        references: vpc.iter().map(|vpc| (*vpc).to_owned()).collect(),
        version: None,
    })
}

/// The VPCs that the gateway is attached to: at most one.
pub(crate) fn attached_to(found: &Found) -> impl Iterator<Item = &str> {
    let is_detaching = |it: &&InternetGatewayAttachment| {
        matches!(it.state(), Some(AttachmentStatus::Detaching | AttachmentStatus::Detached))
    };
    found.attachments().iter().filter(move |it| !is_detaching(it)).filter_map(InternetGatewayAttachment::vpc_id)
}

/// Executes one call on a gateway.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::InternetGateway(InternetGatewaySetting::Attachment(vpc))] => attach(aws, call, vpc).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::InternetGateway(InternetGatewaySetting::Attachment(vpc))] => detach(aws, call, vpc).await,
            settings => tags::clear(aws, call, settings).await,
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let tags = tags::at_creation(ResourceType::InternetGateway, &resource.tags);
    let request = aws.clients.ec2.create_internet_gateway().tag_specifications(tags);
    let response = request.customize().config_override(one_attempt()).send().await.classified(call.operation())?;
    let id = response.internet_gateway().and_then(Found::internet_gateway_id);
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn attach(aws: &AwsCloud, call: &Call, vpc: &Ref) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let vpc = aws.ids.of_ref(call.operation(), vpc)?;
    let request = aws.clients.ec2.attach_internet_gateway().internet_gateway_id(&id).vpc_id(&vpc);
    match request.send().await.classified(call.operation()) {
        // The code does not name the VPC. The usual reason is an attempt whose response was lost.
        Err(problem) if problem.class == ErrorClass::AlreadyConnected => {
            let attached = attachments(aws, &id).await?;
            if attached.contains(&vpc) { Ok(()) } else { Err(problem) }
        }
        other => other.map(|_| ()),
    }
}

/// Detaches the gateway from the VPC with this name. A name can stand for two VPCs, so this reads which one is
/// attached.
async fn detach(aws: &AwsCloud, call: &Call, vpc: &Ref) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let candidates = aws.ids.all_ids(vpc);
    for vpc in attachments(aws, &id).await?.into_iter().filter(|vpc| candidates.contains(vpc)) {
        let request = aws.clients.ec2.detach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc);
        request.send().await.classified(call.operation()).none_if_not_found()?;
    }
    Ok(())
}

/// The VPCs that the gateway is attached to now; none if the gateway is deleted.
pub(super) async fn attachments(aws: &AwsCloud, id: &str) -> Result<Vec<String>, Problem> {
    let request = aws.clients.ec2.describe_internet_gateways().internet_gateway_ids(id);
    let response = request.send().await.classified(DESCRIBE).none_if_not_found()?;
    let found = response.as_ref().map(Described::internet_gateways).unwrap_or_default();
    Ok(found.iter().flat_map(attached_to).map(str::to_owned).collect())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let request = aws.clients.ec2.delete_internet_gateway().internet_gateway_id(&id);
    request.send().await.classified(call.operation()).none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}
