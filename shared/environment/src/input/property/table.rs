//! The properties: name, group, variable, default, valid values, effect of a change, description.

use super::{Change, Default, Group, Property, Reach, ValueType};
use crate::model::hook_settings::OnTimeout;
use crate::model::on_delete::OnDelete;

/// The numbers of days that `PutRetentionPolicy` accepts (the `CloudWatch` Logs API reference).
pub const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Cannot change: every name is computed from the suffix. [`Names::longest_suffix`](crate::Names::longest_suffix)
/// limits its length.
pub static ENVIRONMENT_SUFFIX: Property = Property {
    name: "EnvironmentSuffix",
    group: Group::Identity,
    reach: Reach::None,
    variable: "ENVIRONMENT_SUFFIX",
    default: Default::Required,
    value_type: ValueType::Suffix,
    change: Change::Rejected,
    description: "The unique name of the environment within its account and region.",
    details: &["It is the last part of every resource name."],
};

/// At most half of the 256 characters that a tag value may have (the EC2 user guide).
pub static ENVIRONMENT: Property = Property {
    name: "Environment",
    group: Group::Identity,
    reach: Reach::New,
    variable: "ENVIRONMENT",
    default: Default::Absent("the suffix"),
    value_type: ValueType::Text(128),
    change: Change::InPlace,
    description: "The value of the tag `Environment` on every resource, such as `production`.",
    details: &[],
};

/// An IPv4 network; the bounds of its prefix length are [`LARGEST_NETWORK`](super::LARGEST_NETWORK) and
/// [`SMALLEST_NETWORK`](super::SMALLEST_NETWORK).
pub static VPC_CIDR: Property = Property {
    name: "VpcCidr",
    group: Group::Network,
    reach: Reach::None,
    variable: "VPC_CIDR",
    default: Default::Is("10.0.0.0/16"),
    value_type: ValueType::Network,
    change: Change::Rejected,
    description: "The VPC's IPv4 addresses.",
    details: &[
        "Envkeeper divides them into eight equal parts: three for public subnets and three for private subnets.",
        "So a zone can be added later.",
    ],
};

/// The number of zones: at most three, since the VPC's eight parts hold three public and three private subnets.
pub static ZONE_COUNT: Property = Property {
    name: "ZoneCount",
    group: Group::Network,
    reach: Reach::New,
    variable: "ZONE_COUNT",
    default: Default::Is("2"),
    value_type: ValueType::Whole(1, 3),
    change: Change::InPlace,
    description: "The number of availability zones for the instances.",
    details: &[
        "Envkeeper uses the first zones, by name, that offer the instance type.",
        "A subnet that another tool created in the range of a new zone makes the update fail before anything changes.",
        "A smaller number waits until Auto Scaling has moved the instances out of the removed zones.",
    ],
};

/// A variant of [`Egress`](crate::Egress).
pub static EGRESS: Property = Property {
    name: "Egress",
    group: Group::Network,
    reach: Reach::None,
    variable: "EGRESS",
    default: Default::Is("NatGateway"),
    value_type: ValueType::Choice(&["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"]),
    change: Change::Rejected,
    description: "The instances' egress.",
    details: &[
        "No value allows ingress.",
        "",
        "- `NatGateway`: private subnets with one NAT gateway for all zones.",
        "- `NatGatewayPerZone`: private subnets with one NAT gateway in each zone, so no zone depends on another zone.",
        "- `VpcEndpoints`: private subnets that reach only AWS (S3, Session Manager, EC2, CloudWatch). The region has to have these endpoint services; one that lacks a zone uses the others.",
        "- `PublicIp`: public subnets, the cheapest option.",
    ],
};

/// Set together with [`SUBNET_IDS`], or not at all.
pub static VPC_ID: Property = Property {
    name: "VpcId",
    group: Group::Network,
    reach: Reach::None,
    variable: "VPC_ID",
    default: Default::Absent("a managed network"),
    value_type: ValueType::Id("vpc-"),
    change: Change::Rejected,
    description: "An existing VPC, set together with `SubnetIds`.",
    details: &[
        "The existing network provides its own egress: `VpcCidr`, `ZoneCount` and `Egress` are not used.",
        "Each instance reports that it is ready with `ec2:CreateTags`, so the subnets need a route to EC2's API: NAT, \
         or a VPC endpoint for `ec2`.",
    ],
};

/// Set together with [`VPC_ID`], or not at all; at most [`MAX_LIST_LENGTH`](super::MAX_LIST_LENGTH).
pub static SUBNET_IDS: Property = Property {
    name: "SubnetIds",
    group: Group::Network,
    reach: Reach::New,
    variable: "SUBNET_IDS",
    default: Default::Absent("managed subnets"),
    value_type: ValueType::Ids("subnet-"),
    change: Change::InPlace,
    description: "The subnets of `VpcId` in which the instances are launched.",
    details: &[
        "Each subnet needs a route to EC2's API, because an instance reports there that it is ready.",
        "Auto Scaling moves instances out of a zone that has no subnet any more. It leaves those in a removed subnet of \
         another zone: `drift` names them, and the operator request `roll` replaces them.",
    ],
};

/// Only the form is checked.
pub static INSTANCE_TYPE: Property = Property {
    name: "InstanceType",
    group: Group::Instances,
    reach: Reach::Rolls,
    variable: "INSTANCE_TYPE",
    default: Default::Is("t3.micro"),
    value_type: ValueType::InstanceType,
    change: Change::NewVersion,
    description: "The EC2 instance type.",
    details: &[
        "It has to have the image's architecture, and the environment's zones have to offer it; a request with another type fails before anything changes.",
        "For an arm64 type, set `ImageParameter` to `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64`.",
    ],
};

/// Replaces [`IMAGE_PARAMETER`].
pub static IMAGE_ID: Property = Property {
    name: "ImageId",
    group: Group::Instances,
    reach: Reach::Rolls,
    variable: "IMAGE_ID",
    default: Default::Absent("the image that `ImageParameter` names"),
    value_type: ValueType::ImageId,
    change: Change::NewVersion,
    description: "The instances' image.",
    details: &[
        "Amazon Linux 2023, or an image with dnf and systemd as in Amazon Linux 2023, and with the root device `/dev/xvda` on EBS.",
        "Set either `ImageId` or `ImageParameter`.",
    ],
};

/// Used if [`IMAGE_ID`] is not set.
pub static IMAGE_PARAMETER: Property = Property {
    name: "ImageParameter",
    group: Group::Instances,
    reach: Reach::Rolls,
    variable: "IMAGE_PARAMETER",
    default: Default::Is("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
    value_type: ValueType::ParameterName,
    change: Change::NewVersion,
    description: "The SSM parameter that contains the image id.",
    details: &[
        "Envkeeper reads the parameter on first use.",
        "A newer image in the same parameter does not change the environment.",
        "The name may end with a version, `/golden/al2023:3`, or a label, `/golden/al2023:stable`. A parameter that another account shares is named by its ARN.",
    ],
};

/// The script shares EC2's 16 KB of user data with Envkeeper's own part and [`DRAIN_SCRIPT`].
pub static USER_DATA_SCRIPT: Property = Property {
    name: "UserDataScript",
    group: Group::Instances,
    reach: Reach::Rolls,
    variable: "USER_DATA_SCRIPT",
    default: Default::Absent("no script"),
    value_type: ValueType::Script,
    change: Change::NewVersion,
    description: "A script that runs once, as root, on each new instance.",
    details: &[
        "It runs after the agents have started. If it fails, the instance's user data fails.",
        "A script without `#!` in its first line runs in bash.",
        "Blank lines, blanks and a byte order mark before `#!` are removed.",
        "An update of the SSM agent may hold the RPM lock meanwhile: a script should repeat its own installs.",
        "It must not restart the instance, except as its last command: an instance that restarts before the script has \
         ended counts as failed.",
    ],
};

/// At most [`MAX_LIST_LENGTH`](super::MAX_LIST_LENGTH) paths of at most
/// [`MAX_PARAMETER_PATH`](super::MAX_PARAMETER_PATH) characters, so that the role's inline policy, which contains them,
/// stays within IAM's 10,240 characters.
pub static PARAMETER_PATHS: Property = Property {
    name: "ParameterPaths",
    group: Group::Instances,
    reach: Reach::Running,
    variable: "PARAMETER_PATHS",
    default: Default::Absent("no parameters except those of AWS and of the CloudWatch agent"),
    value_type: ValueType::ParameterPaths,
    change: Change::InPlace,
    description: "The SSM parameters that the instances may read.",
    details: &[
        "An entry such as `/team/app` allows the parameter of that name and every parameter below it, and \
         `GetParametersByPath` on it. A parameter without a slash, `name`, is `/name`.",
        "A `SecureString` is decrypted through SSM; the policy of a customer managed key has to allow the account's IAM \
         policies.",
        "The instances always may read AWS's public parameters (`/aws/service/…`) and `AmazonCloudWatch-…`, and no others.",
    ],
};

/// GiB. The minimum is the size of Amazon Linux 2023's own image. The maximum is Envkeeper's bound, within the limits
/// of EBS for gp3.
pub static ROOT_VOLUME_GIB: Property = Property {
    name: "RootVolumeGiB",
    group: Group::Instances,
    reach: Reach::Rolls,
    variable: "ROOT_VOLUME_GIB",
    default: Default::Is("8"),
    value_type: ValueType::Whole(8, 16_384),
    change: Change::NewVersion,
    description: "The size of the encrypted root volume. Amazon Linux 2023 needs at least 8.",
    details: &["At least the size of the image's root snapshot."],
};

/// Instances; 1,000 is Envkeeper's bound. At most [`MAX_SIZE`].
pub static MIN_SIZE: Property = Property {
    name: "MinSize",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "MIN_SIZE",
    default: Default::Is("1"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::InPlace,
    description: "The minimum number of instances.",
    details: &[],
};

/// Instances; 1,000 is Envkeeper's bound. At least [`MIN_SIZE`].
pub static MAX_SIZE: Property = Property {
    name: "MaxSize",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "MAX_SIZE",
    default: Default::Is("3"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::InPlace,
    description: "The maximum number of instances.",
    details: &[
        "In a managed network at most the number of addresses for instances: an eighth of `VpcCidr` in each zone, less the five that AWS reserves and, with `VpcEndpoints`, one for each interface endpoint. A `/25` over two zones has room for 22 instances, with `VpcEndpoints` for 12.",
    ],
};

/// Instances, from [`MIN_SIZE`] to [`MAX_SIZE`].
pub static DESIRED_CAPACITY: Property = Property {
    name: "DesiredCapacity",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "DESIRED_CAPACITY",
    default: Default::Absent("`MinSize`"),
    value_type: ValueType::Whole(0, 1000),
    change: Change::AtCreation,
    description: "The initial number of instances.",
    details: &["After creation, Auto Scaling controls the desired capacity."],
};

/// Used once, when the environment is created.
pub static WAIT_FOR_INSTANCES: Property = Property {
    name: "WaitForInstances",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "WAIT_FOR_INSTANCES",
    default: Default::Is("true"),
    value_type: ValueType::Bool,
    change: Change::AtCreation,
    description: "Whether a Create waits until `MinSize` instances are in service.",
    details: &[],
};

/// Seconds (`HealthCheckGracePeriod`); two hours is Envkeeper's bound.
pub static HEALTH_CHECK_GRACE_SECONDS: Property = Property {
    name: "HealthCheckGraceSeconds",
    group: Group::Scaling,
    reach: Reach::Running,
    variable: "HEALTH_CHECK_GRACE_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(0, 7200),
    change: Change::InPlace,
    description: "Seconds after a start without action on health checks.",
    details: &[
        "The time in seconds after an instance's start in which Auto Scaling does not act on its health checks.",
    ],
};

/// At most [`MAX_LIST_LENGTH`](super::MAX_LIST_LENGTH), so that the ARNs fit into a lifecycle hook's 4,000
/// characters of metadata.
pub static TARGET_GROUP_ARNS: Property = Property {
    name: "TargetGroupArns",
    group: Group::Scaling,
    reach: Reach::Running,
    variable: "TARGET_GROUP_ARNS",
    default: Default::Absent("no target groups"),
    value_type: ValueType::Arns("elasticloadbalancing", "targetgroup/"),
    change: Change::InPlace,
    description: "The target groups in which Auto Scaling registers the instances.",
    details: &[
        "A target group needs the target type `instance` and the environment's VPC.",
        "The health checks of the target groups apply in addition to EC2's.",
        "Auto Scaling registers an instance when it enters service, so the launch gate does not wait for these health \
         checks.",
        "Add your own ingress rule for the load balancer to `SecurityGroupId`: Envkeeper does not change rules that it \
         did not create.",
    ],
};

/// If unset, the deployment decides: see [`Hooks::launch_gate`](crate::Hooks::launch_gate).
pub static LAUNCH_GATE: Property = Property {
    name: "LaunchGate",
    group: Group::Hooks,
    reach: Reach::New,
    variable: "LAUNCH_GATE",
    default: Default::Absent("`true` if the deployment has the function `lifecycle-hook`, else `false`"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    description: "Whether an instance has to be observed as healthy before it enters service.",
    details: &[],
};

/// If unset, the deployment decides, as for [`LAUNCH_GATE`].
pub static TERMINATE_DRAIN: Property = Property {
    name: "TerminateDrain",
    group: Group::Hooks,
    reach: Reach::Running,
    variable: "TERMINATE_DRAIN",
    default: Default::Absent("`true` if the deployment has the function `lifecycle-hook`, else `false`"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    description: "Whether an instance is drained before it terminates.",
    details: &[],
};

/// Seconds, from a minute to two hours: Envkeeper's bounds.
pub static LAUNCH_GATE_SECONDS: Property = Property {
    name: "LaunchGateSeconds",
    group: Group::Hooks,
    reach: Reach::New,
    variable: "LAUNCH_GATE_SECONDS",
    default: Default::Is("600"),
    value_type: ValueType::Whole(60, 7200),
    change: Change::InPlace,
    description: "Seconds within which a new instance has to be observed as healthy.",
    details: &[
        "Healthy means: its user data is done, its SSM agent is online, and no status check is impaired.",
        "An unhealthy instance is replaced immediately.",
        "If no event announced the launch, the time limit is one minute longer.",
        "User data retries failing installs and checks of the agents for half of this time, at most 300 s. A change of that \
         limit alone replaces no instance and creates no version of the launch template: it comes with the next version.",
    ],
};

/// A variant of [`OnTimeout`].
pub static LAUNCH_GATE_ON_TIMEOUT: Property = Property {
    name: "LaunchGateOnTimeout",
    group: Group::Hooks,
    reach: Reach::New,
    variable: "LAUNCH_GATE_ON_TIMEOUT",
    default: Default::Is("Abandon"),
    value_type: ValueType::Choice(&OnTimeout::PROPERTY),
    change: Change::InPlace,
    description: "The action for an instance that is neither healthy nor unhealthy at the time limit.",
    details: &[
        "- `Abandon`: Auto Scaling replaces the instance, and the evidence is in the log group of the instances.",
        "- `Continue`: the instance enters service.",
    ],
};

/// Seconds. The maximum, eight hours, is the time for which heartbeats can extend a hook of 300 s: 100 heartbeats (the
/// Auto Scaling user guide) are 30,000 s, less 20 minutes.
pub static DRAIN_SECONDS: Property = Property {
    name: "DrainSeconds",
    group: Group::Hooks,
    reach: Reach::Running,
    variable: "DRAIN_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(30, 28_800),
    change: Change::InPlace,
    description: "The maximum time in seconds to drain a terminating instance.",
    details: &[
        "After this time the instance terminates without a completed drain.",
        "A Delete of the environment may shorten the time.",
    ],
};

/// At most [`MAX_LIST_LENGTH`](super::MAX_LIST_LENGTH); the user data contains their names.
pub static DRAIN_SERVICES: Property = Property {
    name: "DrainServices",
    group: Group::Hooks,
    reach: Reach::Rolls,
    variable: "DRAIN_SERVICES",
    default: Default::Absent("no services"),
    value_type: ValueType::Units,
    change: Change::NewVersion,
    description: "The systemd units that are stopped, in this order, when an instance is drained.",
    details: &[],
};

/// It shares EC2's 16 KB of user data with Envkeeper's part and [`USER_DATA_SCRIPT`].
pub static DRAIN_SCRIPT: Property = Property {
    name: "DrainScript",
    group: Group::Hooks,
    reach: Reach::Rolls,
    variable: "DRAIN_SCRIPT",
    default: Default::Absent("no script"),
    value_type: ValueType::Script,
    change: Change::NewVersion,
    description: "A script that runs as root when an instance is drained.",
    details: &[
        "It runs after `DrainServices` are stopped and before the last logs are shipped.",
        "A script without `#!` in its first line runs in bash.",
        "Blank lines, blanks and a byte order mark before `#!` are removed.",
    ],
};

/// Percent, above [`SCALE_DOWN_CPU`].
pub static SCALE_UP_CPU: Property = Property {
    name: "ScaleUpCpuThreshold",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "SCALE_UP_CPU_THRESHOLD",
    default: Default::Is("70"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    description: "The average CPU utilization, in percent, at or above which the group scales out.",
    details: &[],
};

/// Percent, below [`SCALE_UP_CPU`].
pub static SCALE_DOWN_CPU: Property = Property {
    name: "ScaleDownCpuThreshold",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "SCALE_DOWN_CPU_THRESHOLD",
    default: Default::Is("30"),
    value_type: ValueType::Whole(0, 99),
    change: Change::InPlace,
    description: "The average CPU utilization, in percent, at or below which the group scales in.",
    details: &[],
};

/// Seconds. CloudWatch accepts multiples of 60 (the API reference of `PutMetricAlarm`); these values are the usual
/// ones.
pub static ALARM_PERIOD_SECONDS: Property = Property {
    name: "AlarmPeriodSeconds",
    group: Group::Scaling,
    reach: Reach::Running,
    variable: "ALARM_PERIOD_SECONDS",
    default: Default::Is("60"),
    value_type: ValueType::OneOf(&[60, 120, 180, 240, 300, 600, 900, 1800, 3600]),
    change: Change::InPlace,
    description: "The period in seconds of the CPU alarms.",
    details: &[
        "A period below 300 enables detailed monitoring, because EC2 publishes a value only every five minutes without \
         it.",
        "A change that crosses 300 also changes the monitoring of running instances.",
    ],
};

/// Periods. All periods of [`ALARM_PERIOD_SECONDS`] together span at most a day, or a week for periods of an hour (the
/// API reference of `PutMetricAlarm`); 100 is Envkeeper's bound.
pub static ALARM_EVALUATION_PERIODS: Property = Property {
    name: "AlarmEvaluationPeriods",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "ALARM_EVALUATION_PERIODS",
    default: Default::Is("3"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    description: "The consecutive breaching periods before a CPU alarm enters the ALARM state.",
    details: &[],
};

/// Instances; 100 at a time is Envkeeper's bound.
pub static SCALE_UP_ADJUSTMENT: Property = Property {
    name: "ScaleUpAdjustment",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "SCALE_UP_ADJUSTMENT",
    default: Default::Is("1"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    description: "The number of instances that the scaling policy adds in its first step.",
    details: &[
        "The policy has three steps, which divide the range from `ScaleUpCpuThreshold` to 100 % into equal parts: the second \
         step adds twice as many instances, the third three times as many. With the defaults: 1 from 70 %, 2 from 80 %, 3 from 90 %.",
        "",
        "An instance that is not in service yet, or is for less than 60 s, counts as added: while the launch gate holds an \
         instance, the same step adds no second one. A load that reaches the next step adds the difference.",
        "Drains and cooldowns do not stop the policy.",
    ],
};

/// Instances; 100 at a time is Envkeeper's bound. The number is positive.
pub static SCALE_DOWN_ADJUSTMENT: Property = Property {
    name: "ScaleDownAdjustment",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "SCALE_DOWN_ADJUSTMENT",
    default: Default::Is("1"),
    value_type: ValueType::Whole(1, 100),
    change: Change::InPlace,
    description: "The number of instances that the scaling policy removes at a time, positive.",
    details: &[],
};

/// Seconds; a day is Envkeeper's bound, and 300 is Auto Scaling's own default (`DefaultCooldown`).
pub static COOLDOWN_SECONDS: Property = Property {
    name: "CooldownSeconds",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "COOLDOWN_SECONDS",
    default: Default::Is("300"),
    value_type: ValueType::Whole(0, 86_400),
    change: Change::InPlace,
    description: "The cooldown in seconds after the scaling policy removed instances: until then it removes no others.",
    details: &["It has no effect on adding instances. Rules of `AlarmActions` have cooldowns of their own."],
};

/// Seconds. An hour is Envkeeper's bound: AWS documents none. The launch gate holds an instance until its user data is done,
/// so little is left to initialize.
pub static INSTANCE_WARMUP_SECONDS: Property = Property {
    name: "InstanceWarmupSeconds",
    group: Group::Scaling,
    reach: Reach::None,
    variable: "INSTANCE_WARMUP_SECONDS",
    default: Default::Is("60"),
    value_type: ValueType::Whole(0, 3_600),
    change: Change::InPlace,
    description: "The seconds after which an instance in service counts as initialized.",
    details: &[
        "Until then the group's metrics and the policy that adds instances leave it out, and a rollout replaces no other instance.",
        "Auto Scaling calls this `DefaultInstanceWarmup`.",
    ],
};

/// A topic in the environment's own region.
pub static ALARM_TOPIC_ARN: Property = Property {
    name: "AlarmTopicArn",
    group: Group::Automation,
    reach: Reach::None,
    variable: "ALARM_TOPIC_ARN",
    default: Default::Absent("no notifications"),
    value_type: ValueType::Arn("sns", ""),
    change: Change::InPlace,
    description: "The SNS topic that every alarm of the environment also notifies.",
    details: &[],
};

/// A list of [`AlarmAction`](crate::AlarmAction), at most [`MAX_LIST_LENGTH`](super::MAX_LIST_LENGTH).
pub static ALARM_ACTIONS: Property = Property {
    name: "AlarmActions",
    group: Group::Automation,
    reach: Reach::None,
    variable: "ALARM_ACTIONS",
    default: Default::Absent("no actions except the scaling policies and the topic"),
    value_type: ValueType::AlarmActions,
    change: Change::Own,
    description: "The rules for alarm actions.",
    details: &[
        "A rule runs once each time its alarm enters the ALARM state.",
        "",
        "- `ScaleBy` and `ScaleTo` change the desired capacity within `MinSize` and `MaxSize`.",
        "- `ReplaceUnhealthy` replaces the instance that the alarm names, or an instance that is observed as \
         unhealthy.",
        "- `Notify` publishes to an SNS topic.",
        "",
        "A rule may name your own alarm. Your alarm has to invoke the function `alarm`.",
        "Your alarm also needs a metric of the environment's group, or `envkeeper:environment=` and the environment's \
         id in its description.",
        "",
        "After an action the rule is in cooldown for its `CooldownSeconds`.",
        "If the alarm enters the ALARM state during the cooldown and remains in it, the rule, unlike a scaling policy, \
         does not run until the alarm enters the state again.",
        "The scaling log group contains each action, and the reason for each skipped action.",
        "As an environment variable, the value is JSON.",
    ],
};

/// Days: a value of [`RETENTION_DAYS`].
pub static LOG_RETENTION_DAYS: Property = Property {
    name: "LogRetentionDays",
    group: Group::Storage,
    reach: Reach::None,
    variable: "LOG_RETENTION_DAYS",
    default: Default::Is("30"),
    value_type: ValueType::OneOf(RETENTION_DAYS),
    change: Change::InPlace,
    description: "The retention in days of both log groups and of the access logs.",
    details: &["The access logs are in the log bucket.", "A shorter time deletes older logs."],
};

/// A key in the environment's own region. The ARN contains the key's id: an alias ARN is not the ARN of a key.
pub static KMS_KEY_ARN: Property = Property {
    name: "KmsKeyArn",
    group: Group::Storage,
    reach: Reach::Rolls,
    variable: "KMS_KEY_ARN",
    default: Default::Absent("the AWS services' own keys"),
    value_type: ValueType::Arn("kms", "key/"),
    change: Change::InPlace,
    description: "The KMS key of the log groups, new objects in the bucket, and new volumes.",
    details: &[
        "A change reaches log groups, new objects and the role of all instances at once, and volumes by the replacement of the \
         instances.",
        "Existing objects keep the previous key, and the instances' role loses its access to the previous key.",
        "The key policy has to allow CloudWatch Logs and the service-linked role of Auto Scaling to use the key.",
    ],
};

/// The ARN of a managed policy.
pub static PERMISSIONS_BOUNDARY_ARN: Property = Property {
    name: "PermissionsBoundaryArn",
    group: Group::Protection,
    reach: Reach::Running,
    variable: "PERMISSIONS_BOUNDARY_ARN",
    default: Default::Absent("the boundary of the deployment, if it has one"),
    value_type: ValueType::Arn("iam", "policy/"),
    change: Change::InPlace,
    description: "The permissions boundary of the instances' role.",
    details: &[
        "The boundary has to allow `ec2:CreateTags`, because an instance reports with it that it is ready.",
        "If the function's variable sets a boundary, Envkeeper rejects any other boundary: the function's own role may \
         create roles only with that boundary.",
    ],
};

/// A value of [`OnDelete::PROPERTY`].
pub static BUCKET_ON_DELETE: Property = Property {
    name: "BucketOnDelete",
    group: Group::Protection,
    reach: Reach::None,
    variable: "BUCKET_ON_DELETE",
    default: Default::Is("Retain"),
    value_type: ValueType::Choice(&OnDelete::PROPERTY),
    change: Change::InPlace,
    description: "The action for the buckets when the environment is deleted.",
    details: &[
        "- `Retain`: the buckets are retained. A later environment of the same name adopts them only after an operator \
         allowed it, by the request `allow-adoption`; without that, its create is rejected.",
        "- `Empty`: the buckets are emptied and deleted.",
        "- `FailIfNotEmpty`: the Delete fails, and nothing is deleted, while the data bucket contains objects; \
         remaining access logs are retained with their bucket.",
    ],
};

/// Protects against a Delete, not against an update.
pub static DELETION_PROTECTION: Property = Property {
    name: "DeletionProtection",
    group: Group::Protection,
    reach: Reach::None,
    variable: "DELETION_PROTECTION",
    default: Default::Is("false"),
    value_type: ValueType::Bool,
    change: Change::InPlace,
    description: "Whether a Delete is rejected.",
    details: &[
        "The protection starts when the Create is done, and does not apply while the stack rolls back.",
        "An update or the operator request `unlock` removes the protection.",
    ],
};

/// At most [`MAX_TAGS`](super::MAX_TAGS), without the keys of [`mark::RESERVED`](crate::model::mark::RESERVED).
pub static TAGS: Property = Property {
    name: "Tags",
    group: Group::Identity,
    reach: Reach::New,
    variable: "TAGS",
    default: Default::Absent("only Envkeeper's own tags"),
    value_type: ValueType::Tags,
    change: Change::InPlace,
    description: "The tags of all resources, including the instances, their volumes and their network interfaces.",
    details: &[
        "The dashboard, the saved queries and the scaling policies have no tags.",
        "Alarms receive their tags when they are created, and a later change does not update them.",
        "Running instances, their volumes and their interfaces keep the tags of their launch.",
    ],
};
