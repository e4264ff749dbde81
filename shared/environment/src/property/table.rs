//! The properties, each with all that is true of it.

use super::{Change, Default, Property, ValueType};
use crate::hook_settings::OnTimeout;
use crate::retain::OnDelete;

/// The days that `PutRetentionPolicy` takes (the `CloudWatch` Logs API reference).
pub const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Unchangeable: every name is made from it. How long it may be,
/// [`Names::longest_suffix`](crate::Names::longest_suffix) says.
pub static ENVIRONMENT_SUFFIX: Property = Property {
    name: "EnvironmentSuffix",
    variable: "ENVIRONMENT_SUFFIX",
    default: Default::Required,
    value_type: ValueType::Suffix,
    change: Change::Rejected,
    about: "Tells environments of one account and region apart; the last part of every name.",
};

/// Of half of the 256 characters that a tag's value may have (the EC2 user guide).
pub static ENVIRONMENT: Property = Property {
    name: "Environment",
    variable: "ENVIRONMENT",
    default: Default::Absent("the suffix"),
    value_type: ValueType::Text(128),
    change: Change::InPlace,
    about: "The value of the tag `Environment` on everything, such as `production`.",
};

/// An IPv4 network; its bounds are [`LARGEST_NETWORK`](super::LARGEST_NETWORK) and
/// [`SMALLEST_NETWORK`](super::SMALLEST_NETWORK).
pub static VPC_CIDR: Property = Property {
    name: "VpcCidr",
    variable: "VPC_CIDR",
    default: Default::Is("10.0.0.0/16"),
    value_type: ValueType::Network,
    change: Change::Rejected,
    about: "The VPC's addresses. They are cut into eight equal parts: three for public subnets and three for private ones, so that a zone can be added later.",
};

/// Zones; three at most, since the VPC's eight parts hold three public and three private subnets.
pub static ZONE_COUNT: Property = Property {
    name: "ZoneCount",
    variable: "ZONE_COUNT",
    default: Default::Is("2"),
    value_type: ValueType::Whole(1, 3),
    change: Change::InPlace,
    about: "Over how many availability zones the instances are spread. They are the first, by name, that offer the instance type.",
};

/// One of the variants of [`Egress`](crate::Egress).
pub static EGRESS: Property = Property {
    name: "Egress",
    variable: "EGRESS",
    default: Default::Is("NatGateway"),
    value_type: ValueType::Choice(&["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"]),
    change: Change::Rejected,
    about: "How the instances get out. Nobody gets in, whichever it is. `NatGateway`: private subnets, one gateway; `NatGatewayPerZone`: one in each zone, so that no zone hangs on another; `VpcEndpoints`: private subnets that reach AWS (S3, Session Manager, EC2, CloudWatch) and nothing else; `PublicIp`: public subnets, and the cheapest.",
};

/// Given together with [`SUBNET_IDS`], or not at all.
pub static VPC_ID: Property = Property {
    name: "VpcId",
    variable: "VPC_ID",
    default: Default::Absent("a network of its own"),
    value_type: ValueType::Id("vpc-"),
    change: Change::Rejected,
    about: "A network that is there already, together with `SubnetIds`. Its ways out are its own: `VpcCidr`, `ZoneCount` and `Egress` then say nothing. Instances say of themselves that they are ready (`ec2:CreateTags`), so they need a way to EC2's API: NAT, or an endpoint of `ec2`.",
};

/// Given together with [`VPC_ID`], or not at all; at most [`MOST_IN_A_LIST`](super::MOST_IN_A_LIST).
pub static SUBNET_IDS: Property = Property {
    name: "SubnetIds",
    variable: "SUBNET_IDS",
    default: Default::Absent("subnets of its own"),
    value_type: ValueType::Ids("subnet-"),
    change: Change::InPlace,
    about: "The subnets of `VpcId` that the instances go into. From each there has to be a way to EC2's API, by which an instance says that it is ready.",
};

/// Checked by its form alone.
pub static INSTANCE_TYPE: Property = Property {
    name: "InstanceType",
    variable: "INSTANCE_TYPE",
    default: Default::Is("t3.micro"),
    value_type: ValueType::InstanceType,
    change: Change::NewInstances,
    about: "It has to fit the image's architecture.",
};

/// Given instead of [`IMAGE_PARAMETER`].
pub static IMAGE_ID: Property = Property {
    name: "ImageId",
    variable: "IMAGE_ID",
    default: Default::Absent("the image that `ImageParameter` names"),
    value_type: ValueType::ImageId,
    change: Change::NewInstances,
    about: "The instances' image, Amazon Linux 2023 or one that has dnf and systemd as it has. Either this or `ImageParameter`.",
};

/// Counts where [`IMAGE_ID`] is not given.
pub static IMAGE_PARAMETER: Property = Property {
    name: "ImageParameter",
    variable: "IMAGE_PARAMETER",
    default: Default::Is("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
    value_type: ValueType::ParameterName,
    change: Change::NewInstances,
    about: "An SSM parameter that holds the image's id. It is read when it is first used; a newer image behind the same parameter moves nothing.",
};

/// It shares EC2's 16 KB of user data with Envkeeper's part and [`DRAIN_SCRIPT`].
pub static USER_DATA_SCRIPT: Property = Property {
    name: "UserDataScript",
    variable: "USER_DATA_SCRIPT",
    default: Default::Absent("no script of your own"),
    value_type: ValueType::Script,
    change: Change::NewInstances,
    about: "Runs as root on each new instance, after the agents. If it fails, so does the instance's user data. Without `#!` it is a bash script. It is run once, so it must not restart the instance, or do that last of all: one that restarts before the script has ended counts as failed.",
};

/// GiB; from the size of Amazon Linux 2023's own image, to a bound of our own within what EBS makes of gp3.
pub static ROOT_VOLUME_GIB: Property = Property {
    name: "RootVolumeGiB",
    variable: "ROOT_VOLUME_GIB",
    default: Default::Is("8"),
    value_type: ValueType::Whole(8, 16_384),
    change: Change::NewInstances,
    about: "The size of the root volume, which is always encrypted. 8 is the least that Amazon Linux 2023 fits on.",
};

/// Instances; 1,000 is a bound of our own. At most [`MAX_SIZE`].
pub static MIN_SIZE: Property = Property {
    name: "MinSize",
    variable: "MIN_SIZE",
    default: Default::Is("1"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::InPlace,
    about: "The fewest instances.",
};

/// Instances; 1,000 is a bound of our own. At least [`MIN_SIZE`].
pub static MAX_SIZE: Property = Property {
    name: "MaxSize",
    variable: "MAX_SIZE",
    default: Default::Is("3"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::InPlace,
    about: "The most instances.",
};

/// Instances, from [`MIN_SIZE`] to [`MAX_SIZE`].
pub static DESIRED_CAPACITY: Property = Property {
    name: "DesiredCapacity",
    variable: "DESIRED_CAPACITY",
    default: Default::Absent("`MinSize`"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::AtCreation,
    about: "How many instances to begin with. From then on it belongs to Auto Scaling.",
};

/// Asked once, when the environment is created.
pub static WAIT_FOR_INSTANCES: Property = Property {
    name: "WaitForInstances",
    variable: "WAIT_FOR_INSTANCES",
    default: Default::Is("true"),
    value_type: ValueType::Bool,
    change: Change::AtCreation,
    about: "Whether a create is done only when `MinSize` instances are in service.",
};

/// Seconds (`HealthCheckGracePeriod`); two hours is a bound of our own.
pub static HEALTH_CHECK_GRACE_SECONDS: Property = Property {
    name: "HealthCheckGraceSeconds",
    variable: "HEALTH_CHECK_GRACE_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(0, 7200),
    change: Change::InPlace,
    about: "For how long after its start an instance is not judged.",
};

/// At most [`MOST_IN_A_LIST`](super::MOST_IN_A_LIST), so that they fit into a hook's 4,000 characters of metadata.
pub static TARGET_GROUP_ARNS: Property = Property {
    name: "TargetGroupArns",
    variable: "TARGET_GROUP_ARNS",
    default: Default::Absent("no target groups"),
    value_type: ValueType::Arns("elasticloadbalancing", "targetgroup/"),
    change: Change::InPlace,
    about: "Target groups of load balancers, of the target type `instance` and in the environment's VPC, that the instances are registered with, and whose health checks then count too: once an instance is in service, which is when Auto Scaling registers it, so the launch gate does not wait for them. Let the balancer in with a rule of your own on `SecurityGroupId`: Envkeeper leaves it alone.",
};

/// Left out, it follows the deployment: see [`Hooks::launch_gate`](crate::Hooks::launch_gate).
pub static LAUNCH_GATE: Property = Property {
    name: "LaunchGate",
    variable: "LAUNCH_GATE",
    default: Default::Absent("on, where this deployment has the function that answers"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    about: "Whether a new instance waits until it is seen to be healthy.",
};

/// Left out, it follows the deployment, as [`LAUNCH_GATE`] does.
pub static TERMINATE_DRAIN: Property = Property {
    name: "TerminateDrain",
    variable: "TERMINATE_DRAIN",
    default: Default::Absent("on, where this deployment has the function that answers"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    about: "Whether an instance is drained before it ends.",
};

/// Seconds, a minute to two hours: bounds of our own.
pub static LAUNCH_GATE_SECONDS: Property = Property {
    name: "LaunchGateSeconds",
    variable: "LAUNCH_GATE_SECONDS",
    default: Default::Is("600"),
    value_type: ValueType::Whole(60, 7200),
    change: Change::InPlace,
    about: "How long a new instance has to be seen to be healthy: its user data done, its SSM agent online, no status check impaired. One that is seen to be ill is replaced at once. One of which no event told has a minute more.",
};

/// One of the variants of [`OnTimeout`].
pub static LAUNCH_GATE_ON_TIMEOUT: Property = Property {
    name: "LaunchGateOnTimeout",
    variable: "LAUNCH_GATE_ON_TIMEOUT",
    default: Default::Is("Abandon"),
    value_type: ValueType::Choice(&OnTimeout::PROPERTY),
    change: Change::InPlace,
    about: "What becomes of an instance that was neither healthy nor ill by then. `Abandon`: it is replaced, and what was seen of it is in the log group of the instances. `Continue`: it goes into service.",
};

/// Seconds. Eight hours are what a hook of 300 s can be kept up for: 100 heartbeats (the Auto Scaling user guide), less
/// 20 of them.
pub static DRAIN_SECONDS: Property = Property {
    name: "DrainSeconds",
    variable: "DRAIN_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(30, 28_800),
    change: Change::InPlace,
    about: "How long an instance that ends may take to be drained; then it ends as it is. A delete of the environment may leave it less.",
};

/// At most [`MOST_IN_A_LIST`](super::MOST_IN_A_LIST); their names stand in user data.
pub static DRAIN_SERVICES: Property = Property {
    name: "DrainServices",
    variable: "DRAIN_SERVICES",
    default: Default::Absent("no services are stopped"),
    value_type: ValueType::Units,
    change: Change::NewInstances,
    about: "The systemd units that are stopped when an instance is drained, in this order.",
};

/// It shares EC2's 16 KB of user data with Envkeeper's part and [`USER_DATA_SCRIPT`].
pub static DRAIN_SCRIPT: Property = Property {
    name: "DrainScript",
    variable: "DRAIN_SCRIPT",
    default: Default::Absent("no script of your own"),
    value_type: ValueType::Script,
    change: Change::NewInstances,
    about: "Runs as root when an instance is drained, after its services are stopped and before its last logs are shipped. Without `#!` it is a bash script.",
};

/// Percent, above [`SCALE_DOWN_CPU`].
pub static SCALE_UP_CPU: Property = Property {
    name: "ScaleUpCpuThreshold",
    variable: "SCALE_UP_CPU_THRESHOLD",
    default: Default::Is("70"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    about: "The average CPU use, in percent, from which on the group grows.",
};

/// Percent, below [`SCALE_UP_CPU`].
pub static SCALE_DOWN_CPU: Property = Property {
    name: "ScaleDownCpuThreshold",
    variable: "SCALE_DOWN_CPU_THRESHOLD",
    default: Default::Is("30"),
    value_type: ValueType::Whole(0, 99),
    change: Change::InPlace,
    about: "The average CPU use, in percent, down from which the group shrinks.",
};

/// Seconds. CloudWatch takes multiples of 60 (the API reference of `PutMetricAlarm`); these are the usual ones.
pub static ALARM_PERIOD_SECONDS: Property = Property {
    name: "AlarmPeriodSeconds",
    variable: "ALARM_PERIOD_SECONDS",
    default: Default::Is("60"),
    value_type: ValueType::OneOf(&[60, 120, 180, 240, 300, 600, 900, 1800, 3600]),
    change: Change::InPlace,
    about: "The time that an alarm averages over. Below 300 the instances get detailed monitoring, since there is a value only every five minutes without it: a change across that line concerns new instances, and until the others are replaced the CPU alarms find too few values to go off.",
};

/// Periods. With [`ALARM_PERIOD_SECONDS`] within a day, or a week for periods of an hour (the API reference of
/// `PutMetricAlarm`); 100 is a bound of our own.
pub static ALARM_EVALUATION_PERIODS: Property = Property {
    name: "AlarmEvaluationPeriods",
    variable: "ALARM_EVALUATION_PERIODS",
    default: Default::Is("3"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    about: "How many periods in a row it takes.",
};

/// Instances; 100 at a time is a bound of our own.
pub static SCALE_UP_ADJUSTMENT: Property = Property {
    name: "ScaleUpAdjustment",
    variable: "SCALE_UP_ADJUSTMENT",
    default: Default::Is("1"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    about: "By how many instances the group grows at a time.",
};

/// Instances; 100 at a time is a bound of our own. It is given as a positive number.
pub static SCALE_DOWN_ADJUSTMENT: Property = Property {
    name: "ScaleDownAdjustment",
    variable: "SCALE_DOWN_ADJUSTMENT",
    default: Default::Is("1"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    about: "By how many instances the group shrinks at a time.",
};

/// Seconds; a day is a bound of our own, and 300 is Auto Scaling's own default (`DefaultCooldown`).
pub static COOLDOWN_SECONDS: Property = Property {
    name: "CooldownSeconds",
    variable: "COOLDOWN_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(0, 86_400),
    change: Change::InPlace,
    about: "How long the group rests between two such changes.",
};

/// Of the environment's own region.
pub static ALARM_TOPIC_ARN: Property = Property {
    name: "AlarmTopicArn",
    variable: "ALARM_TOPIC_ARN",
    default: Default::Absent("nobody is told"),
    value_type: ValueType::Arn("sns", ""),
    change: Change::InPlace,
    about: "An SNS topic that every alarm notifies too.",
};

/// A list of [`AlarmAction`](crate::AlarmAction), at most [`MOST_IN_A_LIST`](super::MOST_IN_A_LIST).
pub static ALARM_ACTIONS: Property = Property {
    name: "AlarmActions",
    variable: "ALARM_ACTIONS",
    default: Default::Absent("alarms have no actions but their policies and their topic"),
    value_type: ValueType::AlarmActions,
    change: Change::Own,
    about: "What Envkeeper itself does when an alarm goes off, each time once: `ScaleBy` and `ScaleTo` change the desired capacity within MinSize and MaxSize; `ReplaceUnhealthy` replaces the instance that the alarm names, or one that is seen to be unhealthy; `Notify` tells a topic. An alarm of your own counts if it has a metric of the environment's group, or this in its description: `envkeeper:environment=` and the environment's id; and has to invoke the function `alarm`. A rule rests for CooldownSeconds after it acted: unlike with a scaling policy, an alarm that goes off meanwhile, and stays so, is not acted on until it goes off again. What was done, and why nothing was, is in the scaling log group. As a variable it is JSON.",
};

/// Days: one of [`RETENTION_DAYS`].
pub static LOG_RETENTION_DAYS: Property = Property {
    name: "LogRetentionDays",
    variable: "LOG_RETENTION_DAYS",
    default: Default::Is("30"),
    value_type: ValueType::OneOf(RETENTION_DAYS),
    change: Change::InPlace,
    about: "How long both log groups keep what is written to them, and the log bucket its access logs: less than before deletes older ones.",
};

/// Of the environment's own region. A key by its id: an alias is no ARN of a key.
pub static KMS_KEY_ARN: Property = Property {
    name: "KmsKeyArn",
    variable: "KMS_KEY_ARN",
    default: Default::Absent("the services' own keys"),
    value_type: ValueType::Arn("kms", "key/"),
    change: Change::InPlace,
    about: "A key that encrypts log groups, new objects in the bucket and the volumes of new instances. Objects that are there keep the former key, which the instances' role may no longer use after a change. Its own policy has to let CloudWatch Logs and the service-linked role of Auto Scaling use it.",
};

/// The ARN of a managed policy.
pub static PERMISSIONS_BOUNDARY_ARN: Property = Property {
    name: "PermissionsBoundaryArn",
    variable: "PERMISSIONS_BOUNDARY_ARN",
    default: Default::Absent("the deployment's own; without one, no boundary"),
    value_type: ValueType::Arn("iam", "policy/"),
    change: Change::InPlace,
    about: "The policy that bounds what the instances' role may ever do. It has to allow `ec2:CreateTags`, by which an instance says that it is ready. Where the function has one by its variable, no other can be given: its own role may make none without it.",
};

/// One of [`OnDelete::PROPERTY`].
pub static BUCKET_ON_DELETE: Property = Property {
    name: "BucketOnDelete",
    variable: "BUCKET_ON_DELETE",
    default: Default::Is("Retain"),
    value_type: ValueType::Choice(&OnDelete::PROPERTY),
    change: Change::InPlace,
    about: "What becomes of the buckets when the environment is deleted. `Retain`: they stay, and a later environment of the same name takes them over. `Empty`: they go with all that is in them. `FailIfNotEmpty`: nothing is deleted while there is something in the bucket; of the access logs what is left then stays.",
};

/// It guards against a delete alone, never against an update.
pub static DELETION_PROTECTION: Property = Property {
    name: "DeletionProtection",
    variable: "DELETION_PROTECTION",
    default: Default::Is("false"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    about: "Whether a delete is refused. It counts once the create is done, and not while the stack rolls back; an update lifts it, and so does the request `unlock`.",
};

/// At most [`MOST_TAGS`](super::MOST_TAGS), and none of [`mark::RESERVED`](crate::mark::RESERVED).
pub static TAGS: Property = Property {
    name: "Tags",
    variable: "TAGS",
    default: Default::Absent("only Envkeeper's own tags"),
    value_type: ValueType::Tags,
    change: Change::InPlace,
    about: "Tags for everything, and for the instances. Alarms get theirs when they are made, and keep them.",
};
