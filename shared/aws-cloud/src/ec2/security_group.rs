//! Security groups. `CreateSecurityGroup` has no client token, but a group's name is unique within the VPC.

use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Found};
use environment::{Call, Fields, Live, Resource, SecurityGroup, State, What};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Answer, Problem, UnlessMissing};
use crate::ids::Look;

const DESCRIBE: &str = "ec2:DescribeSecurityGroups";

/// The owner's security groups.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_security_groups().filters(owned_by(owner)).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.answer(DESCRIBE)
}

/// The security group as the engine sees it, under the name that it was created with and that cannot change.
pub(crate) fn live(found: &Found, look: &Look<'_>) -> Result<Live, Problem> {
    let id = found.group_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let vpc = found.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "VPC"))?;
    let tags = tags::read(found.tags());
    let description = found.description().unwrap_or_default().to_owned();
    let group = SecurityGroup { vpc: look.reference(vpc), description };
    Ok(Live {
        id: Some(id.to_owned()),
        whose: Live::whose(&tags, look.owner),
        resource: Resource {
            name: found.group_name().unwrap_or(id).to_owned(),
            tags,
            fields: Fields::SecurityGroup(group),
        },
        state: State::Ready,
        holds: vec![vpc.to_owned()],
        version: None,
    })
}

/// Carries out one call on a security group.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.what {
        What::Create(resource) => create(aws, call, resource).await,
        What::Set(settings) => tags::set(aws, call, settings).await,
        What::Clear(settings) => tags::clear(aws, call, settings).await,
        What::Delete => delete(aws, call).await,
        What::Drain => Err(Problem::no_such_call(call)),
    }
}

/// AWS makes it as it is wanted: nothing comes in, everything may go out.
async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::SecurityGroup(group) = &resource.fields else { return Err(Problem::no_such_call(call)) };
    let vpc = aws.ids.of_ref(call.operation(), &group.vpc)?;
    let request = aws.clients.ec2.create_security_group().vpc_id(vpc).group_name(&call.key.name);
    let request = request.description(&group.description);
    let request = request.tag_specifications(tags::at_creation(ResourceType::SecurityGroup, &resource.tags));
    let answer = request.send().await.answer(call.operation())?;
    aws.ids.made(&call.key, answer.group_id().ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    aws.clients.ec2.delete_security_group().group_id(&id).send().await.answer(call.operation()).unless_missing()?;
    aws.ids.gone(&id);
    Ok(())
}
