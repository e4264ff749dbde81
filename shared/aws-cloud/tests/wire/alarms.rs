//! CloudWatch's responses about alarms, in the binary form (CBOR, RFC 8949) of the SDK's protocol.

use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients, observe_alarm};
use aws_sdk_cloudwatch::Client;
use environment::{Call, CallError, CallKind, Cloud as _, Key, Kind, ObservedAlarm};
use serde_json::{Value, json};
use test_support::binary_service;

/// JSON as CBOR. All numbers are times, in seconds and with the tag for times.
fn cbor(value: &Value) -> Vec<u8> {
    let sized = |kind: u8, size: usize| {
        let size = u16::try_from(size).expect("a short one").to_be_bytes();
        vec![kind, size[0], size[1]]
    };
    match value {
        Value::Null => vec![0xf6],
        Value::Bool(truth) => vec![0xf4 + u8::from(*truth)],
        Value::Number(time) => [&[0xc1, 0xfb][..], &time.as_f64().expect("a time").to_be_bytes()].concat(),
        Value::String(text) => [sized(0x79, text.len()), text.as_bytes().to_vec()].concat(),
        Value::Array(all) => [sized(0x99, all.len()), all.iter().flat_map(cbor).collect()].concat(),
        Value::Object(all) => {
            let members = all.iter().flat_map(|(name, it)| [cbor(&json!(name)), cbor(it)].concat());
            [sized(0xb9, all.len()), members.collect()].concat()
        }
    }
}

/// Observes an account with this response. Returns the observation and the request.
async fn observation(status: u16, response: Value) -> (Result<Option<ObservedAlarm>, CallError>, String) {
    let request_text = Arc::new(Mutex::new(String::new()));
    let received = Arc::clone(&request_text);
    let config = binary_service(move |request| {
        *received.lock().expect("one at a time") = request.line + &request.body;
        Some((status, cbor(&response)))
    });
    let alarm = observe_alarm(&Client::new(&config), "checkout-is-slow").await;
    let request_text = request_text.lock().expect("one at a time").clone();
    (alarm, request_text)
}

#[tokio::test]
async fn a_composite_alarm_is_observed_with_its_suppressor() {
    let composite = json!({
        "AlarmName": "checkout-is-slow", "StateValue": "ALARM", "ActionsEnabled": true, "AlarmDescription": "text",
        "ActionsSuppressedBy": "Alarm", "StateUpdatedTimestamp": 1_767_323_099.5, "StateTransitionedTimestamp": 1_767_323_041.125,
    });
    let (alarm, request) = observation(200, json!({ "CompositeAlarms": [composite], "MetricAlarms": [] })).await;
    let expected = ObservedAlarm {
        state: "ALARM".into(),
        since_ms: 1_767_323_041_125,
        updated_ms: 1_767_323_099_500,
        actions_enabled: true,
        suppressed_by: Some("Alarm".into()),
        description: "text".into(),
        dimensions: vec![],
    };
    assert_eq!(alarm, Ok(Some(expected)));
    assert!(request.contains("/operation/DescribeAlarms"), "{request:?}");
    // CloudWatch returns composite alarms only to requests for that type.
    for word in ["checkout-is-slow", "MetricAlarm", "CompositeAlarm"] {
        assert!(request.contains(word), "{word} is missing: {request:?}");
    }
}

#[tokio::test]
async fn a_metric_alarm_is_observed_with_the_dimensions_of_all_its_metrics() {
    let dimension = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    let metric_of_math = json!({ "MetricName": "m", "Namespace": "n", "Dimensions": [dimension("InstanceId", "i-1")] });
    let metric = json!({
        "StateValue": "OK", "ActionsEnabled": false, "StateUpdatedTimestamp": 2.5,
        "Dimensions": [dimension("AutoScalingGroupName", "g")],
        "Metrics": [
            { "Id": "m1", "MetricStat": { "Metric": metric_of_math, "Stat": "Sum" } },
            { "Id": "e1", "Expression": "m1 * 2" },
        ],
    });
    let (alarm, _) = observation(200, json!({ "MetricAlarms": [metric] })).await;
    let alarm = alarm.expect("an observation").expect("an alarm");
    assert_eq!(
        (alarm.state.as_str(), alarm.since_ms, alarm.updated_ms, alarm.actions_enabled),
        ("OK", 2_500, 2_500, false)
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(alarm.dimensions, [pair("AutoScalingGroupName", "g"), pair("InstanceId", "i-1")]);
}

#[tokio::test]
async fn a_missing_alarm_is_none_and_a_denial_is_rejected() {
    assert_eq!(observation(200, json!({ "MetricAlarms": [], "CompositeAlarms": [] })).await.0, Ok(None));
    let denied = json!({ "__type": "com.amazonaws.cloudwatch#AccessDeniedException", "message": "no" });
    let (denied, _) = observation(400, denied).await;
    assert!(
        matches!(&denied, Err(CallError::Rejected { message }) if message.contains("cloudwatch:DescribeAlarms")),
        "{denied:?}"
    );
}

/// CloudWatch's message names the alarm that was to be deleted, and not the composite alarm that stands on it.
#[tokio::test]
async fn the_composite_alarms_that_block_a_delete_are_named() {
    let suppressed = |by: &str| json!([{ "AlarmName": "deploy", "ActionsSuppressor": by }]);
    let arn = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:the-alarm";
    for (by_rule, all, ends) in [
        (
            json!([{ "AlarmName": "shop" }]),
            json!([]),
            "Composite alarms that name it: shop. Remove the alarm from these",
        ),
        (json!([]), suppressed("the-alarm"), "Composite alarms that name it: deploy. Remove the alarm from these"),
        (json!([{ "AlarmName": "shop" }]), suppressed(arn), "Composite alarms that name it: deploy, shop. Remove"),
        (json!([]), suppressed("another"), "there are composite alarm(s) depending on it."),
    ] {
        let config = binary_service(move |request| {
            let message = "Cannot delete the-alarm as there are composite alarm(s) depending on it.";
            let is_by_rule = request.body.contains("ParentsOfAlarmName");
            Some(if request.line.contains("/operation/DescribeAlarms") {
                (200, cbor(&json!({ "CompositeAlarms": if is_by_rule { &by_rule } else { &all } })))
            } else {
                (400, cbor(&json!({ "__type": "com.amazon.coral.service#ValidationError", "message": message })))
            })
        });
        let cloud = AwsCloud::new(&Clients::new(&config), "owner".into(), "request".into());
        let call = Call { key: Key::new(Kind::Alarm, "the-alarm"), id: None, kind: CallKind::Delete };
        let response = cloud.call(&call).await;
        assert!(matches!(&response, Err(CallError::Rejected { message }) if message.contains(ends)), "{response:?}");
    }
}
