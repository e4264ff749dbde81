use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

/// A scaling policy, which an alarm invokes to scale the group out or in. A policy has no tags: it is a part of its
/// group.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// The Auto Scaling group of the policy; cannot change.
    pub group: Ref,
    /// The adjustment and its cooldown.
    pub adjustment: Adjustment,
}

/// A change of the desired capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The number of instances to add; negative to remove instances.
    pub by: i32,
    /// The cooldown in seconds, in which the policies do not change the group again.
    pub cooldown_seconds: u32,
}

impl ScalingPolicy {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![
            Field::Fixed("group", Value::Ref(self.group.clone())),
            Field::Created(Setting::Adjustment(self.adjustment)),
        ]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::Adjustment(adjustment) = setting {
            self.adjustment = *adjustment;
        }
    }
}
