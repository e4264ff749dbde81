//! What the account states about the limits that a plan needs: the applied quotas, and their use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_ec2::types::{DomainType, Instance, NatGatewayState, Placement, Reservation, Tenancy, VpcEndpointType};
use aws_sdk_iam::types::SummaryKeyType;
use environment::preflight::{Account, Allowance, Limit, Need, Quota, Unread, VcpuFamily};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};
use crate::facts::filter;

/// The time for each value, retries included. A request waits for it before its first write.
const READ_TIME: Duration = Duration::from_secs(10);

/// The use of a limit.
enum Use {
    Total(u32),
    /// By the name of the zone; a zone without an entry has none.
    ByZone(BTreeMap<String, u32>),
}

impl Use {
    fn within(&self, zone: Option<&String>) -> u32 {
        match (self, zone) {
            (Use::Total(total), _) => *total,
            (Use::ByZone(zones), Some(zone)) => zones.get(zone).copied().unwrap_or_default(),
            (Use::ByZone(zones), None) => zones.values().sum(),
        }
    }
}

/// A value, or why it is not known.
type Known<T> = Result<T, Unread>;

/// The applied quota and the use of one limit.
type Reading = (Known<u32>, Known<Use>);

/// Reads what the account with the id `owner` states about the limits of these needs, all at once and each at most once.
///
/// A use is never overstated, since a need beyond a limit refuses a request: resources of other accounts in shared networks,
/// own address ranges, instances that are not On-Demand, and Capacity Reservations do not count. A value that is denied,
/// throttled or late is unknown.
pub async fn account(clients: &Clients, owner: &str, needs: &[Need]) -> Account {
    let limits: BTreeSet<Limit> = needs.iter().map(|it| it.limit).collect();
    let uses_iam = limits.contains(&Limit::Roles) || limits.contains(&Limit::InstanceProfiles);
    let summary = async { if uses_iam { Some(in_time(Box::pin(account_summary(clients))).await) } else { None } };
    let others = limits.iter().filter(|it| !matches!(it, Limit::Roles | Limit::InstanceProfiles));
    let others = join_all(others.map(|limit| async move { (*limit, Box::pin(reading(clients, owner, *limit)).await) }));
    // A request of the SDK is a future of kilobytes.
    let (summary, others) = tokio::join!(Box::pin(summary), Box::pin(others));
    let mut readings: BTreeMap<Limit, Reading> = others.into_iter().collect();
    if let Some(summary) = summary {
        for limit in [Limit::Roles, Limit::InstanceProfiles] {
            readings.insert(limit, of_summary(limit, &summary));
        }
    }
    let mut account = Account::default();
    for need in needs {
        let Some((limit, used)) = readings.get(&need.limit) else { continue };
        let used = used.as_ref().map(|it| it.within(need.within.as_ref())).map_err(Clone::clone);
        account.insert(need, Allowance { limit: limit.clone(), used });
    }
    account
}

async fn reading(clients: &Clients, owner: &str, limit: Limit) -> Reading {
    let Some(quota) = limit.quota() else {
        let reason = "it is not a quota";
        return (Err(reason.into()), Err(reason.into()));
    };
    if let Some(reason) = unread(limit) {
        return (Err(reason.into()), Err(reason.into()));
    }
    if limit == Limit::AutoScalingGroups {
        return match in_time(Box::pin(group_limits(clients))).await {
            Ok((limit, used)) => (Ok(limit), Ok(Use::Total(used))),
            Err(reason) => (Err(reason.clone()), Err(reason)),
        };
    }
    tokio::join!(Box::pin(in_time(applied(clients, quota))), Box::pin(in_time(used(clients, owner, limit))))
}

/// Why the values of a limit are not read.
const fn unread(limit: Limit) -> Option<&'static str> {
    match limit {
        // Service Quotas states this quota of the whole account in one region of the partition only, and the count needs the
        // right to list the names of all buckets.
        Limit::Buckets => Some("Envkeeper does not count the buckets of the account"),
        // DescribeAlarms returns 100 alarms: 50 calls for a quota of 5,000.
        Limit::Alarms => Some("Envkeeper does not count the alarms of the account"),
        // An environment creates them in a VPC of its own only: see `Limit`.
        Limit::Subnets | Limit::RouteTables | Limit::InterfaceEndpoints => Some("Envkeeper does not count them"),
        _ => None,
    }
}

async fn in_time<T>(read: impl Future<Output = Result<T, Problem>>) -> Known<T> {
    match timeout(READ_TIME, read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Problem { operation, code, message, .. })) => {
            Err(format!("{operation}: {}", if code.is_empty() { message } else { code }).into())
        }
        Err(_) => Err(format!("no response within {} s", READ_TIME.as_secs()).into()),
    }
}

/// The quota that applies to the account. Service Quotas does not know it if it was never raised and the service does not
/// report it.
async fn applied(clients: &Clients, quota: Quota) -> Result<u32, Problem> {
    const OPERATION: &str = "servicequotas:GetServiceQuota";
    let request = clients
        .servicequotas
        .get_service_quota()
        .service_code(quota.service)
        .set_quota_code(quota.code.map(str::to_owned));
    let response = request.send().await.classified(OPERATION)?;
    let value = response.quota().and_then(aws_sdk_servicequotas::types::ServiceQuota::value);
    value.and_then(whole).ok_or_else(|| Problem::unreadable(OPERATION, "Value"))
}

/// A value of Service Quotas as a number of things.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(value: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&value).then_some(value as u32)
}

async fn used(clients: &Clients, owner: &str, limit: Limit) -> Result<Use, Problem> {
    let is_own = |id: Option<&str>| id.is_none_or(|id| id == owner);
    let ec2 = &clients.ec2;
    Ok(Use::Total(match limit {
        Limit::Vpcs => {
            let all = ec2.describe_vpcs().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
            count(all.classified("ec2:DescribeVpcs")?.iter().filter(|it| is_own(it.owner_id())))
        }
        Limit::InternetGateways => {
            let all = ec2.describe_internet_gateways().into_paginator().items().send();
            let all = all.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeInternetGateways")?;
            count(all.iter().filter(|it| is_own(it.owner_id())))
        }
        Limit::Addresses => {
            let all = ec2.describe_addresses().send().await.classified("ec2:DescribeAddresses")?;
            let of_amazon = |it: &&aws_sdk_ec2::types::Address| {
                it.domain() == Some(&DomainType::Vpc) && it.public_ipv4_pool() == Some("amazon")
            };
            count(all.addresses().iter().filter(of_amazon))
        }
        Limit::GatewayEndpoints => {
            let gateways = filter("vpc-endpoint-type", [VpcEndpointType::Gateway.as_str()]);
            let all = ec2.describe_vpc_endpoints().filters(gateways).into_paginator().items().send();
            let all = all.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeVpcEndpoints")?;
            count(all.iter().filter(|it| is_own(it.owner_id())))
        }
        Limit::SecurityGroups => {
            let all = ec2.describe_security_groups().into_paginator().items().send();
            let all = all.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeSecurityGroups")?;
            count(all.iter().filter(|it| is_own(it.owner_id())))
        }
        Limit::Vcpus(family) => {
            let running = filter("instance-state-name", ["running"]);
            let all = ec2.describe_instances().filters(running).into_paginator().items().send();
            let all = all.collect::<Result<Vec<_>, _>>().await.classified("ec2:DescribeInstances")?;
            all.iter().flat_map(Reservation::instances).filter_map(|it| on_demand_vcpus(it, family)).sum()
        }
        Limit::NatGateways => return nat_gateways(clients).await.map(Use::ByZone),
        _ => return Err(Problem::unreadable("ec2", "count")),
    }))
}

/// The vCPUs of a running On-Demand instance of the family. An instance with fewer cores than its type counts with those.
fn on_demand_vcpus(instance: &Instance, family: VcpuFamily) -> Option<u32> {
    let is_on_demand = instance.instance_lifecycle().is_none()
        && instance.placement().and_then(Placement::tenancy).is_none_or(|it| *it == Tenancy::Default);
    let is_family = VcpuFamily::of(instance.instance_type()?.as_str()) == Some(family);
    let options = instance.cpu_options()?;
    let vcpus = options.core_count()?.saturating_mul(options.threads_per_core()?);
    u32::try_from(vcpus).ok().filter(|_| is_on_demand && is_family)
}

/// The NAT gateways that count towards the quota, by zone (VPC user guide, "Amazon VPC quotas": those in the states pending,
/// available and deleting).
async fn nat_gateways(clients: &Clients) -> Result<BTreeMap<String, u32>, Problem> {
    let counted = [NatGatewayState::Pending, NatGatewayState::Available, NatGatewayState::Deleting];
    let counted = filter("state", counted.iter().map(NatGatewayState::as_str));
    let gateways = clients.ec2.describe_nat_gateways().filter(counted).into_paginator().items().send();
    let subnets = clients.ec2.describe_subnets().into_paginator().items().send();
    let (gateways, subnets) = tokio::join!(
        Box::pin(gateways.collect::<Result<Vec<_>, _>>()),
        Box::pin(subnets.collect::<Result<Vec<_>, _>>())
    );
    let gateways = gateways.classified("ec2:DescribeNatGateways")?;
    let subnets = subnets.classified("ec2:DescribeSubnets")?;
    let zones: HashMap<&str, &str> =
        subnets.iter().filter_map(|it| Some((it.subnet_id()?, it.availability_zone()?))).collect();
    let mut by_zone = BTreeMap::new();
    for zone in gateways.iter().filter_map(|it| zones.get(it.subnet_id()?)) {
        *by_zone.entry((*zone).to_owned()).or_default() += 1;
    }
    Ok(by_zone)
}

/// The limit and the number of Auto Scaling groups.
async fn group_limits(clients: &Clients) -> Result<(u32, u32), Problem> {
    const OPERATION: &str = "autoscaling:DescribeAccountLimits";
    let response = clients.autoscaling.describe_account_limits().send().await.classified(OPERATION)?;
    let number = |value: Option<i32>, field: &str| {
        value.and_then(|it| u32::try_from(it).ok()).ok_or_else(|| Problem::unreadable(OPERATION, field))
    };
    Ok((
        number(response.max_number_of_auto_scaling_groups(), "MaxNumberOfAutoScalingGroups")?,
        number(response.number_of_auto_scaling_groups(), "NumberOfAutoScalingGroups")?,
    ))
}

type Summary = HashMap<SummaryKeyType, i32>;

async fn account_summary(clients: &Clients) -> Result<Summary, Problem> {
    let response = clients.iam.get_account_summary().send().await.classified("iam:GetAccountSummary")?;
    Ok(response.summary_map.unwrap_or_default())
}

fn of_summary(limit: Limit, summary: &Known<Summary>) -> Reading {
    let (quota, used) = match limit {
        Limit::Roles => (SummaryKeyType::RolesQuota, SummaryKeyType::Roles),
        _ => (SummaryKeyType::InstanceProfilesQuota, SummaryKeyType::InstanceProfiles),
    };
    let number = |key: SummaryKeyType| {
        let found = summary.as_ref().map_err(Clone::clone)?.get(&key).copied();
        found.and_then(|it| u32::try_from(it).ok()).ok_or_else(|| format!("iam:GetAccountSummary has no {key}").into())
    };
    (number(quota), number(used).map(Use::Total))
}

fn count<T>(all: impl Iterator<Item = T>) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_service_quotas_is_a_whole_number() {
        for (value, expected) in [(5.0, Some(5)), (0.0, Some(0)), (-1.0, None), (f64::NAN, None), (1e12, None)] {
            assert_eq!(whole(value), expected, "{value}");
        }
    }
}
