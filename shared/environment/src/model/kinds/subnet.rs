use ipnet::Ipv4Net;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

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

/// The attributes of a subnet that calls change.
#[derive(Clone, Debug, PartialEq)]
pub enum SubnetSetting {
    /// Whether instances get public addresses (`MapPublicIpOnLaunch`). Off in a new subnet.
    PublicIpOnLaunch(bool),
}

impl ResourceKind for Subnet {
    type Setting = SubnetSetting;

    const FACTS: KindFacts = KindFacts::named_by_tag("subnet", "ec2:CreateSubnet", "ec2:DeleteSubnet");

    fn fields(&self) -> Vec<Field<SubnetSetting>> {
        let public = SubnetSetting::PublicIpOnLaunch(self.public_ip_on_launch);
        vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("cidr", Value::Text(self.cidr.to_string())),
            Field::Once("zone", Value::Text(self.zone.clone())),
            Field::after_create_unless(public, !self.public_ip_on_launch),
        ]
    }

    fn set(&mut self, setting: &SubnetSetting) {
        let SubnetSetting::PublicIpOnLaunch(on) = setting;
        self.public_ip_on_launch = *on;
    }

    fn clear(&mut self, _: &SubnetSetting) {
        self.public_ip_on_launch = false;
    }
}

impl KindSetting for SubnetSetting {
    fn slot(&self) -> (&'static str, String) {
        ("public-ip-on-launch", String::new())
    }

    fn value(&self) -> String {
        let SubnetSetting::PublicIpOnLaunch(on) = self;
        on.to_string()
    }

    fn set_operation(&self) -> &'static str {
        "ec2:ModifySubnetAttribute"
    }
}
