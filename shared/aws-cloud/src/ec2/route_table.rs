//! Route tables, with their default route and their associated subnets.

use aws_sdk_ec2::types::{
    Filter, ResourceType, Route, RouteTable as Found, RouteTableAssociation, RouteTableAssociationState,
    RouteTableAssociationStateCode as AssociationState,
};
use environment::{
    Call, CallKind, Fields, Kind, ObservedResource, Ownership, Ref, Resource, RouteTable, RouteTableSetting, Setting,
    State,
};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;
use crate::token::client_token;

const DESCRIBE: &str = "ec2:DescribeRouteTables";

/// The destination of the default route: every address.
const ANYWHERE: &str = "0.0.0.0/0";

/// Lists the owner's route tables.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_route_tables().filters(owned_by(owner)).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

/// The route table in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.route_table_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let vpc = found.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "VPC"))?;
    let tags = tags::read(found.tags());
    let default_route = found.routes().iter().find(|it| it.destination_cidr_block() == Some(ANYWHERE));
    let target = default_route.and_then(target);
    let subnets: Vec<&str> = active_associations(found).filter_map(RouteTableAssociation::subnet_id).collect();
    let table = RouteTable {
        vpc: observation.reference(vpc),
        default_route: target.map(|id| observation.reference(id)),
        serves: subnets.iter().map(|id| observation.reference(id)).collect(),
    };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::RouteTable, &tags, id),
            tags,
            fields: Fields::RouteTable(table),
        },
        state: State::Ready,
        references: std::iter::once(vpc).chain(target).chain(subnets).map(str::to_owned).collect(),
        version: None,
    })
}

/// The target of a route; a route has one of these.
fn target(route: &Route) -> Option<&str> {
    let targets = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.network_interface_id(),
        route.instance_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.egress_only_internet_gateway_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
        route.odb_network_arn(),
    ];
    targets.into_iter().flatten().next()
}

/// The associations with a subnet that are not ending. (A VPC's main table serves all other subnets without an
/// association.)
fn active_associations(found: &Found) -> impl Iterator<Item = &RouteTableAssociation> {
    let is_ending = |it: &RouteTableAssociation| {
        let state = it.association_state().and_then(RouteTableAssociationState::state);
        matches!(
            state,
            Some(AssociationState::Disassociated | AssociationState::Disassociating | AssociationState::Failed)
        )
    };
    found.associations().iter().filter(move |it| !it.main().unwrap_or_default() && !is_ending(it))
}

/// Executes one call on a route table.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::RouteTable(RouteTableSetting::DefaultRoute(to))] => set_default_route(aws, call, to).await,
            [Setting::RouteTable(RouteTableSetting::Association(subnet))] => associate(aws, call, subnet).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::RouteTable(RouteTableSetting::DefaultRoute(_))] => clear_default_route(aws, call).await,
            [Setting::RouteTable(RouteTableSetting::Association(subnet))] => disassociate(aws, call, subnet).await,
            settings => tags::clear(aws, call, settings).await,
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::RouteTable(table) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let vpc = aws.ids.of_ref(call.operation(), &table.vpc)?;
    let request = aws.clients.ec2.create_route_table().client_token(client_token(&aws.token_seed, &call.key, &vpc));
    let request = request.tag_specifications(tags::at_creation(ResourceType::RouteTable, &resource.tags));
    let response = request.vpc_id(vpc).send().await.classified(call.operation())?;
    let id = response.route_table().and_then(Found::route_table_id);
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

/// Sets the default route. A route with another target is replaced.
async fn set_default_route(aws: &AwsCloud, call: &Call, to: &Ref) -> Result<(), Problem> {
    let table = aws.ids.of_call(call)?;
    let (gateway, nat) = egress_target(aws.ids.of_ref(call.operation(), to)?);
    let request = aws.clients.ec2.create_route().route_table_id(&table);
    let request = request.set_gateway_id(gateway.clone()).set_nat_gateway_id(nat.clone());
    match request.destination_cidr_block(ANYWHERE).send().await.classified(call.operation()) {
        Err(problem) if problem.class == ErrorClass::AlreadyConnected => {
            let request = aws.clients.ec2.replace_route().route_table_id(table);
            let request = request.set_gateway_id(gateway).set_nat_gateway_id(nat);
            request.destination_cidr_block(ANYWHERE).send().await.classified("ec2:ReplaceRoute")?;
            Ok(())
        }
        Err(problem) if problem.code == "InvalidParameterValue" => Err(match gateway {
            Some(gateway) => blocked_unless_attached_elsewhere(aws, problem, &table, &gateway).await,
            None => problem,
        }),
        other => other.map(|_| ()),
    }
}

/// Classifies "route table … and network gateway … belong to different networks": the code is the one of every mistake, and
/// AWS uses the text for a gateway of another VPC and for one that is attached to no VPC (recorded on AWS, September 2026:
/// stackd 9dc356f5, `ec2/internet_gateways:create_route_unattached_gateway`). The attachment may lag behind its call, and
/// the next observation shows an attachment that was removed; only a gateway of another VPC stays wrong.
async fn blocked_unless_attached_elsewhere(aws: &AwsCloud, problem: Problem, table: &str, gateway: &str) -> Problem {
    let vpc = async {
        let response =
            aws.clients.ec2.describe_route_tables().route_table_ids(table).send().await.classified(DESCRIBE)?;
        Ok(response.route_tables().first().and_then(Found::vpc_id).map(str::to_owned))
    };
    let attachments = super::internet_gateway::attachments(aws, gateway);
    match tokio::try_join!(vpc, attachments) {
        Ok((vpc, attached)) if attached.iter().all(|it| Some(it) == vpc.as_ref()) => {
            Problem { class: ErrorClass::Blocked, ..problem }
        }
        // AWS's message says more than the error of this look-up.
        Ok(_) | Err(_) => problem,
    }
}

/// The id as an internet gateway's or as a NAT gateway's: a route has a field for each, and the prefix of the id
/// determines the field.
fn egress_target(id: String) -> (Option<String>, Option<String>) {
    if id.starts_with("nat-") { (None, Some(id)) } else { (Some(id), None) }
}

async fn clear_default_route(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.ec2.delete_route().route_table_id(aws.ids.of_call(call)?);
    request.destination_cidr_block(ANYWHERE).send().await.classified(call.operation()).none_if_not_found()?;
    Ok(())
}

async fn associate(aws: &AwsCloud, call: &Call, subnet: &Ref) -> Result<(), Problem> {
    let table = aws.ids.of_call(call)?;
    let subnet = aws.ids.of_ref(call.operation(), subnet)?;
    let request = aws.clients.ec2.associate_route_table().route_table_id(&table).subnet_id(&subnet);
    match request.send().await.classified(call.operation()) {
        // The code does not name the table. The usual reason is an attempt whose response was lost.
        Err(problem) if problem.class == ErrorClass::AlreadyConnected => {
            check_association(aws, problem, &table, &subnet).await
        }
        other => other.map(|_| ()),
    }
}

/// Reads the table that the subnet is already associated with, and accepts the desired one.
async fn check_association(aws: &AwsCloud, problem: Problem, table: &str, subnet: &str) -> Result<(), Problem> {
    let by_subnet = Filter::builder().name("association.subnet-id").values(subnet).build();
    let response = aws.clients.ec2.describe_route_tables().filters(by_subnet).send().await.classified(DESCRIBE)?;
    let serves = |it: &&Found| active_associations(it).any(|it| it.subnet_id() == Some(subnet));
    match response.route_tables().iter().find(serves) {
        Some(found) => check_owner(problem, found, table, subnet, &aws.owner),
        None => Err(problem),
    }
}

/// Classifies the existing association by the owner of its table. The desired table is a success. Another owned table
/// is a reason to wait: its association ends soon. The association of a foreign table is rejected, since Envkeeper must
/// not change it.
fn check_owner(problem: Problem, found: &Found, table: &str, subnet: &str, owner: &str) -> Result<(), Problem> {
    let id = found.route_table_id().unwrap_or_default();
    match ObservedResource::ownership(&tags::read(found.tags()), owner) {
        Ownership::Owned if id == table => Ok(()),
        Ownership::Owned => Err(problem),
        Ownership::Foreign(reason) | Ownership::Hidden(reason) => {
            Err(associated_elsewhere(problem, subnet, id, &reason))
        }
        Ownership::Unproven => Err(associated_elsewhere(problem, subnet, id, &format!("it {}", Ownership::UNPROVEN))),
        Ownership::Retained(of) => {
            Err(associated_elsewhere(problem, subnet, id, &format!("the environment {of} retained it")))
        }
    }
}

fn associated_elsewhere(problem: Problem, subnet: &str, table: &str, reason: &str) -> Problem {
    let association = format!("{subnet} is associated with {table}, which is not this environment's: {reason}");
    Problem { class: ErrorClass::Rejected, message: format!("{association}. Remove that association"), ..problem }
}

/// Removes the association with the subnet; only the table itself contains the association's id.
async fn disassociate(aws: &AwsCloud, call: &Call, subnet: &Ref) -> Result<(), Problem> {
    let table = aws.ids.of_call(call)?;
    let candidates = aws.ids.all_ids(subnet);
    let request = aws.clients.ec2.describe_route_tables().route_table_ids(table);
    let Some(response) = request.send().await.classified(DESCRIBE).none_if_not_found()? else { return Ok(()) };
    let associations = response.route_tables().iter().flat_map(active_associations);
    for it in associations.filter(|it| it.subnet_id().is_some_and(|subnet| candidates.contains(subnet))) {
        let request = aws.clients.ec2.disassociate_route_table();
        let request = request.association_id(it.route_table_association_id().unwrap_or_default());
        request.send().await.classified(call.operation()).none_if_not_found()?;
    }
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    aws.clients
        .ec2
        .delete_route_table()
        .route_table_id(&id)
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
    use crate::ids::Ids;
    use aws_sdk_ec2::types::Tag;
    use environment::{Key, Kind, Names, mark};
    use std::collections::BTreeSet;

    fn association(subnet: &str, state: AssociationState) -> RouteTableAssociation {
        let state = RouteTableAssociationState::builder().state(state).build();
        RouteTableAssociation::builder().subnet_id(subnet).association_state(state).build()
    }

    fn observe(found: &Found) -> ObservedResource {
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::Vpc, "the-vpc"), "vpc-1");
        ids.record_created(&Key::new(Kind::InternetGateway, "the-igw"), "igw-1");
        ids.record_created(&Key::new(Kind::Subnet, "public1"), "subnet-1");
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        observed(found, &ids.observation("owner", &names)).unwrap()
    }

    fn table() -> aws_sdk_ec2::types::builders::RouteTableBuilder {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let own = Route::builder().destination_cidr_block("10.0.0.0/16").gateway_id("local").build();
        Found::builder()
            .route_table_id("rtb-1")
            .vpc_id("vpc-1")
            .tags(tag(environment::mark::NAME, "the-table"))
            .tags(tag(mark::OWNER, "owner"))
            .routes(own)
    }

    fn fields(observed: ObservedResource) -> RouteTable {
        match observed.resource.fields {
            Fields::RouteTable(table) => table,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_route_table_is_read_with_its_default_route_and_its_subnets() {
        let route = Route::builder().destination_cidr_block(ANYWHERE).gateway_id("igw-1").build();
        let found = table()
            .routes(route)
            .associations(association("subnet-1", AssociationState::Associated))
            .associations(association("subnet-9", AssociationState::Associating))
            .build();
        let observed = observe(&found);
        assert_eq!(observed.ownership, Ownership::Owned);
        assert_eq!(observed.key(), Key::new(Kind::RouteTable, "the-table"));
        assert_eq!(observed.references, ["vpc-1", "igw-1", "subnet-1", "subnet-9"]);
        let table = fields(observed);
        assert_eq!(table.vpc, Ref::owned(Kind::Vpc, "the-vpc"));
        assert_eq!(table.default_route, Some(Ref::owned(Kind::InternetGateway, "the-igw")));
        let serves = [Ref::owned(Kind::Subnet, "public1"), Ref::Foreign("subnet-9".into())];
        assert_eq!(table.serves, BTreeSet::from(serves));
    }

    #[test]
    fn an_ending_association_and_the_main_association_are_ignored() {
        let found = table()
            .associations(association("subnet-1", AssociationState::Disassociating))
            .associations(RouteTableAssociation::builder().main(true).build())
            .build();
        assert_eq!(fields(observe(&found)).serves, BTreeSet::new());
    }

    #[test]
    fn the_id_determines_the_field_of_the_egress_target() {
        assert_eq!(egress_target("igw-1".into()), (Some("igw-1".into()), None));
        assert_eq!(egress_target("nat-1".into()), (None, Some("nat-1".into())));
    }

    #[test]
    fn a_default_route_with_a_foreign_target_is_a_foreign_reference() {
        let route = Route::builder().destination_cidr_block(ANYWHERE).nat_gateway_id("nat-1").build();
        let found = table().routes(route).build();
        assert_eq!(fields(observe(&found)).default_route, Some(Ref::Foreign("nat-1".into())));
        assert_eq!(fields(observe(&table().build())).default_route, None);
    }

    #[test]
    fn an_associated_subnet_succeeds_waits_or_is_rejected_by_the_owner_of_its_table() {
        let connected = || Problem {
            class: ErrorClass::AlreadyConnected,
            ..Problem::blocked("ec2:AssociateRouteTable", "it has one")
        };
        let class = |desired: &str, owner: &str| {
            check_owner(connected(), &table().build(), desired, "subnet-1", owner).map_err(|problem| problem.class)
        };
        assert_eq!(class("rtb-1", "owner"), Ok(()));
        assert_eq!(class("rtb-2", "owner"), Err(ErrorClass::AlreadyConnected));
        assert_eq!(class("rtb-2", "another"), Err(ErrorClass::Rejected));
    }
}
