use ipnet::Ipv4Net;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::kind::KindFacts;

/// The VPC, which contains the other network resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Vpc {
    /// The IPv4 addresses of the VPC, /16 to /25: see [`LARGEST_NETWORK`](crate::property::LARGEST_NETWORK) and
    /// [`SMALLEST_NETWORK`](crate::property::SMALLEST_NETWORK). Cannot change.
    pub cidr: Ipv4Net,
    /// DNS support: on in a new VPC. Without DNS support, names are not resolved.
    pub dns_support: bool,
    /// DNS hostnames: off in a new VPC. Interface endpoints with private names need DNS hostnames.
    pub dns_hostnames: bool,
}

/// The attributes of a VPC that calls change.
#[derive(Clone, Debug, PartialEq)]
pub enum VpcSetting {
    /// Whether the VPC's own resolver is enabled (`enableDnsSupport`). On in a new VPC.
    DnsSupport(bool),
    /// Whether instances with public addresses get public names (`enableDnsHostnames`). Off in a new VPC.
    DnsHostnames(bool),
}

impl ResourceKind for Vpc {
    type Setting = VpcSetting;

    const FACTS: KindFacts =
        KindFacts { create_can_be_repeated: false, ..KindFacts::named_by_tag("vpc", "ec2:CreateVpc", "ec2:DeleteVpc") };

    fn fields(&self) -> Vec<Field<VpcSetting>> {
        vec![
            Field::Fixed("cidr", Value::Text(self.cidr.to_string())),
            // DNS support is on in a new VPC, and still compared: an operator may have disabled it.
            Field::after_create_unless(VpcSetting::DnsSupport(self.dns_support), self.dns_support),
            Field::after_create_unless(VpcSetting::DnsHostnames(self.dns_hostnames), !self.dns_hostnames),
        ]
    }

    fn set(&mut self, setting: &VpcSetting) {
        match setting {
            VpcSetting::DnsSupport(on) => self.dns_support = *on,
            VpcSetting::DnsHostnames(on) => self.dns_hostnames = *on,
        }
    }

    fn clear(&mut self, setting: &VpcSetting) {
        match setting {
            VpcSetting::DnsSupport(_) => self.dns_support = true,
            VpcSetting::DnsHostnames(_) => self.dns_hostnames = false,
        }
    }
}

impl KindSetting for VpcSetting {
    fn slot(&self) -> (&'static str, String) {
        let name = match self {
            VpcSetting::DnsSupport(_) => "dns-support",
            VpcSetting::DnsHostnames(_) => "dns-hostnames",
        };
        (name, String::new())
    }

    fn value(&self) -> String {
        let (VpcSetting::DnsSupport(on) | VpcSetting::DnsHostnames(on)) = self;
        on.to_string()
    }

    fn set_operation(&self) -> &'static str {
        "ec2:ModifyVpcAttribute"
    }
}
