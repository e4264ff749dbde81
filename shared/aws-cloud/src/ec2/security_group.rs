//! Security groups. `CreateSecurityGroup` has no client token, but a group's name is unique within the VPC.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, UserIdGroupPair};
use environment::{
    Call, CallKind, Fields, ForeignIngress, IngressSource, Key, Kind, ObservedResource, Ownership, Ref, Resource,
    SecurityGroup, SecurityGroupSetting, Setting, State,
};

use super::{interfaces, owned_by, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;

pub(crate) use aws_sdk_ec2::types::SecurityGroup as Found;

const DESCRIBE: &str = "ec2:DescribeSecurityGroups";

const HTTPS: i32 = 443;

/// Lists the owner's security groups.
pub(crate) async fn read(clients: &Clients, owner: &str) -> Result<Vec<Found>, Problem> {
    let pages = clients.ec2.describe_security_groups().filters(owned_by(owner)).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.classified(DESCRIBE)
}

/// The security group in the form of the engine, with the name of its creation, which cannot change.
///
/// Rules with another source than an owned group, or with another port than 443, are foreign.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let id = found.group_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "id"))?;
    let vpc = found.vpc_id().ok_or_else(|| Problem::unreadable(DESCRIBE, "VPC"))?;
    let tags = tags::read(found.tags());
    let allowed = https_pairs(found).filter_map(UserIdGroupPair::group_id);
    let is_owned = |id: &&str| observation.reference(id).key().is_some();
    let from: Vec<&str> = allowed.filter(is_owned).collect();
    let group = SecurityGroup {
        vpc: observation.reference(vpc),
        description: found.description().unwrap_or_default().to_owned(),
        https_from: from.iter().map(|id| observation.reference(id)).collect(),
        foreign_ingress: foreign_ingress(found, &from),
    };
    Ok(ObservedResource {
        id: Some(id.to_owned()),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        resource: Resource {
            name: name(found, id, observation).to_owned(),
            tags,
            fields: Fields::SecurityGroup(group),
        },
        state: State::Ready,
        references: std::iter::once(vpc).chain(from).map(str::to_owned).collect(),
        version: None,
    })
}

/// Records the name of an owned group: rules refer to groups that come later in the list.
pub(crate) fn record_name(found: &Found, observation: &mut Observation<'_>) {
    let Some(id) = found.group_id() else { return };
    if ObservedResource::ownership(&tags::read(found.tags()), observation.owner) == Ownership::Owned {
        let key = Key::new(Kind::SecurityGroup, name(found, id, observation));
        observation.record_listed(key, id);
    }
}

fn name<'a>(found: &'a Found, id: &'a str, observation: &'a Observation<'_>) -> &'a str {
    observation.recorded_name(Kind::SecurityGroup, id).or(found.group_name()).unwrap_or(id)
}

/// The groups that a rule for port 443 alone lets in.
fn https_pairs(found: &Found) -> impl Iterator<Item = &UserIdGroupPair> {
    found.ip_permissions().iter().filter(|it| is_https(it)).flat_map(IpPermission::user_id_group_pairs)
}

fn is_https(rule: &IpPermission) -> bool {
    rule.ip_protocol() == Some("tcp") && (rule.from_port(), rule.to_port()) == (Some(HTTPS), Some(HTTPS))
}

/// The sources of all ingress rules, without those for port 443 from the owned groups.
fn foreign_ingress(found: &Found, owned: &[&str]) -> BTreeSet<ForeignIngress> {
    let of_rule = |rule: &IpPermission| {
        let networks = rule.ip_ranges().iter().filter_map(IpRange::cidr_ip);
        let networks = networks.chain(rule.ipv6_ranges().iter().filter_map(Ipv6Range::cidr_ipv6)).map(source);
        let lists = rule.prefix_list_ids().iter().filter_map(PrefixListId::prefix_list_id);
        let is_own = is_https(rule);
        let groups = rule.user_id_group_pairs().iter().filter_map(UserIdGroupPair::group_id);
        let groups = groups.filter(|id| !(is_own && owned.contains(id)));
        let others = lists.chain(groups).map(|id| IngressSource::Other(id.to_owned()));
        let traffic = traffic(rule);
        networks.chain(others).map(|from| ForeignIngress { from, traffic: traffic.clone() }).collect::<Vec<_>>()
    };
    found.ip_permissions().iter().flat_map(of_rule).collect()
}

fn source(network: &str) -> IngressSource {
    if network.ends_with("/0") {
        IngressSource::Public(network.to_owned())
    } else {
        IngressSource::Other(network.to_owned())
    }
}

/// The protocol, and the ports of a rule that has them: `-1` stands for all traffic, and for all types of ICMP (EC2 API
/// reference, `IpPermission`).
fn traffic(rule: &IpPermission) -> String {
    let protocol = rule.ip_protocol().unwrap_or_default();
    match (protocol, rule.from_port(), rule.to_port()) {
        ("-1", ..) => String::from("all traffic"),
        (_, Some(from), Some(to)) if from == to && from >= 0 => format!("{protocol} {from}"),
        (_, Some(from), Some(to)) if from >= 0 => format!("{protocol} {from}-{to}"),
        _ => protocol.to_owned(),
    }
}

fn https_from(pair: UserIdGroupPair) -> IpPermission {
    IpPermission::builder().ip_protocol("tcp").from_port(HTTPS).to_port(HTTPS).user_id_group_pairs(pair).build()
}

/// Executes one call on a security group.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => create(aws, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::SecurityGroup(SecurityGroupSetting::HttpsFrom(group))] => authorize(aws, call, group).await,
            settings => tags::set(aws, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::SecurityGroup(SecurityGroupSetting::HttpsFrom(group))] => revoke(aws, call, group).await,
            settings => tags::clear(aws, call, settings).await,
        },
        CallKind::Delete => delete(aws, call).await,
        CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

/// Creates the group. AWS creates it in the desired state: without ingress, and with all egress allowed.
async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::SecurityGroup(group) = &resource.fields else { return Err(Problem::unsupported_call(call)) };
    let vpc = aws.ids.of_ref(call.operation(), &group.vpc)?;
    let request = aws.clients.ec2.create_security_group().vpc_id(&vpc).group_name(&call.key.name);
    let request = request.description(&group.description);
    let request = request.tag_specifications(tags::at_creation(ResourceType::SecurityGroup, &resource.tags));
    let response = match request.send().await.classified(call.operation()) {
        Err(problem) if problem.class == ErrorClass::AlreadyExists => {
            return Err(name_conflict(aws, call, problem, &vpc).await?);
        }
        other => other?,
    };
    aws.ids.record_created(&call.key, response.group_id().ok_or_else(|| Problem::unreadable(call.operation(), "id"))?);
    Ok(())
}

/// Classifies a name that exists in the VPC. An observation finds groups by their owner, so this finds the group by its
/// name and checks its ownership.
async fn name_conflict(aws: &AwsCloud, call: &Call, problem: Problem, vpc: &str) -> Result<Problem, Problem> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let request = aws.clients.ec2.describe_security_groups().filters(filter("vpc-id", vpc));
    let response = request.filters(filter("group-name", &call.key.name)).send().await.classified(DESCRIBE)?;
    let Some(found) = response.security_groups().first() else { return Ok(problem) };
    let reason = match ObservedResource::ownership(&tags::read(found.tags()), &aws.owner) {
        Ownership::Owned => return Ok(problem),
        Ownership::Foreign(reason) | Ownership::Hidden(reason) => reason,
        Ownership::Unproven => format!("it {}", Ownership::UNPROVEN),
        Ownership::Retained(of) => format!("the environment {of} retained it"),
    };
    let id = found.group_id().unwrap_or_default();
    let message = format!("{id} has this name in {vpc}, and is not this environment's: {reason}. Remove it");
    Ok(Problem { class: ErrorClass::Rejected, message, ..problem })
}

async fn authorize(aws: &AwsCloud, call: &Call, group: &Ref) -> Result<(), Problem> {
    let pair = UserIdGroupPair::builder().group_id(aws.ids.of_ref(call.operation(), group)?).build();
    let request = aws.clients.ec2.authorize_security_group_ingress().group_id(aws.ids.of_call(call)?);
    match request.ip_permissions(https_from(pair)).send().await.classified(call.operation()) {
        // The rule already exists.
        Err(problem) if problem.class == ErrorClass::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Revokes the rule as EC2 lists it, with its description. A name can stand for two groups.
async fn revoke(aws: &AwsCloud, call: &Call, group: &Ref) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let candidates = aws.ids.all_ids(group);
    let request = aws.clients.ec2.describe_security_groups().group_ids(&id);
    let Some(response) = request.send().await.classified(DESCRIBE).none_if_not_found()? else { return Ok(()) };
    let pairs = response.security_groups().iter().flat_map(https_pairs);
    for pair in pairs.filter(|it| it.group_id().is_some_and(|id| candidates.contains(id))) {
        let request = aws.clients.ec2.revoke_security_group_ingress().group_id(&id);
        let request = request.ip_permissions(https_from(pair.clone()));
        request.send().await.classified(call.operation()).none_if_not_found()?;
    }
    Ok(())
}

async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let id = aws.ids.of_call(call)?;
    let response = aws.clients.ec2.delete_security_group().group_id(&id).send().await.classified(call.operation());
    if let Err(problem) = response.none_if_not_found() {
        return Err(interfaces::with_blocking_interfaces(aws, problem, "group-id", &id).await);
    }
    aws.ids.record_deleted(&id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::Names;

    fn pair(group: &str) -> UserIdGroupPair {
        UserIdGroupPair::builder().group_id(group).build()
    }

    #[test]
    fn only_rules_that_let_owned_groups_in_by_https_are_read() {
        let elsewhere = IpPermission::builder().ip_protocol("tcp").from_port(HTTPS).to_port(444);
        let shell = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(23);
        let all = IpPermission::builder().ip_protocol("-1");
        let found = Found::builder()
            .group_id("sg-1")
            .group_name("endpoints")
            .vpc_id("vpc-1")
            .ip_permissions(https_from(pair("sg-2")))
            .ip_permissions(https_from(pair("sg-9")))
            .ip_permissions(elsewhere.user_id_group_pairs(pair("sg-3")).build())
            .ip_permissions(shell.ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build()).build())
            .ip_permissions(all.ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build()).build())
            .build();
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::SecurityGroup, "instances"), "sg-2");
        ids.record_created(&Key::new(Kind::SecurityGroup, "others"), "sg-3");
        let account = "123456789012".into();
        let names = Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() };
        let observed = observed(&found, &ids.observation("owner", &names)).unwrap();
        let Fields::SecurityGroup(group) = observed.resource.fields else { panic!("{:?}", observed.resource) };
        assert_eq!(group.https_from, BTreeSet::from([Ref::owned(Kind::SecurityGroup, "instances")]));
        let foreign: Vec<String> = group.foreign_ingress.iter().map(ToString::to_string).collect();
        assert_eq!(
            foreign,
            [
                "all traffic from ::/0 (public)",
                "tcp 22-23 from 10.0.0.0/8",
                "tcp 443-444 from sg-3",
                "tcp 443 from sg-9"
            ]
        );
        assert_eq!(observed.references, ["vpc-1", "sg-2"]);
    }
}
