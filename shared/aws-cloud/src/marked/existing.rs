//! The check that marked resources exist. A list of tags has the tags of deleted resources for a while: EC2 lists a deleted NAT
//! gateway for about an hour, and a deleted endpoint in its last state too.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, NatGateway, NatGatewayState, VpcEndpoint};
use environment::{CallError, mark};

use super::{MarkSearch, MarkedResource};
use crate::ec2::vpc_endpoint;
use crate::errors::{ClassifyErrors, Problem};

/// The most values of one filter (EC2 API reference, "List and filter using the CLI and API").
const MAX_FILTER_VALUES: usize = 200;

/// The ids in all pages of a list.
macro_rules! ids {
    ($call:expr, $operation:literal, $id:ident) => {
        $call
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .classified($operation)
            .map(|found| found.into_iter().filter_map(|it| it.$id).collect::<Vec<String>>())
    };
}

impl MarkSearch {
    /// Those of these resources that exist, in the same order: EC2 lists them among the resources of their kind with the mark of
    /// their owner. A resource of a kind that this search does not list counts as existing.
    ///
    /// # Errors
    /// Every error of a call: one for each kind among the resources, and for each 200 owners.
    pub async fn existing(&self, resources: Vec<MarkedResource>) -> Result<Vec<MarkedResource>, CallError> {
        let mut owners_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (marked, (kind, _)) in resources.iter().filter_map(|it| Some((it, it.resource.split_once(' ')?))) {
            owners_of.entry(kind).or_default().insert(&marked.owner);
        }
        let mut listed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (kind, owners) in &owners_of {
            let owners: Vec<&str> = owners.iter().copied().collect();
            for some in owners.chunks(MAX_FILTER_VALUES) {
                let owners = some.iter().map(|owner| (*owner).to_owned()).collect();
                let by_owner = Filter::builder().name(format!("tag:{}", mark::OWNER)).set_values(Some(owners)).build();
                let found = self.ids_of(kind, by_owner).await.map_err(|problem| problem.call_error(kind))?;
                if let Some(found) = found {
                    listed.entry(kind).or_default().extend(found);
                }
            }
        }
        let exists = |it: &&MarkedResource| match it.resource.split_once(' ') {
            Some((kind, id)) => listed.get(kind).is_none_or(|ids| ids.contains(id)),
            None => true,
        };
        Ok(resources.iter().filter(exists).cloned().collect())
    }

    /// The ids of the resources of a kind, by EC2's name of it; `None` for a kind that has no list here.
    async fn ids_of(&self, kind: &str, by_owner: Filter) -> Result<Option<Vec<String>>, Problem> {
        let ec2: &Client = &self.ec2;
        let found = match kind {
            "vpc" => ids!(ec2.describe_vpcs().filters(by_owner), "ec2:DescribeVpcs", vpc_id),
            "internet-gateway" => {
                let call = ec2.describe_internet_gateways().filters(by_owner);
                ids!(call, "ec2:DescribeInternetGateways", internet_gateway_id)
            }
            "subnet" => ids!(ec2.describe_subnets().filters(by_owner), "ec2:DescribeSubnets", subnet_id),
            "elastic-ip" => {
                let found = ec2.describe_addresses().filters(by_owner).send().await.classified("ec2:DescribeAddresses");
                found.map(|it| it.addresses.into_iter().flatten().filter_map(|it| it.allocation_id).collect())
            }
            "natgateway" => {
                let pages = ec2.describe_nat_gateways().filter(by_owner).into_paginator().items().send();
                let found = pages.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeNatGateways");
                let exists = |it: &NatGateway| it.state != Some(NatGatewayState::Deleted);
                found.map(|it| it.into_iter().filter(exists).filter_map(|it| it.nat_gateway_id).collect())
            }
            "route-table" => {
                ids!(ec2.describe_route_tables().filters(by_owner), "ec2:DescribeRouteTables", route_table_id)
            }
            "security-group" => {
                ids!(ec2.describe_security_groups().filters(by_owner), "ec2:DescribeSecurityGroups", group_id)
            }
            "vpc-endpoint" => {
                let pages = ec2.describe_vpc_endpoints().filters(by_owner).into_paginator().items().send();
                let found = pages.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeVpcEndpoints");
                let exists = |it: &VpcEndpoint| vpc_endpoint::state_name(it) != "deleted";
                found.map(|it| it.into_iter().filter(exists).filter_map(|it| it.vpc_endpoint_id).collect())
            }
            "launch-template" => {
                let call = ec2.describe_launch_templates().filters(by_owner);
                ids!(call, "ec2:DescribeLaunchTemplates", launch_template_id)
            }
            _ => return Ok(None),
        };
        found.map(Some)
    }
}
