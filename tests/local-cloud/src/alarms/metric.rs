//! Metrics, and values that are put.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A metric: each set of dimensions makes one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Such as `AWS/EC2`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Names and values.
    pub dimensions: BTreeMap<String, String>,
}

/// Values of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricData {
    /// Which metric.
    pub metric: Metric,
    /// AWS's name of the unit.
    pub unit: String,
    /// Seconds since 1970, and a value.
    pub values: Vec<(f64, f64)>,
}

impl Metric {
    /// Whether ministack finds this other one when it is asked for this. Without dimensions it finds all of the name.
    pub(super) fn finds(&self, other: &Self) -> bool {
        let same = (&self.namespace, &self.name) == (&other.namespace, &other.name);
        same && (self.dimensions.is_empty() || self.dimensions == other.dimensions)
    }

    /// Reads what an alarm and a list of metrics say.
    pub(super) fn read(from: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let dimensions = from["Dimensions"].as_array().into_iter().flatten();
        Self {
            namespace: text(&from["Namespace"]),
            name: text(&from["MetricName"]),
            dimensions: dimensions.map(|it| (text(&it["Name"]), text(&it["Value"]))).collect(),
        }
    }

    /// The dimensions as CloudWatch's calls have them.
    pub(super) fn dimensions(&self) -> Value {
        self.dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect()
    }
}
