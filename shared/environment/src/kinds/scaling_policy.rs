use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// By how much the group grows or shrinks when an alarm asks for it. It has no tags: it is its group's.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// The Auto Scaling group that it changes; fixed.
    pub group: Ref,
    /// By how much, and how seldom.
    pub adjustment: Adjustment,
}

/// A change of the desired capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// How many instances more, or fewer.
    pub by: i32,
    /// Seconds in which the group makes no other such change.
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
