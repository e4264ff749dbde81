//! The resources of an environment, with one type for desired and observed resources.
//!
//! A [`Resource`] is a kind, a name and fields, and nothing else. The id that AWS assigned, the ownership and
//! the state are in [`ObservedResource`](crate::ObservedResource). Comparing two resources field by field is the diff.
//!
//! A [`Field`] states how the field is set, since that decides which changes are possible.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::field::{Field, Setting, Value};
use crate::model::kinds::{
    Address, Alarm, AutoScalingGroup, Bucket, Dashboard, InstanceProfile, InternetGateway, LaunchTemplate, LogGroup,
    NatGateway, Role, RouteTable, SavedQuery, ScalingPolicy, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};

/// The kinds of resources, in the order in which an operator would create them manually.
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
    /// A route table, with the associations.
    RouteTable,
    /// A security group, with the rules.
    SecurityGroup,
    /// A gateway or interface endpoint.
    VpcEndpoint,
    /// An S3 bucket, with the whole configuration.
    Bucket,
    /// An IAM role, with the policies.
    Role,
    /// An IAM instance profile.
    InstanceProfile,
    /// A log group of CloudWatch Logs.
    LogGroup,
    /// An EC2 launch template, with the versions.
    LaunchTemplate,
    /// An EC2 Auto Scaling group, with the hooks and target groups.
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

    /// The kinds that must be effective before a resource of this kind is used, where no field shows the dependency,
    /// each with the reason. (Dependencies that fields show are derived from their references.)
    #[must_use]
    pub fn declared_dependencies(self) -> &'static [(Kind, &'static str)] {
        match self {
            Kind::NatGateway => &[(Kind::InternetGateway, "its traffic leaves through an attached gateway")],
            Kind::AutoScalingGroup => &[
                (Kind::RouteTable, "its first instance needs egress"),
                (Kind::VpcEndpoint, "its first instance registers through them"),
                (Kind::Role, "its first instance needs the attached policies"),
                (Kind::LogGroup, "its first instance writes to them"),
                (Kind::Bucket, "its first instance may write to them"),
            ],
            _ => &[],
        }
    }

    /// Whether the create call can be sent again without creating a second resource: the call has a client token, or
    /// the name is unique in its service. All other creates are sent once. After a lost response an observation shows
    /// whether the create succeeded (ARCHITECTURE, Facts: `ClientToken` does not exist on `CreateVpc`,
    /// `CreateInternetGateway`, `AllocateAddress`; a subnet's CIDR and a security group's name are unique within the
    /// VPC; `PutQueryDefinition` without an id creates a new definition each time).
    #[must_use]
    pub fn create_can_be_repeated(self) -> bool {
        !matches!(self, Kind::Vpc | Kind::InternetGateway | Kind::Address | Kind::SavedQuery)
    }

    /// Whether the create and delete calls return before the resource is usable or deleted; an observation shows the
    /// completion.
    #[must_use]
    pub fn completes_asynchronously(self) -> bool {
        matches!(self, Kind::NatGateway | Kind::VpcEndpoint)
    }

    /// The place of the ownership mark.
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

/// The place of a resource's ownership mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// In the tags of [`mark`](crate::mark).
    Tags,
    /// In the tags and in the text: no listing shows the tags (`DescribeAlarms` returns none).
    TextAndTags,
    /// In the text: the kind has no tags.
    Text,
    /// On the parent resource that this resource refers to.
    Parent,
}

/// The identity of a resource: a kind and a computed name. Unique within an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind; resources of different kinds may have the same name.
    pub kind: Kind,
    /// The name, as [`Names`](crate::Names) computes it.
    pub name: String,
}

impl Key {
    /// The key of a resource, which may be absent.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Key { kind, name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// A reference from one resource to another: by the computed name, or by the id of a foreign resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// A resource of this environment, found by the key.
    Owned(Key),
    /// An id that AWS assigned: an existing network, or an unknown resource that an observed resource refers to.
    Foreign(String),
}

impl Ref {
    /// A reference to a resource of this environment, by kind and computed name.
    pub fn owned(kind: Kind, name: impl Into<String>) -> Self {
        Ref::Owned(Key::new(kind, name))
    }

    /// The key, if the reference is to a resource of this environment.
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

/// Tags by key. Every kind carries them, set in the create call.
pub type Tags = BTreeMap<String, String>;

/// A resource: name, tags, and the fields of the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The name, as [`Names`](crate::Names) computes it: AWS's own name of the resource, or the value of a tag.
    pub name: String,
    /// The tags, with the mark among them; empty where, by [`Kind::marking`], the kind has no tags.
    pub tags: Tags,
    /// The fields of the resource's kind.
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
    /// The kind to which the fields belong.
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

    /// The kind and name, by which desired and observed resources are matched.
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

    /// The resources of this environment that the fields refer to.
    #[must_use]
    pub fn references(&self) -> Vec<Key> {
        self.all_fields().iter().flat_map(Field::references).filter_map(Ref::key).cloned().collect()
    }

    /// The resource after the create call: without the settings that later calls set.
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

    /// The resource, with the observed values of the fields that no call of Envkeeper sets.
    #[must_use]
    pub(crate) fn with_observed_only_fields(&self, observed: &Resource) -> Resource {
        let mut it = self.clone();
        match (&mut it.fields, &observed.fields) {
            (Fields::AutoScalingGroup(it), Fields::AutoScalingGroup(observed)) => {
                it.in_service = observed.in_service;
                it.failed_launch.clone_from(&observed.failed_launch);
            }
            (Fields::Bucket(it), Fields::Bucket(observed)) => it.contains_objects = observed.contains_objects,
            _ => {}
        }
        it
    }

    /// Applies a setting, with the same effect as the call that sets it.
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

    /// Applies several settings.
    pub fn set_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.set(setting);
        }
    }

    /// Clears several settings.
    pub fn clear_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.clear(setting);
        }
    }

    /// Clears a setting, with the same effect as the call that clears it: a setting with a default returns to the
    /// default.
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
