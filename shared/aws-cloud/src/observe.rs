//! One look at everything that is there: all reads at once, then put together.
//!
//! How many calls it takes does not depend on how many subnets, groups or versions there are: one of each of EC2's
//! lists, two for the VPC's DNS attributes, three for the launch template, three of IAM, one of Auto Scaling, two for
//! each of the two log groups; and one more in the rare case that lists contradict each other.

use std::collections::BTreeSet;

use environment::{Live, Scope};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::Problem;
use crate::ids::Look;
use crate::{autoscaling, ec2, iam, logs};

/// What was read, in AWS's own shapes.
struct Read {
    vpcs: Vec<ec2::vpc::Seen>,
    gateways: Vec<aws_sdk_ec2::types::InternetGateway>,
    subnets: Vec<aws_sdk_ec2::types::Subnet>,
    route_tables: Vec<aws_sdk_ec2::types::RouteTable>,
    security_groups: Vec<aws_sdk_ec2::types::SecurityGroup>,
    role: Option<iam::role::Seen>,
    profile: Option<aws_sdk_iam::types::InstanceProfile>,
    log_groups: [Option<logs::log_group::Seen>; 2],
    template: Option<ec2::launch_template::Seen>,
    group: Option<aws_sdk_autoscaling::types::AutoScalingGroup>,
}

/// All that is there within the scope.
pub(crate) async fn observe(aws: &AwsCloud, scope: &Scope) -> Result<Vec<Live>, Problem> {
    // Boxed: with all that runs at once it has 30 KB, which every caller would carry on its stack.
    let mut read = Box::pin(read(&aws.clients, scope)).await?;
    let mut look = aws.ids.look(&scope.owner, &scope.names);
    let unlisted = read.unlisted_vpcs(&look);
    if !unlisted.is_empty() {
        read.vpcs.extend(ec2::vpc::read_unlisted(&aws.clients, unlisted).await?);
    }
    read.put_together(&mut look)?;
    aws.ids.saw(&look);
    Ok(look.found)
}

async fn read(clients: &Clients, scope: &Scope) -> Result<Read, Problem> {
    let Scope { owner, names } = scope;
    let (scaling_log_group, instance_log_group) = (names.scaling_log_group().name, names.instance_log_group().name);
    let network = async {
        tokio::try_join!(
            ec2::vpc::read(clients, owner),
            ec2::internet_gateway::read(clients, owner),
            ec2::subnet::read(clients, owner),
            ec2::route_table::read(clients, owner),
            ec2::security_group::read(clients, owner),
        )
    };
    let by_name = async {
        tokio::try_join!(
            iam::role::read(clients, names),
            iam::instance_profile::read(clients, names),
            logs::log_group::read(clients, &scaling_log_group),
            logs::log_group::read(clients, &instance_log_group),
            ec2::launch_template::read(clients, names),
            autoscaling::group::read(clients, names),
        )
    };
    let (network, by_name) = tokio::try_join!(network, by_name)?;
    let (vpcs, gateways, subnets, route_tables, security_groups) = network;
    let (role, profile, scaling, instance, template, group) = by_name;
    let log_groups = [scaling, instance];
    Ok(Read { vpcs, gateways, subnets, route_tables, security_groups, role, profile, log_groups, template, group })
}

impl Read {
    /// VPCs that something stands in, and that neither their own list shows nor this run made.
    fn unlisted_vpcs(&self, look: &Look<'_>) -> BTreeSet<String> {
        let subnets = self.subnets.iter().filter_map(aws_sdk_ec2::types::Subnet::vpc_id);
        let tables = self.route_tables.iter().filter_map(aws_sdk_ec2::types::RouteTable::vpc_id);
        let groups = self.security_groups.iter().filter_map(aws_sdk_ec2::types::SecurityGroup::vpc_id);
        let gateways = self.gateways.iter().flat_map(ec2::internet_gateway::attached_to);
        let stood_in = subnets.chain(tables).chain(groups).chain(gateways);
        let listed = |id: &str| self.vpcs.iter().any(|it| it.id() == Some(id));
        let unlisted = stood_in.filter(|id| !listed(id) && look.reference(id).key().is_none());
        unlisted.map(str::to_owned).collect()
    }

    /// Kind after kind, each after those that it refers to, whose names are then known.
    fn put_together(&self, look: &mut Look<'_>) -> Result<(), Problem> {
        for it in &self.vpcs {
            look.found.push(ec2::vpc::live(it, look)?);
        }
        for it in &self.gateways {
            look.found.push(ec2::internet_gateway::live(it, look)?);
        }
        for it in &self.subnets {
            look.found.push(ec2::subnet::live(it, look)?);
        }
        for it in &self.route_tables {
            look.found.push(ec2::route_table::live(it, look)?);
        }
        for it in &self.security_groups {
            look.found.push(ec2::security_group::live(it, look)?);
        }
        if let Some(it) = &self.role {
            look.found.push(iam::role::live(it, look));
        }
        if let Some(it) = &self.profile {
            look.found.push(iam::instance_profile::live(it, look));
        }
        for it in self.log_groups.iter().flatten() {
            look.found.push(logs::log_group::live(it, look));
        }
        if let Some(it) = &self.template {
            let live = ec2::launch_template::live(it, look)?;
            look.found.push(live);
        }
        if let Some(it) = &self.group {
            look.found.push(autoscaling::group::live(it, look)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_ec2::types::{InternetGateway, InternetGatewayAttachment, SecurityGroup, Subnet};
    use environment::{Key, Kind, Names};

    #[test]
    fn a_vpc_that_only_others_show_is_looked_up_unless_this_run_made_it() {
        let attachment = InternetGatewayAttachment::builder().vpc_id("vpc-2").build();
        let read = Read {
            vpcs: vec![],
            gateways: vec![InternetGateway::builder().attachments(attachment).build()],
            subnets: vec![Subnet::builder().vpc_id("vpc-1").build()],
            route_tables: vec![],
            security_groups: vec![SecurityGroup::builder().vpc_id("vpc-3").build()],
            role: None,
            profile: None,
            log_groups: [None, None],
            template: None,
            group: None,
        };
        let names = Names { project: "p".into(), region: "eu-west-1".into(), suffix: "dev".into() };
        let ids = Ids::default();
        ids.made(&Key::new(Kind::Vpc, "the-vpc"), "vpc-3");
        let unlisted = read.unlisted_vpcs(&ids.look("owner", &names));
        assert_eq!(unlisted, BTreeSet::from(["vpc-1".into(), "vpc-2".into()]));
    }
}
