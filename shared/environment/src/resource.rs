//! What an environment is made of, in one shape for what is wanted and for what is live.
//!
//! A [`Resource`] is its kind, its name and its fields, and nothing else: the id that AWS gave it, whose it is and
//! whether it is ready stand beside it, in [`Live`](crate::Live). Comparing two resources field by field is the diff.
//!
//! A [`Field`] says how it is set, since that decides what a change of it can be: see the variants.

use std::collections::BTreeMap;
use std::fmt;

use crate::kinds::{
    AutoScalingGroup, InstanceProfile, InternetGateway, LaunchTemplate, LogGroup, Role, RouteTable, SecurityGroup,
    Subnet, TemplateVersion, Vpc,
};

/// The kinds of resources, in the order in which a person would build them by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Vpc,
    InternetGateway,
    Subnet,
    RouteTable,
    SecurityGroup,
    Role,
    InstanceProfile,
    LogGroup,
    LaunchTemplate,
    AutoScalingGroup,
}

impl Kind {
    /// The kind's name in plans and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Vpc => "vpc",
            Kind::InternetGateway => "internet-gateway",
            Kind::Subnet => "subnet",
            Kind::RouteTable => "route-table",
            Kind::SecurityGroup => "security-group",
            Kind::Role => "role",
            Kind::InstanceProfile => "instance-profile",
            Kind::LogGroup => "log-group",
            Kind::LaunchTemplate => "launch-template",
            Kind::AutoScalingGroup => "auto-scaling-group",
        }
    }

    /// What must be effective before a resource of this kind is used, where no field shows it, each with the reason.
    /// (What fields show is derived from their references.)
    #[must_use]
    pub fn declared_needs(self) -> &'static [(Kind, &'static str)] {
        match self {
            Kind::AutoScalingGroup => &[
                (Kind::RouteTable, "its first instance needs a way out"),
                (Kind::Role, "its first instance needs the attached policies"),
                (Kind::LogGroup, "its first instance writes to them"),
            ],
            _ => &[],
        }
    }

    /// Whether the create call can be sent again without making a second one: it has a client token, or the name is
    /// unique in its service. The others are sent once, and looked for when the answer is lost (FACTS: `ClientToken`
    /// does not exist on `CreateVpc`, `CreateInternetGateway`; a subnet's CIDR and a security group's name are
    /// unique within the VPC).
    #[must_use]
    pub fn create_can_be_repeated(self) -> bool {
        !matches!(self, Kind::Vpc | Kind::InternetGateway)
    }
}

/// Which resource: a kind and a computed name. Unique within an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: Kind,
    pub name: String,
}

impl Key {
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
    Ours(Key),
    /// An id that AWS gave: a network that was brought along, or what a live resource points at and we don't know.
    Foreign(String),
}

impl Ref {
    pub fn ours(kind: Kind, name: impl Into<String>) -> Self {
        Ref::Ours(Key::new(kind, name))
    }

    /// The key, if it is one of ours.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Ref::Ours(key) => Some(key),
            Ref::Foreign(_) => None,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Ours(key) => f.write_str(&key.name),
            Ref::Foreign(id) => f.write_str(id),
        }
    }
}

/// Tags by key. Every kind carries them, set in its create call.
pub type Tags = BTreeMap<String, String>;

/// A resource: name, tags, and the fields of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub name: String,
    pub tags: Tags,
    pub fields: Fields,
}

/// The fields of each kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Fields {
    Vpc(Vpc),
    InternetGateway(InternetGateway),
    Subnet(Subnet),
    RouteTable(RouteTable),
    SecurityGroup(SecurityGroup),
    Role(Role),
    InstanceProfile(InstanceProfile),
    LogGroup(LogGroup),
    LaunchTemplate(LaunchTemplate),
    AutoScalingGroup(AutoScalingGroup),
}

/// One field of a resource, by the way it is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// In the create call, and never again: a difference is refused.
    Fixed(&'static str, Value),
    /// In the create call, and never compared afterwards: somebody else's to change, or pinned (desired capacity
    /// belongs to Auto Scaling, a subnet stays in its zone).
    Once(&'static str, Value),
    /// In the create call; a later change has a call of its own.
    Created(Setting),
    /// Always by a call of its own, after the create call.
    After(Setting),
}

impl Field {
    /// The setting, if the field can be set by a call of its own.
    #[must_use]
    pub fn setting(&self) -> Option<&Setting> {
        match self {
            Field::Created(setting) | Field::After(setting) => Some(setting),
            Field::Fixed(..) | Field::Once(..) => None,
        }
    }

    fn references(&self) -> Vec<&Ref> {
        match self {
            Field::Fixed(_, Value::Ref(to)) | Field::Once(_, Value::Ref(to)) => vec![to],
            Field::Fixed(..) | Field::Once(..) => vec![],
            Field::Created(setting) | Field::After(setting) => setting.references(),
        }
    }
}

/// The value of a field that no later call can set.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Ref(Ref),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Ref(to) => to.fmt(f),
        }
    }
}

/// A value that one call sets, and that another may clear. Each variant stands for one pair of AWS operations
/// (`Call::operation` names them).
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    Tag(String, String),
    DnsSupport(bool),
    DnsHostnames(bool),
    /// An internet gateway's VPC.
    Attachment(Ref),
    PublicIpOnLaunch(bool),
    /// Where a route table sends 0.0.0.0/0.
    DefaultRoute(Ref),
    /// A subnet that a route table serves.
    Association(Ref),
    /// The ARN of a managed policy.
    ManagedPolicy(String),
    /// The role inside an instance profile.
    ProfileRole(Ref),
    /// Days.
    Retention(u32),
    TemplateVersion(TemplateVersion),
    MinSize(u32),
    MaxSize(u32),
    Subnets(Vec<Ref>),
    /// Which content of which launch template a group launches.
    Template {
        template: Ref,
        digest: String,
    },
}

impl Setting {
    /// Which value this is: a name, and for what can be there several times, which one. Two settings in the same slot
    /// replace each other.
    #[must_use]
    pub fn slot(&self) -> (&'static str, String) {
        let (name, element) = match self {
            Setting::Tag(key, _) => ("tag", key.clone()),
            Setting::DnsSupport(_) => ("dns-support", String::new()),
            Setting::DnsHostnames(_) => ("dns-hostnames", String::new()),
            Setting::Attachment(vpc) => ("attached-to", vpc.to_string()),
            Setting::PublicIpOnLaunch(_) => ("public-ip-on-launch", String::new()),
            Setting::DefaultRoute(_) => ("default-route", String::new()),
            Setting::Association(subnet) => ("serves", subnet.to_string()),
            Setting::ManagedPolicy(arn) => ("managed-policy", arn.clone()),
            Setting::ProfileRole(role) => ("holds-role", role.to_string()),
            Setting::Retention(_) => ("retention-days", String::new()),
            Setting::TemplateVersion(version) => ("version", version.digest.clone()),
            Setting::MinSize(_) => ("min-size", String::new()),
            Setting::MaxSize(_) => ("max-size", String::new()),
            Setting::Subnets(_) => ("subnets", String::new()),
            Setting::Template { .. } => ("launches", String::new()),
        };
        (name, element)
    }

    /// The value within its slot, as plans print it; empty where the slot says it all.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Setting::Tag(_, value) => value.clone(),
            Setting::DnsSupport(on) | Setting::DnsHostnames(on) | Setting::PublicIpOnLaunch(on) => on.to_string(),
            Setting::DefaultRoute(to) => to.to_string(),
            Setting::Retention(count) | Setting::MinSize(count) | Setting::MaxSize(count) => count.to_string(),
            Setting::Subnets(subnets) => subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Setting::Template { template, digest } => format!("{template} content {digest}"),
            Setting::Attachment(_)
            | Setting::Association(_)
            | Setting::ManagedPolicy(_)
            | Setting::ProfileRole(_)
            | Setting::TemplateVersion(_) => String::new(),
        }
    }

    /// What the setting points at.
    #[must_use]
    pub fn references(&self) -> Vec<&Ref> {
        match self {
            Setting::Attachment(to)
            | Setting::DefaultRoute(to)
            | Setting::Association(to)
            | Setting::ProfileRole(to)
            | Setting::Template { template: to, .. } => vec![to],
            Setting::Subnets(subnets) => subnets.iter().collect(),
            Setting::TemplateVersion(version) => version.references(),
            Setting::Tag(..)
            | Setting::DnsSupport(_)
            | Setting::DnsHostnames(_)
            | Setting::PublicIpOnLaunch(_)
            | Setting::ManagedPolicy(_)
            | Setting::Retention(_)
            | Setting::MinSize(_)
            | Setting::MaxSize(_) => vec![],
        }
    }

    /// Whether one call sets it together with `other`.
    #[must_use]
    pub fn shares_a_call_with(&self, other: &Setting) -> bool {
        let of_the_group = |setting: &Setting| {
            matches!(
                setting,
                Setting::MinSize(_) | Setting::MaxSize(_) | Setting::Subnets(_) | Setting::Template { .. }
            )
        };
        let tags = matches!((self, other), (Setting::Tag(..), Setting::Tag(..)));
        tags || (of_the_group(self) && of_the_group(other))
    }

    /// Whether it has to be cleared before its resource can be deleted.
    #[must_use]
    pub fn holds_back_a_delete(&self) -> bool {
        matches!(
            self,
            Setting::Attachment(_) | Setting::Association(_) | Setting::ManagedPolicy(_) | Setting::ProfileRole(_)
        )
    }

    /// Whether what is live and not wanted stays: old template versions, so that a rollback finds them again.
    #[must_use]
    pub fn is_kept_when_unwanted(&self) -> bool {
        matches!(self, Setting::TemplateVersion(_))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, element) = self.slot();
        let value = self.value();
        match (element.as_str(), value.as_str()) {
            ("", value) => write!(f, "{name}: {value}"),
            (element, "") => write!(f, "{name}: {element}"),
            (element, value) => write!(f, "{name} {element}: {value}"),
        }
    }
}

impl Resource {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.fields {
            Fields::Vpc(_) => Kind::Vpc,
            Fields::InternetGateway(_) => Kind::InternetGateway,
            Fields::Subnet(_) => Kind::Subnet,
            Fields::RouteTable(_) => Kind::RouteTable,
            Fields::SecurityGroup(_) => Kind::SecurityGroup,
            Fields::Role(_) => Kind::Role,
            Fields::InstanceProfile(_) => Kind::InstanceProfile,
            Fields::LogGroup(_) => Kind::LogGroup,
            Fields::LaunchTemplate(_) => Kind::LaunchTemplate,
            Fields::AutoScalingGroup(_) => Kind::AutoScalingGroup,
        }
    }

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
            Fields::RouteTable(it) => it.fields(),
            Fields::SecurityGroup(it) => it.fields(),
            Fields::Role(it) => it.fields(),
            Fields::InstanceProfile(it) => it.fields(),
            Fields::LogGroup(it) => it.fields(),
            Fields::LaunchTemplate(it) => it.fields(),
            Fields::AutoScalingGroup(it) => it.fields(),
        };
        fields.extend(self.tags.iter().map(|(key, value)| Field::Created(Setting::Tag(key.clone(), value.clone()))));
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
            (Fields::SecurityGroup(_), _) => {}
            (Fields::Role(it), _) => it.set(setting),
            (Fields::InstanceProfile(it), _) => it.set(setting),
            (Fields::LogGroup(it), _) => it.set(setting),
            (Fields::LaunchTemplate(it), _) => it.set(setting),
            (Fields::AutoScalingGroup(it), _) => it.set(setting),
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
            (Fields::Role(it), _) => it.clear(setting),
            (Fields::InstanceProfile(it), _) => it.clear(setting),
            (Fields::LogGroup(it), _) => it.clear(setting),
            (Fields::SecurityGroup(_) | Fields::LaunchTemplate(_) | Fields::AutoScalingGroup(_), _) => {}
        }
    }
}
