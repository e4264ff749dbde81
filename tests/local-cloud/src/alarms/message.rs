//! What is told of a change of state: to EventBridge, to a function, to a topic.

use auto_scaling::Timestamp;
use serde_json::{Value, json};

use super::alarm::{Alarm, AlarmState, State, Threshold, AlarmCondition};
use crate::{REGION, emulators::ACCOUNT};

/// How messages to topics call the region.
const REGION_NAME: &str = "US West (Oregon)";
/// The most characters that a subject has.
const LONGEST_SUBJECT: usize = 100;

/// A change of state.
#[derive(Clone, Debug)]
pub struct StateChange {
    /// As it is now.
    pub alarm: Alarm,
    /// What was before.
    pub previous: AlarmState,
}

impl StateChange {
    /// EventBridge's event. The number makes its id one of its own.
    pub fn event(&self, number: u64) -> String {
        let at = self.alarm.standing.since;
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

    /// What a function that is an action itself is invoked with.
    pub fn invocation(&self) -> String {
        json!({
            "source": "aws.cloudwatch",
            "alarmArn": self.alarm.arn,
            "accountId": ACCOUNT,
            "time": timestamp(self.alarm.standing.since),
            "region": REGION,
            "alarmData": self.body(),
        })
        .to_string()
    }

    /// The subject of the message to a topic.
    pub fn subject(&self) -> String {
        let subject = format!("{}: \"{}\" in {REGION_NAME}", self.alarm.standing.state.as_str(), self.alarm.name);
        subject.chars().take(LONGEST_SUBJECT).collect()
    }

    /// The message to a topic.
    pub fn message(&self) -> String {
        let Alarm { standing, .. } = &self.alarm;
        let mut message = json!({
            "AlarmName": self.alarm.name,
            "AlarmDescription": self.alarm.description,
            "AWSAccountId": ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": timestamp(self.alarm.put),
            "NewStateValue": standing.state.as_str(),
            "NewStateReason": standing.reason,
            "StateChangeTime": timestamp(standing.since),
            "Region": REGION_NAME,
            "AlarmArn": self.alarm.arn,
            "OldStateValue": self.previous.state.as_str(),
            "OKActions": self.alarm.actions_for(State::Ok),
            "AlarmActions": self.alarm.actions_for(State::Alarm),
            "InsufficientDataActions": self.alarm.actions_for(State::InsufficientData),
        });
        match &self.alarm.condition {
            AlarmCondition::Threshold(threshold) => message["Trigger"] = trigger(threshold),
            AlarmCondition::Rule(rule) => message["AlarmRule"] = json!(rule),
        }
        message.to_string()
    }

    /// What event and invocation have in common.
    fn body(&self) -> Value {
        let mut configuration = json!({ "description": self.alarm.description });
        match &self.alarm.condition {
            AlarmCondition::Threshold(threshold) => configuration["metrics"] = json!([metric_stat(threshold)]),
            AlarmCondition::Rule(rule) => configuration["alarmRule"] = json!(rule),
        }
        json!({
            "alarmName": self.alarm.name,
            "state": state_json(&self.alarm.standing),
            "previousState": state_json(&self.previous),
            "configuration": configuration,
        })
    }
}

/// `2026-11-23T08:00:00.250+0000`
pub fn timestamp(at: Timestamp) -> String {
    at.with_millis().replace('Z', "+0000")
}

fn state_json(standing: &AlarmState) -> Value {
    let mut state_json = json!({
        "value": standing.state.as_str(),
        "reason": standing.reason,
        "timestamp": timestamp(standing.since),
    });
    if let Some(data) = &standing.reason_data {
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
