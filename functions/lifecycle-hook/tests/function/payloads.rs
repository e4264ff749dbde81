//! Every shape of event that AWS documents, or that others have recorded, and its content.
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use ledger::envelope::{PoisonMessage, open};
use lifecycle_hook::Notification;
use serde_json::{Value, json};
use test_support::{sample, with};

fn read_body(body: &str) -> Result<Notification, PoisonMessage> {
    Notification::read(&open(body)?)
}

/// The content of a body, in a line.
fn summary(body: &str) -> String {
    match read_body(body) {
        Ok(Notification::LifecycleAction(it)) => {
            let token = it.token.map_or(0, |token| token.len());
            format!("{:?} {} {} {} {token}", it.on, it.group, it.hook, it.instance)
        }
        Ok(Notification::Interruption { instance, notice, .. }) => format!("{notice:?} {instance}"),
        Ok(Notification::ReadyMarker { instance }) => format!("ready marker {instance}"),
        Ok(Notification::Sweep) => String::from("sweep"),
        Ok(Notification::Other(event)) => format!("other: {event}"),
        Err(poison) => format!("poison: {poison}"),
    }
}

fn event(kind: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "12345678-1234-1234-1234-123456789012", "detail-type": kind, "source": "aws.autoscaling",
        "account": "123456789012", "time": "2021-01-13T00:12:37.214Z", "region": "us-west-2", "resources": [], "detail": detail,
    })
}

fn action(transition: &str, more: &Value) -> Value {
    let kind = if transition == "LAUNCHING" { "launch" } else { "terminate" };
    let detail = json!({
        "LifecycleActionToken": "71514b9d-6a40-4b26-8523-05e7ee35fa40", "AutoScalingGroupName": "my-asg",
        "LifecycleHookName": "my-hook", "EC2InstanceId": "i-1234567890abcdef0",
        "LifecycleTransition": format!("autoscaling:EC2_INSTANCE_{transition}"),
    });
    event(&format!("EC2 Instance-{kind} Lifecycle Action"), &with(detail, more.clone()))
}

/// According to the events' reference: each route of an instance, which a lookup determines and not the message, and
/// fields that are absent, new, large or quoted.
#[test]
fn actions_of_event_bridge() {
    let launch = "Launch my-asg my-hook i-1234567890abcdef0 36";
    let end = "Terminate my-asg my-hook i-1234567890abcdef0 36";
    let nested = (0..30).fold(json!(null), |inner, _| json!([{ "z": inner }]));
    for (event, expected) in [
        (action("LAUNCHING", &json!({ "Origin": "EC2", "Destination": "AutoScalingGroup" })), launch.to_owned()),
        (action("LAUNCHING", &json!({ "Origin": "EC2", "Destination": "WarmPool" })), launch.to_owned()),
        (action("LAUNCHING", &json!({ "Origin": "WarmPool", "Destination": "AutoScalingGroup" })), launch.to_owned()),
        (action("TERMINATING", &json!({ "Origin": "AutoScalingGroup", "Destination": "EC2" })), end.to_owned()),
        (action("TERMINATING", &json!({ "Origin": "AutoScalingGroup", "Destination": "WarmPool" })), end.to_owned()),
        (action("TERMINATING", &json!({ "Origin": "WarmPool", "Destination": "EC2" })), end.to_owned()),
        (action("TERMINATING", &json!({ "Origin": "Moon", "Destination": "EC2" })), end.to_owned()),
        (action("TERMINATING", &json!({})), end.to_owned()),
        (action("LAUNCHING", &json!({ "NotificationMetadata": null, "X": { "y": nested } })), launch.to_owned()),
        (
            action("LAUNCHING", &json!({ "NotificationMetadata": "m".repeat(4_000), "X": "x".repeat(250_000) })),
            launch.to_owned(),
        ),
        (
            action("LAUNCHING", &json!({ "NotificationMetadata": "{\"a\":\"\\\"quoted\\\"\",\"b\":\"\\u0000\"}" })),
            launch.to_owned(),
        ),
        (action("NEW", &json!({})), "other: the transition autoscaling:EC2_INSTANCE_NEW".to_owned()),
    ] {
        assert_eq!(summary(&event.to_string()), expected);
    }
}

#[test]
fn events_that_are_not_lifecycle_actions() {
    let detail = json!({ "AutoScalingGroupName": "my-asg", "instance-id": "i-1234567890abcdef0" });
    for kind in [
        "EC2 Instance Launch Successful",
        "EC2 Instance Launch Unsuccessful",
        "EC2 Instance Terminate Successful",
        "EC2 Instance Terminate Unsuccessful",
        "EC2 Auto Scaling Instance Refresh Started",
        "EC2 Auto Scaling Instance Refresh Checkpoint Reached",
        "EC2 Instance State-change Notification",
        "CloudWatch Alarm State Change",
        "Something New",
    ] {
        assert_eq!(summary(&event(kind, &detail).to_string()), format!("other: {kind}"));
    }
    let spot = event("EC2 Spot Instance Interruption Warning", &detail);
    assert_eq!(summary(&spot.to_string()), "Warning i-1234567890abcdef0");
    let recommendation = event("EC2 Instance Rebalance Recommendation", &detail);
    assert_eq!(summary(&recommendation.to_string()), "Rebalance i-1234567890abcdef0");
    assert_eq!(summary(&event("Scheduled Event", &json!({})).to_string()), "sweep");
}

/// The event of every service's tag changes; the rule selects the marker.
#[test]
fn changes_of_tags() {
    let marker = sample("lifecycle-hook", "ready-marker.json");
    let volume = "arn:aws:ec2:us-west-2:123456789012:volume/vol-1";
    for (more, expected) in [
        (json!({}), "ready marker i-0a1b2c3d4e5f60718"),
        (json!({ "detail": { "changed-tag-keys": ["Name"] } }), "other: a change of another tag"),
        (json!({ "detail": { "changed-tag-keys": "envkeeper:user-data" } }), "other: a change of another tag"),
        (
            json!({ "detail": { "changed-tag-keys": ["Name", "envkeeper:user-data"] } }),
            "ready marker i-0a1b2c3d4e5f60718",
        ),
        (json!({ "resources": [volume] }), "other: a change of another tag"),
        (json!({ "resources": [] }), "other: a change of another tag"),
        (
            json!({ "resources": ["arn:aws:ec2:us-west-2:123456789012:instance/i-*"] }),
            "poison: resources is not an instance id",
        ),
    ] {
        let read = summary(&with(marker.clone(), more.clone()).to_string());
        assert!(read.starts_with(expected), "{more}: {read}");
    }
}

/// The notifications of Auto Scaling itself: JSON to a queue, lines to a topic; and SNS's envelope around either, in
/// the form for a queue and in the form for a function.
#[test]
fn actions_without_event_bridge() {
    let direct = action("TERMINATING", &json!({ "Service": "AWS Auto Scaling", "RequestId": "1" }))["detail"].clone();
    let end = "Terminate my-asg my-hook i-1234567890abcdef0 36";
    let fields = direct.as_object().expect("an object");
    let line = |(name, value): (&String, &Value)| format!("{name}: {}", value.as_str().expect("text"));
    let lines = fields.iter().map(line).collect::<Vec<_>>().join("\n");
    let test = json!({ "Service": "AWS Auto Scaling", "Event": "autoscaling:TEST_NOTIFICATION", "AutoScalingGroupName": "my-asg" });
    let envelope = |message: &str| json!({ "Type": "Notification", "TopicArn": "arn:aws:sns:us-west-2:123456789012:t", "Message": message });
    let function_event = |message: &str| json!({ "Records": [{ "EventSource": "aws:sns", "Sns": envelope(message) }] });
    for (body, expected) in [
        (direct.to_string(), end),
        (lines.clone(), end),
        (envelope(&direct.to_string()).to_string(), end),
        (envelope(&lines).to_string(), end),
        (function_event(&direct.to_string()).to_string(), end),
        (function_event(&lines).to_string(), end),
        (test.to_string(), "other: a test notification"),
        (envelope(&test.to_string()).to_string(), "other: a test notification"),
        (event("EC2 Instance-launch Lifecycle Action", &test).to_string(), "other: a test notification"),
        (
            action("LAUNCHING", &json!({ "LifecycleTransition": "autoscaling:TEST_NOTIFICATION" })).to_string(),
            "other: a test notification",
        ),
        (json!({ "LifecycleTransition": "autoscaling:TEST_NOTIFICATION" }).to_string(), "other: a test notification"),
        (json!({ "Event": "autoscaling:EC2_INSTANCE_LAUNCH" }).to_string(), "other: autoscaling:EC2_INSTANCE_LAUNCH"),
    ] {
        assert_eq!(summary(&body), expected, "{body}");
    }
}

#[test]
fn poison_messages_state_their_reason() {
    let alarm =
        json!({ "Type": "Notification", "Message": json!({ "AlarmName": "a", "NewStateValue": "ALARM" }).to_string() });
    let no_detail = with(action("LAUNCHING", &json!({})), json!({ "detail": null }));
    let upper_case = json!({ "DETAIL-TYPE": "EC2 Instance-launch Lifecycle Action", "DETAIL": {} });
    let request = json!({ "RequestType": "Create", "ResponseURL": "https://example.com/", "StackId": "s" });
    for (body, reason) in [
        (alarm.to_string(), "AlarmName"),
        (no_detail.to_string(), "detail.AutoScalingGroupName"),
        (upper_case.to_string(), "DETAIL-TYPE"),
        (request.to_string(), "RequestType"),
        (action("LAUNCHING", &json!({ "LifecycleActionToken": "" })).to_string(), "detail.LifecycleActionToken"),
    ] {
        let summary = summary(&body);
        assert!(summary.starts_with("poison: ") && summary.contains(reason), "{summary}");
    }
}

/// The message that the sweep sends to the function has no token, and is otherwise the same action.
#[test]
fn a_follow_up_message_of_a_sweep_is_an_action_without_a_token() {
    let found = sample("lifecycle-hook", "found-waiting.json");
    let Ok(Notification::LifecycleAction(found)) = read_body(&found.to_string()) else { panic!("an action") };
    let sent = read_body(&sample("lifecycle-hook", "terminate.json").to_string());
    let Ok(Notification::LifecycleAction(sent)) = sent else { panic!("an action") };
    assert_eq!((found.token.as_ref(), sent.token.as_ref().map(String::len)), (None, Some(36)));
    assert_eq!(lifecycle_hook::LifecycleAction { token: sent.token.clone(), ..found }, sent);
}
