//! Endpoints of AWS services: a gateway's routes, or network interfaces. EC2 can still list a deleted endpoint; this
//! file leaves it out.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::operation::modify_vpc_endpoint::builders::ModifyVpcEndpointFluentBuilder as Modify;
use aws_sdk_ec2::types::{
    LastError, ResourceType, SecurityGroupIdentifier, UnsuccessfulItem, UnsuccessfulItemError, VpcEndpointType,
};
use environment::{
    Call, CallKind, Condition, Fields, Kind, OBSTACLE_LIMIT, ObservedResource, Reach, Ref, Resource, Setting, State,
    VpcEndpoint, VpcEndpointSetting,
};

use super::{owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem, classify};
use crate::ids::Observation;
use crate::token::client_token;

pub(crate) use aws_sdk_ec2::types::VpcEndpoint as Found;

const DESCRIBE: &str = "ec2:DescribeVpcEndpoints";

/// Lists the owner's endpoints.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_vpc_endpoints().filters(owned_by(owner)).into_paginator().items().send();
    let mut found: Vec<Found> = pages.collect::<Result<_, _>>().await.classified(DESCRIBE)?;
    found.retain(|it| state_name(it) != "deleted");
    Ok(found)
}

/// The endpoint in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.vpc_endpoint_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let vpc = found.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "VPC"))?;
    let tags = tags::read(found.tags());
    let groups: Vec<&str> = found.groups().iter().filter_map(SecurityGroupIdentifier::group_id).collect();
    let refs = |ids: &[String]| ids.iter().map(|id| observation.reference(id)).collect();
    let reach = match found.vpc_endpoint_type() {
        Some(VpcEndpointType::Gateway) => Reach::Gateway { route_tables: refs(found.route_table_ids()) },
        _ => {
            let security_groups = groups.iter().map(|id| observation.reference(id)).collect();
            Reach::Interface { subnets: refs(found.subnet_ids()), security_groups }
        }
    };
    let service = found.service_name().unwrap_or_default().to_owned();
    let endpoint = VpcEndpoint { vpc: observation.reference(vpc), service, reach };
    let placed_in = found.route_table_ids().iter().chain(found.subnet_ids()).map(String::as_str);
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: tags::name(observation, Kind::VpcEndpoint, &tags, id),
            tags,
            fields: Fields::VpcEndpoint(endpoint),
        },
        state: state(found),
        references: std::iter::once(vpc).chain(placed_in).chain(groups).map(str::to_owned).collect(),
        version: None,
    })
}

/// The state in lower case: the service's model has capitals, and its responses do not.
pub(crate) fn state_name(found: &Found) -> String {
    found.state().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default()
}

/// The longest creation and deletion: the time that Terraform's provider waits.
const CHANGE: Duration = Duration::from_mins(10);

fn state(found: &Found) -> State {
    let name = state_name(found);
    match name.as_str() {
        "pending" => State::Settling(Condition::from("it is being created").within(CHANGE)),
        "pendingacceptance" => {
            State::Settling(Condition::from("its service has not accepted it yet").within(OBSTACLE_LIMIT))
        }
        "deleting" => State::Deleting(Condition::from("it is being deleted").within(CHANGE)),
        "failed" | "rejected" | "expired" => {
            let reason = found.last_error().and_then(LastError::message).or(found.failure_reason());
            State::Failed(reason.map_or_else(|| format!("it is {name}"), str::to_owned))
        }
        _ => State::Ready,
    }
}

/// Executes one call on an endpoint.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::set(aws, call, settings).await,
            settings => extend(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::clear(aws, call, settings).await,
            settings => reduce(aws, call, settings).await,
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::VpcEndpoint(endpoint) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let id = |to: &Ref| aws.ids.of_ref(call.operation(), to);
    let vpc = id(&endpoint.vpc)?;
    let token = client_token(&aws.token_seed, &call.key, &vpc);
    let request = aws.clients.ec2.create_vpc_endpoint().client_token(token).vpc_id(vpc);
    let request = request.service_name(&endpoint.service);
    let request = request.tag_specifications(tags::at_creation(ResourceType::VpcEndpoint, &resource.tags));
    let request = match &endpoint.reach {
        Reach::Gateway { route_tables } => {
            let tables = route_tables.iter().map(id).collect::<Result<_, _>>()?;
            request.vpc_endpoint_type(VpcEndpointType::Gateway).set_route_table_ids(Some(tables))
        }
        Reach::Interface { subnets, security_groups } => {
            let subnets = subnets.iter().map(id).collect::<Result<_, _>>()?;
            let groups = security_groups.iter().map(id).collect::<Result<_, _>>()?;
            let request = request.vpc_endpoint_type(VpcEndpointType::Interface).private_dns_enabled(true);
            request.set_subnet_ids(Some(subnets)).set_security_group_ids(Some(groups))
        }
    };
    let response = request.send().await.classified(call.operation())?;
    let id = response.vpc_endpoint().and_then(Found::vpc_endpoint_id);
    aws.ids.record_created(&call.key, id.ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

/// Adds the subnets, tables or security groups that the endpoint does not have yet: AWS's response to one that it has is not
/// documented.
async fn extend(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let found = find(aws, call).await?;
    let found = found.ok_or_else(|| Problem::blocked(DESCRIBE, "the endpoint is not visible"))?;
    let mut request = None;
    for setting in settings {
        let Setting::VpcEndpoint(setting) = setting else { return Err(Problem::unsupported_call(call)) };
        let id = aws.ids.of_ref(call.operation(), target(setting))?;
        if !current_ids(&found, setting).contains(&id) {
            let modify = request.unwrap_or_else(|| aws.clients.ec2.modify_vpc_endpoint());
            request = Some(match setting {
                VpcEndpointSetting::Subnet(_) => modify.add_subnet_ids(id),
                VpcEndpointSetting::RouteTable(_) => modify.add_route_table_ids(id),
                VpcEndpointSetting::SecurityGroup(_) => modify.add_security_group_ids(id),
            });
        }
    }
    modify(aws, call, request).await
}

/// Removes the subnets, tables or security groups that the endpoint has.
async fn reduce(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let Some(found) = find(aws, call).await? else { return Ok(()) };
    let mut request = None;
    for setting in settings {
        let Setting::VpcEndpoint(setting) = setting else { return Err(Problem::unsupported_call(call)) };
        let candidates = aws.ids.all_ids(target(setting));
        for id in current_ids(&found, setting).intersection(&candidates).cloned() {
            let modify = request.unwrap_or_else(|| aws.clients.ec2.modify_vpc_endpoint());
            request = Some(match setting {
                VpcEndpointSetting::Subnet(_) => modify.remove_subnet_ids(id),
                VpcEndpointSetting::RouteTable(_) => modify.remove_route_table_ids(id),
                VpcEndpointSetting::SecurityGroup(_) => modify.remove_security_group_ids(id),
            });
        }
    }
    modify(aws, call, request).await
}

/// The subnet, table or security group of a setting.
fn target(setting: &VpcEndpointSetting) -> &Ref {
    let (VpcEndpointSetting::Subnet(to) | VpcEndpointSetting::RouteTable(to) | VpcEndpointSetting::SecurityGroup(to)) =
        setting;
    to
}

/// The subnets, tables or security groups that the endpoint has, by the type of the setting.
fn current_ids(found: &Found, setting: &VpcEndpointSetting) -> BTreeSet<String> {
    match setting {
        VpcEndpointSetting::Subnet(_) => found.subnet_ids().iter().cloned().collect(),
        VpcEndpointSetting::RouteTable(_) => found.route_table_ids().iter().cloned().collect(),
        VpcEndpointSetting::SecurityGroup(_) => {
            found.groups().iter().filter_map(|it| it.group_id().map(str::to_owned)).collect()
        }
    }
}

async fn modify(aws: &AwsCloud, call: &Call, request: Option<Modify>) -> Result<(), Problem> {
    if let Some(request) = request {
        request.vpc_endpoint_id(aws.ids.of_call(call)?).send().await.classified(call.operation())?;
    }
    Ok(())
}

/// Reads the endpoint; `None` if the endpoint is deleted.
async fn find(aws: &AwsCloud, call: &Call) -> Result<Option<Found>, Problem> {
    let request = aws.clients.ec2.describe_vpc_endpoints().vpc_endpoint_ids(aws.ids.of_call(call)?);
    let response = request.send().await.classified(DESCRIBE).none_if_not_found()?;
    Ok(response.and_then(|it| it.vpc_endpoints).unwrap_or_default().into_iter().next())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response =
        aws.clients.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&id).send().await.classified(call.operation());
    let response = response.and_then(|it| check_all_deleted(call.operation(), it.unsuccessful()));
    response.none_if_not_found()?;
    aws.ids.record_deleted(&id);
    Ok(())
}

/// Checks a successful response, which lists the endpoints that were not deleted.
fn check_all_deleted(operation: &'static str, unsuccessful: &[UnsuccessfulItem]) -> Result<(), Problem> {
    let Some(item) = unsuccessful.first() else { return Ok(()) };
    let error = item.error();
    let code = error.and_then(UnsuccessfulItemError::code).unwrap_or_default();
    let message = error.and_then(UnsuccessfulItemError::message).unwrap_or("it was not deleted");
    // An item has no HTTP status of its own, so an unknown code counts as a mistake in the request.
    Err(Problem::new(classify(code, 400), operation, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorClass;
    use crate::ids::Ids;
    use aws_sdk_ec2::types::State as ServiceState;
    use environment::{Key, Kind, Names};

    fn endpoint(state: &str) -> aws_sdk_ec2::types::builders::VpcEndpointBuilder {
        let found =
            Found::builder().vpc_endpoint_id("vpce-1").vpc_id("vpc-1").service_name("com.amazonaws.eu-west-1.s3");
        found.state(ServiceState::from(state))
    }

    fn observe(found: &Found) -> ObservedResource {
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::Vpc, "the-vpc"), "vpc-1");
        ids.record_created(&Key::new(Kind::Subnet, "private1"), "subnet-1");
        ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
        ids.record_created(&Key::new(Kind::RouteTable, "the-table"), "rtb-1");
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        observed(found, &ids.observation("owner", &names)).unwrap()
    }

    fn reach(observed: &ObservedResource) -> Reach {
        match &observed.resource.fields {
            Fields::VpcEndpoint(endpoint) => endpoint.reach.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_gateway_endpoint_is_read_with_its_tables_and_an_interface_endpoint_with_its_subnets_and_groups() {
        let gateway = endpoint("available").vpc_endpoint_type(VpcEndpointType::Gateway).route_table_ids("rtb-1");
        let observed = observe(&gateway.build());
        let route_tables = BTreeSet::from([Ref::owned(Kind::RouteTable, "the-table")]);
        assert_eq!(reach(&observed), Reach::Gateway { route_tables });
        assert_eq!((observed.references, observed.state), (vec!["vpc-1".into(), "rtb-1".into()], State::Ready));

        let interface = endpoint("available").vpc_endpoint_type(VpcEndpointType::Interface);
        let groups = SecurityGroupIdentifier::builder().group_id("sg-1").build();
        let observed = observe(&interface.subnet_ids("subnet-1").groups(groups).build());
        let subnets = BTreeSet::from([Ref::owned(Kind::Subnet, "private1")]);
        let security_groups = BTreeSet::from([Ref::owned(Kind::SecurityGroup, "the-sg")]);
        assert_eq!(reach(&observed), Reach::Interface { subnets, security_groups });
        assert_eq!(observed.references, ["vpc-1", "subnet-1", "sg-1"]);
    }

    #[test]
    fn an_endpoint_is_settling_deleting_or_failed_in_lower_case_and_in_capitals() {
        let state = |name: &str| observe(&endpoint(name).build()).state;
        assert_eq!(state("pending"), State::Settling(Condition::from("it is being created").within(CHANGE)));
        assert_eq!(state("Pending"), State::Settling(Condition::from("it is being created").within(CHANGE)));
        assert_eq!(
            state("PendingAcceptance"),
            State::Settling(Condition::from("its service has not accepted it yet").within(OBSTACLE_LIMIT))
        );
        assert_eq!(state("deleting"), State::Deleting(Condition::from("it is being deleted").within(CHANGE)));
        assert_eq!(state("rejected"), State::Failed("it is rejected".into()));
        let error = LastError::builder().message("no such service").build();
        let failed = endpoint("failed").last_error(error).build();
        assert_eq!(observe(&failed).state, State::Failed("no such service".into()));
    }

    #[test]
    fn an_endpoint_that_was_not_deleted_is_classified_by_its_code() {
        let item = |code: &str| {
            let error = UnsuccessfulItemError::builder().code(code).message("no").build();
            [UnsuccessfulItem::builder().error(error).build()]
        };
        let class =
            |code: &str| check_all_deleted("ec2:DeleteVpcEndpoints", &item(code)).map_err(|problem| problem.class);
        assert_eq!(check_all_deleted("ec2:DeleteVpcEndpoints", &[]), Ok(()));
        assert_eq!(class("InvalidVpcEndpoint.NotFound"), Err(ErrorClass::NotFound));
        assert_eq!(class("DependencyViolation"), Err(ErrorClass::Blocked));
        assert_eq!(class("InvalidParameter"), Err(ErrorClass::Rejected));
    }
}
