//! The fields of a resource: how each is set, and the settings that separate calls set and clear.

use std::fmt;

use crate::model::kinds::{
    AccessLogs, Adjustment, AlarmRule, Encryption, HealthCheck, Hook, Query, TemplateVersion, Transition,
};
use crate::model::resource::Ref;

/// One field of a resource. The variant states how the field is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Set in the create call, and never again: a difference is rejected.
    Fixed(&'static str, Value),
    /// Set in the create call, and never compared afterwards: another service changes the field, or it is pinned
    /// (desired capacity belongs to Auto Scaling, a subnet remains in its zone).
    Once(&'static str, Value),
    /// Set in the create call; a later change is a separate call.
    Created(Setting),
    /// Always set by a separate call, after the create call.
    After(Setting),
}

impl Field {
    /// A field that needs a separate call after the create call, unless a new resource has that value by default.
    pub(crate) fn after_create_unless(setting: Setting, is_default: bool) -> Field {
        if is_default { Field::Created(setting) } else { Field::After(setting) }
    }

    /// The setting, if a separate call can set the field.
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
    /// A text, printed unchanged.
    Text(String),
    /// Another resource, which must exist first.
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

/// A value that one call sets, and that another may clear. Each variant represents one pair of AWS operations
/// (`Call::operation` names them).
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A tag's key and value.
    Tag(String, String),
    /// Whether a VPC's own resolver is enabled (`enableDnsSupport`). On in a new VPC.
    DnsSupport(bool),
    /// Whether instances with public addresses get public names (`enableDnsHostnames`). Off in a new VPC.
    DnsHostnames(bool),
    /// An internet gateway's VPC.
    Attachment(Ref),
    /// Whether instances in a subnet get public addresses (`MapPublicIpOnLaunch`). Off in a new subnet.
    PublicIpOnLaunch(bool),
    /// The target of a route table's route to 0.0.0.0/0.
    DefaultRoute(Ref),
    /// A subnet that is associated with a route table.
    Association(Ref),
    /// A security group whose members may connect to port 443.
    HttpsFrom(Ref),
    /// A route table that has the routes to a gateway endpoint.
    EndpointRouteTable(Ref),
    /// A subnet that an interface endpoint has a network interface in.
    EndpointSubnet(Ref),
    /// The ARN of the policy that bounds a role.
    Boundary(String),
    /// The ARN of a managed policy.
    ManagedPolicy(String),
    /// A role's own policy: JSON as `serde_json` writes it.
    InlinePolicy {
        /// Unique within the role.
        name: String,
        /// JSON as `serde_json` writes it.
        document: String,
    },
    /// The role of an instance profile.
    ProfileRole(Ref),
    /// Whether all four of a bucket's public access blocks are on.
    PublicAccessBlocked(bool),
    /// Whether a bucket keeps old versions; off is `Suspended` where it was once on.
    Versioning(bool),
    /// The encryption of a bucket's new objects.
    BucketEncryption(Encryption),
    /// A bucket's policy: JSON as `serde_json` writes it.
    BucketPolicy(String),
    /// Days after which a bucket's objects expire.
    Expiry(u32),
    /// The destination of a bucket's access logs.
    AccessLogs(AccessLogs),
    /// The retention of a log group, in days.
    Retention(u32),
    /// The ARN of the key that encrypts a log group.
    LogKey(String),
    /// A version of a launch template. Versions are added, never changed.
    TemplateVersion(TemplateVersion),
    /// The lowest number of instances in a group.
    MinSize(u32),
    /// The highest number of instances in a group.
    MaxSize(u32),
    /// All subnets of a group, sorted (`VPCZoneIdentifier`).
    Subnets(Vec<Ref>),
    /// The launch template of a group, and the content that the group launches.
    Template {
        /// The launch template.
        template: Ref,
        /// The [`TemplateVersion`]'s digest, which determines its number.
        digest: String,
    },
    /// The health check by which a group detects an unhealthy instance.
    HealthCheck(HealthCheck),
    /// Whether Auto Scaling rejects the deletion of the group.
    Protected(bool),
    /// The ARN of a target group in which instances are registered.
    TargetGroup(String),
    /// A whole lifecycle hook of a group: each `PutLifecycleHook` replaces all its values.
    Hook(Hook),
    /// Whether all group metrics are collected.
    GroupMetrics(bool),
    /// A whole scaling policy.
    Adjustment(Adjustment),
    /// A whole alarm.
    Rule(AlarmRule),
    /// A whole dashboard: JSON as `serde_json` writes it.
    DashboardBody(String),
    /// A whole saved query.
    Query(Query),
}

impl Setting {
    /// The slot of the value: a name, and for repeatable values the element. Two settings in the same slot replace each
    /// other.
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
            Setting::HttpsFrom(group) => ("https-from", group.to_string()),
            Setting::EndpointRouteTable(table) => ("routes-in", table.to_string()),
            Setting::EndpointSubnet(subnet) => ("interface-in", subnet.to_string()),
            Setting::Boundary(_) => ("boundary", String::new()),
            Setting::ManagedPolicy(arn) => ("managed-policy", arn.clone()),
            Setting::InlinePolicy { name, .. } => ("inline-policy", name.clone()),
            Setting::ProfileRole(role) => ("role", role.to_string()),
            Setting::PublicAccessBlocked(_) => ("public-access-blocked", String::new()),
            Setting::Versioning(_) => ("versioning", String::new()),
            Setting::BucketEncryption(_) => ("encryption", String::new()),
            Setting::BucketPolicy(_) => ("policy", String::new()),
            Setting::Expiry(_) => ("objects-expire-after-days", String::new()),
            Setting::AccessLogs(_) => ("access-logs", String::new()),
            Setting::Retention(_) => ("retention-days", String::new()),
            Setting::LogKey(_) => ("kms-key", String::new()),
            Setting::TemplateVersion(version) => ("version", version.digest.clone()),
            Setting::MinSize(_) => ("min-size", String::new()),
            Setting::MaxSize(_) => ("max-size", String::new()),
            Setting::Subnets(_) => ("subnets", String::new()),
            Setting::Template { .. } => ("launches", String::new()),
            Setting::HealthCheck(_) => ("health-check", String::new()),
            Setting::Protected(_) => ("deletion-protection", String::new()),
            Setting::TargetGroup(arn) => ("target-group", arn.clone()),
            Setting::Hook(hook) => ("lifecycle-hook", hook.name.clone()),
            Setting::GroupMetrics(_) => ("group-metrics", String::new()),
            Setting::Adjustment(_) => ("adjustment", String::new()),
            Setting::Rule(_) => ("rule", String::new()),
            Setting::DashboardBody(_) => ("body", String::new()),
            Setting::Query(_) => ("query", String::new()),
        };
        (name, element)
    }

    /// The value within its slot, as plans print it; empty where the slot is the whole value.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Setting::Tag(_, value) => value.clone(),
            Setting::DnsSupport(on)
            | Setting::DnsHostnames(on)
            | Setting::PublicIpOnLaunch(on)
            | Setting::PublicAccessBlocked(on)
            | Setting::Versioning(on)
            | Setting::Protected(on)
            | Setting::GroupMetrics(on) => on.to_string(),
            Setting::DefaultRoute(to) => to.to_string(),
            Setting::Retention(count) | Setting::MinSize(count) | Setting::MaxSize(count) | Setting::Expiry(count) => {
                count.to_string()
            }
            Setting::InlinePolicy { document: text, .. }
            | Setting::BucketPolicy(text)
            | Setting::DashboardBody(text) => text.clone(),
            Setting::BucketEncryption(Encryption::S3) => String::from("S3's own keys"),
            Setting::Boundary(arn) | Setting::LogKey(arn) | Setting::BucketEncryption(Encryption::Kms(arn)) => {
                arn.clone()
            }
            Setting::AccessLogs(logs) => format!("{}/{}", logs.to, logs.prefix),
            Setting::HealthCheck(check) => {
                let by = if check.by_target_groups { "EC2 and target groups" } else { "EC2" };
                format!("{by}, after {} s", check.grace_seconds)
            }
            Setting::Hook(hook) => {
                let on = match hook.on {
                    Transition::Launch => "launch",
                    Transition::Terminate => "terminate",
                };
                let end = if hook.abandon { "abandon" } else { "continue" };
                format!("on {on}, {} s, else {end}; {}", hook.heartbeat, hook.metadata)
            }
            Setting::Adjustment(it) => format!("{:+} instances, then a cooldown of {} s", it.by, it.cooldown_seconds),
            Setting::Rule(rule) => rule.to_string(),
            Setting::Query(query) => {
                let groups: Vec<String> = query.log_groups.iter().map(ToString::to_string).collect();
                format!("{} in {}", query.text, groups.join(", "))
            }
            Setting::Subnets(subnets) => subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Setting::Template { template, digest } => format!("{template} content {digest}"),
            Setting::Attachment(_)
            | Setting::Association(_)
            | Setting::HttpsFrom(_)
            | Setting::EndpointRouteTable(_)
            | Setting::EndpointSubnet(_)
            | Setting::ManagedPolicy(_)
            | Setting::ProfileRole(_)
            | Setting::TargetGroup(_)
            | Setting::TemplateVersion(_) => String::new(),
        }
    }

    /// The resources that the setting refers to.
    #[must_use]
    pub fn references(&self) -> Vec<&Ref> {
        match self {
            Setting::Attachment(to)
            | Setting::DefaultRoute(to)
            | Setting::Association(to)
            | Setting::HttpsFrom(to)
            | Setting::EndpointRouteTable(to)
            | Setting::EndpointSubnet(to)
            | Setting::ProfileRole(to)
            | Setting::AccessLogs(AccessLogs { to, .. })
            | Setting::Template { template: to, .. } => vec![to],
            Setting::Subnets(all) | Setting::Rule(AlarmRule { actions: all, .. }) => all.iter().collect(),
            Setting::Query(query) => query.log_groups.iter().collect(),
            Setting::TemplateVersion(version) => version.references(),
            _ => vec![],
        }
    }

    /// Whether one call sets this setting together with `other`.
    #[must_use]
    pub fn shares_a_call_with(&self, other: &Setting) -> bool {
        let of_the_group = |setting: &Setting| {
            matches!(
                setting,
                Setting::MinSize(_)
                    | Setting::MaxSize(_)
                    | Setting::Subnets(_)
                    | Setting::Template { .. }
                    | Setting::HealthCheck(_)
                    | Setting::Protected(_)
            )
        };
        let same = matches!(
            (self, other),
            (Setting::Tag(..), Setting::Tag(..))
                | (Setting::TargetGroup(_), Setting::TargetGroup(_))
                | (Setting::EndpointSubnet(_), Setting::EndpointSubnet(_))
                | (Setting::EndpointRouteTable(_), Setting::EndpointRouteTable(_))
        );
        same || (of_the_group(self) && of_the_group(other))
    }

    /// Whether the setting must be cleared before its resource can be deleted.
    #[must_use]
    pub fn blocks_deletion(&self) -> bool {
        matches!(
            self,
            Setting::Attachment(_)
                | Setting::Association(_)
                | Setting::ManagedPolicy(_)
                | Setting::InlinePolicy { .. }
                | Setting::ProfileRole(_)
        )
    }

    /// Whether an observed setting is retained when it is not desired: old launch template versions, so that a rollback
    /// finds them again, and the expiry of a bucket's objects where Envkeeper does not set one.
    #[must_use]
    pub fn is_retained_when_not_desired(&self) -> bool {
        matches!(self, Setting::TemplateVersion(_) | Setting::Expiry(_))
    }
}

/// The longest value, in characters, that a plan repeats with the call that sets it; whole documents are printed above
/// the call already.
const MAX_BRIEF_LENGTH: usize = 100;

impl Setting {
    /// The setting, or the slot alone if the value is long.
    pub(crate) fn brief(&self) -> String {
        let whole = self.to_string();
        let (name, element) = self.slot();
        if self.value().len() <= MAX_BRIEF_LENGTH { whole } else { format!("{name} {element}").trim_end().to_owned() }
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
