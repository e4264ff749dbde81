use std::collections::BTreeSet;
use std::fmt;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

/// A security group. All egress is allowed, the default of a new group. Envkeeper's ingress rules are in `https_from`. Rules that
/// others add (for a load balancer, for example) are foreign and are retained.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroup {
    /// The VPC of the security group; cannot change.
    pub vpc: Ref,
    /// The description for operators; cannot change, since AWS has no call for it.
    pub description: String,
    /// Owned security groups whose members may connect to port 443.
    pub https_from: BTreeSet<Ref>,
    /// The ingress rules that others added. Observed only.
    pub foreign_ingress: BTreeSet<ForeignIngress>,
}

/// One source of an ingress rule that Envkeeper did not add. Public ones come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignIngress {
    /// The source.
    pub from: IngressSource,
    /// Protocol and ports, such as `tcp 22` or `all traffic`.
    pub traffic: String,
}

/// The source of an ingress rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IngressSource {
    /// Every address: `0.0.0.0/0` or `::/0`.
    Public(String),
    /// A network, a prefix list or a security group, by CIDR or id.
    Other(String),
}

impl fmt::Display for ForeignIngress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            IngressSource::Public(from) => write!(f, "{} from {from} (public)", self.traffic),
            IngressSource::Other(from) => write!(f, "{} from {from}", self.traffic),
        }
    }
}

/// The ingress rules that Envkeeper owns.
#[derive(Clone, Debug, PartialEq)]
pub enum SecurityGroupSetting {
    /// A security group whose members may connect to port 443.
    HttpsFrom(Ref),
}

impl ResourceKind for SecurityGroup {
    type Setting = SecurityGroupSetting;

    const FACTS: KindFacts =
        KindFacts::named_by_tag("security-group", "ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup");

    fn fields(&self) -> Vec<Field<SecurityGroupSetting>> {
        let mut fields = vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("description", Value::Text(self.description.clone())),
        ];
        let rule = |group: &Ref| Field::After(SecurityGroupSetting::HttpsFrom(group.clone()));
        fields.extend(self.https_from.iter().map(rule));
        fields
    }

    fn set(&mut self, setting: &SecurityGroupSetting) {
        let SecurityGroupSetting::HttpsFrom(group) = setting;
        self.https_from.insert(group.clone());
    }

    fn clear(&mut self, setting: &SecurityGroupSetting) {
        let SecurityGroupSetting::HttpsFrom(group) = setting;
        self.https_from.remove(group);
    }

    fn copy_observed_only_fields(&mut self, observed: &SecurityGroup) {
        self.foreign_ingress.clone_from(&observed.foreign_ingress);
    }
}

impl KindSetting for SecurityGroupSetting {
    fn slot(&self) -> (&'static str, String) {
        let SecurityGroupSetting::HttpsFrom(group) = self;
        ("https-from", group.to_string())
    }

    fn value(&self) -> String {
        String::new()
    }

    fn references(&self) -> Vec<&Ref> {
        let SecurityGroupSetting::HttpsFrom(group) = self;
        vec![group]
    }

    fn set_operation(&self) -> &'static str {
        "ec2:AuthorizeSecurityGroupIngress"
    }

    fn clear_operation(&self) -> &'static str {
        "ec2:RevokeSecurityGroupIngress"
    }
}
