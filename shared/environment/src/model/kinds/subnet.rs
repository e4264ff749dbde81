use ipnet::Ipv4Net;

use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

/// A subnet in one availability zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnet {
    /// The VPC of the subnet; cannot change.
    pub vpc: Ref,
    /// An eighth of the VPC's addresses; cannot change.
    pub cidr: Ipv4Net,
    /// The name of the zone. The zone is chosen once: a subnet cannot move, and the account's list of zones may change.
    pub zone: String,
    /// Whether instances get public addresses (`MapPublicIpOnLaunch`). Off in a new subnet.
    pub public_ip_on_launch: bool,
}

impl Subnet {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("cidr", Value::Text(self.cidr.to_string())),
            Field::Once("zone", Value::Text(self.zone.clone())),
            Field::after_create_unless(Setting::PublicIpOnLaunch(self.public_ip_on_launch), !self.public_ip_on_launch),
        ]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::PublicIpOnLaunch(on) = setting {
            self.public_ip_on_launch = *on;
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::PublicIpOnLaunch(_) = setting {
            self.public_ip_on_launch = false;
        }
    }
}
