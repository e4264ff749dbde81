use ipnet::Ipv4Net;

use crate::field::{Field, Setting, Value};

/// The network that everything else stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct Vpc {
    /// Its IPv4 addresses, /16 to /25: see [`LARGEST_NETWORK`](crate::property::LARGEST_NETWORK) and
    /// [`SMALLEST_NETWORK`](crate::property::SMALLEST_NETWORK). Fixed.
    pub cidr: Ipv4Net,
    /// On in a new VPC; without it no name is resolved.
    pub dns_support: bool,
    /// Off in a new VPC; interface endpoints with private names need it.
    pub dns_hostnames: bool,
}

impl Vpc {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("cidr", Value::Text(self.cidr.to_string())),
            // On in a new VPC, and compared all the same: somebody may have turned it off.
            Field::unless_new(Setting::DnsSupport(self.dns_support), self.dns_support),
            Field::unless_new(Setting::DnsHostnames(self.dns_hostnames), !self.dns_hostnames),
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
