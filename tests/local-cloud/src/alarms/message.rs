//! The messages about a change of state: to EventBridge, to a function, to a topic.

use auto_scaling::Timestamp;
use serde_json::{Value, json};

use super::alarm::{Alarm, AlarmCondition, AlarmState, State, Threshold};
use crate::{REGION, emulators::ACCOUNT};

/// The name of the region in messages to topics.
const REGION_NAME: &str = "US West (Oregon)";
/// The maximum length of a subject in characters.
const LONGEST_SUBJECT: usize = 100;

/// The change of an alarm's state.
#[derive(Clone, Debug)]
pub struct StateChange {
    /// The alarm in the new state.
    pub alarm: Alarm,
    /// The state before the change.
    pub previous: AlarmState,
}

impl StateChange {
    /// The event for EventBridge. The number makes the event id unique.
    pub fn event(&self, number: u64) -> String {
        let at = self.alarm.state.since;
        json!({
            "version": "0",
            "id": format!("{number:08x}-0000-4000-8000-{:012x}", at.0),
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": ACCOUNT,
            "time": at.to_string(),
            "region": REGION,
            "resources": [self.alarm.arn],
            "detail": self.body(),
        })
        .to_string()
    }

    /// The payload for a function that is an action of the alarm.
    pub fn invocation(&self) -> String {
        json!({
            "source": "aws.cloudwatch",
            "alarmArn": self.alarm.arn,
            "accountId": ACCOUNT,
            "time": timestamp(self.alarm.state.since),
            "region": REGION,
            "alarmData": self.body(),
        })
        .to_string()
    }

    /// The subject of the message to a topic.
    pub fn subject(&self) -> String {
        let subject = format!("{}: \"{}\" in {REGION_NAME}", self.alarm.state.value.as_str(), self.alarm.name);
        subject.chars().take(LONGEST_SUBJECT).collect()
    }

    /// The message to a topic.
    pub fn message(&self) -> String {
        let Alarm { state, .. } = &self.alarm;
        let mut message = json!({
            "AlarmName": self.alarm.name,
            "AlarmDescription": self.alarm.description,
            "AWSAccountId": ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": timestamp(self.alarm.configured_at),
            "NewStateValue": state.value.as_str(),
            "NewStateReason": state.reason,
            "StateChangeTime": timestamp(state.since),
            "Region": REGION_NAME,
            "AlarmArn": self.alarm.arn,
            "OldStateValue": self.previous.value.as_str(),
            "OKActions": self.alarm.actions_for(State::Ok),
            "AlarmActions": self.alarm.actions_for(State::Alarm),
            "InsufficientDataActions": self.alarm.actions_for(State::InsufficientData),
            "ActionExecutedAfterMuteWindow": false,
        });
        match &self.alarm.condition {
            AlarmCondition::Threshold(threshold) => message["Trigger"] = trigger(threshold),
            AlarmCondition::Rule(rule) => message["AlarmRule"] = json!(rule),
        }
        message.to_string()
    }

    /// The part that event and invocation share. It has no description of an alarm without one.
    fn body(&self) -> Value {
        let mut configuration = json!({});
        if !self.alarm.description.is_empty() {
            configuration["description"] = json!(self.alarm.description);
        }
        match &self.alarm.condition {
            AlarmCondition::Threshold(threshold) => configuration["metrics"] = json!([metric_stat(threshold)]),
            AlarmCondition::Rule(rule) => configuration["alarmRule"] = json!(rule),
        }
        json!({
            "alarmName": self.alarm.name,
            "state": state_json(&self.alarm.state),
            "previousState": state_json(&self.previous),
            "configuration": configuration,
        })
    }
}

/// `2026-11-23T08:00:00.250+0000`
pub fn timestamp(at: Timestamp) -> String {
    at.with_millis().replace('Z', "+0000")
}

fn state_json(state: &AlarmState) -> Value {
    let mut state_json = json!({
        "value": state.value.as_str(),
        "reason": state.reason,
        "timestamp": timestamp(state.since),
    });
    if let Some(data) = &state.reason_data {
        state_json["reasonData"] = json!(data);
    }
    state_json
}

fn metric_stat(threshold: &Threshold) -> Value {
    let metric = &threshold.metric;
    let mut stat = json!({
        "metric": { "namespace": metric.namespace, "name": metric.name, "dimensions": metric.dimensions },
        "period": threshold.period,
        "stat": threshold.statistic,
    });
    if let Some(unit) = &threshold.unit {
        stat["unit"] = json!(unit);
    }
    json!({ "id": "00000000-0000-4000-8000-000000000001", "metricStat": stat, "returnData": true })
}

fn trigger(threshold: &Threshold) -> Value {
    let metric = &threshold.metric;
    let dimensions = metric.dimensions.iter().map(|(name, value)| json!({ "value": value, "name": name }));
    json!({
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "StatisticType": "Statistic",
        "Statistic": threshold.statistic.to_uppercase(),
        "Unit": threshold.unit,
        "Dimensions": dimensions.collect::<Vec<_>>(),
        "Period": threshold.period,
        "EvaluationPeriods": threshold.evaluation_periods,
        "DatapointsToAlarm": threshold.datapoints_to_alarm,
        "ComparisonOperator": threshold.comparison,
        "Threshold": threshold.limit,
        "TreatMissingData": threshold.missing.as_str(),
        "EvaluateLowSampleCountPercentile": "",
    })
}

#[cfg(test)]
mod tests;
