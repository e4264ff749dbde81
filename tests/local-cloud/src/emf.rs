//! CloudWatch's embedded metric format (EMF): metrics in log events.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::alarms::{Metric, MetricData};

/// The metrics in a PutLogEvents call.
#[must_use]
pub fn in_call(body: &[u8]) -> Vec<MetricData> {
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    let messages = call["logEvents"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str());
    messages.flat_map(in_message).collect()
}

/// The metrics in one log event. As on AWS, an event with any malformed part is ignored as a whole.
fn in_message(message: &str) -> Vec<MetricData> {
    let event: Value = serde_json::from_str(message).unwrap_or_default();
    read(&event).unwrap_or_default()
}

fn read(event: &Value) -> Option<Vec<MetricData>> {
    let at = event["_aws"]["Timestamp"].as_f64()? / 1000.0;
    let mut all = Vec::new();
    for directive in event["_aws"]["CloudWatchMetrics"].as_array()? {
        for dimensions in directive["Dimensions"].as_array()? {
            let value = |name: &Value| Some((name.as_str()?.to_owned(), event[name.as_str()?].as_str()?.to_owned()));
            let dimensions: BTreeMap<_, _> = dimensions.as_array()?.iter().map(value).collect::<Option<_>>()?;
            for metric in directive["Metrics"].as_array()? {
                let name = metric["Name"].as_str()?;
                let namespace = directive["Namespace"].as_str()?.to_owned();
                let values = match &event[name] {
                    Value::Array(values) => values.iter().map(Value::as_f64).collect::<Option<Vec<_>>>()?,
                    value => vec![value.as_f64()?],
                };
                all.push(MetricData {
                    metric: Metric { namespace, name: name.to_owned(), dimensions: dimensions.clone() },
                    unit: metric["Unit"].as_str().unwrap_or("None").to_owned(),
                    values: values.into_iter().map(|value| (at, value)).collect(),
                });
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Value {
        json!({
            "_aws": { "Timestamp": 1_795_420_800_500_u64, "CloudWatchMetrics": [{
                "Namespace": "Envkeeper",
                "Dimensions": [["environment", "group"], []],
                "Metrics": [{ "Name": "Launches", "Unit": "Count" }, { "Name": "Seconds" }],
            }] },
            "environment": "web", "group": "web-asg", "Launches": 1, "Seconds": [2, 3.5], "other": "x",
        })
    }

    #[test]
    fn every_metric_is_put_for_each_set_of_dimensions() {
        let body = json!({"logEvents": [{"timestamp": 1, "message": "text"}, {"message": event().to_string()}]});
        let all = in_call(body.to_string().as_bytes());
        assert_eq!(all.len(), 4);
        assert_eq!((all[0].metric.namespace.as_str(), all[0].metric.name.as_str()), ("Envkeeper", "Launches"));
        assert_eq!(all[0].metric.dimensions.get("group").map(String::as_str), Some("web-asg"));
        assert_eq!((all[0].unit.as_str(), &all[0].values[..]), ("Count", &[(1_795_420_800.5, 1.0)][..]));
        assert_eq!((all[1].unit.as_str(), all[1].values.len()), ("None", 2));
        assert!(all[3].metric.dimensions.is_empty());
    }

    #[test]
    fn a_malformed_event_is_ignored() {
        for (pointer, wrong) in [
            ("/_aws/Timestamp", json!("now")),
            ("/_aws/CloudWatchMetrics", json!({})),
            ("/_aws/CloudWatchMetrics/0/Namespace", json!(null)),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!(["environment"])),
            ("/_aws/CloudWatchMetrics/0/Metrics/0/Name", json!("Absent")),
            ("/group", json!(7)),
            ("/Seconds/1", json!("3")),
        ] {
            let mut event = event();
            *event.pointer_mut(pointer).unwrap() = wrong;
            assert!(in_message(&event.to_string()).is_empty(), "{pointer}");
        }
        assert!(in_call(b"nonsense").is_empty());
    }
}
