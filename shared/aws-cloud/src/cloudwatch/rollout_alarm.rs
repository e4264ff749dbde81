//! The observation of the alarms of `RolloutAlarms`.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use environment::rollout::{RolloutAlarm, RolloutAlarmState};

use crate::errors::{ClassifyErrors, Problem};

/// The alarms with these names, in the same order: metric alarms, and composite alarms. An alarm that does not exist is
/// [`Missing`](RolloutAlarmState::Missing). Without names, no call is sent. One call returns up to 100 alarms (the CloudWatch API
/// reference of `DescribeAlarms`), of at most ten names.
///
/// # Errors
/// Every error of the call.
pub(crate) async fn rollout_alarms(client: &Client, names: &[String]) -> Result<Vec<RolloutAlarm>, Problem> {
    if names.is_empty() {
        return Ok(vec![]);
    }
    let kinds = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm];
    let call = client.describe_alarms().set_alarm_names(Some(names.to_vec())).set_alarm_types(Some(kinds.to_vec()));
    let found = call.send().await.classified("cloudwatch:DescribeAlarms")?;
    let observed = |name: &String| {
        let metric = found.metric_alarms().iter().find(|it| it.alarm_name() == Some(name)).map(state_of_metric);
        let composite = found.composite_alarms().iter().find(|it| it.alarm_name() == Some(name));
        let state = metric.or_else(|| composite.map(CompositeAlarm::state_value).map(state_of));
        RolloutAlarm { name: name.clone(), state: state.unwrap_or(RolloutAlarmState::Missing) }
    };
    Ok(names.iter().map(observed).collect())
}

/// The state of a metric alarm. One in ALARM is reported as such, whatever its settings are: it ends a rollout.
/// `TreatMissingData` is absent if it was not set (recorded on AWS, September 2026: stackd 9dc356f5, `alarm_controls`), and is
/// `missing` then.
fn state_of_metric(found: &MetricAlarm) -> RolloutAlarmState {
    match (found.state_value(), found.treat_missing_data()) {
        (Some(StateValue::Alarm), _) => RolloutAlarmState::Alarm,
        (state, Some("notBreaching" | "ignore")) => state_of(state),
        _ => RolloutAlarmState::BreachesOnMissingData,
    }
}

/// A state that this release does not know is not OK, and no reason to go back.
fn state_of(state: Option<&StateValue>) -> RolloutAlarmState {
    match state {
        Some(StateValue::Ok) => RolloutAlarmState::Ok,
        Some(StateValue::Alarm) => RolloutAlarmState::Alarm,
        _ => RolloutAlarmState::InsufficientData,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_blocks_by_its_state_and_by_its_missing_data() {
        for (state, missing_data, expected) in [
            (StateValue::Ok, Some("notBreaching"), RolloutAlarmState::Ok),
            (StateValue::Ok, Some("ignore"), RolloutAlarmState::Ok),
            (StateValue::InsufficientData, Some("ignore"), RolloutAlarmState::InsufficientData),
            (StateValue::Ok, None, RolloutAlarmState::BreachesOnMissingData),
            (StateValue::Ok, Some("breaching"), RolloutAlarmState::BreachesOnMissingData),
            (StateValue::InsufficientData, Some("missing"), RolloutAlarmState::BreachesOnMissingData),
            (StateValue::Alarm, Some("breaching"), RolloutAlarmState::Alarm),
        ] {
            let alarm =
                MetricAlarm::builder().state_value(state).set_treat_missing_data(missing_data.map(str::to_owned));
            assert_eq!(state_of_metric(&alarm.build()), expected, "{missing_data:?}");
        }
    }
}
