use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// The instance profile, which assigns the role to the instances. IAM allows one role in a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceProfile {
    /// The role. `None` if the profile is empty: an empty profile grants no permissions.
    pub role: Option<Ref>,
}

impl InstanceProfile {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.role.iter().map(|role| Field::After(Setting::ProfileRole(role.clone()))).collect()
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::ProfileRole(role) = setting {
            self.role = Some(role.clone());
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        if let Setting::ProfileRole(_) = setting {
            self.role = None;
        }
    }
}
