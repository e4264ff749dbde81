//! Other messages in the queue: the shapes of other senders, and malformed messages of every kind. Each message results
//! in a line, is not owned, or is poison with a reason; none of them stops the others.
#![allow(clippy::panic, reason = "a test stops at the first unexpected value")]

use environment::Deployment;
use ledger::read::{Reading, body};
use serde_json::{Value, json};

/// The result of a message: the kinds of its entries, or the reason why it has none.
fn read(message: &str) -> Result<String, String> {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match body(&deployment, message, 1_767_323_100_000) {
        Ok(Reading::Entries { entries, .. }) => {
            assert!(entries.iter().all(|entry| entry.line().len() <= ledger::MAX_LINE_BYTES));
            Ok(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>().join(" "))
        }
        Ok(Reading::NotOwned(reason)) => Ok(format!("not owned: {reason}")),
        Err(poison) => Err(poison.to_string()),
    }
}

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// A lifecycle action with more fields in its detail.
fn waiting(more: &Value) -> Value {
    let mut detail = json!({
        "LifecycleActionToken": "87654321-4321-4321-4321-210987654321", "AutoScalingGroupName": GROUP,
        "LifecycleHookName": "launch", "EC2InstanceId": "i-0a1b2c3d4e5f60718",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
    });
    detail.as_object_mut().unwrap_or_else(|| panic!("an object")).extend(more.as_object().cloned().unwrap_or_default());
    json!({
        "version": "0", "id": "1", "detail-type": "EC2 Instance-launch Lifecycle Action", "source": "aws.autoscaling",
        "time": "2026-01-02T03:04:05Z", "resources": [], "detail": detail,
    })
}

/// The event with other names of its members.
fn renamed(event: &Value, name: impl Fn(&str) -> String) -> Value {
    event.as_object().into_iter().flatten().map(|(key, value)| (name(key), value.clone())).collect()
}

#[test]
fn metadata_and_unknown_fields_change_nothing() {
    for more in [
        json!({ "NotificationMetadata": "x".repeat(4_000) }),
        json!({ "NotificationMetadata": r#"{"a":"\"quoted\"","b":"\u0000"}"# }),
        json!({ "NotificationMetadata": "\u{0}\u{1f}\u{7f}\u{2028}😀" }),
        json!({ "Origin": "EC2", "Destination": "WarmPool", "X": { "y": [{ "z": null }, [[[]]], 1e300] } }),
        json!({ "Padding": "é".repeat(125_000) }),
        json!({ "EC2InstanceId": null, "LifecycleHookName": 3 }),
    ] {
        assert_eq!(read(&waiting(&more).to_string()), Ok("lifecycle".into()), "{more:.100}");
    }
}

/// The only line of a successful launch with more fields in its detail.
fn launched(more: &Value) -> String {
    let mut detail = json!({ "AutoScalingGroupName": GROUP, "ActivityId": "1", "EC2InstanceId": "i-1" });
    detail.as_object_mut().unwrap_or_else(|| panic!("an object")).extend(more.as_object().cloned().unwrap_or_default());
    let event = json!({ "detail-type": "EC2 Instance Launch Successful", "detail": detail });
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match body(&deployment, &event.to_string(), 1_767_323_100_000) {
        Ok(Reading::Entries { entries, .. }) if entries.len() == 1 => entries[0].line(),
        other => panic!("{other:?}"),
    }
}

/// CloudWatch extracts no metrics from a longer line.
#[test]
fn a_line_with_metrics_is_truncated_earlier_and_contains_its_original_size() {
    let json_of = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}"));
    let whole = json_of(&launched(&json!({ "Padding": "x".repeat(200_000) })));
    assert_eq!(whole["detail"]["Padding"].as_str().map(str::len), Some(200_000));
    let oversized = "\u{1}".repeat(4_096);
    for more in [
        json!({ "Padding": "x".repeat(300_000) }),
        json!({ "Padding": "\"".repeat(300_000) }),
        json!({
            "Padding": "\u{1}".repeat(100_000), "Cause": oversized, "EC2InstanceId": oversized, "ActivityId": oversized,
            "StatusMessage": oversized, "Details": { "Availability Zone": oversized },
        }),
    ] {
        let line = launched(&more);
        assert!(line.len() <= ledger::MAX_METRIC_LINE_BYTES, "{}", line.len());
        let line = json_of(&line);
        assert!(line["_aws"].is_object() && line["Launches"] == json!(1.0));
        assert!(line["detail"]["bytes"].as_u64() > Some(300_000), "{line:.300}");
        let begins = line["detail"]["begins"].as_str().unwrap_or_default();
        assert!(begins.starts_with("{\"ActivityId\":") && begins.len() <= 65_536, "{begins:.80}");
    }
    // A line without metrics may have the maximum size of a log event.
    let padded = waiting(&json!({ "Padding": "x".repeat(300_000) }));
    assert_eq!(read(&padded.to_string()), Ok("lifecycle".into()));
}

#[test]
fn foreign_events_are_not_owned() {
    let of_bus =
        |name: &str, detail: Value| json!({ "detail-type": name, "detail": detail, "time": "yyyy-mm-ddThh:mm:ssZ" });
    let alarm = json!({ "alarmName": "foreign", "operation": "create", "state": { "value": "OK" } });
    let direct = json!({ "alarmData": { "alarmName": "foreign", "state": { "value": "OK" } } });
    for (event, reason) in [
        (
            waiting(&json!({ "AutoScalingGroupName": "my-asg" })),
            "the group my-asg belongs to no environment of this deployment",
        ),
        (
            of_bus(
                "EC2 Spot Instance Interruption Warning",
                json!({ "instance-id": "i-1", "instance-action": "stop" }),
            ),
            "EC2 Spot Instance Interruption Warning names no Auto Scaling group",
        ),
        (
            of_bus("EC2 Instance State-change Notification", json!({ "instance-id": "i-1", "state": "running" })),
            "EC2 Instance State-change Notification names no Auto Scaling group",
        ),
        (
            of_bus("CloudWatch Alarm Configuration Change", alarm),
            "CloudWatch Alarm Configuration Change names no Auto Scaling group",
        ),
        (direct, "the alarm foreign belongs to no environment of this deployment, or to several"),
        (
            json!({ "Event": "autoscaling:TEST_NOTIFICATION", "LifecycleTransition": "autoscaling:TEST_NOTIFICATION" }),
            "a test notification",
        ),
        (waiting(&json!({ "Event": "autoscaling:TEST_NOTIFICATION" })), "a test notification"),
        (
            of_bus("EC2 Instance-launch Lifecycle Action", json!({ "Event": "autoscaling:TEST_NOTIFICATION" })),
            "a test notification",
        ),
    ] {
        assert_eq!(read(&event.to_string()), Ok(format!("not owned: {reason}")));
    }
}

/// Netflix/edda PR 60: `Details` contains the invoking alarms, as an object or as its text.
#[test]
fn a_launch_by_an_alarm_has_its_cause_and_its_zone_whatever_the_form_of_its_details() {
    let details = json!({
        "InvokingAlarms": [{ "AlarmName": "scalable-ec2-cpu-high-uswest2-dev", "AlarmDescription": null,
            "StateChangeTime": 1_764_432_000_474_u64, "Trigger": { "Threshold": 85, "Unit": null } }],
        "Availability Zone": "us-west-2d",
    });
    let cause = "At 2026-11-29T16:05:11Z a monitor alarm scalable-ec2-cpu-high-uswest2-dev in state ALARM triggered policy scalable-ec2-scale-up-uswest2-dev changing the desired capacity from 1 to 2.  At 2026-11-29T16:05:41Z an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 1 to 2.";
    for details in [details.clone(), details.to_string().into()] {
        let event = json!({ "detail-type": "EC2 Instance Launch Successful", "detail": {
            "AutoScalingGroupName": GROUP, "ActivityId": "a", "EC2InstanceId": "i-0abcdef7800000000",
            "Cause": cause, "Details": details,
        } });
        let deployment =
            Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
        let Ok(Reading::Entries { entries, .. }) = body(&deployment, &event.to_string(), 1) else { panic!("{event}") };
        let lines: Vec<Value> = entries
            .iter()
            .map(|it| serde_json::from_str(&it.line()).unwrap_or_else(|error| panic!("{error}")))
            .collect();
        assert_eq!((lines.len(), &lines[0]["kind"], &lines[1]["kind"]), (2, &json!("capacity"), &json!("launch")));
        assert_eq!(lines[1]["zone"], "us-west-2d", "{details}");
        for line in &lines {
            let cause = &line["cause"];
            assert_eq!(
                (&cause["alarm"], &cause["policy"]),
                (&json!("scalable-ec2-cpu-high-uswest2-dev"), &json!("scalable-ec2-scale-up-uswest2-dev"))
            );
            assert_eq!((&cause["desiredBefore"], &cause["desiredAfter"]), (&json!(1), &json!(2)));
        }
    }
}

/// A composite alarm with a suppressor went to ALARM once, and its state is reported in each phase of the suppression.
/// Recorded on AWS, September 2026 (stackd 9dc356f5, `alarm_delivery:suppression_releases`).
#[test]
fn a_suppressed_composite_alarm_has_one_line_for_each_transition() {
    let configuration = json!({ "description": "envkeeper:environment=scalable-ec2-us-west-2-dev" });
    let body = |before: &str, phase: Option<&str>, at: &str| {
        let mut state = json!({ "value": "ALARM", "timestamp": format!("2026-09-27T06:42:{at}.000+0000") });
        if let Some(phase) = phase {
            state["actionsSuppressedBy"] = phase.into();
            state["actionsSuppressedReason"] = "Actions suppressed by the suppressor".into();
        }
        json!({ "alarmName": "c", "state": state, "previousState": { "value": before }, "configuration": configuration })
    };
    let phases =
        [body("OK", Some("Alarm"), "35"), body("ALARM", Some("ExtensionPeriod"), "49"), body("ALARM", None, "54")];
    let results = phases.map(|body| {
        let of_bus = json!({ "detail-type": "CloudWatch Alarm State Change", "detail": body });
        [read(&of_bus.to_string()), read(&json!({ "alarmData": body }).to_string())]
    });
    let repeated = || Ok(String::from("not owned: the alarm remains in its state"));
    assert_eq!(results, [[Ok("alarm".into()), Ok("alarm".into())], [repeated(), repeated()], [repeated(), repeated()]]);
    let topic = |before: &str| json!({ "AlarmName": "c", "OldStateValue": before, "NewStateValue": "ALARM", "AlarmDescription": configuration["description"] });
    assert_eq!(read(&topic("OK").to_string()), Ok("alarm".into()));
    assert_eq!(read(&topic("ALARM").to_string()), repeated());
}

/// An event bus may receive the events of other accounts, which have groups with the same names.
#[test]
fn an_event_of_another_account_is_not_owned() {
    let direct = json!({ "alarmName": "a", "state": { "value": "OK" }, "configuration": { "metrics": [
        { "metricStat": { "metric": { "dimensions": { "AutoScalingGroupName": GROUP } } } },
    ] } });
    let notification = json!({ "Event": "autoscaling:EC2_INSTANCE_LAUNCH", "AutoScalingGroupName": GROUP });
    let trigger = json!({ "Dimensions": [{ "name": "AutoScalingGroupName", "value": GROUP }] });
    let message = json!({ "AlarmName": "a", "NewStateValue": "OK", "Trigger": trigger });
    for (mut event, name, kind) in [
        (waiting(&json!({})), "account", "lifecycle"),
        (waiting(&json!({}))["detail"].clone(), "AccountId", "lifecycle"),
        (notification, "AccountId", "launch"),
        (json!({ "alarmData": direct }), "accountId", "alarm"),
        (message, "AWSAccountId", "alarm"),
    ] {
        for account in [json!("123456789012"), json!(null), json!(""), json!(7)] {
            event[name] = account;
            assert_eq!(read(&event.to_string()), Ok(kind.into()), "{event}");
        }
        event[name] = "999999999999".into();
        assert_eq!(
            read(&event.to_string()),
            Ok("not owned: the event belongs to the account 999999999999".into()),
            "{event}"
        );
    }
}

/// The outcome of each transition of an instance, and whether the instance is counted.
#[test]
fn an_instance_that_enters_a_warm_pool_is_neither_in_service_nor_terminated() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    for (activity, from, to, outcome, counted) in [
        ("Launch Successful", "EC2", "WarmPool", "entered-warm-pool", false),
        ("Launch Successful", "WarmPool", "AutoScalingGroup", "successful", true),
        ("Launch Successful", "EC2", "AutoScalingGroup", "successful", true),
        ("Launch Unsuccessful", "EC2", "WarmPool", "failed", true),
        ("Terminate Successful", "AutoScalingGroup", "WarmPool", "entered-warm-pool", false),
        ("Terminate Successful", "WarmPool", "EC2", "successful", true),
        ("Terminate Unsuccessful", "AutoScalingGroup", "WarmPool", "failed", true),
    ] {
        let detail = json!({
            "AutoScalingGroupName": GROUP, "ActivityId": "1", "EC2InstanceId": "i-1", "Origin": from, "Destination": to,
            "StartTime": "2026-01-02T03:04:05Z", "EndTime": "2026-01-02T03:05:05Z",
        });
        let event = json!({ "detail-type": format!("EC2 Instance {activity}"), "detail": detail });
        let Ok(Reading::Entries { entries, .. }) = body(&deployment, &event.to_string(), 1_767_323_100_000) else {
            panic!("a line")
        };
        let line = entries[0].line();
        assert_eq!((entries[0].outcome.as_str(), line.contains("_aws")), (outcome, counted), "{activity} {to}: {line}");
        assert_eq!(entries[0].seconds, Some(60.0), "every outcome has a duration");
    }
}

/// In the list of activities only the description contains the destination of an instance.
#[test]
fn a_backfilled_launch_into_a_warm_pool_has_the_same_outcome() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    for (direction, outcome) in [("into warm pool", "entered-warm-pool"), ("from warm pool", "successful")] {
        let activity = ledger::Activity {
            group: GROUP.into(),
            description: format!("Launching a new EC2 instance {direction}: i-0a1b2c3d4e5f60718"),
            status: "Successful".into(),
            end_ms: Some(1_767_323_100_000),
            ..ledger::Activity::default()
        };
        let event = activity.event().unwrap_or_else(|| panic!("the activity has ended"));
        let Ok(Reading::Entries { entries, .. }) = body(&deployment, &event.to_string(), 0) else { panic!("a line") };
        assert_eq!(
            (entries[0].outcome.as_str(), entries[0].instance.as_deref()),
            (outcome, Some("i-0a1b2c3d4e5f60718"))
        );
    }
}

#[test]
fn an_unknown_event_of_an_owned_group_is_kept() {
    let mut event = waiting(&json!({}));
    event["detail-type"] = "EC2 Auto Scaling Something New".into();
    assert_eq!(read(&event.to_string()), Ok("other".into()));
}

#[test]
fn a_lifecycle_action_has_the_same_entry_by_bus_queue_topic_and_text() {
    let event = waiting(&json!({}));
    let notification = event["detail"].clone();
    let lines: Vec<String> = notification
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, it)| format!("{name}: {}\n", it.as_str().unwrap_or_default()))
        .collect();
    let in_topic = |message: &str| json!({ "Type": "Notification", "Message": message }).to_string();
    let invoked = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": notification.to_string() } }] });
    let failed = json!({ "requestContext": {}, "requestPayload": invoked });
    for message in [
        event.to_string(),
        notification.to_string(),
        in_topic(&notification.to_string()),
        in_topic(&lines.concat()),
        lines.concat(),
        failed.to_string(),
    ] {
        assert_eq!(read(&message), Ok("lifecycle".into()), "{message}");
    }
}

#[test]
fn poison_names_the_missing_field() {
    let event = waiting(&json!({}));
    let without = |name: &str| {
        let mut event = event.clone();
        event.as_object_mut().unwrap_or_else(|| panic!("an object")).remove(name);
        event
    };
    let typed = |name: &str, value: Value| {
        let mut event = event.clone();
        event[name] = value;
        event
    };
    let no_shape = "the event has none of detail-type (EventBridge), LifecycleTransition, Event (Auto Scaling) and Message (SNS); it has ";
    for (message, reason) in [
        (without("detail").to_string(), "detail is missing".into()),
        (typed("detail", json!("text")).to_string(), "detail is not a JSON object".into()),
        (typed("detail", Value::Null).to_string(), "detail is not a JSON object".into()),
        (typed("detail-type", json!(1)).to_string(), "detail-type is not a string".into()),
        (
            waiting(&json!({ "AutoScalingGroupName": null })).to_string(),
            "EC2 Instance-launch Lifecycle Action: AutoScalingGroupName is missing, or not a string".into(),
        ),
        (
            renamed(&event, str::to_uppercase).to_string(),
            format!("{no_shape}DETAIL, DETAIL-TYPE, ID, RESOURCES, SOURCE, TIME, VERSION"),
        ),
        (json!({ "awslogs": { "data": "H4sIAAAAAAAAAA==" } }).to_string(), format!("{no_shape}awslogs")),
        (json!({ "a": "Test", "b": 123 }).to_string(), format!("{no_shape}a, b")),
        ("{}".into(), format!("{no_shape}no fields")),
        ("[]".into(), "the event is not a JSON object".into()),
        ("null".into(), "the event is not a JSON object".into()),
        ("\"text\"".into(), "the event is not a JSON object".into()),
        ("Hello\r\nworld!".into(), "neither JSON nor a notification of Auto Scaling".into()),
        ("[".repeat(100_000), "neither JSON nor a notification of Auto Scaling".into()),
        (json!({ "AlarmName": "a" }).to_string(), "alarm: NewStateValue is missing, or not a string".into()),
        (json!({ "alarmData": 7 }).to_string(), "alarm: alarmName is missing, or not a string".into()),
    ] {
        assert_eq!(read(&message), Err(reason), "{message:.100}");
    }
}
