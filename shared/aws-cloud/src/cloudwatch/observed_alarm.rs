//! The observation of an alarm.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, Dimension, Metric, MetricAlarm};
use environment::{CallError, ObservedAlarm};

use super::alarm::name_and_value;
use crate::errors::ClassifyErrors;

/// Observes a metric alarm or a composite alarm; `None` if no alarm has this name.
///
/// # Errors
/// Every error of a call.
pub async fn observe_alarm(client: &Client, name: &str) -> Result<Option<ObservedAlarm>, CallError> {
    let kinds = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm];
    let call = client.describe_alarms().alarm_names(name).set_alarm_types(Some(kinds.to_vec()));
    let response =
        call.send().await.classified("cloudwatch:DescribeAlarms").map_err(|problem| problem.call_error(&name))?;
    // Alarm names are unique.
    let metric = response.metric_alarms().first().map(of_metric);
    Ok(metric.or_else(|| response.composite_alarms().first().map(of_composite)))
}

fn of_metric(found: &MetricAlarm) -> ObservedAlarm {
    let of_metrics = found.metrics().iter().filter_map(|it| it.metric_stat()?.metric());
    let dimensions = found.dimensions().iter().chain(of_metrics.flat_map(Metric::dimensions));
    ObservedAlarm {
        state: found.state_value().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        since_ms: ms(found.state_transitioned_timestamp().or(found.state_updated_timestamp())),
        updated_ms: ms(found.state_updated_timestamp().or(found.state_transitioned_timestamp())),
        actions_enabled: found.actions_enabled() != Some(false),
        suppressed_by: None,
        description: found.alarm_description().unwrap_or_default().to_owned(),
        dimensions: dimensions.map(|it: &Dimension| name_and_value(it)).collect(),
    }
}

fn of_composite(found: &CompositeAlarm) -> ObservedAlarm {
    ObservedAlarm {
        state: found.state_value().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        since_ms: ms(found.state_transitioned_timestamp().or(found.state_updated_timestamp())),
        updated_ms: ms(found.state_updated_timestamp().or(found.state_transitioned_timestamp())),
        actions_enabled: found.actions_enabled() != Some(false),
        suppressed_by: found.actions_suppressed_by().map(|it| it.as_str().to_owned()),
        description: found.alarm_description().unwrap_or_default().to_owned(),
        dimensions: Vec::new(),
    }
}

/// Milliseconds of a time. The SDK truncates AWS's seconds to milliseconds, so the result may be 1 ms less than the
/// time in a message. The difference is the same in each observation.
fn ms(time: Option<&DateTime>) -> u64 {
    time.and_then(|it| u64::try_from(it.to_millis().ok()?).ok()).unwrap_or_default()
}
