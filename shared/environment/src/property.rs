//! The one table of properties. Parsing, checks, defaults, the functions' environment variables, what a change of each
//! may do, and the reference page all come from here.

mod page;
mod table;
mod value_type;

pub use page::reference_page;
pub use table::*;
pub use value_type::{LARGEST_NETWORK, MOST_IN_A_LIST, MOST_TAGS, SMALLEST_NETWORK, is_account};
pub(crate) use value_type::{is_tag_character, is_topic, listed, network, whole};

/// A property of `Custom::ScalableEnvironment`.
#[derive(Debug)]
pub struct Property {
    /// As a template writes it.
    pub name: &'static str,
    /// The function's environment variable that gives it where a template does not.
    pub variable: &'static str,
    /// What it is when neither does.
    pub default: Default,
    /// What is valid, whoever gives it.
    pub value_type: ValueType,
    /// What an update that changes it comes to.
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
    /// This, as text, read as if a template had given it.
    Is(&'static str),
}

/// What a property takes. Every scalar may come as text, which is how `CloudFormation` sends it.
#[derive(Debug)]
pub enum ValueType {
    /// Lower case letters, digits and inner dashes.
    Suffix,
    /// A tag's value of at most so many characters.
    Text(usize),
    /// A private IPv4 network.
    Network,
    /// A whole number between the two, both included.
    Whole(u32, u32),
    /// One of these numbers.
    OneOf(&'static [u32]),
    /// One of these words, written as here.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// The id of something in EC2, by what it begins with.
    Id(&'static str),
    /// Several of them.
    Ids(&'static str),
    /// The ARN of something of a service, by what its last part begins with.
    Arn(&'static str, &'static str),
    /// Several of them.
    Arns(&'static str, &'static str),
    /// Names of systemd units.
    Units,
    /// An instance type by its form; whether there is such a type, EC2 knows.
    InstanceType,
    /// An image's id: `ami-` and 8 or 17 hexadecimal digits.
    ImageId,
    /// The full name of an SSM parameter, of at most 200 characters.
    ParameterName,
    /// Text without NUL characters; how long it may be is left to the user data that it becomes a part of.
    Script,
    /// A map, or a list of `Key` and `Value`, of at most [`MOST_TAGS`] tags: keys of 128 characters and values of 256
    /// at most (the EC2 user guide).
    Tags,
    /// Rules of [`AlarmAction`](crate::AlarmAction).
    AlarmActions,
}

/// What becomes of a change of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is made to what is live.
    InPlace,
    /// It is Envkeeper's own: it counts when the update has settled, and nothing live changes.
    Own,
    /// It makes a new version of the launch template: instances that start from then on have it.
    NewInstances,
    /// It counts when the environment is created; a later change is taken note of and does nothing.
    AtCreation,
    /// It is refused.
    Rejected,
}

/// Properties that `CloudFormation` itself reads; they are never unknown.
pub const CLOUDFORMATION_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

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
    &LAUNCH_GATE_SECONDS,
    &LAUNCH_GATE_ON_TIMEOUT,
    &TERMINATE_DRAIN,
    &DRAIN_SECONDS,
    &DRAIN_SERVICES,
    &DRAIN_SCRIPT,
    &SCALE_UP_CPU,
    &SCALE_DOWN_CPU,
    &ALARM_PERIOD_SECONDS,
    &ALARM_EVALUATION_PERIODS,
    &SCALE_UP_ADJUSTMENT,
    &SCALE_DOWN_ADJUSTMENT,
    &COOLDOWN_SECONDS,
    &ALARM_TOPIC_ARN,
    &ALARM_ACTIONS,
    &LOG_RETENTION_DAYS,
    &KMS_KEY_ARN,
    &PERMISSIONS_BOUNDARY_ARN,
    &BUCKET_ON_DELETE,
    &DELETION_PROTECTION,
    &TAGS,
];
