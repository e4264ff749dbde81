//! Public addresses. `AllocateAddress` has no client token and is sent once.

use aws_sdk_ec2::types::{DomainType, ResourceType};
use environment::{Address, Call, Fields, Live, Resource, State, What};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::{Clients, one_attempt};
use crate::errors::{Answer, Class, Problem, UnlessMissing};
use crate::ids::Look;

pub(crate) use aws_sdk_ec2::types::Address as Found;

const DESCRIBE: &str = "ec2:DescribeAddresses";

/// The owner's addresses; the list has no pages.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let answer = clients.ec2.describe_addresses().filters(owned_by(owner)).send().await.answer(DESCRIBE)?;
    Ok(answer.addresses.unwrap_or_default())
}

/// The address as the engine sees it.
pub(crate) fn live(found: &Found, look: &Look<'_>) -> Result<Live, Problem> {
    let id = found.allocation_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let tags = tags::read(found.tags());
    Ok(Live {
        id: Some(id.to_owned()),
        whose: Live::whose(&tags, look.owner),
        resource: Resource { name: tags::name(&tags, id), tags, fields: Fields::Address(Address) },
        state: State::Ready,
        holds: vec![],
        version: None,
    })
}

/// Carries out one call on an address.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.what {
        What::Create(resource) => create(aws, call, resource).await,
        What::Set(settings) => tags::set(aws, call, settings).await,
        What::Clear(settings) => tags::clear(aws, call, settings).await,
        What::Delete => delete(aws, call).await,
        What::Drain | What::Empty => Err(Problem::no_such_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let tags = tags::at_creation(ResourceType::ElasticIp, &resource.tags);
    let request = aws.clients.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(tags);
    let answer = request.customize().config_override(one_attempt()).send().await.answer(call.operation())?;
    let id = answer.allocation_id();
    aws.ids.made(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let answer = aws.clients.ec2.release_address().allocation_id(&id).send().await.answer(call.operation());
    answer.map_err(or_it_is_in_use).unless_missing()?;
    aws.ids.gone(&id);
    Ok(())
}

/// An address that its NAT gateway has not let go of yet is refused as if the role were at fault (ARCHITECTURE, Facts).
fn or_it_is_in_use(problem: Problem) -> Problem {
    if problem.code == "AuthFailure" { Problem { class: Class::Waits, ..problem } } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_released_too_early_waits() {
        let class = |code: &str| {
            let operation = "ec2:ReleaseAddress";
            let refused = Problem { class: Class::Refused, operation, code: code.into(), message: String::new() };
            or_it_is_in_use(refused).class
        };
        assert_eq!((class("AuthFailure"), class("InvalidParameterValue")), (Class::Waits, Class::Refused));
    }
}
