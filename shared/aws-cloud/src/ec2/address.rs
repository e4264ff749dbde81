//! Public addresses. `AllocateAddress` has no client token, so the request is sent once.

use aws_sdk_ec2::types::{DomainType, ResourceType};
use environment::{Address, Call, CallKind, Fields, Kind, ObservedResource, Resource, State};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::{Clients, one_attempt};
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;

pub(crate) use aws_sdk_ec2::types::Address as Found;

const DESCRIBE: &str = "ec2:DescribeAddresses";

/// Lists the owner's addresses; the list has no pages.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let response = clients.ec2.describe_addresses().filters(owned_by(owner)).send().await.classified(DESCRIBE)?;
    Ok(response.addresses.unwrap_or_default())
}

/// The address in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.allocation_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = tags::read(found.tags());
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::Address, &tags, id),
            tags,
            fields: Fields::Address(Address),
        },
        state: State::Ready,
        // An address in use is no duplicate that may be released.
        references: found.network_interface_id().map(str::to_owned).into_iter().collect(),
        version: None,
    })
}

/// Executes one call on an address.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => tags::set(aws, call, settings).await,
        CallKind::Clear(settings) => tags::clear(aws, call, settings).await,
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let tags = tags::at_creation(ResourceType::ElasticIp, &resource.tags);
    let request = aws.clients.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(tags);
    let response = request.customize().config_override(one_attempt()).send().await.classified(call.operation())?;
    let id = response.allocation_id();
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response = aws.clients.ec2.release_address().allocation_id(&id).send().await.classified(call.operation());
    response.map_err(blocked_if_in_use).none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

/// Classifies an `AuthFailure` as blocked: EC2 rejects the release of an address that a NAT gateway still holds with
/// this code, as if the role were at fault (ARCHITECTURE, Facts).
fn blocked_if_in_use(problem: Problem) -> Problem {
    if problem.code == "AuthFailure" { Problem { class: ErrorClass::Blocked, ..problem } } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_of_an_address_in_use_is_retried() {
        let class = |code: &str| {
            let operation = "ec2:ReleaseAddress";
            let rejected = Problem::new(ErrorClass::Rejected, operation, code, "");
            blocked_if_in_use(rejected).class
        };
        assert_eq!((class("AuthFailure"), class("InvalidParameterValue")), (ErrorClass::Blocked, ErrorClass::Rejected));
    }
}
