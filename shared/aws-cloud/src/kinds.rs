//! Every kind of resource: the one observation of all of them, and the file that sends the calls of each.
//!
//! An observation runs all reads at once, then combines their results.
//!
//! The number of calls for a whole environment does not depend on the number of zones, subnets or versions:
//! - EC2 14: one for each of its eight lists, two for the VPC's DNS attributes, three for the launch template, one for the group's
//!   instances;
//! - Auto Scaling 3: the group, its hooks, its policies; and its activities, if instances are missing;
//! - IAM 5: four for the role with its one inline policy, one for the profile;
//! - S3 16: eight for each of the two buckets;
//! - CloudWatch 2: alarms, the dashboard;
//! - Logs 5: two for each of the two log groups, one for saved queries.
//!
//! In an existing network, EC2 takes 13: no owned VPC has attributes, and the VPC of the owned security group is looked
//! up. An owned VPC is looked up as well in the rare case that lists contradict each other.
//!
//! While a run waits for a NAT gateway or an endpoint alone, an observation is one call; for the group, one, and one more for its
//! activities while instances are missing, or for its hooks while it is drained. A rollout
//! has an observation of its own (`rollout`).

use std::collections::{BTreeMap, BTreeSet};

use environment::{Call, Kind, Names, ObservedResource, Scope, standings};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::Problem;
use crate::ids::Observation;
use crate::{autoscaling, cloudwatch, ec2, iam, logs, s3};

/// Sends one call. Returns the id of a started refresh.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<Option<String>, Problem> {
    let done = match call.key.kind {
        Kind::Vpc => ec2::vpc::call(aws, call).await,
        Kind::InternetGateway => ec2::internet_gateway::call(aws, call).await,
        Kind::Subnet => ec2::subnet::call(aws, call).await,
        Kind::Address => ec2::address::call(aws, call).await,
        Kind::NatGateway => ec2::nat_gateway::call(aws, call).await,
        Kind::RouteTable => ec2::route_table::call(aws, call).await,
        Kind::SecurityGroup => ec2::security_group::call(aws, call).await,
        Kind::VpcEndpoint => ec2::vpc_endpoint::call(aws, call).await,
        Kind::Bucket => s3::bucket::call(aws, call).await,
        Kind::Role => iam::role::call(aws, call).await,
        Kind::InstanceProfile => iam::instance_profile::call(aws, call).await,
        Kind::LogGroup => logs::log_group::call(aws, call).await,
        Kind::LaunchTemplate => ec2::launch_template::call(aws, call).await,
        Kind::AutoScalingGroup => return autoscaling::group::call(aws, call).await,
        Kind::ScalingPolicy => autoscaling::scaling_policy::call(aws, call).await,
        Kind::Alarm => cloudwatch::alarm::call(aws, call).await,
        Kind::Dashboard => cloudwatch::dashboard::call(aws, call).await,
        Kind::SavedQuery => logs::saved_query::call(aws, call).await,
    };
    done.map(|()| None)
}

/// The results of all reads, in AWS's own shapes.
struct Read {
    network: Network,
    named: Named,
}

/// The resources that carry the owner's tag.
#[derive(Default)]
struct Network {
    vpcs: Vec<ec2::vpc::VpcAttributes>,
    gateways: Vec<aws_sdk_ec2::types::InternetGateway>,
    subnets: Vec<aws_sdk_ec2::types::Subnet>,
    addresses: Vec<ec2::address::Found>,
    nat_gateways: Vec<ec2::nat_gateway::Found>,
    route_tables: Vec<aws_sdk_ec2::types::RouteTable>,
    security_groups: Vec<aws_sdk_ec2::types::SecurityGroup>,
    endpoints: Vec<ec2::vpc_endpoint::Found>,
}

/// The resources that have a computed name.
#[derive(Default)]
struct Named {
    buckets: Vec<s3::bucket::BucketAttributes>,
    role: Option<iam::role::RoleAttributes>,
    profile: Option<aws_sdk_iam::types::InstanceProfile>,
    log_groups: [Option<logs::log_group::LogGroupAttributes>; 2],
    template: Option<ec2::launch_template::TemplateAttributes>,
    group: Option<autoscaling::group::GroupAttributes>,
    policies: Vec<autoscaling::scaling_policy::Found>,
    alarms: Vec<cloudwatch::alarm::Found>,
    dashboard: Vec<cloudwatch::dashboard::Found>,
    queries: Vec<logs::saved_query::Found>,
}

/// The kinds that an observation reads.
#[derive(Clone, Copy)]
enum Kinds<'a> {
    All,
    Only(&'a BTreeSet<Kind>),
}

impl Kinds<'_> {
    /// The result of `read` if the kind is read, else nothing. Boxed: otherwise every caller would carry the futures of all
    /// kinds on its stack.
    async fn of<T: Default, F>(self, kind: Kind, read: impl FnOnce() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        match self {
            Kinds::Only(kinds) if !kinds.contains(&kind) => Ok(T::default()),
            Kinds::All | Kinds::Only(_) => Box::pin(read()).await,
        }
    }
}

/// Observes the resources of these kinds within the scope, without what follows from other kinds.
pub(crate) async fn observe_kinds(
    aws: &AwsCloud,
    scope: &Scope,
    kinds: &BTreeSet<Kind>,
) -> Result<Vec<ObservedResource>, Problem> {
    let read = Box::pin(read(&aws.clients, scope, Kinds::Only(kinds))).await?;
    let mut observation = aws.ids.observation(&scope.owner, &scope.names).with(&scope.proofs, BTreeMap::new());
    read.add_to(&mut observation)?;
    Ok(observation.found)
}

/// Observes every resource within the scope.
pub(crate) async fn observe(aws: &AwsCloud, scope: &Scope) -> Result<Vec<ObservedResource>, Problem> {
    // Boxed: the future of all concurrent reads has 30 KB, which every caller would carry on its stack.
    let mut read = Box::pin(read(&aws.clients, scope, Kinds::All)).await?;
    let start = |standings| aws.ids.observation(&scope.owner, &scope.names).with(&scope.proofs, standings);
    let mut observation = start(BTreeMap::new());
    let unlisted = read.network.unlisted_vpcs(&observation);
    if !unlisted.is_empty() {
        read.network.vpcs.extend(ec2::vpc::read_unlisted(&aws.clients, unlisted).await?);
    }
    read.add_to(&mut observation)?;
    let standings = standings(&observation.found, scope);
    if !standings.is_empty() {
        // Once more, so that no reference takes a copy for the resource of that name.
        observation = start(standings);
        read.add_to(&mut observation)?;
    }
    aws.ids.replace_observed(&observation);
    Ok(observation.found)
}

async fn read(clients: &Clients, scope: &Scope, kinds: Kinds<'_>) -> Result<Read, Problem> {
    let (network, named) =
        tokio::try_join!(network(clients, &scope.owner, kinds), named(clients, &scope.names, kinds))?;
    Ok(Read { network, named })
}

async fn network(clients: &Clients, owner: &str, kinds: Kinds<'_>) -> Result<Network, Problem> {
    let (vpcs, gateways, subnets, addresses, nat_gateways, route_tables, security_groups, endpoints) = tokio::try_join!(
        kinds.of(Kind::Vpc, || ec2::vpc::read(clients, owner)),
        kinds.of(Kind::InternetGateway, || ec2::internet_gateway::read(clients, owner)),
        kinds.of(Kind::Subnet, || ec2::subnet::read(clients, owner)),
        kinds.of(Kind::Address, || ec2::address::read(clients, owner)),
        kinds.of(Kind::NatGateway, || ec2::nat_gateway::read(clients, owner)),
        kinds.of(Kind::RouteTable, || ec2::route_table::read(clients, owner)),
        kinds.of(Kind::SecurityGroup, || ec2::security_group::read(clients, owner)),
        kinds.of(Kind::VpcEndpoint, || ec2::vpc_endpoint::read(clients, owner)),
    )?;
    Ok(Network { vpcs, gateways, subnets, addresses, nat_gateways, route_tables, security_groups, endpoints })
}

async fn named(clients: &Clients, names: &Names, kinds: Kinds<'_>) -> Result<Named, Problem> {
    let (scaling_log_group, instance_log_group) = (names.scaling_log_group().name, names.instance_log_group().name);
    let (buckets, role, profile, scaling, instance, template, group, policies, alarms, dashboard, queries) = tokio::try_join!(
        kinds.of(Kind::Bucket, || s3::bucket::read(clients, names)),
        kinds.of(Kind::Role, || iam::role::read(clients, names)),
        kinds.of(Kind::InstanceProfile, || iam::instance_profile::read(clients, names)),
        kinds.of(Kind::LogGroup, || logs::log_group::read(clients, &scaling_log_group)),
        kinds.of(Kind::LogGroup, || logs::log_group::read(clients, &instance_log_group)),
        kinds.of(Kind::LaunchTemplate, || ec2::launch_template::read(clients, names)),
        kinds.of(Kind::AutoScalingGroup, async || match kinds {
            Kinds::All => autoscaling::group::read(clients, names).await,
            Kinds::Only(_) => autoscaling::group::read_awaited(clients, names).await,
        }),
        kinds.of(Kind::ScalingPolicy, || autoscaling::scaling_policy::read(clients, names)),
        kinds.of(Kind::Alarm, || cloudwatch::alarm::read(clients, names)),
        kinds.of(Kind::Dashboard, || cloudwatch::dashboard::read(clients, names)),
        kinds.of(Kind::SavedQuery, || logs::saved_query::read(clients, names)),
    )?;
    let log_groups = [scaling, instance];
    Ok(Named { buckets, role, profile, log_groups, template, group, policies, alarms, dashboard, queries })
}

impl Network {
    /// VPCs that contain a listed resource, and that neither the list of VPCs shows nor this run created.
    fn unlisted_vpcs(&self, observation: &Observation<'_>) -> BTreeSet<String> {
        let subnets = self.subnets.iter().filter_map(aws_sdk_ec2::types::Subnet::vpc_id);
        let tables = self.route_tables.iter().filter_map(aws_sdk_ec2::types::RouteTable::vpc_id);
        let groups = self.security_groups.iter().filter_map(aws_sdk_ec2::types::SecurityGroup::vpc_id);
        let gateways = self.gateways.iter().flat_map(ec2::internet_gateway::attached_to);
        let containing = subnets.chain(tables).chain(groups).chain(gateways);
        let listed = |id: &str| self.vpcs.iter().any(|it| it.id() == Some(id));
        let unlisted = containing.filter(|id| !listed(id) && observation.reference(id).key().is_none());
        unlisted.map(str::to_owned).collect()
    }
}

impl Read {
    /// Adds kind after kind, each after the kinds that it refers to, so that their names are known.
    fn add_to(&self, observation: &mut Observation<'_>) -> Result<(), Problem> {
        self.network.add_to(observation)?;
        self.named.add_to(observation)
    }
}

impl Network {
    fn add_to(&self, observation: &mut Observation<'_>) -> Result<(), Problem> {
        each(&self.vpcs, observation, ec2::vpc::observed)?;
        each(&self.gateways, observation, ec2::internet_gateway::observed)?;
        each(&self.subnets, observation, ec2::subnet::observed)?;
        each(&self.addresses, observation, ec2::address::observed)?;
        each(&self.nat_gateways, observation, ec2::nat_gateway::observed)?;
        each(&self.route_tables, observation, ec2::route_table::observed)?;
        for group in &self.security_groups {
            ec2::security_group::record_name(group, observation);
        }
        each(&self.security_groups, observation, ec2::security_group::observed)?;
        each(&self.endpoints, observation, ec2::vpc_endpoint::observed)
    }
}

impl Named {
    fn add_to(&self, observation: &mut Observation<'_>) -> Result<(), Problem> {
        each(&self.buckets, observation, s3::bucket::observed)?;
        each(&self.role, observation, |it, observation| Ok(iam::role::observed(it, observation)))?;
        each(&self.profile, observation, |it, observation| Ok(iam::instance_profile::observed(it, observation)))?;
        each(self.log_groups.iter().flatten(), observation, |it, observation| {
            Ok(logs::log_group::observed(it, observation))
        })?;
        if let Some(it) = &self.template {
            let observed = ec2::launch_template::observed(it, observation)?;
            observation.add(observed);
        }
        each(&self.group, observation, autoscaling::group::observed)?;
        // A policy belongs to the owner of its group. Policies are left out until the group is listed.
        if self.group.is_some() {
            each(&self.policies, observation, autoscaling::scaling_policy::observed)?;
        }
        each(&self.alarms, observation, cloudwatch::alarm::observed)?;
        each(&self.dashboard, observation, cloudwatch::dashboard::observed)?;
        each(&self.queries, observation, logs::saved_query::observed)
    }
}

/// Adds the resources of one kind.
fn each<'s, T: 's>(
    all: impl IntoIterator<Item = &'s T>,
    observation: &mut Observation<'_>,
    observed: impl Fn(&T, &Observation<'_>) -> Result<ObservedResource, Problem>,
) -> Result<(), Problem> {
    for it in all {
        let observed = observed(it, observation)?;
        observation.add(observed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_ec2::types::{InternetGateway, InternetGatewayAttachment, SecurityGroup, Subnet};
    use environment::{Key, Kind};

    #[test]
    fn a_vpc_that_only_other_lists_show_is_looked_up_unless_this_run_created_it() {
        let attachment = InternetGatewayAttachment::builder().vpc_id("vpc-2").build();
        let network = Network {
            gateways: vec![InternetGateway::builder().attachments(attachment).build()],
            subnets: vec![Subnet::builder().vpc_id("vpc-1").build()],
            security_groups: vec![SecurityGroup::builder().vpc_id("vpc-3").build()],
            ..Network::default()
        };
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::Vpc, "the-vpc"), "vpc-3");
        let unlisted = network.unlisted_vpcs(&ids.observation("owner", &names));
        assert_eq!(unlisted, BTreeSet::from(["vpc-1".into(), "vpc-2".into()]));
    }
}
