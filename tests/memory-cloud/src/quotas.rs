//! The quotas of an account, which AWS enforces when a resource is created or an instance is launched. Without quotas, an
//! account has room for everything.

use environment::{CallError, Fields, Key, Kind, Reach, Resource};

use crate::state::{MemoryAccount, StoredResource};

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// VPCs.
    Vpc,
    /// Internet gateways.
    InternetGateway,
    /// NAT gateways, in each zone.
    NatGateway,
    /// Elastic IP addresses.
    Address,
    /// Gateway endpoints.
    GatewayEndpoint,
    /// Security groups.
    SecurityGroup,
    /// Auto Scaling groups.
    Group,
    /// Roles.
    Role,
    /// Instance profiles.
    Profile,
    /// Buckets.
    Bucket,
    /// Alarms.
    Alarm,
    /// vCPUs of running instances.
    Vcpu,
    /// Addresses of the subnets in which instances are launched.
    InstanceAddress,
}

/// A quota of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountQuota {
    /// What is counted.
    pub counted: Counted,
    /// How much AWS allows.
    pub allowed: u32,
    /// How much of it resources outside of this account's model use: in each zone, for a quota of zones.
    pub used_by_others: u32,
}

/// The vCPUs of each instance: those of a `t3.micro`.
const VCPUS: u32 = 2;

/// The code and the message of AWS's rejection (EC2 API reference, "Error codes"; the errors of `CreateRole`,
/// `CreateInstanceProfile`, `CreateAutoScalingGroup`, `PutMetricAlarm` and `CreateBucket` in their API references). The messages
/// are those of public reports.
fn rejection(counted: Counted, allowed: u32) -> String {
    match counted {
        Counted::Vpc => "VpcLimitExceeded: The maximum number of VPCs has been reached.".into(),
        Counted::InternetGateway => {
            "InternetGatewayLimitExceeded: The maximum number of internet gateways has been reached.".into()
        }
        Counted::NatGateway => {
            format!("NatGatewayLimitExceeded: Performing this operation would exceed the limit of {allowed} NAT gateways")
        }
        Counted::Address => "AddressLimitExceeded: The maximum number of addresses has been reached.".into(),
        Counted::GatewayEndpoint => "VpcEndpointLimitExceeded: The maximum number of VPC endpoints has been reached.".into(),
        Counted::SecurityGroup => {
            "SecurityGroupLimitExceeded: The maximum number of security groups has been reached.".into()
        }
        Counted::Group => format!("LimitExceeded: You've reached the limit of {allowed} Auto Scaling groups"),
        Counted::Role => format!("LimitExceeded: Cannot exceed quota for RolesPerAccount: {allowed}"),
        Counted::Profile => format!("LimitExceeded: Cannot exceed quota for InstanceProfilesPerAccount: {allowed}"),
        Counted::Bucket => "TooManyBuckets: You have attempted to create more buckets than allowed".into(),
        Counted::Alarm => "LimitExceeded: The maximum limit for alarms has been reached".into(),
        // An activity has EC2's message for `RunInstances`.
        Counted::Vcpu => format!(
            "You have requested more vCPU capacity than your current vCPU limit of {allowed} allows for the instance bucket that the specified instance type belongs to. Launching EC2 instance failed."
        ),
        Counted::InstanceAddress => {
            "There are not enough free addresses in the subnets to satisfy the requested number of instances. Launching EC2 instance failed.".into()
        }
    }
}

/// Rejects a create that exceeds a quota.
pub(crate) fn check_create(
    account: &MemoryAccount,
    stored_resources: &[StoredResource],
    created: &Resource,
    zone: Option<&str>,
) -> Result<(), CallError> {
    let quotas = account.quotas.borrow();
    let exceeded = quotas.iter().find(|quota| {
        counts(quota.counted, created)
            && quota.used_by_others + count(quota.counted, stored_resources, zone) >= quota.allowed
    });
    match exceeded {
        Some(quota) => Err(CallError::Rejected {
            message: format!("{}: {}", created.key(), rejection(quota.counted, quota.allowed)),
        }),
        None => Ok(()),
    }
}

/// The reason why no further instance starts beside `running` others.
pub(crate) fn launch_failure(account: &MemoryAccount, running: usize) -> Option<String> {
    let running = u32::try_from(running).unwrap_or(u32::MAX);
    let quotas = account.quotas.borrow();
    let exceeded = quotas.iter().find(|quota| match quota.counted {
        Counted::Vcpu => quota.used_by_others + (running + 1) * VCPUS > quota.allowed,
        Counted::InstanceAddress => quota.used_by_others + running + 1 > quota.allowed,
        _ => false,
    });
    exceeded.map(|quota| rejection(quota.counted, quota.allowed))
}

fn counts(counted: Counted, resource: &Resource) -> bool {
    match &resource.fields {
        Fields::VpcEndpoint(endpoint) => {
            counted == Counted::GatewayEndpoint && matches!(endpoint.reach, Reach::Gateway { .. })
        }
        _ => match resource.kind() {
            Kind::Vpc => counted == Counted::Vpc,
            Kind::InternetGateway => counted == Counted::InternetGateway,
            Kind::NatGateway => counted == Counted::NatGateway,
            Kind::Address => counted == Counted::Address,
            Kind::SecurityGroup => counted == Counted::SecurityGroup,
            Kind::AutoScalingGroup => counted == Counted::Group,
            Kind::Role => counted == Counted::Role,
            Kind::InstanceProfile => counted == Counted::Profile,
            Kind::Bucket => counted == Counted::Bucket,
            Kind::Alarm => counted == Counted::Alarm,
            _ => false,
        },
    }
}

fn count(counted: Counted, stored_resources: &[StoredResource], zone: Option<&str>) -> u32 {
    let is_counted = |stored: &&StoredResource| {
        let is_here = counted != Counted::NatGateway || zone_of(stored_resources, stored) == zone;
        is_here && stored.resource().is_some_and(|it| counts(counted, it))
    };
    u32::try_from(stored_resources.iter().filter(is_counted).count()).unwrap_or(u32::MAX)
}

fn zone_of<'a>(stored_resources: &'a [StoredResource], gateway: &StoredResource) -> Option<&'a str> {
    zone_of_link(stored_resources, gateway.now()?.links.iter())
}

/// The zone of the subnet among these links of a resource.
pub(crate) fn zone_of_link<'a, 'b>(
    stored_resources: &'a [StoredResource],
    mut links: impl Iterator<Item = (&'b Key, &'b String)>,
) -> Option<&'a str> {
    let (_, subnet) = links.find(|(key, _)| key.kind == Kind::Subnet)?;
    let subnet = stored_resources.iter().find(|it| it.id == *subnet)?.resource()?;
    if let Fields::Subnet(subnet) = &subnet.fields { Some(&subnet.zone) } else { None }
}

impl MemoryAccount {
    /// What the account allows and uses of a quota; in a zone for a quota of zones. `None` if there is no such quota.
    #[must_use]
    pub fn quota(&self, counted: Counted, zone: Option<&str>) -> Option<(u32, u32)> {
        let quota = *self.quotas.borrow().iter().find(|it| it.counted == counted)?;
        let own = match counted {
            Counted::Vcpu => self.running() * VCPUS,
            Counted::InstanceAddress => self.running(),
            _ => count(counted, &self.stored_resources.borrow(), zone),
        };
        Some((quota.allowed, quota.used_by_others + own))
    }

    fn running(&self) -> u32 {
        let running = crate::groups::running(self, &self.auto_scaling.borrow());
        u32::try_from(running).unwrap_or(u32::MAX)
    }
}
