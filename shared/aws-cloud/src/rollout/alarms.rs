//! The alarms of `RolloutAlarms`.

use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use environment::rollout::{RolloutAlarm, RolloutAlarmState};

use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};

/// The ways to treat missing data that change no state and breach nothing.
const HARMLESS: [&str; 2] = ["notBreaching", "ignore"];

/// Reads the alarms with these names, in this order: at most ten.
pub(super) async fn read(clients: &Clients, names: &[String]) -> Result<Vec<RolloutAlarm>, Problem> {
    if names.is_empty() {
        return Ok(vec![]);
    }
    let request = clients.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let response = request.send().await.classified("cloudwatch:DescribeAlarms")?;
    let (metric, composite) = (response.metric_alarms(), response.composite_alarms());
    Ok(names.iter().map(|name| RolloutAlarm { name: name.clone(), state: state(name, metric, composite) }).collect())
}

/// An alarm in ALARM is one, whatever its settings are: during a refresh it ends the rollout. A composite alarm has no data
/// of its own.
fn state(name: &str, metric: &[MetricAlarm], composite: &[CompositeAlarm]) -> RolloutAlarmState {
    let metric = metric.iter().find(|it| it.alarm_name() == Some(name));
    let composite = composite.iter().find(|it| it.alarm_name() == Some(name));
    let is_harmless = |it: &MetricAlarm| it.treat_missing_data().is_some_and(|it| HARMLESS.contains(&it));
    match metric.and_then(MetricAlarm::state_value).or(composite.and_then(CompositeAlarm::state_value)) {
        _ if metric.is_none() && composite.is_none() => RolloutAlarmState::Missing,
        Some(StateValue::Alarm) => RolloutAlarmState::Alarm,
        _ if metric.is_some_and(|it| !is_harmless(it)) => RolloutAlarmState::BreachesOnMissingData,
        Some(StateValue::Ok) => RolloutAlarmState::Ok,
        _ => RolloutAlarmState::InsufficientData,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_blocks_by_its_state_and_by_its_missing_data() {
        let metric = |state: StateValue, missing: Option<&str>| {
            let alarm = MetricAlarm::builder().alarm_name("errors").state_value(state);
            [alarm.set_treat_missing_data(missing.map(str::to_owned)).build()]
        };
        for (alarm, expected) in [
            (metric(StateValue::Ok, Some("notBreaching")), RolloutAlarmState::Ok),
            (metric(StateValue::Ok, Some("ignore")), RolloutAlarmState::Ok),
            (metric(StateValue::InsufficientData, Some("ignore")), RolloutAlarmState::InsufficientData),
            // Absent is `missing` (the API reference): the state changes.
            (metric(StateValue::Ok, None), RolloutAlarmState::BreachesOnMissingData),
            (metric(StateValue::Ok, Some("breaching")), RolloutAlarmState::BreachesOnMissingData),
            (metric(StateValue::Alarm, Some("breaching")), RolloutAlarmState::Alarm),
        ] {
            assert_eq!(state("errors", &alarm, &[]), expected, "{alarm:?}");
            assert_eq!(state("another", &alarm, &[]), RolloutAlarmState::Missing);
        }
        let composite = |state| [CompositeAlarm::builder().alarm_name("all").state_value(state).build()];
        assert_eq!(state("all", &[], &composite(StateValue::Ok)), RolloutAlarmState::Ok);
        assert_eq!(state("all", &[], &composite(StateValue::Alarm)), RolloutAlarmState::Alarm);
    }
}
