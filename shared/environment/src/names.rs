//! The computed names: `<project>-<type>-<region without dashes>-<suffix>`, without time and without chance.
//!
//! A name is a function of the project, the region and the suffix alone, so every run finds again what an earlier one
//! made.

use serde::{Deserialize, Serialize};

use crate::resource::{Key, Kind};

/// What all names of an environment are computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    pub project: String,
    /// The region with its dashes, such as `us-west-2`.
    pub region: String,
    pub suffix: String,
}

impl Names {
    /// The environment's id, which is its `PhysicalResourceId`: unique per account and region.
    #[must_use]
    pub fn environment_id(&self) -> String {
        format!("{}-{}-{}", self.project, self.region, self.suffix)
    }

    fn name(&self, kind: &str) -> String {
        format!("{}-{kind}-{}-{}", self.project, self.region.replace('-', ""), self.suffix)
    }

    #[must_use]
    pub fn vpc(&self) -> Key {
        Key::new(Kind::Vpc, self.name("vpc"))
    }

    #[must_use]
    pub fn internet_gateway(&self) -> Key {
        Key::new(Kind::InternetGateway, self.name("igw"))
    }

    /// The public subnet of the zone with this number, counted from 1.
    #[must_use]
    pub fn public_subnet(&self, zone: usize) -> Key {
        Key::new(Kind::Subnet, self.name(&format!("public{zone}")))
    }

    #[must_use]
    pub fn public_route_table(&self) -> Key {
        Key::new(Kind::RouteTable, self.name("public-rt"))
    }

    #[must_use]
    pub fn instance_security_group(&self) -> Key {
        Key::new(Kind::SecurityGroup, self.name("instances-sg"))
    }

    #[must_use]
    pub fn role(&self) -> Key {
        Key::new(Kind::Role, self.name("role"))
    }

    #[must_use]
    pub fn instance_profile(&self) -> Key {
        Key::new(Kind::InstanceProfile, self.name("profile"))
    }

    #[must_use]
    pub fn launch_template(&self) -> Key {
        Key::new(Kind::LaunchTemplate, self.name("template"))
    }

    #[must_use]
    pub fn group(&self) -> Key {
        Key::new(Kind::AutoScalingGroup, self.name("asg"))
    }

    /// Where scaling events are written.
    #[must_use]
    pub fn scaling_log_group(&self) -> Key {
        Key::new(Kind::LogGroup, format!("/aws/autoscaling/{}-{}", self.project, self.suffix))
    }

    /// Where the instances write.
    #[must_use]
    pub fn instance_log_group(&self) -> Key {
        Key::new(Kind::LogGroup, format!("/aws/ec2/{}-{}", self.project, self.suffix))
    }

    /// How long a suffix may be so that every name keeps to its service's limit, in bytes, and which name is the
    /// tightest.
    #[must_use]
    pub fn longest_suffix(&self) -> (usize, String) {
        let keys = [
            self.vpc(),
            self.internet_gateway(),
            self.public_subnet(1),
            self.public_route_table(),
            self.instance_security_group(),
            self.role(),
            self.instance_profile(),
            self.launch_template(),
            self.group(),
            self.scaling_log_group(),
            self.instance_log_group(),
        ];
        let room = |key: &Key| longest_name(key.kind).saturating_sub(key.name.len() - self.suffix.len());
        let tightest = keys.iter().min_by_key(|key| room(key));
        tightest.map_or((0, String::new()), |key| (room(key), format!("the {}'s name", key.kind.name())))
    }
}

/// The longest name that a service takes, in bytes (our names are ASCII): a role 64, an instance profile 128, an Auto
/// Scaling group 255, a security group 255, a launch template 128, a log group 512, and a tag's value 256, which is
/// where the others have their name. Source: the services' API references.
fn longest_name(kind: Kind) -> usize {
    match kind {
        Kind::Role => 64,
        Kind::InstanceProfile | Kind::LaunchTemplate => 128,
        Kind::SecurityGroup | Kind::AutoScalingGroup => 255,
        Kind::LogGroup => 512,
        Kind::Vpc | Kind::InternetGateway | Kind::Subnet | Kind::RouteTable => 256,
    }
}
