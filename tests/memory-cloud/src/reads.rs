//! The number of calls that an observation takes on AWS: those of `aws-cloud`, whose test `local_cloud/reads.rs` counts
//! them for a whole environment.

use std::collections::BTreeSet;

use environment::{Fields, Kind, ObservedResource, Resource};

/// Every kind, in the order of the adapters' reads.
const KINDS: [Kind; 18] = [
    Kind::Vpc,
    Kind::InternetGateway,
    Kind::Subnet,
    Kind::Address,
    Kind::NatGateway,
    Kind::RouteTable,
    Kind::SecurityGroup,
    Kind::VpcEndpoint,
    Kind::Bucket,
    Kind::Role,
    Kind::InstanceProfile,
    Kind::LogGroup,
    Kind::LaunchTemplate,
    Kind::AutoScalingGroup,
    Kind::ScalingPolicy,
    Kind::Alarm,
    Kind::Dashboard,
    Kind::SavedQuery,
];

/// The calls of an observation of these kinds, or of all, that found `observed`.
pub(crate) fn count(kinds: Option<&BTreeSet<Kind>>, observed: &[ObservedResource]) -> usize {
    let read = KINDS.iter().filter(|kind| kinds.is_none_or(|kinds| kinds.contains(kind)));
    let found = |kind: Kind| observed.iter().filter(move |it| it.key().kind == kind);
    read.map(|kind| match kind {
        // The group, its hooks and its instances; of an awaited group, its hooks while it is drained. Not its activities, which
        // are read while instances are missing.
        Kind::AutoScalingGroup if kinds.is_none() => 3,
        Kind::AutoScalingGroup => 1 + usize::from(found(*kind).any(|it| is_drained(&it.resource))),
        kind => of_kind(*kind, found(*kind).count()),
    })
    .sum()
}

fn is_drained(resource: &Resource) -> bool {
    matches!(&resource.fields, Fields::AutoScalingGroup(group) if group.max_size == 0)
}

/// One list for most kinds. A kind with computed names takes its calls for each name, and more for each resource that
/// exists.
fn of_kind(kind: Kind, found: usize) -> usize {
    match kind {
        Kind::Vpc => 1 + 2 * found,
        Kind::Bucket => 2 + 7 * found,
        Kind::Role => 3 + found,
        Kind::LogGroup | Kind::LaunchTemplate => 2 + found,
        _ => 1,
    }
}
