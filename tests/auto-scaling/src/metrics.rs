//! The metrics that a group sends.

use crate::{AutoScaling, Fault};

/// The metrics that a group can send: AWS's reference lists 20, and DescribeMetricCollectionTypes 25 (recorded on AWS,
/// September 2026: stackd 9dc356f5, lifecycle_native).
pub const METRICS: [&str; 25] = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
    "WarmPoolDesiredCapacity",
    "WarmPoolWarmedCapacity",
    "WarmPoolPendingCapacity",
    "WarmPoolTerminatingCapacity",
    "WarmPoolTotalCapacity",
    "GroupAndWarmPoolDesiredCapacity",
    "GroupAndWarmPoolTotalCapacity",
    "GroupTerminatingRetainedInstances",
    "GroupTerminatingRetainedCapacity",
    "WarmPoolMinSize",
    "WarmPoolPendingRetainedCapacity",
    "WarmPoolTerminatingRetainedCapacity",
];

impl AutoScaling {
    /// Enables metrics of a group: the named ones, or all if the list is empty.
    ///
    /// # Errors
    /// `ValidationError`: the group or a metric does not exist.
    pub fn enable_metrics(&mut self, group: &str, names: &[String]) -> Result<(), Fault> {
        let chosen = chosen(names)?;
        self.modifiable(group)?.enabled_metrics.extend(chosen);
        Ok(())
    }

    /// Disables metrics of a group: the named ones, or all if the list is empty.
    ///
    /// # Errors
    /// `ValidationError`: the group or a metric does not exist.
    pub fn disable_metrics(&mut self, group: &str, names: &[String]) -> Result<(), Fault> {
        let chosen = chosen(names)?;
        self.modifiable(group)?.enabled_metrics.retain(|metric| !chosen.contains(metric));
        Ok(())
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static str>, Fault> {
    if names.is_empty() {
        return Ok(METRICS.to_vec());
    }
    let known = |name: &String| {
        let unknown = || Fault::validation(format!("Metrics has {name}: a group has no such metric"));
        METRICS.into_iter().find(|metric| metric == name).ok_or_else(unknown)
    };
    names.iter().map(known).collect()
}
