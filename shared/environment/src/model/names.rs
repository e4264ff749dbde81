//! The computed names: `<project>-<type>-<region without dashes>-<suffix>`, without a time and without a random part.
//!
//! A name depends only on the project, the region and the suffix, so every run finds the resources of an earlier run.

use crate::model::key::Key;
use crate::model::kind::Kind;

/// The project of a deployment that names no other: the default of the template's parameter `ProjectName`.
pub const DEFAULT_PROJECT: &str = "scalable-ec2";

/// A deployment: the common part of the names of its environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The prefix of all names: a parameter of the deployment.
    pub project: String,
    /// The region with dashes, such as `us-west-2`.
    pub region: String,
    /// The account id: twelve digits.
    pub account: String,
}

impl Deployment {
    /// The names of the environment with this suffix.
    #[must_use]
    pub fn names(&self, suffix: &str) -> Names {
        let Deployment { project, region, account } = self.clone();
        Names { project, region, account, suffix: suffix.to_owned() }
    }

    /// Whether an environment can have this suffix: the suffix is valid, and every name with it is within the limit
    /// of its service.
    #[must_use]
    pub fn admits(&self, suffix: &str) -> bool {
        is_suffix(suffix) && suffix.len() <= self.names(suffix).longest_suffix().0
    }

    /// The suffix of the environment whose Auto Scaling group has this name, if the name has this deployment's form.
    /// Only the records know whether the environment exists.
    #[must_use]
    pub fn suffix_of_group<'a>(&self, group: &'a str) -> Option<&'a str> {
        group.strip_prefix(&self.names("").group().name).filter(|suffix| self.admits(suffix))
    }

    /// The suffix of the environment with this id, if the id has this deployment's form.
    #[must_use]
    pub fn suffix_of_environment<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix(&self.names("").environment_id()).filter(|suffix| self.admits(suffix))
    }

    /// The suffix of the environment that a person names, by its id or by its suffix. A text that begins with the project's name and
    /// a dash is an id.
    #[must_use]
    pub fn suffix_of<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_id = text.strip_prefix(self.project.as_str()).is_some_and(|rest| rest.starts_with('-'));
        if is_id { self.suffix_of_environment(text) } else { Some(text).filter(|suffix| self.admits(suffix)) }
    }

    /// The command of these words for a shell, such as `envkeeper status scalable-ec2-us-west-2-dev`. It names the project
    /// where the command line would assume another.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> String {
        let project = (self.project != DEFAULT_PROJECT).then(|| format!(" --project {}", self.project));
        format!("envkeeper {}{}", words.join(" "), project.unwrap_or_default())
    }
}

/// Whether the text can be a suffix: lowercase letters, digits and inner dashes. [`Names::longest_suffix`] limits its
/// length.
pub(crate) fn is_suffix(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// The inputs from which all names of an environment are computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The prefix of all names.
    pub project: String,
    /// The region with dashes, such as `us-west-2`.
    pub region: String,
    /// The account id: twelve digits. It is a part of the buckets' names, which are globally unique.
    pub account: String,
    /// The property `EnvironmentSuffix`: [`Names::longest_suffix`] limits its length.
    pub suffix: String,
}

/// The services that instances without internet egress reach through interface endpoints. The SSM agent needs the first
/// two, the report of the user data the third, the `CloudWatch` agent the others. The agent uses `ec2messages` only where it
/// does not reach `ssmmessages`, and regions launched since 2024 do not have it (Systems Manager user guide, "ec2messages,
/// ssmmessages, and other API operations").
pub const INTERFACE_SERVICES: [&str; 5] = ["ssm", "ssmmessages", "ec2", "logs", "monitoring"];

impl Names {
    /// The environment's id, which is also its `PhysicalResourceId`: unique per account and region.
    #[must_use]
    pub fn environment_id(&self) -> String {
        format!("{}-{}-{}", self.project, self.region, self.suffix)
    }

    fn name(&self, kind: &str) -> String {
        format!("{}-{kind}-{}-{}", self.project, self.region.replace('-', ""), self.suffix)
    }

    /// `vpc`: the VPC of a managed network. An environment in an existing network has none of the network resources
    /// except the instances' security group.
    #[must_use]
    pub fn vpc(&self) -> Key {
        Key::new(Kind::Vpc, self.name("vpc"))
    }

    /// `igw`: the internet gateway of the public subnets.
    #[must_use]
    pub fn internet_gateway(&self) -> Key {
        Key::new(Kind::InternetGateway, self.name("igw"))
    }

    /// The public subnet of the zone with this number, counted from 1.
    #[must_use]
    pub fn public_subnet(&self, zone: usize) -> Key {
        Key::new(Kind::Subnet, self.name(&format!("public{zone}")))
    }

    /// The private subnet of the zone with this number, counted from 1.
    #[must_use]
    pub fn private_subnet(&self, zone: usize) -> Key {
        Key::new(Kind::Subnet, self.name(&format!("private{zone}")))
    }

    /// `public-rt`: the route table of all public subnets.
    #[must_use]
    pub fn public_route_table(&self) -> Key {
        Key::new(Kind::RouteTable, self.name("public-rt"))
    }

    /// The route table of one private subnet, or, with number 1, of all private subnets.
    #[must_use]
    pub fn private_route_table(&self, zone: usize) -> Key {
        Key::new(Kind::RouteTable, self.name(&format!("private{zone}-rt")))
    }

    /// The NAT gateway in the public subnet of a zone.
    #[must_use]
    pub fn nat_gateway(&self, zone: usize) -> Key {
        Key::new(Kind::NatGateway, self.name(&format!("nat{zone}")))
    }

    /// The Elastic IP address of the NAT gateway of a zone.
    #[must_use]
    pub fn nat_address(&self, zone: usize) -> Key {
        Key::new(Kind::Address, self.name(&format!("nat{zone}-ip")))
    }

    /// The endpoint of a service, such as `ssm`.
    #[must_use]
    pub fn endpoint(&self, service: &str) -> Key {
        Key::new(Kind::VpcEndpoint, self.name(&format!("endpoint-{service}")))
    }

    /// `endpoints-sg`: allows ingress from the instances to the interface endpoints.
    #[must_use]
    pub fn endpoint_security_group(&self) -> Key {
        Key::new(Kind::SecurityGroup, self.name("endpoints-sg"))
    }

    /// `instances-sg`: the security group of the instances, by default without ingress.
    #[must_use]
    pub fn instance_security_group(&self) -> Key {
        Key::new(Kind::SecurityGroup, self.name("instances-sg"))
    }

    /// `role`: the role of the instances, 64 bytes at most (IAM's API reference).
    #[must_use]
    pub fn role(&self) -> Key {
        Key::new(Kind::Role, self.name("role"))
    }

    /// The inline policy of the role.
    #[must_use]
    pub fn role_policy(&self) -> String {
        self.name("policy")
    }

    /// The environment's data bucket.
    #[must_use]
    pub fn data_bucket(&self) -> Key {
        Key::new(Kind::Bucket, format!("{}-{}", self.name("data"), self.account))
    }

    /// The bucket with the access logs of the data bucket.
    #[must_use]
    pub fn log_bucket(&self) -> Key {
        Key::new(Kind::Bucket, format!("{}-{}", self.name("logs"), self.account))
    }

    /// `profile`: the instance profile, which assigns the role to the instances.
    #[must_use]
    pub fn instance_profile(&self) -> Key {
        Key::new(Kind::InstanceProfile, self.name("profile"))
    }

    /// `template`: the launch template, with a version for each content.
    #[must_use]
    pub fn launch_template(&self) -> Key {
        Key::new(Kind::LaunchTemplate, self.name("template"))
    }

    /// `asg`: the Auto Scaling group.
    #[must_use]
    pub fn group(&self) -> Key {
        Key::new(Kind::AutoScalingGroup, self.name("asg"))
    }

    /// The group's lifecycle hook on launch.
    #[must_use]
    pub fn launch_hook(&self) -> String {
        self.name("launch-hook")
    }

    /// The group's lifecycle hook on termination.
    #[must_use]
    pub fn terminate_hook(&self) -> String {
        self.name("terminate-hook")
    }

    /// `scale-up-steps`: the step scaling policy that the alarm `cpu-high` executes.
    ///
    /// A name of its own: a put with the name of the simple policy would update that policy, and an update leaves the
    /// parameters that it does not state unchanged (the API reference of `PutScalingPolicy`). No document says that the
    /// type of a policy can change.
    #[must_use]
    pub fn scale_up_policy(&self) -> Key {
        Key::new(Kind::ScalingPolicy, self.name("scale-up-steps"))
    }

    /// `scale-up`: the simple scaling policy that the alarm `cpu-high` executed before. An update replaces it.
    #[must_use]
    pub fn former_scale_up_policy(&self) -> Key {
        Key::new(Kind::ScalingPolicy, self.name("scale-up"))
    }

    /// `scale-down`: the policy that the alarm `cpu-low` executes.
    #[must_use]
    pub fn scale_down_policy(&self) -> Key {
        Key::new(Kind::ScalingPolicy, self.name("scale-down"))
    }

    /// `cpu-high`: CPU utilization at or above `ScaleUpCpuThreshold`.
    #[must_use]
    pub fn cpu_high_alarm(&self) -> Key {
        Key::new(Kind::Alarm, self.name("cpu-high"))
    }

    /// `cpu-low`: CPU utilization at or below `ScaleDownCpuThreshold`.
    #[must_use]
    pub fn cpu_low_alarm(&self) -> Key {
        Key::new(Kind::Alarm, self.name("cpu-low"))
    }

    /// `launch-failures`: failed launches.
    #[must_use]
    pub fn launch_failures_alarm(&self) -> Key {
        Key::new(Kind::Alarm, self.name("launch-failures"))
    }

    /// `healthy-low`: fewer instances in service than `MinSize`.
    #[must_use]
    pub fn healthy_low_alarm(&self) -> Key {
        Key::new(Kind::Alarm, self.name("healthy-low"))
    }

    /// `rollout-failed`: a rollout failed, or needs an operator.
    #[must_use]
    pub fn rollout_failed_alarm(&self) -> Key {
        Key::new(Kind::Alarm, self.name("rollout-failed"))
    }

    /// All alarms of the environment.
    #[must_use]
    pub fn alarms(&self) -> [Key; 5] {
        [
            self.cpu_high_alarm(),
            self.cpu_low_alarm(),
            self.launch_failures_alarm(),
            self.healthy_low_alarm(),
            self.rollout_failed_alarm(),
        ]
    }

    /// `dashboard`: one dashboard for each environment.
    #[must_use]
    pub fn dashboard(&self) -> Key {
        Key::new(Kind::Dashboard, self.name("dashboard"))
    }

    /// A saved query. The console shows the saved queries of an environment as one folder.
    #[must_use]
    pub fn saved_query(&self, title: &str) -> Key {
        Key::new(Kind::SavedQuery, format!("{}{title}", self.saved_queries()))
    }

    /// The prefix of the names of all saved queries of the environment.
    #[must_use]
    pub fn saved_queries(&self) -> String {
        format!("{}/", self.name("queries"))
    }

    /// The log group of the scaling events.
    #[must_use]
    pub fn scaling_log_group(&self) -> Key {
        Key::new(Kind::LogGroup, format!("/aws/autoscaling/{}-{}", self.project, self.suffix))
    }

    /// The log group of the instances.
    #[must_use]
    pub fn instance_log_group(&self) -> Key {
        Key::new(Kind::LogGroup, format!("/aws/ec2/{}-{}", self.project, self.suffix))
    }

    /// The maximum length of the suffix in bytes, at which every name is within the limit of its service, and the
    /// name with the tightest limit.
    #[must_use]
    pub fn longest_suffix(&self) -> (usize, String) {
        let keys = [
            self.data_bucket(),
            self.role(),
            self.instance_profile(),
            self.instance_security_group(),
            self.endpoint(INTERFACE_SERVICES[1]),
            self.launch_failures_alarm(),
            self.scaling_log_group(),
        ];
        let room = |key: &Key| longest_name(key.kind).saturating_sub(key.name.len() - self.suffix.len());
        let tightest = keys.iter().min_by_key(|key| room(key));
        tightest.map_or((0, String::new()), |key| (room(key), format!("the {}'s name", key.kind.facts().name)))
    }
}

/// The longest name that a service accepts, in bytes (computed names are ASCII): a bucket 63, a role 64, an instance
/// profile 128, an Auto Scaling group 255, a security group 255, a launch template 128, a log group 512, an alarm, a
/// dashboard and a saved query 255. The name of any other kind is a tag value, 256. Source: the services' API
/// references.
fn longest_name(kind: Kind) -> usize {
    match kind {
        Kind::Bucket => 63,
        Kind::Role => 64,
        Kind::InstanceProfile | Kind::LaunchTemplate => 128,
        Kind::SecurityGroup
        | Kind::AutoScalingGroup
        | Kind::ScalingPolicy
        | Kind::Alarm
        | Kind::Dashboard
        | Kind::SavedQuery => 255,
        Kind::Vpc
        | Kind::InternetGateway
        | Kind::Subnet
        | Kind::Address
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::VpcEndpoint => 256,
        Kind::LogGroup => 512,
    }
}
