use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::{KindFacts, Marking};

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

/// The content of a scaling policy.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalingPolicySetting {
    /// The whole policy: each `PutScalingPolicy` replaces it.
    Adjustment(Adjustment),
}

impl ResourceKind for ScalingPolicy {
    type Setting = ScalingPolicySetting;

    const FACTS: KindFacts = KindFacts {
        marking: Marking::Parent,
        ..KindFacts::of("scaling-policy", "autoscaling:PutScalingPolicy", "autoscaling:DeletePolicy")
    };

    fn fields(&self) -> Vec<Field<ScalingPolicySetting>> {
        vec![
            Field::Fixed("group", Value::Ref(self.group.clone())),
            Field::Created(ScalingPolicySetting::Adjustment(self.adjustment)),
        ]
    }

    fn set(&mut self, setting: &ScalingPolicySetting) {
        let ScalingPolicySetting::Adjustment(adjustment) = setting;
        self.adjustment = *adjustment;
    }
}

impl KindSetting for ScalingPolicySetting {
    fn slot(&self) -> (&'static str, String) {
        ("adjustment", String::new())
    }

    fn value(&self) -> String {
        let ScalingPolicySetting::Adjustment(Adjustment { by, cooldown_seconds }) = self;
        format!("{by:+} instances, then a cooldown of {cooldown_seconds} s")
    }

    fn set_operation(&self) -> &'static str {
        "autoscaling:PutScalingPolicy"
    }
}
