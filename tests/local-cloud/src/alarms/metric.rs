//! Metrics, and the values that are put for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A metric: each set of dimensions is a separate metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Such as `AWS/EC2`.
    pub namespace: String,
    /// AWS's MetricName.
    pub name: String,
    /// The dimensions' names and values.
    pub dimensions: BTreeMap<String, String>,
}

/// Values of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricData {
    /// The metric of the values.
    pub metric: Metric,
    /// AWS's name of the unit.
    pub unit: String,
    /// Seconds since 1970, and a value.
    pub values: Vec<(f64, f64)>,
}

impl Metric {
    /// Whether a query of ministack for this metric also returns `other`. A query without dimensions returns all
    /// metrics with the same name.
    pub(super) fn finds(&self, other: &Self) -> bool {
        let same = (&self.namespace, &self.name) == (&other.namespace, &other.name);
        same && (self.dimensions.is_empty() || self.dimensions == other.dimensions)
    }

    /// Parses the metric from an alarm or from a list of metrics.
    pub(super) fn read(from: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let dimensions = from["Dimensions"].as_array().into_iter().flatten();
        Self {
            namespace: text(&from["Namespace"]),
            name: text(&from["MetricName"]),
            dimensions: dimensions.map(|it| (text(&it["Name"]), text(&it["Value"]))).collect(),
        }
    }

    /// The dimensions in the form of CloudWatch's calls.
    pub(super) fn dimensions(&self) -> Value {
        self.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect()
    }
}
