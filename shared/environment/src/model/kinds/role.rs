use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::kind::KindFacts;

/// The role of the instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The principal that may assume it, such as `ec2.amazonaws.com`: a service by its name. Observed, also several
    /// principals, and other terms than Envkeeper's.
    pub trusts: String,
    /// The ARN of the permissions boundary, which limits the role's permissions.
    pub boundary: Option<String>,
    /// ARNs of managed policies. Managed policies are always attached.
    pub managed_policies: BTreeSet<String>,
    /// The environment's own policies, by name. They are always inline. The documents are JSON as `serde_json` writes
    /// it.
    pub inline_policies: BTreeMap<String, String>,
}

/// The policies of a role.
#[derive(Clone, Debug, PartialEq)]
pub enum RoleSetting {
    /// The service that may assume the role: the whole trust policy.
    Trust(String),
    /// The ARN of the permissions boundary.
    Boundary(String),
    /// The ARN of a managed policy.
    ManagedPolicy(String),
    /// An inline policy.
    InlinePolicy {
        /// Unique within the role.
        name: String,
        /// JSON as `serde_json` writes it.
        document: String,
    },
}

impl ResourceKind for Role {
    type Setting = RoleSetting;

    const FACTS: KindFacts = KindFacts {
        tagging: Some(("iam:TagRole", "iam:UntagRole")),
        ..KindFacts::of("role", "iam:CreateRole", "iam:DeleteRole")
    };

    fn fields(&self) -> Vec<Field<RoleSetting>> {
        let mut fields = vec![Field::Created(RoleSetting::Trust(self.trusts.clone()))];
        fields.extend(self.boundary.iter().map(|arn| Field::Created(RoleSetting::Boundary(arn.clone()))));
        fields.extend(self.managed_policies.iter().map(|arn| Field::After(RoleSetting::ManagedPolicy(arn.clone()))));
        let inline = |(name, document): (&String, &String)| {
            Field::After(RoleSetting::InlinePolicy { name: name.clone(), document: document.clone() })
        };
        fields.extend(self.inline_policies.iter().map(inline));
        fields
    }

    fn set(&mut self, setting: &RoleSetting) {
        match setting {
            RoleSetting::Trust(service) => self.trusts.clone_from(service),
            RoleSetting::Boundary(arn) => self.boundary = Some(arn.clone()),
            RoleSetting::ManagedPolicy(arn) => {
                self.managed_policies.insert(arn.clone());
            }
            RoleSetting::InlinePolicy { name, document } => {
                self.inline_policies.insert(name.clone(), document.clone());
            }
        }
    }

    fn clear(&mut self, setting: &RoleSetting) {
        match setting {
            // A role always has a trust policy.
            RoleSetting::Trust(_) => {}
            RoleSetting::Boundary(_) => self.boundary = None,
            RoleSetting::ManagedPolicy(arn) => {
                self.managed_policies.remove(arn);
            }
            RoleSetting::InlinePolicy { name, .. } => {
                self.inline_policies.remove(name);
            }
        }
    }
}

impl KindSetting for RoleSetting {
    fn slot(&self) -> (&'static str, String) {
        match self {
            RoleSetting::Trust(_) => ("trusts", String::new()),
            RoleSetting::Boundary(_) => ("boundary", String::new()),
            RoleSetting::ManagedPolicy(arn) => ("managed-policy", arn.clone()),
            RoleSetting::InlinePolicy { name, .. } => ("inline-policy", name.clone()),
        }
    }

    fn value(&self) -> String {
        match self {
            RoleSetting::Trust(service) => service.clone(),
            RoleSetting::Boundary(arn) => arn.clone(),
            RoleSetting::ManagedPolicy(_) => String::new(),
            RoleSetting::InlinePolicy { document, .. } => document.clone(),
        }
    }

    fn set_operation(&self) -> &'static str {
        match self {
            RoleSetting::Trust(_) => "iam:UpdateAssumeRolePolicy",
            RoleSetting::Boundary(_) => "iam:PutRolePermissionsBoundary",
            RoleSetting::ManagedPolicy(_) => "iam:AttachRolePolicy",
            RoleSetting::InlinePolicy { .. } => "iam:PutRolePolicy",
        }
    }

    fn clear_operation(&self) -> &'static str {
        match self {
            RoleSetting::Trust(_) => self.set_operation(),
            RoleSetting::Boundary(_) => "iam:DeleteRolePermissionsBoundary",
            RoleSetting::ManagedPolicy(_) => "iam:DetachRolePolicy",
            RoleSetting::InlinePolicy { .. } => "iam:DeleteRolePolicy",
        }
    }

    fn blocks_deletion(&self) -> bool {
        matches!(self, RoleSetting::ManagedPolicy(_) | RoleSetting::InlinePolicy { .. })
    }

    /// Every environment desires the same managed policies and one inline policy of the same name. So a surplus policy
    /// is of another sender, such as SSM Quick Setup, and only the role's deletion removes it.
    fn is_retained_when_not_desired(&self) -> bool {
        matches!(self, RoleSetting::ManagedPolicy(_) | RoleSetting::InlinePolicy { .. })
    }
}
