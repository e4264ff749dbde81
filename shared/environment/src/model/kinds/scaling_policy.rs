use std::fmt;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::{KindFacts, Marking};

/// A scaling policy, which an alarm invokes to scale the group out or in. A policy has no tags: it is a part of its
/// group.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// The Auto Scaling group of the policy; cannot change.
    pub group: Ref,
    /// The change of the desired capacity.
    pub adjustment: Adjustment,
}

/// A change of the desired capacity, by the type of the policy. A policy never changes its type: it gets another name
/// ([`Names::scale_up_policy`](crate::Names::scale_up_policy)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// `SimpleScaling`: one change, and then a cooldown. Waits for activities of the group that are in progress.
    Simple {
        /// The number of instances to add; negative to remove instances.
        by: i32,
        /// The cooldown in seconds, in which the simple policies do not change the group again.
        cooldown_seconds: u32,
    },
    /// `StepScaling`: the change depends on the metric. It waits for no activity and no cooldown; instances that are not
    /// in service yet count as added. The steps begin at 0 and ascend; the last has no upper bound.
    Steps(Vec<ScalingStep>),
}

/// A step of a step scaling policy: it ends where the next step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalingStep {
    /// The lower bound, inclusive, as the metric's distance from the alarm's threshold (`MetricIntervalLowerBound`).
    pub from: u32,
    /// The number of instances to add.
    pub by: i32,
}

/// The content of a scaling policy.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalingPolicySetting {
    /// The whole policy: each `PutScalingPolicy` states it.
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
            Field::Created(ScalingPolicySetting::Adjustment(self.adjustment.clone())),
        ]
    }

    fn set(&mut self, setting: &ScalingPolicySetting) {
        let ScalingPolicySetting::Adjustment(adjustment) = setting;
        self.adjustment.clone_from(adjustment);
    }
}

impl KindSetting for ScalingPolicySetting {
    fn slot(&self) -> (&'static str, String) {
        ("adjustment", String::new())
    }

    fn value(&self) -> String {
        let ScalingPolicySetting::Adjustment(adjustment) = self;
        adjustment.to_string()
    }

    fn set_operation(&self) -> &'static str {
        "autoscaling:PutScalingPolicy"
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Adjustment::Simple { by, cooldown_seconds } => {
                write!(f, "{by:+} instances, then a cooldown of {cooldown_seconds} s")
            }
            Adjustment::Steps(steps) if steps.is_empty() => f.write_str("no steps"),
            Adjustment::Steps(steps) => {
                let step = |it: &ScalingStep| format!("{:+} instances from {} over the threshold", it.by, it.from);
                f.write_str(&steps.iter().map(step).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
