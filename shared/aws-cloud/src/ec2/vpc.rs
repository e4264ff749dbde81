//! The VPC. `CreateVpc` has no client token and is sent once.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Vpc as Found, VpcAttributeName, VpcState};
use environment::{Call, CallKind, Fields, ObservedResource, Resource, Setting, State, Vpc, mark};
use futures_util::future::try_join_all;

use super::{interfaces, network, owned_by, tags};
use crate::AwsCloud;
use crate::clients::{Clients, one_attempt};
use crate::errors::{Problem, ClassifyErrors, NoneIfNotFound};
use crate::ids::Observation;

const DESCRIBE: &str = "ec2:DescribeVpcs";

/// A VPC with the two attributes that only calls of their own tell.
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

/// The owner's VPCs: one, unless a create happened twice.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<VpcAttributes>, Problem> {
    all_with_attributes(clients, list(clients, owned_by(owner)).await?).await
}

/// VPCs that something of the owner's stands in, and that the list by owner did not show. Lists lag one by one, so this
/// one can be behind the others, and what stands in a VPC of ours must not be taken for something that stands elsewhere.
///
/// A network that was brought along is looked up too, each time: nothing else tells it from one of ours that is not
/// listed yet. It has no mark, and is left out.
pub(crate) async fn read_unlisted(clients: &Clients, ids: BTreeSet<String>) -> Result<Vec<VpcAttributes>, Problem> {
    let by_id = Filter::builder().name("vpc-id").set_values(Some(ids.iter().cloned().collect())).build();
    let mut vpcs = list(clients, by_id).await?;
    if let Some(id) = ids.iter().find(|id| !vpcs.iter().any(|it| it.vpc_id() == Some(id))) {
        return Err(Problem::blocked(DESCRIBE, format!("{id} is not listed, though something stands in it")));
    }
    vpcs.retain(|vpc| tags::read(vpc.tags()).contains_key(mark::NAME));
    all_with_attributes(clients, vpcs).await
}

async fn list(clients: &Clients, filter: Filter) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_vpcs().filters(filter).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

async fn all_with_attributes(clients: &Clients, vpcs: Vec<Found>) -> Result<Vec<VpcAttributes>, Problem> {
    let found = try_join_all(vpcs.into_iter().map(|vpc| with_attributes(clients, vpc))).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Nothing if the VPC is gone in the meantime.
async fn with_attributes(clients: &Clients, vpc: Found) -> Result<Option<VpcAttributes>, Problem> {
    let id = vpc.vpc_id().unwrap_or_default();
    let attributes = tokio::try_join!(
        attribute(clients, id, VpcAttributeName::EnableDnsSupport),
        attribute(clients, id, VpcAttributeName::EnableDnsHostnames)
    );
    let found = attributes.map(|(dns_support, dns_hostnames)| VpcAttributes { vpc, dns_support, dns_hostnames });
    found.none_if_not_found()
}

async fn attribute(clients: &Clients, vpc: &str, name: VpcAttributeName) -> Result<bool, Problem> {
    let request = clients.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(name);
    let response = request.send().await.classified("ec2:DescribeVpcAttribute")?;
    // The one that was asked for is there, and no other.
    let value = response.enable_dns_support().or(response.enable_dns_hostnames());
    value.and_then(AttributeBooleanValue::value).ok_or_else(|| Problem::unreadable("ec2:DescribeVpcAttribute", "value"))
}

/// The VPC as the engine sees it.
pub(crate) fn observed(found: &VpcAttributes, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.vpc.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = tags::read(found.vpc.tags());
    let state = match found.vpc.state() {
        Some(VpcState::Pending) => State::Settling(String::from("the VPC is being made")),
        _ => State::Ready,
    };
    let vpc = Vpc {
        cidr: network(found.vpc.cidr_block(), DESCRIBE)?,
        dns_support: found.dns_support,
        dns_hostnames: found.dns_hostnames,
    };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource { name: tags::name(&tags, id), tags, fields: Fields::Vpc(vpc) },
        state,
        references: vec![],
        version: None,
    })
}

/// Carries out one call on a VPC.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [setting @ (Setting::DnsSupport(_) | Setting::DnsHostnames(_))] => set_dns(aws, call, setting).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => tags::clear(aws, call, settings).await,
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty => Err(Problem::unsupported_call(call)),
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

/// One attribute a call: `ModifyVpcAttribute` takes no two at once (the EC2 API reference).
async fn set_dns(aws: &AwsCloud, call: &Call, setting: &Setting) -> Result<(), Problem> {
    let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
    let request = aws.clients.ec2.modify_vpc_attribute().vpc_id(aws.ids.of_call(call)?);
    let request = match setting {
        Setting::DnsSupport(on) => request.enable_dns_support(value(*on)),
        Setting::DnsHostnames(on) => request.enable_dns_hostnames(value(*on)),
        _ => return Err(Problem::unsupported_call(call)),
    };
    request.send().await.classified(call.operation())?;
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response = aws.clients.ec2.delete_vpc().vpc_id(&id).send().await.classified(call.operation());
    if let Err(problem) = response.none_if_not_found() {
        return Err(interfaces::with_blocking_interfaces(aws, problem, "vpc-id", &id).await);
    }
    aws.ids.record_deleted(&id);
    Ok(())
}
