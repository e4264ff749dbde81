use std::collections::BTreeMap;

use super::{Limit, VcpuFamily};
use crate::desired::{Facts, InstanceTypeFacts};
use crate::engine::cloud::{CallKind, ObservedResource, Ownership};
use crate::engine::plan::{Action, Plan, Step};
use crate::input::rollout_settings::RolloutMode;
use crate::input::spec::Spec;
use crate::model::kind::Kind;
use crate::model::kinds::{AutoScalingGroupSetting, Reach, TemplateChange};
use crate::model::resource::{Fields, Resource, Setting};
use crate::rollout::pace;

/// What a plan takes of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The limit.
    pub limit: Limit,
    /// The zone, for a limit of a zone.
    pub within: Option<String>,
    /// The number without which the request cannot succeed. What the same plan removes is deducted.
    pub least: u32,
    /// The number that the environment may come to use.
    pub most: u32,
}

/// The inputs of [`needs`] beside the plan.
#[derive(Clone, Copy, Debug)]
pub struct NeedInputs<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// The facts about the spec.
    pub facts: &'a Facts,
    /// The desired resources.
    pub desired: &'a [Resource],
    /// Whether the request waits until `MinSize` instances are in service. A request that does not wait succeeds without
    /// them.
    pub waits_for_instances: bool,
    /// The running instances of the group.
    pub running: u32,
}

/// What a plan takes of the limits of its account: only what it creates, or what grows by it. A plan that does neither
/// has no needs. In the order of the limits.
#[must_use]
pub fn needs(plan: &Plan, inputs: &NeedInputs<'_>) -> Vec<Need> {
    let mut created: BTreeMap<(Limit, Option<String>), u32> = BTreeMap::new();
    for resource in plan.steps.iter().filter_map(created_resource) {
        let (limit, zone) = (limit_of(resource), zone_of(resource, inputs.desired));
        // Without its zone, a gateway cannot be compared with a quota.
        let Some(limit) = limit.filter(|limit| *limit != Limit::NatGateways || zone.is_some()) else { continue };
        *created.entry((limit, zone)).or_default() += 1;
    }
    let removed = |limit: Limit| {
        let steps = plan.steps.iter().filter(|step| step.action == Action::Delete);
        let count = steps.filter(|step| removable(step.key.kind) == Some(limit)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let of_resources = created.into_iter().map(|((limit, within), most)| {
        let least = most.saturating_sub(removed(limit));
        Need { limit, within, least, most }
    });
    of_resources.chain(needs_of_instances(plan, inputs)).collect()
}

fn created_resource(step: &Step) -> Option<&Resource> {
    step.calls.iter().find_map(|call| match &call.kind {
        CallKind::Create(resource) => Some(resource.as_ref()),
        _ => None,
    })
}

/// The limit that a new resource counts towards.
fn limit_of(resource: &Resource) -> Option<Limit> {
    match &resource.fields {
        Fields::VpcEndpoint(endpoint) => match endpoint.reach {
            Reach::Gateway { .. } => Some(Limit::GatewayEndpoints),
            Reach::Interface { .. } => None,
        },
        _ => removable(resource.kind()),
    }
}

/// The limit that a removed resource of the kind may have counted towards. A plan does not show the zone of a NAT gateway that
/// it deletes, nor the type of an endpoint: every one counts, so that no request is refused by mistake.
const fn removable(kind: Kind) -> Option<Limit> {
    match kind {
        Kind::Vpc => Some(Limit::Vpcs),
        Kind::InternetGateway => Some(Limit::InternetGateways),
        Kind::NatGateway => Some(Limit::NatGateways),
        Kind::Address => Some(Limit::Addresses),
        Kind::VpcEndpoint => Some(Limit::GatewayEndpoints),
        Kind::SecurityGroup => Some(Limit::SecurityGroups),
        Kind::AutoScalingGroup => Some(Limit::AutoScalingGroups),
        Kind::Role => Some(Limit::Roles),
        Kind::InstanceProfile => Some(Limit::InstanceProfiles),
        Kind::Bucket => Some(Limit::Buckets),
        Kind::Alarm => Some(Limit::Alarms),
        // Subnets and route tables: see `Limit`. The quotas of the others are far from any account's use: 5,000 launch
        // templates, a million log groups, 5,000 dashboards, 1,000 saved queries.
        Kind::Subnet
        | Kind::RouteTable
        | Kind::LogGroup
        | Kind::LaunchTemplate
        | Kind::ScalingPolicy
        | Kind::Dashboard
        | Kind::SavedQuery => None,
    }
}

/// The zone of a new NAT gateway.
fn zone_of(resource: &Resource, desired: &[Resource]) -> Option<String> {
    let Fields::NatGateway(nat) = &resource.fields else { return None };
    let subnet = nat.subnet.key()?;
    desired.iter().find(|it| it.key() == *subnet).and_then(|it| match &it.fields {
        Fields::Subnet(subnet) if !subnet.zone.is_empty() => Some(subnet.zone.clone()),
        _ => None,
    })
}

/// What the instances of the group take: vCPUs, and in an existing network addresses.
fn needs_of_instances(plan: &Plan, inputs: &NeedInputs<'_>) -> Vec<Need> {
    let NeedInputs { spec, facts, .. } = inputs;
    let (least, most) = instances(plan, inputs);
    if most == 0 {
        return vec![];
    }
    let vcpus = match (&facts.instance_type, VcpuFamily::of(&spec.instance_type)) {
        (Some(InstanceTypeFacts::Known { vcpus: Some(vcpus), .. }), Some(family)) => {
            let (least, most) = (least.saturating_mul(*vcpus), most.saturating_mul(*vcpus));
            Some(Need { limit: Limit::Vcpus(family), within: None, least, most })
        }
        _ => None,
    };
    let addresses =
        spec.network.vpc_id.as_ref().map(|_| Need { limit: Limit::SubnetAddresses, within: None, least, most });
    vcpus.into_iter().chain(addresses).collect()
}

/// The least and the most new instances. A rollout with `MinHealthyPercentage` 100 launches an instance before it terminates
/// another; without it, each new instance takes the place of one that terminates.
fn instances(plan: &Plan, inputs: &NeedInputs<'_>) -> (u32, u32) {
    let NeedInputs { spec, waits_for_instances, running, .. } = *inputs;
    let mut steps = plan.steps.iter().filter(|step| step.key.kind == Kind::AutoScalingGroup);
    if steps.clone().any(|step| step.action == Action::Create) {
        return (if waits_for_instances { spec.min_size } else { 0 }, spec.max_size);
    }
    let is_rolling = plan.rollout.as_ref().is_some_and(|it| it.change == TemplateChange::Rolling);
    let rolls = is_rolling && spec.rollout.mode == RolloutMode::Rolling && spec.min_size > 0;
    let surge = if rolls { pace(running.max(spec.min_size), &spec.rollout).1 } else { 0 };
    let first = u32::from(rolls && spec.rollout.min_healthy_percentage == 100);
    let grows = steps.any(|step| step.calls.iter().any(|call| changes_bounds(&call.kind)));
    let growth = if grows { spec.max_size.saturating_sub(running) } else { 0 };
    (first, growth.saturating_add(surge.max(first)))
}

fn changes_bounds(call: &CallKind) -> bool {
    let is_bound = |it: &Setting| {
        let Setting::AutoScalingGroup(setting) = it else { return false };
        matches!(setting, AutoScalingGroupSetting::MinSize(_) | AutoScalingGroupSetting::MaxSize(_))
    };
    matches!(call, CallKind::Set(settings) if settings.iter().any(is_bound))
}

/// The free addresses of the subnets of an existing network in which the group can launch its instances: those in the zones
/// that offer the instance type, if that is known. `None` if a subnet was not read.
#[must_use]
pub fn free_addresses(spec: &Spec, facts: &Facts) -> Option<u32> {
    let offers = |zone: &String| match &facts.instance_type {
        Some(InstanceTypeFacts::Known { zones, .. }) => zones.contains(zone),
        _ => true,
    };
    let free = spec.network.subnet_ids.iter().map(|id| {
        let subnet = facts.subnets.iter().find(|it| it.id == *id)?;
        Some(if offers(&subnet.zone) { subnet.free_addresses? } else { 0 })
    });
    free.sum()
}

/// The running instances of the environment's group.
#[must_use]
pub fn running_instances(observed: &[ObservedResource]) -> u32 {
    let owned = observed.iter().filter(|it| it.ownership == Ownership::Owned);
    let running = owned.filter_map(|it| match &it.resource.fields {
        Fields::AutoScalingGroup(group) => Some(group.instances.len()),
        _ => None,
    });
    u32::try_from(running.sum::<usize>()).unwrap_or(u32::MAX)
}
