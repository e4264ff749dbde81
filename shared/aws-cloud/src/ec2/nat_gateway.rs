//! NAT gateways. EC2 lists a deleted gateway for about an hour; this file leaves it out.

use std::time::Duration;

use aws_sdk_ec2::types::{ConnectivityType, NatGatewayAddress, NatGatewayState, ResourceType};
use environment::{Call, CallKind, Condition, Fields, Kind, NatGateway, ObservedResource, Ref, Resource, State};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;
use crate::token::client_token;

pub(crate) use aws_sdk_ec2::types::NatGateway as Found;

const DESCRIBE: &str = "ec2:DescribeNatGateways";

/// Lists the owner's NAT gateways.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_nat_gateways().filter(owned_by(owner)).into_paginator().items().send();
    let mut found: Vec<Found> = pages.collect::<Result<_, _>>().await.classified(DESCRIBE)?;
    found.retain(|it| it.state() != Some(&NatGatewayState::Deleted));
    Ok(found)
}

/// The NAT gateway in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.nat_gateway_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let subnet = found.subnet_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "subnet"))?;
    let address = primary_address(found);
    let tags = tags::read(found.tags());
    let gateway = NatGateway {
        subnet: observation.reference(subnet),
        // A gateway whose creation failed may not have an address.
        address: address.map_or_else(|| Ref::Foreign(String::from("no address")), |id| observation.reference(id)),
    };
    let references = std::iter::once(subnet).chain(address).chain(found.vpc_id());
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::NatGateway, &tags, id),
            tags,
            fields: Fields::NatGateway(gateway),
        },
        state: state(found),
        references: references.map(str::to_owned).collect(),
        version: None,
    })
}

/// The longest creation and deletion: the times that Terraform's provider waits. 87 to 121 s are usual (ARCHITECTURE,
/// Facts).
const CREATION: Duration = Duration::from_mins(10);
const DELETION: Duration = Duration::from_mins(30);
/// The address that the gateway was created with, which no call changes. Another actor may have associated secondary ones
/// (`AssociateNatGatewayAddress`), and the list has no order.
fn primary_address(found: &Found) -> Option<&str> {
    let addresses = found.nat_gateway_addresses();
    let primary = addresses.iter().find(|it| it.is_primary() == Some(true));
    primary
        .and_then(NatGatewayAddress::allocation_id)
        .or_else(|| addresses.iter().find_map(NatGatewayAddress::allocation_id))
}

fn state(found: &Found) -> State {
    match found.state() {
        Some(NatGatewayState::Pending) => State::Settling(Condition::from("it is being created").within(CREATION)),
        Some(NatGatewayState::Deleting) => State::Deleting(Condition::from("it is being deleted").within(DELETION)),
        Some(NatGatewayState::Failed) => State::Failed(
            found.failure_message().or(found.failure_code()).unwrap_or("AWS returned no reason").to_owned(),
        ),
        _ => State::Ready,
    }
}

/// Executes one call on a NAT gateway.
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
    let Fields::NatGateway(gateway) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let subnet = aws.ids.of_ref(call.operation(), &gateway.subnet)?;
    let address = aws.ids.of_ref(call.operation(), &gateway.address)?;
    // The token contains the subnet and the address: a gateway that is created again in another subnet is another
    // gateway.
    let token = client_token(&aws.token_seed, &call.key, &format!("{subnet} {address}"));
    let request = aws.clients.ec2.create_nat_gateway().client_token(token);
    let request = request.tag_specifications(tags::at_creation(ResourceType::Natgateway, &resource.tags));
    let request = request.connectivity_type(ConnectivityType::Public).subnet_id(subnet).allocation_id(address);
    let response = request.send().await.classified(call.operation())?;
    let id = response.nat_gateway().and_then(Found::nat_gateway_id);
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    aws.clients
        .ec2
        .delete_nat_gateway()
        .nat_gateway_id(&id)
        .send()
        .await
        .classified(call.operation())
        .none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::address;
    use crate::ids::Ids;
    use environment::{Action, DesiredState, Key, Kind, Names, mark, plan};

    fn names() -> Names {
        let account = "123456789012".into();
        Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() }
    }

    fn gateway() -> aws_sdk_ec2::types::builders::NatGatewayBuilder {
        let address = NatGatewayAddress::builder().allocation_id("eipalloc-1").build();
        let found = Found::builder().nat_gateway_id("nat-1").subnet_id("subnet-1").vpc_id("vpc-1");
        found.nat_gateway_addresses(address)
    }

    fn observe(found: &Found) -> ObservedResource {
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::Subnet, "public1"), "subnet-1");
        ids.record_created(&Key::new(Kind::Address, "the-ip"), "eipalloc-1");
        observed(found, &ids.observation("owner", &names())).unwrap()
    }

    #[test]
    fn a_nat_gateway_is_read_with_its_subnet_and_its_address() {
        let observed = observe(&gateway().state(NatGatewayState::Available).build());
        let subnet = Ref::owned(Kind::Subnet, "public1");
        let expected = NatGateway { subnet, address: Ref::owned(Kind::Address, "the-ip") };
        assert_eq!(observed.resource.fields, Fields::NatGateway(expected));
        assert_eq!(observed.references, ["subnet-1", "eipalloc-1", "vpc-1"]);
        assert_eq!(observed.state, State::Ready);
    }

    #[test]
    fn a_secondary_address_is_not_the_gateways_own() {
        let address = |id: &str, primary| NatGatewayAddress::builder().allocation_id(id).is_primary(primary).build();
        let addresses = vec![address("eipalloc-9", false), address("eipalloc-1", true)];
        let found = gateway().set_nat_gateway_addresses(Some(addresses)).state(NatGatewayState::Available).build();
        let Fields::NatGateway(gateway) = observe(&found).resource.fields else { panic!("another kind") };
        assert_eq!(gateway.address, Ref::owned(Kind::Address, "the-ip"));
    }

    #[test]
    fn an_address_waits_until_its_gateway_is_not_listed() {
        let (ids, names) = (Ids::default(), names());
        let mut observation = ids.observation("owner", &names);
        let mark = aws_sdk_ec2::types::Tag::builder().key(mark::OWNER).value("owner").build();
        let address = address::Found::builder().allocation_id("eipalloc-1").tags(mark.clone()).build();
        observation.found.push(address::observed(&address, &observation).unwrap());
        let deleting = gateway().tags(mark).state(NatGatewayState::Deleting).build();
        observation.found.push(observed(&deleting, &observation).unwrap());

        let steps = plan(&DesiredState::default(), &observation.found).steps;
        let of = |kind| steps.iter().position(|step| step.key.kind == kind).unwrap();
        let Action::Wait(condition) = &steps[of(Kind::NatGateway)].action else { panic!("no wait") };
        assert_eq!(condition.to_string(), "it is being deleted");
        assert_eq!(steps[of(Kind::Address)].depends_on, [of(Kind::NatGateway)]);
    }

    #[test]
    fn a_nat_gateway_is_settling_deleting_or_failed_with_a_reason() {
        let state = |state| observe(&gateway().state(state).failure_message("no route to the internet").build()).state;
        assert_eq!(
            state(NatGatewayState::Pending),
            State::Settling(Condition::from("it is being created").within(CREATION))
        );
        assert_eq!(
            state(NatGatewayState::Deleting),
            State::Deleting(Condition::from("it is being deleted").within(DELETION))
        );
        assert_eq!(state(NatGatewayState::Failed), State::Failed("no route to the internet".into()));
    }
}
