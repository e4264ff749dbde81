//! The alarms and metric data in ministack.

use std::{collections::BTreeSet, time::Duration};

use auto_scaling::Timestamp;
use serde_json::{Value, json};

use super::{
    alarm::{Alarm, AlarmState},
    evaluation::Datapoint,
    metric::{Metric, MetricData},
};
use crate::ministack::Ministack;

/// The CloudWatch calls that the evaluation of alarms needs.
pub struct Store(Ministack);

impl Store {
    pub fn new(ministack: Ministack) -> Self {
        Self(ministack)
    }

    /// All metric and composite alarms. An alarm with an unknown state is left out.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, String> {
        let mut alarms = Vec::new();
        let mut page = json!({"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100});
        loop {
            let response = self.call("DescribeAlarms", &page).await?;
            let kinds = ["MetricAlarms", "CompositeAlarms"].into_iter();
            alarms.extend(kinds.flat_map(|kind| list(&response, kind)).filter_map(Alarm::read));
            match response["NextToken"].as_str() {
                Some(token) => page["NextToken"] = json!(token),
                None => return Ok(alarms),
            }
        }
    }

    /// The metrics that have data.
    pub async fn metrics(&self) -> Result<BTreeSet<Metric>, String> {
        let response = self.call("ListMetrics", &json!({})).await?;
        Ok(list(&response, "Metrics").map(Metric::read).collect())
    }

    /// The datapoints of each second in the range up to now. For a metric without dimensions, ministack returns the
    /// data of all metrics with the same name.
    pub async fn datapoints(&self, metric: &Metric, range: Duration, now: Timestamp) -> Result<Vec<Datapoint>, String> {
        let seconds = now.0 / 1000;
        let input = json!({
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": metric.dimensions(),
            "StartTime": seconds.saturating_sub(range.as_secs()),
            "EndTime": seconds + 1,
            "Period": 1,
            "Statistics": ["SampleCount", "Sum", "Minimum", "Maximum"],
        });
        let response = self.call("GetMetricStatistics", &input).await?;
        let read = |it: &Value| {
            let part = |name: &str| it[name].as_f64();
            Some(Datapoint {
                at: Timestamp(it["Timestamp"].as_u64()? * 1000),
                count: part("SampleCount")?,
                sum: part("Sum")?,
                min: part("Minimum")?,
                max: part("Maximum")?,
            })
        };
        Ok(list(&response, "Datapoints").filter_map(read).collect())
    }

    /// Sets the state of an alarm (SetAlarmState).
    pub async fn set_state(&self, alarm: &str, state: &AlarmState) -> Result<(), String> {
        let input = json!({
            "AlarmName": alarm,
            "StateValue": state.value.as_str(),
            "StateReason": state.reason,
            "StateReasonData": state.reason_data,
        });
        self.call("SetAlarmState", &input).await.map(drop)
    }

    /// Puts metric values (PutMetricData).
    pub async fn put(&self, values: &MetricData) -> Result<(), String> {
        let datum = |(at, value): &(f64, f64)| {
            json!({
                "MetricName": values.metric.name,
                "Dimensions": values.metric.dimensions(),
                "Timestamp": at,
                "Unit": values.unit,
                "Value": value,
            })
        };
        let data: Vec<Value> = values.values.iter().map(datum).collect();
        let input = json!({"Namespace": values.metric.namespace, "MetricData": data});
        self.call("PutMetricData", &input).await.map(drop)
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<Value, String> {
        self.0.json("monitoring", &format!("GraniteServiceVersion20100801.{operation}"), input).await
    }
}

fn list<'a>(response: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    response[name].as_array().into_iter().flatten()
}
