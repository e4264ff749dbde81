//! The one table of properties. Parsing, checks, defaults, the functions' environment variables, what a change of each
//! may do, and the reference page all come from here.

use std::fmt::Write as _;

use ipnet::Ipv4Net;

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

pub static LOG_RETENTION_DAYS: Property = Property {
    name: "LogRetentionDays",
    variable: "LOG_RETENTION_DAYS",
    default: Default::Is("30"),
    takes: Takes::OneOf(RETENTION_DAYS),
    change: Change::InPlace,
    about: "How long both log groups keep what is written to them.",
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
    &INSTANCE_TYPE,
    &IMAGE_ID,
    &IMAGE_PARAMETER,
    &USER_DATA_SCRIPT,
    &MIN_SIZE,
    &MAX_SIZE,
    &DESIRED_CAPACITY,
    &LOG_RETENTION_DAYS,
    &TAGS,
];

/// Properties that `CloudFormation` itself reads; they are never unknown.
pub const CLOUDFORMATION_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

/// The largest VPC that AWS makes, as a prefix length (the VPC user guide).
pub const LARGEST_NETWORK: u8 = 16;
/// Eight parts of it are subnets of /28, the smallest that AWS makes (the VPC user guide).
pub const SMALLEST_NETWORK: u8 = 25;
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
            Takes::ImageId => text.strip_prefix("ami-").is_some_and(|id| {
                matches!(id.len(), 8 | 17) && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
            }),
            Takes::ParameterName => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
                text.len() > 1 && text.len() <= 200 && text.starts_with('/') && text.chars().all(allowed)
            }
            Takes::Script => !text.is_empty() && !text.contains('\0'),
            Takes::Tags => false,
        }
    }
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
