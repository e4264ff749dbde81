use std::collections::BTreeSet;

use crate::field::{Field, Setting, Value};

/// The role of the instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The service that may assume it, such as `ec2.amazonaws.com`.
    pub trusted_service: String,
    /// ARNs of managed policies; always by attachment.
    pub managed_policies: BTreeSet<String>,
}

impl Role {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Fixed("trusts", Value::Text(self.trusted_service.clone()))];
        fields.extend(self.managed_policies.iter().map(|arn| Field::After(Setting::ManagedPolicy(arn.clone()))));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::ManagedPolicy(arn) = setting {
            self.managed_policies.insert(arn.clone());
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::ManagedPolicy(arn) = setting {
            self.managed_policies.remove(arn);
        }
    }
}
