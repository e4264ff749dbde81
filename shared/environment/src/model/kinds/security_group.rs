use std::collections::BTreeSet;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

/// A security group. All egress is allowed, the default of a new group. Envkeeper's ingress rules are the rules in this
/// struct. Rules that others add (for a load balancer, for example) are foreign and are retained.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroup {
    /// The VPC of the security group; cannot change.
    pub vpc: Ref,
    /// The description for operators; cannot change, since AWS has no call for it.
    pub description: String,
    /// Owned security groups whose members may connect to port 443.
    pub https_from: BTreeSet<Ref>,
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
