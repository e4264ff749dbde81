use ipnet::Ipv4Net;

use crate::model::field::{Field, Setting, Value};

/// The VPC, which contains the other network resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Vpc {
    /// The IPv4 addresses of the VPC, /16 to /25: see [`LARGEST_NETWORK`](crate::input::property::LARGEST_NETWORK) and
    /// [`SMALLEST_NETWORK`](crate::input::property::SMALLEST_NETWORK). Cannot change.
    pub cidr: Ipv4Net,
    /// DNS support: on in a new VPC. Without DNS support, names are not resolved.
    pub dns_support: bool,
    /// DNS hostnames: off in a new VPC. Interface endpoints with private names need DNS hostnames.
    pub dns_hostnames: bool,
}

impl Vpc {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("cidr", Value::Text(self.cidr.to_string())),
            // DNS support is on in a new VPC, and still compared: an operator may have disabled it.
            Field::after_create_unless(Setting::DnsSupport(self.dns_support), self.dns_support),
            Field::after_create_unless(Setting::DnsHostnames(self.dns_hostnames), !self.dns_hostnames),
        ]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::DnsSupport(on) => self.dns_support = *on,
            Setting::DnsHostnames(on) => self.dns_hostnames = *on,
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::DnsSupport(_) => self.dns_support = true,
            Setting::DnsHostnames(_) => self.dns_hostnames = false,
            _ => {}
        }
    }
}
