//! The table of properties: the only source for parsing, checks, defaults, the functions' environment variables, the
//! effect of a change, the reference page, the JSON schemas, and the properties of the CDK construct.

mod construct;
mod page;
mod pattern;
mod rollout;
mod schema;
mod table;
mod value_type;

pub use super::forms::{MAX_LIST_LENGTH, form, is_account};
pub use construct::construct_properties;
pub use page::reference_page;
pub use rollout::*;
pub use schema::{RESOURCE_TYPE, properties_schema, template_schema};
pub use table::*;
pub use value_type::{LARGEST_NETWORK, MAX_PARAMETER_PATH, MAX_ROLLOUT_ALARMS, MAX_TAGS, SMALLEST_NETWORK};
pub(crate) use value_type::{MAX_TAG_KEY, MAX_TAG_VALUE, is_tag_character, listed, network, tag_length};

/// A property of `Custom::ScalableEnvironment`.
#[derive(Debug)]
pub struct Property {
    /// The name, as a template writes it.
    pub name: &'static str,
    /// The group of the reference page.
    pub group: Group,
    /// The instances that an update which changes the value reaches.
    pub reach: Reach,
    /// The function's environment variable that provides the value if the template does not.
    pub variable: &'static str,
    /// The value if neither provides one.
    pub default: Default,
    /// The valid values, for the template and for the variable.
    pub value_type: ValueType,
    /// The effect of an update that changes the value.
    pub change: Change,
    /// The description in the reference page's table: one sentence.
    pub description: &'static str,
    /// The lines of Markdown below the table, one sentence or list item each. Empty if the description suffices.
    pub details: &'static [&'static str],
}

/// A group of the reference page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Name and tags.
    Identity,
    /// The managed network, or the existing one.
    Network,
    /// The launch template's content.
    Instances,
    /// The replacement of running instances.
    Rollouts,
    /// The Auto Scaling group, its policies and their alarms.
    Scaling,
    /// The launch gate and the drain.
    Hooks,
    /// Log groups, buckets and their encryption.
    Storage,
    /// Notifications and alarm actions.
    Automation,
    /// The limits of a role and of a Delete.
    Protection,
}

impl Group {
    /// Every group with its title, in the order of the reference page.
    const ALL: [(Group, &'static str); 9] = [
        (Group::Identity, "Name and tags"),
        (Group::Network, "Network"),
        (Group::Instances, "Instances"),
        (Group::Rollouts, "Rollouts"),
        (Group::Scaling, "Scaling"),
        (Group::Hooks, "Launch gate and drain"),
        (Group::Storage, "Storage and logs"),
        (Group::Automation, "Alarms and automation"),
        (Group::Protection, "Protection and lifecycle"),
    ];
}

/// The value of a property that neither the template nor the variable sets.
#[derive(Debug)]
pub enum Default {
    /// No default: the property is required.
    Required,
    /// Optional: the text states the meaning of an absent value.
    Absent(&'static str),
    /// This value, as text, read as if a template had set it.
    Is(&'static str),
}

/// The type of a property's value. Every scalar may arrive as text, which is how `CloudFormation` sends scalars.
#[derive(Debug)]
pub enum ValueType {
    /// At most 63 lowercase letters, digits and inner dashes.
    Suffix,
    /// A tag value of at most this many UTF-16 code units, without spaces at its ends.
    Text(usize),
    /// A private IPv4 network.
    Network,
    /// A whole number between the two bounds, both included.
    Whole(u32, u32),
    /// One of these numbers.
    OneOf(&'static [u32]),
    /// One of these words; the case matters.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// The id of an EC2 resource that starts with this prefix.
    Id(&'static str),
    /// A list of at most [`MAX_LIST_LENGTH`] such ids.
    Ids(&'static str),
    /// The ARN of a resource of this service; the last part of the ARN starts with this prefix. At most 729 characters.
    Arn(&'static str, &'static str),
    /// A list of at most [`MAX_LIST_LENGTH`] such ARNs.
    Arns(&'static str, &'static str),
    /// At most [`MAX_LIST_LENGTH`] names of systemd units, of at most 255 characters each.
    Units,
    /// An instance type of at most 64 characters. Only the form is checked; EC2 knows which types exist.
    InstanceType,
    /// An image id: `ami-` and 8 or 17 hexadecimal digits.
    ImageId,
    /// The full name of an SSM parameter, of at most 200 characters.
    ParameterName,
    /// A list of paths of SSM parameters, each of at most [`MAX_PARAMETER_PATH`] characters.
    ParameterPaths,
    /// Text of at most 16,384 bytes without NUL characters. The other parts of the user data leave less.
    Script,
    /// A map, or a list of `Key` and `Value`, of at most [`MAX_TAGS`] tags. A key has at most 127 UTF-16 code
    /// units, a value at most 256.
    Tags,
    /// A list of at most [`MAX_ROLLOUT_ALARMS`] names of alarms, of at most 255 characters each.
    AlarmNames,
    /// A list of at most [`MAX_LIST_LENGTH`] [`AlarmAction`](crate::AlarmAction) rules.
    AlarmActions,
}

/// The effect of a changed property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The existing resources are updated.
    InPlace,
    /// Only Envkeeper uses the value: it takes effect when the update has settled, and no resource changes.
    Own,
    /// A new version of the launch template is created.
    NewVersion,
    /// The value takes effect when the environment is created. A later change is recorded without an effect.
    AtCreation,
    /// The update is rejected.
    Rejected,
}

/// The instances that a changed property reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Running instances at once, and those that are launched afterwards.
    Running,
    /// Only instances that are launched afterwards.
    New,
    /// Running instances by their replacement, in a rollout.
    Rolls,
    /// No instance: the value belongs to other resources or to Envkeeper, or a change has no effect.
    None,
}

/// Properties that `CloudFormation` itself reads; the check for unknown properties accepts them.
pub const CLOUDFORMATION_OWN: [&str; 2] = ["ServiceToken", "ServiceTimeout"];

/// Every property, in the order of the reference page within each group.
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
    &PARAMETER_PATHS,
    &ROLLOUT,
    &MIN_HEALTHY_PERCENTAGE,
    &MAX_HEALTHY_PERCENTAGE,
    &CANARY_PERCENTAGE,
    &BAKE_SECONDS,
    &ROLLOUT_ALARMS,
    &ROLLOUT_WAIT,
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
    &INSTANCE_WARMUP_SECONDS,
    &ALARM_TOPIC_ARN,
    &ALARM_ACTIONS,
    &LOG_RETENTION_DAYS,
    &KMS_KEY_ARN,
    &PERMISSIONS_BOUNDARY_ARN,
    &BUCKET_ON_DELETE,
    &DELETION_PROTECTION,
    &TAGS,
];
