use std::fmt;

use crate::field::{Field, Setting};
use crate::resource::Ref;

/// A metric alarm. One call says all of it, each time.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// All of it, since `PutMetricAlarm` says all of it.
    pub rule: AlarmRule,
}

/// When an alarm goes off, and what it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRule {
    /// For people, and with the mark of ownership: a listing of alarms shows no tags.
    pub description: String,
    /// The metric's namespace, such as `AWS/EC2`.
    pub namespace: String,
    /// The metric's name within it (`MetricName`).
    pub metric: String,
    /// Name and value, sorted by name.
    pub dimensions: Vec<(String, String)>,
    /// What is made of each period's values before they are compared.
    pub statistic: Statistic,
    /// How that is held against the threshold (`ComparisonOperator`).
    pub comparison: Comparison,
    /// In the metric's unit: percent of CPU use, or a count.
    pub threshold: u32,
    /// Seconds.
    pub period: u32,
    /// How many periods in a row have to breach it (`EvaluationPeriods`, without `DatapointsToAlarm`).
    pub evaluation_periods: u32,
    /// What it does when it goes off: a scaling policy of ours, or the ARN of a topic.
    pub actions: Vec<Ref>,
}

/// What is made of a period's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Of all instances: CPU use.
    Average,
    /// The least that was seen: instances in service.
    Minimum,
    /// How often something happened: failed launches.
    Sum,
}

/// How the statistic is held against the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Greater than the threshold, or equal to it.
    AtLeast,
    /// Less than the threshold, or equal to it.
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
            if actions.is_empty() { String::from("nothing") } else { actions.join(", ") },
            self.description,
        )
    }
}
