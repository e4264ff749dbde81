//! What blocks the delete of a VPC: everything in it that the environment does not own, by id, kind and owner. Envkeeper
//! removes nothing of it, except what GuardDuty created (`guardduty.rs`).
//!
//! The kinds are those that block `DeleteVpc` (VPC user guide, "Delete your VPC"). Peering connections do not: AWS
//! deletes them with the VPC. Everything else that stands in a VPC has a network interface there (`interfaces.rs`).

use aws_sdk_ec2::types::{
    Filter, InternetGateway, NetworkAcl, RouteTable, SecurityGroup, State, Subnet, Tag, VpcEndpoint,
};
use environment::mark;

use crate::AwsCloud;
use crate::errors::{ClassifyErrors, Problem};

/// The number of obstacles that the reason names, and the words before them.
const MAX_NAMED: usize = 8;
const BLOCKING: &str = "blocking resources";

/// Adds the obstacles in a VPC to the problem of its delete. A read that fails names nothing.
pub(super) async fn with_obstacles(aws: &AwsCloud, problem: Problem, vpc: &str) -> Problem {
    if problem.code != "DependencyViolation" {
        return problem;
    }
    problem.naming(BLOCKING, Box::pin(in_vpc(aws, vpc)).await, MAX_NAMED)
}

async fn in_vpc(aws: &AwsCloud, vpc: &str) -> Vec<String> {
    let ec2 = &aws.clients.ec2;
    let by = |name: &str| Filter::builder().name(name).values(vpc).build();
    let (subnets, groups, tables, gateways, endpoints, acls, vpn_gateways) = tokio::join!(
        async { ec2.describe_subnets().filters(by("vpc-id")).send().await.classified("ec2:DescribeSubnets") },
        async {
            let response = ec2.describe_security_groups().filters(by("vpc-id")).send().await;
            response.classified("ec2:DescribeSecurityGroups")
        },
        async {
            let response = ec2.describe_route_tables().filters(by("vpc-id")).send().await;
            response.classified("ec2:DescribeRouteTables")
        },
        async {
            let response = ec2.describe_internet_gateways().filters(by("attachment.vpc-id")).send().await;
            response.classified("ec2:DescribeInternetGateways")
        },
        async {
            let response = ec2.describe_vpc_endpoints().filters(by("vpc-id")).send().await;
            response.classified("ec2:DescribeVpcEndpoints")
        },
        async {
            let response = ec2.describe_network_acls().filters(by("vpc-id")).send().await;
            response.classified("ec2:DescribeNetworkAcls")
        },
        async {
            let response = ec2.describe_vpn_gateways().filters(by("attachment.vpc-id")).send().await;
            response.classified("ec2:DescribeVpnGateways")
        }
    );
    let owner = aws.owner.as_str();
    let mut found: Vec<Option<String>> = Vec::new();
    found.extend(
        subnets
            .iter()
            .flat_map(aws_sdk_ec2::operation::describe_subnets::DescribeSubnetsOutput::subnets)
            .map(|it| subnet(it, owner)),
    );
    found.extend(
        groups
            .iter()
            .flat_map(aws_sdk_ec2::operation::describe_security_groups::DescribeSecurityGroupsOutput::security_groups)
            .map(|it| security_group(it, owner)),
    );
    found.extend(
        tables
            .iter()
            .flat_map(aws_sdk_ec2::operation::describe_route_tables::DescribeRouteTablesOutput::route_tables)
            .map(|it| route_table(it, owner)),
    );
    found.extend(
        gateways
            .iter()
            .flat_map(
                aws_sdk_ec2::operation::describe_internet_gateways::DescribeInternetGatewaysOutput::internet_gateways,
            )
            .map(|it| internet_gateway(it, owner)),
    );
    found.extend(
        endpoints
            .iter()
            .flat_map(aws_sdk_ec2::operation::describe_vpc_endpoints::DescribeVpcEndpointsOutput::vpc_endpoints)
            .map(|it| endpoint(it, owner)),
    );
    found.extend(
        acls.iter()
            .flat_map(aws_sdk_ec2::operation::describe_network_acls::DescribeNetworkAclsOutput::network_acls)
            .map(|it| network_acl(it, owner)),
    );
    found.extend(
        vpn_gateways
            .iter()
            .flat_map(aws_sdk_ec2::operation::describe_vpn_gateways::DescribeVpnGatewaysOutput::vpn_gateways)
            .map(|it| obstacle("VPN gateway", it.vpn_gateway_id(), None, it.tags(), None, owner)),
    );
    found.into_iter().flatten().collect()
}

/// The name of an obstacle: its kind, its id, and what its owner calls it. `None` for a resource with the owner's mark,
/// which the plan deletes.
fn obstacle(
    kind: &str,
    id: Option<&str>,
    called: Option<&str>,
    tags: &[Tag],
    account: Option<&str>,
    owner: &str,
) -> Option<String> {
    let tag = |key: &str| tags.iter().find(|it| it.key() == Some(key)).and_then(Tag::value);
    if tag(mark::OWNER) == Some(owner) {
        return None;
    }
    let stack = tag("aws:cloudformation:stack-name").map(|stack| format!("stack {stack}"));
    let called = called.or(tag("Name")).map(str::to_owned);
    let described: Vec<String> =
        [called, stack, account.map(|it| format!("owner {it}"))].into_iter().flatten().collect();
    let id = id.unwrap_or("without an id");
    Some(if described.is_empty() { format!("{kind} {id}") } else { format!("{kind} {id} ({})", described.join(", ")) })
}

fn subnet(it: &Subnet, owner: &str) -> Option<String> {
    obstacle("subnet", it.subnet_id(), it.cidr_block(), it.tags(), it.owner_id(), owner)
}

fn security_group(it: &SecurityGroup, owner: &str) -> Option<String> {
    let is_default = it.group_name() == Some("default");
    let named = || obstacle("security group", it.group_id(), it.group_name(), it.tags(), it.owner_id(), owner);
    if is_default { None } else { named() }
}

fn route_table(it: &RouteTable, owner: &str) -> Option<String> {
    let is_main = it.associations().iter().any(|it| it.main() == Some(true));
    let named = || obstacle("route table", it.route_table_id(), None, it.tags(), it.owner_id(), owner);
    if is_main { None } else { named() }
}

fn internet_gateway(it: &InternetGateway, owner: &str) -> Option<String> {
    obstacle("internet gateway", it.internet_gateway_id(), None, it.tags(), it.owner_id(), owner)
}

fn endpoint(it: &VpcEndpoint, owner: &str) -> Option<String> {
    let is_gone = matches!(it.state(), Some(State::Deleted | State::Deleting));
    let named = || obstacle("endpoint", it.vpc_endpoint_id(), it.service_name(), it.tags(), it.owner_id(), owner);
    if is_gone { None } else { named() }
}

fn network_acl(it: &NetworkAcl, owner: &str) -> Option<String> {
    let is_default = it.is_default() == Some(true);
    let named = || obstacle("network ACL", it.network_acl_id(), None, it.tags(), it.owner_id(), owner);
    if is_default { None } else { named() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::RouteTableAssociation;

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build()
    }

    #[test]
    fn an_obstacle_is_named_by_kind_id_and_owner_and_the_environments_own_resources_are_none() {
        let group = SecurityGroup::builder().group_id("sg-1").owner_id("123456789012");
        let foreign = group.clone().group_name("web").tags(tag("aws:cloudformation:stack-name", "shop")).build();
        assert_eq!(
            security_group(&foreign, "me").as_deref(),
            Some("security group sg-1 (web, stack shop, owner 123456789012)")
        );
        assert_eq!(security_group(&group.clone().group_name("own").tags(tag(mark::OWNER, "me")).build(), "me"), None);
        assert_eq!(security_group(&group.group_name("default").build(), "me"), None);
        assert_eq!(subnet(&Subnet::builder().subnet_id("subnet-1").build(), "me").as_deref(), Some("subnet subnet-1"));
    }

    #[test]
    fn what_aws_deletes_with_the_vpc_is_no_obstacle() {
        let main = RouteTableAssociation::builder().main(true).build();
        assert_eq!(route_table(&RouteTable::builder().route_table_id("rtb-1").associations(main).build(), "me"), None);
        assert_eq!(network_acl(&NetworkAcl::builder().network_acl_id("acl-1").is_default(true).build(), "me"), None);
        let endpoint = |state| endpoint(&VpcEndpoint::builder().vpc_endpoint_id("vpce-1").state(state).build(), "me");
        assert_eq!((endpoint(State::Deleting), endpoint(State::Available).is_some()), (None, true));
    }

    #[test]
    fn eight_obstacles_are_named_in_a_fixed_order_and_the_others_are_counted() {
        let obstacles: Vec<String> = (1..=10).rev().map(|number| format!("subnet subnet-{number:02}")).collect();
        let problem = || Problem::blocked("ec2:DeleteVpc", "in use.");
        let text = problem().naming(BLOCKING, obstacles, MAX_NAMED).message;
        assert!(text.starts_with("in use; blocking resources: subnet subnet-01, subnet subnet-02"), "{text}");
        assert!(text.ends_with("subnet subnet-08 and 2 more"), "{text}");
        assert_eq!(problem().naming(BLOCKING, vec![], MAX_NAMED), problem());
    }
}
