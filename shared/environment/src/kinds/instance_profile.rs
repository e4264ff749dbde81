use crate::field::{Field, Setting};
use crate::resource::Ref;

/// What carries the role to the instances. IAM allows one role in it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceProfile {
    /// Nothing while it is empty: such a profile carries no permissions.
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
