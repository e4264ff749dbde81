//! The settings of a group: everything that an update can change.

use std::time::Duration;

use crate::Fault;

const DAY: Duration = Duration::from_hours(24);

/// The termination policies that AWS names; a Lambda function's ARN is valid, too.
const TERMINATION_POLICIES: [&str; 7] = [
    "Default",
    "AllocationStrategy",
    "ClosestToNextInstanceHour",
    "NewestInstance",
    "OldestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
];

/// A group's settings. The default has AWS's defaults, no template, no subnets, and a maximum of no instances.
///
/// An update consists of the current settings with the changes applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The launch template of new instances.
    pub launch_template: LaunchTemplate,
    /// The lowest valid desired capacity.
    pub min_size: u32,
    /// The highest valid desired capacity.
    pub max_size: u32,
    /// The subnets of the instances, which are spread evenly over the zones. At least one.
    pub subnets: Vec<Subnet>,
    /// The cooldown after a policy without one, for calls that honour the cooldown. 300 s.
    pub default_cooldown: Duration,
    /// `EC2`, `ELB`, `VPC_LATTICE` or `EBS`, or several with commas.
    pub health_check_type: String,
    /// How long the health of a new instance is not checked. 0 s.
    pub health_check_grace_period: Duration,
    /// How long a new instance warms up, if set.
    pub default_instance_warmup: Option<Duration>,
    /// The longest life of an instance, if set: 1 day to 365 days.
    pub max_instance_lifetime: Option<Duration>,
    /// The order in which instances terminate. Stored and not followed.
    pub termination_policies: Vec<String>,
    /// Whether instances at risk of interruption are replaced. Stored and not followed.
    pub capacity_rebalance: bool,
    /// Whether new instances are protected from scale-in.
    pub new_instances_protected: bool,
    /// The deletes that are rejected.
    pub deletion_protection: DeletionProtection,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            launch_template: LaunchTemplate::default(),
            min_size: 0,
            max_size: 0,
            subnets: Vec::new(),
            default_cooldown: Duration::from_mins(5),
            health_check_type: "EC2".to_owned(),
            health_check_grace_period: Duration::ZERO,
            default_instance_warmup: None,
            max_instance_lifetime: None,
            termination_policies: vec!["Default".to_owned()],
            capacity_rebalance: false,
            new_instances_protected: false,
            deletion_protection: DeletionProtection::default(),
        }
    }
}

/// A launch template and one of its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// `lt-…`
    pub id: String,
    /// The template's name.
    pub name: String,
    /// A number, `$Latest` or `$Default`, as the call gave it.
    pub version: String,
}

impl LaunchTemplate {
    /// Whether the version is a number, neither `$Latest` nor `$Default`.
    pub(crate) fn is_numbered(&self) -> bool {
        !self.version.starts_with('$')
    }
}

/// A subnet and its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`
    pub id: String,
    /// Such as `us-west-2a`.
    pub zone: String,
}

impl Subnet {
    /// The id of the zone, such as `usw2-az1`: the region in short, and the zone's number. On AWS the number of a zone's
    /// letter differs between accounts.
    #[must_use]
    pub fn zone_id(&self) -> String {
        let letter = self.zone.bytes().next_back().unwrap_or(b'a');
        let region = self.zone.trim_end_matches(|it: char| it.is_ascii_lowercase());
        let mut parts = region.split('-');
        let mut short = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let initials = match part {
                "northeast" => "ne",
                "northwest" => "nw",
                "southeast" => "se",
                "southwest" => "sw",
                _ => &part[..part.len().min(1)],
            };
            short.push_str(initials);
        }
        format!("{short}-az{}", u32::from(letter.saturating_sub(b'a')) + 1)
    }
}

/// The deletes of a group that are rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionProtection {
    /// No delete is rejected.
    #[default]
    None,
    /// Deletes with force.
    PreventForceDeletion,
    /// All deletes.
    PreventAllDeletion,
}

impl DeletionProtection {
    /// AWS's name of the protection.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PreventForceDeletion => "prevent-force-deletion",
            Self::PreventAllDeletion => "prevent-all-deletion",
        }
    }

    /// The protection with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::PreventForceDeletion, Self::PreventAllDeletion].into_iter().find(|it| it.as_str() == text)
    }
}

impl Settings {
    /// Checks the bounds, and the other rules of AWS's reference.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let Self { min_size: min, max_size: max, .. } = self;
        if max < min {
            return Err(Fault::validation(format!(
                "Max bound, {max}, must be greater than or equal to min bound, {min}"
            )));
        }
        if self.subnets.is_empty() {
            return Err(Fault::validation("At least one Availability Zone or VPC Subnet is required."));
        }
        if let Some(life) = self.max_instance_lifetime
            && !(DAY..=DAY * 365).contains(&life)
        {
            return Err(Fault::validation(format!(
                "MaxInstanceLifetime is {} s: from 86400 to 31536000, or 0 for none",
                life.as_secs()
            )));
        }
        let known =
            |policy: &&String| TERMINATION_POLICIES.contains(&policy.as_str()) || policy.starts_with("arn:aws:lambda:");
        match self.termination_policies.iter().find(|policy| !known(policy)) {
            Some(policy) => Err(Fault::validation(format!("TerminationPolicies has {policy}: AWS has no such policy"))),
            None => Ok(()),
        }
    }

    /// Checks that a capacity lies between the bounds; the error has AWS's words.
    pub(crate) fn check_desired(&self, desired_capacity: u32) -> Result<(), Fault> {
        if (self.min_size..=self.max_size).contains(&desired_capacity) {
            return Ok(());
        }
        Err(Fault::validation(format!(
            "Desired capacity:{desired_capacity} must be between the specified min size:{} and max size:{}",
            self.min_size, self.max_size
        )))
    }
}
