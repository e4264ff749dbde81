use super::VcpuFamily;

/// A limit of an account that the creation of an environment can exceed.
///
/// Route tables, subnets and interface endpoints are limited per VPC. An environment creates them in its own VPC only: at most
/// six, four and five, of 200, 200 and 50. So no plan is checked for them, and their rejections are explained like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// VPCs in the region.
    Vpcs,
    /// Internet gateways in the region.
    InternetGateways,
    /// NAT gateways in a zone, in the states pending, available and deleting (VPC user guide, "Amazon VPC quotas").
    NatGateways,
    /// Elastic IP addresses in the region.
    Addresses,
    /// Subnets in a VPC.
    Subnets,
    /// Route tables in a VPC.
    RouteTables,
    /// Interface endpoints in a VPC.
    InterfaceEndpoints,
    /// Gateway endpoints in the region.
    GatewayEndpoints,
    /// Security groups in the region.
    SecurityGroups,
    /// Auto Scaling groups in the region.
    AutoScalingGroups,
    /// IAM roles of the account.
    Roles,
    /// Instance profiles of the account.
    InstanceProfiles,
    /// General purpose buckets of the account.
    Buckets,
    /// CloudWatch alarms in the region.
    Alarms,
    /// vCPUs of running On-Demand instances of the families, in the region.
    Vcpus(VcpuFamily),
    /// Free addresses of the subnets of an existing network. This is no quota.
    SubnetAddresses,
}

/// A quota of AWS, as Service Quotas lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: &'static str,
    /// The code of the service.
    pub service: &'static str,
    /// The code of the quota; `None` if no source of this project has it.
    pub code: Option<&'static str>,
    /// The value for an account without an increase.
    pub default: u32,
}

const fn quota(name: &'static str, service: &'static str, code: &'static str, default: u32) -> Quota {
    Quota { name, service, code: Some(code), default }
}

impl Limit {
    /// All limits.
    pub fn all() -> impl Iterator<Item = Limit> {
        let others = [
            Limit::Vpcs,
            Limit::InternetGateways,
            Limit::NatGateways,
            Limit::Addresses,
            Limit::Subnets,
            Limit::RouteTables,
            Limit::InterfaceEndpoints,
            Limit::GatewayEndpoints,
            Limit::SecurityGroups,
            Limit::AutoScalingGroups,
            Limit::Roles,
            Limit::InstanceProfiles,
            Limit::Buckets,
            Limit::Alarms,
            Limit::SubnetAddresses,
        ];
        others.into_iter().chain(VcpuFamily::ALL.map(Limit::Vcpus))
    }

    /// The quota; `None` for [`Limit::SubnetAddresses`].
    ///
    /// Names, codes and defaults are those of the user guides' pages of quotas: VPC ("Amazon VPC quotas"), EC2 ("Amazon EC2
    /// endpoints and quotas" of the AWS General Reference), Auto Scaling, IAM, S3 (10,000 buckets since November 2024) and
    /// CloudWatch. AWS grants some new accounts fewer vCPUs.
    #[must_use]
    pub const fn quota(self) -> Option<Quota> {
        Some(match self {
            Limit::Vpcs => quota("VPCs per Region", "vpc", "L-F678F1CE", 5),
            Limit::InternetGateways => quota("Internet gateways per Region", "vpc", "L-A4707A72", 5),
            Limit::NatGateways => quota("NAT gateways per Availability Zone", "vpc", "L-FE5A380F", 5),
            Limit::Addresses => quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3", 5),
            Limit::Subnets => quota("Subnets per VPC", "vpc", "L-407747CB", 200),
            Limit::RouteTables => quota("Route tables per VPC", "vpc", "L-589F43AA", 200),
            Limit::InterfaceEndpoints => quota("Interface VPC endpoints per VPC", "vpc", "L-29B6F2EB", 50),
            Limit::GatewayEndpoints => quota("Gateway VPC endpoints per Region", "vpc", "L-1B52E74A", 20),
            Limit::SecurityGroups => quota("VPC security groups per Region", "vpc", "L-E79EC296", 2_500),
            Limit::AutoScalingGroups => quota("Auto Scaling groups per region", "autoscaling", "L-CDE20ADC", 500),
            Limit::Roles => quota("Roles per account", "iam", "L-FE177D64", 1_000),
            Limit::InstanceProfiles => quota("Instance profiles per account", "iam", "L-6E65F664", 1_000),
            Limit::Buckets => quota("General purpose buckets", "s3", "L-DC2B2D3D", 10_000),
            Limit::Alarms => Quota { name: "Alarms per Region", service: "monitoring", code: None, default: 5_000 },
            Limit::Vcpus(family) => vcpus(family),
            Limit::SubnetAddresses => return None,
        })
    }

    /// The limited things, in the plural.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Limit::Vpcs => "VPCs",
            Limit::InternetGateways => "internet gateways",
            Limit::NatGateways => "NAT gateways",
            Limit::Addresses => "Elastic IP addresses",
            Limit::Subnets => "subnets",
            Limit::RouteTables => "route tables",
            Limit::InterfaceEndpoints => "interface endpoints",
            Limit::GatewayEndpoints => "gateway endpoints",
            Limit::SecurityGroups => "security groups",
            Limit::AutoScalingGroups => "Auto Scaling groups",
            Limit::Roles => "roles",
            Limit::InstanceProfiles => "instance profiles",
            Limit::Buckets => "buckets",
            Limit::Alarms => "alarms",
            Limit::Vcpus(_) => "vCPUs of running instances",
            Limit::SubnetAddresses => "free addresses",
        }
    }

    /// The limits that an operation can exceed when AWS rejects it with this code, the operation as `service:Operation`. Empty
    /// if the code is none of a quota, or of one that an environment does not exceed by creating resources.
    ///
    /// EC2's codes are those of the EC2 API reference, "Error codes"; the others are the errors of the operations in their
    /// API references.
    #[must_use]
    pub fn of_rejection(operation: &str, code: &str) -> Vec<Limit> {
        let code = code.strip_suffix("Exception").or(code.strip_suffix("Fault")).unwrap_or(code);
        Limit::all().filter(|limit| limit.rejection() == Some((operation, code))).collect()
    }

    /// The operation that AWS rejects when the limit is reached, and the code; `None` for the limits of instances, which Auto
    /// Scaling reaches when it launches.
    const fn rejection(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Limit::Vpcs => ("ec2:CreateVpc", "VpcLimitExceeded"),
            Limit::InternetGateways => ("ec2:CreateInternetGateway", "InternetGatewayLimitExceeded"),
            Limit::NatGateways => ("ec2:CreateNatGateway", "NatGatewayLimitExceeded"),
            Limit::Addresses => ("ec2:AllocateAddress", "AddressLimitExceeded"),
            Limit::Subnets => ("ec2:CreateSubnet", "SubnetLimitExceeded"),
            Limit::RouteTables => ("ec2:CreateRouteTable", "RouteTableLimitExceeded"),
            Limit::InterfaceEndpoints | Limit::GatewayEndpoints => {
                ("ec2:CreateVpcEndpoint", "VpcEndpointLimitExceeded")
            }
            Limit::SecurityGroups => ("ec2:CreateSecurityGroup", "SecurityGroupLimitExceeded"),
            Limit::AutoScalingGroups => ("autoscaling:CreateAutoScalingGroup", "LimitExceeded"),
            Limit::Roles => ("iam:CreateRole", "LimitExceeded"),
            Limit::InstanceProfiles => ("iam:CreateInstanceProfile", "LimitExceeded"),
            Limit::Buckets => ("s3:CreateBucket", "TooManyBuckets"),
            Limit::Alarms => ("cloudwatch:PutMetricAlarm", "LimitExceeded"),
            Limit::Vcpus(_) | Limit::SubnetAddresses => return None,
        })
    }

    /// The next step when the limit is reached: one sentence, the same before the first write and after AWS's rejection.
    #[must_use]
    pub fn next_step(self) -> String {
        let Some(Quota { name, service, code, .. }) = self.quota() else {
            return String::from("Add subnets with free addresses to SubnetIds, or lower MinSize.");
        };
        let code = code.map(|it| format!(", code {it}")).unwrap_or_default();
        let unused = match self {
            Limit::Vcpus(_) => String::from("Stop instances that are no longer needed"),
            _ => format!("Remove {} that are no longer needed", self.subject()),
        };
        format!(
            "{unused}, or request a higher quota in Service Quotas: {name}, service {service}{code}. Then try again."
        )
    }
}

/// The quotas of running On-Demand instances. Their unit is the vCPU.
const fn vcpus(family: VcpuFamily) -> Quota {
    let (name, code, default) = match family {
        VcpuFamily::Standard => ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "L-1216C47A", 5),
        VcpuFamily::DeepLearning => ("Running On-Demand DL instances", "L-6E869C2A", 0),
        VcpuFamily::Fpga => ("Running On-Demand F instances", "L-74FC7D96", 0),
        VcpuFamily::Graphics => ("Running On-Demand G and VT instances", "L-DB2E81BA", 0),
        VcpuFamily::HighMemory => ("Running On-Demand High Memory instances", "L-43DA4232", 0),
        VcpuFamily::Inferentia => ("Running On-Demand Inf instances", "L-1945791B", 0),
        VcpuFamily::Accelerated => ("Running On-Demand P instances", "L-417A185B", 0),
        VcpuFamily::Trainium => ("Running On-Demand Trn instances", "L-2C3B7624", 0),
        VcpuFamily::MemoryOptimized => ("Running On-Demand X instances", "L-7295265B", 0),
    };
    quota(name, "ec2", code, default)
}
