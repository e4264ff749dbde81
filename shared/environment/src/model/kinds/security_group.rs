use std::collections::BTreeSet;

use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

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

impl SecurityGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("description", Value::Text(self.description.clone())),
        ];
        fields.extend(self.https_from.iter().map(|group| Field::After(Setting::HttpsFrom(group.clone()))));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::HttpsFrom(group) = setting {
            self.https_from.insert(group.clone());
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::HttpsFrom(group) = setting {
            self.https_from.remove(group);
        }
    }
}
