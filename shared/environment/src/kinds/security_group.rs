use std::collections::BTreeSet;

use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// A security group. Everything may go out, which is how AWS makes one; what may come in is what is said here. Rules
/// that somebody else added (a load balancer's, say) are theirs, and stay.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityGroup {
    pub vpc: Ref,
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
