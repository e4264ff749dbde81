//! What else may stand in the queue: the shapes in which others tell of things, and what is broken in all the ways that a
//! message can be. Each is a line, nobody's, or poison with its reason; none of them stops the others.
#![allow(clippy::panic, reason = "a test stops where it finds nonsense")]

use environment::Deployment;
use ledger::read::{Reading, body};
use serde_json::{Value, json};

/// What a message comes to: the kinds of its lines, or why it has none.
fn read(message: &str) -> Result<String, String> {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match body(&deployment, message, 1_767_323_100_000) {
        Ok(Reading::Of { entries, .. }) => {
            assert!(entries.iter().all(|entry| entry.line().len() <= ledger::LONGEST_LINE));
            Ok(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>().join(" "))
        }
        Ok(Reading::Nobodys(reason)) => Ok(format!("nobody's: {reason}")),
        Err(poison) => Err(poison.to_string()),
    }
}

const GROUP: &str = "scalable-ec2-asg-uswest2-dev";

/// An instance waits for a hook, with more in its detail.
fn waits(more: &Value) -> Value {
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

/// The same with other names of its members.
fn renamed(event: &Value, name: impl Fn(&str) -> String) -> Value {
    event.as_object().into_iter().flatten().map(|(key, value)| (name(key), value.clone())).collect()
}

#[test]
fn metadata_and_fields_that_nobody_knows_change_nothing() {
    for more in [
        json!({ "NotificationMetadata": "x".repeat(4_000) }),
        json!({ "NotificationMetadata": r#"{"a":"\"quoted\"","b":"\u0000"}"# }),
        json!({ "NotificationMetadata": "\u{0}\u{1f}\u{7f}\u{2028}😀" }),
        json!({ "Origin": "EC2", "Destination": "WarmPool", "X": { "y": [{ "z": null }, [[[]]], 1e300] } }),
        json!({ "Padding": "é".repeat(125_000) }),
        json!({ "EC2InstanceId": null, "LifecycleHookName": 3 }),
    ] {
        assert_eq!(read(&waits(&more).to_string()), Ok("lifecycle".into()), "{more:.100}");
    }
}

/// The one line of a launch that worked, with more in its detail.
fn launched(more: &Value) -> String {
    let mut detail = json!({ "AutoScalingGroupName": GROUP, "ActivityId": "1", "EC2InstanceId": "i-1" });
    detail.as_object_mut().unwrap_or_else(|| panic!("an object")).extend(more.as_object().cloned().unwrap_or_default());
    let event = json!({ "detail-type": "EC2 Instance Launch Successful", "detail": detail });
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    match body(&deployment, &event.to_string(), 1_767_323_100_000) {
        Ok(Reading::Of { entries, .. }) if entries.len() == 1 => entries[0].line(),
        other => panic!("{other:?}"),
    }
}

/// CloudWatch takes no metrics out of a longer one.
#[test]
fn a_line_with_metrics_is_cut_earlier_and_says_so() {
    let of = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}"));
    let whole = of(&launched(&json!({ "Padding": "x".repeat(200_000) })));
    assert_eq!(whole["detail"]["Padding"].as_str().map(str::len), Some(200_000));
    let absurd = "\u{1}".repeat(4_096);
    for more in [
        json!({ "Padding": "x".repeat(300_000) }),
        json!({ "Padding": "\"".repeat(300_000) }),
        json!({
            "Padding": "\u{1}".repeat(100_000), "Cause": absurd, "EC2InstanceId": absurd, "ActivityId": absurd,
            "StatusMessage": absurd, "Details": { "Availability Zone": absurd },
        }),
    ] {
        let line = launched(&more);
        assert!(line.len() <= ledger::LONGEST_WITH_METRICS, "{}", line.len());
        let line = of(&line);
        assert!(line["_aws"].is_object() && line["Launches"] == json!(1.0));
        assert!(line["detail"]["bytes"].as_u64() > Some(300_000), "{line:.300}");
        let begins = line["detail"]["begins"].as_str().unwrap_or_default();
        assert!(begins.starts_with("{\"ActivityId\":") && begins.len() <= 65_536, "{begins:.80}");
    }
    // What has no metrics may be as long as CloudWatch takes it.
    let padded = waits(&json!({ "Padding": "x".repeat(300_000) }));
    assert_eq!(read(&padded.to_string()), Ok("lifecycle".into()));
}

#[test]
fn what_others_tell_is_nobodys() {
    let of_bus =
        |name: &str, detail: Value| json!({ "detail-type": name, "detail": detail, "time": "yyyy-mm-ddThh:mm:ssZ" });
    let alarm = json!({ "alarmName": "theirs", "operation": "create", "state": { "value": "OK" } });
    let direct = json!({ "alarmData": { "alarmName": "theirs", "state": { "value": "OK" } } });
    for (event, reason) in [
        (waits(&json!({ "AutoScalingGroupName": "my-asg" })), "the group my-asg is none of this deployment"),
        (
            of_bus(
                "EC2 Spot Instance Interruption Warning",
                json!({ "instance-id": "i-1", "instance-action": "stop" }),
            ),
            "EC2 Spot Instance Interruption Warning names no group",
        ),
        (
            of_bus("EC2 Instance State-change Notification", json!({ "instance-id": "i-1", "state": "running" })),
            "EC2 Instance State-change Notification names no group",
        ),
        (
            of_bus("CloudWatch Alarm Configuration Change", alarm),
            "CloudWatch Alarm Configuration Change names no group",
        ),
        (direct, "the alarm theirs is of no environment of this deployment, or of several"),
        (
            json!({ "Event": "autoscaling:TEST_NOTIFICATION", "LifecycleTransition": "autoscaling:TEST_NOTIFICATION" }),
            "a test notification",
        ),
    ] {
        assert_eq!(read(&event.to_string()), Ok(format!("nobody's: {reason}")));
    }
}

/// A bus may be given the events of other accounts, which have groups of the same names.
#[test]
fn what_is_of_another_account_is_nobodys() {
    let direct = json!({ "alarmName": "a", "state": { "value": "OK" }, "configuration": { "metrics": [
        { "metricStat": { "metric": { "dimensions": { "AutoScalingGroupName": GROUP } } } },
    ] } });
    let own = json!({ "Event": "autoscaling:EC2_INSTANCE_LAUNCH", "AutoScalingGroupName": GROUP });
    let trigger = json!({ "Dimensions": [{ "name": "AutoScalingGroupName", "value": GROUP }] });
    let message = json!({ "AlarmName": "a", "NewStateValue": "OK", "Trigger": trigger });
    for (mut event, name, kind) in [
        (waits(&json!({})), "account", "lifecycle"),
        (waits(&json!({}))["detail"].clone(), "AccountId", "lifecycle"),
        (own, "AccountId", "launch"),
        (json!({ "alarmData": direct }), "accountId", "alarm"),
        (message, "AWSAccountId", "alarm"),
    ] {
        for account in [json!("123456789012"), json!(null), json!(""), json!(7)] {
            event[name] = account;
            assert_eq!(read(&event.to_string()), Ok(kind.into()), "{event}");
        }
        event[name] = "999999999999".into();
        assert_eq!(read(&event.to_string()), Ok("nobody's: it is of the account 999999999999".into()), "{event}");
    }
}

/// What becomes of an instance on each of its ways: the outcome, and whether it is counted.
#[test]
fn an_instance_that_goes_into_a_warm_pool_is_neither_in_service_nor_ended() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    for (what, from, to, outcome, counted) in [
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
        let event = json!({ "detail-type": format!("EC2 Instance {what}"), "detail": detail });
        let Ok(Reading::Of { entries, .. }) = body(&deployment, &event.to_string(), 1_767_323_100_000) else {
            panic!("a line")
        };
        let line = entries[0].line();
        assert_eq!((entries[0].outcome.as_str(), line.contains("_aws")), (outcome, counted), "{what} {to}: {line}");
        assert_eq!(entries[0].seconds, Some(60.0), "how long it took is told all the same");
    }
}

/// The list of activities tells where an instance went by its description alone.
#[test]
fn a_launch_into_a_warm_pool_that_no_event_told_of_is_the_same() {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    for (how, outcome) in [("into warm pool", "entered-warm-pool"), ("from warm pool", "successful")] {
        let activity = ledger::Activity {
            group: GROUP.into(),
            description: format!("Launching a new EC2 instance {how}: i-0a1b2c3d4e5f60718"),
            status: "Successful".into(),
            end_ms: Some(1_767_323_100_000),
            ..ledger::Activity::default()
        };
        let event = activity.event().unwrap_or_else(|| panic!("it is over"));
        let Ok(Reading::Of { entries, .. }) = body(&deployment, &event.to_string(), 0) else { panic!("a line") };
        assert_eq!(
            (entries[0].outcome.as_str(), entries[0].instance.as_deref()),
            (outcome, Some("i-0a1b2c3d4e5f60718"))
        );
    }
}

#[test]
fn what_is_newer_than_this_version_is_kept_if_it_is_of_our_groups() {
    let mut event = waits(&json!({}));
    event["detail-type"] = "EC2 Auto Scaling Something New".into();
    assert_eq!(read(&event.to_string()), Ok("other".into()));
}

#[test]
fn a_lifecycle_action_is_the_same_by_bus_queue_topic_and_text() {
    let event = waits(&json!({}));
    let own = event["detail"].clone();
    let lines: Vec<String> = own
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, it)| format!("{name}: {}\n", it.as_str().unwrap_or_default()))
        .collect();
    let in_topic = |message: &str| json!({ "Type": "Notification", "Message": message }).to_string();
    let invoked = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": own.to_string() } }] });
    let failed = json!({ "requestContext": {}, "requestPayload": invoked });
    for message in [
        event.to_string(),
        own.to_string(),
        in_topic(&own.to_string()),
        in_topic(&lines.concat()),
        lines.concat(),
        failed.to_string(),
    ] {
        assert_eq!(read(&message), Ok("lifecycle".into()), "{message}");
    }
}

#[test]
fn poison_says_what_is_missing() {
    let event = waits(&json!({}));
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
    let nothing = "it has none of detail-type (EventBridge), LifecycleTransition, Event (Auto Scaling) and Message (SNS); it has ";
    for (message, reason) in [
        (without("detail").to_string(), "detail is missing".into()),
        (typed("detail", json!("text")).to_string(), "detail is no JSON object".into()),
        (typed("detail", Value::Null).to_string(), "detail is no JSON object".into()),
        (typed("detail-type", json!(1)).to_string(), "detail-type is no text".into()),
        (
            waits(&json!({ "AutoScalingGroupName": null })).to_string(),
            "EC2 Instance-launch Lifecycle Action: AutoScalingGroupName is missing, or no text".into(),
        ),
        (
            renamed(&event, str::to_uppercase).to_string(),
            format!("{nothing}DETAIL, DETAIL-TYPE, ID, RESOURCES, SOURCE, TIME, VERSION"),
        ),
        (json!({ "awslogs": { "data": "H4sIAAAAAAAAAA==" } }).to_string(), format!("{nothing}awslogs")),
        (json!({ "a": "Test", "b": 123 }).to_string(), format!("{nothing}a, b")),
        ("{}".into(), format!("{nothing}nothing")),
        ("[]".into(), "no JSON object".into()),
        ("null".into(), "no JSON object".into()),
        ("\"text\"".into(), "no JSON object".into()),
        ("Hello\r\nworld!".into(), "no JSON, and no lines of Auto Scaling".into()),
        ("[".repeat(100_000), "no JSON, and no lines of Auto Scaling".into()),
        (json!({ "AlarmName": "a" }).to_string(), "an alarm: NewStateValue is missing, or no text".into()),
        (json!({ "alarmData": 7 }).to_string(), "an alarm: alarmName is missing, or no text".into()),
    ] {
        assert_eq!(read(&message), Err(reason), "{message:.100}");
    }
}
