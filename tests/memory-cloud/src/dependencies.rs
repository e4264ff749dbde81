//! Dependency checks: the conditions under which the real services reject a call.

use std::collections::BTreeMap;

use environment::{
    Bucket, BucketSetting, CallError, Fields, InstanceProfileSetting, InternetGatewaySetting, Key, Kind, Resource,
    RouteTableSetting, Setting, Timestamp,
};

use crate::rules::retry;
use crate::state::StoredResource;

pub(crate) fn check_set(
    stored_resources: &[StoredResource],
    at: usize,
    setting: &Setting,
    now: Timestamp,
) -> Result<(), CallError> {
    let target = &stored_resources[at];
    let name = target.resource().map(|it| it.key().to_string()).unwrap_or_default();
    let others =
        || stored_resources.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, it)| it.resource());
    let reject = |message: &str| Err(CallError::Rejected { message: format!("{name}: {message}") });
    match setting {
        // A VPC has at most one internet gateway (the VPC user guide).
        Setting::InternetGateway(InternetGatewaySetting::Attachment(vpc)) => {
            let has_gateway = others().any(
                |it| matches!(&it.fields, Fields::InternetGateway(other) if other.attached_to.as_ref() == Some(vpc)),
            );
            if has_gateway { reject("the VPC already has an internet gateway") } else { Ok(()) }
        }
        // A route needs a usable gateway: an internet gateway that is attached, or a NAT gateway that is available.
        Setting::RouteTable(RouteTableSetting::DefaultRoute(nat))
            if nat.key().is_some_and(|it| it.kind == Kind::NatGateway) =>
        {
            let available =
                stored_resources.iter().any(|it| nat.key().is_some_and(|nat| it.is(nat)) && it.ready_at <= now);
            if available { Ok(()) } else { reject("InvalidNatGatewayID.NotFound: it is pending") }
        }
        Setting::RouteTable(RouteTableSetting::DefaultRoute(gateway)) => {
            let attached = others().any(|it| {
                gateway.key() == Some(&it.key())
                    && matches!(&it.fields, Fields::InternetGateway(gateway) if gateway.attached_to.is_some())
            });
            if attached { Ok(()) } else { Err(retry(format!("{name}: the gateway is not attached"))) }
        }
        // Resource.AlreadyAssociated: a subnet is associated with one route table.
        Setting::RouteTable(RouteTableSetting::Association(subnet)) => {
            let elsewhere =
                others().any(|it| matches!(&it.fields, Fields::RouteTable(table) if table.serves.contains(subnet)));
            if elsewhere { reject("the subnet is associated with another route table") } else { Ok(()) }
        }
        // LimitExceeded: an instance profile has at most one role.
        Setting::InstanceProfile(InstanceProfileSetting::Role(role)) => match target.resource().map(|it| &it.fields) {
            Some(Fields::InstanceProfile(profile)) if profile.role.as_ref().is_some_and(|other| other != role) => {
                reject("the instance profile already has a role")
            }
            _ => Ok(()),
        },
        // S3 accepts a target whose policy does not allow log delivery (recorded on AWS, September 2026: stackd 9dc356f5,
        // `s3/logging_control_replay`), and the logs are lost: the policy has to be set first.
        Setting::Bucket(BucketSetting::AccessLogs(logs)) => {
            let allows_delivery = others().any(|it| {
                logs.to.key() == Some(&it.key())
                    && matches!(&it.fields, Fields::Bucket(Bucket { policy: Some(policy), .. }) if policy.contains("logging.s3.amazonaws.com"))
            });
            if allows_delivery { Ok(()) } else { reject("the target bucket's policy does not allow log delivery") }
        }
        _ => Ok(()),
    }
}

/// The consistency rules that AWS checks for a whole resource after a change.
pub(crate) fn check_consistency(resource: &Resource) -> Result<(), CallError> {
    let problem = match &resource.fields {
        Fields::AutoScalingGroup(group) if group.min_size > group.max_size => "MinSize is over MaxSize",
        Fields::Vpc(vpc) if vpc.dns_hostnames && !vpc.dns_support => "DNS hostnames need DNS support",
        _ => return Ok(()),
    };
    Err(CallError::Rejected { message: format!("{}: ValidationError: {problem}", resource.key()) })
}

/// `DependencyViolation`, `DeleteConflict`, `ResourceInUse`: the dependencies that block a delete (ARCHITECTURE,
/// Facts).
pub(crate) fn check_delete(stored_resources: &[StoredResource], at: usize, instances: usize) -> Result<(), CallError> {
    let target = &stored_resources[at];
    let Some(resource) = target.resource() else { return Ok(()) };
    let is_referenced_by = |kinds: &[Kind]| {
        let references =
            |it: &&StoredResource| it.now().is_some_and(|version| version.links.values().any(|id| *id == target.id));
        let mut referencing_kinds =
            stored_resources.iter().filter(references).filter_map(StoredResource::resource).map(Resource::kind);
        referencing_kinds.any(|kind| kinds.contains(&kind) && (kind != Kind::AutoScalingGroup || instances > 0))
    };
    let blocked = match &resource.fields {
        Fields::Vpc(_) => is_referenced_by(&[
            Kind::InternetGateway,
            Kind::Subnet,
            Kind::RouteTable,
            Kind::SecurityGroup,
            Kind::VpcEndpoint,
        ]),
        Fields::InternetGateway(gateway) => gateway.attached_to.is_some(),
        Fields::Subnet(_) => is_referenced_by(&[Kind::AutoScalingGroup, Kind::NatGateway, Kind::VpcEndpoint]),
        // A release that comes too early fails with a misleading AuthFailure, which `aws-cloud` distinguishes.
        Fields::Address(_) => is_referenced_by(&[Kind::NatGateway]),
        Fields::RouteTable(table) => !table.serves.is_empty(),
        Fields::SecurityGroup(_) => {
            (instances > 0 && is_referenced_by(&[Kind::LaunchTemplate]))
                || is_referenced_by(&[Kind::VpcEndpoint, Kind::SecurityGroup])
        }
        Fields::Role(role) => {
            !role.managed_policies.is_empty()
                || !role.inline_policies.is_empty()
                || is_referenced_by(&[Kind::InstanceProfile])
        }
        Fields::InstanceProfile(profile) => profile.role.is_some(),
        Fields::Bucket(bucket) => bucket.contains_objects,
        _ => false,
    };
    if blocked { Err(retry(format!("{} is in use", resource.key()))) } else { Ok(()) }
}

/// `DependencyViolation`: an internet gateway cannot be detached while the VPC has mapped public addresses.
pub(crate) fn check_clear(
    stored_resources: &[StoredResource],
    setting: &Setting,
    links: &BTreeMap<Key, String>,
) -> Result<(), CallError> {
    let within = |stored: &StoredResource| {
        stored.now().is_some_and(|it| it.links.values().any(|id| links.values().any(|vpc| vpc == id)))
    };
    let subnets: Vec<&String> = stored_resources.iter().filter(|it| within(it)).map(|it| &it.id).collect();
    let nat = stored_resources.iter().any(|it| {
        let is_nat = it.resource().is_some_and(|it| it.kind() == Kind::NatGateway);
        is_nat && it.now().is_some_and(|it| it.links.values().any(|id| subnets.contains(&id)))
    });
    match setting {
        Setting::InternetGateway(InternetGatewaySetting::Attachment(_)) if nat => {
            Err(retry(String::from("the VPC has mapped public addresses")))
        }
        _ => Ok(()),
    }
}
