//! The VPC. `CreateVpc` has no client token, so the request is sent once.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Vpc as Found, VpcAttributeName, VpcState};
use environment::{
    Call, CallKind, Condition, Fields, Kind, OBSTACLE_LIMIT, ObservedResource, Resource, Setting, State, Vpc,
    VpcSetting, mark,
};
use futures_util::future::try_join_all;

use super::{guardduty, interfaces, network, obstacles, owned_by, tags};
use crate::AwsCloud;
use crate::clients::{Clients, one_attempt};
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

const DESCRIBE: &str = "ec2:DescribeVpcs";

/// The observed attributes of a VPC: the VPC with the two attributes that need a call each.
pub(crate) struct VpcAttributes {
    vpc: Found,
    dns_support: bool,
    dns_hostnames: bool,
}

impl VpcAttributes {
    pub(crate) fn id(&self) -> Option<&str> {
        self.vpc.vpc_id()
    }
}

/// Lists the owner's VPCs: one, unless a create succeeded twice.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<VpcAttributes>, Problem> {
    all_with_attributes(clients, list(clients, owned_by(owner)).await?).await
}

/// Reads VPCs that contain a resource of the owner, and that the list by owner did not show. Each list has a lag of its
/// own, so this list can be behind the others, and a resource in an owned VPC must not be classified as a resource
/// elsewhere.
///
/// An existing network is looked up too, each time: only the look-up distinguishes it from an owned VPC that is not
/// listed yet. An existing network has no mark, and is left out.
pub(crate) async fn read_unlisted(clients: &Clients, ids: BTreeSet<String>) -> Result<Vec<VpcAttributes>, Problem> {
    let by_id = Filter::builder().name("vpc-id").set_values(Some(ids.iter().cloned().collect())).build();
    let mut vpcs = list(clients, by_id).await?;
    if let Some(id) = ids.iter().find(|id| !vpcs.iter().any(|it| it.vpc_id() == Some(id))) {
        return Err(Problem::blocked(DESCRIBE, format!("{id} is not listed, though it contains a listed resource")));
    }
    vpcs.retain(|vpc| tags::read(vpc.tags()).contains_key(mark::NAME));
    all_with_attributes(clients, vpcs).await
}

async fn list(clients: &Clients, filter: Filter) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_vpcs().filters(filter).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

async fn all_with_attributes(clients: &Clients, vpcs: Vec<Found>) -> Result<Vec<VpcAttributes>, Problem> {
    let attributes = try_join_all(vpcs.into_iter().map(|vpc| with_attributes(clients, vpc))).await?;
    Ok(attributes.into_iter().flatten().collect())
}

/// `None` if the VPC was deleted in the meantime.
async fn with_attributes(clients: &Clients, vpc: Found) -> Result<Option<VpcAttributes>, Problem> {
    let id = vpc.vpc_id().unwrap_or_default();
    let attributes = tokio::try_join!(
        attribute(clients, id, VpcAttributeName::EnableDnsSupport),
        attribute(clients, id, VpcAttributeName::EnableDnsHostnames)
    );
    let attributes = attributes.map(|(dns_support, dns_hostnames)| VpcAttributes { vpc, dns_support, dns_hostnames });
    attributes.none_if_not_found()
}

async fn attribute(clients: &Clients, vpc: &str, name: VpcAttributeName) -> Result<bool, Problem> {
    let request = clients.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(name);
    let response = request.send().await.classified("ec2:DescribeVpcAttribute")?;
    // The response contains only the requested attribute.
    let value = response.enable_dns_support().or(response.enable_dns_hostnames());
    value.and_then(AttributeBooleanValue::value).ok_or_else(|| Problem::unreadable("ec2:DescribeVpcAttribute", "value"))
}

/// The VPC in the form of the engine.
pub(crate) fn observed(attributes: &VpcAttributes, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = attributes.vpc.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = tags::read(attributes.vpc.tags());
    let state = match attributes.vpc.state() {
        Some(VpcState::Pending) => State::Settling(Condition::from("the VPC is being created").within(OBSTACLE_LIMIT)),
        _ => State::Ready,
    };
    let vpc = Vpc {
        cidr: network(attributes.vpc.cidr_block(), DESCRIBE)?,
        dns_support: attributes.dns_support,
        dns_hostnames: attributes.dns_hostnames,
    };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource { name: tags::name(observation, Kind::Vpc, &tags, id), tags, fields: Fields::Vpc(vpc) },
        state,
        references: vec![],
        version: None,
    })
}

/// Executes one call on a VPC.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Vpc(setting)] => set_dns(aws, call, setting).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => tags::clear(aws, call, settings).await,
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::Vpc(vpc) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let request = aws.clients.ec2.create_vpc().cidr_block(vpc.cidr.to_string());
    let request = request.tag_specifications(tags::at_creation(ResourceType::Vpc, &resource.tags));
    let response = request.customize().config_override(one_attempt()).send().await.classified(call.operation())?;
    let id = response.vpc().and_then(Found::vpc_id).ok_or_else(|| Problem::unreadable(call.operation(), "id"))?;
    aws.ids.record_created(&call.key, id);
    Ok(())
}

/// Sets one attribute per call: `ModifyVpcAttribute` does not accept two at once (the EC2 API reference).
async fn set_dns(aws: &AwsCloud, call: &Call, setting: &VpcSetting) -> Result<(), Problem> {
    let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
    let request = aws.clients.ec2.modify_vpc_attribute().vpc_id(aws.ids.of_call(call)?);
    let request = match setting {
        VpcSetting::DnsSupport(on) => request.enable_dns_support(value(*on)),
        VpcSetting::DnsHostnames(on) => request.enable_dns_hostnames(value(*on)),
    };
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response = aws.clients.ec2.delete_vpc().vpc_id(&id).send().await.classified(call.operation());
    if let Err(problem) = response.none_if_not_found() {
        if guardduty::may_block(&problem) {
            guardduty::remove(aws, &id).await?;
        }
        let problem = interfaces::with_blocking_interfaces(aws, problem, "vpc-id", &id).await;
        return Err(obstacles::with_obstacles(aws, problem, &id).await);
    }
    aws.ids.record_deleted(&id);
    Ok(())
}
