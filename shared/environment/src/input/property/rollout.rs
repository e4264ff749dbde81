//! The properties of rollouts. Envkeeper alone uses their values: a change takes effect with the next rollout.

use super::{Change, Default, Group, Property, Reach, ValueType};
use crate::input::rollout_settings::{RolloutMode, RolloutWait};

/// A variant of [`RolloutMode`](crate::rollout::RolloutMode).
pub static ROLLOUT: Property = Property {
    name: "Rollout",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "ROLLOUT",
    default: Default::Is("Rolling"),
    value_type: ValueType::Choice(&RolloutMode::PROPERTY),
    change: Change::Own,
    description: "How a change of a property that *rolls* reaches running instances.",
    details: &[
        "- `Rolling`: an instance refresh of Auto Scaling replaces them. The canary comes first; an unhealthy new instance or an \
         alarm of `RolloutAlarms` returns all of them to the version that ran before, and the update fails with the evidence.",
        "- `None`: running instances stay as they are. Instances that are launched afterwards have the change.",
        "",
        "A new release of Envkeeper replaces no instance, and neither does a newer image in an unchanged `ImageParameter`.",
        "Instances in Standby or with protection from scale-in are not replaced; the operator request `status` names them.",
    ],
};

/// Percent of the desired capacity (Auto Scaling API reference, `RefreshPreferences`).
pub static MIN_HEALTHY_PERCENTAGE: Property = Property {
    name: "MinHealthyPercentage",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "MIN_HEALTHY_PERCENTAGE",
    default: Default::Is("100"),
    value_type: ValueType::Whole(0, 100),
    change: Change::Own,
    description: "The percentage of the desired capacity that stays in service during a rollout.",
    details: &[
        "With 100, no instance terminates before its replacement is in service and initialized.",
        "At least `MaxHealthyPercentage` less 100.",
    ],
};

/// Percent of the desired capacity, at most [`MAX_HEALTHY_DIFFERENCE`](crate::input::rollout_settings::MAX_HEALTHY_DIFFERENCE)
/// above [`MIN_HEALTHY_PERCENTAGE`] (Auto Scaling API reference, `RefreshPreferences`).
pub static MAX_HEALTHY_PERCENTAGE: Property = Property {
    name: "MaxHealthyPercentage",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "MAX_HEALTHY_PERCENTAGE",
    default: Default::Is("110"),
    value_type: ValueType::Whole(100, 200),
    change: Change::Own,
    description: "The percentage of the desired capacity that is in service or pending during a rollout, at most.",
    details: &[
        "The difference to `MinHealthyPercentage` is the number of instances that are replaced at a time, at least one: with the \
         defaults, one of ten.",
        "Where the percentages leave no room for one instance, one more is launched.",
        "A rollout may exceed `MaxSize` by these instances.",
    ],
};

/// Percent of the instances that are replaced first; 100 would be a rollout without a canary.
pub static CANARY_PERCENTAGE: Property = Property {
    name: "CanaryPercentage",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "CANARY_PERCENTAGE",
    default: Default::Is("10"),
    value_type: ValueType::Whole(1, 99),
    change: Change::Own,
    description: "The percentage of the instances that are replaced first.",
    details: &["At least one instance. The rollout continues when the canary is in service for `BakeSeconds`."],
};

/// Seconds; half an hour is Envkeeper's bound, so that a rollout fits into the time of a request. Auto Scaling accepts two days.
pub static BAKE_SECONDS: Property = Property {
    name: "BakeSeconds",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "BAKE_SECONDS",
    default: Default::Is("60"),
    value_type: ValueType::Whole(0, 1_800),
    change: Change::Own,
    description: "The time in seconds for which new instances have to stay healthy: after the canary, and again at the end.",
    details: &[
        "A rollout that has no version to return to bakes for at least 60 s.",
        "A group of one instance has no canary: it bakes at the end only.",
    ],
};

/// The names of at most [`MAX_ROLLOUT_ALARMS`](super::MAX_ROLLOUT_ALARMS) alarms.
pub static ROLLOUT_ALARMS: Property = Property {
    name: "RolloutAlarms",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "ROLLOUT_ALARMS",
    default: Default::Absent("no alarms"),
    value_type: ValueType::AlarmNames,
    change: Change::Own,
    description: "The names of CloudWatch alarms that end a rollout, which then returns to the version that ran before.",
    details: &[
        "Each alarm exists before the request. A metric alarm has `TreatMissingData` `notBreaching` or `ignore`: the metrics of \
         replaced instances end.",
        "An update that replaces instances needs each alarm in OK: Auto Scaling starts no rollout otherwise.",
        "An alarm in INSUFFICIENT_DATA meanwhile stops the replacements, for at most an hour.",
        "The environment's own alarms `cpu-high`, `cpu-low` and `rollout-failed` are not accepted: a rollout changes their states by itself.",
        "A name with a comma cannot be given.",
    ],
};

/// A variant of [`RolloutWait`](crate::rollout::RolloutWait).
pub static ROLLOUT_WAIT: Property = Property {
    name: "RolloutWait",
    group: Group::Rollouts,
    reach: Reach::None,
    variable: "ROLLOUT_WAIT",
    default: Default::Is("Complete"),
    value_type: ValueType::Choice(&RolloutWait::PROPERTY),
    change: Change::Own,
    description: "The state of a rollout in which the response to the update is SUCCESS.",
    details: &[
        "- `Complete`: every instance is replaced. If the time of the request ends before, one new instance in service is enough, \
         and the rollout continues.",
        "- `Canary`: the canary is in service for `BakeSeconds`, and the rollout continues.",
        "",
        "A rollout that fails after the response returns to the version that ran before, and the environment's \
         `RolloutState` is `rolled-back`.",
    ],
};
