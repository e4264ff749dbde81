use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// The Auto Scaling group. How many instances it has between its bounds is Auto Scaling's business.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoScalingGroup {
    pub min_size: u32,
    pub max_size: u32,
    /// At creation only.
    pub desired_capacity: u32,
    pub subnets: Vec<Ref>,
    pub template: Ref,
    /// The digest of the template's content that new instances get.
    pub digest: String,
}

impl AutoScalingGroup {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Created(Setting::MinSize(self.min_size)),
            Field::Created(Setting::MaxSize(self.max_size)),
            Field::Once("desired-capacity", Value::Text(self.desired_capacity.to_string())),
            Field::Created(Setting::Subnets(self.subnets.clone())),
            Field::Created(Setting::Template { template: self.template.clone(), digest: self.digest.clone() }),
        ]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::MinSize(count) => self.min_size = *count,
            Setting::MaxSize(count) => self.max_size = *count,
            Setting::Subnets(subnets) => self.subnets.clone_from(subnets),
            Setting::Template { template, digest } => {
                self.template = template.clone();
                self.digest.clone_from(digest);
            }
            _ => {}
        }
    }
}
