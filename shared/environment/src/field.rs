//! The fields of a resource: how each is set, and the settings that calls of their own set and clear.

use std::fmt;

use crate::kinds::TemplateVersion;
use crate::resource::Ref;

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

    pub(crate) fn references(&self) -> Vec<&Ref> {
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
