//! Messages built from ministack's alarms.

use std::time::Duration;

use super::*;

/// 2026-11-23T08:00:00.250Z
const NOW: Timestamp = Timestamp(1_795_420_800_250);

fn change(more: &Value) -> StateChange {
    let mut described = json!({
        "AlarmName": "cpu-high",
        "AlarmArn": "arn:aws:cloudwatch:us-west-2:123456789012:alarm:cpu-high",
        "AlarmDescription": "high",
        "StateValue": "ALARM",
        "StateReason": "a reason",
        "StateReasonData": "{}",
        "StateUpdatedTimestamp": 1_795_420_800,
        "AlarmConfigurationUpdatedTimestamp": 1_795_420_700,
        "ActionsEnabled": true,
        "AlarmActions": ["arn:aws:sns:us-west-2:123456789012:topic"],
        "OKActions": [],
        "InsufficientDataActions": [],
    });
    described.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut alarm = Alarm::read(&described).unwrap();
    alarm.state.since = NOW;
    StateChange { alarm, previous: AlarmState::initial(Timestamp(NOW.0 - 1000)) }
}

fn metric_alarm_change() -> StateChange {
    change(&json!({
        "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average", "ExtendedStatistic": null,
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "web"}], "Unit": null, "Period": 60,
        "EvaluationPeriods": 3, "Threshold": 70.0, "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }))
}

#[test]
fn an_event_and_an_invocation_have_the_same_body() {
    let event: Value = serde_json::from_str(&metric_alarm_change().event(7)).unwrap();
    assert_eq!(
        (&event["detail-type"], &event["source"]),
        (&json!("CloudWatch Alarm State Change"), &json!("aws.cloudwatch"))
    );
    assert_eq!(event["time"], "2026-11-23T08:00:00Z");
    assert_eq!(event["resources"], json!(["arn:aws:cloudwatch:us-west-2:123456789012:alarm:cpu-high"]));
    let detail = &event["detail"];
    let state = json!({"value": "ALARM", "reason": "a reason", "reasonData": "{}", "timestamp": "2026-11-23T08:00:00.250+0000"});
    assert_eq!(detail["state"], state);
    assert_eq!(detail["previousState"]["value"], "INSUFFICIENT_DATA");
    assert_eq!(detail["previousState"]["reasonData"], Value::Null);
    let stat = &detail["configuration"]["metrics"][0]["metricStat"];
    let metric =
        json!({"namespace": "AWS/EC2", "name": "CPUUtilization", "dimensions": {"AutoScalingGroupName": "web"}});
    assert_eq!((&stat["metric"], &stat["period"], &stat["stat"]), (&metric, &json!(60), &json!("Average")));

    let invocation: Value = serde_json::from_str(&metric_alarm_change().invocation()).unwrap();
    assert_eq!(&invocation["alarmData"], detail);
    assert_eq!(
        (&invocation["time"], &invocation["accountId"]),
        (&json!("2026-11-23T08:00:00.250+0000"), &json!(ACCOUNT))
    );
}

#[test]
fn the_message_to_a_topic_names_the_trigger() {
    let change = metric_alarm_change();
    assert_eq!(change.subject(), r#"ALARM: "cpu-high" in US West (Oregon)"#);
    let message: Value = serde_json::from_str(&change.message()).unwrap();
    assert_eq!((&message["NewStateValue"], &message["OldStateValue"]), (&json!("ALARM"), &json!("INSUFFICIENT_DATA")));
    assert_eq!(message["AlarmActions"], json!(["arn:aws:sns:us-west-2:123456789012:topic"]));
    let trigger = &message["Trigger"];
    assert_eq!(trigger["Dimensions"], json!([{"name": "AutoScalingGroupName", "value": "web"}]));
    assert_eq!((&trigger["Statistic"], &trigger["DatapointsToAlarm"]), (&json!("AVERAGE"), &json!(3)));
    assert_eq!(trigger["TreatMissingData"], "notBreaching");
    // Recorded on AWS, September 2026 (stackd 9dc356f5, sns_publications:action-history).
    assert_eq!(message["ActionExecutedAfterMuteWindow"], false);
}

/// Recorded on AWS, September 2026 (stackd 9dc356f5, `alarm_delivery:events`).
#[test]
fn an_alarm_without_a_description_has_none_in_its_event() {
    let change = change(&json!({"AlarmDescription": null, "AlarmRule": "ALARM(a)"}));
    let event: Value = serde_json::from_str(&change.event(0)).unwrap();
    assert_eq!(event["detail"]["configuration"], json!({"alarmRule": "ALARM(a)"}));
}

#[test]
fn the_messages_of_a_composite_alarm_contain_the_rule() {
    let change = change(&json!({"AlarmRule": "ALARM(a)"}));
    let event: Value = serde_json::from_str(&change.event(0)).unwrap();
    assert_eq!(event["detail"]["configuration"], json!({"description": "high", "alarmRule": "ALARM(a)"}));
    let message: Value = serde_json::from_str(&change.message()).unwrap();
    assert_eq!((&message["AlarmRule"], &message["Trigger"]), (&json!("ALARM(a)"), &Value::Null));
}

#[test]
fn a_state_that_is_set_without_reason_data_drops_the_previous_data() {
    let mut state = metric_alarm_change().alarm.state;
    let previous = state.clone();
    state.replaces(&previous, NOW);
    assert_eq!(state.reason_data, None);
}

#[test]
fn a_change_that_a_slow_evaluation_finds_is_reported_within_its_own_second() {
    let previous = metric_alarm_change().alarm.state;
    let reported_after = |milliseconds| {
        let mut state = previous.clone();
        state.replaces(&previous, previous.since + Duration::from_millis(milliseconds));
        state.since.since(previous.since).as_millis()
    };
    assert_eq!([0, 250, 999, 1_000, 60_000].map(reported_after), [0, 250, 999, 999, 999]);
}
