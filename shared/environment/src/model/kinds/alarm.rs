use std::fmt;

use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// A metric alarm. Each `PutMetricAlarm` replaces the whole alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The whole alarm, since `PutMetricAlarm` replaces the whole alarm.
    pub rule: AlarmRule,
}

/// The condition and the actions of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRule {
    /// The description for operators. It also contains the ownership mark: a listing of alarms does not show tags.
    pub description: String,
    /// The metric's namespace, such as `AWS/EC2`.
    pub namespace: String,
    /// The metric's name in the namespace (`MetricName`).
    pub metric: String,
    /// The dimensions as name and value, sorted by name.
    pub dimensions: Vec<(String, String)>,
    /// The statistic over each period's values that is compared with the threshold.
    pub statistic: Statistic,
    /// The comparison of the statistic with the threshold (`ComparisonOperator`).
    pub comparison: Comparison,
    /// The threshold in the metric's unit: percent of CPU utilization, or a count.
    pub threshold: u32,
    /// The period in seconds.
    pub period: u32,
    /// The number of consecutive periods that have to breach the threshold (`EvaluationPeriods`, without
    /// `DatapointsToAlarm`).
    pub evaluation_periods: u32,
    /// The actions in the ALARM state: an owned scaling policy, or the ARN of a topic.
    pub actions: Vec<Ref>,
}

/// The statistic over a period's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The average over all instances: CPU utilization.
    Average,
    /// The lowest observed value: instances in service.
    Minimum,
    /// The number of occurrences: failed launches.
    Sum,
}

/// The comparison of the statistic with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Greater than or equal to the threshold.
    AtLeast,
    /// Less than or equal to the threshold.
    AtMost,
    /// Less than the threshold.
    LessThan,
}

impl Alarm {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![Field::Created(Setting::Rule(self.rule.clone()))]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::Rule(rule) = setting {
            self.rule = rule.clone();
        }
    }
}

impl fmt::Display for AlarmRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comparison = match self.comparison {
            Comparison::AtLeast => "≥",
            Comparison::AtMost => "≤",
            Comparison::LessThan => "<",
        };
        let actions: Vec<String> = self.actions.iter().map(ToString::to_string).collect();
        let dimensions: Vec<String> = self.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(
            f,
            "{:?} of {} {} ({}) {comparison} {} in {} × {} s, then {}; \"{}\"",
            self.statistic,
            self.namespace,
            self.metric,
            dimensions.join(", "),
            self.threshold,
            self.evaluation_periods,
            self.period,
            if actions.is_empty() { String::from("no action") } else { actions.join(", ") },
            self.description,
        )
    }
}
