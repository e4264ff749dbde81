//! What an environment is made of, in one shape for what is wanted and for what is live.
//!
//! A [`Resource`] is its kind, its name and its fields, and nothing else: the id that AWS gave it, whose it is and
//! whether it is ready stand beside it, in [`ObservedResource`](crate::ObservedResource). Comparing two resources field by field is the diff.
//!
//! A [`Field`] says how it is set, since that decides what a change of it can be.

use std::collections::BTreeMap;
use std::fmt;

use crate::field::{Field, Setting, Value};
use crate::kinds::{
    Address, Alarm, AutoScalingGroup, Bucket, Dashboard, InstanceProfile, InternetGateway, LaunchTemplate, LogGroup,
    NatGateway, Role, RouteTable, SavedQuery, ScalingPolicy, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};

/// The kinds of resources, in the order in which a person would build them by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A VPC.
    Vpc,
    /// An internet gateway of a VPC.
    InternetGateway,
    /// A subnet in one availability zone.
    Subnet,
    /// An Elastic IP address.
    Address,
    /// A public NAT gateway.
    NatGateway,
    /// A route table, with its associations.
    RouteTable,
    /// A security group, with its rules.
    SecurityGroup,
    /// A gateway or interface endpoint.
    VpcEndpoint,
    /// An S3 bucket, with all its configuration.
    Bucket,
    /// An IAM role, with its policies.
    Role,
    /// An IAM instance profile.
    InstanceProfile,
    /// A log group of CloudWatch Logs.
    LogGroup,
    /// An EC2 launch template, with its versions.
    LaunchTemplate,
    /// An EC2 Auto Scaling group, with its hooks and target groups.
    AutoScalingGroup,
    /// A simple scaling policy.
    ScalingPolicy,
    /// A CloudWatch metric alarm.
    Alarm,
    /// A CloudWatch dashboard.
    Dashboard,
    /// A query definition of CloudWatch Logs Insights.
    SavedQuery,
}

impl Kind {
    /// The kind's name in plans and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Vpc => "vpc",
            Kind::InternetGateway => "internet-gateway",
            Kind::Subnet => "subnet",
            Kind::Address => "address",
            Kind::NatGateway => "nat-gateway",
            Kind::RouteTable => "route-table",
            Kind::SecurityGroup => "security-group",
            Kind::VpcEndpoint => "vpc-endpoint",
            Kind::Bucket => "bucket",
            Kind::Role => "role",
            Kind::InstanceProfile => "instance-profile",
            Kind::LogGroup => "log-group",
            Kind::LaunchTemplate => "launch-template",
            Kind::AutoScalingGroup => "auto-scaling-group",
            Kind::ScalingPolicy => "scaling-policy",
            Kind::Alarm => "alarm",
            Kind::Dashboard => "dashboard",
            Kind::SavedQuery => "saved-query",
        }
    }

    /// What must be effective before a resource of this kind is used, where no field shows it, each with the reason.
    /// (What fields show is derived from their references.)
    #[must_use]
    pub fn declared_needs(self) -> &'static [(Kind, &'static str)] {
        match self {
            Kind::NatGateway => &[(Kind::InternetGateway, "it goes out through one that is attached")],
            Kind::AutoScalingGroup => &[
                (Kind::RouteTable, "its first instance needs a way out"),
                (Kind::VpcEndpoint, "its first instance registers through them"),
                (Kind::Role, "its first instance needs the attached policies"),
                (Kind::LogGroup, "its first instance writes to them"),
                (Kind::Bucket, "its first instance may write to them"),
            ],
            _ => &[],
        }
    }

    /// Whether the create call can be sent again without making a second one: it has a client token, or the name is
    /// unique in its service. The others are sent once, and looked for when the answer is lost (ARCHITECTURE, Facts: `ClientToken`
    /// does not exist on `CreateVpc`, `CreateInternetGateway`, `AllocateAddress`; a subnet's CIDR and a security group's
    /// name are unique within the VPC; `PutQueryDefinition` without an id makes a new one each time).
    #[must_use]
    pub fn create_can_be_repeated(self) -> bool {
        !matches!(self, Kind::Vpc | Kind::InternetGateway | Kind::Address | Kind::SavedQuery)
    }

    /// Whether it takes a while from the answer to its create or delete call until it can be used, or is gone; a look
    /// shows which.
    #[must_use]
    pub fn settles_slowly(self) -> bool {
        matches!(self, Kind::NatGateway | Kind::VpcEndpoint)
    }

    /// How its mark of ownership is carried.
    #[must_use]
    pub fn marking(self) -> Marking {
        match self {
            Kind::Alarm => Marking::TextAndTags,
            Kind::Dashboard | Kind::SavedQuery => Marking::Text,
            Kind::ScalingPolicy => Marking::Parent,
            _ => Marking::Tags,
        }
    }
}

/// How a resource says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// By the tags of [`mark`](crate::mark).
    Tags,
    /// It has tags that no listing shows, so its text says it too (`DescribeAlarms` returns none).
    TextAndTags,
    /// It has no tags; its text says it.
    Text,
    /// It is a part of what it refers to.
    Parent,
}

/// Which resource: a kind and a computed name. Unique within an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Resources of different kinds may have one name.
    pub kind: Kind,
    /// As [`Names`](crate::Names) computes it.
    pub name: String,
}

impl Key {
    /// The key of a resource, whether it exists or not.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Key { kind, name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// A reference from one resource to another: by our own name, or by the id of something that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// Something of this environment, found by its key.
    Owned(Key),
    /// An id that AWS gave: a network that was brought along, or what a live resource points at and we don't know.
    Foreign(String),
}

impl Ref {
    /// A reference to something of this environment, by its kind and computed name.
    pub fn ours(kind: Kind, name: impl Into<String>) -> Self {
        Ref::Owned(Key::new(kind, name))
    }

    /// The key, if it is one of ours.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Ref::Owned(key) => Some(key),
            Ref::Foreign(_) => None,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Owned(key) => f.write_str(&key.name),
            Ref::Foreign(id) => f.write_str(id),
        }
    }
}

/// Tags by key. Every kind carries them, set in its create call.
pub type Tags = BTreeMap<String, String>;

/// A resource: name, tags, and the fields of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// As [`Names`](crate::Names) computes it; AWS's own name of it, or the value of a tag.
    pub name: String,
    /// The mark among them; empty where [`Kind::marking`] says that there are none.
    pub tags: Tags,
    /// What its kind has of its own.
    pub fields: Fields,
}

/// The fields of each kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Fields {
    /// Of a [`Kind::Vpc`].
    Vpc(Vpc),
    /// Of a [`Kind::InternetGateway`].
    InternetGateway(InternetGateway),
    /// Of a [`Kind::Subnet`].
    Subnet(Subnet),
    /// Of a [`Kind::Address`], which has none.
    Address(Address),
    /// Of a [`Kind::NatGateway`].
    NatGateway(NatGateway),
    /// Of a [`Kind::RouteTable`].
    RouteTable(RouteTable),
    /// Of a [`Kind::SecurityGroup`].
    SecurityGroup(SecurityGroup),
    /// Of a [`Kind::VpcEndpoint`].
    VpcEndpoint(VpcEndpoint),
    /// Of a [`Kind::Bucket`].
    Bucket(Bucket),
    /// Of a [`Kind::Role`].
    Role(Role),
    /// Of a [`Kind::InstanceProfile`].
    InstanceProfile(InstanceProfile),
    /// Of a [`Kind::LogGroup`].
    LogGroup(LogGroup),
    /// Of a [`Kind::LaunchTemplate`].
    LaunchTemplate(LaunchTemplate),
    /// Of a [`Kind::AutoScalingGroup`].
    AutoScalingGroup(AutoScalingGroup),
    /// Of a [`Kind::ScalingPolicy`].
    ScalingPolicy(ScalingPolicy),
    /// Of a [`Kind::Alarm`].
    Alarm(Alarm),
    /// Of a [`Kind::Dashboard`].
    Dashboard(Dashboard),
    /// Of a [`Kind::SavedQuery`].
    SavedQuery(SavedQuery),
}

impl Resource {
    /// The kind that its fields are of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.fields {
            Fields::Vpc(_) => Kind::Vpc,
            Fields::InternetGateway(_) => Kind::InternetGateway,
            Fields::Subnet(_) => Kind::Subnet,
            Fields::Address(_) => Kind::Address,
            Fields::NatGateway(_) => Kind::NatGateway,
            Fields::RouteTable(_) => Kind::RouteTable,
            Fields::SecurityGroup(_) => Kind::SecurityGroup,
            Fields::VpcEndpoint(_) => Kind::VpcEndpoint,
            Fields::Bucket(_) => Kind::Bucket,
            Fields::Role(_) => Kind::Role,
            Fields::InstanceProfile(_) => Kind::InstanceProfile,
            Fields::LogGroup(_) => Kind::LogGroup,
            Fields::LaunchTemplate(_) => Kind::LaunchTemplate,
            Fields::AutoScalingGroup(_) => Kind::AutoScalingGroup,
            Fields::ScalingPolicy(_) => Kind::ScalingPolicy,
            Fields::Alarm(_) => Kind::Alarm,
            Fields::Dashboard(_) => Kind::Dashboard,
            Fields::SavedQuery(_) => Kind::SavedQuery,
        }
    }

    /// Its kind and name, by which what is wanted and what is live are matched.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(self.kind(), self.name.clone())
    }

    /// All fields, in the order in which they are set; the tags come last.
    #[must_use]
    pub fn all_fields(&self) -> Vec<Field> {
        let mut fields = match &self.fields {
            Fields::Vpc(it) => it.fields(),
            Fields::InternetGateway(it) => it.fields(),
            Fields::Subnet(it) => it.fields(),
            Fields::Address(it) => it.fields(),
            Fields::NatGateway(it) => it.fields(),
            Fields::RouteTable(it) => it.fields(),
            Fields::SecurityGroup(it) => it.fields(),
            Fields::VpcEndpoint(it) => it.fields(),
            Fields::Bucket(it) => it.fields(),
            Fields::Role(it) => it.fields(),
            Fields::InstanceProfile(it) => it.fields(),
            Fields::LogGroup(it) => it.fields(),
            Fields::LaunchTemplate(it) => it.fields(),
            Fields::AutoScalingGroup(it) => it.fields(),
            Fields::ScalingPolicy(it) => it.fields(),
            Fields::Alarm(it) => it.fields(),
            Fields::Dashboard(it) => it.fields(),
            Fields::SavedQuery(it) => it.fields(),
        };
        let tag = |(key, value): (&String, &String)| match self.kind().marking() {
            Marking::TextAndTags => Field::Once("tag", Value::Text(format!("{key}={value}"))),
            _ => Field::Created(Setting::Tag(key.clone(), value.clone())),
        };
        fields.extend(self.tags.iter().map(tag));
        fields
    }

    /// The settings among the fields.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.all_fields().iter().filter_map(|field| field.setting().cloned()).collect()
    }

    /// Our own resources that this one's fields point at.
    #[must_use]
    pub fn references(&self) -> Vec<Key> {
        self.all_fields().iter().flat_map(Field::references).filter_map(Ref::key).cloned().collect()
    }

    /// The resource as its create call leaves it: without what is set afterwards.
    #[must_use]
    pub fn as_created(&self) -> Resource {
        let mut created = self.clone();
        for field in self.all_fields() {
            if let Field::After(setting) = field {
                created.clear(&setting);
            }
        }
        created
    }

    /// The resource, with what no call of ours sets as a look shows it.
    #[must_use]
    pub(crate) fn with_what_only_looks_show(&self, seen: &Resource) -> Resource {
        let mut it = self.clone();
        match (&mut it.fields, &seen.fields) {
            (Fields::AutoScalingGroup(it), Fields::AutoScalingGroup(seen)) => {
                it.in_service = seen.in_service;
                it.failed_launch.clone_from(&seen.failed_launch);
            }
            (Fields::Bucket(it), Fields::Bucket(seen)) => it.holds_objects = seen.holds_objects,
            _ => {}
        }
        it
    }

    /// Takes a setting over, as the call that sets it would.
    pub fn set(&mut self, setting: &Setting) {
        match (&mut self.fields, setting) {
            (_, Setting::Tag(key, value)) => {
                self.tags.insert(key.clone(), value.clone());
            }
            (Fields::Vpc(it), _) => it.set(setting),
            (Fields::InternetGateway(it), _) => it.set(setting),
            (Fields::Subnet(it), _) => it.set(setting),
            (Fields::RouteTable(it), _) => it.set(setting),
            (Fields::SecurityGroup(it), _) => it.set(setting),
            (Fields::VpcEndpoint(it), _) => it.set(setting),
            (Fields::Bucket(it), _) => it.set(setting),
            (Fields::Role(it), _) => it.set(setting),
            (Fields::InstanceProfile(it), _) => it.set(setting),
            (Fields::LogGroup(it), _) => it.set(setting),
            (Fields::LaunchTemplate(it), _) => it.set(setting),
            (Fields::AutoScalingGroup(it), _) => it.set(setting),
            (Fields::ScalingPolicy(it), _) => it.set(setting),
            (Fields::Alarm(it), _) => it.set(setting),
            (Fields::Dashboard(it), _) => it.set(setting),
            (Fields::SavedQuery(it), _) => it.set(setting),
            (Fields::Address(_) | Fields::NatGateway(_), _) => {}
        }
    }

    /// Takes several settings over.
    pub fn set_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.set(setting);
        }
    }

    /// Lets several settings go.
    pub fn clear_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.clear(setting);
        }
    }

    /// Lets a setting go, as the call that clears it would: what has a default goes back to it.
    pub fn clear(&mut self, setting: &Setting) {
        match (&mut self.fields, setting) {
            (_, Setting::Tag(key, _)) => {
                self.tags.remove(key);
            }
            (Fields::Vpc(it), _) => it.clear(setting),
            (Fields::InternetGateway(it), _) => it.clear(setting),
            (Fields::Subnet(it), _) => it.clear(setting),
            (Fields::RouteTable(it), _) => it.clear(setting),
            (Fields::SecurityGroup(it), _) => it.clear(setting),
            (Fields::VpcEndpoint(it), _) => it.clear(setting),
            (Fields::Bucket(it), _) => it.clear(setting),
            (Fields::Role(it), _) => it.clear(setting),
            (Fields::InstanceProfile(it), _) => it.clear(setting),
            (Fields::LogGroup(it), _) => it.clear(setting),
            (Fields::AutoScalingGroup(it), _) => it.clear(setting),
            (
                Fields::Address(_)
                | Fields::NatGateway(_)
                | Fields::LaunchTemplate(_)
                | Fields::ScalingPolicy(_)
                | Fields::Alarm(_)
                | Fields::Dashboard(_)
                | Fields::SavedQuery(_),
                _,
            ) => {}
        }
    }
}
