use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

/// The instance profile, which assigns the role to the instances. IAM allows one role in a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceProfile {
    /// The role. `None` if the profile is empty: an empty profile grants no permissions.
    pub role: Option<Ref>,
}

/// The content of an instance profile.
#[derive(Clone, Debug, PartialEq)]
pub enum InstanceProfileSetting {
    /// The role.
    Role(Ref),
}

impl ResourceKind for InstanceProfile {
    type Setting = InstanceProfileSetting;

    const FACTS: KindFacts = KindFacts {
        tagging: Some(("iam:TagInstanceProfile", "iam:UntagInstanceProfile")),
        ..KindFacts::of("instance-profile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile")
    };

    fn fields(&self) -> Vec<Field<InstanceProfileSetting>> {
        self.role.iter().map(|role| Field::After(InstanceProfileSetting::Role(role.clone()))).collect()
    }

    fn set(&mut self, setting: &InstanceProfileSetting) {
        let InstanceProfileSetting::Role(role) = setting;
        self.role = Some(role.clone());
    }

    fn clear(&mut self, _: &InstanceProfileSetting) {
        self.role = None;
    }
}

impl KindSetting for InstanceProfileSetting {
    fn slot(&self) -> (&'static str, String) {
        let InstanceProfileSetting::Role(role) = self;
        ("role", role.to_string())
    }

    fn value(&self) -> String {
        String::new()
    }

    fn references(&self) -> Vec<&Ref> {
        let InstanceProfileSetting::Role(role) = self;
        vec![role]
    }

    fn set_operation(&self) -> &'static str {
        "iam:AddRoleToInstanceProfile"
    }

    fn clear_operation(&self) -> &'static str {
        "iam:RemoveRoleFromInstanceProfile"
    }

    fn blocks_deletion(&self) -> bool {
        true
    }
}
