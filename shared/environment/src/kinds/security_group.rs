use std::collections::BTreeSet;

use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// A security group. Everything may go out, which is how AWS makes one; what may come in is what is said here. Rules
/// that somebody else added (a load balancer's, say) are theirs, and stay.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroup {
    /// The VPC that it is of; fixed.
    pub vpc: Ref,
    /// For people; fixed, since AWS has no call that changes it.
    pub description: String,
    /// Groups of ours whose members may connect to port 443.
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
