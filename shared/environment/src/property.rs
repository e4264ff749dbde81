//! The one table of properties. Parsing, checks, defaults, the functions' environment variables, what a change of each
//! may do, and the reference page all come from here.

use std::fmt::Write as _;

use ipnet::Ipv4Net;

use crate::retain::OnDelete;

/// A property of `Custom::ScalableEnvironment`.
#[derive(Debug)]
pub struct Property {
    /// As a template writes it.
    pub name: &'static str,
    /// The function's environment variable that gives it where a template does not.
    pub variable: &'static str,
    /// What it is when neither does.
    pub default: Default,
    pub takes: Takes,
    pub change: Change,
    /// A sentence or two for the reference page.
    pub about: &'static str,
}

/// The value that a property has when nobody gives one.
#[derive(Debug)]
pub enum Default {
    /// There is none: it has to be given.
    Required,
    /// It may be left out; the text says what that means.
    Absent(&'static str),
    Is(&'static str),
}

/// What a property takes. Every scalar may come as text, which is how `CloudFormation` sends it.
#[derive(Debug)]
pub enum Takes {
    /// Lower case letters, digits and inner dashes.
    Suffix,
    /// A tag's value of at most so many characters.
    Text(usize),
    /// A private IPv4 network.
    Network,
    /// A whole number between the two, both included.
    Whole(u32, u32),
    OneOf(&'static [u32]),
    Choice(&'static [&'static str]),
    Bool,
    /// The id of something in EC2, by what it begins with.
    Id(&'static str),
    /// Several of them.
    Ids(&'static str),
    /// The ARN of something of a service, by what its last part begins with.
    Arn(&'static str, &'static str),
    /// Several of them.
    Arns(&'static str, &'static str),
    InstanceType,
    ImageId,
    ParameterName,
    Script,
    Tags,
}

/// What becomes of a change of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is made to what is live.
    InPlace,
    /// It makes a new version of the launch template: instances that start from then on have it.
    NewInstances,
    /// It counts when the environment is created; a later change is taken note of and does nothing.
    AtCreation,
    /// It is refused.
    Refused,
}

/// The days that `PutRetentionPolicy` takes (the `CloudWatch` Logs API reference).
pub const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub static ENVIRONMENT_SUFFIX: Property = Property {
    name: "EnvironmentSuffix",
    variable: "ENVIRONMENT_SUFFIX",
    default: Default::Required,
    takes: Takes::Suffix,
    change: Change::Refused,
    about: "Tells environments of one account and region apart; the last part of every name.",
};

pub static ENVIRONMENT: Property = Property {
    name: "Environment",
    variable: "ENVIRONMENT",
    default: Default::Absent("the suffix"),
    takes: Takes::Text(128),
    change: Change::InPlace,
    about: "The value of the tag `Environment` on everything, such as `production`.",
};

pub static VPC_CIDR: Property = Property {
    name: "VpcCidr",
    variable: "VPC_CIDR",
    default: Default::Is("10.0.0.0/16"),
    takes: Takes::Network,
    change: Change::Refused,
    about: "The VPC's addresses. They are cut into eight equal parts, of which the zones' subnets take one each, so that a zone can be added later.",
};

pub static ZONE_COUNT: Property = Property {
    name: "ZoneCount",
    variable: "ZONE_COUNT",
    default: Default::Is("2"),
    takes: Takes::Whole(1, 3),
    change: Change::InPlace,
    about: "Over how many availability zones the instances are spread. They are the first, by name, that offer the instance type.",
};

pub static EGRESS: Property = Property {
    name: "Egress",
    variable: "EGRESS",
    default: Default::Is("NatGateway"),
    takes: Takes::Choice(&["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"]),
    change: Change::Refused,
    about: "How the instances get out. Nobody gets in, whichever it is. `NatGateway`: private subnets, one gateway; `NatGatewayPerZone`: one in each zone, so that no zone hangs on another; `VpcEndpoints`: private subnets that reach AWS (S3, Session Manager, EC2, CloudWatch) and nothing else; `PublicIp`: public subnets, and the cheapest.",
};

pub static VPC_ID: Property = Property {
    name: "VpcId",
    variable: "VPC_ID",
    default: Default::Absent("a network of its own"),
    takes: Takes::Id("vpc-"),
    change: Change::Refused,
    about: "A network that is there already, together with `SubnetIds`. Its ways out are its own: `VpcCidr`, `ZoneCount` and `Egress` then say nothing.",
};

pub static SUBNET_IDS: Property = Property {
    name: "SubnetIds",
    variable: "SUBNET_IDS",
    default: Default::Absent("subnets of its own"),
    takes: Takes::Ids("subnet-"),
    change: Change::InPlace,
    about: "The subnets of `VpcId` that the instances go into.",
};

pub static INSTANCE_TYPE: Property = Property {
    name: "InstanceType",
    variable: "INSTANCE_TYPE",
    default: Default::Is("t3.micro"),
    takes: Takes::InstanceType,
    change: Change::NewInstances,
    about: "It has to fit the image's architecture.",
};

pub static IMAGE_ID: Property = Property {
    name: "ImageId",
    variable: "IMAGE_ID",
    default: Default::Absent("the image that `ImageParameter` names"),
    takes: Takes::ImageId,
    change: Change::NewInstances,
    about: "The instances' image, Amazon Linux 2023 or one that has dnf and systemd as it has. Either this or `ImageParameter`.",
};

pub static IMAGE_PARAMETER: Property = Property {
    name: "ImageParameter",
    variable: "IMAGE_PARAMETER",
    default: Default::Is("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
    takes: Takes::ParameterName,
    change: Change::NewInstances,
    about: "An SSM parameter that holds the image's id. It is read when it is first used; a newer image behind the same parameter moves nothing.",
};

pub static USER_DATA_SCRIPT: Property = Property {
    name: "UserDataScript",
    variable: "USER_DATA_SCRIPT",
    default: Default::Absent("no script of your own"),
    takes: Takes::Script,
    change: Change::NewInstances,
    about: "Runs as root on each new instance, after the agents. If it fails, so does the instance's user data. Without `#!` it is a bash script.",
};

pub static ROOT_VOLUME_GIB: Property = Property {
    name: "RootVolumeGiB",
    variable: "ROOT_VOLUME_GIB",
    default: Default::Is("8"),
    takes: Takes::Whole(8, 16_384),
    change: Change::NewInstances,
    about: "The size of the root volume, which is always encrypted. 8 is the least that Amazon Linux 2023 fits on.",
};

pub static MIN_SIZE: Property = Property {
    name: "MinSize",
    variable: "MIN_SIZE",
    default: Default::Is("1"),
    takes: Takes::Whole(0, 1000),
    change: Change::InPlace,
    about: "The fewest instances.",
};

pub static MAX_SIZE: Property = Property {
    name: "MaxSize",
    variable: "MAX_SIZE",
    default: Default::Is("3"),
    takes: Takes::Whole(0, 1000),
    change: Change::InPlace,
    about: "The most instances.",
};

pub static DESIRED_CAPACITY: Property = Property {
    name: "DesiredCapacity",
    variable: "DESIRED_CAPACITY",
    default: Default::Absent("`MinSize`"),
    takes: Takes::Whole(0, 1000),
    change: Change::AtCreation,
    about: "How many instances to begin with. From then on it belongs to Auto Scaling.",
};

pub static WAIT_FOR_INSTANCES: Property = Property {
    name: "WaitForInstances",
    variable: "WAIT_FOR_INSTANCES",
    default: Default::Is("true"),
    takes: Takes::Bool,
    change: Change::AtCreation,
    about: "Whether a create is done only when `MinSize` instances are in service.",
};

pub static HEALTH_CHECK_GRACE_SECONDS: Property = Property {
    name: "HealthCheckGraceSeconds",
    variable: "HEALTH_CHECK_GRACE_SECONDS",
    default: Default::Is("300"),
    takes: Takes::Whole(0, 7200),
    change: Change::InPlace,
    about: "For how long after its start an instance is not judged.",
};

pub static TARGET_GROUP_ARNS: Property = Property {
    name: "TargetGroupArns",
    variable: "TARGET_GROUP_ARNS",
    default: Default::Absent("no target groups"),
    takes: Takes::Arns("elasticloadbalancing", "targetgroup/"),
    change: Change::InPlace,
    about: "Target groups of load balancers that the instances are registered with, and whose health checks then count too. Let the balancer in with a rule of your own on `SecurityGroupId`: Envkeeper leaves it alone.",
};

pub static LAUNCH_GATE: Property = Property {
    name: "LaunchGate",
    variable: "LAUNCH_GATE",
    default: Default::Absent("on, where this deployment has the function that answers"),
    takes: Takes::Bool,
    change: Change::InPlace,
    about: "Whether a new instance waits until it is seen to be healthy.",
};

pub static TERMINATE_DRAIN: Property = Property {
    name: "TerminateDrain",
    variable: "TERMINATE_DRAIN",
    default: Default::Absent("on, where this deployment has the function that answers"),
    takes: Takes::Bool,
    change: Change::InPlace,
    about: "Whether an instance is drained before it ends.",
};

pub static SCALE_UP_CPU: Property = Property {
    name: "ScaleUpCpuThreshold",
    variable: "SCALE_UP_CPU_THRESHOLD",
    default: Default::Is("70"),
    takes: Takes::Whole(1, 100),
    change: Change::InPlace,
    about: "The average CPU use, in percent, from which on the group grows.",
};

pub static SCALE_DOWN_CPU: Property = Property {
    name: "ScaleDownCpuThreshold",
    variable: "SCALE_DOWN_CPU_THRESHOLD",
    default: Default::Is("30"),
    takes: Takes::Whole(0, 99),
    change: Change::InPlace,
    about: "The average CPU use, in percent, down from which the group shrinks.",
};

pub static ALARM_PERIOD_SECONDS: Property = Property {
    name: "AlarmPeriodSeconds",
    variable: "ALARM_PERIOD_SECONDS",
    default: Default::Is("60"),
    takes: Takes::OneOf(&[60, 120, 180, 240, 300, 600, 900, 1800, 3600]),
    change: Change::InPlace,
    about: "The time that an alarm averages over. Below 300 the instances get detailed monitoring, since there is a value only every five minutes without it: a change across that line concerns new instances.",
};

pub static ALARM_EVALUATION_PERIODS: Property = Property {
    name: "AlarmEvaluationPeriods",
    variable: "ALARM_EVALUATION_PERIODS",
    default: Default::Is("3"),
    takes: Takes::Whole(1, 100),
    change: Change::InPlace,
    about: "How many periods in a row it takes.",
};

pub static SCALE_UP_ADJUSTMENT: Property = Property {
    name: "ScaleUpAdjustment",
    variable: "SCALE_UP_ADJUSTMENT",
    default: Default::Is("1"),
    takes: Takes::Whole(1, 100),
    change: Change::InPlace,
    about: "By how many instances the group grows at a time.",
};

pub static SCALE_DOWN_ADJUSTMENT: Property = Property {
    name: "ScaleDownAdjustment",
    variable: "SCALE_DOWN_ADJUSTMENT",
    default: Default::Is("1"),
    takes: Takes::Whole(1, 100),
    change: Change::InPlace,
    about: "By how many instances the group shrinks at a time.",
};

pub static COOLDOWN_SECONDS: Property = Property {
    name: "CooldownSeconds",
    variable: "COOLDOWN_SECONDS",
    default: Default::Is("300"),
    takes: Takes::Whole(0, 86_400),
    change: Change::InPlace,
    about: "How long the group rests between two such changes.",
};

pub static ALARM_TOPIC_ARN: Property = Property {
    name: "AlarmTopicArn",
    variable: "ALARM_TOPIC_ARN",
    default: Default::Absent("nobody is told"),
    takes: Takes::Arn("sns", ""),
    change: Change::InPlace,
    about: "An SNS topic that every alarm notifies too.",
};

pub static LOG_RETENTION_DAYS: Property = Property {
    name: "LogRetentionDays",
    variable: "LOG_RETENTION_DAYS",
    default: Default::Is("30"),
    takes: Takes::OneOf(RETENTION_DAYS),
    change: Change::InPlace,
    about: "How long both log groups keep what is written to them.",
};

pub static KMS_KEY_ARN: Property = Property {
    name: "KmsKeyArn",
    variable: "KMS_KEY_ARN",
    default: Default::Absent("the services' own keys"),
    takes: Takes::Arn("kms", "key/"),
    change: Change::InPlace,
    about: "A key that encrypts log groups, the bucket and the volumes of new instances. Its own policy has to let CloudWatch Logs and the service-linked role of Auto Scaling use it.",
};

pub static PERMISSIONS_BOUNDARY_ARN: Property = Property {
    name: "PermissionsBoundaryArn",
    variable: "PERMISSIONS_BOUNDARY_ARN",
    default: Default::Absent("no boundary"),
    takes: Takes::Arn("iam", "policy/"),
    change: Change::InPlace,
    about: "The policy that bounds what the instances' role may ever do.",
};

pub static BUCKET_ON_DELETE: Property = Property {
    name: "BucketOnDelete",
    variable: "BUCKET_ON_DELETE",
    default: Default::Is("Retain"),
    takes: Takes::Choice(&OnDelete::PROPERTY),
    change: Change::InPlace,
    about: "What becomes of the buckets when the environment is deleted. `Retain`: they stay, and a later environment of the same name takes them over. `Empty`: they go with all that is in them. `FailIfNotEmpty`: nothing is deleted while there is something in the bucket; of the access logs what is left then stays.",
};

pub static DELETION_PROTECTION: Property = Property {
    name: "DeletionProtection",
    variable: "DELETION_PROTECTION",
    default: Default::Is("false"),
    takes: Takes::Bool,
    change: Change::InPlace,
    about: "Whether a delete is refused. It counts once the create is done, and not while the stack rolls back; an update lifts it, and so does the request `unlock`.",
};

pub static TAGS: Property = Property {
    name: "Tags",
    variable: "TAGS",
    default: Default::Absent("only Envkeeper's own tags"),
    takes: Takes::Tags,
    change: Change::InPlace,
    about: "Tags for everything, and for the instances.",
};

/// Every property, in the order of the reference page.
pub static ALL: &[&Property] = &[
    &ENVIRONMENT_SUFFIX,
    &ENVIRONMENT,
    &VPC_CIDR,
    &ZONE_COUNT,
    &EGRESS,
    &VPC_ID,
    &SUBNET_IDS,
    &INSTANCE_TYPE,
    &IMAGE_ID,
    &IMAGE_PARAMETER,
    &ROOT_VOLUME_GIB,
    &USER_DATA_SCRIPT,
    &MIN_SIZE,
    &MAX_SIZE,
    &DESIRED_CAPACITY,
    &WAIT_FOR_INSTANCES,
    &HEALTH_CHECK_GRACE_SECONDS,
    &TARGET_GROUP_ARNS,
    &LAUNCH_GATE,
    &TERMINATE_DRAIN,
    &SCALE_UP_CPU,
    &SCALE_DOWN_CPU,
    &ALARM_PERIOD_SECONDS,
    &ALARM_EVALUATION_PERIODS,
    &SCALE_UP_ADJUSTMENT,
    &SCALE_DOWN_ADJUSTMENT,
    &COOLDOWN_SECONDS,
    &ALARM_TOPIC_ARN,
    &LOG_RETENTION_DAYS,
    &KMS_KEY_ARN,
    &PERMISSIONS_BOUNDARY_ARN,
    &BUCKET_ON_DELETE,
    &DELETION_PROTECTION,
    &TAGS,
];

/// Properties that `CloudFormation` itself reads; they are never unknown.
pub const CLOUDFORMATION_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

/// The largest VPC that AWS makes, as a prefix length (the VPC user guide).
pub const LARGEST_NETWORK: u8 = 16;
/// Eight parts of it are subnets of /28, the smallest that AWS makes (the VPC user guide).
pub const SMALLEST_NETWORK: u8 = 25;
/// How many subnets or target groups a property may name; Auto Scaling takes more than anybody has.
pub const MOST_IN_A_LIST: usize = 20;
/// The tags that a user may set; AWS allows 50 on a resource, and the rest is for marks.
pub const MOST_TAGS: usize = 40;

impl Takes {
    /// What would be valid, for messages and the reference page.
    #[must_use]
    pub fn valid(&self) -> String {
        match self {
            Takes::Suffix => "lower case letters, digits and dashes, with a letter or digit at both ends".into(),
            Takes::Text(most) => format!("1 to {most} letters, digits, spaces and any of _ . : / = + - @"),
            Takes::Network => format!(
                "a network of a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) between /{LARGEST_NETWORK} and /{SMALLEST_NETWORK}, such as 10.0.0.0/16"
            ),
            Takes::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Takes::OneOf(numbers) => {
                let told: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                format!("one of {}", told.join(", "))
            }
            Takes::Choice(words) => format!("one of {}", words.join(", ")),
            Takes::Bool => "true or false".into(),
            Takes::Id(prefix) => format!("an id: {prefix} and 8 or 17 hexadecimal digits"),
            Takes::Ids(prefix) => format!(
                "1 to {MOST_IN_A_LIST} different ids, as a list or separated by commas, each {prefix} and 8 or 17 hexadecimal digits"
            ),
            Takes::Arn(service, begins) => format!("an ARN, such as {}", example_arn(service, begins)),
            Takes::Arns(service, begins) => format!(
                "1 to {MOST_IN_A_LIST} different ARNs, as a list or separated by commas, such as {}",
                example_arn(service, begins)
            ),
            Takes::InstanceType => "an instance type, such as t3.micro".into(),
            Takes::ImageId => "an image id: ami- and 8 or 17 hexadecimal digits".into(),
            Takes::ParameterName => {
                "the full name of an SSM parameter of at most 200 characters, such as /aws/service/…".into()
            }
            Takes::Script => "text without NUL characters".into(),
            Takes::Tags => format!(
                "a map of at most {MOST_TAGS} tags, or a list of Key and Value: keys of 1 to 128 and values of at most 256 letters, digits, spaces and any of _ . : / = + - @; no key of Envkeeper's own (Name, Project, Environment, ManagedBy), none that begins with aws: or envkeeper:"
            ),
        }
    }

    /// Whether a scalar's text is valid. (Networks and tags need more than a yes; see `spec`.)
    pub(crate) fn admits(&self, text: &str) -> bool {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match self {
            Takes::Suffix => {
                !text.is_empty() && text.chars().all(dashed) && !text.starts_with('-') && !text.ends_with('-')
            }
            Takes::Text(most) => {
                !text.is_empty() && text.chars().count() <= *most && text.chars().all(is_tag_character)
            }
            Takes::Network => network(text).is_some(),
            Takes::Whole(least, most) => whole(text).is_some_and(|it| (*least..=*most).contains(&it)),
            Takes::OneOf(numbers) => whole(text).is_some_and(|it| numbers.contains(&it)),
            Takes::InstanceType => text.split_once('.').is_some_and(|(family, size)| {
                let plain = |part: &str| !part.is_empty() && part.chars().all(dashed);
                plain(family) && plain(size)
            }),
            Takes::ImageId => is_id("ami-", text),
            Takes::Choice(words) => words.contains(&text),
            Takes::Bool => matches!(text, "true" | "false"),
            Takes::Id(prefix) => is_id(prefix, text),
            Takes::Arn(service, begins) => is_arn(service, begins, text),
            Takes::Ids(_) | Takes::Arns(..) => listed(text).is_some_and(|all| all.iter().all(|it| self.admits_one(it))),
            Takes::ParameterName => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
                text.len() > 1 && text.len() <= 200 && text.starts_with('/') && text.chars().all(allowed)
            }
            Takes::Script => !text.is_empty() && !text.contains('\0'),
            Takes::Tags => false,
        }
    }
}

impl Takes {
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Takes::Ids(_) | Takes::Arns(..))
    }

    /// Whether one element of a list is valid.
    fn admits_one(&self, text: &str) -> bool {
        match self {
            Takes::Ids(prefix) => is_id(prefix, text),
            Takes::Arns(service, begins) => is_arn(service, begins, text),
            _ => false,
        }
    }
}

/// The elements of a list that is written with commas: some, not too many, and none twice.
pub(crate) fn listed(text: &str) -> Option<Vec<String>> {
    let all: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).collect();
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    (all.len() <= MOST_IN_A_LIST && different.len() == all.len()).then_some(all)
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    })
}

/// `arn:partition:service:region:account:rest`. Whether it exists is for AWS to say.
fn is_arn(service: &str, begins: &str, text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
    match parts.as_slice() {
        ["arn", partition, of, _, account, rest] => {
            partition.starts_with("aws")
                && *of == service
                && account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && rest.strip_prefix(begins).is_some_and(|name| !name.is_empty())
                && text.chars().all(plain)
        }
        _ => false,
    }
}

fn example_arn(service: &str, begins: &str) -> String {
    let region = if service == "iam" { "" } else { "us-west-2" };
    format!("arn:aws:{service}:{region}:123456789012:{begins}…")
}

/// What every service takes in a tag: the set of IAM, which is the strictest.
pub(crate) fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// Digits and nothing else: no sign, no space, no point.
pub(crate) fn whole(text: &str) -> Option<u32> {
    if text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A network of a private range (RFC 1918), written with its own address, of a size that AWS makes and the zones fit
/// into.
pub(crate) fn network(text: &str) -> Option<Ipv4Net> {
    let net: Ipv4Net = text.parse().ok()?;
    let sized = (LARGEST_NETWORK..=SMALLEST_NETWORK).contains(&net.prefix_len());
    let private = net.network().is_private() && net.broadcast().is_private();
    (sized && private && net.trunc() == net).then_some(net)
}

/// The reference page.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Properties of `Custom::ScalableEnvironment`\n\n\
         Generated from the table in `shared/environment/src/property.rs`; a test keeps it fresh.\n\n\
         A property that a template leaves out is taken from the function's environment variable, else it has the \
         default below. Both are frozen when an environment is created: a variable that changes later concerns new \
         environments only.\n\n\
         | property | takes | default | variable | a change |\n|---|---|---|---|---|\n",
    );
    for property in ALL {
        let default = match &property.default {
            Default::Required => "required".to_owned(),
            Default::Absent(means) => (*means).to_owned(),
            Default::Is(value) => format!("`{value}`"),
        };
        let change = match property.change {
            Change::InPlace => "in place",
            Change::NewInstances => "for new instances",
            Change::AtCreation => "has no effect",
            Change::Refused => "is refused",
        };
        let about = property.about;
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| **{}**: {about} | {} | {default} | `{}` | {change} |",
            property.name,
            property.takes.valid(),
            property.variable,
        );
    }
    page
}
