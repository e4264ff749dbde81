use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::{Field, Setting, Value};

/// The role of the instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The service that may assume it, such as `ec2.amazonaws.com`.
    pub trusted_service: String,
    /// The ARN of the permissions boundary, which limits the role's permissions.
    pub boundary: Option<String>,
    /// ARNs of managed policies. Managed policies are always attached.
    pub managed_policies: BTreeSet<String>,
    /// The environment's own policies, by name. They are always inline. The documents are JSON as `serde_json` writes
    /// it.
    pub inline_policies: BTreeMap<String, String>,
}

impl Role {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Fixed("trusts", Value::Text(self.trusted_service.clone()))];
        fields.extend(self.boundary.iter().map(|arn| Field::Created(Setting::Boundary(arn.clone()))));
        fields.extend(self.managed_policies.iter().map(|arn| Field::After(Setting::ManagedPolicy(arn.clone()))));
        let inline = |(name, document): (&String, &String)| {
            Field::After(Setting::InlinePolicy { name: name.clone(), document: document.clone() })
        };
        fields.extend(self.inline_policies.iter().map(inline));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::Boundary(arn) => self.boundary = Some(arn.clone()),
            Setting::ManagedPolicy(arn) => {
                self.managed_policies.insert(arn.clone());
            }
            Setting::InlinePolicy { name, document } => {
                self.inline_policies.insert(name.clone(), document.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::Boundary(_) => self.boundary = None,
            Setting::ManagedPolicy(arn) => {
                self.managed_policies.remove(arn);
            }
            Setting::InlinePolicy { name, .. } => {
                self.inline_policies.remove(name);
            }
            _ => {}
        }
    }
}
